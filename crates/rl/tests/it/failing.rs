//! Trainings that cannot go on: the run says where and why, and leaves a checkpoint.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use dodge_juror::{ClassicalJuror, Juror};
use dodge_learn::{CHECKPOINT_FORMAT, Checkpoint, Error as LearnError};
use dodge_rl::{Error, Session, Trainer};
use dodge_tracking::Status;

use crate::support::Stub;
use crate::trainer::Workplace;

/// Judges soundly so many photos, enough for preprocessing and some training, and then like no juror should.
fn spoilt_after(photos: usize, score: f64) -> Arc<dyn Juror> {
    let (sound, asked) = (ClassicalJuror::new(), AtomicUsize::new(0));
    Stub::new(move |photo| match asked.fetch_add(1, Ordering::Relaxed) < photos {
        true => sound.score_one(photo).map_err(|error| error.to_string()),
        false => Ok(score),
    })
}

/// Trains until it fails. Returns the error and what `failed.checkpoint` holds.
fn fail(algorithm: &str, score: f64) -> (Error, Checkpoint) {
    let mut place = Workplace::new();
    place.registry.apply_set(&format!("training.algorithm={algorithm}")).unwrap();
    place.registry.apply_set("training.steps=4000").unwrap();
    let run_dir = place.volume.path().join("run");
    let session = Session { run_dir: Some(run_dir.clone()), ..place.session() };
    let error = place.trainer(spoilt_after(1500, score)).run(session).unwrap_err();
    assert_eq!(place.record().status, Some(Status::Failed));
    assert!(!place.record().values("train/gradient_norm").is_empty(), "it learnt something before");
    let checkpoints = run_dir.join("checkpoints");
    let failed = Checkpoint::load(&checkpoints.join("failed.checkpoint")).unwrap();
    assert_eq!(failed.algorithm, algorithm);
    assert!(failed.environment_steps > 0 && !failed.state.is_empty(), "{}", failed.environment_steps);
    // The latest one is from before.
    let latest = Checkpoint::load(&checkpoints.join("latest.checkpoint")).unwrap();
    assert!(latest.environment_steps <= failed.environment_steps);
    (error, failed)
}

#[test]
fn a_loss_that_is_not_finite_ends_the_run_with_a_checkpoint() {
    // The squared error overflows. The loss of deep Q-learning grows with the error and not with its square, and bears it.
    let (error, failed) = fail("ppo", 1e25);
    let Error::Learning(LearnError::Diverged { step, quantity, value }) = error else { panic!("{error}") };
    assert_eq!((quantity, step), ("the value's loss", failed.environment_steps + 256), "after a rollout of 256 steps");
    assert!(!value.is_finite());
}

#[test]
fn a_reward_that_is_not_finite_ends_the_run_with_a_checkpoint() {
    for algorithm in ["ppo", "dqn"] {
        let (error, failed) = fail(algorithm, 1e45);
        let step = failed.environment_steps;
        let expected = format!("environment: a reward is inf, in the round after environment step {step}");
        assert_eq!(error.to_string(), expected);
    }
}

#[test]
fn a_checkpoint_of_another_version_is_refused() {
    let place = Workplace::new();
    let run_dir = place.volume.path().join("run");
    let session = || Session { run_dir: Some(run_dir.clone()), ..place.session() };
    let trainer = || place.trainer(Arc::new(ClassicalJuror::new()));
    trainer().run(session()).unwrap();
    let latest = run_dir.join("checkpoints/latest.checkpoint");
    let mut bytes = std::fs::read(&latest).unwrap();
    bytes[16] = 99;
    std::fs::write(&latest, bytes).unwrap();
    let error = trainer().run(Session { resume: true, ..session() }).unwrap_err().to_string();
    let expected = format!("has format version 99, this program reads version {CHECKPOINT_FORMAT}");
    assert!(error.contains("latest.checkpoint: ") && error.ends_with(&expected), "{error}");
}
