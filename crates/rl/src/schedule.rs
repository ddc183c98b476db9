//! Quantities that change over a training.

use dodge_hparams::Choice;

/// How a quantity changes over a training.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Choice)]
pub enum Schedule {
    /// It keeps its value.
    Constant,
    /// It falls linearly to zero at the last environment step.
    Linear,
}

impl Schedule {
    /// The value when `progress` (0 to 1) of the training is done.
    #[must_use]
    pub fn at(self, start: f64, progress: f64) -> f64 {
        match self {
            Self::Constant => start,
            Self::Linear => start * (1.0 - progress).max(0.0),
        }
    }
}
