//! What client and service say to each other, as JSON.
//!
//! The first three fields of a job and both requests are those of the service that this one takes the place of; the rest are additions,
//! which its clients pass over.

use serde::{Deserialize, Serialize};

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum JobState {
    /// It waits for its turn.
    New,
    /// It is being worked on.
    Running,
    /// It is done; the hash tells with what result.
    Completed,
    /// It ended without a result, because of an error or because it was cancelled.
    Failed,
}

impl JobState {
    /// Whether nothing will happen any more.
    #[must_use]
    pub fn is_over(self) -> bool {
        matches!(self, Self::Completed | Self::Failed)
    }

    /// The word in the message.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::New => "NEW",
            Self::Running => "RUNNING",
            Self::Completed => "COMPLETED",
            Self::Failed => "FAILED",
        }
    }
}

/// A job, as the service tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobStatus {
    /// Names the job.
    pub job_uuid: String,
    /// Where it stands.
    pub status: JobState,
    /// The directory hash of the photos, once completed.
    #[serde(default)]
    pub resulting_hash: Option<String>,
    /// Where a copy goes, for jobs that copy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destination_directory: Option<String>,
    /// The dataset that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dataset_id: Option<String>,
    /// Bytes that are done.
    #[serde(default)]
    pub bytes_done: u64,
    /// Bytes in all, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes_total: Option<u64>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// Asks for a dataset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AcquisitionRequest {
    pub(crate) dataset_id: String,
}

/// Asks for a copy of a folder of the volume: that of a dataset, or one named by its path.
#[cfg(feature = "service")]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CopyRequest {
    #[serde(default)]
    pub(crate) source_dataset_id: Option<String>,
    #[serde(default)]
    pub(crate) source_directory: Option<String>,
    pub(crate) destination_directory: String,
}

/// Why a request was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Refusal {
    pub(crate) detail: String,
    /// The job that is already at it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) job_uuid: Option<String>,
}
