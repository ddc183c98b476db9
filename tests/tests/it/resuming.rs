//! Going on with a run that was stopped.

use std::fs;
use std::time::Duration;

use dodge_tests::{Finished, Scratch, rows, wait_for};

const LIMIT: Duration = Duration::from_secs(120);
const TRAINING: &[&str] = &["--steps=12000", "--seed=1", "--set=training.checkpoint_interval=4000", "--json"];

/// The figures of a run, which must not depend on how often it was stopped.
fn figures(finished: &Finished) -> (serde_json::Value, serde_json::Value, serde_json::Value) {
    let report = finished.json();
    (report["steps"].clone(), report["test"].clone(), report["baselines"].clone())
}

/// Starts a training, waits for its first checkpoint, ends it by `signal`, and resumes it by its run folder.
fn stopped_and_resumed(signal: &str, arguments: &[&str]) -> Finished {
    let scratch = Scratch::new();
    let mut running = scratch.start_training(&[TRAINING, arguments].concat());
    let latest = wait_for("a checkpoint", LIMIT, || {
        running.assert_alive();
        scratch.files("volume/runs").into_iter().find(|path| path.ends_with("latest.checkpoint"))
    });
    running.signal(signal);
    let stopped = running.wait(LIMIT);
    assert_ne!(stopped.code, Some(0), "it was stopped before its end: {stopped}");
    let folder = scratch.path("volume/runs").join(latest).ancestors().nth(2).unwrap().to_owned();
    let resumed = scratch.dodge(&["train", "--json", "--resume", folder.to_str().unwrap()]).succeeded();
    let runs = rows(&scratch.path("volume/tracking"), "SELECT run_uuid, status FROM runs");
    let id = resumed.json()["run_id"].as_str().unwrap().to_owned();
    assert_eq!(runs, [format!("{id} | FINISHED")], "it goes on as the same tracked run");
    resumed
}

#[test]
fn a_killed_and_resumed_training_ends_as_if_never_stopped() {
    let whole = figures(&Scratch::new().train(TRAINING).succeeded());
    assert_eq!(figures(&stopped_and_resumed("KILL", &[])), whole);
    assert_eq!(figures(&stopped_and_resumed("INT", &[])), whole);
}

#[test]
fn deep_q_learning_is_resumed_too() {
    let small = ["--algo=dqn", "--set=dqn.hidden=16", "--set=dqn.learning_starts=500"];
    let whole = figures(&Scratch::new().train(&[TRAINING, &small[..]].concat()).succeeded());
    assert_eq!(figures(&stopped_and_resumed("KILL", &small)), whole);
}

#[test]
fn a_run_is_resumed_by_its_name_and_only_with_its_photos() {
    let scratch = Scratch::new();
    let _ = scratch.train(&["--steps=300", "--run-name=mine", "--json"]).succeeded();
    let unknown = scratch.dodge(&["train", "--resume=yours"]);
    assert_eq!(unknown.code, Some(2), "{unknown}");
    assert!(unknown.stderr.contains("no run is called yours"), "{unknown}");

    let folder = scratch.files("volume/runs").into_iter().find(|path| path.ends_with("used.json")).unwrap();
    let name = folder.split('/').rev().nth(1).unwrap().to_owned();
    assert!(name.starts_with("mine-"), "{name}");
    // It had ended: nothing is left to learn, and it is evaluated again.
    let again = scratch.dodge(&["train", "--json", "--resume", &name, "--set=training.mosaic_rows=2"]).succeeded();
    assert_eq!(again.json()["steps"], 512);
    // Params cannot change, tags can.
    let changed = "SELECT key, value FROM tags WHERE key LIKE 'dodge.resumed%' ORDER BY key";
    let tracking = scratch.path("volume/tracking");
    let expected = ["dodge.resumed_with.source_dataset_id | folder", "dodge.resumed_with.training/mosaic_rows | 2"];
    assert_eq!(rows(&tracking, changed), expected);
    // What knows nothing of the first part gets a run of its own.
    fs::remove_dir_all(&tracking).unwrap();
    let _ = scratch.dodge(&["train", "--json", "--resume", &name]).succeeded();
    assert_eq!(rows(&tracking, "SELECT status FROM runs"), ["FINISHED"]);
    assert_eq!(rows(&tracking, changed).len(), 1);

    let photos = scratch.files("volume/datasets").into_iter().filter(|path| path.ends_with(".png")).collect::<Vec<_>>();
    fs::remove_file(scratch.path("volume/datasets").join(&photos[0])).unwrap();
    let changed = scratch.dodge(&["train", "--resume", &name]);
    assert_eq!(changed.code, Some(1), "{changed}");
    assert!(changed.stderr.contains("are not those that the run began with"), "{changed}");
}
