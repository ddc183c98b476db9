//! Environments around environments.

use crate::environment::contract::{Environment, Step};
use crate::error::Error;
use crate::nn::picture::Picture;
use crate::state::{StateReader, StateWriter};

/// Cuts episodes off after a number of steps. A step in which the task itself ends is not cut off.
#[derive(Debug, Clone)]
pub struct TimeLimit<E> {
    inner: E,
    limit: u64,
    taken: u64,
}

impl<E> TimeLimit<E> {
    /// Limits the episodes of `inner` to `limit` environment steps.
    ///
    /// # Panics
    /// When the limit is 0.
    #[must_use]
    pub fn new(inner: E, limit: u64) -> Self {
        assert!(limit > 0, "an episode has at least one step");
        Self { inner, limit, taken: 0 }
    }
}

impl<E: Environment> Environment for TimeLimit<E> {
    fn observation_len(&self) -> usize {
        self.inner.observation_len()
    }

    fn action_count(&self) -> usize {
        self.inner.action_count()
    }

    fn action_mask(&self, mask: &mut [bool]) {
        self.inner.action_mask(mask);
    }

    fn picture(&self) -> Option<Picture> {
        self.inner.picture()
    }

    fn privileged_len(&self) -> usize {
        self.inner.privileged_len()
    }

    fn privileged(&self, into: &mut [f32]) {
        self.inner.privileged(into);
    }

    fn reset(&mut self, observation: &mut [f32]) -> Result<(), Error> {
        self.taken = 0;
        self.inner.reset(observation)
    }

    fn step(&mut self, action: usize, observation: &mut [f32]) -> Result<Step, Error> {
        let step = self.inner.step(action, observation)?;
        self.taken += 1;
        Ok(Step { truncated: step.truncated || (self.taken >= self.limit && !step.terminated), ..step })
    }

    fn save_state(&self, writer: &mut StateWriter) -> Result<(), Error> {
        writer.write(&self.taken)?;
        self.inner.save_state(writer)
    }

    fn restore_state(&mut self, reader: &mut StateReader<'_>) -> Result<(), Error> {
        self.taken = reader.read()?;
        self.inner.restore_state(reader)
    }
}

/// Multiplies every reward by a factor, to bring it into the range that a learner is tuned for.
#[derive(Debug, Clone)]
pub struct RewardScale<E> {
    inner: E,
    factor: f32,
}

impl<E> RewardScale<E> {
    /// Multiplies the rewards of `inner` by `factor`.
    #[must_use]
    pub fn new(inner: E, factor: f32) -> Self {
        Self { inner, factor }
    }
}

impl<E: Environment> Environment for RewardScale<E> {
    fn observation_len(&self) -> usize {
        self.inner.observation_len()
    }

    fn action_count(&self) -> usize {
        self.inner.action_count()
    }

    fn action_mask(&self, mask: &mut [bool]) {
        self.inner.action_mask(mask);
    }

    fn picture(&self) -> Option<Picture> {
        self.inner.picture()
    }

    fn privileged_len(&self) -> usize {
        self.inner.privileged_len()
    }

    fn privileged(&self, into: &mut [f32]) {
        self.inner.privileged(into);
    }

    fn reset(&mut self, observation: &mut [f32]) -> Result<(), Error> {
        self.inner.reset(observation)
    }

    fn step(&mut self, action: usize, observation: &mut [f32]) -> Result<Step, Error> {
        let step = self.inner.step(action, observation)?;
        Ok(Step { reward: step.reward * self.factor, ..step })
    }

    fn save_state(&self, writer: &mut StateWriter) -> Result<(), Error> {
        self.inner.save_state(writer)
    }

    fn restore_state(&mut self, reader: &mut StateReader<'_>) -> Result<(), Error> {
        self.inner.restore_state(reader)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::tasks::Identity;

    #[test]
    fn episodes_are_cut_off_and_begin_anew() {
        let mut limited = TimeLimit::new(Identity::new(2, 1, 0), 3);
        let mut observation = [0.0; 2];
        for _ in 0..2 {
            limited.reset(&mut observation).unwrap();
            let cut_off: Vec<bool> = (0..3).map(|_| limited.step(0, &mut observation).unwrap().truncated).collect();
            assert_eq!(cut_off, [false, false, true]);
        }
    }

    #[test]
    fn an_end_at_the_limit_is_an_end() {
        let mut limited = TimeLimit::new(crate::environment::tasks::MaskedBandit::new(2, 1, 0), 1);
        limited.reset(&mut [0.0; 2]).unwrap();
        let mut mask = [false; 2];
        limited.action_mask(&mut mask);
        let step = limited.step(mask.iter().position(|&open| open).unwrap(), &mut [0.0; 2]).unwrap();
        assert!(step.terminated && !step.truncated);
    }

    #[test]
    fn rewards_are_scaled() {
        let mut scaled = RewardScale::new(Identity::new(1, 1, 0), 0.25);
        scaled.reset(&mut [0.0]).unwrap();
        assert_eq!(scaled.step(0, &mut [0.0]).unwrap().reward, 0.25);
    }
}
