//! What is left by a process that died.

use std::{
    fs,
    io::{BufRead, BufReader, Seek, SeekFrom, Write},
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use dodge_tracking::{Destination, Error, RunOptions, Status, Tracking};

use crate::support::{local, options, rows, spools};

/// Names the tracking folder to the child process of the kill tests.
const CHILD_FOLDER: &str = "DODGE_TEST_TRACKING_CHILD";
/// The child's delivery interval, in milliseconds.
const CHILD_INTERVAL: &str = "DODGE_TEST_TRACKING_INTERVAL";

#[test]
fn kill_9_before_anything_was_delivered_loses_nothing() {
    check_kill(3_600_000);
}

#[test]
fn kill_9_while_records_are_being_delivered_loses_nothing() {
    check_kill(0);
}

/// Kills a logging child and looks for every value whose call had returned.
fn check_kill(interval_ms: u64) {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "recovery::child_that_logs_until_it_is_killed", "--nocapture"])
        .env(CHILD_FOLDER, folder)
        .env(CHILD_INTERVAL, interval_ms.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut logged = -1_i64;
    let mut killed = false;
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        if let Some(step) = line.unwrap().strip_prefix("logged ") {
            // A line torn by the kill is no promise; the parse fails on none of them, as a
            // shorter number only asks for less.
            logged = logged.max(step.parse().unwrap_or(logged));
        }
        if logged >= 3000 && !killed {
            // While it lives, nobody takes its run away from it.
            local(folder);
            assert_eq!(spools(folder).len(), 1);
            assert_eq!(rows(folder, "SELECT status FROM runs WHERE status != 'RUNNING'"), [""; 0]);
            child.kill().unwrap();
            killed = true;
        }
    }
    child.wait().unwrap();
    assert!(killed, "the child stopped by itself");

    let tracking = local(folder);
    let steps = rows(folder, "SELECT count(*), min(step), max(step) FROM metrics WHERE key = 'm'");
    let numbers: Vec<i64> = steps[0].split(" | ").map(|n| n.parse().unwrap()).collect();
    assert!(numbers[2] >= logged, "step {logged} was logged, {} is there", numbers[2]);
    assert_eq!(numbers[0], numbers[2] + 1, "no step is missing");
    assert_eq!(rows(folder, "SELECT status, end_time >= start_time FROM runs"), ["KILLED | 1"]);
    assert_eq!(rows(folder, "SELECT step FROM latest_metrics WHERE key = 'm'"), [numbers[2].to_string()]);
    assert!(spools(folder).is_empty());
    assert!(tracking.sync().unwrap().completed.is_empty(), "nothing is left to recover");
}

/// Does nothing in a normal test run; the kill tests start it in a process of its own.
#[test]
#[expect(clippy::exit, reason = "the death that is tested")]
fn child_that_logs_until_it_is_killed() {
    let Some(folder) = std::env::var_os(CHILD_FOLDER) else {
        return;
    };
    let interval = std::env::var(CHILD_INTERVAL).unwrap().parse().unwrap();
    let options =
        options(Destination::Local, Path::new(&folder)).with_delivery_interval(Duration::from_millis(interval));
    let run = Tracking::open(options).unwrap().start_run(&RunOptions::new("e")).unwrap();
    let mut out = std::io::stdout().lock();
    for step in 0.. {
        if let Err(error) = run.log_metric("m", step as f64, step) {
            writeln!(out, "failed: {error}").unwrap();
            // As if killed: no destructor runs.
            std::process::exit(0);
        }
        writeln!(out, "logged {step}").unwrap();
    }
}

