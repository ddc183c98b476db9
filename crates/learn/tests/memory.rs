//! Memory stays as it is over hundreds of updates. A process of its own, because it measures the whole process.
//!
//! Tensors that share their storage have kept whole rollouts alive in the graph of gradients before
//! (tracel-ai/burn#4302); a leak of one rollout per update would show here many times over.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a failing unwrap is a failing test")]

use dodge_learn::{
    Action, ActionSpace, Clock, Dqn, DqnParams, Environment, Error, Learner, Ppo, PpoParams, Spaces, Step, TimeLimit,
    VectorEnvironment, View, cpu,
};

const FEATURES: usize = 128;
const MOST_GROWTH_MIB: f64 = 6.0;

/// Shows how often it was asked, in many features.
struct Wide {
    asked: f32,
    scaled: usize,
}

impl Environment for Wide {
    fn spaces(&self) -> Spaces {
        Spaces { actions: ActionSpace { kinds: 4, scaled: self.scaled }, ..Spaces::plain(FEATURES, 4) }
    }

    fn reset(&mut self) -> Result<(), Error> {
        self.asked += 1.0;
        Ok(())
    }

    fn step(&mut self, action: Action) -> Result<Step, Error> {
        self.reset()?;
        Ok(Step { reward: action.kind as f32, terminated: false, truncated: false })
    }

    fn show(&self, view: View<'_>) {
        view.observation.fill((self.asked / 100.0).sin());
    }
}

/// Resident memory of this process. `status` tells it in KiB, `statm` in pages whose size differs between machines.
fn resident_mib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1024.0
}

#[track_caller]
fn check<L: Learner>(mut learner: L, scaled: usize, warm_up: u64, rounds: u64) {
    let wide = (0..16).map(|index| TimeLimit::new(Wide { asked: index as f32, scaled }, 50)).collect();
    let mut environments = VectorEnvironment::new(wide).unwrap();
    let mut advance = |rounds: u64| {
        let mut steps = 0;
        for taken in 0..rounds {
            steps += learner.advance(&mut environments, Clock { taken, total: 1000 }).unwrap().steps;
            drop(environments.take_episodes());
        }
        steps
    };
    advance(warm_up);
    let before = resident_mib();
    let steps = advance(rounds);
    let growth = resident_mib() - before;
    let handled = steps as f64 * FEATURES as f64 * 4.0 / 1024.0 / 1024.0;
    assert!(handled > 5.0 * MOST_GROWTH_MIB, "{handled:.0} MiB of observations are too few to notice a leak");
    assert!(growth < MOST_GROWTH_MIB, "{growth:.1} MiB more after {rounds} rounds, from {before:.1} MiB");
}

#[test]
fn memory_is_flat_over_200_updates() {
    let params = PpoParams {
        environments: 16,
        rollout_steps: 32,
        minibatch_size: 128,
        epochs: 2,
        hidden: vec![32],
        ..PpoParams::default()
    };
    let spaces = |scaled| VectorEnvironment::new(vec![Wide { asked: 0.0, scaled }]).unwrap().spaces();
    check(Ppo::new(params.clone(), spaces(0), 1, &cpu()), 0, 30, 200);
    check(Ppo::new(params, spaces(3), 1, &cpu()), 3, 30, 200);

    let params = DqnParams {
        environments: 16,
        replay_capacity: 2048,
        learning_starts: 256,
        train_interval: 512,
        gradient_steps: 4,
        batch_size: 64,
        hidden: vec![32],
        priority_exponent: 0.6,
        ..DqnParams::default()
    };
    // The memory is full, and so in use as a whole, after four rounds.
    check(Dqn::new(params, spaces(0), 1, &cpu()), 0, 30, 200);
}
