//! Deep Q-learning (Mnih et al. 2015, doi:10.1038/nature14236), with the improvements that can be switched on: double
//! (van Hasselt et al. 2015, arXiv:1509.06461), dueling (Wang et al. 2015, arXiv:1511.06581), several steps at once
//! (Sutton 1988) and prioritised replay (Schaul et al. 2015, arXiv:1511.05952).
//!
//! The network Q estimates the discounted return of each action, and moves towards
//!
//! ```text
//! y = r₀ + γ r₁ + ... + γⁿ⁻¹ rₙ₋₁ + γⁿ Q'(s', a*)       without the last term after a termination
//! a* = argmax Q'(s', ·), or with double argmax Q(s', ·), over the actions that are open in s'
//! L = mean( w · huber(Q(s, a) - y) )
//! ```
//!
//! where Q' is a copy of Q that is renewed now and then, and w corrects for the preference of prioritised replay.
//!
//! Deviations from the paper: Adam instead of RMSProp; the gradient is clipped by its global norm; the model acts by an average
//! of the latest networks.

pub(super) mod params;

use std::mem::take;

use burn::module::Module;
use burn::tensor::{Device, Int, Tensor, TensorData};
use dodge_hparams::HParams;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::algorithm::learner::{Advance, Clock, ConfiguredLearner, Learner, check_environments, without_strengths};
use crate::algorithm::priorities::Priorities;
use crate::algorithm::replay::{Replay, Sample, check_remembered};
use crate::environment::contract::{Action, Environment, Spaces};
use crate::environment::policy::Policy;
use crate::environment::vector::VectorEnvironment;
use crate::error::Error;
use crate::nn::encoder::{NetworkParams, PictureEncoder};
use crate::nn::network::{AgentNetwork, NetworkShape};
use crate::nn::optimizer::{Adam, Gradient, Learning, averaged, clip_factor, restore_parameters, save_parameters};
use crate::nn::rows::{batch, to_vec};
use crate::state::{StateReader, StateWriter};

pub use params::DqnParams;

/// What each experience of a sample should have been worth.
///
/// `learning` and `target` are the values of the successors, `[sample][action]`, by the two networks; `learning` chooses
/// the action where it is given.
fn targets(sample: &Sample, target: &[f32], learning: Option<&[f32]>) -> Vec<f32> {
    let action_count = target.len() / sample.rewards.len();
    let rows = target.chunks_exact(action_count).zip(sample.successor_masks.chunks_exact(action_count));
    rows.enumerate()
        .map(|(i, (values, mask))| {
            let judging = learning.map_or(values, |all| &all[i * action_count..(i + 1) * action_count]);
            sample.rewards[i] + sample.discounts[i] * values[best(judging, mask)]
        })
        .collect()
}

/// The action with the highest value among those that are open.
fn best(values: &[f32], mask: &[bool]) -> usize {
    (0..values.len()).filter(|&a| mask[a]).max_by(|&a, &b| values[a].total_cmp(&values[b])).unwrap_or_default()
}

/// `mean(w huber(error))` with the bend at 1, where the gradient stops growing.
fn loss(errors_b: Tensor<1>, weights_b: Tensor<1>) -> Tensor<1> {
    let size_b = errors_b.abs();
    let bent_b = size_b.clone().clamp_max(1.0);
    ((bent_b.clone().square() * 0.5 + size_b - bent_b) * weights_b).mean()
}

/// The learner: networks, optimiser, memory, and the generator of random actions and samples.
pub struct Dqn {
    params: DqnParams,
    learning: Learning<AgentNetwork>,
    target: AgentNetwork,
    averaged: AgentNetwork,
    replay: Replay,
    priorities: Priorities,
    rng: ChaCha8Rng,
    device: Device,
    spaces: Spaces,
    steps_since_target: usize,
}

impl Dqn {
    /// Makes a learner with fresh networks on `device` (given without autodiff), without an encoder. Equal seeds give equal
    /// learners.
    ///
    /// # Panics
    /// When the hyperparameters are out of their ranges or do not fit together; [`HParams::validate`] tells.
    #[must_use]
    pub fn new(params: DqnParams, spaces: Spaces, seed: u64, device: &Device) -> Self {
        Self::with_network(params, &NetworkParams::default(), spaces, seed, device)
            .expect("the hyperparameters were validated, and statistics go with everything")
    }

    /// The estimated return of each action, `[batch][action]`, for observations `[batch][feature]`.
    #[must_use]
    pub fn values(&self, observations: &[f32]) -> Vec<f32> {
        let observations_bf = batch(observations, self.spaces.observation_len, &self.device.clone().inner());
        to_vec(self.learning.valid().forward(observations_bf))
    }

