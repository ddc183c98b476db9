//! `dodge runs`: what was recorded is listed, shown, delivered, compared and exported.

use std::fs;

use dodge_tests::{MlflowServer, Scratch, rows};

/// A run of the local store, and its id.
fn trained(scratch: &Scratch) -> String {
    let arguments = ["--steps=300", "--seed=3", "--experiment=mine", "--run-name=first", "--json"];
    scratch.train(&arguments).succeeded().json()["run_id"].as_str().unwrap().to_owned()
}

#[test]
fn a_local_run_is_listed_shown_verified_and_exported() {
    let scratch = Scratch::new();
    let id = trained(&scratch);
    let list = scratch.dodge(&["runs", "list"]).succeeded().stdout;
    assert_eq!(list.lines().count(), 2, "{list}");
    for word in [&id[..8], "mine", "first", "FINISHED"] {
        assert!(list.contains(word), "{list}");
    }
    assert!(!list.contains("not all delivered"), "{list}");
    let filtered = |filter: &str| {
        let listed = scratch.dodge(&["runs", "list", "--json", "--filter", filter]).succeeded().json();
        listed["runs"].as_array().unwrap().len()
    };
    assert_eq!(filtered("params.training/seed = '3' and metrics.perf/total_duration_seconds > 0"), 1);
    assert_eq!(filtered("params.training/seed = '4'"), 0);

    // By name, by the first digits of its id, and by all of them.
    let shown = scratch.dodge(&["runs", "show", "first"]).succeeded().stdout;
    for word in [&*id, "training/seed", "perf/total_duration_seconds", "models/model.safetensors"] {
        assert!(shown.contains(word), "{shown}");
    }
    for name in [&id[..6], &*id] {
        assert_eq!(scratch.dodge(&["runs", "show", name, "--json"]).succeeded().json()["run_id"], *id);
    }

    let verified = scratch.dodge(&["runs", "verify", "--json"]).succeeded().json();
    assert_eq!(verified["equal"], true);
    let metrics = &verified["runs"][0]["metrics"];
    assert!(metrics["logged"].as_u64().unwrap() > 50 && metrics["logged"] == metrics["found"], "{verified}");
    let exported = scratch.dodge(&["runs", "export", "first", "-o", "export"]).succeeded().stdout;
    assert!(exported.contains("metrics and"), "{exported}");
    let csv = fs::read_to_string(scratch.path("export/metrics.csv")).unwrap();
    assert_eq!(csv.lines().count() as u64, metrics["logged"].as_u64().unwrap() + 1);
    assert!(scratch.path("export/artifacts/models/model.safetensors").is_file());
    let again = scratch.dodge(&["runs", "export", "first", "-o", "export"]).failed(1);
    assert!(again.contains("is not empty"), "{again}");

    // Somebody changes what the store holds.
    let _ = rows(&scratch.store(), "DELETE FROM metrics WHERE key = 'train/policy_loss' AND step = 256");
    let broken = scratch.dodge(&["runs", "verify", "first"]);
    assert!(broken.stdout.contains("metric `train/policy_loss` at step 256"), "{broken}");
    let complaint = broken.failed(1);
    assert!(complaint.contains("1 of 1 runs differ"), "{complaint}");
}

#[test]
fn what_cannot_be_found_is_named() {
    let scratch = Scratch::new();
    let nothing = scratch.dodge(&["runs", "list"]).failed(1);
    assert!(nothing.contains("there is no tracking store at"), "{nothing}");
    assert!(!scratch.path("volume").exists());
    let console = scratch.dodge(&["runs", "list", "--tracking-uri=console"]).failed(2);
    assert!(console.contains("runs are kept by `local` and by servers"), "{console}");
    trained(&scratch);
    let unknown = scratch.dodge(&["runs", "show", "second"]).failed(2);
    assert!(unknown.contains("no run is called second"), "{unknown}");
    let filter = scratch.dodge(&["runs", "list", "--filter", "loss < 1"]).failed(1);
    assert!(filter.contains("expected `metrics.`"), "{filter}");
    let server = scratch.dodge(&["runs", "list", "--tracking-uri=http://127.0.0.1:9"]).failed(1);
    assert!(server.contains("tracking server http://127.0.0.1:9"), "{server}");
}

#[test]
fn runs_are_delivered_and_copied_to_a_real_server() {
    let Some(executable) = MlflowServer::executable("`dodge runs sync` to a real MLflow server") else { return };
    let scratch = Scratch::new();
    let local = trained(&scratch);
    let port = MlflowServer::free_port();
    let uri = format!("--tracking-uri=http://127.0.0.1:{port}");
    let early = ["--steps=300", "--seed=4", "--experiment=mine", "--run-name=early", &uri, "--json"];
    let _ = scratch.train(&early).succeeded();
    fs::create_dir(scratch.path("server")).unwrap();
    let server = MlflowServer::start_on(port, &executable, &scratch.path("server"));
    // What waited arrives, and so does the run of the local store.
    for turn in 0..2 {
        let synced = scratch.dodge(&["runs", "sync", &local, &uri, "--json"]).succeeded().json();
        assert_eq!(synced["left"].as_array().unwrap().len(), 0, "turn {turn}: {synced}");
    }
    assert_eq!(server.runs("mine").len(), 2);
    let listed = scratch.dodge(&["runs", "list", &uri, "--experiment=mine"]).succeeded().stdout;
    assert!(listed.contains("first") && listed.contains("early"), "{listed}");
    let verified = scratch.dodge(&["runs", "verify", &uri, "--json"]).succeeded().json();
    assert_eq!((&verified["equal"], verified["runs"].as_array().unwrap().len()), (&true.into(), 2), "{verified}");
}
