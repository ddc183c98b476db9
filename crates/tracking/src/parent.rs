//! The run that another is a part of, and the tag by which MLflow nests them.

/// The run that another is a part of; see [`RunOptions::with_parent`](crate::RunOptions::with_parent).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parent {
    run_id: String,
    client_id: String,
}

/// The tag by which MLflow nests runs.
pub(crate) const PARENT: &str = "mlflow.parentRunId";
/// What stands before the id of a parent that we know by our own id only, as no server has seen it yet.
const OURS: &str = "dodge:";

impl Parent {
    pub(crate) fn new(run_id: &str, client_id: &str) -> Self {
        Self { run_id: run_id.to_owned(), client_id: client_id.to_owned() }
    }

    /// Its id in a store that knows it by ours.
    pub(crate) fn run_id(&self) -> &str {
        &self.run_id
    }

    /// Its id for a server.
    pub(crate) fn id_for_server(&self) -> String {
        // A run that a server has named keeps that name; one that starts while there is no server gets it later.
        if self.run_id == self.client_id { id_for_server(&self.client_id) } else { self.run_id.clone() }
    }
}

/// The value of a tag [`PARENT`] that names a run by our id.
pub(crate) fn id_for_server(client_id: &str) -> String {
    format!("{OURS}{client_id}")
}

/// Our id of the parent, where the value of a tag [`PARENT`] is one that a server does not know.
pub(crate) fn own_parent_id(tag: &str) -> Option<&str> {
    // Anybody can set a tag; what is no id of ours is nothing that comes later.
    tag.strip_prefix(OURS).filter(|id| id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()))
}
