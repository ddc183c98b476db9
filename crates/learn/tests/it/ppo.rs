//! Learning happens, is reproducible, and stops where numbers are no longer finite.

use dodge_learn::{
    Action, Clock, Decisions, Environment, Error, Learner, Policy, Ppo, PpoParams, Rollout, Schedule, Spaces, Step,
    VectorEnvironment, View,
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::support::{Ending, Identity, STATES, every_state, on_threads};

fn params() -> PpoParams {
    PpoParams {
        environments: 16,
        rollout_steps: 16,
        minibatch_size: 64,
        epochs: 4,
        discount: 0.9,
        gae_lambda: 0.9,
        entropy_coefficient: 0.0,
        learning_rate: 5e-3,
        learning_rate_schedule: Schedule::Constant,
        hidden: vec![16],
        ..PpoParams::default()
    }
}

/// No schedule runs, and the learner acts by its latest policy.
fn clock(taken: u64) -> Clock {
    Clock { taken, total: 0 }
}

fn learner(params: PpoParams, seed: u64) -> Ppo {
    Ppo::new(params, Spaces::plain(STATES, STATES), seed, &burn::tensor::Device::flex())
}

/// Trains on the identity task and returns the learner with its share of right actions in the last rollout.
fn trained(params: PpoParams, ending: Ending, updates: usize) -> (Ppo, f64) {
    let mut environments = VectorEnvironment::new(Identity::several(params.environments as u64, ending)).unwrap();
    let mut learner = learner(params, 1);
    for update in 0..updates {
        let rollout = learner.collect(&mut environments).unwrap();
        learner.update(&rollout, clock(update as u64)).unwrap();
    }
    let rewards = learner.collect(&mut environments).unwrap().rewards;
    let right = rewards.iter().map(|&reward| f64::from(reward)).sum::<f64>() / rewards.len() as f64;
    (learner, right)
}

#[test]
fn an_identity_task_is_solved() {
    let (learner, right) = trained(params(), Ending::Terminated(4), 16);
    assert!(right >= 0.9, "{right} of the sampled actions are right after 4096 steps");
    for (state, row) in learner.preferences(&every_state()).chunks(5).enumerate() {
        assert!(row[state] > 0.5, "in state {state}: {row:?}");
    }
}

#[test]
fn a_task_without_end_is_worth_all_its_future() {
    // Always right: 1 + 0.9 + 0.81 + ... = 10, although no episode lasts longer than 5 steps.
    let (learner, right) = trained(params(), Ending::Truncated(5), 60);
    assert!(right >= 0.9, "{right}");
    for value in learner.values(&every_state(), &[]) {
        assert!((value - 10.0).abs() < 1.0, "{value}");
    }
    // The same episodes, but each is over after 5 steps: on average over what is left of them much less.
    let (learner, right) = trained(params(), Ending::Terminated(5), 60);
    assert!(right >= 0.9, "{right}");
    let mean = (1..=5).map(|left| (1.0 - 0.9_f32.powi(left)) / 0.1).sum::<f32>() / 5.0;
    for value in learner.values(&every_state(), &[]) {
        assert!((value - mean).abs() < 0.6, "{value} instead of {mean}");
    }
}

#[test]
fn a_rollout_has_the_values_of_what_followed() {
    let params = PpoParams { rollout_steps: 7, ..params() };
    let mut environments = VectorEnvironment::new(Identity::several(16, Ending::Truncated(3))).unwrap();
    let mut learner = learner(params, 1);
    let rollout = learner.collect(&mut environments).unwrap();
    assert_eq!(rollout.observations.len(), 7 * 16 * STATES);
    for i in 0..7 * 16 {
        assert_eq!(rollout.truncated[i], (i / 16) % 3 == 2);
        assert!(!rollout.terminated[i]);
        assert!(rollout.successor_values[i].is_finite());
        if !rollout.truncated[i] && i + 16 < 7 * 16 {
            assert_eq!(rollout.successor_values[i], rollout.values[i + 16], "the next step of the same episode");
        }
    }
    let last = learner.values(environments.observations(), &[]);
    assert_eq!(rollout.successor_values[6 * 16..], last);
    let values = learner.values(&rollout.observations, &[]);
    for (got, expected) in rollout.values.iter().zip(values) {
        assert!((got - expected).abs() < 1e-5);
    }
}

/// Goes through its states and is cut off in the last; what only the value network sees tells the state too.
struct Walk {
    state: usize,
}

const LAST: usize = 3;

impl Environment for Walk {
    fn spaces(&self) -> Spaces {
        Spaces { privileged_len: 1, ..Spaces::plain(STATES, 2) }
    }

    fn reset(&mut self) -> Result<(), Error> {
        self.state = 0;
        Ok(())
    }

    fn step(&mut self, _: Action) -> Result<Step, Error> {
        self.state += 1;
        Ok(Step { reward: 0.0, terminated: false, truncated: self.state == LAST })
    }

    fn show(&self, view: View<'_>) {
        view.observation.fill(0.0);
        view.observation[self.state] = 1.0;
        view.privileged[0] = 0.5 * self.state as f32;
    }
}

#[test]
fn what_was_cut_off_goes_on_with_the_value_of_its_own_last_state() {
    let mut environments = VectorEnvironment::new((0..16).map(|_| Walk { state: 0 }).collect()).unwrap();
    let mut learner = Ppo::new(params(), environments.spaces(), 1, &burn::tensor::Device::flex());
    let rollout = learner.collect(&mut environments).unwrap();
    let value = |state: usize, told: usize| {
        let observation: Vec<f32> = (0..STATES).map(|other| f32::from(other == state)).collect();
        learner.values(&observation, &[0.5 * told as f32])[0]
    };
    for (what, other) in [("the first state", value(0, 0)), ("the secret of the first state", value(LAST, 0))] {
        assert!((value(LAST, LAST) - other).abs() > 1e-3, "{what} is worth the same: this test could not fail");
    }
    for (i, successor) in rollout.successor_values.iter().enumerate() {
        let next = (i / 16) % LAST + 1;
        assert_eq!(rollout.truncated[i], next == LAST);
        assert!((successor - value(next, next)).abs() < 1e-5, "{i}: {successor}");
    }
}

/// The report of one update at `taken` of 1000 steps, and the learner after it.
fn updated(params: PpoParams, taken: u64) -> (dodge_learn::UpdateReport, Ppo) {
    let mut environments = VectorEnvironment::new(Identity::several(16, Ending::Terminated(4))).unwrap();
    let mut learner = learner(params, 1);
    let rollout = learner.collect(&mut environments).unwrap();
    (learner.update(&rollout, Clock { taken, total: 1000 }).unwrap(), learner)
}

#[test]
fn no_epoch_follows_one_that_moved_the_policy_too_far() {
    let gradient_steps = |target_kl| updated(PpoParams { target_kl, ..params() }, 0).0.gradient_steps;
    assert_eq!([0.0, 10.0, 1e-9].map(gradient_steps), [16, 16, 4], "four minibatches an epoch, four epochs");
}

#[test]
fn the_clip_range_follows_its_schedule() {
    let params = PpoParams { clip_range_schedule: Schedule::Linear { end: 0.001 }, ..params() };
    let at = |taken| updated(params.clone(), taken).0.clip_fraction;
    assert!(at(1000) > at(0) + 0.2, "{} at the end, {} at the beginning", at(1000), at(0));
}

#[test]
fn the_value_clip_range_holds_values_back() {
    let moved = |value_clip_range| {
        let params = PpoParams { value_clip_range, ..params() };
        let before = learner(params.clone(), 1).values(&every_state(), &[]);
        let after = updated(params, 0).1.values(&every_state(), &[]);
        before.iter().zip(after).map(|(a, b)| f64::from((a - b).abs())).sum::<f64>()
    };
    assert!(moved(0.01) < 0.7 * moved(0.0), "{} with a limit, {} without", moved(0.01), moved(0.0));
}

#[test]
fn the_policy_that_is_used_is_an_average_of_the_latest() {
    let distance = |averaging_share| {
        let (_, mut learner) = updated(PpoParams { averaging_share, ..params() }, 0);
        let preferences = learner.preferences(&every_state());
        // What it acts by while it learns is the latest policy.
        let decisions = learner.act(&every_state(), &[], &[true; STATES * STATES]);
        let chosen =
            decisions.actions.iter().enumerate().map(|(state, action)| preferences[state * STATES + action.kind]);
        chosen.zip(&decisions.log_probabilities).map(|(p, log)| (p - log.exp()).abs()).fold(0.0, f32::max)
    };
    assert!(distance(0.0) < 1e-5, "{}", distance(0.0));
    // One update is 256 of 1000 steps.
    assert!(distance(1.0) > 1e-3, "{}", distance(1.0));
}

/// What a learner knows and does after a few updates.
fn fingerprint(seed: u64) -> (Vec<f32>, Decisions, Rollout) {
    let params = PpoParams { hidden: vec![64, 64], rollout_steps: 32, minibatch_size: 256, ..params() };
    let mut environments = VectorEnvironment::new(Identity::several(16, Ending::Truncated(4))).unwrap();
    let mut learner = learner(params, seed);
    for update in 0..4 {
        let rollout = learner.collect(&mut environments).unwrap();
        learner.update(&rollout, Clock { taken: update, total: 10 }).unwrap();
    }
    let values = learner.values(&every_state(), &[]);
    let decisions = learner.act(&every_state(), &[], &[true; STATES * STATES]);
    let rollout = learner.collect(&mut environments).unwrap();
    (values, decisions, rollout)
}

fn assert_same(a: &(Vec<f32>, Decisions, Rollout), b: &(Vec<f32>, Decisions, Rollout)) {
    assert_eq!(a.0, b.0);
    assert_eq!(a.1, b.1);
    assert_eq!(a.2.actions, b.2.actions);
    assert_eq!(a.2.rewards, b.2.rewards);
    assert_eq!(a.2.log_probabilities, b.2.log_probabilities);
    assert_eq!(a.2.successor_values, b.2.successor_values);
}

#[test]
fn equal_seeds_agree_to_the_bit_on_any_number_of_threads() {
    let one = on_threads(1, || fingerprint(5));
    assert_same(&one, &on_threads(1, || fingerprint(5)));
    assert_same(&one, &on_threads(2, || fingerprint(5)));
}

#[test]
fn other_seeds_differ() {
    let (a, b) = (fingerprint(5), fingerprint(6));
    assert_ne!(a.0, b.0);
    assert_ne!(a.2.actions, b.2.actions);
}

#[test]
fn an_update_changes_policy_and_value_and_reports_what_it_did() {
    let params = params();
    let mut environments = VectorEnvironment::new(Identity::several(16, Ending::Terminated(4))).unwrap();
    let mut learner = learner(params.clone(), 2);
    let device = burn::tensor::Device::flex();
    let logits = |learner: &Ppo| -> Vec<f32> {
        let observations = burn::tensor::TensorData::new(every_state(), [STATES, STATES]);
        let logits_ba = learner.network().forward(burn::tensor::Tensor::<2>::from_data(observations, &device));
        logits_ba.into_data_as::<f32>().try_into_vec().unwrap()
    };
    let (values_before, logits_before) = (learner.values(&every_state(), &[]), logits(&learner));
    let rollout = learner.collect(&mut environments).unwrap();
    let report = learner.update(&rollout, clock(256)).unwrap();
    assert_ne!(learner.values(&every_state(), &[]), values_before);
    assert_ne!(logits(&learner), logits_before);

    assert_eq!(report.gradient_steps, 4 * 4, "4 epochs of 256 samples in minibatches of 64");
    assert_eq!(report.learning_rate, 5e-3);
    // A fresh policy is nearly uniform.
    assert!((report.entropy - (STATES as f64).ln()).abs() < 0.05, "{report:?}");
    assert!(report.approximate_kl > 0.0 && report.approximate_kl < 0.5, "{report:?}");
    assert!((0.0..=1.0).contains(&report.clip_fraction) && report.explained_variance <= 1.0, "{report:?}");
    assert!(report.value_loss > 0.0 && report.gradient_norm > 0.0, "{report:?}");
}

#[test]
fn schedules_go_from_the_start_to_their_end() {
    use dodge_hparams::Choice;
    let [constant, linear, exponential, cosine] =
        ["constant", "linear", "exponential", "cosine"].map(|name| Schedule::from_name(name).unwrap());
    for (schedule, expected) in [
        (constant, [2.0, 2.0, 2.0, 2.0]),
        (linear, [2.0, 1.0, 0.0, 0.0]),
        (exponential, [2.0, 0.2, 0.02, 0.02]),
        (cosine, [2.0, 1.0, 0.0, 0.0]),
        (Schedule::Linear { end: 0.5 }, [2.0, 1.5, 1.0, 1.0]),
        (Schedule::Cosine { end: 0.5 }, [2.0, 1.5, 1.0, 1.0]),
    ] {
        for (progress, expected) in [0.0, 0.5, 1.0, 1.5].into_iter().zip(expected) {
            let got = schedule.at(2.0, progress);
            assert!((got - expected).abs() < 1e-12, "{schedule:?} at {progress}: {got}");
        }
    }
    // Half a wave: slow at both ends.
    assert!(cosine.at(1.0, 0.1) > linear.at(1.0, 0.1) && cosine.at(1.0, 0.9) < linear.at(1.0, 0.9));
}

#[test]
fn a_linear_schedule_ends_in_steps_of_nothing() {
    assert_eq!(Schedule::Constant.at(0.5, 0.75), 0.5);
    assert_eq!(Schedule::Linear { end: 0.0 }.at(0.5, 0.75), 0.125);
    assert_eq!(Schedule::Linear { end: 0.0 }.at(0.5, 1.5), 0.0);
    let params = PpoParams { learning_rate_schedule: Schedule::Linear { end: 0.0 }, ..params() };
    let mut environments = VectorEnvironment::new(Identity::several(16, Ending::Terminated(4))).unwrap();
    let mut learner = learner(params, 2);
    let rollout = learner.collect(&mut environments).unwrap();
    assert_eq!(learner.update(&rollout, Clock { taken: 50, total: 100 }).unwrap().learning_rate, 2.5e-3);
    let before = learner.values(&every_state(), &[]);
    assert_eq!(learner.update(&rollout, Clock { taken: 100, total: 100 }).unwrap().learning_rate, 0.0);
    assert_eq!(learner.values(&every_state(), &[]), before);
}

/// Noise without any rule, so that only a memory for single samples explains the rewards.
struct Noise {
    rng: ChaCha8Rng,
    shown: [f32; STATES],
    reward: fn(&mut ChaCha8Rng) -> f32,
}

impl Noise {
    fn several(count: u64, reward: fn(&mut ChaCha8Rng) -> f32) -> VectorEnvironment<Self> {
        let one = |seed| Self { rng: ChaCha8Rng::seed_from_u64(seed), shown: [0.0; STATES], reward };
        VectorEnvironment::new((0..count).map(one).collect()).unwrap()
    }
}

impl Environment for Noise {
    fn spaces(&self) -> Spaces {
        Spaces::plain(STATES, STATES)
    }

    fn reset(&mut self) -> Result<(), Error> {
        self.shown.fill_with(|| self.rng.random_range(-1.0..1.0));
        Ok(())
    }

    fn step(&mut self, _: Action) -> Result<Step, Error> {
        self.reset()?;
        Ok(Step { reward: (self.reward)(&mut self.rng), terminated: true, truncated: false })
    }

    fn show(&self, view: View<'_>) {
        view.observation.copy_from_slice(&self.shown);
    }
}

#[test]
fn one_batch_overfits() {
    let params = PpoParams { rollout_steps: 4, hidden: vec![64, 64], epochs: 10, learning_rate: 3e-3, ..params() };
    let mut environments = Noise::several(16, |rng| rng.random_range(-3.0..3.0));
    let mut learner = learner(params, 3);
    let rollout = learner.collect(&mut environments).unwrap();
    let losses: Vec<f64> = (0..60).map(|_| learner.update(&rollout, clock(0)).unwrap().value_loss).collect();
    assert!(losses[59] < 0.02 * losses[0], "{} after {}", losses[59], losses[0]);
    for (value, reward) in learner.values(&rollout.observations, &[]).into_iter().zip(&rollout.rewards) {
        assert!((value - reward).abs() < 0.8, "{value} instead of {reward}");
    }
}

#[test]
fn rewards_that_are_not_finite_stop_the_training() {
    for reward in [|_: &mut ChaCha8Rng| f32::NAN, |_: &mut ChaCha8Rng| f32::INFINITY] {
        let error = learner(params(), 3).collect(&mut Noise::several(16, reward)).unwrap_err();
        assert!(error.to_string().starts_with("environment: a reward is "), "{error}");
    }
}

#[test]
fn a_loss_that_is_not_finite_stops_the_training() {
    let mut environments = Noise::several(16, |_| f32::MAX);
    let mut learner = learner(params(), 3);
    let before = learner.values(&every_state(), &[]);
    let rollout = learner.collect(&mut environments).unwrap();
    let error = learner.update(&rollout, clock(4711 - 256)).unwrap_err();
    assert!(matches!(error, Error::Diverged { step: 4711, .. }), "{error}");
    let message = error.to_string();
    assert!(message.starts_with("training diverged at environment step 4711: the "), "{message}");
    assert!(message.ends_with("try a smaller learning_rate"), "{message}");
    assert_eq!(learner.values(&every_state(), &[]), before, "the networks keep their last finite state");
}

#[test]
fn a_minibatch_of_one_sample_is_passed_over() {
    let params = PpoParams { environments: 3, rollout_steps: 3, minibatch_size: 4, epochs: 1, ..params() };
    let mut environments = VectorEnvironment::new(Identity::several(3, Ending::Terminated(4))).unwrap();
    let mut learner = learner(params, 3);
    let rollout = learner.collect(&mut environments).unwrap();
    // 9 samples: 4, 4, and one left that has no spread to normalise by.
    assert_eq!(learner.update(&rollout, clock(0)).unwrap().gradient_steps, 2);
    assert!(learner.values(&every_state(), &[]).iter().all(|value| value.is_finite()));
}

/// Shows nothing; which of two actions is right is privileged.
struct Secret {
    rng: ChaCha8Rng,
    right: usize,
}

impl Environment for Secret {
    fn spaces(&self) -> Spaces {
        Spaces { privileged_len: 1, ..Spaces::plain(1, 2) }
    }

    fn reset(&mut self) -> Result<(), Error> {
        self.right = self.rng.random_range(0..2);
        Ok(())
    }

    fn step(&mut self, action: Action) -> Result<Step, Error> {
        // Only where 1 is right is there anything to win, so that the value depends on the secret.
        let reward = (action.kind * self.right) as f32;
        Ok(Step { reward, terminated: true, truncated: false })
    }

    fn show(&self, view: View<'_>) {
        view.observation[0] = 0.5;
        view.privileged[0] = self.right as f32;
    }
}

#[test]
fn the_value_network_knows_what_the_policy_does_not() {
    let secret = |index| Secret { rng: ChaCha8Rng::seed_from_u64(index), right: 0 };
    let mut environments = VectorEnvironment::new((0..16).map(secret).collect()).unwrap();
    let mut learner = Ppo::new(params(), environments.spaces(), 1, &burn::tensor::Device::flex());
    for update in 0..30 {
        let rollout = learner.collect(&mut environments).unwrap();
        learner.update(&rollout, clock(update)).unwrap();
    }
    let values = learner.values(&[0.5, 0.5], &[0.0, 1.0]);
    assert!(values[0].abs() < 0.1 && (values[1] - 1.0).abs() < 0.2, "{values:?}");
    let preferences = learner.preferences(&[0.5]);
    assert!(preferences[1] > 0.8, "{preferences:?}");
}
