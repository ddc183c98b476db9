//! The loss against numbers worked by hand.

use rand::RngExt;

use super::*;

/// Two samples with two actions each. The ratios are 0.8 / 0.5 = 1.6 with an advantage of 1, and 0.75 / 0.5 = 1.5 with
/// an advantage of -2.
fn example(device: &Device) -> (Tensor<2>, Tensor<1>, Minibatch) {
    let line = |values: [f32; 2]| Tensor::<1>::from_data(TensorData::from(values), device);
    let logits_ba = Tensor::<2>::from_data(TensorData::from([[0.8_f32, 0.2], [0.25, 0.75]]), device).log();
    let batch = Minibatch {
        observed: Observed { pictures_bchw: None, beside_bf: Some(Tensor::zeros([2, 1], device)) },
        privileged_bp: None,
        actions_b1: Tensor::from_data(TensorData::from([[0_i64], [1]]), device),
        penalties_ba: None,
        log_probabilities_b: line([0.5_f32.ln(); 2]),
        advantages_b: line([1.0, -2.0]),
        returns_b: line([0.0, 4.0]),
        old_values_b: line([0.5, 3.0]),
    };
    (logits_ba, line([1.0, 2.0]), batch)
}

fn close(got: Tensor<1>, expected: f64) {
    let got = scalar(got);
    assert!((got - expected).abs() < 1e-5, "{got} instead of {expected}");
}

fn entropy(probabilities: [f64; 2]) -> f64 {
    probabilities.iter().map(|p| -p * p.ln()).sum()
}

#[test]
fn the_loss_by_hand() {
    let params = PpoParams { clip_range: 0.2, entropy_coefficient: 0.01, ..PpoParams::default() };
    let (logits_ba, values_b, batch) = example(&Device::flex());
    let loss = policy_loss(&params, logits_ba, &batch);
    // A gain counts up to the ratio 1.2, a loss in full: -(1.2 * 1 + 1.5 * -2) / 2.
    close(loss.surrogate, 0.9);
    // ((1 - 0)² + (2 - 4)²) / 2.
    close(value_loss(&params, values_b, &batch), 2.5);
    let mean_entropy = (entropy([0.8, 0.2]) + entropy([0.25, 0.75])) / 2.0;
    close(loss.entropy, mean_entropy);
    close(loss.total, 0.9 - 0.01 * mean_entropy);
    close(loss.approximate_kl, ((0.6 - 1.6_f64.ln()) + (0.5 - 1.5_f64.ln())) / 2.0);
    close(loss.clipped, 1.0);
}

#[test]
fn the_limited_value_loss_by_hand() {
    let params = PpoParams { value_clip_range: 0.1, ..PpoParams::default() };
    let (_, values_b, batch) = example(&Device::flex());
    // From 0.5 to 1 and from 3 to 2, limited to 0.6 and 2.9: the worse of 1 and 0.36, and of 4 and 1.21.
    close(value_loss(&params, values_b, &batch), (1.0 + 4.0) / 2.0);
    let params = PpoParams { value_clip_range: 0.1, ..PpoParams::default() };
    let (_, _, batch) = example(&Device::flex());
    // From 3 to 3.9, which is nearer to the return of 4, limited to 3.1: (4 - 3.1)² counts.
    let values_b = Tensor::<1>::from_data(TensorData::from([0.5_f32, 3.9]), &Device::flex());
    close(value_loss(&params, values_b, &batch), (0.25 + 0.81) / 2.0);
}

#[test]
fn masked_actions_have_no_probability_and_no_entropy() {
    let device = Device::flex();
    let (logits_ba, _, mut batch) = example(&device);
    batch.penalties_ba = penalties(&[true, false, true, true], 2, &device);
    let loss = policy_loss(&PpoParams::default(), logits_ba, &batch);
    // The first sample has one action left, of probability 1.
    close(loss.entropy, entropy([0.25, 0.75]) / 2.0);
    close(loss.approximate_kl, ((1.0 - 2.0_f64.ln()) + (0.5 - 1.5_f64.ln())) / 2.0);
    assert!(penalties(&[true; 4], 2, &device).is_none());
}

