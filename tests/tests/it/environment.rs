//! Each environment variable does what the documentation says.

use std::fs;

use dodge_tests::{Finished, SMALL_TRAINING, Scratch, rows};

/// A short training with a variable set; a later argument is a change of the command line.
fn train_with(scratch: &Scratch, variables: &[(&str, &str)], arguments: &[&str]) -> Finished {
    let mut command = scratch.command(&[SMALL_TRAINING, &["--steps=100", "--json"], arguments].concat());
    command.envs(variables.iter().copied());
    scratch.finish(command)
}

#[test]
fn image_volume_path() {
    let scratch = Scratch::new();
    let report = train_with(&scratch, &[("IMAGE_VOLUME_PATH", "else/where")], &[]).succeeded().json();
    assert!(report["run_dir"].as_str().unwrap().starts_with("else/where/runs/dodge/"), "{report}");
    for folder in ["runs", "cache", "datasets", "tracking"] {
        assert!(scratch.path("else/where").join(folder).is_dir(), "{folder}");
    }
    assert_eq!(fs::read_dir(scratch.folder()).unwrap().count(), 1, "nothing is written elsewhere");
    let scratch = Scratch::new();
    let report = train_with(&scratch, &[("IMAGE_VOLUME_PATH", "")], &[]).succeeded().json();
    assert!(report["run_dir"].as_str().unwrap().starts_with("dodge-data/runs/"), "the default: {report}");
}

#[test]
fn a_tilde_in_the_volume_is_the_home_folder() {
    let scratch = Scratch::new();
    let variables = [("IMAGE_VOLUME_PATH", "~/data"), ("HOME", "home")];
    let report = train_with(&scratch, &variables, &["--tracking-uri=off"]).succeeded().json();
    assert!(report["run_dir"].as_str().unwrap().starts_with("home/data/runs/"), "{report}");
    assert!(!scratch.path("~").exists());
}

#[test]
fn mlflow_tracking_uri() {
    let scratch = Scratch::new();
    let console = train_with(&scratch, &[("MLFLOW_TRACKING_URI", "console")], &[]).succeeded();
    assert!(console.stderr.contains("train/policy_loss"), "{console}");
    assert!(!scratch.path("volume/tracking").exists());
    let _ = train_with(&scratch, &[("MLFLOW_TRACKING_URI", "console")], &["--tracking-uri=local"]).succeeded();
    assert!(scratch.path("volume/tracking/mlflow.db").is_file(), "the command line wins");
    let wrong = train_with(&scratch, &[("MLFLOW_TRACKING_URI", "ftp://example.org")], &[]);
    assert!(wrong.failed(2).contains("ftp"), "{wrong}");
}

#[test]
fn mlflow_experiment_name() {
    let scratch = Scratch::new();
    let named = [("MLFLOW_EXPERIMENT_NAME", "my photos")];
    let report = train_with(&scratch, &named, &[]).succeeded().json();
    assert!(report["run_dir"].as_str().unwrap().starts_with("volume/runs/my_photos/"), "{report}");
    let _ = train_with(&scratch, &named, &["--experiment=other", "--run-name=first"]).succeeded();
    let query = "SELECT e.name, r.name LIKE 'run-%' FROM runs r JOIN experiments e USING (experiment_id) \
                 ORDER BY r.start_time";
    assert_eq!(rows(&scratch.store(), query), ["my photos | 1", "other | 0"], "the command line wins");
}

#[test]
fn dodge_device() {
    let scratch = Scratch::new();
    let done = train_with(&scratch, &[("DODGE_DEVICE", "cpu"), ("MLFLOW_TRACKING_URI", "off")], &[]).succeeded();
    assert_eq!(done.json()["device"], "cpu");
    assert!(done.stderr.contains("training on cpu"), "{done}");
    let wrong = train_with(&scratch, &[("DODGE_DEVICE", "tpu")], &[]);
    assert_eq!(wrong.failed(2), "error: DODGE_DEVICE is `tpu`: use auto, cpu or gpu");
    let missing = train_with(&scratch, &[("DODGE_DEVICE", "gpu")], &[]);
    assert!(missing.failed(2).contains("no GPU support"), "{missing}");
    let variables = [("DODGE_DEVICE", "gpu"), ("MLFLOW_TRACKING_URI", "off")];
    let _ = train_with(&scratch, &variables, &["--device=cpu"]).succeeded();
}

#[test]
fn dodge_threads() {
    let scratch = Scratch::new();
    let wrong = train_with(&scratch, &[("DODGE_THREADS", "0")], &[]);
    assert_eq!(wrong.failed(2), "error: DODGE_THREADS is `0`: use a number from 1");
    // The command line of the small training asks for one thread; without that, the variable counts.
    let without = SMALL_TRAINING.iter().copied().filter(|argument| !argument.starts_with("--threads"));
    let arguments: Vec<&str> =
        without.chain(["--steps=1000000000", "--set=training.validation_interval=1", "--tracking-uri=off"]).collect();
    for (variable, expected) in [("1", 1), ("3", 3)] {
        let scratch = Scratch::new();
        let mut command = scratch.command(&arguments);
        command.env("DODGE_THREADS", variable);
        assert_eq!(worker_threads(&scratch, command, expected), expected, "DODGE_THREADS={variable}");
    }
}

/// The number of threads that a training computes with.
#[cfg(target_os = "linux")]
fn worker_threads(scratch: &Scratch, command: std::process::Command, expected: usize) -> usize {
    use std::time::Duration;

    use dodge_tests::{Running, wait_for};

    let mut running = Running::start(command, scratch.folder());
    // Once a model is saved, all of them are there.
    wait_for("the training", Duration::from_secs(120), || {
        running.assert_alive();
        let model = |path: &String| path.ends_with("model.safetensors");
        scratch.files("volume/runs").iter().any(model).then_some(())
    });
    let count = fs::read_dir(format!("/proc/{}/task", running.id())).unwrap().count();
    // The main thread, and the one that listens for Ctrl-C.
    assert!(count > 2, "{count} threads, {expected} workers expected");
    count - 2
}

/// Threads can be counted from outside on Linux only.
#[cfg(not(target_os = "linux"))]
fn worker_threads(_: &Scratch, _: std::process::Command, expected: usize) -> usize {
    expected
}

#[test]
fn dodge_log() {
    let scratch = Scratch::new();
    let off = [("MLFLOW_TRACKING_URI", "console")];
    let quiet = train_with(&scratch, &[off[0], ("DODGE_LOG", "error")], &[]).succeeded();
    assert!(!quiet.stderr.contains("train/policy_loss"), "{quiet}");
    let usual = train_with(&scratch, &off, &[]).succeeded();
    assert!(usual.stderr.contains("train/policy_loss") && !usual.stderr.contains("reusing"), "{usual}");
    let talkative = train_with(&scratch, &[off[0], ("DODGE_LOG", "info")], &[]).succeeded();
    assert!(talkative.stderr.contains("reusing the earlier result"), "{talkative}");
    assert_eq!(talkative.stdout.lines().count(), 1, "logs never reach stdout: {talkative}");
    let wrong = train_with(&scratch, &[("DODGE_LOG", "=,=")], &[]);
    assert!(wrong.failed(2).contains("DODGE_LOG is `=,=`"), "{wrong}");
}

#[test]
fn user() {
    let scratch = Scratch::new();
    let _ = train_with(&scratch, &[("USER", "bob")], &[]).succeeded();
    assert_eq!(rows(&scratch.store(), "SELECT value FROM tags WHERE key = 'mlflow.user'"), ["bob"]);
}
