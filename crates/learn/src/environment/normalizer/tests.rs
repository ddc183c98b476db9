//! Statistics against numbers worked by hand, and a task that is learnt only with them.

use burn::tensor::Device;

use super::*;
use crate::environment::tasks::{CartPole, Identity};
use crate::{Action, Environment, Learner, Ppo, PpoParams, TimeLimit, VectorEnvironment, View};

#[track_caller]
fn close(got: &[f32], expected: &[f64]) {
    assert_eq!(got.len(), expected.len());
    for (got, expected) in got.iter().zip(expected) {
        assert!((f64::from(*got) - expected).abs() < 1e-6, "{got} instead of {expected}");
    }
}

fn spaces(observation_len: usize) -> Spaces {
    Spaces::plain(observation_len, 2)
}

fn step(reward: f32, terminated: bool) -> Step {
    Step { reward, terminated, truncated: false }
}

fn rewards(steps: &[Step]) -> Vec<f32> {
    steps.iter().map(|step| step.reward).collect()
}

#[test]
fn observations_by_hand() {
    let mut normalizer = Normalizer::new().with_observations();
    normalizer.attach(spaces(2), 2).unwrap();
    // Of the first feature 1 and 3 have the mean 2 and the variance 1; the second one never changes.
    normalizer.observe(&[1.0, 7.0, 3.0, 7.0], 2);
    let mut shown = [1.0, 7.0, 3.0, 7.0];
    normalizer.apply(&mut shown, 2);
    close(&shown, &[-1.0, 0.0, 1.0, 0.0]);
    // 1, 3, 5 and 7: mean 4, variance (9 + 1 + 1 + 9) / 4 = 5.
    normalizer.observe(&[5.0, 7.0, 7.0, 7.0], 2);
    let mut shown = [5.0, 7.0, 0.0, 7.0];
    normalizer.apply(&mut shown, 2);
    close(&[shown[0], shown[2]], &[1.0 / 5.0_f64.sqrt(), -4.0 / 5.0_f64.sqrt()]);
}

#[test]
fn rewards_by_hand() {
    let mut normalizer = Normalizer::new().with_rewards(0.5);
    normalizer.attach(spaces(1), 2).unwrap();
    // Sums of 2 and 4: variance 1.
    let mut steps = [step(2.0, true), step(4.0, false)];
    normalizer.reward(&mut steps);
    close(&rewards(&steps), &[2.0, 4.0]);
    assert!(steps[0].terminated, "nothing but the reward changes");
    // The first one begins anew: 1. The second one goes on: 0.5 * 4 - 2 = 0. Of 2, 4, 1 and 0 the mean is 1.75 and the
    // variance (0.0625 + 5.0625 + 0.5625 + 3.0625) / 4 = 2.1875; rewards are divided and not shifted.
    let mut steps = [step(1.0, false), step(-2.0, false)];
    normalizer.reward(&mut steps);
    close(&rewards(&steps), &[1.0 / 2.1875_f64.sqrt(), -2.0 / 2.1875_f64.sqrt()]);
}

#[test]
fn statistics_do_not_depend_on_how_the_samples_came() {
    let samples: Vec<f64> = (0..60).map(|i| 1e6 + f64::from(i * i % 17)).collect();
    let (mut one_by_one, mut together) = (Moments::new(1), Moments::new(1));
    samples.iter().for_each(|sample| one_by_one.update(&[*sample], 1, 0));
    together.update(&samples, 1, 0);
    let mean = samples.iter().sum::<f64>() / 60.0;
    let variance = samples.iter().map(|sample| (sample - mean).powi(2)).sum::<f64>() / 60.0;
    for moments in [one_by_one, together] {
        assert!((moments.means[0] - mean).abs() < 1e-8, "{moments:?}");
        assert!((moments.variances[0] / variance - 1.0).abs() < 1e-8, "{moments:?} instead of {variance}");
    }
}

#[test]
fn what_is_far_off_is_limited() {
    let mut normalizer = Normalizer::new().with_observations().with_rewards(1.0);
    normalizer.attach(spaces(1), 1).unwrap();
    for _ in 0..500 {
        normalizer.observe(&[0.0], 1);
        normalizer.reward(&mut [step(0.0, true)]);
    }
    normalizer.observe(&[-1e30], 1);
    let mut shown = [-1e30];
    normalizer.apply(&mut shown, 1);
    let mut steps = [step(f32::MAX, true)];
    normalizer.reward(&mut steps);
    assert_eq!((shown[0], steps[0].reward), (-10.0, 10.0));
}

