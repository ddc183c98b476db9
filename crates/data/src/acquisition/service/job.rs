//! One job: what it is to do, and where it stands.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::acquisition::messages::JobStatus;

/// What a job is to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Task {
    /// Fetch a dataset.
    Fetch { dataset_id: String },
    /// Copy a folder of the volume to another; both relative to it.
    Copy { dataset_id: Option<String>, source: PathBuf, destination: PathBuf },
}

#[derive(Debug, Clone)]
pub(super) struct Job {
    pub(super) task: Task,
    pub(super) status: JobStatus,
    /// How often it was begun.
    pub(super) starts: u32,
}

impl Task {
    /// Whether the two must not run at a time: the same dataset, or copies to the same place.
    pub(super) fn clashes_with(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Fetch { dataset_id: one }, Self::Fetch { dataset_id: other }) => one == other,
            (Self::Copy { destination: one, .. }, Self::Copy { destination: other, .. }) => one == other,
            _ => false,
        }
    }
}
