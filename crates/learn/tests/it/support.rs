//! The environment that the tests share.

use dodge_learn::{Environment, Error, Step};
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

    fn show(&mut self, observation: &mut [f32]) {
        self.state = self.rng.random_range(0..STATES);
        observation.fill(0.0);
        observation[self.state] = 1.0;
    }
}

impl Environment for Identity {
    fn observation_len(&self) -> usize {
        STATES
    }

    fn action_count(&self) -> usize {
        STATES
    }

    fn reset(&mut self, observation: &mut [f32]) -> Result<(), Error> {
        self.steps = 0;
        self.show(observation);
        Ok(())
    }

    fn step(&mut self, action: usize, observation: &mut [f32]) -> Result<Step, Error> {
        let reward = if action == self.state { 1.0 } else { 0.0 };
        self.steps += 1;
        self.show(observation);
        let (terminated, truncated) = match self.ending {
            Ending::Terminated(limit) => (self.steps >= limit, false),
            Ending::Truncated(limit) => (false, self.steps >= limit),
        };
        Ok(Step { reward, terminated, truncated })
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
