//! The hyperparameters of the analytic policy gradient.

use dodge_hparams::HParams;

use crate::algorithm::schedule::Schedule;

/// The analytic policy gradient.
#[derive(Debug, Clone, PartialEq, HParams)]
#[hparams(section = "apg")]
pub struct ApgParams {
    /// Environments looked at together: the samples of a gradient step.
    #[hparam(default = 64, range = 2..=4096, unit = "environments", search = [32, 64, 128])]
    pub environments: usize,
    /// Step size of the Adam optimiser at the start.
    #[hparam(default = 1e-3, range = 1e-8..=1.0, unit = "per gradient step", scale = "log", search = 1e-5..=1e-2)]
    pub learning_rate: f64,
    /// How the learning rate changes with the environment steps taken.
    #[hparam(default = Schedule::Cosine { end: 0.0 }, search)]
    pub learning_rate_schedule: Schedule,
    /// How fast the weights shrink, as a share of the learning rate: small weights say the same of photos that differ little.
    #[hparam(default = 0.01, range = 0.0..=10.0, search = [0.0, 0.01, 0.1])]
    pub weight_decay: f64,
    /// Share of what the hidden layers put out that is left out at random in training, so that nothing hangs on single features.
    #[hparam(default = 0.2, range = 0.0..=0.9, search = 0.0..=0.5)]
    pub dropout: f64,
    /// Largest Euclidean norm of the gradient over all parameters together.
    #[hparam(default = 1.0, range = 1e-6..=1000.0)]
    pub max_gradient_norm: f64,
    /// The model acts by an average of the networks of the latest gradient steps, over about this share of the training.
    #[hparam(default = 0.05, range = 0.0..=1.0)]
    pub averaging_share: f64,
    /// Widths of the hidden layers of the network that moves the strengths.
    #[hparam(default = [256, 128], range = 1..=8192, max_len = 8)]
    pub hidden: Vec<usize>,
}
