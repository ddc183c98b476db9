//! Runs that go on after their end, and what is kept of those delivered.

use std::fs;

use dodge_tracking::{Destination, Error, RunOptions, Status, Tracking};
use serde_json::json;

use crate::{
    stub::{Reply, Stub},
    support::{local, options, rows, spools},
};

#[test]
fn a_finished_run_goes_on_as_the_same_run() {
    let folder = tempfile::tempdir().unwrap();
    let tracking = local(folder.path());
    let run = tracking.start_run(&RunOptions::new("e").with_run_name("n")).unwrap();
    let id = run.run_id().to_owned();
    run.log_param("p", "1").unwrap();
    run.log_metric("m", 0.5, 0).unwrap();
    run.finish(Status::Finished).unwrap();

    let again = local(folder.path()).resume_run(&id).unwrap();
    assert_eq!((again.run_id(), again.run_name(), again.experiment_id()), (id.as_str(), "n", Some("1")));
    again.flush().unwrap();
    assert_eq!(rows(folder.path(), "SELECT status, end_time FROM runs"), ["RUNNING | -"]);
    assert!(matches!(again.log_param("p", "2"), Err(Error::ParamChanged { .. })));
    again.log_param("p", "1").unwrap();
    again.log_metric("m", 0.25, 1).unwrap();
    again.log_artifact_bytes(b"x", "x.txt").unwrap();
    let summary = again.finish(Status::Failed).unwrap();
    assert!(summary.is_complete(), "{summary:?}");
    assert_eq!(rows(folder.path(), "SELECT status FROM runs"), ["FAILED"]);
    assert_eq!(rows(folder.path(), "SELECT step FROM metrics ORDER BY step"), ["0", "1"]);
    let verification = tracking.verify(&id).unwrap();
    assert!(verification.is_equal() && !verification.partial, "{verification:?}");
    assert_eq!((verification.metrics.logged, verification.artifacts.found), (2, 1));
}

#[test]
fn a_run_whose_records_were_cleared_away_goes_on_from_the_store() {
    let folder = tempfile::tempdir().unwrap();
    let keeping_nothing = || Tracking::open(options(Destination::Local, folder.path()).with_keep_delivered(0)).unwrap();
    let run = keeping_nothing().start_run(&RunOptions::new("e")).unwrap();
    run.log_param("p", "1").unwrap();
    run.log_metric("m", 0.5, 0).unwrap();
    let id = run.run_id().to_owned();
    run.finish(Status::Finished).unwrap();
    assert!(!folder.path().join("delivered").exists());
    let verification = keeping_nothing().verify(&id);
    assert!(matches!(verification, Err(Error::Missing { .. })), "{verification:?}");

    let again = local(folder.path()).resume_run(&id).unwrap();
    assert!(matches!(again.log_param("p", "2"), Err(Error::ParamChanged { .. })));
    again.log_metric("m", 0.5, 1).unwrap();
    again.finish(Status::Finished).unwrap();
    assert_eq!(rows(folder.path(), "SELECT count(*) FROM metrics"), ["2"]);
    assert_eq!(rows(folder.path(), "SELECT status FROM runs"), ["FINISHED"]);
    let verification = local(folder.path()).verify(&id).unwrap();
    assert!(verification.is_equal() && verification.partial, "{verification:?}");
}

#[test]
fn a_run_that_is_being_recorded_or_unknown_is_not_resumed() {
    let folder = tempfile::tempdir().unwrap();
    let tracking = local(folder.path());
    let run = tracking.start_run(&RunOptions::new("e")).unwrap();
    assert!(matches!(tracking.resume_run(run.run_id()), Err(Error::InUse { .. })));
    run.finish(Status::Finished).unwrap();
    for unknown in ["", "../x", &"0".repeat(32)] {
        let error = tracking.resume_run(unknown).unwrap_err();
        assert!(matches!(error, Error::Missing { what: "run", .. }), "{error}");
    }
    assert!(Tracking::in_memory().resume_run("x").is_err());
}

