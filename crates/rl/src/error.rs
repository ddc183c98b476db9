//! The one error type of this crate.

use std::path::PathBuf;

type Source = Box<dyn std::error::Error + Send + Sync>;

/// What can go wrong while training, evaluating or applying an agent.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Hyperparameters that do not go together.
    #[error("{section}: {reason}")]
    Configuration {
        /// The section of the hyperparameter registry.
        section: &'static str,
        /// What is wrong and what to do.
        reason: String,
    },
    /// Learning failed: it diverged, or an environment, a device, a state or a checkpoint cannot be used.
    #[error(transparent)]
    Learning(dodge_learn::Error),
    /// The run was asked to stop.
    #[error("interrupted")]
    Interrupted {
        /// The model that was kept, where training had begun.
        model: Option<PathBuf>,
    },
    /// A model file cannot be used.
    #[error("model {}: {reason}", path.display())]
    Model {
        /// The file.
        path: PathBuf,
        /// What is wrong with it and what to do.
        reason: String,
    },
    /// A file or folder of the run cannot be read or written.
    #[error("cannot {action} {}: {source}", path.display())]
    File {
        /// What was tried: read, write, create.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A file is where a result should go.
    #[error("{} is there already and is no result of the same work: choose another place for the result", path.display())]
    InTheWay {
        /// The file.
        path: PathBuf,
    },
    /// A result would take the place of an input.
    #[error("a result would take the place of the input {}: choose another folder for the results", path.display())]
    ResultIsInput {
        /// The place.
        path: PathBuf,
    },
    /// What was asked for cannot be done with a photo.
    #[error("{}: {source}", path.display())]
    Photo {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: Source,
    },
    /// The data cannot be trained or evaluated on.
    #[error("{reason}")]
    Data {
        /// What is missing and what to do.
        reason: String,
    },
    /// A part below this crate failed.
    #[error("{part}: {source}")]
    Part {
        /// Which part.
        part: &'static str,
        /// Its reason.
        source: Source,
    },
}

/// An error of this crate that passed through a training comes out as it went in.
impl From<dodge_learn::Error> for Error {
    fn from(error: dodge_learn::Error) -> Self {
        match error {
            dodge_learn::Error::Interrupted => Self::Interrupted { model: None },
            dodge_learn::Error::Configuration { section, reason } => Self::Configuration { section, reason },
            dodge_learn::Error::Hyperparameters(source) => source.into(),
            dodge_learn::Error::Other(source) => match source.downcast::<Self>() {
                Ok(ours) => *ours,
                Err(source) => Self::Part { part: "training", source },
            },
            other => Self::Learning(other),
        }
    }
}

/// The way of an error of this crate through a training.
impl From<Error> for dodge_learn::Error {
    fn from(error: Error) -> Self {
        match error {
            Error::Learning(error) => error,
            other => Self::other(other),
        }
    }
}

impl From<dodge_preprocess::Error> for Error {
    fn from(source: dodge_preprocess::Error) -> Self {
        match source {
            dodge_preprocess::Error::Interrupted => Self::Interrupted { model: None },
            other => Self::Part { part: "preprocessing", source: Box::new(other) },
        }
    }
}

macro_rules! from_part {
    ($($error:ty => $part:literal),* $(,)?) => {
        $(impl From<$error> for Error {
            fn from(source: $error) -> Self {
                Self::Part { part: $part, source: Box::new(source) }
            }
        })*
    };
}

impl From<dodge_data::Error> for Error {
    fn from(source: dodge_data::Error) -> Self {
        match source {
            dodge_data::Error::Cancelled => Self::Interrupted { model: None },
            other => Self::Part { part: "photos", source: Box::new(other) },
        }
    }
}

from_part! {
    dodge_imaging::Error => "photo",
    dodge_juror::Error => "juror",
    dodge_hparams::Error => "hyperparameters",
    dodge_tracking::Error => "tracking",
}
