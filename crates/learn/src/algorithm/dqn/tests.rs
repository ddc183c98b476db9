//! Targets and loss against numbers worked by hand.

use super::*;

fn sample(rewards: &[f32], discounts: &[f32], successor_masks: &[bool]) -> Sample {
    Sample {
        rewards: rewards.to_vec(),
        discounts: discounts.to_vec(),
        successor_masks: successor_masks.to_vec(),
        ..Sample::default()
    }
}

#[test]
fn targets_by_hand() {
    let sample = sample(&[1.0, 2.0], &[0.5, 0.0], &[true; 6]);
    let target = [1.0, 4.0, 2.0, 9.0, 9.0, 9.0];
    assert_eq!(targets(&sample, &target, None), [1.0 + 0.5 * 4.0, 2.0], "no future after a termination");
    // The learning network prefers the last action, which the target network values at 2.
    let learning = [0.0, 1.0, 5.0, 0.0, 0.0, 0.0];
    assert_eq!(targets(&sample, &target, Some(&learning)), [1.0 + 0.5 * 2.0, 2.0]);
}

#[test]
fn masked_actions_are_worth_nothing_in_a_target() {
    let sample = sample(&[1.0], &[0.5], &[true, false, true]);
    assert_eq!(targets(&sample, &[1.0, 4.0, 2.0], None), [2.0]);
    assert_eq!(targets(&sample, &[1.0, 4.0, 2.0], Some(&[3.0, 9.0, 0.0])), [1.5]);
}

#[test]
fn the_loss_by_hand() {
    let line = |values: [f32; 3]| Tensor::<1>::from_data(TensorData::from(values), &Device::flex());
    // 0.5 e² up to 1, then |e| - 0.5; weighted.
    let loss = loss(line([0.5, -1.0, 3.0]), line([1.0, 2.0, 0.5]));
    let expected = (0.125 + 2.0 * 0.5 + 0.5 * 2.5) / 3.0;
    assert!((loss.into_scalar::<f32>() - expected).abs() < 1e-6);
}

#[test]
fn the_gradient_of_the_loss_stops_growing_at_1() {
    let device = Device::flex().autodiff();
    let line = |values: [f32; 3]| Tensor::<1>::from_data(TensorData::from(values), &device);
    let errors_b = line([0.5, -0.25, 3.0]).require_grad();
    let gradients = loss(errors_b.clone(), line([1.0; 3])).backward();
    let gradient = to_vec(errors_b.grad(&gradients).unwrap());
    for (got, expected) in gradient.into_iter().zip([0.5 / 3.0, -0.25 / 3.0, 1.0 / 3.0]) {
        assert!((got - expected).abs() < 1e-6, "{got} instead of {expected}");
    }
}

#[test]
fn random_actions_get_fewer() {
    let params =
        DqnParams { exploration_start: 1.0, exploration_end: 0.1, exploration_share: 0.5, ..DqnParams::default() };
    let at = |progress| (params.exploration_at(progress) * 100.0).round();
    assert_eq!([at(0.0), at(0.25), at(0.5), at(1.0)], [100.0, 55.0, 10.0, 10.0]);
}

#[test]
fn double_targets_over_several_steps_with_masks_by_hand() {
    // Rewards over three, two and one step with a discount of 0.5, the last of them terminated.
    let rewards = [1.0 + 0.5 * 2.0 + 0.25 * 4.0, 3.0 + 0.5 * 5.0, -1.0];
    let masks = [true, true, false, false, true, true, true, false, false];
    let sample = sample(&rewards, &[0.125, 0.25, 0.0], &masks);
    let learning = [1.0, 3.0, 9.0, 8.0, -2.0, -1.0, 5.0, 6.0, 7.0];
    let target = [16.0, 24.0, 99.0, 99.0, -4.0, -8.0, 99.0, 99.0, 99.0];
    // The learning network prefers the actions 1, 2 and 0 among the open ones; the target network values them.
    let expected = [3.0 + 0.125 * 24.0, 5.5 + 0.25 * -8.0, -1.0];
    assert_eq!(targets(&sample, &target, Some(&learning)), expected);
    // Alone, the target network prefers the actions 1 and 1.
    assert_eq!(targets(&sample, &target, None), [3.0 + 0.125 * 24.0, 5.5 + 0.25 * -4.0, -1.0]);
}

