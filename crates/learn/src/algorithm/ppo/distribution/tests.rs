//! Log-probabilities, entropies and samples against numbers worked by hand.

use rand::SeedableRng;

use super::*;
use crate::algorithm::masks::penalties;
use crate::nn::rows::batch;

const STATES: usize = 2;

/// Two states and three kinds, of which the first two take a strength, with the deviations 0.5 and 1.
fn example(masks: &[bool], device: &Device) -> Distribution {
    let probabilities_bk = batch([0.5_f32, 0.3, 0.2, 0.1, 0.1, 0.8], 3, device);
    let means_bs = batch([0.25_f32, -1.0, 0.0, 2.0], 2, device);
    let log_deviations_s = Tensor::<1>::from_data(TensorData::from([0.5_f32.ln(), 0.0]), device);
    Distribution::new(probabilities_bk.log(), Some((means_bs, log_deviations_s)), penalties(masks, 3, device))
}

#[track_caller]
fn close(got: f32, expected: f64) {
    assert!((f64::from(got) - expected).abs() < 1e-5, "{got} instead of {expected}");
}

/// ln N(u; mean, deviation), as in a book.
fn log_normal(u: f64, mean: f64, deviation: f64) -> f64 {
    let density = (-((u - mean) / deviation).powi(2) / 2.0).exp() / (deviation * std::f64::consts::TAU.sqrt());
    density.ln()
}

#[test]
fn log_probabilities_by_hand() {
    let device = Device::flex();
    let policy = example(&[true; 6], &device);
    let log = |kinds: [usize; STATES], unsquashed: [f32; STATES]| {
        to_vec(policy.log_probabilities(&Done::new(&kinds, unsquashed.to_vec(), 2, &device)))
    };
    // One deviation off: 0.2419707 is the standard normal density at 1.
    let first = log([0, 2], [0.75, 9.0]);
    close(first[0], 0.5_f64.ln() + (0.241_970_7_f64 / 0.5).ln());
    close(first[1], 0.8_f64.ln());
    let second = log([1, 1], [-1.0, 3.5]);
    close(second[0], 0.3_f64.ln() + log_normal(-1.0, -1.0, 1.0));
    close(second[1], 0.1_f64.ln() + log_normal(3.5, 2.0, 1.0));
}

#[test]
fn the_density_of_strengths_sums_to_that_of_their_kind() {
    // What the strength itself has: the density before tanh over its slope, summed over the strengths from -1 to 1.
    let device = Device::flex();
    let policy = example(&[true; 6], &device);
    let width = 2.0 / 4000.0;
    let sum: f64 = (0..4000)
        .map(|i| {
            let strength = -1.0 + (f64::from(i) + 0.5) * width;
            let done = Done::new(&[0, 2], vec![strength.atanh() as f32, 0.0], 2, &device);
            let log = f64::from(to_vec(policy.log_probabilities(&done))[0]);
            log.exp() / (1.0 - strength * strength) * width
        })
        .sum();
    assert!((sum - 0.5).abs() < 1e-3, "{sum}");
}

#[test]
fn entropies_by_hand() {
    let device = Device::flex();
    let entropy = |probabilities: &[f64]| probabilities.iter().map(|p| -p * p.ln()).sum::<f64>();
    // ½ log 2πe is 1.4189385 of a deviation of 1, and log 2 less of one of a half.
    let (half, whole) = (1.418_938_5 - 2.0_f64.ln(), 1.418_938_5);
    let (of_kinds, of_strengths) = example(&[true; 6], &device).entropies();
    close(to_vec(of_kinds)[0], (entropy(&[0.5, 0.3, 0.2]) + entropy(&[0.1, 0.1, 0.8])) / 2.0);
    close(to_vec(of_strengths.unwrap())[0], (0.5 * half + 0.3 * whole + 0.1 * half + 0.1 * whole) / 2.0);

    // Without the second kind in the first state, and both that take a strength in the second.
    let (of_kinds, of_strengths) = example(&[true, false, true, false, false, true], &device).entropies();
    close(to_vec(of_kinds)[0], entropy(&[5.0 / 7.0, 2.0 / 7.0]) / 2.0);
    close(to_vec(of_strengths.unwrap())[0], 5.0 / 7.0 * half / 2.0);
}

#[test]
fn samples_follow_the_distribution_and_know_their_probability() {
    let (device, mut rng) = (Device::flex(), ChaCha8Rng::seed_from_u64(3));
    let masks = [true, false, true, true, true, true];
    let mut of_first_kind = Vec::new();
    for _ in 0..2000 {
        let decisions = example(&masks, &device).sample(&masks, vec![0.0; 2], &mut rng);
        let kinds: Vec<usize> = decisions.actions.iter().map(|action| action.kind).collect();
        assert_ne!(kinds[0], 1, "it is masked");
        let done = Done::new(&kinds, decisions.unsquashed.clone(), 2, &device);
        let again = to_vec(example(&masks, &device).log_probabilities(&done));
        for (drawn, again) in decisions.log_probabilities.iter().zip(again) {
            close(*drawn, f64::from(again));
        }
        for (action, unsquashed) in decisions.actions.iter().zip(&decisions.unsquashed) {
            assert_eq!(action.strength, unsquashed.tanh());
            assert!(action.kind < 2 || *unsquashed == 0.0);
        }
        if kinds[0] == 0 {
            of_first_kind.push(f64::from(decisions.unsquashed[0]));
        }
    }
    let count = of_first_kind.len() as f64;
    assert!((count - 2000.0 * 5.0 / 7.0).abs() < 100.0, "{count} of 2000");
    let mean = of_first_kind.iter().sum::<f64>() / count;
    let deviation = (of_first_kind.iter().map(|u| (u - mean).powi(2)).sum::<f64>() / count).sqrt();
    assert!((mean - 0.25).abs() < 0.05 && (deviation - 0.5).abs() < 0.03, "{mean} ± {deviation}");
}

#[test]
fn what_is_not_finite_is_told() {
    let decisions = |unsquashed: f32, log_probability: f32| Decisions {
        unsquashed: vec![0.0, unsquashed],
        log_probabilities: vec![-1.0, log_probability],
        ..Decisions::default()
    };
    check_finite(&decisions(1.0, -2.0), 7).unwrap();
    for hostile in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let error = check_finite(&decisions(hostile, -2.0), 7).unwrap_err();
        assert!(matches!(error, Error::Diverged { step: 7, quantity: "a strength", .. }), "{error}");
        assert!(check_finite(&decisions(1.0, hostile), 7).is_err());
    }
    // From the outputs of a network: a mean or a deviation that is none, and logits.
    let (device, mut rng) = (Device::flex(), ChaCha8Rng::seed_from_u64(3));
    let mut drawn = |logit: f32, mean: f32, log_deviation: f32| {
        let strengths = (
            batch([mean, mean], 2, &device),
            Tensor::<1>::from_data(TensorData::from([log_deviation, log_deviation]), &device),
        );
        let policy = Distribution::new(batch([logit, 0.0], 2, &device), Some(strengths), None);
        check_finite(&policy.sample(&[true; 2], vec![0.0], &mut rng), 0)
    };
    drawn(0.0, 0.0, 0.0).unwrap();
    for hostile in [f32::NAN, f32::INFINITY] {
        assert!(drawn(hostile, 0.0, 0.0).is_err() && drawn(0.0, hostile, 0.0).is_err());
        assert!(drawn(0.0, 0.0, hostile).is_err(), "{hostile}");
    }
    assert!(drawn(0.0, 0.0, f32::NEG_INFINITY).is_err(), "no deviation has no density");
}
