//! The hyperparameters of proximal policy optimisation.

use dodge_hparams::HParams;

use crate::algorithm::schedule::Schedule;

/// Proximal policy optimisation.
#[derive(Debug, Clone, PartialEq, HParams)]
#[hparams(section = "ppo", check = "check_ppo")]
pub struct PpoParams {
    /// Environments stepped together; more make the gradient steadier and the waits shorter.
    #[hparam(default = 64, range = 1..=4096, unit = "environments")]
    pub environments: usize,
    /// Steps that each environment takes between two updates.
    #[hparam(default = 64, range = 1..=65536, unit = "environment steps")]
    pub rollout_steps: usize,
    /// Samples per gradient step.
    #[hparam(default = 512, range = 2..=1048576, unit = "environment steps", search = [128, 256, 512, 1024])]
    pub minibatch_size: usize,
    /// How often each rollout is gone through.
    #[hparam(default = 6, range = 1..=100, unit = "epochs", search = 2..=12)]
    pub epochs: usize,
    /// Discount of future rewards per step.
    #[hparam(default = 0.97, range = 0.0..=1.0, search = 0.9..=0.999)]
    pub discount: f64,
    /// Decay of the advantage estimate per step: 0 trusts the value network, 1 the sampled returns.
    #[hparam(default = 0.9, range = 0.0..=1.0, search = 0.8..=1.0)]
    pub gae_lambda: f64,
    /// How far the probability of an action may move within an update before its gradient stops, as a ratio.
    #[hparam(default = 0.2, range = 0.01..=1.0, search = 0.1..=0.4)]
    pub clip_range: f64,
    /// How the clip range changes with the environment steps taken.
    #[hparam(default = Schedule::Constant)]
    pub clip_range_schedule: Schedule,
    /// How far a value may move within an update before its gradient stops; 0 sets no limit.
    #[hparam(default = 0.0, range = 0.0..=1000.0)]
    pub value_clip_range: f64,
    /// Divergence from the policy before the update, estimated over an epoch, at which no further epoch follows; 0 sets no
    /// limit.
    #[hparam(default = 0.0, range = 0.0..=10.0, unit = "nats")]
    pub target_kl: f64,
    /// Weight of the policy's entropy in the loss; more explores longer.
    #[hparam(default = 0.02, range = 0.0..=1.0)]
    pub entropy_coefficient: f64,
    /// Weight of the strengths' entropy in the loss, where actions take a strength; more keeps them from settling early.
    #[hparam(default = 0.0, range = 0.0..=1.0)]
    pub strength_entropy_coefficient: f64,
    /// Standard deviation with which strengths are drawn at the start, before tanh brings them between -1 and 1; it is learnt
    /// for each kind of action.
    #[hparam(default = 0.5, range = 0.001..=2.0)]
    pub strength_deviation: f64,
    /// What the standard deviation of strengths does not fall below; without exploration nothing is learnt any more.
    #[hparam(default = 0.05, range = 0.001..=2.0)]
    pub min_strength_deviation: f64,
    /// What the standard deviation of strengths does not rise above; beyond 0.7 tanh piles them up at both ends.
    #[hparam(default = 0.7, range = 0.001..=2.0)]
    pub max_strength_deviation: f64,
    /// Weight of the value network's squared error in the loss.
    #[hparam(default = 0.5, range = 0.0..=10.0)]
    pub value_coefficient: f64,
    /// Largest Euclidean norm of the gradient over all parameters together.
    #[hparam(default = 0.5, range = 1e-6..=1000.0)]
    pub max_gradient_norm: f64,
    /// Step size of the Adam optimiser at the start.
    #[hparam(default = 7e-4, range = 1e-8..=1.0, unit = "per gradient step", scale = "log", search = 1e-5..=1e-2)]
    pub learning_rate: f64,
    /// How the learning rate changes with the environment steps taken.
    #[hparam(default = Schedule::Linear { end: 0.0 }, search)]
    pub learning_rate_schedule: Schedule,
    /// The model acts by an average of the policies of the latest updates, over about this share of the training: steadier,
    /// and better on photos that it was not trained on, than the policy of any one update. 0 takes the latest as it is.
    #[hparam(default = 0.05, range = 0.0..=1.0)]
    pub averaging_share: f64,
    /// Widths of the hidden layers, of the policy and the value network each.
    #[hparam(default = [256, 256], range = 1..=8192, max_len = 8)]
    pub hidden: Vec<usize>,
}

impl PpoParams {
    /// What logarithms of the standard deviations of strengths are held within.
    pub(super) fn log_deviations(&self) -> (f32, f32) {
        (self.min_strength_deviation.ln() as f32, self.max_strength_deviation.ln() as f32)
    }
}

fn check_ppo(params: &PpoParams) -> Result<(), String> {
    check_rollout(params)?;
    check_deviations(params)
}

fn check_deviations(params: &PpoParams) -> Result<(), String> {
    let (start, least, most) =
        (params.strength_deviation, params.min_strength_deviation, params.max_strength_deviation);
    if least <= start && start <= most {
        return Ok(());
    }
    Err(format!(
        "strength_deviation is {start}, which is not between min_strength_deviation {least} and max_strength_deviation {most}: \
         change one of the three"
    ))
}

/// A minibatch is part of a rollout.
pub(crate) fn check_rollout(params: &PpoParams) -> Result<(), String> {
    let PpoParams { environments, rollout_steps, minibatch_size, .. } = params;
    let samples = environments.saturating_mul(*rollout_steps);
    if *minibatch_size <= samples {
        return Ok(());
    }
    Err(format!(
        "minibatch_size is {minibatch_size}, a rollout has only {samples} samples (environments × rollout_steps = \
         {environments} × {rollout_steps}): lower minibatch_size, or raise one of the others"
    ))
}
