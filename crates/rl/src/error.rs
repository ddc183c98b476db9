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
    /// The optimisation produced a number that is not finite; the last good model is kept.
    #[error("training diverged at environment step {step}: {quantity} is {value}; try a smaller learning_rate")]
    Diverged {
        /// Environment steps taken so far.
        step: u64,
        /// What became non-finite.
        quantity: &'static str,
        /// Its value.
        value: f64,
    },
    /// No such device can be computed on.
    #[error("{reason}")]
    Device {
        /// What is missing.
        reason: String,
    },
    /// An environment cannot be learnt in, or broke its promises.
    #[error("environment: {reason}")]
    Environment {
        /// What is wrong.
        reason: String,
    },
    /// A saved state of a training cannot be written or used.
    #[error("{reason}")]
    State {
        /// What is wrong with it.
        reason: String,
    },
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
    /// A checkpoint file cannot be used.
    #[error("checkpoint {}: {reason}", path.display())]
    Checkpoint {
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

impl Error {
    /// Says of an environment's failure in which round it happened; `step` counts the environment steps before the round.
    pub(crate) fn in_round_after(self, step: u64) -> Self {
        match self {
            Self::Environment { reason } => {
                Self::Environment { reason: format!("{reason}, in the round after environment step {step}") }
            }
            other => other,
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

from_part! {
    dodge_data::Error => "photos",
    dodge_imaging::Error => "photo",
    dodge_juror::Error => "juror",
    dodge_hparams::Error => "hyperparameters",
    dodge_tracking::Error => "tracking",
}
