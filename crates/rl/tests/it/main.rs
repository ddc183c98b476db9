//! The public behaviour of dodge-rl.

#![allow(clippy::unwrap_used, reason = "a failing unwrap is a failing test")]

mod advantages;
mod agent;
mod cart_pole;
mod evaluate;
mod failing;
#[cfg(feature = "wgpu")]
mod gpu;
mod model;
mod mosaic;
mod photo_env;
mod ppo;
mod support;
mod trainer;
mod vector_environment;