#[test]
fn what_is_kept_of_delivered_runs_is_bounded() {
    let folder = tempfile::tempdir().unwrap();
    let tracking = Tracking::open(options(Destination::Local, folder.path()).with_keep_delivered(20_000)).unwrap();
    let mut ids = Vec::new();
    for _ in 0..6 {
        let run = tracking.start_run(&RunOptions::new("e")).unwrap();
        for step in 0..100 {
            run.log_metric("a/metric/with/a/long/name", 1.0, step).unwrap();
        }
        run.finish(Status::Finished).unwrap();
        ids.push(run.run_id().to_owned());
    }
    let kept = tracking.spooled_runs().unwrap();
    let bytes: u64 = kept.iter().map(|run| run.bytes).sum();
    assert!((1..=20_000).contains(&bytes), "{bytes}");
    assert!(kept.iter().all(|run| run.delivered && run.pending_bytes == 0 && run.destination == "local"), "{kept:?}");
    assert!(kept.iter().any(|run| run.run_id == ids[5]) && !kept.iter().any(|run| run.run_id == ids[0]), "{kept:?}");
}

#[test]
fn verify_finds_what_was_changed_behind_our_back() {
    let folder = tempfile::tempdir().unwrap();
    let tracking = local(folder.path());
    let run = tracking.start_run(&RunOptions::new("e")).unwrap();
    for step in 0..10 {
        run.log_metrics(&[("m", f64::NAN), ("n", f64::INFINITY), ("o", -0.0)], step).unwrap();
        run.log_metric("m", 0.1 + step as f64, step).unwrap();
    }
    run.log_params(&[("p", "1"), ("q", "2")]).unwrap();
    run.log_artifact_bytes(b"content", "a/b.txt").unwrap();
    run.finish(Status::Finished).unwrap();
    let verify = || tracking.verify(run.run_id()).unwrap();
    assert!(verify().is_equal(), "{:?}", verify());
    assert_eq!(verify().metrics.logged, 40);
    let database = rusqlite::Connection::open(folder.path().join("mlflow.db")).unwrap();
    for (sql, expected) in [
        ("DELETE FROM metrics WHERE key = 'n' AND step = 3", "metric `n` at step 3"),
        ("UPDATE params SET value = 'x' WHERE key = 'q'", "param `q` has another value"),
        ("INSERT INTO params SELECT 'r', value, run_uuid FROM params LIMIT 1", "param `r` was never logged"),
        ("UPDATE runs SET status = 'FAILED'", "the status is FAILED instead of FINISHED"),
    ] {
        let before = verify().difference_count;
        database.execute(sql, []).unwrap();
        assert_eq!(verify().difference_count, before + 1, "{sql}");
        assert!(verify().differences.iter().any(|line| line.contains(expected)), "{:?}", verify().differences);
    }
    let artifact = run.artifact_folder().unwrap().join("a/b.txt");
    fs::write(&artifact, "CONTENT").unwrap();
    assert!(verify().differences.iter().any(|line| line.contains("other content")), "{:?}", verify().differences);
    fs::rename(&artifact, artifact.with_file_name("c.txt")).unwrap();
    let differences = verify().differences;
    for expected in ["artifact `a/b.txt` is missing", "artifact `a/c.txt` was never logged"] {
        assert!(differences.iter().any(|line| line == expected), "{differences:?}");
    }
}

