//! Proximal policy optimisation (Schulman et al. 2017, arXiv:1707.06347) with generalised advantage estimation
//! (Schulman et al. 2015, arXiv:1506.02438), for discrete actions.
//!
//! With the probability ratio r = π(a|s) / π_old(a|s) and the advantage A, an update minimises over minibatches
//!
//! ```text
//! L = mean( -min(r A, clip(r, 1 - ε, 1 + ε) A) ) + c_v mean( (V - R)² ) - c_e mean( H[π] )
//! ```
//!
//! Deviations from the paper: separate networks for policy and value; no clipping of the value; advantages are
//! normalised per minibatch; an episode cut off by a limit is continued with the value of its last observation.

use burn::module::Module;
use burn::optim::{AdamConfig, GradientsParams, ModuleOptimizer};
use burn::tensor::activation::log_softmax;
use burn::tensor::{Device, Int, Tensor, TensorData};
use dodge_hparams::{Choice, HParams};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::Error;
use crate::environment::{Environment, VectorEnvironment};
use crate::gradients::clip_global_norm;
use crate::network::ActorCritic;

/// Proximal policy optimisation.
#[derive(Debug, Clone, PartialEq, HParams)]
#[hparams(section = "ppo")]
pub struct PpoParams {
    /// Environments stepped together; more make the gradient steadier and the waits shorter.
    #[hparam(default = 64, range = 1..=4096, unit = "environments")]
    pub environments: usize,
    /// Steps that each environment takes between two updates.
    #[hparam(default = 64, range = 1..=65536, unit = "environment steps")]
    pub rollout_steps: usize,
    /// Samples per gradient step.
    #[hparam(default = 512, range = 2..=1048576, unit = "environment steps")]
    pub minibatch_size: usize,
    /// How often each rollout is gone through.
    #[hparam(default = 6, range = 1..=100, unit = "epochs")]
    pub epochs: usize,
    /// Discount of future rewards per step.
    #[hparam(default = 0.97, range = 0.0..=1.0)]
    pub discount: f64,
    /// Decay of the advantage estimate per step: 0 trusts the value network, 1 the sampled returns.
    #[hparam(default = 0.9, range = 0.0..=1.0)]
    pub gae_lambda: f64,
    /// How far the probability of an action may move within an update before its gradient stops, as a ratio.
    #[hparam(default = 0.2, range = 0.01..=1.0)]
    pub clip_range: f64,
    /// Weight of the policy's entropy in the loss; more explores longer.
    #[hparam(default = 0.02, range = 0.0..=1.0)]
    pub entropy_coefficient: f64,
    /// Weight of the value network's squared error in the loss.
    #[hparam(default = 0.5, range = 0.0..=10.0)]
    pub value_coefficient: f64,
    /// Largest Euclidean norm of the gradient over all parameters together.
    #[hparam(default = 0.5, range = 1e-6..=1000.0)]
    pub max_gradient_norm: f64,
    /// Step size of the Adam optimiser at the start.
    #[hparam(default = 7e-4, range = 1e-8..=1.0, unit = "per gradient step", scale = "log")]
    pub learning_rate: f64,
    /// How the learning rate changes with the environment steps taken.
    #[hparam(default = Schedule::Linear)]
    pub learning_rate_schedule: Schedule,
    /// Widths of the hidden layers, of the policy and the value network each.
    #[hparam(default = [256, 256], range = 1..=8192, max_len = 8)]
    pub hidden: Vec<usize>,
}

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

/// What was seen and done between two updates. All lists are `[step][environment]`; observations have one more axis.
#[derive(Debug, Clone, Default)]
pub struct Rollout {
    /// What was observed, `[step][environment][feature]`.
    pub observations: Vec<f32>,
    /// Which action was taken.
    pub actions: Vec<usize>,
    /// Logarithm of the probability that the policy gave it.
    pub log_probabilities: Vec<f32>,
    /// What the value network expected before.
    pub values: Vec<f32>,
    /// The reward that followed.
    pub rewards: Vec<f32>,
    /// The value of the state that followed: of the last observation where the episode was truncated, and unused where
    /// it terminated.
    pub successor_values: Vec<f32>,
    /// The episode ended and has no future.
    pub terminated: Vec<bool>,
    /// The episode was cut off.
    pub truncated: Vec<bool>,
}

