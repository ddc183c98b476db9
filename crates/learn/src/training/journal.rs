//! What a training tells the world while it runs.

use std::path::Path;

use crate::error::Error;

/// Where a training is written down and shown, and what may stop it. Every method does nothing unless it is implemented.
/// Open for implementation.
pub trait Journal {
    /// Records figures by their names; `step` counts environment steps.
    ///
    /// # Errors
    /// Any; the training then ends.
    fn record(&self, figures: &[(String, f64)], step: u64) -> Result<(), Error> {
        let _ = (figures, step);
        Ok(())
    }

    /// Keeps the file of a checkpoint, which the next one replaces.
    ///
    /// # Errors
    /// As [`Journal::record`].
    fn keep_checkpoint(&self, file: &Path) -> Result<(), Error> {
        let _ = file;
        Ok(())
    }

    /// Whether the training shall stop at the next opportunity.
    fn is_interrupted(&self) -> bool {
        false
    }

    /// The training begins, goes on by some environment steps of `total`, is at a point that is described in a few words,
    /// or ends.
    fn show(&self, progress: Progress<'_>) {
        let _ = progress;
    }
}

/// How a training goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress<'a> {
    /// It begins, and takes so many environment steps in all.
    Begun {
        /// Environment steps in all.
        total: u64,
    },
    /// So many more environment steps were taken.
    Advanced {
        /// Environment steps since the last word.
        steps: u64,
    },
    /// How it stands, in a few words.
    Stands(&'a str),
    /// It is over.
    Ended,
}

/// Writes nothing down.
impl Journal for () {}
