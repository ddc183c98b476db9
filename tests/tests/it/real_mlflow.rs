//! Against a stock MLflow server, where there is one.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::Command;

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

/// The artifacts but the files of the logged model, which a server keeps in a place of its own; of the pictures in the image grid what their
/// names say without time and number.
fn artifacts(server: &MlflowServer, run_id: &str) -> Vec<String> {
    let mut artifacts = server.artifacts(run_id);
    artifacts.retain(|path| !path.starts_with("models/retoucher-"));
    for path in artifacts.iter_mut().filter(|path| path.starts_with("images/")) {
        path.truncate(path.find("+timestamp+").unwrap_or(path.len()));
    }
    artifacts.sort();
    artifacts
}

/// What the page of a run shows as its datasets: context, name, digest and number of photos of each.
fn datasets(run: &Value) -> Vec<[String; 4]> {
    let inputs = run["inputs"]["dataset_inputs"].as_array().unwrap().iter();
    let mut datasets: Vec<[String; 4]> = inputs
        .map(|input| {
            let dataset = &input["dataset"];
            let profile: Value = serde_json::from_str(dataset["profile"].as_str().unwrap()).unwrap();
            let context = input["tags"].as_array().unwrap().iter().find(|tag| tag["key"] == "mlflow.data.context");
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            [
                text(&context.unwrap()["value"]),
                text(&dataset["name"]),
                text(&dataset["digest"]),
                profile["num_rows"].to_string(),
            ]
        })
        .collect();
    datasets.sort();
    datasets
}

/// What MLflow's own Python client reads of the registered model: which run made it, and its signature.
fn model_info(executable: &OsStr, uri: &str) -> Value {
    let script = "import json, mlflow; info = mlflow.models.get_model_info('models:/photos@newest'); \
                  print(json.dumps({'run': info.run_id, 'flavors': list(info.flavors), \
                  'signature': info.signature.to_dict()}))";
    let python = Path::new(executable).with_file_name("python");
    let output = Command::new(python).args(["-c", script]).env("MLFLOW_TRACKING_URI", uri).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
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
    let local_artifacts = artifacts(&server, id);
    let local_datasets = datasets(&local);
    let used: Vec<(&str, &str)> =
        local_datasets.iter().map(|[context, _, _, photos]| (&**context, &**photos)).collect();
    assert_eq!(used, [("test", "6"), ("training", "14"), ("validation", "4")]);
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
    assert_eq!(artifacts(&server, remote_id), local_artifacts);
    assert_eq!(datasets(&remote), local_datasets);
    let models = server.logged_models(remote["info"]["experiment_id"].as_str().unwrap());
    let [model] = &models[..] else { panic!("{models:?}") };
    let info = &model["info"];
    assert_eq!((&info["name"], &info["status"]), (&"retoucher".into(), &"LOGGED_MODEL_READY".into()));
    assert_eq!(info["source_run_id"], remote_id);
    let registered = server.ask("registered-models/alias?name=photos&alias=newest");
    let version = &registered["model_version"];
    assert_eq!((&version["version"], &version["run_id"]), (&"1".into(), &remote_id.into()));
    let read = model_info(&executable, &uri);
    assert_eq!((&read["run"], &read["flavors"]), (&remote_id.into(), &serde_json::json!(["dodge"])));
    let signature = read["signature"].to_string();
    assert!(signature.contains("tensor-spec") && signature.contains("expected_gain_db"), "{signature}");
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
    assert_eq!(artifacts(&server, &id(&runs[0])), artifacts(&server, &id(&runs[1])));
    assert_eq!(datasets(&runs[0]), datasets(&runs[1]));
    // The one that was registered later is the newest.
    let registered = server.ask("registered-models/alias?name=photos&alias=newest");
    assert_eq!(registered["model_version"]["version"], "2");
    assert!(scratch.files("volume/tracking/spool").is_empty());
}