impl Rollout {
    /// Completes the step that begins at `start` with the values of what came next; a truncated episode has its own.
    fn fill_successors(&mut self, start: usize, values: &[f32]) {
        let truncated = &self.truncated[start..];
        for ((successor, &value), &cut_off) in self.successor_values[start..].iter_mut().zip(values).zip(truncated) {
            if !cut_off {
                *successor = value;
            }
        }
    }
}

/// Advantage of each step by generalised advantage estimation, `[step][environment]`.
///
/// Only a termination drops the value of the successor; both a termination and a truncation stop the sum over later
/// steps, because what follows belongs to another episode.
#[must_use]
pub fn advantages(rollout: &Rollout, environments: usize, discount: f64, lambda: f64) -> Vec<f32> {
    let mut result = vec![0.0; rollout.rewards.len()];
    for i in (0..result.len()).rev() {
        let future = if rollout.terminated[i] { 0.0 } else { f64::from(rollout.successor_values[i]) };
        let surprise = f64::from(rollout.rewards[i]) + discount * future - f64::from(rollout.values[i]);
        let ended = rollout.terminated[i] || rollout.truncated[i];
        let later = match result.get(i + environments) {
            Some(&later) if !ended => f64::from(later),
            _ => 0.0,
        };
        result[i] = (surprise + discount * lambda * later) as f32;
    }
    result
}

/// One minibatch on the device.
#[derive(Debug)]
struct Minibatch {
    observations_bf: Tensor<2>,
    actions_b1: Tensor<2, Int>,
    log_probabilities_b: Tensor<1>,
    advantages_b: Tensor<1>,
    returns_b: Tensor<1>,
}

/// The loss and what it is made of.
struct Loss {
    total: Tensor<1>,
    policy: Tensor<1>,
    value: Tensor<1>,
    entropy: Tensor<1>,
    approximate_kl: Tensor<1>,
    clipped: Tensor<1>,
}

/// The loss of the module's head, for logits `[batch, action]` and values `[batch]`.
fn loss(params: &PpoParams, logits_ba: Tensor<2>, values_b: Tensor<1>, batch: &Minibatch) -> Loss {
    let log_all_ba = log_softmax(logits_ba, 1);
    let log_b = log_all_ba.clone().gather(1, batch.actions_b1.clone()).squeeze_dim::<1>(1);
    let log_ratio_b = log_b - batch.log_probabilities_b.clone();
    let ratio_b = log_ratio_b.clone().exp();

    let (low, high) = (1.0 - params.clip_range, 1.0 + params.clip_range);
    let plain_b = ratio_b.clone() * batch.advantages_b.clone();
    let clipped_b = ratio_b.clone().clamp(low, high) * batch.advantages_b.clone();
    let policy = -plain_b.min_pair(clipped_b).mean();
    let value = (values_b - batch.returns_b.clone()).square().mean();
    let entropy = -(log_all_ba.clone().exp() * log_all_ba).sum_dim(1).mean();

    let total =
        policy.clone() + value.clone() * params.value_coefficient - entropy.clone() * params.entropy_coefficient;
    // (r - 1) - log r: an estimate of KL(old, new) that is never negative (Schulman, "Approximating KL divergence").
    let approximate_kl = (ratio_b.clone() - 1.0 - log_ratio_b).mean();
    let clipped = (ratio_b - 1.0).abs().greater_elem(params.clip_range).float().mean();
    Loss { total, policy, value, entropy, approximate_kl, clipped }
}

