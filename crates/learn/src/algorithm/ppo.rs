//! Proximal policy optimisation (Schulman et al. 2017, arXiv:1707.06347) with generalised advantage estimation
//! (Schulman et al. 2015, arXiv:1506.02438), for kinds of actions and, where they take one, their strengths.
//!
//! With the probability ratio r = π(a|s) / π_old(a|s) and the advantage A, an update minimises over minibatches
//!
//! ```text
//! L = mean( -min(r A, clip(r, 1 - ε, 1 + ε) A) ) + c_v mean( (V - R)² ) - c_e mean( H[p] ) - c_s mean( Σₖ p(k|s) H[N(·, σₖ)] )
//! ```
//!
//! where π(a|s) is the probability p(k|s) of a kind of action, times the density N(u; μₖ(s), σₖ) where the kind takes a
//! strength tanh(u) (`ppo/distribution.rs`). Masked kinds are left out of p, so of r and H too.
//!
//! Deviations from the paper: separate networks for policy and value, of which the value network sees what the environment
//! tells it alone ([`View::privileged`](crate::View::privileged)); advantages are normalised per minibatch; an episode cut off by a limit is
//! continued with the value of its last observation; the model acts by an average of the latest policies. Kind and strength have
//! one ratio, where Fan et al. (2019, arXiv:1903.01344) clip one for each: what is done is the two together.

mod distribution;
mod learner;
mod minibatch;
pub(super) mod params;
mod report;

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use dodge_hparams::HParams;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::algorithm::learner::{Clock, ConfiguredLearner, check_environments};
use crate::algorithm::masks::penalties;
use crate::algorithm::ppo::distribution::{Distribution, check_finite};
use crate::algorithm::ppo::minibatch::Minibatch;
use crate::algorithm::rollout::{Rollout, advantages, explained_variance, shuffle};
use crate::environment::contract::{Action, Environment, Spaces};
use crate::environment::vector::VectorEnvironment;
use crate::error::Error;
use crate::nn::activation::Activation;
use crate::nn::encoder::{NetworkParams, PictureEncoder};
use crate::nn::network::{AgentNetwork, Head, NetworkShape};
use crate::nn::optimizer::{Adam, Gradient, Learning, averaged, clip_factor};
use crate::nn::perceptron::Perceptron;
use crate::nn::rows::{batch, pick, to_vec};

pub use params::PpoParams;
pub use report::UpdateReport;

/// The part of the loss that trains the policy, and what it is made of.
struct PolicyLoss {
    total: Tensor<1>,
    surrogate: Tensor<1>,
    entropy: Tensor<1>,
    strength_entropy: Option<Tensor<1>>,
    approximate_kl: Tensor<1>,
    clipped: Tensor<1>,
}

/// `mean(-min(r A, clip(r) A)) - c_e mean(H) - c_s mean(H of strengths)`.
fn policy_loss(params: &PpoParams, policy: &Distribution, batch: &Minibatch) -> PolicyLoss {
    let log_ratio_b = policy.log_probabilities(&batch.done) - batch.log_probabilities_b.clone();
    let ratio_b = log_ratio_b.clone().exp();

    let (low, high) = (1.0 - params.clip_range, 1.0 + params.clip_range);
    let plain_b = ratio_b.clone() * batch.advantages_b.clone();
    let clipped_b = ratio_b.clone().clamp(low, high) * batch.advantages_b.clone();
    let surrogate = -plain_b.min_pair(clipped_b).mean();
    let (entropy, strength_entropy) = policy.entropies();

    let mut total = surrogate.clone() - entropy.clone() * params.entropy_coefficient;
    if let Some(strength_entropy) = strength_entropy.clone() {
        total = total - strength_entropy * params.strength_entropy_coefficient;
    }
    // (r - 1) - log r: an estimate of KL(old, new) that is never negative (Schulman, "Approximating KL divergence").
    let approximate_kl = (ratio_b.clone() - 1.0 - log_ratio_b).mean();
    let clipped = (ratio_b - 1.0).abs().greater_elem(params.clip_range).float().mean();
    PolicyLoss { total, surrogate, entropy, strength_entropy, approximate_kl, clipped }
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

/// Both losses, and the gradient of `policy loss + c_v value loss` by the parameters of both networks.
///
/// Without an encoder the networks share no parameter, so that their halves of the work run side by side. Each half runs on
/// one thread: the number of threads changes no bit of the result.
fn losses_and_gradient(params: &PpoParams, networks: &ActorCritic, batch: &Minibatch) -> (PolicyLoss, f64, Gradient) {
    let ActorCritic { policy, .. } = networks;
    let features = || policy.features_of(batch.observed.clone());
    let distribution = |features_bf| Distribution::of(policy, features_bf, batch.penalties_bk.clone());
    let privileged_bp = &batch.privileged_bp;
    if policy.has_encoder() {
        let features_bf = features();
        let loss = policy_loss(params, &distribution(features_bf.clone()), batch);
        let value_loss = value_loss(params, networks.values(features_bf, privileged_bp.clone()), batch);
        let total = loss.total.clone() + value_loss.clone() * params.value_coefficient;
        let gradient = Gradient::of(&total, networks);
        return (loss, scalar(value_loss), gradient);
    }
    let ((loss, policy_gradient), (value_loss, value_gradient)) = rayon::join(
        || {
            let loss = policy_loss(params, &distribution(features()), batch);
            let gradient = Gradient::of(&loss.total, policy);
            (loss, gradient)
        },
        || {
            let loss = value_loss(params, networks.values(features(), privileged_bp.clone()), batch);
            let gradient = Gradient::of(&(loss.clone() * params.value_coefficient), &networks.value);
            (scalar(loss), gradient)
        },
    );
    (loss, value_loss, policy_gradient.followed_by(value_gradient))
}

/// What the policy did for a batch of observations.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Decisions {
    /// Sampled actions.
    pub actions: Vec<Action>,
    /// The strength of each before tanh brought it between -1 and 1; 0 where its kind takes none.
    pub unsquashed: Vec<f32>,
    /// Logarithm of the probability of each; with a strength, of the density at the one before tanh.
    pub log_probabilities: Vec<f32>,
    /// Values of the observations.
    pub values: Vec<f32>,
}

