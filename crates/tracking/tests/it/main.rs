//! What the crate promises, tested through its public interface.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop, helpers included")]

mod api;
mod left_over;
mod local;
mod origins;
mod properties;
#[cfg(unix)]
mod real_mlflow;
mod recovery;
mod remote;
mod resuming;
mod schema;
mod stub;
mod support;
mod tls;