/// What the policy did for a batch of observations.
#[derive(Debug, Clone, PartialEq)]
pub struct Decisions {
    /// Sampled actions.
    pub actions: Vec<usize>,
    /// Logarithm of the probability of each.
    pub log_probabilities: Vec<f32>,
    /// Values of the observations.
    pub values: Vec<f32>,
}

/// Means over the gradient steps of one update.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
#[non_exhaustive]
pub struct UpdateReport {
    /// Clipped surrogate loss of the policy.
    pub policy_loss: f64,
    /// Mean squared error of the value network.
    pub value_loss: f64,
    /// Entropy of the policy in nats; it falls as the policy becomes sure.
    pub entropy: f64,
    /// Estimated KL divergence from the policy before the update; above about 0.02 the steps are large.
    pub approximate_kl: f64,
    /// Share of samples whose ratio left the clip range; 0.05 to 0.2 is usual.
    pub clip_fraction: f64,
    /// Norm of the gradient before clipping.
    pub gradient_norm: f64,
    /// Share of the variance of the returns that the value network explained before the update; at most 1.
    pub explained_variance: f64,
    /// Learning rate used.
    pub learning_rate: f64,
    /// Gradient steps taken.
    pub gradient_steps: u64,
}

/// The learner: networks, optimiser and the random generator that samples actions and shuffles minibatches.
pub struct Ppo {
    params: PpoParams,
    learning: ActorCritic,
    network: ActorCritic,
    optimizer: ModuleOptimizer,
    rng: ChaCha8Rng,
    device: Device,
    observation_len: usize,
}