#[test]
fn a_run_that_ended_without_its_server_goes_on_without_it() {
    let folder = tempfile::tempdir().unwrap();
    let stub = Stub::start();
    let address = stub.address.clone();
    let uri = stub.uri();
    let open = || {
        let mut remote = dodge_tracking::RemoteOptions::new(&uri).unwrap();
        remote.backoff_factor = 0.05;
        remote.start_timeout = std::time::Duration::from_secs(1);
        remote.max_retries = 1000;
        let options = options(Destination::Remote(remote), folder.path());
        Tracking::open(options.with_finish_timeout(std::time::Duration::from_millis(300))).unwrap()
    };
    let run = open().start_run(&RunOptions::new("e")).unwrap();
    let id = run.run_id().to_owned();
    run.log_metric("m", 0.5, 0).unwrap();
    run.flush().unwrap();
    drop(stub);
    run.log_metric("m", 0.5, 1).unwrap();
    let summary = run.finish(Status::Failed).unwrap();
    assert!(summary.pending > 0, "{summary:?}");

    // Another process, still without a server: its background sync, which retries, gives way.
    let again = open().resume_run(&id).unwrap();
    assert_eq!(again.run_id(), id, "the server's id is known here");
    again.log_metric("m", 0.5, 2).unwrap();
    let stub = Stub::on(&address);
    stub.answer_with(|request| {
        let known = request.call() == "runs/create";
        known.then(|| Reply::Json(400, json!({"error_code": "X", "message": "made twice"})))
    });
    let started = std::time::Instant::now();
    while again.flush().is_err() {
        assert!(started.elapsed() < std::time::Duration::from_secs(20));
    }
    assert!(again.finish(Status::Finished).unwrap().is_complete());
    let steps: Vec<i64> = stub
        .requests()
        .iter()
        .filter(|request| request.call() == "runs/log-batch")
        .flat_map(|request| request.json()["metrics"].as_array().unwrap().clone())
        .map(|metric| metric["step"].as_i64().unwrap())
        .collect();
    assert_eq!(steps, [1, 2]);
    let statuses: Vec<String> = stub
        .requests()
        .iter()
        .filter(|request| request.call() == "runs/update")
        .map(|request| request.json()["status"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(statuses, ["FAILED", "RUNNING", "FINISHED"]);
    assert!(spools(folder.path()).is_empty());
}

#[test]
fn a_run_is_exported_into_files() {
    let folder = tempfile::tempdir().unwrap();
    let tracking = local(&folder.path().join("store"));
    let run = tracking.start_run(&RunOptions::new("e").with_run_name("n")).unwrap();
    run.log_metrics_at(&[("a", 0.1), ("b", f64::NAN)], 3, 77).unwrap();
    run.log_param("p", "x, \"y\"").unwrap();
    run.log_artifact_bytes(b"content", "deep/er.txt").unwrap();
    run.finish(Status::Finished).unwrap();
    let target = folder.path().join("export");
    let exported = tracking.export_run(run.run_id(), &target).unwrap();
    assert_eq!((exported.metrics, exported.artifacts), (2, 1));
    let read = |name: &str| fs::read_to_string(target.join(name)).unwrap();
    assert_eq!(read("metrics.csv"), "key,step,timestamp,value\na,3,77,0.1\nb,3,77,NaN\n");
    assert_eq!(read("artifacts/deep/er.txt"), "content");
    let json: serde_json::Value = serde_json::from_str(&read("run.json")).unwrap();
    assert_eq!((&json["format_version"], &json["params"]["p"]), (&json!(1), &json!("x, \"y\"")));
    let again = tracking.export_run(run.run_id(), &target).unwrap_err().to_string();
    assert!(again.contains("is not empty"), "{again}");
}

#[test]
fn a_local_run_is_copied_to_a_server_once_however_often() {
    let folder = tempfile::tempdir().unwrap();
    let tracking = local(folder.path());
    let run = tracking.start_run(&RunOptions::new("e").with_run_name("n").with_tag("t", "v")).unwrap();
    run.log_metric("m", 0.5, 3).unwrap();
    run.log_artifact_bytes(b"content", "a/b.txt").unwrap();
    run.finish(Status::Failed).unwrap();
    let stub = Stub::start();
    // In the same folder.
    let server = Tracking::open(options(stub.uri().parse().unwrap(), folder.path())).unwrap();
    let mut ids = Vec::new();
    for _ in 0..2 {
        ids.push(tracking.copy_run(run.run_id(), &server).unwrap());
        assert_eq!(server.sync().unwrap().left, []);
    }
    assert_eq!(ids[0], ids[1]);
    let [created] = &stub.runs()[..] else { panic!("one run: {:?}", stub.runs()) };
    assert_eq!(created["tags"][0]["value"], ids[0].as_str());
    assert_eq!(created["run_name"], "n");
    let batch = stub.bodies("runs/log-batch").into_iter().find(|body| !body["metrics"].as_array().unwrap().is_empty());
    assert_eq!(batch.unwrap()["metrics"][0]["value"], 0.5);
    assert_eq!(stub.bodies("runs/update")[0]["status"], "FAILED");
    let artifacts = stub.artifacts();
    assert!(artifacts.iter().any(|(path, content)| path.ends_with("artifacts/a/b.txt") && content == b"content"));
    assert!(tracking.verify(run.run_id()).unwrap().is_equal(), "the original is what it was");
    assert!(server.copy_run(run.run_id(), &tracking).is_err());
}
