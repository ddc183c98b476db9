//! Proximal policy optimisation (Schulman et al. 2017, arXiv:1707.06347) with generalised advantage estimation
//! (Schulman et al. 2015, arXiv:1506.02438), for discrete actions.
//!
//! With the probability ratio r = π(a|s) / π_old(a|s) and the advantage A, an update minimises over minibatches
//!
//! ```text
//! L = mean( -min(r A, clip(r, 1 - ε, 1 + ε) A) ) + c_v mean( (V - R)² ) - c_e mean( H[π] )
//! ```
//!
//! Masked actions are left out of π, so of r and H too.
//!
//! Deviations from the paper: separate networks for policy and value, of which the value network sees what the environment
//! tells it alone ([`Environment::privileged`]); advantages are normalised per minibatch; an episode cut off by a limit is
//! continued with the value of its last observation; the model acts by an average of the latest policies.

use burn::module::Module;
use burn::tensor::activation::log_softmax;
use burn::tensor::{Device, Int, Tensor, TensorData};
use dodge_hparams::{Choice, HParams};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::Error;
use crate::agent::Policy;
use crate::environment::{Environment, Spaces, VectorEnvironment};
use crate::learner::{Advance, Clock, Learner};
use crate::network::{AgentNetwork, Head, Perceptron, batch, softsign, to_vec};
use crate::optimizer::{Adam, Gradient, averaged, clip_factor, restore_parameters, save_parameters};
use crate::state::{StateReader, StateWriter};

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
    /// The model acts by an average of the policies of the latest updates, over about this share of the training: steadier,
    /// and better on photos that it was not trained on, than the policy of any one update. 0 takes the latest as it is.
    #[hparam(default = 0.05, range = 0.0..=1.0)]
    pub averaging_share: f64,
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
    /// What only the value network may see, `[step][environment][feature]`.
    pub privileged: Vec<f32>,
    /// Which action was taken.
    pub actions: Vec<usize>,
    /// Which actions could be taken, `[step][environment][action]`.
    pub masks: Vec<bool>,
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
    judged_bf: Tensor<2>,
    actions_b1: Tensor<2, Int>,
    penalties_ba: Option<Tensor<2>>,
    log_probabilities_b: Tensor<1>,
    advantages_b: Tensor<1>,
    returns_b: Tensor<1>,
    old_values_b: Tensor<1>,
}

/// The part of the loss that trains the policy, and what it is made of.
struct PolicyLoss {
    total: Tensor<1>,
    surrogate: Tensor<1>,
    entropy: Tensor<1>,
    approximate_kl: Tensor<1>,
    clipped: Tensor<1>,
}

/// `mean(-min(r A, clip(r) A)) - c_e mean(H)` for logits `[batch, action]`.
fn policy_loss(params: &PpoParams, logits_ba: Tensor<2>, batch: &Minibatch) -> PolicyLoss {
    let log_all_ba = log_softmax(masked(logits_ba, batch.penalties_ba.clone()), 1);
    let log_b = log_all_ba.clone().gather(1, batch.actions_b1.clone()).squeeze_dim::<1>(1);
    let log_ratio_b = log_b - batch.log_probabilities_b.clone();
    let ratio_b = log_ratio_b.clone().exp();

    let (low, high) = (1.0 - params.clip_range, 1.0 + params.clip_range);
    let plain_b = ratio_b.clone() * batch.advantages_b.clone();
    let clipped_b = ratio_b.clone().clamp(low, high) * batch.advantages_b.clone();
    let surrogate = -plain_b.min_pair(clipped_b).mean();
    let entropy = -(log_all_ba.clone().exp() * log_all_ba).sum_dim(1).mean();

    let total = surrogate.clone() - entropy.clone() * params.entropy_coefficient;
    // (r - 1) - log r: an estimate of KL(old, new) that is never negative (Schulman, "Approximating KL divergence").
    let approximate_kl = (ratio_b.clone() - 1.0 - log_ratio_b).mean();
    let clipped = (ratio_b - 1.0).abs().greater_elem(params.clip_range).float().mean();
    PolicyLoss { total, surrogate, entropy, approximate_kl, clipped }
}

