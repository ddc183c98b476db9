//! The public behaviour of dodge-juror.

#![allow(clippy::unwrap_used, reason = "a failing unwrap is a failing test")]

mod cached;
mod check;
mod classical;
mod climb;
#[cfg(feature = "neural")]
mod learned;
#[cfg(all(feature = "http", feature = "service"))]
mod service;
#[cfg(feature = "neural")]
mod siglip;