#[test]
fn pictures_stay_as_they_are() {
    let mut normalizer = Normalizer::new().with_observations();
    let picture = Some(Picture { channels: 1, height: 1, width: 1 });
    normalizer.attach(Spaces { picture, ..spaces(2) }, 2).unwrap();
    let mut shown = [0.25, 1.0, 0.75, 3.0];
    normalizer.observe(&shown, 2);
    normalizer.apply(&mut shown, 2);
    assert_eq!([shown[0], shown[2]], [0.25, 0.75]);
    close(&[shown[1], shown[3]], &[-1.0, 1.0]);
}

#[test]
fn a_frozen_one_changes_neither_its_statistics_nor_rewards() {
    let mut normalizer = Normalizer::new().with_observations().with_rewards(0.9);
    normalizer.attach(spaces(1), 2).unwrap();
    normalizer.observe(&[1.0, 3.0], 1);
    normalizer.reward(&mut [step(1.0, false), step(5.0, false)]);
    let mut frozen = normalizer.frozen();
    let before = frozen.clone();
    frozen.observe(&[70.0, 90.0], 1);
    let mut steps = [step(100.0, false), step(200.0, false)];
    frozen.reward(&mut steps);
    assert_eq!((rewards(&steps), &frozen), (vec![100.0, 200.0], &before));
    // Other environments may be as many as they like, with observations of the same length.
    frozen.attach(spaces(1), 7).unwrap();
    let error = frozen.attach(spaces(3), 7).unwrap_err().to_string();
    assert_eq!(error, "environment: the normaliser knows 1 features, this environment shows 3");
}

fn carts(seed: u64) -> VectorEnvironment<TimeLimit<CartPole>> {
    let carts = (0..3).map(|index| TimeLimit::new(CartPole::new(seed, index), 12)).collect();
    let normalizer = Normalizer::new().with_observations().with_rewards(0.98);
    VectorEnvironment::new(carts).unwrap().with_normalizer(normalizer).unwrap()
}

fn actions(i: usize) -> [Action; 3] {
    [i % 2, (i / 2) % 2, (i / 3) % 2].map(Action::new)
}

#[test]
fn environments_show_what_the_statistics_make_of_it() {
    let mut plain = VectorEnvironment::new((0..3).map(|i| TimeLimit::new(CartPole::new(1, i), 12)).collect()).unwrap();
    let mut normalized = carts(1);
    let (mut paid, mut truncated) = (0.0, 0);
    for i in 0..60 {
        let real = plain.step(&actions(i)).unwrap();
        let steps = normalized.step(&actions(i)).unwrap();
        let normalizer = normalized.normalizer().unwrap();
        let expected = |raw: &[f32]| {
            let mut values = raw.to_vec();
            normalizer.apply(&mut values, 4);
            values
        };
        assert_eq!(normalized.observations(), expected(plain.observations()));
        assert_eq!(normalized.final_observations(), expected(plain.final_observations()));
        assert!(real.iter().zip(&steps).all(|(a, b)| a.truncated == b.truncated && a.terminated == b.terminated));
        truncated += steps.iter().filter(|step| step.truncated).count();
        paid += steps.iter().map(|step| f64::from(step.reward)).sum::<f64>();
    }
    assert!(truncated > 0 && (paid - 180.0).abs() > 1.0, "{truncated} cut off, {paid} paid");
    assert_eq!(normalized.take_episodes(), plain.take_episodes(), "episodes count what was really paid");
}

#[test]
fn restored_statistics_go_on_as_if_never_stopped() {
    let mut original = carts(1);
    (0..15).for_each(|i| drop(original.step(&actions(i)).unwrap()));
    let mut writer = StateWriter::new();
    original.save_state(&mut writer).unwrap();
    let bytes = writer.into_bytes();

    let mut restored = carts(2);
    let mut reader = StateReader::new(&bytes);
    restored.restore_state(&mut reader).unwrap();
    reader.finish().unwrap();
    assert_eq!(original.observations(), restored.observations());
    for i in 15..60 {
        assert_eq!(original.step(&actions(i)).unwrap(), restored.step(&actions(i)).unwrap());
        assert_eq!(original.observations(), restored.observations());
        assert_eq!(original.normalizer(), restored.normalizer());
    }
}

