//! The hyperparameters of deep Q-learning.

use dodge_hparams::HParams;

use crate::nn::network::Head;

/// Deep Q-learning.
#[derive(Debug, Clone, PartialEq, HParams)]
#[hparams(section = "dqn", check = "check_memory")]
pub struct DqnParams {
    /// Environments stepped together; more make the experiences less alike.
    #[hparam(default = 16, range = 1..=4096, unit = "environments")]
    pub environments: usize,
    /// Experiences kept to learn from; more forget later and need more memory.
    #[hparam(default = 100_000, range = 2..=100_000_000, unit = "environment steps")]
    pub replay_capacity: usize,
    /// Random steps before the first gradient step.
    #[hparam(default = 2_000, range = 1..=100_000_000, unit = "environment steps")]
    pub learning_starts: usize,
    /// Environment steps between two rounds of gradient steps, rounded up to whole steps of all environments.
    #[hparam(default = 64, range = 1..=1_000_000, unit = "environment steps")]
    pub train_interval: usize,
    /// Gradient steps per round.
    #[hparam(default = 16, range = 1..=1_000_000, unit = "gradient steps")]
    pub gradient_steps: usize,
    /// Samples per gradient step.
    #[hparam(default = 128, range = 1..=1_048_576, unit = "samples")]
    pub batch_size: usize,
    /// Environment steps after which the target network is renewed; fewer learn faster, more steadier.
    #[hparam(default = 2_000, range = 1..=100_000_000, unit = "environment steps")]
    pub target_interval: usize,
    /// Discount of future rewards per step.
    #[hparam(default = 0.97, range = 0.0..=1.0, search = 0.9..=0.999)]
    pub discount: f64,
    /// Rewards that a target sums up before it trusts the network.
    #[hparam(default = 1, range = 1..=100, unit = "environment steps", search = [1, 3, 5])]
    pub n_step: usize,
    /// Choose the successor's action with the learning network and value it with the target network.
    #[hparam(default = true)]
    pub double: bool,
    /// Estimate the value of the state and the advantages of the actions apart.
    #[hparam(default = false)]
    pub dueling: bool,
    /// How much surprising experiences are preferred: 0 draws all alike, 1 in proportion to the error.
    #[hparam(default = 0.0, range = 0.0..=1.0)]
    pub priority_exponent: f64,
    /// How much of that preference the loss takes back at the start; it rises to 1 over the training.
    #[hparam(default = 0.4, range = 0.0..=1.0)]
    pub priority_correction: f64,
    /// Share of random actions at the start.
    #[hparam(default = 1.0, range = 0.0..=1.0)]
    pub exploration_start: f64,
    /// Share of random actions after the exploration.
    #[hparam(default = 0.05, range = 0.0..=1.0)]
    pub exploration_end: f64,
    /// Share of the training over which the share of random actions falls linearly.
    #[hparam(default = 0.3, range = 0.0..=1.0)]
    pub exploration_share: f64,
    /// Largest Euclidean norm of the gradient over all parameters together.
    #[hparam(default = 10.0, range = 1e-6..=1000.0)]
    pub max_gradient_norm: f64,
    /// Step size of the Adam optimiser.
    #[hparam(default = 5e-4, range = 1e-8..=1.0, unit = "per gradient step", scale = "log", search = 1e-5..=1e-2)]
    pub learning_rate: f64,
    /// The model acts by an average of the networks of the latest rounds, over about this share of the training: steadier than the
    /// network of any one round. 0 takes the latest as it is.
    #[hparam(default = 0.05, range = 0.0..=1.0)]
    pub averaging_share: f64,
    /// Widths of the hidden layers.
    #[hparam(default = [256, 256], range = 1..=8192, max_len = 8)]
    pub hidden: Vec<usize>,
}

impl DqnParams {
    /// The share of random actions when `progress` (0 to 1) of the training is done.
    #[must_use]
    pub fn exploration_at(&self, progress: f64) -> f64 {
        let fallen = if self.exploration_share > 0.0 { (progress / self.exploration_share).min(1.0) } else { 1.0 };
        self.exploration_start + fallen * (self.exploration_end - self.exploration_start)
    }

    /// What the outputs of the network mean.
    pub(super) fn head(&self) -> Head {
        if self.dueling { Head::DuelingValues } else { Head::Values }
    }
}

/// There is something to draw when learning starts, and it does start.
pub(crate) fn check_memory(params: &DqnParams) -> Result<(), String> {
    let DqnParams { replay_capacity, learning_starts, batch_size, .. } = params;
    if batch_size > learning_starts {
        return Err(format!(
            "batch_size is {batch_size}, learning starts with only {learning_starts} experiences: lower batch_size, or \
             raise learning_starts"
        ));
    }
    if learning_starts > replay_capacity {
        return Err(format!(
            "learning_starts is {learning_starts}, only {replay_capacity} experiences are kept, so that learning would \
             never start: lower learning_starts, or raise replay_capacity"
        ));
    }
    Ok(())
}
