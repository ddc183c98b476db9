//! CartPole-v1 as the benchmark `rl` trains on it; for minutes, so only on request.
#![expect(clippy::print_stdout, reason = "what was skipped or measured is printed")]

#[path = "../../benches/shared/cart_pole.rs"]
mod training;

fn solves_four_of_five_seeds(test: &str, train: fn(u64) -> training::Result) {
    if std::env::var_os("DODGE_SLOW_TESTS").is_none() {
        println!("SKIPPED {test}: DODGE_SLOW_TESTS is not set");
        return;
    }
    let results: Vec<_> = (1..=5).map(train).collect();
    results.iter().for_each(|it| println!("{:.0} steps/s, mean return {:.1}", it.steps_per_second, it.mean_return));
    assert!(results.iter().filter(|it| it.mean_return >= training::SOLVED).count() >= 4, "{results:?}");
}

#[test]
fn ppo_solves_cart_pole_for_four_of_five_seeds() {
    solves_four_of_five_seeds("ppo_solves_cart_pole_for_four_of_five_seeds", training::ppo);
}

#[test]
fn dqn_solves_cart_pole_for_four_of_five_seeds() {
    solves_four_of_five_seeds("dqn_solves_cart_pole_for_four_of_five_seeds", training::dqn);
}
