//! CartPole-v1 with the hyperparameters of rl-zoo: PPO for 100,000 steps, DQN for 50,000.

use std::time::Instant;

use dodge_learn::tasks::CartPole;
use dodge_learn::{
    Action, Dqn, DqnParams, Environment, Learner, Ppo, PpoParams, Schedule, Spaces, TimeLimit, VectorEnvironment, View,
    cpu,
};

const EPISODES: u64 = 100;
const SPACES: Spaces = Spaces::plain(4, 2);

/// The mean return from which CartPole-v1 counts as solved.
pub(crate) const SOLVED: f64 = 475.0;

/// What came of a training.
#[derive(Debug)]
pub(crate) struct Result {
    pub(crate) steps_per_second: f64,
    /// Mean return of 100 episodes in which the preferred action is taken.
    pub(crate) mean_return: f64,
}

pub(crate) fn ppo(seed: u64) -> Result {
    let params = PpoParams {
        environments: 8,
        rollout_steps: 32,
        minibatch_size: 256,
        epochs: 20,
        discount: 0.98,
        gae_lambda: 0.8,
        clip_range: 0.2,
        clip_range_schedule: Schedule::Linear { end: 0.0 },
        entropy_coefficient: 0.0,
        learning_rate: 1e-3,
        learning_rate_schedule: Schedule::Linear { end: 0.0 },
        hidden: vec![64, 64],
        ..PpoParams::default()
    };
    train(Ppo::new(params, SPACES, seed, &cpu()), 8, 100_000, seed)
}

pub(crate) fn dqn(seed: u64) -> Result {
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
    train(Dqn::new(params, SPACES, seed, &cpu()), 1, 50_000, seed)
}

fn train<L: Learner>(mut learner: L, environments: u64, total: u64, seed: u64) -> Result {
    let carts = (0..environments).map(|index| TimeLimit::new(CartPole::new(seed, index), 500));
    let mut carts = VectorEnvironment::new(carts.collect()).expect("CartPole is an environment");
    let start = Instant::now();
    learner.learn(&mut carts, total).expect("CartPole can be learnt");
    let steps_per_second = total as f64 / start.elapsed().as_secs_f64();
    Result { steps_per_second, mean_return: greedy_return(&learner, seed + 1000) }
}

fn greedy_return<L: Learner>(learner: &L, seed: u64) -> f64 {
    let mut total = 0.0;
    for index in 0..EPISODES {
        let mut cart = TimeLimit::new(CartPole::new(seed, index), 500);
        cart.reset().expect("CartPole starts");
        loop {
            let mut observation = [0.0; 4];
            cart.show(View { observation: &mut observation, privileged: &mut [], mask: &mut [true; 2] });
            let preferences = learner.preferences(&observation);
            let kind = usize::from(preferences[1] > preferences[0]);
            let step = cart.step(Action::new(kind)).expect("CartPole goes on");
            total += f64::from(step.reward);
            if step.ended() {
                break;
            }
        }
    }
    total / EPISODES as f64
}
