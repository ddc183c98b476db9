//! The GPU computes what the processor computes. These tests need a driver, of which Mesa's `llvmpipe` is one; where there is
//! none, they say so and pass. `cargo xtask gpu-smoke` runs them after it has made sure of one.

use dodge_learn::{
    ActionSpace, Clock, ConfiguredLearner, Device, Dqn, DqnParams, Encoder, Gpu, Learner, NetworkParams, Picture,
    Policy, Ppo, PpoParams, Rollout, Spaces, UpdateReport, VectorEnvironment, cpu,
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::support::{Ending, Identity, STATES, every_state, on_threads};

const ENVIRONMENTS: usize = 8;
const STEPS: usize = 16;
const ACTIONS: usize = 5;
const SEED: u64 = 3;

/// The GPU, or a loud word that there is none.
#[expect(clippy::print_stderr, reason = "a test that did nothing must not look like one that passed")]
fn gpu() -> Option<Gpu> {
    dodge_learn::gpu().map_err(|error| eprintln!("SKIPPED: {error}")).ok()
}

fn learner(encoder: Encoder, spaces: Spaces, device: &Device) -> Ppo {
    let params = PpoParams {
        environments: ENVIRONMENTS,
        rollout_steps: STEPS,
        minibatch_size: 32,
        epochs: 2,
        hidden: vec![32, 32],
        ..PpoParams::default()
    };
    let network = NetworkParams { encoder, ..NetworkParams::default() };
    Ppo::with_network(params, &network, spaces, SEED, device).unwrap()
}

/// What a fresh learner does in an environment that shows noise and rewards at random.
fn rollout(encoder: Encoder, spaces: Spaces) -> Rollout {
    let mut rng = ChaCha8Rng::seed_from_u64(SEED);
    let count = ENVIRONMENTS * STEPS;
    let observations: Vec<f32> =
        (0..count * spaces.observation_len).map(|_| f32::from(rng.random::<u8>()) / 255.0).collect();
    let masks: Vec<bool> = (0..count * ACTIONS).map(|i| i % 7 != 0).collect();
    let decisions = learner(encoder, spaces, &cpu()).act(&observations, &[], &masks);
    let successor_values = (0..count).map(|i| decisions.values.get(i + ENVIRONMENTS).copied().unwrap_or(0.0)).collect();
    Rollout {
        observations,
        privileged: Vec::new(),
        actions: decisions.actions,
        unsquashed: decisions.unsquashed,
        masks,
        log_probabilities: decisions.log_probabilities,
        values: decisions.values,
        rewards: (0..count).map(|_| rng.random::<f32>()).collect(),
        successor_values,
        terminated: (0..count).map(|i| i % 5 == 0).collect(),
        truncated: vec![false; count],
    }
}

/// What one update reports, and what the policy prefers after it, and how strongly.
fn updated(encoder: Encoder, spaces: Spaces, device: &Device, rollout: &Rollout) -> (UpdateReport, Vec<f32>) {
    let mut learner = learner(encoder, spaces, device);
    let report = learner.update(rollout, Clock { taken: 0, total: 1000 }).unwrap();
    let strengths = learner.network().strengths(&rollout.observations, spaces.observation_len, device);
    (report, [learner.preferences(&rollout.observations), strengths].concat())
}

#[track_caller]
fn assert_near(what: &str, ours: f64, theirs: f64, tolerance: f64) {
    assert!(theirs.is_finite(), "{what} is {theirs} on the GPU");
    assert!((ours - theirs).abs() <= tolerance, "{what} is {ours} on the processor and {theirs} on the GPU");
}

#[track_caller]
fn check_first_update(encoder: Encoder, picture: Option<Picture>, scaled: usize) {
    let Some(gpu) = gpu() else { return };
    let observation_len = picture.map_or(40, Picture::values);
    let actions = ActionSpace { kinds: ACTIONS, scaled };
    let spaces = Spaces { picture, actions, ..Spaces::plain(observation_len, ACTIONS) };
    let rollout = rollout(encoder, spaces);
    let (ours, our_preferences) = updated(encoder, spaces, &cpu(), &rollout);
    let (theirs, their_preferences) = updated(encoder, spaces, &gpu.device, &rollout);
    assert_eq!(ours.gradient_steps, theirs.gradient_steps);
    for (what, ours, theirs) in [
        ("the policy's loss", ours.policy_loss, theirs.policy_loss),
        ("the value's loss", ours.value_loss, theirs.value_loss),
        ("the entropy", ours.entropy, theirs.entropy),
        ("the strengths' entropy", ours.strength_entropy, theirs.strength_entropy),
        ("the strengths' deviation", ours.strength_deviation, theirs.strength_deviation),
        ("the divergence", ours.approximate_kl, theirs.approximate_kl),
        ("the norm of the gradient", ours.gradient_norm, theirs.gradient_norm),
    ] {
        assert_near(what, ours, theirs, 1e-3 * (1.0 + ours.abs()));
    }
    for (ours, theirs) in our_preferences.iter().zip(their_preferences) {
        assert_near("a probability or strength", f64::from(*ours), f64::from(theirs), 1e-3);
    }
}

#[test]
fn the_first_update_of_statistics_is_that_of_the_processor() {
    // Policy and value network are then computed on two threads at a time.
    for threads in [1, 2] {
        on_threads(threads, || check_first_update(Encoder::Stats, None, 0));
        on_threads(threads, || check_first_update(Encoder::Stats, None, 3));
    }
}

#[test]
fn the_first_update_of_convolutions_is_that_of_the_processor() {
    check_first_update(Encoder::NatureCnn, Some(Picture { channels: 3, height: 36, width: 36 }), 0);
}

#[test]
fn the_first_update_of_patches_is_that_of_the_processor() {
    check_first_update(Encoder::Patch, Some(Picture { channels: 3, height: 24, width: 24 }), 4);
}

#[test]
fn values_of_actions_learn_as_on_the_processor() {
    let Some(gpu) = gpu() else { return };
    let learnt = |device: &Device| {
        let mut environments = VectorEnvironment::new(Identity::several(4, Ending::Terminated(4))).unwrap();
        let params = DqnParams {
            environments: 4,
            learning_starts: 64,
            batch_size: 32,
            hidden: vec![16],
            ..DqnParams::default()
        };
        let mut learner = Dqn::new(params, environments.spaces(), SEED, device);
        let mut clock = Clock { taken: 0, total: 256 };
        while clock.taken < clock.total {
            clock.taken += learner.advance(&mut environments, clock).unwrap().steps;
        }
        learner.preferences(&every_state())
    };
    let (ours, theirs) = (learnt(&cpu()), learnt(&gpu.device));
    assert_eq!(theirs.len(), STATES * STATES);
    for (ours, theirs) in ours.iter().zip(theirs) {
        assert_near("an expected return", f64::from(*ours), f64::from(theirs), 0.05);
    }
}
