//! A task of one's own, learnt by both algorithms: `cargo run --release -p dodge-learn --example own_environment`.
//!
//! A lamp has to be turned to the brightness that is asked for, one notch up or down at a time, and then to be left
//! alone; it can be turned neither below its lowest notch nor above its highest.

#![expect(clippy::print_stdout, reason = "an example prints what it shows")]

use dodge_learn::{
    Action, Dqn, DqnParams, Environment, Error, Learner, Normalizer, Policy, Ppo, PpoParams, Spaces, Step, TimeLimit,
    VectorEnvironment, View, cpu,
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

const NOTCHES: i32 = 9;
const ACTIONS: [&str; 3] = ["darker", "brighter", "done"];

struct Lamp {
    rng: ChaCha8Rng,
    notch: i32,
    wanted: i32,
}

impl Environment for Lamp {
    fn spaces(&self) -> Spaces {
        Spaces::plain(2, ACTIONS.len())
    }

    fn reset(&mut self) -> Result<(), Error> {
        (self.notch, self.wanted) = (self.rng.random_range(0..NOTCHES), self.rng.random_range(0..NOTCHES));
        Ok(())
    }

    fn step(&mut self, action: Action) -> Result<Step, Error> {
        let off_before = (self.notch - self.wanted).abs();
        self.notch += [-1, 1, 0][action.kind];
        let off = (self.notch - self.wanted).abs();
        // What is gained, less the effort; `done` ends the episode, and costs as much as the lamp is off.
        let terminated = action.kind == 2;
        let reward = if terminated { -off as f32 } else { (off_before - off) as f32 - 0.1 };
        Ok(Step { reward, terminated, truncated: false })
    }

    fn show(&self, view: View<'_>) {
        view.observation.copy_from_slice(&[self.notch as f32, self.wanted as f32]);
        view.mask.copy_from_slice(&[self.notch > 0, self.notch < NOTCHES - 1, true]);
    }
}

fn lamps(count: u64) -> Result<VectorEnvironment<TimeLimit<Lamp>>, Error> {
    let lamp = |index| Lamp { rng: ChaCha8Rng::seed_from_u64(index), notch: 0, wanted: 0 };
    let lamps = (0..count).map(|index| TimeLimit::new(lamp(index), 20)).collect();
    // Notches go from 0 to 8: statistics bring them to a scale that networks like.
    VectorEnvironment::new(lamps)?.with_normalizer(Normalizer::new().with_observations())
}

fn train<L: Learner>(name: &str, mut learner: L, mut lamps: VectorEnvironment<TimeLimit<Lamp>>) -> Result<(), Error> {
    learner.learn(&mut lamps, 20_000)?;
    let episodes = lamps.take_episodes();
    let last = &episodes[episodes.len().saturating_sub(100)..];
    let reward = last.iter().map(|episode| episode.total_reward).sum::<f64>() / last.len() as f64;
    println!("{name}: mean reward of the last {} episodes {reward:.2}; at notch 4 it prefers", last.len());
    let normalizer = lamps.normalizer().cloned().unwrap_or_default();
    let policy = normalizer.around(&learner, 2);
    for wanted in [0.0, 3.0, 4.0, 5.0, 8.0] {
        let preferences = policy.preferences(&[4.0, wanted]);
        let best = (0..ACTIONS.len()).max_by(|&a, &b| preferences[a].total_cmp(&preferences[b])).unwrap_or_default();
        println!("  {} when {wanted} is wanted", ACTIONS[best]);
    }
    Ok(())
}

fn main() -> Result<(), Error> {
    let ppo = PpoParams { environments: 16, rollout_steps: 32, minibatch_size: 128, ..PpoParams::default() };
    let dqn = DqnParams::default();
    let (few, many) = (lamps(ppo.environments as u64)?, lamps(dqn.environments as u64)?);
    let spaces = few.spaces();
    train("ppo", Ppo::new(ppo, spaces, 1, &cpu()), few)?;
    train("dqn", Dqn::new(dqn, spaces, 1, &cpu()), many)
}
