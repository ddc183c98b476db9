//! CartPole-v1 with the hyperparameters of rl-zoo, as in the benchmark `rl`; for minutes, so only on request.

use dodge_rl::environments::CartPole;
use dodge_rl::{Clock, Environment, Learner, Policy, Ppo, PpoParams, Schedule, TimeLimit, VectorEnvironment, cpu};

/// Mean return of 100 episodes in which the preferred action is taken.
fn greedy_return<P: Policy>(policy: &P, seed: u64) -> f64 {
    let mut total = 0.0;
    for index in 0..100 {
        let mut cart = TimeLimit::new(CartPole::new(seed, index), 500);
        let mut observation = [0.0; 4];
        cart.reset(&mut observation).unwrap();
        loop {
            let preferences = policy.preferences(&observation);
            let step = cart.step(usize::from(preferences[1] > preferences[0]), &mut observation).unwrap();
            total += f64::from(step.reward);
            if step.ended() {
                break;
            }
        }
    }
    total / 100.0
}

fn trained_return(seed: u64) -> f64 {
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
    let carts = (0..8).map(|index| TimeLimit::new(CartPole::new(seed, index), 500)).collect();
    let mut carts = VectorEnvironment::new(carts).unwrap();
    let mut learner = Ppo::new(params, carts.spaces(), seed, &cpu());
    let mut clock = Clock { taken: 0, total: 100_000 };
    while clock.taken < clock.total {
        clock.taken += learner.advance(&mut carts, clock).unwrap().steps;
    }
    greedy_return(&learner, seed + 1000)
}

#[test]
fn ppo_solves_cart_pole_for_four_of_five_seeds() {
    if std::env::var_os("DODGE_SLOW_TESTS").is_none() {
        println!("SKIPPED ppo_solves_cart_pole_for_four_of_five_seeds: DODGE_SLOW_TESTS is not set");
        return;
    }
    let returns: Vec<f64> = (1..=5).map(trained_return).collect();
    let solved = returns.iter().filter(|&&mean| mean >= 475.0).count();
    assert!(solved >= 4, "{returns:?}");
}
