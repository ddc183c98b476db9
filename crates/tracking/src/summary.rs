//! What became of the records of a run.

use std::path::PathBuf;

use crate::Status;

/// What became of a run's records when it was finished.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Summary {
    /// The id under which the run is found at its destination.
    pub run_id: String,
    /// How the run ended.
    pub status: Status,
    /// Records that arrived at the destination.
    pub delivered: u64,
    /// Records that wait in the spool for the next sync.
    pub pending: u64,
    /// Items (metrics, params, tags, artifacts) that the server refused for good.
    pub rejected: u64,
    /// The first of the refused items.
    pub rejections: Vec<Rejection>,
    /// The folder that still holds records, if one does.
    pub spool: Option<PathBuf>,
    /// The last failure of delivery, if records are pending because of one.
    pub last_error: Option<String>,
}

impl Summary {
    /// Whether everything that was logged arrived.
    pub fn is_complete(&self) -> bool {
        self.pending == 0 && self.rejected == 0
    }
}

/// An item that a server refused for good.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rejection {
    /// What it is, for example ``metric `loss` ``.
    pub item: String,
    /// What the server said.
    pub reason: String,
}
