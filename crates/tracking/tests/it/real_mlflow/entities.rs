//! Nested runs, datasets, models, versions and tables, in the local store and over REST, through the server's eyes.

use std::path::Path;

use dodge_tracking::{DatasetInput, ModelOptions, Run, RunOptions, Status, Tracking};
use serde_json::{Value, json};

use super::{
    open,
    server::{Server, mlflow},
};

fn log_entities(tracking: &Tracking, folder: &Path) -> (Run, Run) {
    let parent = tracking.start_run(&RunOptions::new("family").with_run_name("parent")).unwrap();
    let child = tracking.start_run(&RunOptions::new("family").with_run_name("child").with_parent(&parent)).unwrap();
    let dataset = DatasetInput::new("photos", "0123abcd", "local", r#"{"uri": "photos/"}"#);
    parent.log_dataset(&dataset.clone().with_context("training").with_profile(r#"{"count": 12}"#)).unwrap();
    child.log_dataset(&dataset).unwrap();
    let columns = ["photo", "score"];
    parent.log_table("tables/scores.json", &columns, &[vec![json!("a.jpg"), json!(7.5)]]).unwrap();
    parent.log_table("tables/more.json", &columns, &[]).unwrap();
    parent.set_note("# A note").unwrap();
    let files = folder.join("model");
    std::fs::create_dir_all(files.join("weights")).unwrap();
    std::fs::write(files.join("MLmodel"), "flavors: {}\n").unwrap();
    std::fs::write(files.join("weights/agent.bin"), [1, 2, 3]).unwrap();
    let options = ModelOptions::new("agent").with_type("ppo").with_step(7).with_param("layers", "2").with_tag("a", "b");
    for aliases in [&["champion", "first"][..], &["champion"][..]] {
        let model = parent.log_model(&options, &files).unwrap();
        parent.register_model(&model, "retoucher", aliases).unwrap();
    }
    parent.log_artifact_folder(&files, "copy").unwrap();
    for run in [&child, &parent] {
        let summary = run.finish(Status::Finished).unwrap();
        assert!(summary.is_complete(), "{summary:?}");
    }
    (parent, child)
}

fn check(server: &Server, tracking: &Tracking, parent: &Run, child: &Run) {
    let get = |run: &Run| server.get_json(&format!("api/2.0/mlflow/runs/get?run_id={}", run.run_id()))["run"].clone();
    let (parent_run, child_run) = (get(parent), get(child));
    let tag = |run: &Value, key: &str| {
        let tags = run["data"]["tags"].as_array().unwrap();
        tags.iter().find(|tag| tag["key"] == key).unwrap_or(&Value::Null)["value"].clone()
    };
    assert_eq!(tag(&child_run, "mlflow.parentRunId"), parent.run_id());
    assert_eq!(tag(&parent_run, "mlflow.note.content"), "# A note");
    let tables: Value = serde_json::from_str(tag(&parent_run, "mlflow.loggedArtifacts").as_str().unwrap()).unwrap();
    let listed =
        json!([{"path": "tables/scores.json", "type": "table"}, {"path": "tables/more.json", "type": "table"}]);
    assert_eq!(tables, listed);
    let table = server.get_json(&format!("get-artifact?run_id={}&path=tables/scores.json", parent.run_id()));
    assert_eq!(table, json!({"columns": ["photo", "score"], "data": [["a.jpg", 7.5]]}));

    let input = &parent_run["inputs"]["dataset_inputs"][0];
    assert_eq!(input["dataset"]["name"], "photos");
    assert_eq!(input["dataset"]["digest"], "0123abcd");
    assert_eq!(input["tags"][0], json!({"key": "mlflow.data.context", "value": "training"}));
    assert_eq!(child_run["inputs"]["dataset_inputs"].as_array().unwrap().len(), 1);
    assert_eq!(tracking.read_run(parent.run_id()).unwrap().datasets[0].context.as_deref(), Some("training"));

    let model = server.get_json("api/2.0/mlflow/registered-models/get?name=retoucher");
    let aliases = &model["registered_model"]["aliases"];
    let version_of = |alias: &str| {
        let found = aliases.as_array().unwrap().iter().find(|entry| entry["alias"] == alias);
        found.unwrap()["version"].as_str().unwrap().to_owned()
    };
    assert_eq!((version_of("first"), version_of("champion")), ("1".to_owned(), "2".to_owned()));
    let version = server.get_json("api/2.0/mlflow/model-versions/get?name=retoucher&version=2");
    assert_eq!(version["model_version"]["run_id"], parent.run_id());
    assert_eq!(version["model_version"]["status"], "READY");
    let names: Vec<String> =
        tracking.artifacts(parent.run_id()).unwrap().into_iter().map(|artifact| artifact.path).collect();
    for name in ["copy/MLmodel", "copy/weights/agent.bin", "tables/scores.json"] {
        assert!(names.iter().any(|found| found == name), "{names:?}");
    }
    let verification = tracking.verify(parent.run_id()).unwrap();
    assert!(verification.is_equal(), "{verification:?}");
}

fn logged_models(server: &Server, parent: &Run) -> Vec<Value> {
    let body = json!({"experiment_ids": [parent.experiment_id().unwrap()], "max_results": 10});
    let found = server.post("logged-models/search", &body);
    found["models"].as_array().cloned().unwrap_or_default()
}

fn check_models(server: &Server, parent: &Run) {
    let models = logged_models(server, parent);
    assert_eq!(models.len(), 2, "{models:?}");
    for model in &models {
        assert_eq!(model["info"]["name"], "agent");
        assert_eq!(model["info"]["status"], "LOGGED_MODEL_READY");
        assert_eq!(model["info"]["model_type"], "ppo");
        assert_eq!(model["info"]["source_run_id"], parent.run_id());
        assert_eq!(model["data"]["params"], json!([{"key": "layers", "value": "2"}]));
        let id = model["info"]["model_id"].as_str().unwrap();
        let files = server.get_json(&format!("api/2.0/mlflow/logged-models/{id}/artifacts/directories"));
        let names: Vec<&Value> = files["files"].as_array().unwrap().iter().map(|file| &file["path"]).collect();
        assert_eq!(names, ["MLmodel", "weights"]);
    }
    let run = server.get_json(&format!("api/2.0/mlflow/runs/get?run_id={}", parent.run_id()));
    let outputs = run["run"]["outputs"]["model_outputs"].as_array().unwrap().clone();
    assert!(outputs.len() == 2 && outputs.iter().all(|output| output["step"] == 7), "{outputs:?}");
}

#[test]
fn families_datasets_models_and_tables_are_the_same_locally_and_over_rest() {
    let Some(executable) = mlflow("families, datasets, models and tables") else {
        return;
    };
    let store = tempfile::tempdir().unwrap();
    let tracking = open("local", store.path());
    let (before, child) = log_entities(&tracking, store.path());
    {
        let server = Server::start(&executable, store.path());
        check(&server, &tracking, &before, &child);
        assert!(logged_models(&server, &before).is_empty(), "there was no list of them when they were logged");
    }
    // The database is that of MLflow 3 now, with a list of models.
    std::fs::remove_dir_all(store.path().join("mlartifacts")).unwrap();
    let database = rusqlite::Connection::open(store.path().join("mlflow.db")).unwrap();
    for table in ["model_version_tags", "registered_model_aliases", "model_versions", "registered_models"] {
        database.execute(&format!("DELETE FROM {table}"), []).unwrap();
    }
    drop(database);
    let tracking = open("local", store.path());
    let (after, child) = log_entities(&tracking, store.path());
    let server = Server::start(&executable, store.path());
    check(&server, &tracking, &after, &child);
    check_models(&server, &after);
    drop(server);

    let (home, here) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let server = Server::start(&executable, home.path());
    let tracking = open(&server.uri, here.path());
    let (parent, child) = log_entities(&tracking, here.path());
    check(&server, &tracking, &parent, &child);
    check_models(&server, &parent);
}

/// Started while there is no server, parent and child find each other when there is one.
#[test]
fn a_family_that_starts_without_a_server_stays_one() {
    let Some(executable) = mlflow("a family without a server") else {
        return;
    };
    let (home, here) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (port, _) = Server::start(&executable, home.path()).kill();
    let tracking = open(&format!("http://127.0.0.1:{port}"), here.path());
    let parent = tracking.start_run(&RunOptions::new("family").with_run_name("parent")).unwrap();
    let child = tracking.start_run(&RunOptions::new("family").with_run_name("child").with_parent(&parent)).unwrap();
    let server = Server::start_on(port, &executable, home.path());
    let child = child.finish(Status::Finished).unwrap();
    let parent = parent.finish(Status::Finished).unwrap();
    assert!(parent.is_complete() && child.is_complete(), "{parent:?} {child:?}");
    let found = server.get_json(&format!("api/2.0/mlflow/runs/get?run_id={}", child.run_id));
    let tags = found["run"]["data"]["tags"].as_array().unwrap();
    let tag = tags.iter().find(|tag| tag["key"] == "mlflow.parentRunId").unwrap();
    assert_eq!(tag["value"], parent.run_id.as_str());
}
