//! The public behaviour of dodge-juror.

#![allow(clippy::unwrap_used, reason = "a failing unwrap is a failing test")]

mod check;
mod classical;
#[cfg(feature = "neural")]
mod learned;
#[cfg(all(feature = "http", feature = "service"))]
mod service;