impl Ppo {
    /// Makes a learner with fresh networks on `device` (given without autodiff). Equal seeds give equal learners.
    #[must_use]
    pub fn new(params: PpoParams, observation_len: usize, action_count: usize, seed: u64, device: &Device) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let device = device.clone().autodiff();
        let learning = ActorCritic::new(observation_len, &params.hidden, action_count, &mut rng, &device);
        let network = learning.valid();
        let optimizer = AdamConfig::new().with_epsilon(1e-5).init();
        Self { params, learning, network, optimizer, rng, device, observation_len }
    }

    /// The current networks, without autodiff.
    #[must_use]
    pub fn network(&self) -> &ActorCritic {
        &self.network
    }

    /// Samples an action for each observation, `[environment][feature]`.
    pub fn act(&mut self, observations: &[f32]) -> Decisions {
        let observations_bf = batch(observations, self.observation_len, &self.device.clone().inner());
        let values = to_vec(self.network.values(observations_bf.clone()));
        let log_all_ba = log_softmax(self.network.logits(observations_bf), 1);
        let action_count = log_all_ba.dims()[1];
        let log_all = to_vec(log_all_ba);
        let mut decisions = Decisions { actions: Vec::new(), log_probabilities: Vec::new(), values };
        for row in log_all.chunks_exact(action_count) {
            let action = sample(row, &mut self.rng);
            decisions.actions.push(action);
            decisions.log_probabilities.push(row[action]);
        }
        decisions
    }

    /// The probability of each action, `[batch][action]`, for observations `[batch][feature]`.
    #[must_use]
    pub fn probabilities(&self, observations: &[f32]) -> Vec<f32> {
        self.network.probabilities(observations, self.observation_len, &self.device.clone().inner())
    }

    /// Takes `rollout_steps` steps in every environment.
    ///
    /// # Errors
    /// The first error of an environment.
    pub fn collect<E: Environment>(&mut self, environments: &mut VectorEnvironment<E>) -> Result<Rollout, Error> {
        let count = environments.len();
        let mut rollout = Rollout::default();
        for _ in 0..self.params.rollout_steps {
            rollout.observations.extend_from_slice(environments.observations());
            let decisions = self.act(environments.observations());
            let steps = environments.step(&decisions.actions)?;
            // The value of what follows: known one step later, except where an episode was cut off.
            let start = rollout.values.len().saturating_sub(count);
            rollout.fill_successors(start, &decisions.values);
            let cut_off: Vec<usize> = (0..count).filter(|&i| steps[i].truncated).collect();
            let mut successors = vec![f32::NAN; count];
            if !cut_off.is_empty() {
                let length = self.observation_len;
                let last = environments.final_observations();
                let rows: Vec<f32> =
                    cut_off.iter().flat_map(|&i| &last[i * length..(i + 1) * length]).copied().collect();
                for (&i, value) in cut_off.iter().zip(self.values(&rows)) {
                    successors[i] = value;
                }
            }
            rollout.successor_values.extend(successors);
            rollout.actions.extend(decisions.actions);
            rollout.log_probabilities.extend(decisions.log_probabilities);
            rollout.values.extend(decisions.values);
            rollout.rewards.extend(steps.iter().map(|s| s.reward));
            rollout.terminated.extend(steps.iter().map(|s| s.terminated));
            rollout.truncated.extend(steps.iter().map(|s| s.truncated));
        }
        let start = rollout.values.len() - count;
        let values = self.values(environments.observations());
        rollout.fill_successors(start, &values);
        Ok(rollout)
    }

    /// Values of observations, `[environment][feature]`.
    #[must_use]
    pub fn values(&self, observations: &[f32]) -> Vec<f32> {
        to_vec(self.network.values(batch(observations, self.observation_len, &self.device.clone().inner())))
    }

    /// Learns from a rollout. `progress` (0 to 1) drives the learning rate, `step` only names the place in errors.
    ///
    /// # Errors
    /// [`Error::Diverged`] when a loss or the gradient is not finite; the networks then keep their last finite state.
    pub fn update(&mut self, rollout: &Rollout, progress: f64, step: u64) -> Result<UpdateReport, Error> {
        let params = self.params.clone();
        let advantages = advantages(rollout, params.environments, params.discount, params.gae_lambda);
        let returns: Vec<f32> = advantages.iter().zip(&rollout.values).map(|(a, v)| a + v).collect();
        let mut report = UpdateReport {
            learning_rate: params.learning_rate_schedule.at(params.learning_rate, progress),
            explained_variance: explained_variance(&returns, &advantages),
            ..UpdateReport::default()
        };
        let mut order: Vec<usize> = (0..advantages.len()).collect();
        for _ in 0..params.epochs {
            shuffle(&mut order, &mut self.rng);
            for rows in order.chunks(params.minibatch_size) {
                // A single sample has no spread to normalise by.
                if rows.len() > 1 {
                    let minibatch = self.minibatch(rollout, &advantages, &returns, rows);
                    self.gradient_step(&params, &minibatch, &mut report, step)?;
                }
            }
        }
        self.network = self.learning.valid();
        report.average();
        Ok(report)
    }

    fn gradient_step(
        &mut self,
        params: &PpoParams,
        batch: &Minibatch,
        report: &mut UpdateReport,
        step: u64,
    ) -> Result<(), Error> {
        let logits_ba = self.learning.logits(batch.observations_bf.clone());
        let values_b = self.learning.values(batch.observations_bf.clone());
        let loss = loss(params, logits_ba, values_b, batch);
        let total = scalar(loss.total.clone());
        if !total.is_finite() {
            return Err(Error::Diverged { step, quantity: "the loss", value: total });
        }
        let mut gradients = GradientsParams::from_grads(loss.total.backward(), &self.learning);
        let norm = clip_global_norm(&self.learning, &mut gradients, params.max_gradient_norm);
        if !norm.is_finite() {
            return Err(Error::Diverged { step, quantity: "the norm of the gradient", value: norm });
        }
        self.learning = self.optimizer.step(report.learning_rate, self.learning.clone(), gradients);
        report.policy_loss += scalar(loss.policy);
        report.value_loss += scalar(loss.value);
        report.entropy += scalar(loss.entropy);
        report.approximate_kl += scalar(loss.approximate_kl);
        report.clip_fraction += scalar(loss.clipped);
        report.gradient_norm += norm;
        report.gradient_steps += 1;
        Ok(())
    }

    /// Rows are gathered on the host: selecting on the device keeps whole rollouts alive in the autodiff graph
    /// (tracel-ai/burn#4302).
    fn minibatch(&self, rollout: &Rollout, advantages: &[f32], returns: &[f32], rows: &[usize]) -> Minibatch {
        let pick = |all: &[f32]| -> Vec<f32> { rows.iter().map(|&row| all[row]).collect() };
        let length = self.observation_len;
        let observations: Vec<f32> =
            rows.iter().flat_map(|&row| &rollout.observations[row * length..(row + 1) * length]).copied().collect();
        let actions: Vec<i64> = rows.iter().map(|&row| rollout.actions[row] as i64).collect();
        let line = |values: Vec<f32>| Tensor::from_data(TensorData::new(values, [rows.len()]), &self.device);
        Minibatch {
            observations_bf: batch(&observations, length, &self.device),
            actions_b1: Tensor::from_data(TensorData::new(actions, [rows.len(), 1]), &self.device),
            log_probabilities_b: line(pick(&rollout.log_probabilities)),
            advantages_b: line(normalized(pick(advantages))),
            returns_b: line(pick(returns)),
        }
    }
}