#[test]
fn statistics_of_another_kind_are_refused() {
    let make = |normalizer: Normalizer| {
        let mut normalizer = normalizer.with_observations();
        normalizer.attach(spaces(4), 3).unwrap();
        normalizer
    };
    let mut writer = StateWriter::new();
    make(Normalizer::new().with_rewards(0.9)).save_state(&mut writer).unwrap();
    let bytes = writer.into_bytes();
    make(Normalizer::new().with_rewards(0.9)).restore_state(&mut StateReader::new(&bytes)).unwrap();
    for other in [Normalizer::new(), Normalizer::new().with_rewards(0.8), Normalizer::new().with_rewards(0.9).frozen()]
    {
        let error = make(other).restore_state(&mut StateReader::new(&bytes)).unwrap_err();
        assert_eq!(error.to_string(), "the state was normalised in another way than this run does");
    }
    let mut spoilt = make(Normalizer::new());
    spoilt.observations.as_mut().unwrap().variances[2] = f64::NAN;
    let mut writer = StateWriter::new();
    spoilt.save_state(&mut writer).unwrap();
    assert!(make(Normalizer::new()).restore_state(&mut StateReader::new(&writer.into_bytes())).is_err());
    assert!(make(Normalizer::new().with_rewards(0.9)).restore_state(&mut StateReader::new(&bytes[..9])).is_err());
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let mut carts = carts(5);
            (0..40).for_each(|i| drop(carts.step(&actions(i)).unwrap()));
            carts.normalizer().cloned()
        })
    };
    assert_eq!(run(1), run(3));
}

/// The identity task as somebody might hand it over: features a thousandth apart beside an offset of 50, and rewards of
/// ten thousand.
struct Crude(Identity);

impl Crude {
    fn distort(observation: &mut [f32]) {
        observation.iter_mut().for_each(|value| *value = 50.0 + 0.001 * *value);
    }
}

impl Environment for Crude {
    fn spaces(&self) -> Spaces {
        self.0.spaces()
    }

    fn reset(&mut self) -> Result<(), Error> {
        self.0.reset()
    }

    fn step(&mut self, action: Action) -> Result<Step, Error> {
        let step = self.0.step(action)?;
        Ok(Step { reward: 1e4 * step.reward, ..step })
    }

    fn show(&self, view: View<'_>) {
        let View { observation, privileged, mask } = view;
        self.0.show(View { observation: &mut *observation, privileged, mask });
        Self::distort(observation);
    }
}

/// How many of ten things are named after 2,560 steps, and the mean sum of the rewards of the last episodes.
fn learn_crude(normalizer: Normalizer) -> (usize, f64) {
    let params = PpoParams {
        environments: 8,
        rollout_steps: 16,
        minibatch_size: 32,
        hidden: vec![32],
        learning_rate: 3e-3,
        discount: 0.5,
        entropy_coefficient: 0.0,
        ..PpoParams::default()
    };
    let tasks = (0..8).map(|index| TimeLimit::new(Crude(Identity::new(10, 5, index)), 20)).collect();
    let mut environments = VectorEnvironment::new(tasks).unwrap().with_normalizer(normalizer).unwrap();
    let mut learner = Ppo::new(params, environments.spaces(), 1, &Device::flex());
    learner.learn(&mut environments, 2560).unwrap();
    let mut observations = vec![0.0; 100];
    (0..10).for_each(|shown| observations[shown * 11] = 1.0);
    Crude::distort(&mut observations);
    let frozen = environments.normalizer().unwrap().clone().frozen();
    let preferences = frozen.around(&learner, 10).preferences(&observations);
    let rows = preferences.chunks_exact(10).enumerate();
    let named = rows.filter(|(shown, row)| row.iter().all(|other| *other <= row[*shown])).count();
    let episodes = environments.take_episodes();
    let last = &episodes[episodes.len() - 8..];
    (named, last.iter().map(|episode| episode.total_reward).sum::<f64>() / 8.0)
}

#[test]
fn a_crude_task_is_learnt_with_normalisation_only() {
    let (named, reward) = learn_crude(Normalizer::new().with_observations().with_rewards(0.5));
    assert!(named >= 9, "{named} of 10");
    assert!((1.2e5..=2e5).contains(&reward), "{reward} of at most 20 times 10,000");
    let (named, _) = learn_crude(Normalizer::new());
    assert!(named <= 4, "{named} of 10 without it: make the task cruder");
}
