//! The public behaviour of dodge-learn.

#![allow(clippy::unwrap_used, reason = "a failing unwrap is a failing test")]

mod advantages;
mod apg;
mod cart_pole;
#[cfg(feature = "wgpu")]
mod gpu;
mod ppo;
mod support;
mod vector_environment;