#[test]
fn an_unchanged_policy_has_no_divergence() {
    let (logits_ba, _, mut batch) = example(&Device::flex());
    batch.log_probabilities_b = Tensor::from_data(TensorData::from([0.8_f32.ln(), 0.75_f32.ln()]), &Device::flex());
    let loss = policy_loss(&PpoParams::default(), logits_ba, &batch);
    // The mean advantage is -0.5.
    close(loss.surrogate, 0.5);
    close(loss.approximate_kl, 0.0);
    close(loss.clipped, 0.0);
}

#[test]
fn beyond_the_clip_range_a_gain_has_no_gradient_and_a_loss_has() {
    let params = PpoParams { clip_range: 0.2, entropy_coefficient: 0.0, ..PpoParams::default() };
    let (logits_ba, _, batch) = example(&Device::flex().autodiff());
    let logits_ba = logits_ba.detach().require_grad();
    let gradients = policy_loss(&params, logits_ba.clone(), &batch).total.backward();
    let gradient = to_vec(logits_ba.grad(&gradients).unwrap());
    assert_eq!(gradient[..2], [0.0, 0.0]);
    // d(1.5 * 2 / 2) by the logit of the action taken: 1.5 * (1 - 0.75); by the other one the negative of it.
    assert!((gradient[3] - 0.375).abs() < 1e-5 && (gradient[2] + 0.375).abs() < 1e-5, "{gradient:?}");
}

#[test]
fn actions_are_drawn_as_often_as_they_are_probable() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let log_probabilities = [0.1_f32.ln(), 0.6_f32.ln(), 0.3_f32.ln(), f32::NEG_INFINITY];
    let mut counts = [0_i32; 4];
    for _ in 0..10_000 {
        counts[sample(&log_probabilities, &mut rng)] += 1;
    }
    for (count, expected) in counts.into_iter().zip([1000, 6000, 3000, 0]) {
        assert!((count - expected).abs() < 200, "{counts:?}");
    }
}

#[test]
fn a_shuffle_keeps_every_row() {
    let mut order: Vec<usize> = (0..100).collect();
    shuffle(&mut order, &mut ChaCha8Rng::seed_from_u64(1));
    assert!(order.windows(2).any(|pair| pair[0] > pair[1]));
    order.sort_unstable();
    assert_eq!(order, (0..100).collect::<Vec<_>>());
}

#[test]
fn normalised_values_have_mean_0_and_deviation_1() {
    // Mean 3, variance (4 + 0 + 4) / 2 = 4.
    assert_eq!(normalized(vec![1.0, 3.0, 5.0]), [-1.0, 0.0, 1.0]);
    assert_eq!(normalized(vec![2.0, 2.0]), [0.0, 0.0]);
}

#[test]
fn explained_variance_by_hand() {
    assert_eq!(explained_variance(&[1.0, 3.0], &[0.0, 0.0]), 1.0);
    assert_eq!(explained_variance(&[1.0, 3.0], &[1.0, 3.0]), 0.0);
    assert_eq!(explained_variance(&[0.0, 4.0], &[0.0, 2.0]), 0.75);
    assert_eq!(explained_variance(&[2.0, 2.0], &[1.0, 0.0]), 0.0);
}

