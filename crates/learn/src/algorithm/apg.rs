//! The analytic policy gradient (Wiedemann et al. 2023, arXiv:2209.13052; through edits of photographs Hu et al. 2018,
//! arXiv:1709.09602), for tasks that tell the exact gradient of what they gain ([`Environment::gain`]).
//!
//! One network, the *hand*, moves all strengths at once, s = tanh(f(o) / 4), and an update goes along the gradient of the gain G
//! by them, which needs no sampled return and no critic. A second one, the *judge*, learns what a share a of the way would
//! gain. Over a batch an update minimises
//!
//! ```text
//! L = mean( -G(s) ) + mean( (J(o, a s) - G(a s))² )      a one of 1/3, 2/3, 1
//! ```
//!
//! and whoever acts takes the share that promises most, or nothing.
//!
//! Deviations from the paper: episodes are one step long, so that nothing is unrolled in time; the judge; dropout, weight decay and
//! an average of the latest networks, because the examples are few and the same ones again and again.

pub(super) mod params;

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use dodge_hparams::HParams;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::algorithm::learner::{Advance, Clock, ConfiguredLearner, Learner, check_environments};
use crate::environment::contract::{Environment, Spaces};
use crate::environment::policy::Policy;
use crate::environment::vector::VectorEnvironment;
use crate::error::Error;
use crate::nn::activation::Activation;
use crate::nn::encoder::{NetworkParams, PictureEncoder};
use crate::nn::foresight::{GAIN_UNIT, Scale, strengths};
use crate::nn::network::{AgentNetwork, Head, NetworkShape};
use crate::nn::optimizer::{Adam, Gradient, Learning, averaged, clip_factor, restore_parameters, save_parameters};
use crate::nn::picture::Picture;
use crate::nn::proposals::Proposals;
use crate::nn::rows::{batch, to_vec};
use crate::state::{StateReader, StateWriter};

pub use params::ApgParams;

/// Observations from which their scale is taken, before anything is learnt.
const FOR_SCALE: usize = 2000;

/// Gains beyond this many [`GAIN_UNIT`]s are all alike to the judge.
const JUDGED: f32 = 3.0;

/// The learner: networks, optimiser, and the generator of dropout and shares.
pub struct Apg {
    params: ApgParams,
    learning: Learning<AgentNetwork>,
    averaged: AgentNetwork,
    scale: Option<Scale>,
    rng: ChaCha8Rng,
    device: Device,
    spaces: Spaces,
}

impl ConfiguredLearner for Apg {
    const NAME: &'static str = "apg";
    type Params = ApgParams;

    fn with_network(
        params: ApgParams,
        network: &NetworkParams,
        spaces: Spaces,
        seed: u64,
        device: &Device,
    ) -> Result<Self, Error> {
        params.validate()?;
        let Spaces { observation_len, actions, picture, .. } = spaces;
        if actions.scaled == 0 {
            let reason = "none of the actions takes a strength: it learns strengths only".to_owned();
            return Err(Error::Configuration { section: "apg", reason });
        }
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let device = device.clone().autodiff();
        let encoder = PictureEncoder::new(network, picture, &mut rng, &device)?;
        let (hidden, head, action_count) = (&params.hidden[..], Head::Sliders, actions.scaled);
        let shape = NetworkShape { observation_len, picture, encoder: network.encoder, hidden, action_count, head };
        let learning = AgentNetwork::with_encoder(encoder, shape, &mut rng, &device)?;
        let averaged = learning.valid();
        let learning = Learning::new(learning, Adam::new(1e-8).decaying(params.weight_decay));
        Ok(Self { params, learning, averaged, scale: None, rng, device, spaces })
    }

