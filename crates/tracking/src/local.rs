//! The local store: a database and an artifact folder that a stock MLflow server opens.

pub(crate) mod sink;
pub(crate) mod store;