/// Samples with three actions each, on both sides of the clip range and with gains and losses.
fn batch_of_eight(device: &Device, is_masked: bool) -> (Vec<f32>, Minibatch) {
    let line = |values: [f32; 8]| Tensor::<1>::from_data(TensorData::from(values), device);
    let mut rng = ChaCha8Rng::seed_from_u64(4);
    let logits: Vec<f32> = (0..24).map(|_| rng.random_range(-1.0..1.0)).collect();
    let actions = [0_i64, 1, 2, 0, 1, 2, 0, 1];
    let mut masks = vec![true; 24];
    if is_masked {
        [1, 3, 7, 11].into_iter().for_each(|index| masks[index] = false);
    }
    let penalties_ba = penalties(&masks, 3, device);
    let log_all_ba = log_softmax(masked(batch(&logits[..], 3, device), penalties_ba.clone()), 1);
    let log_all = to_vec(log_all_ba);
    let ratios = [0.5_f32, 0.7, 0.9, 1.0, 1.1, 1.3, 1.5, 2.0];
    let old = std::array::from_fn(|i| log_all[i * 3 + actions[i] as usize] - ratios[i].ln());
    let batch = Minibatch {
        observed: Observed { pictures_bchw: None, beside_bf: Some(Tensor::zeros([8, 1], device)) },
        privileged_bp: None,
        actions_b1: Tensor::from_data(TensorData::new(actions.to_vec(), [8, 1]), device),
        penalties_ba,
        log_probabilities_b: line(old),
        advantages_b: line([1.0, -1.0, 0.5, -2.0, 1.5, -0.5, 2.0, -1.5]),
        returns_b: line([1.0, -1.0, 2.0, 0.0, 3.0, -2.0, 0.5, 1.5]),
        old_values_b: line([0.5, 0.0, 1.0, 0.5, 2.0, -1.0, 0.0, 1.0]),
    };
    (logits, batch)
}

#[test]
fn the_gradient_of_the_policys_loss_is_that_of_finite_differences() {
    let device = Device::flex().autodiff();
    let params = PpoParams { clip_range: 0.2, entropy_coefficient: 0.1, ..PpoParams::default() };
    for is_masked in [false, true] {
        let (logits, minibatch) = batch_of_eight(&device, is_masked);
        let logits_ba = batch(&logits[..], 3, &device).require_grad();
        let gradients = policy_loss(&params, logits_ba.clone(), &minibatch).total.backward();
        let gradient = to_vec(logits_ba.grad(&gradients).unwrap());
        assert!(gradient.iter().filter(|g| g.abs() > 1e-3).count() > 12, "{gradient:?}");
        crate::algorithm::tests::check_gradient(&logits, &gradient, |logits| {
            scalar(policy_loss(&params, batch(logits, 3, &device), &minibatch).total)
        });
    }
}

#[test]
fn the_gradient_of_the_values_loss_is_that_of_finite_differences() {
    let device = Device::flex().autodiff();
    let values = [0.9_f32, 0.3, 1.4, 0.45, 2.6, -1.7, -0.6, 1.1];
    for value_clip_range in [0.0, 0.25] {
        let params = PpoParams { value_clip_range, ..PpoParams::default() };
        let (_, batch) = batch_of_eight(&device, false);
        let line = |values: &[f32]| Tensor::<1>::from_data(TensorData::new(values.to_vec(), [8]), &device);
        let values_b = line(&values).require_grad();
        let gradients = value_loss(&params, values_b.clone(), &batch).backward();
        let gradient = to_vec(values_b.grad(&gradients).unwrap());
        crate::algorithm::tests::check_gradient(&values, &gradient, |values| {
            scalar(value_loss(&params, line(values), &batch))
        });
    }
}

#[test]
fn an_untrained_policy_draws_all_open_actions_and_no_other() {
    let spaces = Spaces::plain(1, 5);
    let mut learner = Ppo::new(PpoParams { hidden: vec![8], ..PpoParams::default() }, spaces, 1, &Device::flex());
    let mask = [true, false, false, true, true];
    let decisions = learner.act(&[0.3; 3000], &[], &mask.repeat(3000));
    let mut counts = [0_u32; 5];
    decisions.actions.iter().for_each(|&action| counts[action] += 1);
    assert_eq!((counts[1], counts[2]), (0, 0), "{counts:?}");
    // A fresh policy has no preference, and what it would have done with a masked action is left to the open ones.
    assert!([0, 3, 4].into_iter().all(|action| counts[action].abs_diff(1000) < 120), "{counts:?}");
    assert!(decisions.log_probabilities.iter().all(|log| (log.exp() - 1.0 / 3.0).abs() < 0.02));
}