    /// Chooses an action for each observation among the open ones: at random with probability `exploration`, else the
    /// one with the highest value.
    pub fn act(&mut self, observations: &[f32], masks: &[bool], exploration: f64) -> Vec<usize> {
        let masks = masks.chunks_exact(self.spaces.actions.kinds);
        let explores: Vec<Option<usize>> = masks
            .clone()
            .map(|mask| {
                let open: Vec<usize> = (0..mask.len()).filter(|&action| mask[action]).collect();
                self.rng.random_bool(exploration).then(|| open[self.rng.random_range(0..open.len())])
            })
            .collect();
        if let Some(random) = explores.iter().copied().collect::<Option<Vec<usize>>>() {
            return random;
        }
        let values = self.values(observations);
        let rows = values.chunks_exact(self.spaces.actions.kinds).zip(masks).zip(explores);
        rows.map(|((values, mask), random)| random.unwrap_or_else(|| best(values, mask))).collect()
    }

    /// Takes one step in every environment and remembers it.
    fn step<E: Environment>(&mut self, environments: &mut VectorEnvironment<E>, exploration: f64) -> Result<(), Error> {
        let kinds = self.act(environments.observations(), environments.masks(), exploration);
        let actions: Vec<Action> = kinds.iter().copied().map(Action::new).collect();
        let steps = environments.step(&actions)?;
        check_remembered(environments.observations())?;
        self.replay.push(&kinds, &steps, environments);
        // The row that holds no step any more: what stood there is forgotten, and must not be drawn.
        self.replay.freed().for_each(|index| self.priorities.set(index, 0.0));
        self.replay.latest().for_each(|index| self.priorities.set_new(index));
        self.steps_since_target += environments.len();
        if self.steps_since_target >= self.params.target_interval {
            self.steps_since_target = 0;
            self.target = self.learning.valid();
        }
        Ok(())
    }

    /// Steps for one training interval, and the gradient steps after it.
    fn round<E: Environment>(
        &mut self,
        environments: &mut VectorEnvironment<E>,
        clock: Clock,
    ) -> Result<Advance, Error> {
        check_environments("dqn", (self.params.environments, self.spaces), environments)?;
        if self.replay.len() == 0 {
            check_remembered(environments.observations())?;
            self.replay.show(environments);
        }
        let rounds = self.params.train_interval.div_ceil(environments.len());
        let mut clock = clock;
        let mut exploration = 1.0;
        for _ in 0..rounds {
            let is_learning = self.replay.len() >= self.params.learning_starts;
            exploration = if is_learning { self.params.exploration_at(clock.progress()) } else { 1.0 };
            self.step(environments, exploration)?;
            clock.taken += environments.len() as u64;
        }
        let mut metrics = vec![("train/exploration", exploration)];
        if self.replay.len() >= self.params.learning_starts {
            let (mut losses, mut values, mut norms) = (0.0, 0.0, 0.0);
            for _ in 0..self.params.gradient_steps {
                let (loss, value, norm) = self.gradient_step(clock)?;
                (losses, values, norms) = (losses + loss, values + value, norms + norm);
            }
            let part = (rounds * environments.len()) as f64 / clock.total.max(1) as f64;
            let share = self.params.averaging_share;
            let kept = if share > 0.0 { (-part / share).exp() } else { 0.0 };
            self.averaged = averaged(self.averaged.clone(), &self.learning.valid(), kept as f32);
            let count = self.params.gradient_steps as f64;
            metrics.extend([
                ("train/loss", losses / count),
                ("train/mean_q_value", values / count),
                ("train/gradient_norm", norms / count),
                ("train/learning_rate", self.params.learning_rate),
            ]);
        }
        Ok(Advance { steps: (rounds * environments.len()) as u64, metrics })
    }

    /// Draws experiences and moves the network towards their targets. Returns the loss and the mean value of the actions.
    fn gradient_step(&mut self, clock: Clock) -> Result<(f64, f64, f64), Error> {
        let (indices, weights) = self.draw(clock.progress());
        let mut sample = self.replay.sample(&indices, self.params.n_step, self.params.discount);
        let (observations, successors) = (take(&mut sample.observations), take(&mut sample.successors));
        let successors_bf = batch(successors, self.spaces.observation_len, &self.device.clone().inner());
        let target = to_vec(self.target.forward(successors_bf.clone()));
        let learning = self.params.double.then(|| to_vec(self.learning.valid().forward(successors_bf)));
        let targets = targets(&sample, &target, learning.as_deref());

        let line = |values: Vec<f32>| Tensor::<1>::from_data(TensorData::new(values, [indices.len()]), &self.device);
        let actions: Vec<i64> = sample.actions.iter().map(|&action| action as i64).collect();
        let actions_b1 = Tensor::<2, Int>::from_data(TensorData::new(actions, [indices.len(), 1]), &self.device);
        let values_ba = self.learning.forward(batch(observations, self.spaces.observation_len, &self.device));
        let values_b = values_ba.gather(1, actions_b1).squeeze_dim::<1>(1);
        let errors_b = values_b.clone() - line(targets);
        let loss = loss(errors_b.clone(), line(weights));
        let gradient = Gradient::of(&loss, &*self.learning);

        let (loss, norm) = (f64::from(loss.into_scalar::<f32>()), gradient.squared_norm().sqrt());
        for (quantity, value) in [("the loss", loss), ("the norm of the gradient", norm)] {
            if !value.is_finite() {
                return Err(Error::Diverged { step: clock.taken, quantity, value });
            }
        }
        let scale = clip_factor(norm, self.params.max_gradient_norm);
        self.learning.step(&gradient, scale, self.params.learning_rate);
        if self.params.priority_exponent > 0.0 {
            for (index, error) in indices.into_iter().zip(to_vec(errors_b)) {
                // A little more than the error, so that nothing is forgotten for ever.
                self.priorities.set(index, (f64::from(error.abs()) + 1e-6).powf(self.params.priority_exponent));
            }
        }
        Ok((loss, f64::from(values_b.mean().into_scalar::<f32>()), norm))
    }

