//! The one error type of this crate.

use std::path::{Path, PathBuf};

/// Why preprocessing failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file or folder cannot be read or written.
    #[error("cannot {action} {}: {source}", path.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// None of the photos can be used.
    #[error(transparent)]
    Data(#[from] dodge_data::Error),
    /// A photo cannot be read or written.
    #[error(transparent)]
    Photo(#[from] dodge_imaging::Error),
    /// The juror gave no scores.
    #[error(transparent)]
    Juror(#[from] dodge_juror::Error),
    /// The metrics cannot be recorded.
    #[error(transparent)]
    Tracking(#[from] dodge_tracking::Error),
    /// An annotation file is not what it should be.
    #[error("annotation file {}: {reason}", path.display())]
    Annotations {
        /// The file.
        path: PathBuf,
        /// What is wrong with it and what to do.
        reason: String,
    },
    /// There are too few photos to split.
    #[error("a training, a validation and a test split need at least {needed} photos, got {got}")]
    TooFewPhotos {
        /// Photos there are.
        got: usize,
        /// Photos needed.
        needed: usize,
    },
    /// A step was given what it cannot work on.
    #[error("the step {step} {reason}")]
    Input {
        /// The step.
        step: &'static str,
        /// What is wrong and what to do.
        reason: String,
    },
    /// The program was asked to stop.
    #[error("interrupted")]
    Interrupted,
}

pub(crate) fn file_error(action: &'static str, path: &Path, source: std::io::Error) -> Error {
    Error::File { action, path: path.to_owned(), source }
}
