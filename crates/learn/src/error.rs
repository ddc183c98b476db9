//! The one error type of this crate.

use std::path::PathBuf;

type Source = Box<dyn std::error::Error + Send + Sync>;

/// What can go wrong while an agent learns.
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
    /// A hyperparameter is out of its range, or does not fit the others of its section.
    #[error("hyperparameters: {0}")]
    Hyperparameters(#[from] dodge_hparams::Error),
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
    /// The training was asked to stop.
    #[error("interrupted")]
    Interrupted,
    /// There is no checkpoint to go on from.
    #[error("there is no checkpoint to go on from: start it anew")]
    NoCheckpoint,
    /// A checkpoint file cannot be used.
    #[error("checkpoint {}: {reason}", path.display())]
    Checkpoint {
        /// The file.
        path: PathBuf,
        /// What is wrong with it and what to do.
        reason: String,
    },
    /// A file or folder of the training cannot be read or written.
    #[error("cannot {action} {}: {source}", path.display())]
    File {
        /// What was tried: read, write, create.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// What the training was given failed: an environment, a judge, a callback.
    #[error(transparent)]
    Other(Source),
}

impl Error {
    /// Carries an error of the caller's own through a training; [`Error::Other`] gives it back.
    pub fn other(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Other(source.into())
    }

    /// Counts the steps until a divergence from the beginning of the training instead of the round's.
    pub(crate) fn after(self, taken: u64) -> Self {
        match self {
            Self::Diverged { step, quantity, value } => Self::Diverged { step: taken + step, quantity, value },
            other => other,
        }
    }

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