#[test]
fn the_gradient_of_the_loss_is_that_of_finite_differences() {
    let device = Device::flex().autodiff();
    let line = |values: &[f32]| Tensor::<1>::from_data(TensorData::new(values.to_vec(), [values.len()]), &device);
    // On both sides of the bends at ±1, and none so near that a difference would reach over one.
    let errors = [-3.0, -1.2, -0.8, -0.1, 0.05, 0.6, 1.3, 7.0];
    let weights = line(&[1.0, 0.5, 0.25, 0.75, 1.0, 0.1, 0.9, 0.3]);
    let errors_b = line(&errors).require_grad();
    let gradients = loss(errors_b.clone(), weights.clone()).backward();
    let gradient = to_vec(errors_b.grad(&gradients).unwrap());
    crate::algorithm::tests::check_gradient(&errors, &gradient, |errors| {
        f64::from(loss(line(errors), weights.clone()).into_scalar::<f32>())
    });
}

#[test]
fn an_untrained_learner_draws_all_open_actions_and_no_other() {
    let spaces = Spaces::plain(1, 5);
    let mut learner = Dqn::new(DqnParams { hidden: vec![8], ..DqnParams::default() }, spaces, 1, &Device::flex());
    let mask = [true, false, false, true, true];
    for exploration in [1.0, 0.5, 0.0] {
        let actions = learner.act(&[0.3; 3000], &mask.repeat(3000), exploration);
        let mut counts = [0_u32; 5];
        actions.into_iter().for_each(|action| counts[action] += 1);
        assert_eq!((counts[1], counts[2]), (0, 0), "{counts:?}");
        if exploration == 1.0 {
            assert!([0, 3, 4].into_iter().all(|action| counts[action].abs_diff(1000) < 120), "{counts:?}");
        }
    }
}

/// A learner with four experiences of priorities 1, 1, 1 and `last`.
fn prioritised(last: f64) -> (Dqn, VectorEnvironment<crate::TimeLimit<crate::tasks::CartPole>>) {
    let params = DqnParams {
        environments: 2,
        batch_size: 4000,
        learning_starts: 4000,
        hidden: vec![4],
        priority_exponent: 0.5,
        priority_correction: 0.4,
        ..DqnParams::default()
    };
    let carts = (0..2).map(|index| crate::TimeLimit::new(crate::tasks::CartPole::new(1, index), 30)).collect();
    let mut carts = VectorEnvironment::new(carts).unwrap();
    let mut learner = Dqn::new(params, carts.spaces(), 1, &Device::flex());
    learner.replay.show(&carts);
    (0..2).for_each(|_| learner.step(&mut carts, 1.0).unwrap());
    let latest = learner.replay.latest().last().unwrap();
    learner.priorities.set(latest, last);
    (learner, carts)
}

#[test]
fn weights_take_back_what_priorities_prefer_the_more_the_later() {
    let (mut learner, _) = prioritised(7.0);
    let preferred = learner.replay.latest().last().unwrap();
    for (progress, exponent) in [(0.0, 0.4), (0.5, 0.7), (1.0, 1.0)] {
        let (indices, weights) = learner.draw(progress);
        let count = indices.iter().filter(|&&index| index == preferred).count();
        assert!(count.abs_diff(2800) < 5, "drawn as often as its share of the sum of 10: {count}");
        // Probabilities of 0.7 and 0.1; the greatest weight is 1.
        let expected = (0.7_f64 / 0.1).powf(-exponent) as f32;
        for (index, weight) in indices.into_iter().zip(weights) {
            let expected = if index == preferred { expected } else { 1.0 };
            assert!((weight - expected).abs() < 1e-5, "{progress}: {weight} instead of {expected}");
        }
    }
}

#[test]
fn what_was_learnt_from_gets_its_error_as_priority() {
    let (mut learner, _) = prioritised(1.0);
    let indices: Vec<usize> = (0..4).map(|nth| learner.replay.index_of(nth)).collect();
    learner.gradient_step(Clock { taken: 0, total: 1 }).unwrap();
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let (drawn, probabilities) = learner.priorities.draw(4000, &mut rng);
    assert!(drawn.iter().all(|index| indices.contains(index)), "the row without a step is never drawn");
    let of = |index: usize| probabilities[drawn.iter().position(|&it| it == index).unwrap()];
    let spread =
        indices.iter().map(|&index| of(index)).fold((1.0_f64, 0.0_f64), |(low, high), p| (low.min(p), high.max(p)));
    assert!(spread.1 > 1.001 * spread.0, "errors differ, and so do priorities: {spread:?}");
}
