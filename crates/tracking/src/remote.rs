//! Tracking to an MLflow server over REST.

mod batch;
pub(crate) mod client;
mod extra;
mod lanes;
mod multipart;
pub(crate) mod options;
mod pages;
pub(crate) mod read;
mod reply;
pub(crate) mod server;
pub(crate) mod sink;
mod tls;
mod validity;