    /// Indices to learn from, and how much each counts.
    fn draw(&mut self, progress: f64) -> (Vec<usize>, Vec<f32>) {
        let count = self.params.batch_size;
        if self.params.priority_exponent == 0.0 {
            return (self.replay.draw(count, &mut self.rng), vec![1.0; count]);
        }
        let (indices, probabilities) = self.priorities.draw(count, &mut self.rng);
        let exponent = self.params.priority_correction + progress * (1.0 - self.params.priority_correction);
        let weights: Vec<f64> = probabilities.iter().map(|p| (p * self.replay.len() as f64).powf(-exponent)).collect();
        let greatest = weights.iter().copied().fold(0.0, f64::max);
        (indices, weights.into_iter().map(|weight| (weight / greatest) as f32).collect())
    }
}

impl ConfiguredLearner for Dqn {
    const NAME: &'static str = "dqn";
    type Params = DqnParams;

    fn with_network(
        params: DqnParams,
        network: &NetworkParams,
        spaces: Spaces,
        seed: u64,
        device: &Device,
    ) -> Result<Self, Error> {
        params.validate()?;
        let Spaces { observation_len, actions, picture, .. } = spaces;
        let action_count = actions.kinds;
        without_strengths("dqn", actions)?;
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let device = device.clone().autodiff();
        let encoder = PictureEncoder::new(network, picture, &mut rng, &device)?;
        let (hidden, head) = (&params.hidden[..], params.head());
        let shape = NetworkShape { observation_len, picture, encoder: network.encoder, hidden, action_count, head };
        let learning = AgentNetwork::with_encoder(encoder, shape, &mut rng, &device)?;
        let replay = Replay::new(params.replay_capacity, params.environments, spaces);
        Ok(Self {
            target: learning.valid(),
            averaged: learning.valid(),
            priorities: Priorities::new(replay.index_count()),
            replay,
            learning: Learning::new(learning, Adam::new(1e-8)),
            rng,
            device,
            spaces,
            steps_since_target: 0,
            params,
        })
    }

    fn environments(params: &DqnParams) -> usize {
        params.environments
    }

    fn hidden(params: &DqnParams) -> &[usize] {
        &params.hidden
    }
}

impl Policy for Dqn {
    fn preferences(&self, observations: &[f32]) -> Vec<f32> {
        self.averaged.preferences(observations, self.spaces.observation_len, &self.device.clone().inner())
    }
}

impl Learner for Dqn {
    fn advance<E: Environment>(
        &mut self,
        environments: &mut VectorEnvironment<E>,
        clock: Clock,
    ) -> Result<Advance, Error> {
        // On a thread of the pool from here on: work that is shared with the others is handed over faster from there.
        rayon::scope(|_| self.round(environments, clock))
    }

    fn network(&self) -> AgentNetwork {
        self.averaged.clone()
    }

    fn state_size(&self) -> u64 {
        self.replay.size()
    }

    fn save_state(&self, writer: &mut StateWriter) -> Result<(), Error> {
        writer.write(&(&self.rng, self.steps_since_target as u64))?;
        self.learning.save_state(writer)?;
        save_parameters(&self.target, writer)?;
        save_parameters(&self.averaged, writer)?;
        // A brief state leaves the memory out: it is filled again before learning goes on.
        writer.write(&!writer.is_brief())?;
        if writer.is_brief() {
            return Ok(());
        }
        self.replay.save_state(writer)?;
        self.priorities.save_state(writer)
    }

    fn restore_state(&mut self, reader: &mut StateReader<'_>) -> Result<(), Error> {
        let steps_since_target: u64;
        (self.rng, steps_since_target) = reader.read()?;
        self.steps_since_target = usize::try_from(steps_since_target).unwrap_or(usize::MAX);
        self.learning.restore_state(reader)?;
        self.target = restore_parameters(self.target.clone(), reader)?;
        self.averaged = restore_parameters(self.averaged.clone(), reader)?;
        if !reader.read::<bool>()? {
            self.replay = Replay::new(self.params.replay_capacity, self.params.environments, self.spaces);
            self.priorities = Priorities::new(self.replay.index_count());
            return Ok(());
        }
        self.replay.restore_state(reader)?;
        self.priorities.restore_state(reader)
    }
}

impl std::fmt::Debug for Dqn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Dqn").field("params", &self.params).field("spaces", &self.spaces).finish()
    }
}

#[cfg(test)]
mod tests;
