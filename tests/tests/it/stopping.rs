//! Ctrl-C and `kill -9` in the middle of a training.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use dodge_tests::{Running, Scratch, rows, wait_for};

use crate::photos::scene;

const LIMIT: Duration = Duration::from_secs(120);
/// More steps than could ever be taken in the time that a test gets, and a validation after each update.
const ENDLESS: &[&str] = &["--set=training.validation_interval=1", "--steps=1000000000", "--seed=1"];

/// Waits until metrics of the training have reached the database.
fn wait_until_training(running: &mut Running, store: &Path) {
    wait_for("metrics of the training", LIMIT, || {
        running.assert_alive();
        let rows = rows(store, "SELECT step FROM metrics WHERE key = 'validation/psnr_gain_db'");
        (rows.len() >= 2).then_some(())
    });
}

fn statuses(store: &Path) -> Vec<String> {
    rows(store, "SELECT status FROM runs ORDER BY start_time")
}

#[test]
fn ctrl_c_leaves_a_usable_model_and_a_run_marked_killed() {
    let scratch = Scratch::new();
    let mut running = scratch.start_training(ENDLESS);
    wait_until_training(&mut running, &scratch.store());
    assert_eq!(statuses(&scratch.store()), ["RUNNING"]);
    running.signal("INT");
    let finished = running.wait(LIMIT);
    assert_eq!(finished.code, Some(130), "{finished}");
    assert_eq!(finished.stdout, "", "no result is printed for a run that was not finished");
    let last = finished.stderr.lines().last().unwrap();
    let model = last.strip_prefix("interrupted: the model so far is ").unwrap_or_else(|| panic!("{finished}"));

    assert_eq!(statuses(&scratch.store()), ["KILLED"]);
    assert_eq!(rows(&scratch.store(), "SELECT count(*) FROM runs WHERE end_time >= start_time"), ["1"]);
    let artifacts = scratch.files("volume/tracking/mlartifacts");
    assert!(artifacts.iter().any(|path| path.ends_with("models/model.safetensors")), "{artifacts:?}");
    scene(0).save(&scratch.path("photo.png")).unwrap();
    let enhanced = scratch.dodge(&["enhance", "photo.png", "--model", model, "-o", "out"]).succeeded();
    assert!(scratch.path("out/photo.png").is_file(), "{enhanced}");
}

#[test]
fn ctrl_c_before_the_first_validation_leaves_a_usable_model_too() {
    let scratch = Scratch::new();
    let mut running =
        scratch.start_training(&[&["--set=training.validation_interval=1000000000"], &ENDLESS[1..]].concat());
    wait_for("the first update", LIMIT, || {
        running.assert_alive();
        let updates = rows(&scratch.store(), "SELECT step FROM metrics WHERE key = 'train/policy_loss'");
        (!updates.is_empty()).then_some(())
    });
    assert!(!scratch.files("volume/runs").iter().any(|path| path.ends_with(".safetensors")));
    running.signal("INT");
    let finished = running.wait(LIMIT);
    assert_eq!(finished.code, Some(130), "{finished}");
    let model = finished.stderr.lines().last().unwrap().rsplit(' ').next().unwrap().to_owned();
    scene(0).save(&scratch.path("photo.png")).unwrap();
    let _ = scratch.dodge(&["enhance", "photo.png", "--model", &model, "--dry-run"]).succeeded();
}

#[test]
fn a_killed_process_loses_no_metric() {
    let scratch = Scratch::new();
    let mut running = scratch.start_training(ENDLESS);
    wait_until_training(&mut running, &scratch.store());
    // Frozen, it can be looked at in peace: what it has logged is in the spool, part of it in the database.
    running.signal("STOP");
    let logged = wait_for("more in the spool than in the database", LIMIT, || {
        std::thread::sleep(Duration::from_millis(50));
        let logged = spooled_metrics(&scratch);
        if logged.len() > stored_metrics(&scratch).len() {
            return Some(logged);
        }
        // Caught right after a delivery: let it log some more.
        running.signal("CONT");
        std::thread::sleep(Duration::from_millis(70));
        running.signal("STOP");
        None
    });
    let stored = stored_metrics(&scratch);
    assert!(stored.is_subset(&logged), "{:?}", stored.difference(&logged).next());
    running.signal("KILL");
    let killed = running.wait(LIMIT);
    assert_eq!(killed.code, None, "ended by the signal: {killed}");
    assert_eq!(statuses(&scratch.store()), ["RUNNING"], "nobody has told the database yet");

    let run_id = rows(&scratch.store(), "SELECT run_uuid FROM runs").remove(0);
    let next = scratch.train(&["--steps=100", "--json"]).succeeded();
    assert_eq!(statuses(&scratch.store()), ["KILLED", "FINISHED"], "{next}");
    let recovered = metrics_of(&scratch, &run_id);
    assert_eq!(recovered, logged, "all that was logged, and nothing else");
    assert!(recovered.len() > stored.len());
    assert!(scratch.files("volume/tracking/spool").is_empty(), "the spool is used up");
    assert_eq!(rows(&scratch.store(), "SELECT count(*) FROM runs WHERE end_time >= start_time"), ["2"]);
}