    fn begin_with(&mut self, network: &AgentNetwork) -> Result<(), Error> {
        let misfit = |reason: &str| Error::State { reason: reason.to_owned() };
        let scale = network.foresight().ok_or_else(|| misfit("the network was not trained by apg"))?.scale();
        let length = self.spaces.observation_len - self.spaces.picture.map_or(0, Picture::values);
        if scale.mean.len() != length {
            return Err(misfit("the network was shown other observations"));
        }
        let mut writer = StateWriter::new();
        save_parameters(network, &mut writer)?;
        let state = writer.into_bytes();
        let averaged = restore_parameters(self.averaged.clone(), &mut StateReader::new(&state))?;
        let learning = restore_parameters((*self.learning).clone(), &mut StateReader::new(&state))?;
        // The scale is no parameter that is learnt.
        self.averaged = averaged.with_scale(&scale);
        self.learning.change(|_| learning.with_scale(&scale));
        self.scale = Some(scale);
        Ok(())
    }

    fn environments(params: &ApgParams) -> usize {
        params.environments
    }

    fn hidden(params: &ApgParams) -> &[usize] {
        &params.hidden
    }
}

impl Apg {
    /// Makes a learner with fresh networks on `device` (given without autodiff), without an encoder. Equal seeds give equal
    /// learners.
    ///
    /// # Errors
    /// As [`ConfiguredLearner::with_network`].
    pub fn new(params: ApgParams, spaces: Spaces, seed: u64, device: &Device) -> Result<Self, Error> {
        Self::with_network(params, &NetworkParams::default(), spaces, seed, device)
    }

    /// Looks at new episodes until the scale of the observations is known. Returns the steps that this took.
    fn scaled<E: Environment>(&mut self, environments: &mut VectorEnvironment<E>) -> Result<u64, Error> {
        if self.scale.is_some() {
            return Ok(0);
        }
        let length = self.spaces.observation_len;
        let mut seen = Vec::new();
        while seen.len() < FOR_SCALE * length {
            seen.extend_from_slice(environments.observations());
            environments.reset()?;
        }
        let scale = Scale::of(&seen, length, self.spaces.picture.map_or(0, Picture::values));
        self.learning.change(|network| network.with_scale(&scale));
        self.averaged = self.averaged.clone().with_scale(&scale);
        self.scale = Some(scale);
        Ok((seen.len() / length) as u64)
    }

    /// One gradient step on what the environments show.
    fn gradient_step<E: Environment>(
        &mut self,
        environments: &mut VectorEnvironment<E>,
        clock: Clock,
    ) -> Result<Vec<(&'static str, f64)>, Error> {
        let (length, scaled) = (self.spaces.observation_len, self.spaces.actions.scaled);
        let count = environments.len();
        let mut observations = environments.observations().to_vec();
        self.scale.as_ref().expect("the scale is known").apply(&mut observations, length);

        let features_bf = self.learning.features(batch(observations.clone(), length, &self.device));
        let (hand, share) = (&self.learning.perceptron, self.params.dropout as f32);
        let strengths_bk = strengths(hand.forward_thinned(features_bf, Activation::Relu, share, &mut self.rng));
        let (gains, gradients) = environments.gains_and_gradients(&to_vec(strengths_bk.clone().inner()))?;
        // The gradient of this sum by the weights is that of the gain: the strengths' gradient stands as a number.
        let ascent = (strengths_bk * batch(gradients, scaled, &self.device)).sum() / -(count as f32);

        let plain = self.device.clone().inner();
        let features_bf = self.averaged.features(batch(observations, length, &plain));
        let mut proposed = to_vec(self.averaged.outputs(features_bf.clone()));
        for strengths in proposed.chunks_exact_mut(scaled) {
            let share = Proposals::SHARES[self.rng.random_range(0..Proposals::SHARES.len())];
            strengths.iter_mut().for_each(|strength| *strength *= share);
        }
        let wanted = environments.gains(&proposed)?.into_iter().map(|gain| (gain / GAIN_UNIT).clamp(-JUDGED, JUDGED));
        let wanted_b1 = batch(wanted.collect::<Vec<f32>>(), 1, &self.device);
        let foresight = self.learning.foresight().expect("the head has one");
        let features_bf = Tensor::from_inner(features_bf);
        let (share, rng) = (self.params.dropout as f32, &mut self.rng);
        let judged_b1 = foresight.judged_thinned(features_bf, batch(proposed, scaled, &self.device), share, rng);
        let misjudged = (judged_b1 - wanted_b1).square().mean();

        let loss = ascent + misjudged.clone();
        let gradient = Gradient::of(&loss, &*self.learning);
        let (error, norm) = (f64::from(misjudged.into_scalar::<f32>()), gradient.squared_norm().sqrt());
        for (quantity, value) in [("the judge's loss", error), ("the norm of the gradient", norm)] {
            if !value.is_finite() {
                return Err(Error::Diverged { step: clock.taken, quantity, value });
            }
        }
        let rate = self.params.learning_rate_schedule.at(self.params.learning_rate, clock.progress());
        self.learning.step(&gradient, clip_factor(norm, self.params.max_gradient_norm), rate);

        let part = count as f64 / clock.total.max(1) as f64;
        let over = self.params.averaging_share;
        let kept = if over > 0.0 { (-part / over).exp() } else { 0.0 };
        self.averaged = averaged(self.averaged.clone(), &self.learning.valid(), kept as f32);
        Ok(vec![
            ("train/gain", gains.iter().map(|&gain| f64::from(gain)).sum::<f64>() / count as f64),
            ("train/judge_error", error.sqrt() * f64::from(GAIN_UNIT)),
            ("train/gradient_norm", norm),
            ("train/learning_rate", rate),
        ])
    }
}

