//! What a step gets besides its input.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

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
}

impl Context {
    /// A context that works under `volume`, records in `run`, and stops soon after `interrupted` becomes true.
    pub fn new(
        volume: impl Into<PathBuf>,
        run: Run,
        progress: Arc<dyn Progress>,
        interrupted: Arc<AtomicBool>,
    ) -> Self {
        Self { volume: volume.into(), run, progress, interrupted }
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
