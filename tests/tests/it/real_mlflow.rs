//! Against a stock MLflow server, where there is one.

use std::collections::BTreeMap;
use std::fs;

use dodge_tests::{MlflowServer, Scratch};
use serde_json::Value;

use crate::training::assert_same;

const ARGUMENTS: &[&str] = &["--steps=600", "--seed=4", "--experiment=photos", "--run-name=real", "--json"];

/// What is said about a run that has not arrived in full.
const UNDELIVERED: &str = "not everything of the run was delivered";

/// The one run of the experiment, as the server shows it.
fn only_run(server: &MlflowServer) -> Value {
    let mut runs = server.runs("photos");
    assert_eq!(runs.len(), 1, "{runs:?}");
    let run = runs.remove(0);
    assert_eq!((&run["info"]["run_name"], &run["info"]["status"]), (&"real".into(), &"FINISHED".into()));
    run
}

/// Keys and values of the params, metrics or tags of a run.
fn data(run: &Value, kind: &str) -> BTreeMap<String, Value> {
    let entries = run["data"][kind].as_array().unwrap();
    entries.iter().map(|entry| (entry["key"].as_str().unwrap().to_owned(), entry["value"].clone())).collect()
}

/// What does not depend on how fast the machine is.
fn repeatable(run: &Value) -> BTreeMap<String, Value> {
    data(run, "metrics").into_iter().filter(|(key, _)| !key.starts_with("perf/")).collect()
}

fn keys<V>(map: &BTreeMap<String, V>) -> Vec<&String> {
    map.keys().collect()
}

#[test]
fn a_stock_server_opens_the_local_store_and_gets_the_same_run_over_rest() {
    let Some(executable) = MlflowServer::executable("a stock MLflow server lists runs") else { return };
    // The local store first.
    let scratch = Scratch::new();
    let report = scratch.train(ARGUMENTS).succeeded().json();
    let server = MlflowServer::start(&executable, &scratch.store());
    let local = only_run(&server);
    let id = report["run_id"].as_str().unwrap();
    assert_eq!(local["info"]["run_id"], id);
    let params = data(&local, "params");
    assert_eq!((&params["training/seed"], &params["training/steps"]), (&"4".into(), &"600".into()));
    let metrics = data(&local, "metrics");
    for (key, value) in report["test"].as_object().unwrap().iter().filter(|(_, value)| value.is_number()) {
        assert_same(metrics[&format!("test/{key}")].as_f64().unwrap(), value);
    }
    let history = server.history(id, "train/policy_loss");
    assert_eq!(history.iter().map(|(step, _)| *step).collect::<Vec<_>>(), [256, 512, 768]);
    let mosaic = fs::read(scratch.path(report["mosaic"].as_str().unwrap())).unwrap();
    assert!(server.artifact(id, "evaluation_images/mosaic.png") == mosaic);
    let artifacts = server.artifacts(id);
    drop(server);

    // Then the same training, recorded over REST on a server that knows nothing yet.
    let scratch = Scratch::new();
    fs::create_dir(scratch.path("server")).unwrap();
    let server = MlflowServer::start(&executable, &scratch.path("server"));
    let uri = server.uri();
    let finished = scratch.train(&[ARGUMENTS, &["--tracking-uri", &uri]].concat()).succeeded();
    assert!(!finished.stderr.contains(UNDELIVERED), "{finished}");
    let remote_report = finished.json();
    let remote = only_run(&server);
    let remote_id = remote_report["run_id"].as_str().unwrap();
    assert_eq!(remote["info"]["run_id"], remote_id);
    assert_eq!(data(&remote, "params"), params);
    assert_eq!(repeatable(&remote), repeatable(&local));
    assert_eq!(keys(&data(&remote, "metrics")), keys(&metrics));
    let mut tags = data(&remote, "tags");
    // By this a run is found again whose creation was not answered.
    assert!(tags.remove("dodge.client_run_id").is_some());
    assert_eq!(keys(&tags), keys(&data(&local, "tags")));
    assert_eq!(server.history(remote_id, "train/policy_loss"), history);
    assert_eq!(server.artifacts(remote_id), artifacts);
    assert!(server.artifact(remote_id, "evaluation_images/mosaic.png") == mosaic, "equal seeds paint equal mosaics");
    assert!(!scratch.path("volume/tracking/mlflow.db").exists());
    assert!(scratch.files("volume/tracking/spool").is_empty(), "all of it has arrived");
}

#[test]
fn what_waited_for_a_server_arrives_with_the_next_run() {
    let Some(executable) = MlflowServer::executable("records that wait for a real MLflow server") else { return };
    let scratch = Scratch::new();
    let port = MlflowServer::free_port();
    let uri = format!("--tracking-uri=http://127.0.0.1:{port}");
    let early = scratch.train(&["--steps=300", "--experiment=photos", "--run-name=early", &uri, "--json"]).succeeded();
    assert!(early.stderr.contains(UNDELIVERED), "{early}");

    fs::create_dir(scratch.path("server")).unwrap();
    let server = MlflowServer::start_on(port, &executable, &scratch.path("server"));
    let late = scratch.train(&["--steps=300", "--experiment=photos", "--run-name=late", &uri, "--json"]).succeeded();
    assert!(!late.stderr.contains(UNDELIVERED), "{late}");
    let mut runs = server.runs("photos");
    runs.sort_by_key(|run| run["info"]["start_time"].as_i64());
    let names: Vec<&Value> = runs.iter().map(|run| &run["info"]["run_name"]).collect();
    assert_eq!(names, ["early", "late"]);
    for run in &runs {
        assert_eq!(run["info"]["status"], "FINISHED");
    }
    // The same data and seed.
    assert_eq!(repeatable(&runs[0]), repeatable(&runs[1]));
    assert_eq!(data(&runs[0], "params"), data(&runs[1], "params"));
    let id = |run: &Value| run["info"]["run_id"].as_str().unwrap().to_owned();
    assert_eq!(server.artifacts(&id(&runs[0])), server.artifacts(&id(&runs[1])));
    assert!(scratch.files("volume/tracking/spool").is_empty());
}
