//! Tracking to an MLflow server over REST.

pub(crate) mod client;
mod extra;
mod multipart;
pub(crate) mod options;
pub(crate) mod read;
pub(crate) mod sink;
