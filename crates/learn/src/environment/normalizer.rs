//! Bringing observations and rewards to one scale, with statistics that are kept while learning.

use serde::{Deserialize, Serialize};

use crate::environment::contract::{Spaces, Step};
use crate::environment::policy::Policy;
use crate::error::Error;
use crate::nn::picture::Picture;
use crate::nn::proposals::Proposals;
use crate::state::{StateReader, StateWriter};

/// Nothing that was normalised is further from 0.
const LIMIT: f64 = 10.0;
/// Below this variance nothing is scaled: a feature that never changes becomes 0 and not 0 / 0.
const LEAST_VARIANCE: f64 = 1e-12;

/// Shifts and scales each feature of the observations to mean 0 and variance 1, and divides the rewards by the standard
/// deviation of their discounted sum; both are limited to ±10. For tasks whose features or rewards differ by orders of
/// magnitude; one whose observations are scaled by design needs none.
///
/// The statistics belong to all environments of a [`VectorEnvironment`](crate::VectorEnvironment) together: with statistics of its own, each
/// environment would show the one policy another scale. They are brought up to date after each step, by all environments
/// in their order, so that the number of threads changes no bit; they are saved and restored with the environments.
///
/// It does what `VecNormalize` of Stable-Baselines3 does, with these differences. The statistics start from nothing and not
/// from a mean of 0, which biases those of a feature that is far from 0 for a long time. Pictures and what an environment
/// calls privileged stay as they are. A frozen one leaves rewards alone. [`Dqn`](crate::Dqn) remembers observations as they were
/// shown and does not normalise them again by later statistics, so that it needs features whose scale shows early.
///
/// ```
/// use dodge_learn::tasks::CartPole;
/// use dodge_learn::{Action, Normalizer, TimeLimit, VectorEnvironment};
///
/// let carts = |seed| (0..4).map(|index| TimeLimit::new(CartPole::new(seed, index), 500)).collect();
/// let normalizer = Normalizer::new().with_observations().with_rewards(0.98);
/// let mut environments = VectorEnvironment::new(carts(1))?.with_normalizer(normalizer)?;
/// environments.step(&[0, 1, 0, 1].map(Action::new))?;
///
/// // To measure what was learnt: the same scale, real rewards, and nothing is learnt from what is shown.
/// let frozen = environments.normalizer().cloned().unwrap_or_default().frozen();
/// let test = VectorEnvironment::new(carts(2))?.with_normalizer(frozen)?;
/// # Ok::<(), dodge_learn::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Normalizer {
    /// Of each feature; of none before it is known how many there are.
    observations: Option<Moments>,
    /// Of a picture, at the beginning of each observation.
    kept_features: u64,
    returns: Option<Returns>,
    is_frozen: bool,
}

/// The discounted sums of the rewards so far.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Returns {
    discount: f64,
    /// Of the running episode of each environment.
    running: Vec<f64>,
    moments: Moments,
}

impl Normalizer {
    /// One that leaves everything as it is.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Normalises observations.
    #[must_use]
    pub fn with_observations(self) -> Self {
        Self { observations: Some(Moments::new(0)), ..self }
    }

    /// Normalises rewards; `discount` is the learner's.
    ///
    /// # Panics
    /// When the discount is not from 0 to 1.
    #[must_use]
    pub fn with_rewards(self, discount: f64) -> Self {
        assert!((0.0..=1.0).contains(&discount), "a discount is from 0 to 1");
        Self { returns: Some(Returns { discount, running: Vec::new(), moments: Moments::new(1) }), ..self }
    }

    /// For evaluation: the statistics stay as they are from now on, and rewards are no longer changed.
    #[must_use]
    pub fn frozen(self) -> Self {
        Self { is_frozen: true, ..self }
    }

    /// Whether the statistics stay as they are.
    #[must_use]
    pub fn is_frozen(&self) -> bool {
        self.is_frozen
    }

    /// Normalises observations of `length` features each, by what was seen so far.
    ///
    /// # Panics
    /// When the statistics are of observations of another length.
    pub fn apply(&self, observations: &mut [f32], length: usize) {
        let Some(moments) = &self.observations else { return };
        let kept = self.kept(length);
        assert_eq!(moments.len(), length - kept, "features of an observation");
        let scales: Vec<(f64, f64)> = moments.scales().collect();
        for observation in observations.chunks_exact_mut(length) {
            for (value, &(mean, factor)) in observation[kept..].iter_mut().zip(&scales) {
                *value = ((f64::from(*value) - mean) * factor).clamp(-LIMIT, LIMIT) as f32;
            }
        }
    }

    /// A policy that was trained on normalised observations of `length` features, for observations as an environment shows
    /// them.
    pub fn around<'a, P: Policy>(&'a self, policy: &'a P, length: usize) -> impl Policy + 'a {
        Normalized { normalizer: self, policy, length }
    }

    /// Gets ready for `environments` environments of the given shapes.
    ///
    /// # Errors
    /// [`Error::Environment`] when it has statistics of observations of another length.
    pub(crate) fn attach(&mut self, spaces: Spaces, environments: usize) -> Result<(), Error> {
        let kept = spaces.picture.map_or(0, Picture::values);
        self.kept_features = kept as u64;
        let features = spaces.observation_len - kept;
        if let Some(moments) = &mut self.observations {
            if moments.len() == 0 {
                *moments = Moments::new(features);
            } else if moments.len() != features {
                let reason =
                    format!("the normaliser knows {} features, this environment shows {features}", moments.len());
                return Err(Error::Environment { reason });
            }
        }
        if let Some(returns) = &mut self.returns {
            returns.running = vec![0.0; environments];
        }
        Ok(())
    }

