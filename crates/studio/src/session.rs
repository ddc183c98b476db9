//! All that the requests to one studio share.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::Semaphore;

use crate::comparing::Comparison;
use crate::darkroom::Darkroom;
use crate::decisions::Decisions;
use crate::exporting::Exporter;
use crate::folder::Folder;
use crate::gate::Gate;
use crate::models::Models;
use crate::teaching::Teaching;
use crate::thumbs::Thumbs;

/// Photos that are worked on at a time: each request holds some copies in memory.
pub(crate) const MOST_AT_WORK: usize = 3;

/// An open folder with everything that a page asks for.
pub(crate) struct Session {
    pub(crate) gate: Gate,
    pub(crate) folder: Arc<Folder>,
    pub(crate) decisions: Decisions,
    pub(crate) thumbs: Thumbs,
    pub(crate) darkroom: Darkroom,
    pub(crate) models: Arc<Models>,
    pub(crate) exporter: Exporter,
    pub(crate) teaching: Teaching,
    pub(crate) comparison: Comparison,
    /// Where a model is kept that a person chose.
    pub(crate) taught: PathBuf,
    pub(crate) at_work: Arc<Semaphore>,
    pub(crate) now: Arc<dyn Fn() -> u64 + Send + Sync>,
}

impl Session {
    /// Seconds since 1970.
    pub(crate) fn now(&self) -> u64 {
        (self.now)()
    }
}
