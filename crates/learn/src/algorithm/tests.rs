//! What holds for every algorithm: it learns, masks bind it, equal seeds agree, and a restored one goes on unchanged.

use burn::tensor::Device;

use crate::environment::tasks::{Aim, CartPole, Identity, MaskedBandit};
use crate::state::{StateReader, StateWriter};
use crate::{
    Action, ActionSpace, Clock, Dqn, DqnParams, Environment, Error, Learner, Policy, Ppo, PpoParams, Spaces, Step,
    TimeLimit, VectorEnvironment, View,
};

fn spaces(observation_len: usize, action_count: usize) -> Spaces {
    Spaces::plain(observation_len, action_count)
}

fn ppo(environments: usize, observation_len: usize, actions: usize, seed: u64) -> Ppo {
    ppo_for(spaces(observation_len, actions), environments, seed)
}

fn ppo_for(spaces: Spaces, environments: usize, seed: u64) -> Ppo {
    let params = PpoParams {
        environments,
        rollout_steps: 16,
        minibatch_size: 32,
        hidden: vec![32],
        learning_rate: 3e-3,
        discount: 0.5,
        entropy_coefficient: 0.0,
        ..PpoParams::default()
    };
    Ppo::new(params, spaces, seed, &Device::flex())
}

fn dqn(environments: usize, observation_len: usize, actions: usize, seed: u64, everything: bool) -> Dqn {
    let params = DqnParams {
        environments,
        replay_capacity: 600,
        learning_starts: 100,
        train_interval: 16,
        gradient_steps: 8,
        batch_size: 32,
        target_interval: 100,
        hidden: vec![32],
        learning_rate: 5e-3,
        discount: 0.5,
        dueling: everything,
        priority_exponent: if everything { 0.6 } else { 0.0 },
        n_step: if everything { 3 } else { 1 },
        ..DqnParams::default()
    };
    Dqn::new(params, spaces(observation_len, actions), seed, &Device::flex())
}

fn train<L: Learner, E: Environment>(
    learner: &mut L,
    environments: &mut VectorEnvironment<E>,
    clock: &mut Clock,
    to: u64,
) {
    while clock.taken < to {
        clock.taken += learner.advance(environments, *clock).unwrap().steps;
    }
}

fn vector<E: Environment>(count: u64, make: impl Fn(u64) -> E) -> VectorEnvironment<E> {
    VectorEnvironment::new((0..count).map(make).collect()).unwrap()
}

/// The preferred action of each one-hot observation.
fn answers<P: Policy>(policy: &P, choices: usize) -> Vec<usize> {
    let mut observations = vec![0.0; choices * choices];
    (0..choices).for_each(|i| observations[i * choices + i] = 1.0);
    let preferences = policy.preferences(&observations);
    let rows = preferences.chunks_exact(choices);
    rows.map(|row| (0..choices).max_by(|&a, &b| row[a].total_cmp(&row[b])).unwrap()).collect()
}

/// Compares a gradient with central finite differences of `loss`. The step is as wide as single precision asks for; no
/// value may lie within it of a bend of the loss.
#[track_caller]
pub(crate) fn check_gradient(values: &[f32], gradient: &[f32], loss: impl Fn(&[f32]) -> f64) {
    const STEP: f32 = 0.01;
    assert_eq!(values.len(), gradient.len());
    for (i, &got) in gradient.iter().enumerate() {
        let moved = |by: f32| {
            let mut values = values.to_vec();
            values[i] += by;
            loss(&values)
        };
        let expected = (moved(STEP) - moved(-STEP)) / (2.0 * f64::from(STEP));
        let close = (f64::from(got) - expected).abs() < 1e-4 + 2e-3 * expected.abs();
        assert!(close, "by value {i} the gradient is {got}, the difference quotient {expected}");
    }
}

/// Ten things are told apart, nine in ten at least, after 1,200 steps.
fn check_identity<L: Learner>(mut learner: L) {
    let mut environments = vector(8, |index| TimeLimit::new(Identity::new(10, 5, index), 20));
    train(&mut learner, &mut environments, &mut Clock { taken: 0, total: 1200 }, 1200);
    let right = answers(&learner, 10).into_iter().enumerate().filter(|(shown, answer)| shown == answer).count();
    assert!(right >= 9, "{right} of 10");
}

#[test]
fn ppo_learns_the_identity() {
    check_identity(ppo(8, 10, 10, 1));
}

#[test]
fn dqn_learns_the_identity() {
    check_identity(dqn(8, 10, 10, 1, false));
}

#[test]
fn dqn_learns_the_identity_with_everything_switched_on() {
    check_identity(dqn(8, 10, 10, 1, true));
}