    /// Looks at what all environments show.
    pub(crate) fn observe(&mut self, observations: &[f32], length: usize) {
        let kept = self.kept(length);
        if let Some(moments) = self.observations.as_mut().filter(|_| !self.is_frozen) {
            moments.update(observations, length, kept);
        }
    }

    /// Looks at the steps of all environments and normalises their rewards.
    pub(crate) fn reward(&mut self, steps: &mut [Step]) {
        let Some(returns) = self.returns.as_mut().filter(|_| !self.is_frozen) else { return };
        for (sum, step) in returns.running.iter_mut().zip(&*steps) {
            *sum = *sum * returns.discount + f64::from(step.reward);
        }
        returns.moments.update(&returns.running, 1, 0);
        let (_, factor) = returns.moments.scale(0);
        for (sum, step) in returns.running.iter_mut().zip(steps) {
            step.reward = (f64::from(step.reward) * factor).clamp(-LIMIT, LIMIT) as f32;
            if step.ended() {
                *sum = 0.0;
            }
        }
    }

    fn kept(&self, length: usize) -> usize {
        usize::try_from(self.kept_features).map_or(length, |kept| kept.min(length))
    }

    /// Takes down the statistics.
    ///
    /// # Errors
    /// [`Error::State`].
    pub fn save_state(&self, writer: &mut StateWriter) -> Result<(), Error> {
        writer.write(self)
    }

    /// Goes back to statistics taken down from one for the same environments.
    ///
    /// # Errors
    /// [`Error::State`] when the state is damaged or of another kind; nothing changes then.
    pub fn restore_state(&mut self, reader: &mut StateReader<'_>) -> Result<(), Error> {
        let saved: Self = reader.read()?;
        let shape = |normalizer: &Self| {
            let features = normalizer.observations.as_ref().map(Moments::len);
            let rewards =
                normalizer.returns.as_ref().map(|returns| (returns.discount.to_bits(), returns.running.len()));
            (features, normalizer.kept_features, rewards, normalizer.is_frozen)
        };
        if shape(&saved) != shape(self) || !saved.is_sound() {
            let reason = "the state was normalised in another way than this run does".to_owned();
            return Err(Error::State { reason });
        }
        *self = saved;
        Ok(())
    }

    fn is_sound(&self) -> bool {
        let sound_returns = |returns: &Returns| {
            returns.moments.is_sound()
                && returns.moments.len() == 1
                && returns.running.iter().all(|sum| sum.is_finite())
        };
        self.observations.as_ref().is_none_or(Moments::is_sound) && self.returns.as_ref().is_none_or(sound_returns)
    }
}

struct Normalized<'a, P> {
    normalizer: &'a Normalizer,
    policy: &'a P,
    length: usize,
}

impl<P> Normalized<'_, P> {
    fn normalized(&self, observations: &[f32]) -> Vec<f32> {
        let mut observations = observations.to_vec();
        self.normalizer.apply(&mut observations, self.length);
        observations
    }
}

impl<P: Policy> Policy for Normalized<'_, P> {
    fn preferences(&self, observations: &[f32]) -> Vec<f32> {
        self.policy.preferences(&self.normalized(observations))
    }

    fn strengths(&self, observations: &[f32]) -> Vec<f32> {
        self.policy.strengths(&self.normalized(observations))
    }

    fn proposals(&self, observations: &[f32]) -> Option<Proposals> {
        self.policy.proposals(&self.normalized(observations))
    }
}

/// Means and variances of several features.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Moments {
    count: f64,
    means: Vec<f64>,
    variances: Vec<f64>,
}

impl Moments {
    fn new(features: usize) -> Self {
        Self { count: 0.0, means: vec![0.0; features], variances: vec![0.0; features] }
    }

    fn len(&self) -> usize {
        self.means.len()
    }

    /// Adds rows of `width` values, of which those from `first` on are the features, by the pairwise rule of Chan, Golub and
    /// LeVeque (1979): unlike a sum of squares it loses no digits to a mean far from 0.
    fn update<T: Copy + Into<f64>>(&mut self, rows: &[T], width: usize, first: usize) {
        let added = (rows.len() / width) as f64;
        let total = self.count + added;
        for (feature, (mean, variance)) in self.means.iter_mut().zip(&mut self.variances).enumerate() {
            let column = || rows.iter().skip(first + feature).step_by(width).map(|&value| value.into());
            let new_mean = column().sum::<f64>() / added;
            let new_squares: f64 = column().map(|value| (value - new_mean).powi(2)).sum();
            let between = new_mean - *mean;
            *mean += between * added / total;
            *variance = (*variance * self.count + new_squares + between.powi(2) * self.count * added / total) / total;
        }
        self.count = total;
    }

    /// Mean, and what to multiply a distance from it with.
    fn scale(&self, feature: usize) -> (f64, f64) {
        let variance = self.variances[feature];
        (self.means[feature], if variance > LEAST_VARIANCE { 1.0 / variance.sqrt() } else { 1.0 })
    }

    fn scales(&self) -> impl Iterator<Item = (f64, f64)> {
        (0..self.len()).map(|feature| self.scale(feature))
    }

    fn is_sound(&self) -> bool {
        let numbers = self.means.iter().chain(&self.variances).chain([&self.count]);
        self.means.len() == self.variances.len()
            && numbers.into_iter().all(|number| number.is_finite())
            && self.variances.iter().all(|variance| *variance >= 0.0)
            && self.count >= 0.0
    }
}

#[cfg(test)]
mod tests;
