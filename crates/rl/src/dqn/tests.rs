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
