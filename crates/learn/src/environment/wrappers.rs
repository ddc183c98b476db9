//! Environments around environments.

use crate::environment::contract::{Action, Environment, Spaces, Step, View};
use crate::error::Error;
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
    fn spaces(&self) -> Spaces {
        self.inner.spaces()
    }

    fn reset(&mut self) -> Result<(), Error> {
        self.taken = 0;
        self.inner.reset()
    }

    fn step(&mut self, action: Action) -> Result<Step, Error> {
        let step = self.inner.step(action)?;
        self.taken += 1;
        Ok(Step { truncated: step.truncated || (self.taken >= self.limit && !step.terminated), ..step })
    }

    fn show(&self, view: View<'_>) {
        self.inner.show(view);
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
    fn spaces(&self) -> Spaces {
        self.inner.spaces()
    }

    fn reset(&mut self) -> Result<(), Error> {
        self.inner.reset()
    }

    fn step(&mut self, action: Action) -> Result<Step, Error> {
        let step = self.inner.step(action)?;
        Ok(Step { reward: step.reward * self.factor, ..step })
    }

    fn show(&self, view: View<'_>) {
        self.inner.show(view);
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
    use crate::environment::tasks::{Identity, MaskedBandit};

    #[test]
    fn episodes_are_cut_off_and_begin_anew() {
        let mut limited = TimeLimit::new(Identity::new(2, 1, 0), 3);
        for _ in 0..2 {
            limited.reset().unwrap();
            let cut_off: Vec<bool> = (0..3).map(|_| limited.step(Action::new(0)).unwrap().truncated).collect();
            assert_eq!(cut_off, [false, false, true]);
        }
    }

    #[test]
    fn an_end_at_the_limit_is_an_end_and_masks_are_passed_on() {
        let mut limited = TimeLimit::new(RewardScale::new(MaskedBandit::new(2, 1, 0), 3.0), 1);
        limited.reset().unwrap();
        let mut mask = [true; 2];
        limited.show(View { observation: &mut [0.0; 2], privileged: &mut [], mask: &mut mask });
        let open = mask.iter().position(|&open| open).unwrap();
        assert_eq!(mask.iter().filter(|&&open| open).count(), 1);
        let step = limited.step(Action::new(open)).unwrap();
        assert!(step.terminated && !step.truncated);
        assert_eq!(step.reward, 1.5 * open as f32);
    }

    #[test]
    fn rewards_are_scaled() {
        let mut scaled = RewardScale::new(Identity::new(1, 1, 0), 0.25);
        scaled.reset().unwrap();
        assert_eq!(scaled.step(Action::new(0)).unwrap().reward, 0.25);
    }
}
