//! The one error type of this crate.

use std::path::PathBuf;

/// Why a juror gave no scores.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The juror cannot answer.
    #[error("juror {juror} gave no score: {reason}")]
    Unavailable {
        /// The juror's name.
        juror: String,
        /// Why.
        reason: String,
    },
    /// The juror returned another number of scores than photos.
    #[error("juror {juror} gave {got} scores for {expected} photos")]
    WrongCount {
        /// The juror's name.
        juror: String,
        /// Number of photos.
        expected: usize,
        /// Number of scores.
        got: usize,
    },
    /// A file of a juror's model cannot be used.
    #[error("{} is no file of a juror: {reason}", path.display())]
    Model {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and what to do.
        reason: String,
    },
    /// There are too few photos to learn from.
    #[error("{got} photos are too few to learn from: at least {expected} are needed")]
    TooFewPhotos {
        /// How many there are.
        got: usize,
        /// How many it takes.
        expected: usize,
    },
    /// The juror service cannot run.
    #[error("the juror service on {address} cannot run: {reason}")]
    Service {
        /// Where it was to listen.
        address: String,
        /// Why it cannot.
        reason: String,
    },
}
