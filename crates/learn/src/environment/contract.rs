//! What an environment is: the contract between a task and those who learn it.

use serde::{Deserialize, Serialize};

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
    /// The task ended with this reward.
    #[must_use]
    pub const fn last(reward: f32) -> Self {
        Self { reward, terminated: true, truncated: false }
    }

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

/// What is done in a step: an action of one kind, and how strongly.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Action {
    /// Which kind, below [`ActionSpace::kinds`].
    pub kind: usize,
    /// How strongly, from -1 to 1, where the kind takes a strength; else 0.
    pub strength: f32,
}

impl Action {
    /// An action of a kind that takes no strength.
    #[must_use]
    pub const fn new(kind: usize) -> Self {
        Self { kind, strength: 0.0 }
    }
}

/// What may be done in an environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ActionSpace {
    /// Number of kinds of actions.
    pub kinds: usize,
    /// Kinds below this index take a strength; 0 where none does.
    pub scaled: usize,
}

impl ActionSpace {
    /// So many kinds of actions, none of which takes a strength.
    #[must_use]
    pub const fn discrete(kinds: usize) -> Self {
        Self { kinds, scaled: 0 }
    }
}

/// Where an environment shows itself to a learner, in rows that the learner owns. Every row is written whole.
#[derive(Debug)]
pub struct View<'a> {
    /// What is observed, of the length [`Spaces::observation_len`].
    pub observation: &'a mut [f32],
    /// What is known in training but not where the agent is used, such as how far it is from the goal, of the length
    /// [`Spaces::privileged_len`]. Only a value network sees it (asymmetric actor-critic, Pinto et al. 2017,
    /// arXiv:1710.06542): it judges better, and the policy learns from its judgement, but never looks there.
    pub privileged: &'a mut [f32],
    /// Which kinds of actions may be taken now. It comes in true for all and becomes false for those that may not; at least
    /// one stays true. A masked kind is never handed to [`Environment::step`].
    pub mask: &'a mut [bool],
}

/// A task with observations of fixed length and a fixed space of actions. Open for implementation.
///
/// An environment draws its randomness from a generator of its own, seeded when it is made, so that a run does not
/// depend on how environments are spread over threads.
pub trait Environment: Send {
    /// The shapes of what is shown and done; always the same ones.
    fn spaces(&self) -> Spaces;

    /// Starts a new episode.
    ///
    /// # Errors
    /// [`Error`] when no episode can be started.
    fn reset(&mut self) -> Result<(), Error>;

    /// Takes an action. Where the episode ends the environment stays in its last state until [`Environment::reset`].
    ///
    /// # Errors
    /// [`Error`], for example when a juror does not answer.
    fn step(&mut self, action: Action) -> Result<Step, Error>;

    /// Shows the present state; asked once after every reset and every step that something follows.
    fn show(&self, view: View<'_>);

    /// What an episode would gain that took every kind with a strength once from the present state, in the order of the kinds
    /// and with these `strengths` (-1 to 1), and then ended; nothing changes by asking. `by_strength`, where it is given, becomes
    /// the gradient of the gain. For tasks whose steps are differentiable: [`Apg`](crate::Apg) learns from it.
    ///
    /// # Errors
    /// [`Error::Environment`] where the environment does not implement this.
    fn gain(&self, strengths: &[f32], by_strength: Option<&mut [f32]>) -> Result<f32, Error> {
        let _ = (strengths, by_strength);
        Err(Error::Environment { reason: "it tells no gradient of its gain: implement Environment::gain".into() })
    }

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
    /// The shape of the picture that an observation begins with, row by row in each channel, with values `k / 255` for whole
    /// `k` from 0 to 255; none where it shows no picture. Other features may follow it.
    pub picture: Option<Picture>,
    /// Length of what only a value network may see; 0 where there is nothing.
    pub privileged_len: usize,
    /// What may be done.
    pub actions: ActionSpace,
}

impl Spaces {
    /// Observations without a picture, nothing that only a value network may see, and actions without strengths.
    #[must_use]
    pub const fn plain(observation_len: usize, kinds: usize) -> Self {
        Self { observation_len, picture: None, privileged_len: 0, actions: ActionSpace::discrete(kinds) }
    }
}
