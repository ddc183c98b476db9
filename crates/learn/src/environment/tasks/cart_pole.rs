//! Balancing a pole on a cart.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::environment::contract::{Action, Environment, Spaces, Step, View};
use crate::error::Error;
use crate::state::{StateReader, StateWriter};

const GRAVITY: f64 = 9.8;
const CART_MASS: f64 = 1.0;
const POLE_MASS: f64 = 0.1;
/// Half of the pole's length.
const LENGTH: f64 = 0.5;
const FORCE: f64 = 10.0;
const SECONDS_PER_STEP: f64 = 0.02;
const WIDEST_ANGLE: f64 = 12.0 * std::f64::consts::PI / 180.0;
const FARTHEST: f64 = 2.4;

/// A cart that is pushed left (action 0) or right (action 1) so that the pole on it does not fall over (Barto, Sutton and
/// Anderson 1983). Dynamics, limits and start as in Gymnasium's `CartPole-v1`, without its limit of 500 steps: put a
/// [`TimeLimit`](crate::TimeLimit) around it.
///
/// The observation is position (m), velocity (m/s), angle (rad) and angular velocity (rad/s); the reward 1 per step, also
/// for the step in which the pole falls.
#[derive(Debug, Clone)]
pub struct CartPole {
    rng: ChaCha8Rng,
    position: f64,
    velocity: f64,
    angle: f64,
    spin: f64,
}

impl CartPole {
    /// The environment with the given `index`; each index has its own random stream of `seed`.
    #[must_use]
    pub fn new(seed: u64, index: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(index);
        Self { rng, position: 0.0, velocity: 0.0, angle: 0.0, spin: 0.0 }
    }
}

impl Environment for CartPole {
    fn spaces(&self) -> Spaces {
        Spaces::plain(4, 2)
    }

    fn reset(&mut self) -> Result<(), Error> {
        let rng = &mut self.rng;
        for value in [&mut self.position, &mut self.velocity, &mut self.angle, &mut self.spin] {
            *value = rng.random_range(-0.05..0.05);
        }
        Ok(())
    }

    fn step(&mut self, action: Action) -> Result<Step, Error> {
        let force = if action.kind == 1 { FORCE } else { -FORCE };
        let (sine, cosine) = self.angle.sin_cos();
        let mass = CART_MASS + POLE_MASS;
        let pushed = (force + POLE_MASS * LENGTH * self.spin.powi(2) * sine) / mass;
        let spin_change =
            (GRAVITY * sine - cosine * pushed) / (LENGTH * (4.0 / 3.0 - POLE_MASS * cosine.powi(2) / mass));
        let acceleration = pushed - POLE_MASS * LENGTH * spin_change * cosine / mass;
        // Explicit Euler, positions first.
        self.position += SECONDS_PER_STEP * self.velocity;
        self.velocity += SECONDS_PER_STEP * acceleration;
        self.angle += SECONDS_PER_STEP * self.spin;
        self.spin += SECONDS_PER_STEP * spin_change;
        let fallen = self.position.abs() > FARTHEST || self.angle.abs() > WIDEST_ANGLE;
        Ok(Step { reward: 1.0, terminated: fallen, truncated: false })
    }

    fn show(&self, view: View<'_>) {
        let state = [self.position, self.velocity, self.angle, self.spin];
        view.observation.copy_from_slice(&state.map(|value| value as f32));
    }

    fn save_state(&self, writer: &mut StateWriter) -> Result<(), Error> {
        writer.write(&(&self.rng, self.position, self.velocity, self.angle, self.spin))
    }

    fn restore_state(&mut self, reader: &mut StateReader<'_>) -> Result<(), Error> {
        (self.rng, self.position, self.velocity, self.angle, self.spin) = reader.read()?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn observed(cart: &CartPole) -> [f32; 4] {
        let mut observation = [f32::NAN; 4];
        cart.show(View { observation: &mut observation, privileged: &mut [], mask: &mut [true; 2] });
        observation
    }

    #[test]
    fn a_push_from_rest_by_hand() {
        let mut cart = CartPole::new(0, 0);
        let step = cart.step(Action::new(1)).unwrap();
        // From rest, upright: pushed = 10 / 1.1; spin change = -pushed / (0.5 (4/3 - 0.1 / 1.1)); the rest follows.
        let pushed = 10.0 / 1.1;
        let spin_change = -pushed / (0.5 * (4.0 / 3.0 - 0.1 / 1.1));
        let acceleration = pushed - 0.05 * spin_change / 1.1;
        assert_eq!(step, Step { reward: 1.0, terminated: false, truncated: false });
        assert_eq!(observed(&cart), [0.0, (0.02 * acceleration) as f32, 0.0, (0.02 * spin_change) as f32]);
    }

    #[test]
    fn a_pole_that_is_pushed_one_way_falls_soon() {
        let mut cart = CartPole::new(1, 0);
        cart.reset().unwrap();
        let observation = observed(&cart);
        assert!(observation.iter().all(|value| value.abs() < 0.05), "{observation:?}");
        let steps = (1..).find(|_| cart.step(Action::new(0)).unwrap().terminated).unwrap();
        assert!((7..13).contains(&steps), "{steps}");
    }
}
