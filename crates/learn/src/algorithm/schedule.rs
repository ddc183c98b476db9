//! Quantities that change over a training.

use std::f64::consts::PI;

use dodge_hparams::Choice;

/// How a quantity changes over a training.
#[derive(Debug, Clone, Copy, PartialEq, Choice)]
pub enum Schedule {
    /// It keeps its value.
    Constant,
    /// It falls by the same amount with each environment step.
    Linear {
        /// What is left after the last environment step, as a share of the start.
        #[hparam(default = 0.0, range = 0.0..=1.0)]
        end: f64,
    },
    /// It falls by the same ratio with each environment step: quickly at first.
    Exponential {
        /// What is left after the last environment step, as a share of the start.
        #[hparam(default = 0.01, range = 1e-6..=1.0, scale = "log")]
        end: f64,
    },
    /// It falls along half a wave: slowly at first, then quickly, then slowly again.
    Cosine {
        /// What is left after the last environment step, as a share of the start.
        #[hparam(default = 0.0, range = 0.0..=1.0)]
        end: f64,
    },
}

impl Schedule {
    /// The value when `progress` (0 to 1) of the training is done; what is beyond counts as 1.
    #[must_use]
    pub fn at(self, start: f64, progress: f64) -> f64 {
        let left = (1.0 - progress).max(0.0);
        let share = match self {
            Self::Constant => 1.0,
            Self::Linear { end } => end + (1.0 - end) * left,
            Self::Exponential { end } => end.powf(1.0 - left),
            Self::Cosine { end } => end + (1.0 - end) * 0.5 * (1.0 - (PI * left).cos()),
        };
        start * share
    }
}