impl std::fmt::Debug for Ppo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ppo").field("params", &self.params).field("observation_len", &self.observation_len).finish()
    }
}

impl UpdateReport {
    fn average(&mut self) {
        let count = self.gradient_steps.max(1) as f64;
        for sum in [
            &mut self.policy_loss,
            &mut self.value_loss,
            &mut self.entropy,
            &mut self.approximate_kl,
            &mut self.clip_fraction,
            &mut self.gradient_norm,
        ] {
            *sum /= count;
        }
    }
}

/// Draws an index with the given log-probabilities, which sum to 1 up to rounding.
fn sample(log_probabilities: &[f32], rng: &mut ChaCha8Rng) -> usize {
    let mut left: f32 = rng.random();
    for (index, log_probability) in log_probabilities.iter().enumerate() {
        left -= log_probability.exp();
        if left < 0.0 {
            return index;
        }
    }
    log_probabilities.len() - 1
}

fn shuffle(order: &mut [usize], rng: &mut ChaCha8Rng) {
    for i in (1..order.len()).rev() {
        order.swap(i, rng.random_range(0..=i));
    }
}

fn normalized(mut values: Vec<f32>) -> Vec<f32> {
    let count = values.len() as f32;
    let mean = values.iter().sum::<f32>() / count;
    let deviation = (values.iter().map(|v| (v - mean).powi(2)).sum::<f32>() / (count - 1.0)).sqrt();
    values.iter_mut().for_each(|v| *v = (*v - mean) / (deviation + 1e-8));
    values
}

fn explained_variance(returns: &[f32], errors: &[f32]) -> f64 {
    let variance = |values: &[f32]| {
        let mean = values.iter().map(|&v| f64::from(v)).sum::<f64>() / values.len() as f64;
        values.iter().map(|&v| (f64::from(v) - mean).powi(2)).sum::<f64>()
    };
    let total = variance(returns);
    if total == 0.0 { 0.0 } else { 1.0 - variance(errors) / total }
}

pub(crate) fn batch(rows: &[f32], length: usize, device: &Device) -> Tensor<2> {
    Tensor::from_data(TensorData::new(rows.to_vec(), [rows.len() / length, length]), device)
}

pub(crate) fn to_vec<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data_as::<f32>().try_into_vec().expect("the data was converted to f32")
}

fn scalar(tensor: Tensor<1>) -> f64 {
    f64::from(tensor.into_scalar::<f32>())
}

#[cfg(test)]
mod tests;
