//! What a step gets besides its input.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use dodge_tracking::Run;

use crate::error::Error;
use crate::progress::Progress;

/// Where a step works and to whom it reports.
#[derive(Clone)]
pub struct Context {
    volume: PathBuf,
    run: Run,
    progress: Arc<dyn Progress>,
    interrupted: Arc<AtomicBool>,
    used: Arc<Mutex<Used>>,
}

/// What the steps found or made so far.
#[derive(Default)]
struct Used {
    results: Vec<UsedResult>,
    /// Locks of their folders, which nobody removes meanwhile.
    locks: Vec<File>,
}

/// A result as a run used it.
#[derive(Debug, Clone, PartialEq)]
pub struct UsedResult {
    /// The step.
    pub step: &'static str,
    /// The folder of the result.
    pub folder: PathBuf,
    /// Whether it is an earlier one.
    pub reused: bool,
    /// How long it took to find or make it, in seconds.
    pub seconds: f64,
    /// Files that were left out because they cannot be decoded.
    pub left_out: usize,
}

impl Context {
    /// A context that works under `volume`, records in `run`, and stops soon after `interrupted` becomes true.
    pub fn new(
        volume: impl Into<PathBuf>,
        run: Run,
        progress: Arc<dyn Progress>,
        interrupted: Arc<AtomicBool>,
    ) -> Self {
        Self { volume: volume.into(), run, progress, interrupted, used: Arc::default() }
    }

    /// The folder under which everything is kept.
    #[must_use]
    pub fn volume(&self) -> &Path {
        &self.volume
    }

    /// The tracked run.
    #[must_use]
    pub fn run(&self) -> &Run {
        &self.run
    }

    /// The progress display.
    #[must_use]
    pub fn progress(&self) -> &dyn Progress {
        &*self.progress
    }

    /// The results that steps used so far, in the order of the steps.
    #[must_use]
    pub fn used(&self) -> Vec<UsedResult> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner).results.clone()
    }

    /// Notes a result, and keeps its lock as long as this context and its copies are there.
    pub(crate) fn note_use(&self, result: UsedResult, lock: Option<File>) {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        used.results.push(result);
        used.locks.extend(lock);
    }

    /// Stops the work where a stop was asked for.
    ///
    /// # Errors
    /// [`Error::Interrupted`].
    pub fn check_interrupted(&self) -> Result<(), Error> {
        if self.interrupted.load(Ordering::Relaxed) { Err(Error::Interrupted) } else { Ok(()) }
    }
}

impl std::fmt::Debug for Context {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Context").field("volume", &self.volume).finish_non_exhaustive()
    }
}
