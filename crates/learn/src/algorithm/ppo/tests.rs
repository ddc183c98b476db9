//! The loss against numbers worked by hand.

use burn::tensor::TensorData;
use rand::RngExt;

use super::distribution::Done;
use super::*;
use crate::algorithm::learner::Learner;
use crate::algorithm::masks::sample;
use crate::algorithm::rollout::normalized;
use crate::environment::contract::ActionSpace;
use crate::environment::tasks::Aim;
use crate::nn::network::Observed;
use crate::state::{StateReader, StateWriter};

/// Two samples with two actions each. The ratios are 0.8 / 0.5 = 1.6 with an advantage of 1, and 0.75 / 0.5 = 1.5 with
/// an advantage of -2.
fn example(device: &Device) -> (Tensor<2>, Tensor<1>, Minibatch) {
    let line = |values: [f32; 2]| Tensor::<1>::from_data(TensorData::from(values), device);
    let logits_ba = Tensor::<2>::from_data(TensorData::from([[0.8_f32, 0.2], [0.25, 0.75]]), device).log();
    let batch = Minibatch {
        observed: Observed { pictures_bchw: None, beside_bf: Some(Tensor::zeros([2, 1], device)) },
        privileged_bp: None,
        done: Done::new(&[0, 1], Vec::new(), 0, device),
        penalties_bk: None,
        log_probabilities_b: line([0.5_f32.ln(); 2]),
        advantages_b: line([1.0, -2.0]),
        returns_b: line([0.0, 4.0]),
        old_values_b: line([0.5, 3.0]),
    };
    (logits_ba, line([1.0, 2.0]), batch)
}

/// The policy of kinds alone.
fn kinds(logits_ba: Tensor<2>, batch: &Minibatch) -> Distribution {
    Distribution::new(logits_ba, None, batch.penalties_bk.clone())
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
    let loss = policy_loss(&params, &kinds(logits_ba, &batch), &batch);
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
    batch.penalties_bk = penalties(&[true, false, true, true], 2, &device);
    let loss = policy_loss(&PpoParams::default(), &kinds(logits_ba, &batch), &batch);
    // The first sample has one action left, of probability 1.
    close(loss.entropy, entropy([0.25, 0.75]) / 2.0);
    close(loss.approximate_kl, ((1.0 - 2.0_f64.ln()) + (0.5 - 1.5_f64.ln())) / 2.0);
    assert!(penalties(&[true; 4], 2, &device).is_none());
}