/// Gradient steps of a round: enough that a round's record is no burden.
const ROUND: usize = 16;

impl Learner for Apg {
    fn advance<E: Environment>(
        &mut self,
        environments: &mut VectorEnvironment<E>,
        clock: Clock,
    ) -> Result<Advance, Error> {
        check_environments("apg", (self.params.environments, self.spaces), environments)?;
        let mut clock = clock;
        let taken = clock.taken;
        clock.taken += self.scaled(environments)?;
        let mut sums: Vec<(&'static str, f64)> = Vec::new();
        for _ in 0..ROUND {
            let metrics = self.gradient_step(environments, clock)?;
            environments.reset()?;
            clock.taken += environments.len() as u64;
            sums.resize(metrics.len(), ("", 0.0));
            for (sum, (name, value)) in sums.iter_mut().zip(metrics) {
                *sum = (name, sum.1 + value / ROUND as f64);
            }
        }
        Ok(Advance { steps: clock.taken - taken, metrics: sums })
    }

    fn network(&self) -> AgentNetwork {
        self.averaged.clone()
    }

    fn save_state(&self, writer: &mut StateWriter) -> Result<(), Error> {
        writer.write(&self.rng)?;
        writer.write(&self.scale.as_ref().map(|scale| (&scale.mean, &scale.deviation)))?;
        self.learning.save_state(writer)?;
        save_parameters(&self.averaged, writer)
    }

    fn restore_state(&mut self, reader: &mut StateReader<'_>) -> Result<(), Error> {
        self.rng = reader.read()?;
        let scale: Option<(Vec<f32>, Vec<f32>)> = reader.read()?;
        self.scale = scale.map(|(mean, deviation)| Scale { mean, deviation });
        self.learning.restore_state(reader)?;
        self.averaged = restore_parameters(self.averaged.clone(), reader)?;
        let length = self.spaces.observation_len - self.spaces.picture.map_or(0, Picture::values);
        match &self.scale {
            Some(scale) if scale.mean.len() != length || scale.deviation.len() != length => {
                Err(Error::State { reason: "the state has observations of another length".into() })
            }
            _ => Ok(()),
        }
    }
}

impl Policy for Apg {
    fn preferences(&self, observations: &[f32]) -> Vec<f32> {
        self.averaged.preferences(observations, self.spaces.observation_len, &self.device.clone().inner())
    }

    fn proposals(&self, observations: &[f32]) -> Option<Proposals> {
        self.averaged.proposals(observations, self.spaces.observation_len, &self.device.clone().inner())
    }
}

impl std::fmt::Debug for Apg {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Apg").field("params", &self.params).field("spaces", &self.spaces).finish()
    }
}
