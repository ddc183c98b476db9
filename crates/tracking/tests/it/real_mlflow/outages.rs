//! Servers and clients that die, and replies that get lost.

use std::{
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use dodge_tracking::{Destination, Error, RunOptions, Status, SystemClock, Tracking, TrackingOptions};
use serde_json::json;

use super::{
    open,
    server::{Server, mlflow},
};
use crate::stub::{Reply, Stub};

/// How many metrics the great test logs.
const METRICS: i64 = 50_000;
/// Names the tracking folder, and the server, to the child process of the great test.
const CHILD_FOLDER: &str = "DODGE_TEST_TRACKING_CHILD";
const CHILD_SERVER: &str = "DODGE_TEST_TRACKING_SERVER";

/// The server is killed and started again while 50,000 metrics are logged, and so is the client.
#[test]
fn fifty_thousand_metrics_survive_the_death_of_the_server_and_of_the_client() {
    let Some(executable) = mlflow("50,000 metrics while server and client die") else {
        return;
    };
    let home = tempfile::tempdir().unwrap();
    let here = tempfile::tempdir().unwrap();
    let server = Server::start(&executable, home.path());
    let uri = server.uri.clone();
    let mut child = start_child(here.path(), &uri);
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let run_id = lines.find_map(|line| line.strip_prefix("run ").map(str::to_owned)).unwrap();
    let mut server = Some(server);
    let mut logged = -1;
    for line in lines {
        // A line torn by the kill is no promise.
        let Some(step) = line.strip_prefix("logged ").and_then(|step| step.strip_suffix('.')) else { continue };
        logged = step.parse().unwrap();
        if logged > METRICS / 4 && server.as_ref().is_some_and(|server| delivered(server, &run_id) > 2000) {
            server.take().unwrap().kill();
        }
        if logged > METRICS * 3 / 4 && server.is_none() {
            child.kill().unwrap();
        }
    }
    child.wait().unwrap();
    assert!(server.is_none() && logged < METRICS - 1, "both died in the middle: {logged}");

    // Another process goes on where the first stopped, before the server is back, and tears the tail of the spool, as a
    // power cut would.
    let spool = here.path().join("spool");
    let records = std::fs::read_dir(&spool).unwrap().next().unwrap().unwrap().path().join("records");
    let torn = std::fs::OpenOptions::new().append(true).open(&records);
    torn.unwrap().write_all(&[0xD0, 0xD6, 0xE5, 0x01, 40, 0, 0, 0, 1, 2, 3]).unwrap();
    let tracking = Tracking::open(slow_to_end(&uri, here.path())).unwrap();
    let run = tracking.resume_run(&run_id).unwrap();
    assert_eq!(run.run_id(), run_id);
    for step in logged + 1..METRICS {
        run.log_metric("m", step as f64 / 7.0, step).unwrap();
    }
    run.log_metric("nan", f64::NAN, 0).unwrap();
    run.log_artifact_bytes(&vec![7; 100_000], "model.bin").unwrap();
    let (port, home) = (uri.rsplit_once(':').unwrap().1.parse().unwrap(), home.path());
    let server = Server::start_on(port, &executable, home);
    // And once more, while what waits is delivered.
    let before = delivered(&server, &run_id);
    wait_for(|| delivered(&server, &run_id) > before + 2000);
    let (port, home) = server.kill();
    assert!(!tracking.verify(&run_id).is_ok_and(|verification| verification.is_equal()));
    let server = Server::start_on(port, &executable, &home);
    let summary = run.finish(Status::Finished).unwrap();
    assert!(summary.is_complete(), "{summary:?}");

    let verification = tracking.verify(&run_id).unwrap();
    assert!(verification.is_equal(), "{verification:?}");
    // One call may have been made by the client that died without its having said so.
    assert!((METRICS + 1..=METRICS + 2).contains(&(verification.metrics.logged as i64)), "{verification:?}");
    let history = tracking.metric_history(&run_id, "m").unwrap();
    let mut steps: Vec<i64> = history.iter().map(|metric| metric.step).collect();
    steps.dedup();
    assert!(steps.into_iter().eq(0..METRICS), "no step is missing");
    assert!(history.iter().all(|metric| metric.value == metric.step as f64 / 7.0));
    let found = server.post("runs/search", &json!({"experiment_ids": ["1"], "max_results": 10}));
    assert_eq!(found["runs"].as_array().unwrap().len(), 1, "one run, made once");
    assert_eq!(found["runs"][0]["info"]["status"], "FINISHED");
}

fn slow_to_end(uri: &str, folder: &Path) -> TrackingOptions {
    let destination: Destination = uri.parse().unwrap();
    let options = TrackingOptions::new(destination, folder, Arc::new(SystemClock));
    options.with_finish_timeout(Duration::from_secs(240)).with_delivery_interval(Duration::from_millis(50))
}

/// How many values of `m` the server has, at least.
fn delivered(server: &Server, run_id: &str) -> i64 {
    let run = server.get_json(&format!("api/2.0/mlflow/runs/get?run_id={run_id}"));
    let metrics = run["run"]["data"]["metrics"].as_array().cloned().unwrap_or_default();
    metrics.iter().find(|metric| metric["key"] == "m").map_or(0, |metric| metric["step"].as_i64().unwrap_or(0))
}

fn wait_for(happened: impl Fn() -> bool) {
    let begun = Instant::now();
    while !happened() {
        assert!(begun.elapsed() < Duration::from_secs(120), "it does not happen");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn start_child(folder: &Path, uri: &str) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "real_mlflow::outages::child_that_logs_to_a_server_until_it_is_killed", "--nocapture"])
        .env(CHILD_FOLDER, folder)
        .env(CHILD_SERVER, uri)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Does nothing in a normal test run; the great test starts it in a process of its own.
#[test]
fn child_that_logs_to_a_server_until_it_is_killed() {
    let (Some(folder), Ok(uri)) = (std::env::var_os(CHILD_FOLDER), std::env::var(CHILD_SERVER)) else {
        return;
    };
    let tracking = Tracking::open(slow_to_end(&uri, Path::new(&folder))).unwrap();
    let run = tracking.start_run(&RunOptions::new("great")).unwrap();
    let mut out = std::io::stdout().lock();
    writeln!(out, "run {}", run.run_id()).unwrap();
    for step in 0..METRICS {
        run.log_metric("m", step as f64 / 7.0, step).unwrap();
        writeln!(out, "logged {step}.").unwrap();
        if step % 10 == 0 {
            std::thread::sleep(Duration::from_millis(1));
        }
        if step == METRICS - 100 {
            // Here at the latest it is killed.
            std::thread::sleep(Duration::from_secs(60));
        }
    }
}

/// A proxy before a real server answers in its place, or says nothing after the server has done what was asked.
#[test]
fn bad_answers_and_lost_ones_cost_nothing() {
    let Some(executable) = mlflow("bad answers before a real server") else {
        return;
    };
    let home = tempfile::tempdir().unwrap();
    let here = tempfile::tempdir().unwrap();
    let server = Arc::new(Server::start(&executable, home.path()));
    let proxy = Stub::start();
    let count = Arc::new(AtomicU32::new(0));
    let (real, counted) = (Arc::clone(&server), Arc::clone(&count));
    proxy.answer_with(move |request| {
        let html = |status| Some(Reply::Raw(status, "", b"<html><body><h1>Sorry</h1></body></html>".to_vec()));
        let json = |status, code: &str| Some(Reply::Json(status, json!({"error_code": code, "message": "sorry"})));
        if request.call() == "runs/create" && counted.load(Ordering::SeqCst) == 0 {
            counted.store(1, Ordering::SeqCst);
            real.forward(request);
            return Some(Reply::HangUp); // the run is made, and nobody is told
        }
        if request.call() == "runs/log-batch" {
            // Every second one goes wrong in another way.
            return match counted.fetch_add(1, Ordering::SeqCst) {
                1 => json(503, "TEMPORARILY_UNAVAILABLE"),
                3 => Some(Reply::Raw(429, "Retry-After: 1\r\n", b"slow down".to_vec())),
                5 => html(500),
                7 => html(502),
                9 => json(500, "INTERNAL_ERROR"),
                11 => Some(Reply::Raw(401, "WWW-Authenticate: Basic realm=\"mlflow\"\r\n", b"who are you?".to_vec())),
                13 => Some(Reply::Raw(200, "", b"<html>the hotel's login page</html>".to_vec())),
                15 | 17 => {
                    real.forward(request);
                    Some(Reply::HangUp)
                }
                _ => Some(real.forward(request)),
            };
        }
        Some(real.forward(request))
    });
    let mut remote = dodge_tracking::RemoteOptions::new(&proxy.uri()).unwrap();
    remote.backoff_factor = 0.2;
    let options = TrackingOptions::new(Destination::Remote(remote), here.path(), Arc::new(SystemClock));
    let options =
        options.with_finish_timeout(Duration::from_secs(60)).with_delivery_interval(Duration::from_millis(20));
    let tracking = Tracking::open(options).unwrap();
    let run = tracking.start_run(&RunOptions::new("proxied")).unwrap();
    for step in 0..12_000 {
        run.log_metrics(&[("m", step as f64), ("nan", f64::NAN)], step).unwrap();
        if step % 500 == 0 {
            run.flush().ok();
        }
    }
    run.log_param("p", "1").unwrap();
    let finished = run.finish(Status::Finished).unwrap();
    assert!(finished.is_complete(), "{finished:?}");
    assert!(count.load(Ordering::SeqCst) > 18, "every bad answer was given");
    let verification = tracking.verify(run.run_id()).unwrap();
    assert!(verification.is_equal(), "{verification:?}");
    assert_eq!(verification.metrics.logged, 24_000);
    let found = server.post("runs/search", &json!({"experiment_ids": ["1"], "max_results": 10}));
    assert_eq!(found["runs"].as_array().unwrap().len(), 1, "the run was made once");
}

#[test]
fn what_was_deleted_is_told_and_delivered_when_it_is_restored() {
    let Some(executable) = mlflow("deleted experiments and runs") else {
        return;
    };
    let home = tempfile::tempdir().unwrap();
    let here = tempfile::tempdir().unwrap();
    let server = Server::start(&executable, home.path());
    let tracking = open(&server.uri, here.path());
    let run = tracking.start_run(&RunOptions::new("e")).unwrap();
    run.log_metric("m", 1.0, 0).unwrap();
    run.flush().unwrap();
    server.post("runs/delete", &json!({"run_id": run.run_id()}));
    run.log_metric("m", 1.0, 1).unwrap();
    let summary = run.finish(Status::Finished).unwrap();
    assert!(summary.pending > 0 && summary.last_error.as_ref().unwrap().contains("deleted"), "{summary:?}");
    assert_eq!(tracking.sync().unwrap().left.len(), 1);
    server.post("runs/restore", &json!({"run_id": run.run_id()}));
    assert_eq!(tracking.sync().unwrap().left, []);
    assert!(tracking.verify(run.run_id()).unwrap().is_equal());

    let found = server.get_json("api/2.0/mlflow/experiments/get-by-name?experiment_name=e");
    let id = &found["experiment"]["experiment_id"];
    server.post("experiments/delete", &json!({"experiment_id": id}));
    let error = tracking.start_run(&RunOptions::new("e")).unwrap_err();
    assert!(matches!(&error, Error::Server { reason, .. } if reason.contains("restore it")), "{error}");
    server.post("experiments/restore", &json!({"experiment_id": id}));
    let run = tracking.start_run(&RunOptions::new("e")).unwrap();
    assert!(run.finish(Status::Finished).unwrap().is_complete());
}
