//! Learning and speed on CartPole-v1, beside Stable-Baselines3 with the same hyperparameters (those of rl-zoo).
//!
//! `cargo xtask bench rl`, or with seeds: `cargo xtask bench rl -- 1 2 3`. With `--python PROGRAM`, a Python that has
//! `stable-baselines3`, each algorithm is measured beside its peer in the same run, and the ratio is printed.
#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]

use std::process::Command;
use std::time::Instant;

use dodge_rl::environments::CartPole;
use dodge_rl::{
    Clock, Dqn, DqnParams, Environment, Learner, Ppo, PpoParams, Schedule, Spaces, TimeLimit, VectorEnvironment, cpu,
};

const EPISODES: u64 = 100;
const SPACES: Spaces = Spaces { observation_len: 4, picture: None, privileged_len: 0, action_count: 2 };

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let seeds: Vec<u64> = arguments.iter().filter_map(|argument| argument.parse().ok()).collect();
    let seeds = if seeds.is_empty() { vec![1, 2, 3, 4, 5] } else { seeds };
    let python = arguments.iter().skip_while(|argument| *argument != "--python").nth(1);
    for algorithm in ["ppo", "dqn"] {
        let mut rates = Vec::new();
        let mut solved = 0;
        for &seed in &seeds {
            let (rate, mean_return) = if algorithm == "ppo" { ppo(seed) } else { dqn(seed) };
            println!("dodge {algorithm} seed {seed}: {rate:.0} steps/s, mean return {mean_return:.1}");
            solved += u32::from(mean_return >= 475.0);
            rates.push(rate);
        }
        rates.sort_by(f64::total_cmp);
        let median = rates[rates.len() / 2];
        println!("dodge {algorithm}: {solved} of {} seeds reach 475, median {median:.0} steps/s", seeds.len());
        if let Some(python) = &python {
            let script = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/peers/sb3_cartpole.py");
            let output =
                Command::new(python).args([script, algorithm]).output().expect("the Python that was named runs");
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            print!("{text}{}", String::from_utf8_lossy(&output.stderr));
            let theirs = text.split(" steps/s").next().and_then(|text| text.rsplit(' ').next()?.parse::<f64>().ok());
            match theirs {
                Some(theirs) => println!("{algorithm}: {:.1} times Stable-Baselines3", median / theirs),
                None => println!("{algorithm}: Stable-Baselines3 could not be measured"),
            }
        }
    }
}

fn carts(count: u64, seed: u64) -> VectorEnvironment<TimeLimit<CartPole>> {
    let carts = (0..count).map(|index| TimeLimit::new(CartPole::new(seed, index), 500));
    VectorEnvironment::new(carts.collect()).expect("CartPole is an environment")
}

/// Environment steps per second, and the mean return of greedy episodes after it.
fn measure<L: Learner>(mut learner: L, environments: u64, total: u64, seed: u64) -> (f64, f64) {
    let mut environments = carts(environments, seed);
    let mut clock = Clock { taken: 0, total };
    let start = Instant::now();
    while clock.taken < total {
        clock.taken += learner.advance(&mut environments, clock).expect("CartPole can be learnt").steps;
    }
    let rate = clock.taken as f64 / start.elapsed().as_secs_f64();
    (rate, greedy_return(&learner, seed + 1000))
}

fn greedy_return<L: Learner>(learner: &L, seed: u64) -> f64 {
    let mut total = 0.0;
    for index in 0..EPISODES {
        let mut cart = TimeLimit::new(CartPole::new(seed, index), 500);
        let mut observation = [0.0; 4];
        cart.reset(&mut observation).expect("CartPole starts");
        loop {
            let preferences = learner.preferences(&observation);
            let action = usize::from(preferences[1] > preferences[0]);
            let step = cart.step(action, &mut observation).expect("CartPole goes on");
            total += f64::from(step.reward);
            if step.ended() {
                break;
            }
        }
    }
    total / EPISODES as f64
}

fn ppo(seed: u64) -> (f64, f64) {
    let params = PpoParams {
        environments: 8,
        rollout_steps: 32,
        minibatch_size: 256,
        epochs: 20,
        discount: 0.98,
        gae_lambda: 0.8,
        clip_range: 0.2,
        clip_range_schedule: Schedule::Linear,
        entropy_coefficient: 0.0,
        learning_rate: 1e-3,
        learning_rate_schedule: Schedule::Linear,
        hidden: vec![64, 64],
        ..PpoParams::default()
    };
    measure(Ppo::new(params, SPACES, seed, &cpu()), 8, 100_000, seed)
}

fn dqn(seed: u64) -> (f64, f64) {
    let params = DqnParams {
        environments: 1,
        replay_capacity: 100_000,
        learning_starts: 1000,
        train_interval: 256,
        gradient_steps: 128,
        batch_size: 64,
        target_interval: 10,
        discount: 0.99,
        double: false,
        exploration_share: 0.16,
        exploration_end: 0.04,
        learning_rate: 2.3e-3,
        hidden: vec![256, 256],
        ..DqnParams::default()
    };
    measure(Dqn::new(params, SPACES, seed, &cpu()), 1, 50_000, seed)
}
