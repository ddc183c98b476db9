//! The public behaviour of dodge-rl.

#![allow(clippy::unwrap_used, reason = "a failing unwrap is a failing test")]

mod agent;
mod evaluate;
mod failing;
mod model;
mod mosaic;
mod photo_env;
mod support;
mod trainer;