/// Gives a logging child a limit on the size of files, which is what a full disk looks like, and
/// checks that the call that failed said so and that every call that did not is in the store.
#[test]
#[cfg(unix)]
fn a_full_disk_is_reported_by_the_call_and_costs_nothing_logged_before() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    local(folder); // its database is larger than what the child may write
    let child = Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 1024; exec \"$0\" \"$@\""])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "recovery::child_that_logs_until_it_is_killed", "--nocapture"])
        .env(CHILD_FOLDER, folder)
        .env(CHILD_INTERVAL, "3600000")
        .output()
        .unwrap();
    let output = String::from_utf8_lossy(&child.stdout);
    let failed = output.lines().find_map(|line| line.strip_prefix("failed: ")).unwrap_or_else(|| {
        panic!("no call failed: {}", String::from_utf8_lossy(&child.stderr));
    });
    assert!(failed.starts_with("cannot write ") && failed.contains("records: "), "{failed}");
    let logged = output.lines().filter_map(|line| line.strip_prefix("logged ")).next_back().unwrap();
    let report = local(folder).sync().unwrap();
    assert_eq!(report.left, []);
    assert_eq!(rows(folder, "SELECT max(step) FROM metrics WHERE key = 'm'"), [logged]);
    assert_eq!(rows(folder, "SELECT status FROM runs"), ["KILLED"]);
}

#[test]
fn a_spool_damaged_under_a_live_run_costs_only_what_was_hit() {
    let folder = tempfile::tempdir().unwrap();
    let slow = options(Destination::Local, folder.path()).with_delivery_interval(Duration::from_secs(3600));
    let run = Tracking::open(slow).unwrap().start_run(&RunOptions::new("e")).unwrap();
    for step in 0..10 {
        run.log_metric("m", 0.5, step).unwrap();
    }
    let records = spools(folder.path())[0].join("records");
    let mut file = fs::OpenOptions::new().write(true).open(&records).unwrap();
    file.seek(SeekFrom::End(-20)).unwrap();
    file.write_all(&[0xFF; 3]).unwrap();
    let before = Instant::now();
    assert!(run.finish(Status::Finished).unwrap().is_complete());
    assert!(before.elapsed() < Duration::from_secs(10), "{:?}", before.elapsed());
    assert_eq!(rows(folder.path(), "SELECT max(step) FROM metrics"), ["8"]);
    assert_eq!(rows(folder.path(), "SELECT status FROM runs"), ["FINISHED"]);
}

#[test]
fn a_run_that_is_let_go_of_is_closed_by_the_next_open() {
    let folder = tempfile::tempdir().unwrap();
    let tracking = local(folder.path());
    let run = tracking.start_run(&RunOptions::new("e")).unwrap();
    run.log_metric("m", 1.0, 0).unwrap();
    run.detach().unwrap();
    assert!(matches!(run.log_metric("m", 1.0, 1), Err(Error::Finished { .. })));
    drop(run);
    assert_eq!(rows(folder.path(), "SELECT status FROM runs"), ["RUNNING"]);
    local(folder.path());
    assert_eq!(rows(folder.path(), "SELECT status FROM runs"), ["KILLED"]);
    assert_eq!(rows(folder.path(), "SELECT count(*) FROM metrics"), ["1"]);
}

#[test]
fn a_run_dropped_without_its_end_ends_as_killed_and_in_a_panic_as_failed() {
    let folder = tempfile::tempdir().unwrap();
    let tracking = local(folder.path());
    let start = || tracking.start_run(&RunOptions::new("e")).unwrap();
    drop(start());
    assert_eq!(rows(folder.path(), "SELECT status, end_time > start_time FROM runs"), ["KILLED | 1"]);
    let run = start();
    let panic = std::thread::spawn(move || {
        run.log_metric("m", 1.0, 0).unwrap();
        panic!("on purpose");
    });
    panic.join().unwrap_err();
    let statuses = "SELECT status FROM runs ORDER BY start_time";
    assert_eq!(rows(folder.path(), statuses), ["KILLED", "FAILED"]);
    assert_eq!(rows(folder.path(), "SELECT count(*) FROM metrics"), ["1"]);
}

