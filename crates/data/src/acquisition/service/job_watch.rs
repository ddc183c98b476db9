//! What a job that runs has of the service.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::jobs::Jobs;

/// How a job tells how far it is, and learns whether to go on.
pub struct JobWatch {
    uuid: String,
    jobs: Arc<Jobs>,
    cancelled: Arc<AtomicBool>,
}

impl JobWatch {
    pub(super) fn new(uuid: String, jobs: Arc<Jobs>, cancelled: Arc<AtomicBool>) -> Self {
        Self { uuid, jobs, cancelled }
    }

    pub(super) fn uuid(&self) -> &str {
        &self.uuid
    }

    /// Tells how many bytes are done, and how many there are in all where that is known.
    pub fn progress(&self, done: u64, total: Option<u64>) {
        self.jobs.progress(&self.uuid, done, total);
    }

    /// Whether the job should end as soon as it can: it was cancelled, or the service stops.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }
}

impl fmt::Debug for JobWatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JobWatch").field("uuid", &self.uuid).finish_non_exhaustive()
    }
}
