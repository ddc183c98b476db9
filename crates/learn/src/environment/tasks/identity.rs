//! Saying what was shown.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::environment::contract::{Action, Environment, Spaces, Step, View};
use crate::error::Error;
use crate::state::{StateReader, StateWriter};

/// Shows one of several things, one-hot, and pays 1 for the action of the same index. Nothing carries over from step to
/// step, so that whatever cannot learn this learns nothing. Put a [`TimeLimit`](crate::TimeLimit) around it.
#[derive(Debug, Clone)]
pub struct Identity {
    rng: ChaCha8Rng,
    choices: usize,
    shown: usize,
}

impl Identity {
    /// An environment with `choices` things to tell apart; each index has its own random stream of `seed`.
    ///
    /// # Panics
    /// When there is no choice.
    #[must_use]
    pub fn new(choices: usize, seed: u64, index: u64) -> Self {
        assert!(choices > 0, "at least one choice");
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(index);
        Self { rng, choices, shown: 0 }
    }

    fn draw(&mut self) {
        self.shown = self.rng.random_range(0..self.choices);
    }
}

impl Environment for Identity {
    fn spaces(&self) -> Spaces {
        Spaces::plain(self.choices, self.choices)
    }

    fn reset(&mut self) -> Result<(), Error> {
        self.draw();
        Ok(())
    }

    fn step(&mut self, action: Action) -> Result<Step, Error> {
        let reward = if action.kind == self.shown { 1.0 } else { 0.0 };
        self.draw();
        Ok(Step { reward, terminated: false, truncated: false })
    }

    fn show(&self, view: View<'_>) {
        view.observation.fill(0.0);
        view.observation[self.shown] = 1.0;
    }

    fn save_state(&self, writer: &mut StateWriter) -> Result<(), Error> {
        writer.write(&(&self.rng, self.shown as u64))
    }

    fn restore_state(&mut self, reader: &mut StateReader<'_>) -> Result<(), Error> {
        let shown: u64;
        (self.rng, shown) = reader.read()?;
        self.shown = reader.index(shown, self.choices)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_right_answer_is_paid() {
        let mut identity = Identity::new(3, 1, 0);
        identity.reset().unwrap();
        for _ in 0..20 {
            let mut observation = [f32::NAN; 3];
            identity.show(View { observation: &mut observation, privileged: &mut [], mask: &mut [true; 3] });
            let shown = observation.iter().position(|&value| value == 1.0).unwrap();
            assert_eq!(observation.iter().sum::<f32>(), 1.0);
            let wrong = Action::new((shown + 1) % 3);
            assert_eq!(identity.clone().step(wrong).unwrap().reward, 0.0);
            assert_eq!(identity.step(Action::new(shown)).unwrap().reward, 1.0);
        }
    }
}