/// The part of the loss that trains the value network, for values `[batch]`: `mean((V - R)²)`, or with a limit on how far
/// a value moves, the worse of the moved and the limited value's.
fn value_loss(params: &PpoParams, values_b: Tensor<1>, batch: &Minibatch) -> Tensor<1> {
    let plain_b = (values_b.clone() - batch.returns_b.clone()).square();
    if params.value_clip_range == 0.0 {
        return plain_b.mean();
    }
    let moved_b = (values_b - batch.old_values_b.clone()).clamp(-params.value_clip_range, params.value_clip_range);
    let limited_b = (batch.old_values_b.clone() + moved_b - batch.returns_b.clone()).square();
    plain_b.max_pair(limited_b).mean()
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

/// Policy and value network. They share nothing, so that the scale of the value's loss cannot disturb the policy.
#[derive(Module, Debug)]
struct ActorCritic {
    policy: AgentNetwork,
    value: Perceptron,
}

impl ActorCritic {
    /// Unnormalised log-probabilities `[batch, action]` of observations `[batch, feature]`.
    fn logits(&self, observations_bf: Tensor<2>) -> Tensor<2> {
        self.policy.forward(observations_bf)
    }

    /// Values `[batch]` of observations `[batch, feature]`.
    fn values(&self, observations_bf: Tensor<2>) -> Tensor<1> {
        self.value.forward(observations_bf, softsign).squeeze_dim(1)
    }
}

/// The learner: networks, optimiser and the random generator that samples actions and shuffles minibatches.
pub struct Ppo {
    params: PpoParams,
    learning: ActorCritic,
    network: ActorCritic,
    averaged: AgentNetwork,
    policy_optimizer: Adam,
    value_optimizer: Adam,
    rng: ChaCha8Rng,
    device: Device,
    spaces: Spaces,
}

impl Ppo {
    /// Makes a learner with fresh networks on `device` (given without autodiff). Equal seeds give equal learners.
    #[must_use]
    pub fn new(params: PpoParams, spaces: Spaces, seed: u64, device: &Device) -> Self {
        let Spaces { observation_len, privileged_len, action_count } = spaces;
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let device = device.clone().autodiff();
        let policy = AgentNetwork::new(observation_len, &params.hidden, action_count, Head::Policy, &mut rng, &device);
        let value = Perceptron::new(observation_len + privileged_len, &params.hidden, 1, 1.0, &mut rng, &device);
        let learning = ActorCritic { policy, value };
        let network = learning.valid();
        let averaged = network.policy.clone();
        let optimizer = Adam::new(1e-5);
        let (policy_optimizer, value_optimizer) = (optimizer.clone(), optimizer);
        Self { params, learning, network, averaged, policy_optimizer, value_optimizer, rng, device, spaces }
    }

    /// Samples an action for each observation, `[environment][feature]`, among those that its mask,
    /// `[environment][action]`, leaves open, and judges it with the `privileged` information, `[environment][feature]`.
    pub fn act(&mut self, observations: &[f32], privileged: &[f32], masks: &[bool]) -> Decisions {
        let device = self.device.clone().inner();
        let observations_bf = batch(observations, self.spaces.observation_len, &device);
        let values = self.values(observations, privileged);
        let logits_ba = self.network.logits(observations_bf);
        let action_count = logits_ba.dims()[1];
        let log_all_ba = log_softmax(masked(logits_ba, penalties(masks, action_count, &device)), 1);
        let log_all = to_vec(log_all_ba);
        let mut decisions = Decisions { actions: Vec::new(), log_probabilities: Vec::new(), values };
        for row in log_all.chunks_exact(action_count) {
            let action = sample(row, &mut self.rng);
            decisions.actions.push(action);
            decisions.log_probabilities.push(row[action]);
        }
        decisions
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
            rollout.privileged.extend_from_slice(environments.privileged());
            rollout.masks.extend_from_slice(environments.masks());
            let decisions = self.act(environments.observations(), environments.privileged(), environments.masks());
            let steps = environments.step(&decisions.actions)?;
            // The value of what follows: known one step later, except where an episode was cut off.
            let start = rollout.values.len().saturating_sub(count);
            rollout.fill_successors(start, &decisions.values);
            let cut_off: Vec<usize> = (0..count).filter(|&i| steps[i].truncated).collect();
            let mut successors = vec![f32::NAN; count];
            if !cut_off.is_empty() {
                let shown = pick(environments.final_observations(), &cut_off, self.spaces.observation_len);
                let known = pick(environments.final_privileged(), &cut_off, self.spaces.privileged_len);
                for (&i, value) in cut_off.iter().zip(self.values(&shown, &known)) {
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
        let values = self.values(environments.observations(), environments.privileged());
        rollout.fill_successors(start, &values);
        Ok(rollout)
    }

    /// Values of observations, `[environment][feature]`, with the `privileged` information beside them.
    #[must_use]
    pub fn values(&self, observations: &[f32], privileged: &[f32]) -> Vec<f32> {
        to_vec(self.network.values(self.judged(observations, privileged, &self.device.clone().inner())))
    }

    /// What the value network sees: observations, and the privileged information beside them.
    fn judged(&self, observations: &[f32], privileged: &[f32], device: &Device) -> Tensor<2> {
        let Spaces { observation_len, privileged_len, .. } = self.spaces;
        if privileged_len == 0 {
            return batch(observations, observation_len, device);
        }
        let rows = observations.chunks_exact(observation_len).zip(privileged.chunks_exact(privileged_len));
        let both: Vec<f32> = rows.flat_map(|(shown, known)| shown.iter().chain(known)).copied().collect();
        batch(&both, observation_len + privileged_len, device)
    }

    /// Learns from a rollout that was begun at `clock`, whose progress drives the schedules.
    ///
    /// # Errors
    /// [`Error::Diverged`] when a loss or the gradient is not finite; the networks then keep their last finite state.
    pub fn update(&mut self, rollout: &Rollout, clock: Clock) -> Result<UpdateReport, Error> {
        let steps = rollout.rewards.len() as u64;
        let (progress, step) = (clock.progress(), clock.taken + steps);
        let mut params = self.params.clone();
        params.clip_range = params.clip_range_schedule.at(params.clip_range, progress);
        let advantages = advantages(rollout, params.environments, params.discount, params.gae_lambda);
        let returns: Vec<f32> = advantages.iter().zip(&rollout.values).map(|(a, v)| a + v).collect();
        let mut report = UpdateReport {
            learning_rate: params.learning_rate_schedule.at(params.learning_rate, progress),
            explained_variance: explained_variance(&returns, &advantages),
            ..UpdateReport::default()
        };
        let mut order: Vec<usize> = (0..advantages.len()).collect();
        for _ in 0..params.epochs {
            let (divergence, taken) = (report.approximate_kl, report.gradient_steps);
            shuffle(&mut order, &mut self.rng);
            for rows in order.chunks(params.minibatch_size) {
                // A single sample has no spread to normalise by.
                if rows.len() > 1 {
                    let minibatch = self.minibatch(rollout, &advantages, &returns, rows);
                    self.gradient_step(&params, &minibatch, &mut report, step)?;
                }
            }
            let of_epoch = (report.approximate_kl - divergence) / (report.gradient_steps - taken).max(1) as f64;
            if params.target_kl > 0.0 && of_epoch > params.target_kl {
                break;
            }
        }
        self.network = self.learning.valid();
        let part = steps as f64 / clock.total.max(1) as f64;
        let kept = if params.averaging_share > 0.0 { (-part / params.averaging_share).exp() } else { 0.0 };
        self.averaged = averaged(self.averaged.clone(), &self.network.policy, kept as f32);
        report.average();
        Ok(report)
    }

    /// The two networks share no parameter, so that their halves of the work run side by side and only the norm of the
    /// gradient joins them. Each half runs on one thread: the number of threads changes no bit of the result.
    fn gradient_step(
        &mut self,
        params: &PpoParams,
        batch: &Minibatch,
        report: &mut UpdateReport,
        step: u64,
    ) -> Result<(), Error> {
        let networks = &self.learning;
        let (policy, value) = rayon::join(
            || {
                let loss = policy_loss(params, networks.logits(batch.observations_bf.clone()), batch);
                (Gradient::of(&loss.total, &networks.policy), loss)
            },
            || {
                let loss = value_loss(params, networks.values(batch.judged_bf.clone()), batch);
                (Gradient::of(&(loss.clone() * params.value_coefficient), &networks.value), scalar(loss))
            },
        );
        let ((policy_gradient, loss), (value_gradient, value_loss)) = (policy, value);
        let norm = (policy_gradient.squared_norm() + value_gradient.squared_norm()).sqrt();
        let total = scalar(loss.total);
        for (quantity, value) in
            [("the policy's loss", total), ("the value's loss", value_loss), ("the norm of the gradient", norm)]
        {
            if !value.is_finite() {
                return Err(Error::Diverged { step, quantity, value });
            }
        }

        let (scale, rate) = (clip_factor(norm, params.max_gradient_norm), report.learning_rate);
        let ActorCritic { policy, value } = self.learning.clone();
        let (policy, value) = rayon::join(
            || self.policy_optimizer.step(policy, &policy_gradient, scale, rate),
            || self.value_optimizer.step(value, &value_gradient, scale, rate),
        );
        self.learning = ActorCritic { policy, value };

        report.policy_loss += scalar(loss.surrogate);
        report.value_loss += value_loss;
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
        let Spaces { observation_len, privileged_len, action_count } = self.spaces;
        let observations = pick(&rollout.observations, rows, observation_len);
        let privileged = pick(&rollout.privileged, rows, privileged_len);
        let masks = pick(&rollout.masks, rows, action_count);
        let actions: Vec<i64> = rows.iter().map(|&row| rollout.actions[row] as i64).collect();
        let line = |values: Vec<f32>| Tensor::from_data(TensorData::new(values, [rows.len()]), &self.device);
        Minibatch {
            observations_bf: batch(&observations, observation_len, &self.device),
            judged_bf: self.judged(&observations, &privileged, &self.device),
            actions_b1: Tensor::from_data(TensorData::new(actions, [rows.len(), 1]), &self.device),
            penalties_ba: penalties(&masks, action_count, &self.device),
            log_probabilities_b: line(pick(&rollout.log_probabilities, rows, 1)),
            advantages_b: line(normalized(pick(advantages, rows, 1))),
            returns_b: line(pick(returns, rows, 1)),
            old_values_b: line(pick(&rollout.values, rows, 1)),
        }
    }
}

impl Policy for Ppo {
    fn preferences(&self, observations: &[f32]) -> Vec<f32> {
        self.averaged.preferences(observations, self.spaces.observation_len, &self.device.clone().inner())
    }
}

impl Learner for Ppo {
    fn advance<E: Environment>(
        &mut self,
        environments: &mut VectorEnvironment<E>,
        clock: Clock,
    ) -> Result<Advance, Error> {
        let rollout = self.collect(environments)?;
        let steps = rollout.rewards.len() as u64;
        let report = self.update(&rollout, clock)?;
        let metrics = vec![
            ("train/policy_loss", report.policy_loss),
            ("train/value_loss", report.value_loss),
            ("train/entropy", report.entropy),
            ("train/approximate_kl", report.approximate_kl),
            ("train/clip_fraction", report.clip_fraction),
            ("train/gradient_norm", report.gradient_norm),
            ("train/explained_variance", report.explained_variance),
            ("train/learning_rate", report.learning_rate),
        ];
        Ok(Advance { steps, metrics })
    }

    fn network(&self) -> AgentNetwork {
        self.averaged.clone()
    }

    fn save_state(&self, writer: &mut StateWriter) -> Result<(), Error> {
        writer.write(&self.rng)?;
        save_parameters(&self.learning, writer)?;
        save_parameters(&self.averaged, writer)?;
        self.policy_optimizer.save_state(writer)?;
        self.value_optimizer.save_state(writer)
    }

    fn restore_state(&mut self, reader: &mut StateReader<'_>) -> Result<(), Error> {
        self.rng = reader.read()?;
        self.learning = restore_parameters(self.learning.clone(), reader)?;
        self.network = self.learning.valid();
        self.averaged = restore_parameters(self.averaged.clone(), reader)?;
        self.policy_optimizer.restore_state(reader)?;
        self.value_optimizer.restore_state(reader)
    }
}

impl std::fmt::Debug for Ppo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ppo").field("params", &self.params).field("spaces", &self.spaces).finish()
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

/// What is added to the logits of masked actions: so much that their probability is exactly 0 in single precision, yet
/// finite, because 0 · ∞ in the entropy would not be a number.
const MASKED: f32 = -1e9;

/// What masks, `[batch][action]`, add to logits; none where nothing is masked.
fn penalties(masks: &[bool], action_count: usize, device: &Device) -> Option<Tensor<2>> {
    if !masks.contains(&false) {
        return None;
    }
    let values: Vec<f32> = masks.iter().map(|&open| if open { 0.0 } else { MASKED }).collect();
    Some(Tensor::from_data(TensorData::new(values, [masks.len() / action_count, action_count]), device))
}

/// Logits of the open actions only: sampling, log-probability and entropy all follow from them.
fn masked(logits_ba: Tensor<2>, penalties_ba: Option<Tensor<2>>) -> Tensor<2> {
    match penalties_ba {
        Some(penalties_ba) => logits_ba + penalties_ba,
        None => logits_ba,
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
    // The sum fell short of 1 by rounding; a masked action stays out of reach.
    let most_probable = |a: &usize, b: &usize| log_probabilities[*a].total_cmp(&log_probabilities[*b]);
    (0..log_probabilities.len()).max_by(most_probable).unwrap_or_default()
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

/// The given rows of `length` values each.
fn pick<T: Copy>(all: &[T], rows: &[usize], length: usize) -> Vec<T> {
    rows.iter().flat_map(|&row| &all[row * length..(row + 1) * length]).copied().collect()
}

fn scalar(tensor: Tensor<1>) -> f64 {
    f64::from(tensor.into_scalar::<f32>())
}

#[cfg(test)]
mod tests;