/// Policy and value network. They share no parameters but those of the encoder of pictures, where there is one. The norm that
/// is clipped is that of both together, so that a large error of the value shortens the steps of the policy, too.
#[derive(Module, Debug)]
struct ActorCritic {
    policy: AgentNetwork,
    value: Perceptron,
}

impl ActorCritic {
    fn map_log_deviations(self, of: impl Fn(f32) -> f32) -> Self {
        Self { policy: self.policy.map_log_deviations(of), ..self }
    }

    /// Values `[batch]` of the policy's features `[batch, feature]`, with the privileged information
    /// `[batch, feature]` beside them.
    fn values(&self, features_bf: Tensor<2>, privileged_bp: Option<Tensor<2>>) -> Tensor<1> {
        let judged_bf = match privileged_bp {
            Some(privileged_bp) => Tensor::cat(vec![features_bf, privileged_bp], 1),
            None => features_bf,
        };
        self.value.forward(judged_bf, Activation::Softsign).squeeze_dim(1)
    }
}

/// The learner: networks, optimiser and the random generator that samples actions and shuffles minibatches.
pub struct Ppo {
    params: PpoParams,
    learning: Learning<ActorCritic>,
    network: ActorCritic,
    averaged: AgentNetwork,
    rng: ChaCha8Rng,
    device: Device,
    spaces: Spaces,
}

impl ConfiguredLearner for Ppo {
    const NAME: &'static str = "ppo";
    type Params = PpoParams;

    fn with_network(
        params: PpoParams,
        network: &NetworkParams,
        spaces: Spaces,
        seed: u64,
        device: &Device,
    ) -> Result<Self, Error> {
        params.validate()?;
        let Spaces { observation_len, privileged_len, actions, picture } = spaces;
        let (action_count, scaled) = (actions.kinds, actions.scaled);
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let device = device.clone().autodiff();
        let encoder = PictureEncoder::new(network, picture, &mut rng, &device)?;
        let head = if scaled == 0 { Head::Policy } else { Head::HybridPolicy { scaled } };
        let hidden = &params.hidden[..];
        let shape = NetworkShape { observation_len, picture, encoder: network.encoder, hidden, action_count, head };
        let policy = AgentNetwork::with_encoder(encoder, shape, &mut rng, &device)?
            .map_log_deviations(|_| params.strength_deviation.ln() as f32);
        let value = Perceptron::new(shape.input_len()? + privileged_len, hidden, 1, 1.0, &mut rng, &device);
        let learning = ActorCritic { policy, value };
        let network = learning.valid();
        let averaged = network.policy.clone();
        let learning = Learning::new(learning, Adam::new(1e-5));
        Ok(Self { params, learning, network, averaged, rng, device, spaces })
    }

    fn environments(params: &PpoParams) -> usize {
        params.environments
    }

    fn hidden(params: &PpoParams) -> &[usize] {
        &params.hidden
    }
}

