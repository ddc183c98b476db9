//! What the algorithms learn in: a single environment, and many stepped together.

use rayon::prelude::*;

use crate::Error;

/// What came of one action.
///
/// `terminated` says that the task itself ended, so nothing follows; `truncated` that the episode was only cut off and
/// the value of what would have followed still counts. At most one of them is true.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Step {
    /// The reward, finite.
    pub reward: f32,
    /// The episode is over and has no future.
    pub terminated: bool,
    /// The episode was cut off by a limit.
    pub truncated: bool,
}

impl Step {
    /// Whether the next step belongs to another episode.
    #[must_use]
    pub fn ended(&self) -> bool {
        self.terminated || self.truncated
    }
}

/// A task with observations of fixed length and a fixed number of actions. Open for implementation.
///
/// An environment draws its randomness from a generator of its own, seeded when it is made, so that a run does not
/// depend on how environments are spread over threads.
pub trait Environment: Send {
    /// Length of an observation.
    fn observation_len(&self) -> usize;

    /// Number of actions; an action is an index below it.
    fn action_count(&self) -> usize;

    /// Starts a new episode and writes its first observation.
    ///
    /// # Errors
    /// [`Error`] when no episode can be started.
    fn reset(&mut self, observation: &mut [f32]) -> Result<(), Error>;

    /// Takes an action and writes what is observed after it, also where the episode ends.
    ///
    /// # Errors
    /// [`Error`], for example when a juror does not answer.
    fn step(&mut self, action: usize, observation: &mut [f32]) -> Result<Step, Error>;
}

/// Environments stepped together on the threads of the current rayon pool.
///
/// An environment whose episode ends is reset at once; the observation that ended it is kept in
/// [`VectorEnvironment::final_observations`], because a truncated episode needs its value.
pub struct VectorEnvironment<E> {
    slots: Vec<Slot<E>>,
    observation_len: usize,
    observations: Vec<f32>,
    final_observations: Vec<f32>,
}

struct Slot<E> {
    environment: E,
    observation: Vec<f32>,
    final_observation: Vec<f32>,
}

impl<E: Environment> VectorEnvironment<E> {
    /// Resets every environment.
    ///
    /// # Errors
    /// The first error of a reset.
    ///
    /// # Panics
    /// When there is no environment.
    pub fn new(environments: Vec<E>) -> Result<Self, Error> {
        let observation_len = environments.first().expect("at least one environment").observation_len();
        let mut slots: Vec<Slot<E>> = environments
            .into_iter()
            .map(|environment| Slot {
                environment,
                observation: vec![0.0; observation_len],
                final_observation: vec![0.0; observation_len],
            })
            .collect();
        slots.par_iter_mut().try_for_each(|slot| slot.environment.reset(&mut slot.observation))?;
        let zeros = vec![0.0; slots.len() * observation_len];
        let mut vector = Self { slots, observation_len, observations: zeros.clone(), final_observations: zeros };
        vector.gather();
        Ok(vector)
    }

    /// Number of environments.
    #[must_use]
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Never true; for symmetry with [`VectorEnvironment::len`].
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// Length of one observation.
    #[must_use]
    pub fn observation_len(&self) -> usize {
        self.observation_len
    }

    /// Number of actions of each environment.
    #[must_use]
    pub fn action_count(&self) -> usize {
        self.slots[0].environment.action_count()
    }

    /// What each environment shows now, `[environment][observation]`.
    #[must_use]
    pub fn observations(&self) -> &[f32] {
        &self.observations
    }

    /// The last observation of the episode that ended in the latest step, `[environment][observation]`; meaningless
    /// for environments whose episode goes on.
    #[must_use]
    pub fn final_observations(&self) -> &[f32] {
        &self.final_observations
    }

    /// Takes one action in each environment.
    ///
    /// # Errors
    /// The first error of an environment.
    ///
    /// # Panics
    /// When there is not one action per environment.
    pub fn step(&mut self, actions: &[usize]) -> Result<Vec<Step>, Error> {
        assert_eq!(actions.len(), self.slots.len(), "one action per environment");
        let steps = self
            .slots
            .par_iter_mut()
            .zip(actions)
            .map(|(slot, &action)| {
                let step = slot.environment.step(action, &mut slot.observation)?;
                if step.ended() {
                    slot.final_observation.copy_from_slice(&slot.observation);
                    slot.environment.reset(&mut slot.observation)?;
                }
                Ok(step)
            })
            .collect::<Result<Vec<Step>, Error>>()?;
        self.gather();
        Ok(steps)
    }

    fn gather(&mut self) {
        let rows = self.observations.chunks_exact_mut(self.observation_len);
        let final_rows = self.final_observations.chunks_exact_mut(self.observation_len);
        for ((slot, row), final_row) in self.slots.iter().zip(rows).zip(final_rows) {
            row.copy_from_slice(&slot.observation);
            final_row.copy_from_slice(&slot.final_observation);
        }
    }
}

impl<E> std::fmt::Debug for VectorEnvironment<E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "VectorEnvironment({} environments, observations of {})", self.slots.len(), self.observation_len)
    }
}
