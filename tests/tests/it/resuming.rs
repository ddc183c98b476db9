//! Going on with a run that was stopped.

use std::fs;
use std::time::Duration;

use dodge_tests::{Finished, Scratch, rows, wait_for};

const LIMIT: Duration = Duration::from_secs(120);
const TRAINING: &[&str] = &["--steps=4800", "--seed=1", "--set=training.checkpoint_interval=1600", "--json"];

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

#[test]
fn a_run_has_the_same_names_in_every_command() {
    let scratch = Scratch::new();
    let first = scratch.train(&["--steps=300", "--run-name=my first", "--json"]).succeeded().json();
    let id = first["run_id"].as_str().unwrap().to_owned();
    let folder = first["run_dir"].as_str().unwrap().to_owned();
    let listed = scratch.dodge(&["runs", "list"]).succeeded().stdout;
    let digits = listed.lines().nth(1).unwrap().split_whitespace().next().unwrap().to_owned();
    let folder_name = folder.rsplit('/').next().unwrap();
    for name in ["my first", &digits, &digits.to_uppercase(), &id, &folder, folder_name] {
        let resumed = scratch.dodge(&["train", "--resume", name, "--json", "--threads=1"]).succeeded();
        assert_eq!(resumed.json()["run_id"], *id, "{name}");
        let shown = scratch.dodge(&["runs", "show", name, "--json"]).succeeded().json();
        assert_eq!(shown["run_id"], *id, "{name}");
        let verified = scratch.dodge(&["runs", "verify", name, "--json"]).succeeded().json();
        assert_eq!(verified["runs"][0]["run_id"], *id, "{name}");
        let diff = scratch.dodge(&["params", "diff", name, &folder]).succeeded();
        assert!(diff.stdout.contains("values are equal"), "{name}: {diff}");
        let _ = scratch.dodge(&["runs", "export", name, "-o", "exported"]).succeeded();
        fs::remove_dir_all(scratch.path("exported")).unwrap();
    }
    // The folder of a run need not lie below the volume.
    let second = scratch.train(&["--steps=300", "--run-name=second", "--out=else/where", "--json"]).succeeded().json();
    let resumed = scratch.dodge(&["train", "--resume=second", "--json", "--threads=1"]).succeeded().json();
    assert_eq!((&resumed["run_id"], resumed["steps"].as_u64()), (&second["run_id"], Some(512)));
    // A name of two runs is told with both.
    let third = scratch.train(&["--steps=300", "--run-name=my first", "--json"]).succeeded().json();
    let commands = [
        &["train", "--resume", "my first"][..],
        &["runs", "show", "my first"],
        &["params", "diff", "my first", "second"],
    ];
    for command in commands {
        let message = scratch.dodge(command).failed(2);
        assert!(message.contains("2 runs are called my first"), "{message}");
        for run in [&first, &third] {
            assert!(message.contains(&run["run_id"].as_str().unwrap()[..8]), "{message}");
        }
    }
    let unknown = scratch.dodge(&["params", "diff", "nobody", "second"]).failed(2);
    assert!(unknown.contains("no run is called nobody") && unknown.contains("dodge runs list"), "{unknown}");
    // What a resumed run cannot heed is refused.
    let named = scratch.dodge(&["train", "--resume=second", "--run-name=third"]);
    assert_eq!(named.code, Some(2), "{named}");
}

#[test]
fn a_run_goes_on_from_an_older_checkpoint_where_the_latest_is_damaged() {
    let scratch = Scratch::new();
    let arguments =
        ["--steps=1024", "--set=training.checkpoint_interval=512", "--tracking-uri=off", "--out=r", "--json"];
    let whole = figures(&scratch.train(&arguments).succeeded());
    let checkpoint = |name: &str| scratch.path("r/checkpoints").join(name);
    let step = scratch.files("r/checkpoints").into_iter().find(|name| name.starts_with("step-000000000512")).unwrap();
    let resume = ["train", "--resume=r", "--tracking-uri=off", "--threads=1", "--json"];

    let latest = fs::read(checkpoint("latest.checkpoint")).unwrap();
    fs::write(checkpoint("latest.checkpoint"), &latest[..1000]).unwrap();
    let resumed = scratch.dodge(&resume).succeeded();
    let said = "the training goes on from r/checkpoints/step-";
    assert!(resumed.stderr.contains("latest.checkpoint") && resumed.stderr.contains(said), "{resumed}");
    assert_eq!(figures(&resumed), whole);
    assert_eq!(fs::read(checkpoint("set-aside-1.checkpoint")).unwrap().len(), 1000, "nothing is thrown away");

    // A checkpoint file can be named.
    let file = format!("r/checkpoints/{step}");
    let resumed =
        scratch.dodge(&["train", "--resume", &file, "--tracking-uri=off", "--threads=1", "--json"]).succeeded();
    assert_eq!(figures(&resumed), whole);
    // Without the latest, the newest is taken.
    fs::remove_file(checkpoint("latest.checkpoint")).unwrap();
    let resumed = scratch.dodge(&resume).succeeded();
    assert!(
        resumed.stderr.contains("there is no r/checkpoints/latest.checkpoint") && resumed.stderr.contains(said),
        "{resumed}"
    );
    assert_eq!(figures(&resumed), whole);

    // Where none is whole, and where a file is none, that is said.
    for name in scratch.files("r/checkpoints") {
        fs::write(checkpoint(&name), "cut").unwrap();
    }
    let message = scratch.dodge(&resume).failed(1);
    assert!(
        message.contains("latest.checkpoint") && message.contains("none of the") && message.contains("--out"),
        "{message}"
    );
    let message = scratch.dodge(&["train", "--resume", &file, "--tracking-uri=off"]).failed(1);
    assert!(message.contains("is no checkpoint of dodge"), "{message}");
    let message = scratch.dodge(&["train", "--resume=r/report.json"]).failed(2);
    assert!(message.contains("--resume takes a run or one of its checkpoints"), "{message}");
}
