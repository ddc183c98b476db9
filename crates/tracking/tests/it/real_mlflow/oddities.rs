//! Rare things that a real server must take, or refuse, as we expect.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use dodge_tracking::{
    Destination, Error, RemoteOptions, RunOptions, RunQuery, Status, SystemClock, Tracking, TrackingOptions,
};
use serde_json::json;

use super::{
    open,
    server::{Server, mlflow},
};

#[test]
fn limits_idle_connections_names_and_repetition() {
    let Some(executable) = mlflow("limits, idle connections, names, repetition") else {
        return;
    };
    let home = tempfile::tempdir().unwrap();
    let here = tempfile::tempdir().unwrap();
    let server = Server::start(&executable, home.path());
    let mut remote = RemoteOptions::new(&server.uri).unwrap();
    // So small that the server is asked for an upload in parts, which one with a folder behind it does not offer.
    remote.multipart_from = 1 << 20;
    let options = TrackingOptions::new(Destination::Remote(remote), here.path(), Arc::new(SystemClock));
    let tracking = Tracking::open(options.with_finish_timeout(Duration::from_secs(60))).unwrap();
    let run = tracking.start_run(&RunOptions::new("odd").with_tag("t", "v")).unwrap();
    let longest_key = "k".repeat(250);
    run.log_metric(&longest_key, 1.0, 0).unwrap();
    assert!(matches!(run.log_metric(&"k".repeat(251), 1.0, 0), Err(Error::Key { .. })));
    for (values, limit) in [("param", 6000), ("tag", 8000)] {
        for length in [limit, limit + 1] {
            let value = "ü".repeat(length);
            match values {
                "param" => run.log_param(&format!("long{length}"), &value).unwrap(),
                _ => run.set_tag(&format!("long{length}"), &value).unwrap(),
            }
        }
    }
    run.flush().unwrap();
    // The server closes a connection that idles for five seconds.
    std::thread::sleep(Duration::from_millis(6500));
    for step in [i64::MIN + 1, -1, 0, 1 << 62] {
        run.log_metric("steps", 1.0, step).unwrap();
    }
    run.log_metrics_at(&[("old", 0.1)], 3, 1).unwrap();
    for (name, allowed) in [("ü and space.txt", true), ("50%.txt", false), ("a#b.txt", false), ("plus+.txt", true)] {
        assert_eq!(run.log_artifact_bytes(b"x", name).is_ok(), allowed, "{name}");
    }
    let large: Vec<u8> = (0..3 << 20).map(|at: u32| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    run.log_artifact_bytes(&large, "large/file.bin").unwrap();
    run.log_artifact_bytes(&large, "large/file.bin").unwrap();
    for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MIN_POSITIVE, 0.1, -0.0, f64::MAX] {
        run.log_metric("values", value, 0).unwrap();
    }
    run.flush().unwrap();

    // Everything once more, as if nothing were known of the first time.
    let spool = std::fs::read_dir(here.path().join("spool")).unwrap().next().unwrap().unwrap().path();
    let id = run.run_id().to_owned();
    run.detach().unwrap();
    drop(run);
    let ledger = spool.join("ledger.json");
    let text = std::fs::read_to_string(&ledger).unwrap();
    let mut progress: serde_json::Value = serde_json::from_str(&text).unwrap();
    progress["delivered"] = json!(0);
    std::fs::write(&ledger, progress.to_string()).unwrap();
    // The copies of the artifacts are gone since they were delivered: put them there again.
    let run = tracking.resume_run(&id).unwrap();
    let summary = run.finish(Status::Finished).unwrap();
    let refused: Vec<&str> = summary.rejections.iter().map(|rejection| rejection.item.as_str()).collect();
    assert!(summary.pending == 0 && refused.iter().all(|item| item.starts_with("artifact")), "{summary:?}");
    let verification = tracking.verify(&id).unwrap();
    assert_eq!(verification.difference_count, 0, "{verification:?}");
    assert_eq!((verification.metrics.logged, verification.metrics.found), (12, 12), "{verification:?}");
    assert_eq!(verification.params.found, 3);
    let mut content = Vec::new();
    tracking.read_artifact(&id, "large/file.bin", &mut content).unwrap();
    assert!(content == large);
}

/// Writers go on, and readers read, while a server upgrades the database and serves it.
#[test]
fn a_server_upgrades_the_store_while_it_is_written() {
    let Some(executable) = mlflow("a store written while it is upgraded") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let tracking = open("local", folder.path());
    let stop = AtomicBool::new(false);
    let (run_id, server) = std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let run = tracking.start_run(&RunOptions::new("busy").with_run_name("live")).unwrap();
            let mut step = 0;
            while !stop.load(Ordering::SeqCst) {
                run.log_metrics(&[("m", step as f64), ("nan", f64::NAN), ("up", f64::INFINITY)], step).unwrap();
                if step % 1000 == 0 {
                    run.log_artifact_bytes(step.to_string().as_bytes(), &format!("steps/{step}.txt")).unwrap();
                    run.log_image("photo", step, b"PNG", b"small").unwrap();
                    run.log_param(&format!("p{step}"), "1").unwrap();
                }
                step += 1;
                std::thread::sleep(Duration::from_micros(200));
            }
            assert!(step > 5000, "{step}");
            assert!(run.finish(Status::Finished).unwrap().is_complete());
            run.run_id().to_owned()
        });
        let server = Server::start(&executable, folder.path());
        // While writing goes on, the server lists it all.
        let found = server.post("runs/search", &json!({"experiment_ids": ["1"], "filter": "metrics.m >= 0"}));
        let run = &found["runs"][0];
        assert_eq!((&run["info"]["status"], &run["info"]["run_name"]), (&json!("RUNNING"), &json!("live")));
        let value = |key: &str| {
            let metrics = run["data"]["metrics"].as_array().unwrap();
            metrics.iter().find(|metric| metric["key"] == key).unwrap()["value"].clone()
        };
        assert_eq!((value("nan"), value("up").as_f64()), (json!("NaN"), Some(f64::MAX)));
        assert!(!run["data"]["params"].as_array().unwrap().is_empty());
        let id = run["info"]["run_id"].as_str().unwrap();
        let listed = |path: &str| {
            let found = server.get_json(&format!("api/2.0/mlflow/artifacts/list?run_id={id}&path={path}"));
            found["files"].as_array().unwrap().len()
        };
        assert!(listed("steps") > 0 && listed("images") > 1);
        assert_eq!(server.get(&format!("get-artifact?run_id={id}&path=steps/1000.txt")), "1000");
        stop.store(true, Ordering::SeqCst);
        (writer.join().unwrap(), server)
    });
    let verification = tracking.verify(&run_id).unwrap();
    assert!(verification.is_equal(), "{verification:?}");
    // The server counts the same.
    let over_rest = open(&server.uri, &folder.path().join("elsewhere"));
    for key in ["m", "nan"] {
        let (here, there) =
            (tracking.metric_history(&run_id, key).unwrap(), over_rest.metric_history(&run_id, key).unwrap());
        assert_eq!(here.len(), there.len());
    }
    let query =
        RunQuery::default().with_experiment("busy").with_filter("metrics.m > 100 and attributes.status = 'FINISHED'");
    let ids = |tracking: &Tracking| -> Vec<String> {
        tracking.search_runs(&query).unwrap().into_iter().map(|run| run.run_id).collect()
    };
    assert_eq!(ids(&tracking), [run_id]);
    assert_eq!(ids(&tracking), ids(&over_rest));
}
