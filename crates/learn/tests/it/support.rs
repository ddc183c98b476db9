//! The environment that the tests share.

use dodge_learn::{Action, Environment, Error, Spaces, Step, View};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Shows one of `STATES` and pays 1 for the action of the same index.
pub(crate) struct Identity {
    rng: ChaCha8Rng,
    state: usize,
    steps: usize,
    ending: Ending,
}

#[derive(Clone, Copy)]
pub(crate) enum Ending {
    /// Every episode terminates after so many steps.
    Terminated(usize),
    /// Every episode is cut off after so many steps: the task itself has no end.
    Truncated(usize),
}

pub(crate) const STATES: usize = 5;

impl Identity {
    pub(crate) fn several(count: u64, ending: Ending) -> Vec<Self> {
        let one = |seed| Self { rng: ChaCha8Rng::seed_from_u64(seed), state: 0, steps: 0, ending };
        (0..count).map(one).collect()
    }

    fn draw(&mut self) {
        self.state = self.rng.random_range(0..STATES);
    }
}

impl Environment for Identity {
    fn spaces(&self) -> Spaces {
        Spaces::plain(STATES, STATES)
    }

    fn reset(&mut self) -> Result<(), Error> {
        self.steps = 0;
        self.draw();
        Ok(())
    }

    fn step(&mut self, action: Action) -> Result<Step, Error> {
        let reward = if action.kind == self.state { 1.0 } else { 0.0 };
        self.steps += 1;
        self.draw();
        let (terminated, truncated) = match self.ending {
            Ending::Terminated(limit) => (self.steps >= limit, false),
            Ending::Truncated(limit) => (false, self.steps >= limit),
        };
        Ok(Step { reward, terminated, truncated })
    }

    fn show(&self, view: View<'_>) {
        view.observation.fill(0.0);
        view.observation[self.state] = 1.0;
    }
}

/// One observation for each state.
pub(crate) fn every_state() -> Vec<f32> {
    (0..STATES * STATES).map(|i| if i % (STATES + 1) == 0 { 1.0 } else { 0.0 }).collect()
}

/// Calls `act` with all parallel work on so many threads.
pub(crate) fn on_threads<T: Send>(threads: usize, act: impl FnOnce() -> T + Send) -> T {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(act)
}
