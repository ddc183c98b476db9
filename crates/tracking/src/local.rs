//! The local store: a folder that a stock MLflow server opens.

mod extra;
pub(crate) mod read;
pub(crate) mod sink;
pub(crate) mod store;
