//! Choosing among sliders, and how far to move one.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::environment::contract::{Action, ActionSpace, Environment, Spaces, Step, View};
use crate::error::Error;
use crate::state::{StateReader, StateWriter};

/// A row of sliders and a button. The observation shows, one-hot, what is to be used now, the button last, and then how far
/// a slider is to be moved, from -0.9 to 0.9. The right slider pays 1 less the square of what the strength is off, the
/// right button 1, anything else nothing. In each step one of the wrong kinds of action is masked; to take it is an error.
///
/// A learner that finds the kinds and not the strengths has 0.73 of a slider and 1 of the button.
#[derive(Debug, Clone)]
pub struct Aim {
    rng: ChaCha8Rng,
    sliders: usize,
    right: usize,
    wanted: f32,
    masked: usize,
}

/// How far a slider is to be moved at most; only an infinite number becomes 1 through tanh.
const FARTHEST: f32 = 0.9;

impl Aim {
    /// An environment with so many `sliders`, and one button; each index has its own random stream of `seed`.
    ///
    /// # Panics
    /// When there is no slider.
    #[must_use]
    pub fn new(sliders: usize, seed: u64, index: u64) -> Self {
        assert!(sliders > 0, "at least one slider");
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(index);
        let mut aim = Self { rng, sliders, right: 0, wanted: 0.0, masked: 1 };
        aim.draw();
        aim
    }

    fn draw(&mut self) {
        self.right = self.rng.random_range(0..=self.sliders);
        self.wanted = self.rng.random_range(-FARTHEST..FARTHEST);
        // One of the others.
        self.masked = (self.right + self.rng.random_range(1..=self.sliders)) % (self.sliders + 1);
        if self.right == self.sliders {
            self.wanted = 0.0;
        }
    }
}

impl Environment for Aim {
    fn spaces(&self) -> Spaces {
        let kinds = self.sliders + 1;
        Spaces { actions: ActionSpace { kinds, scaled: self.sliders }, ..Spaces::plain(kinds + 1, kinds) }
    }

    fn reset(&mut self) -> Result<(), Error> {
        self.draw();
        Ok(())
    }

    fn step(&mut self, action: Action) -> Result<Step, Error> {
        let Action { kind, strength } = action;
        let fits = if kind < self.sliders { (-1.0..=1.0).contains(&strength) } else { strength == 0.0 };
        if kind == self.masked || !fits {
            return Err(Error::Environment { reason: format!("{kind} was used with strength {strength}") });
        }
        let reward = if kind == self.right { 1.0 - (strength - self.wanted).powi(2) } else { 0.0 };
        self.draw();
        Ok(Step::last(reward))
    }

    fn show(&self, view: View<'_>) {
        view.observation.fill(0.0);
        view.observation[self.right] = 1.0;
        view.observation[self.sliders + 1] = self.wanted;
        view.mask[self.masked] = false;
    }

    fn save_state(&self, writer: &mut StateWriter) -> Result<(), Error> {
        writer.write(&(&self.rng, self.right as u64, self.wanted, self.masked as u64))
    }

    fn restore_state(&mut self, reader: &mut StateReader<'_>) -> Result<(), Error> {
        let (right, masked): (u64, u64);
        (self.rng, right, self.wanted, masked) = reader.read()?;
        self.right = reader.index(right, self.sliders + 1)?;
        self.masked = reader.index(masked, self.sliders + 1)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_right_strength_of_the_right_slider_is_paid() {
        let mut aim = Aim::new(2, 1, 0);
        let mut buttons = 0;
        for _ in 0..50 {
            let (mut observation, mut mask) = ([f32::NAN; 4], [true; 3]);
            aim.show(View { observation: &mut observation, privileged: &mut [], mask: &mut mask });
            let right = (0..3).find(|&kind| observation[kind] == 1.0).unwrap();
            let (wanted, masked) = (observation[3], mask.iter().position(|open| !open).unwrap());
            let paid = |kind, strength| aim.clone().step(Action { kind, strength }).map(|step| step.reward);
            assert!(mask[right] && paid(masked, 0.0).is_err());
            let other = (0..3).find(|&kind| kind != right && kind != masked).unwrap();
            assert_eq!(paid(other, 0.0).unwrap(), 0.0);
            if right == 2 {
                buttons += 1;
                assert_eq!((wanted, paid(2, 0.0).unwrap()), (0.0, 1.0));
                assert!(paid(2, 0.5).is_err());
            } else {
                assert_eq!(paid(right, wanted).unwrap(), 1.0);
                let off = if wanted > 0.0 { wanted - 0.5 } else { wanted + 0.5 };
                assert!((paid(right, off).unwrap() - 0.75).abs() < 1e-6);
                assert!(paid(right, 1.1).is_err() && paid(right, f32::NAN).is_err());
            }
            aim.reset().unwrap();
        }
        assert!((5..30).contains(&buttons), "{buttons} of 50");
    }
}