#[test]
fn a_run_of_a_living_owner_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let run = local(folder.path()).start_run(&RunOptions::new("e")).unwrap();
    run.log_metric("m", 1.0, 0).unwrap();
    local(folder.path());
    run.log_metric("m", 1.0, 1).unwrap();
    assert!(run.finish(Status::Finished).unwrap().is_complete());
    local(folder.path());
    assert_eq!(rows(folder.path(), "SELECT status FROM runs"), ["FINISHED"]);
    assert_eq!(rows(folder.path(), "SELECT count(*) FROM metrics"), ["2"]);
}

#[test]
fn delivering_everything_again_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let tracking = local(folder.path());
    let run = tracking.start_run(&RunOptions::new("e").with_tag("t", "v")).unwrap();
    for step in 0..50 {
        run.log_metrics(&[("m", f64::NAN), ("n", step as f64)], step).unwrap();
    }
    run.log_param("p", "1").unwrap();
    run.set_tag("t", "w").unwrap();
    run.flush().unwrap();
    run.detach().unwrap();
    let everything = || {
        ["metrics", "latest_metrics", "params", "tags"]
            .map(|table| rows(folder.path(), &format!("SELECT * FROM {table} ORDER BY 1, 2, 3")))
    };
    let before = everything();
    assert_eq!(before[0].len(), 100);
    // Without its ledger the spool is delivered from the start.
    fs::remove_file(spools(folder.path())[0].join("ledger.json")).unwrap();
    let report = local(folder.path()).sync().unwrap();
    assert!(report.left.is_empty());
    assert_eq!(everything(), before);
    assert!(spools(folder.path()).is_empty());
}

#[test]
fn a_torn_tail_and_damage_cost_only_what_they_hit() {
    let folder = tempfile::tempdir().unwrap();
    let never = options(Destination::Local, folder.path()).with_delivery_interval(Duration::from_secs(3600));
    let run = Tracking::open(never).unwrap().start_run(&RunOptions::new("e")).unwrap();
    for step in 0..10 {
        run.log_metric("m", 0.5, step).unwrap();
    }
    let spool = spools(folder.path()).remove(0);
    // As if the process had died in the middle of a write: copy the spool as it stands and give
    // the copy, damaged, the place of the original.
    let mut records = fs::read(spool.join("records")).unwrap();
    run.finish(Status::Finished).unwrap();
    rusqlite::Connection::open(folder.path().join("mlflow.db"))
        .unwrap()
        .execute_batch("DELETE FROM metrics; DELETE FROM latest_metrics; UPDATE runs SET status = 'RUNNING';")
        .unwrap();
    let frame = 12 + 1 + 8 + 8 + 4 + (4 + 1 + 8);
    let len = records.len();
    records[len - 3 * frame + 20] ^= 1; // step 7
    records.truncate(len - 5); // step 9
    fs::create_dir_all(&spool).unwrap();
    fs::write(spool.join("records"), records).unwrap();
    fs::write(spool.join("lock"), "").unwrap();

    local(folder.path());
    assert_eq!(rows(folder.path(), "SELECT step FROM metrics ORDER BY step"), ["0", "1", "2", "3", "4", "5", "6", "8"]);
    assert_eq!(rows(folder.path(), "SELECT status FROM runs"), ["KILLED"]);
    assert!(spools(folder.path()).is_empty());
}

#[test]
fn a_spool_that_cannot_be_read_stays_and_keeps_nobody_from_working() {
    let folder = tempfile::tempdir().unwrap();
    local(folder.path());
    let bad = folder.path().join("spool").join("0".repeat(32));
    fs::create_dir_all(&bad).unwrap();
    fs::write(bad.join("lock"), "").unwrap();
    fs::write(bad.join("records"), "garbage").unwrap();
    let tracking = local(folder.path());
    let report = tracking.sync().unwrap();
    assert_eq!(report.left.len(), 1);
    assert!(report.left[0].1.contains("is not a spool"), "{report:?}");
    let run = tracking.start_run(&RunOptions::new("e")).unwrap();
    assert!(run.finish(Status::Finished).unwrap().is_complete());
    assert!(bad.join("records").exists());
}