/// The environment itself refuses a masked arm, so that training is the test; the best open arm is learnt too.
fn check_bandit<L: Learner>(mut learner: L) {
    let mut environments = vector(8, |index| MaskedBandit::new(5, 3, index));
    train(&mut learner, &mut environments, &mut Clock { taken: 0, total: 3000 }, 3000);
    let (mut paid, mut possible) = (0.0, 0.0);
    for _ in 0..50 {
        let masks = environments.masks().to_vec();
        let preferences = learner.preferences(environments.observations());
        let rows = preferences.chunks_exact(5).zip(masks.chunks_exact(5));
        let open =
            rows.map(|(row, mask)| (0..5).filter(|&arm| mask[arm]).max_by(|&a, &b| row[a].total_cmp(&row[b])).unwrap());
        let actions: Vec<Action> = open.map(Action::new).collect();
        possible +=
            masks.chunks_exact(5).map(|mask| mask.iter().rposition(|&open| open).unwrap() as f32 / 5.0).sum::<f32>();
        paid += environments.step(&actions).unwrap().iter().map(|step| step.reward).sum::<f32>();
    }
    assert!(paid > 0.9 * possible, "{paid} of {possible}");
}

#[test]
fn ppo_never_pulls_a_masked_arm_and_learns_the_best_open_one() {
    check_bandit(ppo(8, 5, 5, 1));
}

#[test]
fn dqn_never_pulls_a_masked_arm_and_learns_the_best_open_one() {
    check_bandit(dqn(8, 5, 5, 1, false));
}

/// Takes the most preferred open kind with the strength in the middle of what would be drawn; the mean reward of some steps.
fn aimed(learner: &Ppo, environments: &mut VectorEnvironment<Aim>) -> f32 {
    let spaces = environments.spaces();
    let (length, kinds, scaled) = (spaces.observation_len, spaces.actions.kinds, spaces.actions.scaled);
    let (network, rounds, mut paid) = (learner.network(), 50, 0.0);
    for _ in 0..rounds {
        let preferences = network.preferences(environments.observations(), length, &Device::flex());
        let strengths = network.strengths(environments.observations(), length, &Device::flex());
        let rows = preferences.chunks_exact(kinds).zip(environments.masks().chunks_exact(kinds)).enumerate();
        let actions: Vec<Action> = rows
            .map(|(row, (preferences, mask))| {
                let open = (0..kinds).filter(|&kind| mask[kind]);
                let kind = open.max_by(|&a, &b| preferences[a].total_cmp(&preferences[b])).unwrap();
                Action { kind, strength: if kind < scaled { strengths[row * scaled + kind] } else { 0.0 } }
            })
            .collect();
        paid += environments.step(&actions).unwrap().iter().map(|step| step.reward).sum::<f32>();
    }
    paid / (rounds * environments.len()) as f32
}

/// The environment refuses a masked kind, and a strength where none belongs, so that training is a test, too.
#[test]
fn ppo_learns_kinds_and_strengths() {
    for seed in [1, 2] {
        let mut environments = vector(16, |index| Aim::new(3, seed, index));
        let mut learner = ppo_for(environments.spaces(), 16, seed);
        let before = aimed(&learner, &mut environments);
        let total = 12_000;
        train(&mut learner, &mut environments, &mut Clock { taken: 0, total }, total);
        let after = aimed(&learner, &mut environments);
        // With all kinds right and no strength it is 0.75 · 0.73 + 0.25 = 0.80; at 0.99 strengths are 0.12 off.
        assert!(before < 0.6 && after > 0.99, "{after} after {before}");
    }
}

fn state<L: Learner, E: Environment>(learner: &L, environments: &VectorEnvironment<E>) -> Vec<u8> {
    let mut writer = StateWriter::new();
    learner.save_state(&mut writer).unwrap();
    environments.save_state(&mut writer).unwrap();
    writer.into_bytes()
}

/// Training 2 N steps, and N steps, saving, restoring into a fresh learner and N more, end in the same bits: networks,
/// optimiser, generators, memory and environments.
fn check_resume<L: Learner>(make: impl Fn(u64) -> L) {
    check_resume_in(make, |seed| vector(4, |index| TimeLimit::new(CartPole::new(seed, index), 30)));
}

