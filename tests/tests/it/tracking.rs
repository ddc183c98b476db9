//! Where runs are recorded: nowhere, on the console, in the local store, and on a server that is not there.

use std::fs;
use std::time::{Duration, Instant};

use dodge_tests::{MlflowServer, Scratch, rows};

use crate::training::assert_same;

/// The stages whose duration is recorded.
const STAGES: &[&str] = &[
    "load_data",
    "preprocess",
    "copy_and_resize",
    "annotation_file",
    "score",
    "degrade_and_split",
    "train",
    "evaluate",
    "postprocess",
    "total",
];

#[test]
fn off_records_nothing() {
    let scratch = Scratch::new();
    let finished = scratch.train(&["--steps=300", "--tracking-uri=off", "--json"]).succeeded();
    assert!(!scratch.path("volume/tracking").exists());
    assert!(!finished.stderr.contains("policy_loss"), "{finished}");
    assert!(scratch.path(finished.json()["model"].as_str().unwrap()).is_file());
}

#[test]
fn console_prints_metrics_to_stderr() {
    let scratch = Scratch::new();
    let finished = scratch.train(&["--steps=300", "--tracking-uri=console", "--json"]).succeeded();
    for key in ["train/policy_loss", "validation/psnr_gain_db", "test/recovered", "perf/train_duration_seconds"] {
        assert!(finished.stderr.contains(key), "{key}: {finished}");
    }
    assert_eq!(finished.stdout.lines().count(), 1, "{finished}");
    assert!(!scratch.path("volume/tracking").exists());
}

#[test]
fn local_writes_database_and_artifacts() {
    let scratch = Scratch::new();
    let arguments = ["--steps=600", "--seed=3", "--experiment=mine", "--run-name=first", "--json"];
    let report = scratch.train(&arguments).succeeded().json();
    let store = scratch.store();
    let runs = rows(
        &store,
        "SELECT r.run_uuid, r.name, r.status, e.name FROM runs r JOIN experiments e USING (experiment_id)",
    );
    assert_eq!(runs, [format!("{} | first | FINISHED | mine", report["run_id"].as_str().unwrap())]);

    let param = |key: &str| rows(&store, &format!("SELECT value FROM params WHERE key = '{key}'"));
    assert_eq!(param("training/seed"), ["3"]);
    assert_eq!(param("device"), ["cpu"]);
    assert_eq!(param("training/steps"), ["600"]);
    assert_eq!(param("source_dataset_id"), ["synthetic"]);
    assert_eq!(param("dataset_hash")[0].len(), 64);
    let tag = |key: &str| rows(&store, &format!("SELECT value FROM tags WHERE key = '{key}'"));
    assert_eq!((tag("mlflow.runName"), tag("mlflow.user")), (vec!["first".to_owned()], vec!["ann".to_owned()]));

    let latest = |key: &str| -> f64 {
        let found = rows(&store, &format!("SELECT value FROM latest_metrics WHERE key = '{key}'"));
        assert_eq!(found.len(), 1, "{key}");
        found[0].parse().unwrap()
    };
    for stage in STAGES {
        assert!(latest(&format!("perf/{stage}_duration_seconds")) >= 0.0, "{stage}");
    }
    assert_same(latest("perf/total_duration_seconds"), &report["wall_seconds"]);
    // Every figure of the summary is a metric too.
    for (prefix, summary) in [("test", &report["test"]), ("baseline/random", &report["baselines"]["random"])] {
        for (key, value) in summary.as_object().unwrap() {
            match value.as_object() {
                Some(inner) => {
                    inner
                        .iter()
                        .for_each(|(name, value)| assert_same(latest(&format!("{prefix}/{key}/{name}")), value));
                }
                None => assert_same(latest(&format!("{prefix}/{key}")), value),
            }
        }
    }
    let steps = rows(&store, "SELECT step FROM metrics WHERE key = 'train/policy_loss' ORDER BY step");
    assert_eq!(steps, ["256", "512", "768"], "metrics of the training are over environment steps");

    let artifacts = scratch.files("volume/tracking/mlartifacts");
    for (path, own) in [
        ("models/model.safetensors", report["model"].as_str().unwrap().to_owned()),
        ("evaluation_images/mosaic.png", report["mosaic"].as_str().unwrap().to_owned()),
        ("configuration.toml", format!("{}/configuration.toml", report["run_dir"].as_str().unwrap())),
        ("report.json", format!("{}/report.json", report["run_dir"].as_str().unwrap())),
    ] {
        let stored = artifacts.iter().find(|artifact| artifact.ends_with(path)).unwrap_or_else(|| panic!("{path}"));
        let stored = fs::read(scratch.path("volume/tracking/mlartifacts").join(stored)).unwrap();
        assert!(stored == fs::read(scratch.path(own)).unwrap(), "{path}");
    }
    assert!(scratch.files("volume/tracking/spool").is_empty(), "all of it has arrived");
}

#[test]
fn a_server_that_is_not_there_stops_no_training() {
    let scratch = Scratch::new();
    let port = MlflowServer::free_port();
    let uri = format!("--tracking-uri=http://127.0.0.1:{port}");
    let started = Instant::now();
    let finished = scratch.train(&["--steps=300", &uri]).succeeded();
    assert!(started.elapsed() < Duration::from_secs(120), "{:?}", started.elapsed());
    assert!(finished.stderr.contains("cannot be reached"), "{finished}");
    assert!(finished.stdout.contains("tracking records wait for the server"), "{finished}");
    let spool = scratch.files("volume/tracking/spool");
    assert!(spool.iter().any(|path| path.ends_with("records")), "the records are kept: {spool:?}");
    assert!(!scratch.path("volume/tracking/mlflow.db").exists());
}

/// In a network namespace of its own, where not even the machine itself can be reached.
#[cfg(target_os = "linux")]
#[test]
fn without_a_network_everything_works() {
    use std::process::Command;

    use dodge_tests::{SMALL_TRAINING, program, skipped};

    let offline = |arguments: &[&str]| {
        let mut command = Command::new("unshare");
        command.arg("-n").args(arguments);
        command
    };
    if !offline(&["true"]).output().is_ok_and(|output| output.status.success()) {
        skipped("training without a network", "no network namespace can be made here; run it as root on Linux");
        return;
    }
    let scratch = Scratch::new();
    let mut command = offline(&[program().to_str().unwrap()]);
    command.args(SMALL_TRAINING).args(["--steps=300", "--json"]);
    scratch.settle(&mut command);
    let finished = scratch.finish(command).succeeded();
    assert!(!finished.stderr.contains("WARN"), "{finished}");
    assert_eq!(rows(&scratch.store(), "SELECT status FROM runs"), ["FINISHED"]);
}
