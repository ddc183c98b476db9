//! What an environment is: the contract between a task and those who learn it.

use crate::error::Error;
use crate::nn::picture::Picture;
use crate::state::{StateReader, StateWriter};

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

/// An episode that ended.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Episode {
    /// Sum of its rewards, not discounted.
    pub total_reward: f64,
    /// Its environment steps.
    pub steps: u64,
    /// Whether it was cut off.
    pub truncated: bool,
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

    /// Says which actions may be taken now: `mask[action]` comes in true for all and becomes false for those that may
    /// not. At least one stays true. A masked action is never handed to [`Environment::step`].
    fn action_mask(&self, mask: &mut [bool]) {
        let _ = mask;
    }

    /// The shape of the picture that an observation begins with, row by row in each channel, with values `k / 255` for whole
    /// `k` from 0 to 255; none where it shows no picture. Other features may follow it.
    fn picture(&self) -> Option<Picture> {
        None
    }

    /// Length of what [`Environment::privileged`] tells; 0 where there is nothing.
    fn privileged_len(&self) -> usize {
        0
    }

    /// Tells what is known in training but not where the agent is used, such as how far it is from the goal. Only a value
    /// network may see it (asymmetric actor-critic, Pinto et al. 2017, arXiv:1710.06542): it judges better, and the policy
    /// learns from its judgement, but never looks there.
    fn privileged(&self, into: &mut [f32]) {
        let _ = into;
    }

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

    /// Takes down everything that changes from step to step, generators of random numbers too.
    ///
    /// # Errors
    /// [`Error::State`] where the environment does not implement this: its trainings cannot be resumed.
    fn save_state(&self, writer: &mut StateWriter) -> Result<(), Error> {
        let _ = writer;
        Err(Error::State { reason: "this environment cannot be saved: implement Environment::save_state".into() })
    }

    /// Goes back to a state that [`Environment::save_state`] took down in an environment made with the same parameters.
    ///
    /// # Errors
    /// [`Error::State`] when the state is damaged or of another kind.
    fn restore_state(&mut self, reader: &mut StateReader<'_>) -> Result<(), Error> {
        let _ = reader;
        Err(Error::State { reason: "this environment cannot be restored: implement Environment::restore_state".into() })
    }
}

/// The shapes of what passes between a learner and its environments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spaces {
    /// Length of an observation, the picture included.
    pub observation_len: usize,
    /// The picture that it begins with.
    pub picture: Option<Picture>,
    /// Length of what only a value network may see.
    pub privileged_len: usize,
    /// Number of actions.
    pub action_count: usize,
}

impl Spaces {
    pub(crate) fn of<E: Environment>(environment: &E) -> Self {
        Self {
            observation_len: environment.observation_len(),
            picture: environment.picture(),
            privileged_len: environment.privileged_len(),
            action_count: environment.action_count(),
        }
    }
}
