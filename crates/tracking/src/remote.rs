//! Tracking to an MLflow server over REST.

pub(crate) mod client;
pub(crate) mod options;
pub(crate) mod sink;