#[test]
fn an_unchanged_policy_has_no_divergence() {
    let (logits_ba, _, mut batch) = example(&Device::flex());
    batch.log_probabilities_b = Tensor::from_data(TensorData::from([0.8_f32.ln(), 0.75_f32.ln()]), &Device::flex());
    let loss = policy_loss(&PpoParams::default(), &kinds(logits_ba, &batch), &batch);
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
    let gradients = policy_loss(&params, &kinds(logits_ba.clone(), &batch), &batch).total.backward();
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
        counts[sample(&log_probabilities, &[true; 4], &mut rng)] += 1;
    }
    for (count, expected) in counts.into_iter().zip([1000, 6000, 3000, 0]) {
        assert!((count - expected).abs() < 200, "{counts:?}");
    }
    // Whatever the numbers say, a mask binds.
    for hostile in [[f32::NAN; 3], [0.0, -1e9, 0.0], [f32::NEG_INFINITY; 3], [f32::NAN, -0.5, f32::INFINITY]] {
        assert!((0..100).all(|_| sample(&hostile, &[false, true, false], &mut rng) == 1), "{hostile:?}");
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

/// What the policy gives the actions of eight samples, by what it gave them.
const RATIOS: [f32; 8] = [0.5, 0.7, 0.9, 1.0, 1.1, 1.3, 1.5, 2.0];

/// Samples with three actions each, on both sides of the clip range and with gains and losses.
fn batch_of_eight(device: &Device, is_masked: bool) -> (Vec<f32>, Minibatch) {
    let line = |values: [f32; 8]| Tensor::<1>::from_data(TensorData::from(values), device);
    let mut rng = ChaCha8Rng::seed_from_u64(4);
    let logits: Vec<f32> = (0..24).map(|_| rng.random_range(-1.0..1.0)).collect();
    let actions = [0, 1, 2, 0, 1, 2, 0, 1];
    let mut masks = vec![true; 24];
    if is_masked {
        [1, 3, 7, 11].into_iter().for_each(|index| masks[index] = false);
    }
    let done = Done::new(&actions, Vec::new(), 0, device);
    let penalties_bk = penalties(&masks, 3, device);
    let policy = Distribution::new(batch(&logits[..], 3, device), None, penalties_bk.clone());
    let log_probabilities_b = policy.log_probabilities(&done).detach() - line(RATIOS).log();
    let batch = Minibatch {
        observed: Observed { pictures_bchw: None, beside_bf: Some(Tensor::zeros([8, 1], device)) },
        privileged_bp: None,
        done,
        penalties_bk,
        log_probabilities_b,
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
        let gradients = policy_loss(&params, &kinds(logits_ba.clone(), &minibatch), &minibatch).total.backward();
        let gradient = to_vec(logits_ba.grad(&gradients).unwrap());
        assert!(gradient.iter().filter(|g| g.abs() > 1e-3).count() > 12, "{gradient:?}");
        crate::algorithm::tests::check_gradient(&logits, &gradient, |logits| {
            scalar(policy_loss(&params, &kinds(batch(logits, 3, &device), &minibatch), &minibatch).total)
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
    decisions.actions.iter().for_each(|action| counts[action.kind] += 1);
    assert_eq!((counts[1], counts[2]), (0, 0), "{counts:?}");
    // A fresh policy has no preference, and what it would have done with a masked action is left to the open ones.
    assert!([0, 3, 4].into_iter().all(|action| counts[action].abs_diff(1000) < 120), "{counts:?}");
    assert!(decisions.log_probabilities.iter().all(|log| (log.exp() - 1.0 / 3.0).abs() < 0.02));
}

/// One sample of a kind with a strength, and one without. The ratio of the first is 0.8 / 0.5 for its kind, times that of the
/// densities at 1 of the means 0 now and 1 before.
#[test]
fn the_loss_of_hybrid_actions_by_hand() {
    let device = Device::flex();
    let (logits_ba, _, mut batch) = example(&device);
    batch.done = Done::new(&[0, 1], vec![1.0, 0.0], 1, &device);
    // A deviation of 1 before and now: the density at its mean is 1 / √2π.
    let at_mean = -(std::f32::consts::TAU.ln()) / 2.0;
    batch.log_probabilities_b = Tensor::from_data(TensorData::from([0.5_f32.ln() + at_mean, 0.5_f32.ln()]), &device);
    let means_bs = Tensor::<2>::from_data(TensorData::from([[0.0_f32], [7.0]]), &device);
    let policy = Distribution::new(logits_ba, Some((means_bs, Tensor::zeros([1], &device))), None);
    let params = PpoParams { entropy_coefficient: 0.01, strength_entropy_coefficient: 0.1, ..PpoParams::default() };
    let loss = policy_loss(&params, &policy, &batch);
    // exp(-1²/2) of the density is left: 0.97 with a gain, within the clip range; 1.5 with a loss as without strengths.
    let ratio = 1.6 * (-0.5_f64).exp();
    close(loss.surrogate.clone(), -(ratio - 3.0) / 2.0);
    close(loss.approximate_kl, ((ratio - 1.0 - ratio.ln()) + (0.5 - 1.5_f64.ln())) / 2.0);
    close(loss.clipped, 0.5);
    // Chosen with 0.8 and 0.25, the strength has the entropy ½ log 2πe.
    let strength_entropy = (0.8 + 0.25) / 2.0 * ((std::f64::consts::TAU.ln() + 1.0) / 2.0);
    close(loss.strength_entropy.unwrap(), strength_entropy);
    close(loss.total - loss.surrogate, -0.01 * scalar(loss.entropy) - 0.1 * strength_entropy);
}

#[test]
fn the_gradient_of_the_loss_of_hybrid_actions_is_that_of_finite_differences() {
    let device = Device::flex().autodiff();
    let params = PpoParams {
        clip_range: 0.2,
        entropy_coefficient: 0.1,
        strength_entropy_coefficient: 0.2,
        ..PpoParams::default()
    };
    // Of each sample three logits and the means of two strengths; the logarithms of two deviations are last.
    let policy = |values: &[f32], penalties_bk: &Option<Tensor<2>>| {
        let outputs_bo = batch(&values[..40], 5, &device).require_grad();
        let log_deviations_s = Tensor::<1>::from_data(TensorData::new(values[40..].to_vec(), [2]), &device);
        let log_deviations_s = log_deviations_s.require_grad();
        let (logits, means) = (outputs_bo.clone().slice([0..8, 0..3]), outputs_bo.clone().slice([0..8, 3..5]));
        let strengths = Some((means, log_deviations_s.clone()));
        (outputs_bo, log_deviations_s, Distribution::new(logits, strengths, penalties_bk.clone()))
    };
    for is_masked in [false, true] {
        let (_, mut minibatch) = batch_of_eight(&device, is_masked);
        let mut rng = ChaCha8Rng::seed_from_u64(5);
        let mut values: Vec<f32> = (0..40).map(|_| rng.random_range(-1.0..1.0)).collect();
        values.extend([-0.3, 0.2]);
        let unsquashed = (0..8).map(|_| rng.random_range(-1.5..1.5)).collect();
        minibatch.done = Done::new(&[0, 1, 2, 0, 1, 2, 0, 1], unsquashed, 2, &device);
        let (outputs_bo, log_deviations_s, now) = policy(&values, &minibatch.penalties_bk);
        let ratios = Tensor::<1>::from_data(TensorData::from(RATIOS), &device);
        minibatch.log_probabilities_b = now.log_probabilities(&minibatch.done).detach() - ratios.log();
        let gradients = policy_loss(&params, &now, &minibatch).total.backward();
        let mut gradient = to_vec(outputs_bo.grad(&gradients).unwrap());
        gradient.extend(to_vec(log_deviations_s.grad(&gradients).unwrap()));
        let of_strengths = (0..42).filter(|i| *i >= 40 || i % 5 >= 3).filter(|&i| gradient[i].abs() > 1e-3).count();
        assert!(of_strengths >= 5, "{gradient:?}");
        crate::algorithm::tests::check_gradient(&values, &gradient, |values| {
            scalar(policy_loss(&params, &policy(values, &minibatch.penalties_bk).2, &minibatch).total)
        });
    }
}

fn hybrid(params: &PpoParams) -> (Ppo, VectorEnvironment<Aim>) {
    let environments = VectorEnvironment::new((0..8).map(|index| Aim::new(3, 1, index)).collect()).unwrap();
    let params =
        PpoParams { environments: 8, rollout_steps: 16, minibatch_size: 32, hidden: vec![16], ..params.clone() };
    (Ppo::new(params, environments.spaces(), 1, &Device::flex()), environments)
}

#[test]
fn a_rollout_keeps_what_was_drawn_and_an_unchanged_policy_has_the_ratio_1() {
    let (mut learner, mut environments) = hybrid(&PpoParams::default());
    let rollout = learner.collect(&mut environments).unwrap();
    let mut scaled = 0;
    for (action, unsquashed) in rollout.actions.iter().zip(&rollout.unsquashed) {
        assert_eq!(action.strength, unsquashed.tanh());
        assert_eq!(action.kind < 3, *unsquashed != 0.0);
        scaled += usize::from(action.kind < 3);
    }
    assert!((64..128).contains(&scaled), "about three in four of 128: {scaled}");
    let rows: Vec<usize> = (0..128).collect();
    let minibatch = learner.minibatch(&rollout, &[1.0; 128], &[0.0; 128], &rows);
    let (loss, _, _) = losses_and_gradient(&learner.params, &learner.learning, &minibatch);
    assert!(scalar(loss.approximate_kl) < 1e-6);
    assert_eq!(scalar(loss.clipped), 0.0);
}

#[test]
fn deviations_of_strengths_stay_within_their_bounds() {
    for strength_entropy_coefficient in [1.0, 0.0] {
        let params = PpoParams {
            strength_entropy_coefficient,
            min_strength_deviation: 0.4,
            max_strength_deviation: 0.6,
            learning_rate: 0.05,
            ..PpoParams::default()
        };
        let (mut learner, mut environments) = hybrid(&params);
        for taken in 0..6 {
            let rollout = learner.collect(&mut environments).unwrap();
            let report = learner.update(&rollout, Clock { taken, total: 10 }).unwrap();
            assert!(report.metrics().iter().any(|(name, _)| *name == "train/strength_deviation"));
            let deviations = to_vec(learner.network.policy.log_deviations().unwrap().exp());
            assert!(deviations.iter().all(|d| (0.3999..=0.6001).contains(d)), "{deviations:?}");
            let mean = deviations.iter().sum::<f32>() / 3.0;
            assert!((report.strength_deviation - f64::from(mean)).abs() < 1e-6);
        }
        let deviations = to_vec(learner.network.policy.log_deviations().unwrap().exp());
        assert!(
            strength_entropy_coefficient == 0.0 || deviations.iter().all(|d| (d - 0.6).abs() < 1e-4),
            "{deviations:?}"
        );
    }
}

#[test]
fn strengths_that_are_not_finite_stop_the_training() {
    for hostile in [f32::NAN, f32::INFINITY] {
        let (mut learner, mut environments) = hybrid(&PpoParams::default());
        learner.network = learner.network.clone().map_log_deviations(|_| hostile);
        let error = learner.advance(&mut environments, Clock { taken: 4711, total: 10_000 }).unwrap_err();
        assert!(matches!(error, Error::Diverged { step: 4711, quantity: "a strength", .. }), "{error}");
    }
    // In what is learnt from.
    let (mut learner, mut environments) = hybrid(&PpoParams::default());
    let mut rollout = learner.collect(&mut environments).unwrap();
    rollout.unsquashed[rollout.actions.iter().position(|action| action.kind < 3).unwrap()] = f32::NAN;
    let before = to_vec(learner.network.policy.log_deviations().unwrap());
    let error = learner.update(&rollout, Clock { taken: 0, total: 10 }).unwrap_err();
    assert!(matches!(error, Error::Diverged { step: 128, .. }), "{error}");
    assert_eq!(to_vec(learner.network.policy.log_deviations().unwrap()), before, "the last finite state is kept");
}

#[test]
fn a_state_with_hostile_deviations_is_refused() {
    let (mut learner, _) = hybrid(&PpoParams::default());
    learner.learning.change(|networks| networks.map_log_deviations(|_| f32::NAN));
    let mut writer = StateWriter::new();
    learner.save_state(&mut writer).unwrap();
    let bytes = writer.into_bytes();
    let error = hybrid(&PpoParams::default()).0.restore_state(&mut StateReader::new(&bytes)).unwrap_err();
    assert_eq!(error.to_string(), "the logarithm of a deviation of strengths is NaN, expected -20 to 2");
}

#[test]
fn strengths_are_learnt_through_an_encoder_too() {
    let picture = crate::Picture { channels: 3, height: 24, width: 24 };
    let actions = ActionSpace { kinds: 3, scaled: 2 };
    let spaces = Spaces { picture: Some(picture), actions, ..Spaces::plain(picture.values() + 4, 3) };
    let params =
        PpoParams { environments: 8, rollout_steps: 4, minibatch_size: 16, hidden: vec![8], ..PpoParams::default() };
    let network = NetworkParams { encoder: crate::Encoder::Patch, ..NetworkParams::default() };
    let mut learner = Ppo::with_network(params, &network, spaces, 1, &Device::flex()).unwrap();
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    let observations: Vec<f32> =
        (0..32 * spaces.observation_len).map(|_| f32::from(rng.random::<u8>()) / 255.0).collect();
    let masks = vec![true; 32 * 3];
    let decisions = learner.act(&observations, &[], &masks);
    // The stronger the better.
    let rewards = decisions.actions.iter().map(|action| action.strength).collect();
    let rollout = Rollout {
        actions: decisions.actions,
        unsquashed: decisions.unsquashed,
        masks,
        log_probabilities: decisions.log_probabilities,
        values: decisions.values,
        rewards,
        successor_values: vec![0.0; 32],
        terminated: vec![true; 32],
        truncated: vec![false; 32],
        observations,
        privileged: Vec::new(),
    };
    let strength = |learner: &Ppo| {
        let strengths =
            learner.network.policy.strengths(&rollout.observations, spaces.observation_len, &Device::flex());
        strengths.iter().sum::<f32>() / strengths.len() as f32
    };
    let before = strength(&learner);
    for _ in 0..5 {
        learner.update(&rollout, Clock { taken: 0, total: 1000 }).unwrap();
    }
    assert!(strength(&learner) > before + 0.01, "{} after {before}", strength(&learner));
}

#[test]
fn actions_with_strengths_only_can_be_learnt() {
    let spaces = Spaces { actions: ActionSpace { kinds: 2, scaled: 2 }, ..Spaces::plain(1, 2) };
    let mut learner = Ppo::new(PpoParams { hidden: vec![8], ..PpoParams::default() }, spaces, 1, &Device::flex());
    let decisions = learner.act(&[0.3; 1000], &[], &[true; 2000]);
    assert!(decisions.actions.iter().all(|action| action.strength != 0.0 && action.strength.abs() < 1.0));
}