/// A shell ignores a signal for what it starts: SIGHUP as `nohup` does, SIGINT as for what runs in a script's background.
fn ignoring(scratch: &Scratch, signal: &str) -> Running {
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", &format!("trap '' {signal}; exec \"$@\""), "sh"]).arg(dodge_tests::program());
    shell.args(dodge_tests::SMALL_TRAINING).args(ENDLESS);
    scratch.settle(&mut shell);
    Running::start(shell, scratch.folder())
}

#[test]
fn a_signal_that_the_parent_ignores_stays_ignored() {
    // Each is ignored once, and each still stops a training in order when another one is ignored.
    for (ignored, heeded) in [("HUP", "INT"), ("INT", "TERM"), ("TERM", "HUP")] {
        let scratch = Scratch::new();
        let mut running = ignoring(&scratch, ignored);
        wait_until_training(&mut running, &scratch.store());
        running.signal(ignored);
        std::thread::sleep(Duration::from_secs(1));
        running.assert_alive();
        assert_eq!(statuses(&scratch.store()), ["RUNNING"], "{ignored}");
        running.signal(heeded);
        let finished = running.wait(LIMIT);
        assert_eq!(finished.code, Some(130), "{ignored} ignored, {heeded} sent: {finished}");
        assert_eq!(statuses(&scratch.store()), ["KILLED"]);
    }
}

type Metrics = BTreeSet<(String, i64, u64)>;

/// Key, step and bits of the value of the metrics in the database.
fn stored_metrics(scratch: &Scratch) -> Metrics {
    metrics_of(scratch, "%")
}

fn metrics_of(scratch: &Scratch, run_id: &str) -> Metrics {
    let query = format!("SELECT key, step, value FROM metrics WHERE run_uuid LIKE '{run_id}'");
    let parse = |row: String| {
        let cells: Vec<&str> = row.split(" | ").collect();
        let value: f64 = cells[2].parse().unwrap();
        (cells[0].to_owned(), cells[1].parse().unwrap(), value.to_bits())
    };
    rows(&scratch.store(), &query).into_iter().map(parse).collect()
}

/// The metrics in the one spool there is, read from its bytes: a header of 16, then frames of 4 bytes marker, length,
/// checksum and payload; a payload of kind 2 is a time, a step and a list of keys and values.
fn spooled_metrics(scratch: &Scratch) -> Metrics {
    let files = scratch.files("volume/tracking/spool");
    let records: Vec<&String> = files.iter().filter(|path| path.ends_with("records")).collect();
    assert_eq!(records.len(), 1, "{files:?}");
    let bytes = std::fs::read(scratch.path("volume/tracking/spool").join(records[0])).unwrap();
    let number = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
    let long = |at: usize| i64::from_le_bytes(bytes[at..at + 8].try_into().unwrap());
    let mut metrics = Metrics::new();
    let mut frame = 16;
    while frame + 12 <= bytes.len() && frame + 12 + number(frame + 4) <= bytes.len() {
        let payload = frame + 12;
        if bytes[payload] == 2 {
            let step = long(payload + 9);
            let mut at = payload + 21;
            for _ in 0..number(payload + 17) {
                let length = number(at);
                let key = String::from_utf8(bytes[at + 4..at + 4 + length].to_vec()).unwrap();
                at += 4 + length;
                metrics.insert((key, step, long(at).cast_unsigned()));
                at += 8;
            }
        }
        frame = payload + number(frame + 4);
    }
    metrics
}
