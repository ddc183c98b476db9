//! Against a real MLflow server. Runs where the environment variable `DODGE_TEST_MLFLOW` names an
//! `mlflow` executable (`pip install mlflow`).

use std::{path::Path, time::Duration};

use dodge_tracking::{Destination, Run, RunOptions, Status, SystemClock, Tracking, TrackingOptions};
use serde_json::{Value, json};

use crate::support::rows;

mod entities;
mod oddities;
mod outages;
mod server;

use server::{Server, mlflow};

fn open(destination: &str, folder: &Path) -> Tracking {
    let clock = std::sync::Arc::new(SystemClock);
    let destination: Destination = destination.parse().unwrap();
    let options = TrackingOptions::new(destination, folder, clock);
    Tracking::open(options.with_finish_timeout(Duration::from_secs(120))).unwrap()
}

fn start(tracking: &Tracking) -> Run {
    let options = RunOptions::new("photos").with_run_name("real").with_user("ann");
    tracking.start_run(&options.with_source_name("dodge")).unwrap()
}

fn log_everything(run: &Run) {
    run.log_params(&[("algo", "ppo"), ("long", &"x".repeat(7000))]).unwrap();
    for step in 0..3000 {
        run.log_metrics(&[("loss", 1.0 / (1.0 + step as f64)), ("x/y", -1.0)], step).unwrap();
    }
    run.log_metric("nan", f64::NAN, 0).unwrap();
    run.log_metric("inf", f64::INFINITY, 0).unwrap();
    run.time_stage("train").finish().unwrap();
    run.set_tag("a.b", "Grüße").unwrap();
    run.log_artifact_bytes(b"PNG", "mosaics/final step.png").unwrap();
    run.log_artifact_bytes(b"", "empty.txt").unwrap();
    run.log_image("best photos/mosaic", 7, b"PNG large", b"PNG small").unwrap();
}

/// Looks at the run through the server's own eyes.
fn check_run(server: &Server, run_id: &str) {
    let found = server.get_json("api/2.0/mlflow/experiments/get-by-name?experiment_name=photos");
    let experiment_id = &found["experiment"]["experiment_id"];
    let body = json!({"experiment_ids": [experiment_id], "filter": "params.algo = 'ppo' and metrics.loss < 1"});
    let reply = server.post("runs/search", &body);
    let runs = reply["runs"].as_array().unwrap();
    let run = runs.iter().find(|run| run["info"]["run_id"] == run_id).expect("the run is listed");
    assert_eq!(run["info"]["run_name"], "real");
    assert_eq!(run["info"]["status"], "FINISHED");
    let value = |kind: &str, key: &str| {
        let entries = run["data"][kind].as_array().unwrap();
        entries.iter().find(|entry| entry["key"] == key).unwrap_or(&Value::Null)["value"].clone()
    };
    assert_eq!(value("params", "long").as_str().unwrap().len(), 6000);
    assert_eq!(value("params", "long.part2").as_str().unwrap().len(), 1000);
    assert_eq!(value("metrics", "loss"), json!(1.0 / 3000.0));
    assert_eq!(value("metrics", "nan"), "NaN");
    assert_eq!(value("metrics", "inf").as_f64(), Some(f64::MAX));
    assert!(value("metrics", "perf/train_duration_seconds").is_number());
    assert_eq!(value("tags", "a.b"), "Grüße");
    assert_eq!(value("tags", "mlflow.user"), "ann");
    assert_eq!(value("tags", "mlflow.source.name"), "dodge");
    let history = server
        .get_json(&format!("api/2.0/mlflow/metrics/get-history?run_id={run_id}&metric_key=x/y&max_results=10000"));
    assert_eq!(history["metrics"].as_array().unwrap().len(), 3000);

    let root = server.get_json(&format!("api/2.0/mlflow/artifacts/list?run_id={run_id}"));
    let names: Vec<&str> = root["files"].as_array().unwrap().iter().map(|f| f["path"].as_str().unwrap()).collect();
    assert_eq!(names, ["empty.txt", "images", "mosaics"]);
    let content = server.get(&format!("get-artifact?run_id={run_id}&path=mosaics/final%20step.png"));
    assert_eq!(content, "PNG");
    let images = server.get_json(&format!("api/2.0/mlflow/artifacts/list?run_id={run_id}&path=images"));
    assert_eq!(images["files"].as_array().unwrap().len(), 2);
    let preview = images["files"][0]["path"].as_str().unwrap();
    assert!(preview.contains("+compressed"), "{preview}");
    let escaped = preview.replace('+', "%2B").replace(' ', "%20");
    assert_eq!(server.get(&format!("get-artifact?run_id={run_id}&path={escaped}")), "PNG small");
}

#[test]
fn a_server_started_in_the_local_store_shows_the_run_and_leaves_it_writable() {
    let Some(executable) = mlflow("a server in the local store") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let tracking = open("local", folder.path());
    let before = start(&tracking);
    log_everything(&before);
    assert!(before.finish(Status::Finished).unwrap().is_complete());
    let across = start(&tracking); // its beginning before, its end after the server's upgrade

    let server = Server::start(&executable, folder.path());
    check_run(&server, before.run_id());
    assert_ne!(rows(folder.path(), "SELECT version_num FROM alembic_version"), ["0584bdc529eb"]);
    log_everything(&across);
    assert!(across.finish(Status::Finished).unwrap().is_complete());
    check_run(&server, across.run_id());
    let after = start(&open("local", folder.path()));
    log_everything(&after);
    assert!(after.finish(Status::Finished).unwrap().is_complete());
    check_run(&server, after.run_id());

    // A new experiment as well, and one that the server makes.
    let tracking = open("local", folder.path());
    let new = tracking.start_run(&RunOptions::new("made here")).unwrap();
    assert!(new.finish(Status::Finished).unwrap().is_complete());
    server.get("api/2.0/mlflow/experiments/get-by-name?experiment_name=made%20here");
    server.post("experiments/create", &json!({"name": "made there"}));
    let there = tracking.start_run(&RunOptions::new("made there")).unwrap();
    assert!(there.finish(Status::Finished).unwrap().is_complete());
    server.get(&format!("api/2.0/mlflow/runs/get?run_id={}", there.run_id()));
}

#[test]
fn a_run_over_rest_is_recorded_the_same() {
    let Some(executable) = mlflow("a run over REST") else {
        return;
    };
    let home = tempfile::tempdir().unwrap();
    let here = tempfile::tempdir().unwrap();
    let server = Server::start(&executable, home.path());
    let tracking = open(&server.uri, here.path());
    let run = start(&tracking);
    log_everything(&run);
    let summary = run.finish(Status::Finished).unwrap();
    assert!(summary.is_complete(), "{summary:?}");
    assert_eq!(summary.run_id, run.run_id(), "the server's id from the start");
    check_run(&server, run.run_id());

    // A process that dies: the rest is delivered later, to the same run, without doubles.
    let killed = start(&tracking);
    for step in 0..1500 {
        killed.log_metric("m", 0.5, step).unwrap();
    }
    let id = killed.run_id().to_owned();
    killed.detach().unwrap();
    tracking.sync().unwrap();
    let run = server.get_json(&format!("api/2.0/mlflow/runs/get?run_id={id}"));
    assert_eq!(run["run"]["info"]["status"], "KILLED");
    let history =
        server.get_json(&format!("api/2.0/mlflow/metrics/get-history?run_id={id}&metric_key=m&max_results=10000"));
    assert_eq!(history["metrics"].as_array().unwrap().len(), 1500);
    assert_eq!(std::fs::read_dir(here.path().join("spool")).unwrap().count(), 0);
}