fn check_resume_in<L: Learner, E: Environment>(make: impl Fn(u64) -> L, carts: impl Fn(u64) -> VectorEnvironment<E>) {
    let total = 1024;
    let (mut whole, mut whole_carts, mut clock) = (make(1), carts(1), Clock { taken: 0, total });
    train(&mut whole, &mut whole_carts, &mut clock, total / 2);
    let saved = state(&whole, &whole_carts);
    let saved_clock = clock;
    train(&mut whole, &mut whole_carts, &mut clock, total);

    let (mut resumed, mut resumed_carts, mut clock) = (make(2), carts(2), saved_clock);
    let mut reader = StateReader::new(&saved);
    resumed.restore_state(&mut reader).unwrap();
    resumed_carts.restore_state(&mut reader).unwrap();
    reader.finish().unwrap();
    assert!(state(&resumed, &resumed_carts) == saved, "restoring loses nothing");
    train(&mut resumed, &mut resumed_carts, &mut clock, total);
    assert!(state(&resumed, &resumed_carts) == state(&whole, &whole_carts), "going on differs");
}

#[test]
fn a_resumed_ppo_goes_on_as_if_never_stopped() {
    check_resume(|seed| ppo(4, 4, 2, seed));
    let aims = |seed| vector(4, |index| Aim::new(3, seed, index));
    check_resume_in(|seed| ppo_for(aims(1).spaces(), 4, seed), aims);
}

#[test]
fn a_resumed_dqn_goes_on_as_if_never_stopped() {
    check_resume(|seed| dqn(4, 4, 2, seed, false));
    check_resume(|seed| dqn(4, 4, 2, seed, true));
}

#[test]
fn a_state_of_another_architecture_is_refused() {
    let carts = vector(4, |index| CartPole::new(1, index));
    let saved = state(&ppo(4, 4, 2, 1), &carts);
    let strengths = ActionSpace { kinds: 2, scaled: 1 };
    for other in [ppo(4, 4, 3, 1), ppo_for(Spaces { actions: strengths, ..spaces(4, 2) }, 4, 1)] {
        let mut other = other;
        let error = other.restore_state(&mut StateReader::new(&saved)).unwrap_err();
        assert!(error.to_string().contains("another architecture"), "{error}");
    }
    for length in (0..saved.len()).step_by(101) {
        assert!(
            ppo(4, 4, 2, 1).restore_state(&mut StateReader::new(&saved[..length])).is_err() || length > saved.len() / 2
        );
    }
}

/// Equal seeds give equal bits on one thread and on several.
fn check_threads<L: Learner + Send>(make: impl Fn() -> L + Send + Sync) {
    check_threads_in(make, || vector(4, |index| TimeLimit::new(CartPole::new(7, index), 30)));
}

fn check_threads_in<L: Learner + Send, E: Environment>(
    make: impl Fn() -> L + Send + Sync,
    carts: impl Fn() -> VectorEnvironment<E> + Send + Sync,
) {
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let mut learner = make();
            let mut carts = carts();
            train(&mut learner, &mut carts, &mut Clock { taken: 0, total: 512 }, 512);
            state(&learner, &carts)
        })
    };
    let one = run(1);
    assert!(one == run(2) && one == run(3));
}

#[test]
fn equal_seeds_give_equal_learners_on_any_number_of_threads() {
    check_threads(|| ppo(4, 4, 2, 1));
    let aims = || vector(4, |index| Aim::new(3, 7, index));
    check_threads_in(move || ppo_for(aims().spaces(), 4, 1), aims);
    check_threads(|| dqn(4, 4, 2, 1, true));
}

/// Pays for nothing, and panics in its 50th step if it is the one that does.
struct Unreliable {
    steps: u32,
    panics: bool,
}

impl Environment for Unreliable {
    fn spaces(&self) -> Spaces {
        Spaces::plain(4, 2)
    }

    fn reset(&mut self) -> Result<(), Error> {
        Ok(())
    }

    fn step(&mut self, _: Action) -> Result<Step, Error> {
        self.steps += 1;
        assert!(!self.panics || self.steps < 50, "the light went out");
        Ok(Step { reward: 0.0, terminated: false, truncated: false })
    }

    fn show(&self, view: View<'_>) {
        view.observation.fill(0.5);
    }
}

fn check_panic<L: Learner + Send>(mut learner: L) {
    let mut environments = vector(8, |index| Unreliable { steps: 0, panics: index == 5 });
    let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap();
    let clock = Clock { taken: 0, total: 10_000 };
    let error = pool.install(|| (0..50).find_map(|_| learner.advance(&mut environments, clock).err())).unwrap();
    assert_eq!(error.to_string(), "environment: it panicked: the light went out");
    let mut writer = StateWriter::new();
    learner.save_state(&mut writer).unwrap();
    assert!(learner.preferences(&[0.5; 4]).iter().all(|preference| preference.is_finite()), "it can still be used");
}

#[test]
fn a_panic_of_one_environment_ends_the_training_and_not_the_program() {
    check_panic(ppo(8, 4, 2, 1));
    check_panic(dqn(8, 4, 2, 1, false));
}