impl Ppo {
    /// Makes a learner with fresh networks on `device` (given without autodiff), without an encoder. Equal seeds give equal
    /// learners.
    ///
    /// # Panics
    /// When the hyperparameters are out of their ranges or do not fit together; [`HParams::validate`] tells.
    #[must_use]
    pub fn new(params: PpoParams, spaces: Spaces, seed: u64, device: &Device) -> Self {
        Self::with_network(params, &NetworkParams::default(), spaces, seed, device)
            .expect("the hyperparameters were validated, and statistics go with everything")
    }

    /// Samples an action for each observation, `[environment][feature]`, of the kinds that its mask, `[environment][kind]`,
    /// leaves open, and judges it with the `privileged` information, `[environment][feature]`.
    pub fn act(&mut self, observations: &[f32], privileged: &[f32], masks: &[bool]) -> Decisions {
        let device = self.device.clone().inner();
        let features_bf = self.network.policy.features(batch(observations, self.spaces.observation_len, &device));
        let values = to_vec(self.network.values(features_bf.clone(), self.privileged(privileged, &device)));
        let penalties_bk = penalties(masks, self.spaces.actions.kinds, &device);
        Distribution::of(&self.network.policy, features_bf, penalties_bk).sample(masks, values, &mut self.rng)
    }

    /// Takes `rollout_steps` steps in every environment.
    ///
    /// # Errors
    /// [`Error::Configuration`] for other environments than the learner was made for, [`Error::Diverged`], with the steps of
    /// this rollout, when what the policy would do is not finite, or the first error of an environment.
    pub fn collect<E: Environment>(&mut self, environments: &mut VectorEnvironment<E>) -> Result<Rollout, Error> {
        check_environments("ppo", (self.params.environments, self.spaces), environments)?;
        let count = environments.len();
        let mut rollout = Rollout::default();
        // By far the largest; to grow it step by step would copy it again and again.
        rollout.observations.reserve_exact(self.params.rollout_steps * environments.observations().len());
        for _ in 0..self.params.rollout_steps {
            rollout.observations.extend_from_slice(environments.observations());
            rollout.privileged.extend_from_slice(environments.privileged());
            rollout.masks.extend_from_slice(environments.masks());
            let decisions = self.act(environments.observations(), environments.privileged(), environments.masks());
            check_finite(&decisions, rollout.rewards.len() as u64)?;
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
            rollout.unsquashed.extend(decisions.unsquashed);
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
        let device = self.device.clone().inner();
        let features_bf = self.network.policy.features(batch(observations, self.spaces.observation_len, &device));
        to_vec(self.network.values(features_bf, self.privileged(privileged, &device)))
    }

    /// What only the value network may see, `[batch, feature]`; none where there is nothing.
    fn privileged(&self, privileged: &[f32], device: &Device) -> Option<Tensor<2>> {
        let length = self.spaces.privileged_len;
        (length > 0).then(|| batch(privileged, length, device))
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
        let deviations = self.network.policy.log_deviations().map(Tensor::exp);
        report.strength_deviation = deviations.map_or(0.0, |deviations_s| scalar(deviations_s.mean()));
        Ok(report)
    }

    fn gradient_step(
        &mut self,
        params: &PpoParams,
        batch: &Minibatch,
        report: &mut UpdateReport,
        step: u64,
    ) -> Result<(), Error> {
        let (loss, value_loss, gradient) = losses_and_gradient(params, &self.learning, batch);
        let (total, norm) = (scalar(loss.total), gradient.squared_norm().sqrt());
        for (quantity, value) in
            [("the policy's loss", total), ("the value's loss", value_loss), ("the norm of the gradient", norm)]
        {
            if !value.is_finite() {
                return Err(Error::Diverged { step, quantity, value });
            }
        }

        let (scale, rate) = (clip_factor(norm, params.max_gradient_norm), report.learning_rate);
        self.learning.step(&gradient, scale, rate);
        let (least, most) = params.log_deviations();
        self.learning.change(|networks| networks.map_log_deviations(|log| log.clamp(least, most)));

        report.policy_loss += scalar(loss.surrogate);
        report.value_loss += value_loss;
        report.entropy += scalar(loss.entropy);
        report.strength_entropy += loss.strength_entropy.map_or(0.0, scalar);
        report.approximate_kl += scalar(loss.approximate_kl);
        report.clip_fraction += scalar(loss.clipped);
        report.gradient_norm += norm;
        report.gradient_steps += 1;
        Ok(())
    }
}

fn scalar(tensor: Tensor<1>) -> f64 {
    f64::from(tensor.into_scalar::<f32>())
}

#[cfg(test)]
mod tests;
