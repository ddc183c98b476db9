//! Runs in the local store, read back from its database and folders.

use std::{fs, path::Path};

use dodge_tracking::{Destination, Error, RunOptions, Status, Tracking};
use rusqlite::Connection;

use crate::support::{local, options, rows, spools};

#[test]
fn a_run_becomes_the_rows_that_a_server_reads() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let tracking = local(folder);
    let run = tracking.start_run(&RunOptions::new("photos").with_run_name("first").with_user("ann")).unwrap();
    let id = run.run_id().to_owned();
    assert_eq!(run.experiment_id(), Some("1"));
    run.log_metric("loss", 0.5, 1).unwrap();
    run.log_metrics(&[("loss", 0.25), ("x/y", -1.0)], 2).unwrap();
    run.log_metric("loss", 9.0, 0).unwrap(); // late and old: not the latest
    run.log_params(&[("algo", "ppo"), ("lr", "1e-3")]).unwrap();
    run.set_tag("t", "old").unwrap();
    run.set_tag("t", "new").unwrap();
    run.set_tag("mlflow.runName", "renamed").unwrap();
    run.flush().unwrap();
    assert_eq!(rows(folder, "SELECT status, end_time FROM runs"), ["RUNNING | -"]);
    let summary = run.finish(Status::Finished).unwrap();
    assert!(summary.is_complete(), "{summary:?}");
    assert_eq!(summary.run_id, id);

    assert_eq!(
        rows(folder, "SELECT experiment_id, name, artifact_location, lifecycle_stage FROM experiments"),
        ["0 | Default | mlflow-artifacts:/0 | active", "1 | photos | mlflow-artifacts:/1 | active"]
    );
    assert_eq!(
        rows(
            folder,
            "SELECT name, source_type, user_id, status, lifecycle_stage, artifact_uri, experiment_id, end_time > start_time FROM runs"
        ),
        [format!("renamed | UNKNOWN | ann | FINISHED | active | mlflow-artifacts:/1/{id}/artifacts | 1 | 1")]
    );
    assert_eq!(
        rows(folder, "SELECT key, step, value, is_nan FROM metrics ORDER BY key, step"),
        ["loss | 0 | 9.0 | 0", "loss | 1 | 0.5 | 0", "loss | 2 | 0.25 | 0", "x/y | 2 | -1.0 | 0"]
    );
    assert_eq!(
        rows(folder, "SELECT key, step, value FROM latest_metrics ORDER BY key"),
        ["loss | 2 | 0.25", "x/y | 2 | -1.0"]
    );
    assert_eq!(rows(folder, "SELECT key, value FROM params ORDER BY key"), ["algo | ppo", "lr | 1e-3"]);
    assert_eq!(
        rows(folder, "SELECT key, value FROM tags ORDER BY key"),
        ["mlflow.runName | renamed", "mlflow.user | ann", "t | new"]
    );
    assert!(spools(folder).is_empty(), "a delivered spool is removed");
    assert!(!folder.join("mlflow.db-wal").exists(), "the database is one file, ready to be moved");
}

#[test]
fn numbers_that_sql_lacks_are_stored_as_mlflow_does() {
    let folder = tempfile::tempdir().unwrap();
    let run = local(folder.path()).start_run(&RunOptions::new("e")).unwrap();
    for (key, value) in [("nan", f64::NAN), ("up", f64::INFINITY), ("down", f64::NEG_INFINITY)] {
        run.log_metric(key, value, 0).unwrap();
    }
    run.finish(Status::Finished).unwrap();
    for table in ["metrics", "latest_metrics"] {
        assert_eq!(
            rows(folder.path(), &format!("SELECT key, value, is_nan FROM {table} ORDER BY key")),
            ["down | -1.7976931348623157e308 | 0", "nan | 0.0 | 1", "up | 1.7976931348623157e308 | 0"]
        );
    }
}

#[test]
fn the_latest_value_is_right_across_deliveries_and_ties() {
    let folder = tempfile::tempdir().unwrap();
    let run = local(folder.path()).start_run(&RunOptions::new("e")).unwrap();
    for (value, step) in [(1.0, 5), (2.0, 3), (3.0, 5), (4.0, 4)] {
        run.log_metric("m", value, step).unwrap();
        run.flush().unwrap(); // each in a transaction of its own
    }
    run.finish(Status::Finished).unwrap();
    assert_eq!(rows(folder.path(), "SELECT step, value FROM latest_metrics"), ["5 | 3.0"]);
}

#[test]
fn long_values_and_big_calls_are_split() {
    let folder = tempfile::tempdir().unwrap();
    let run = local(folder.path()).start_run(&RunOptions::new("e")).unwrap();
    run.log_param("long", &"ä".repeat(7000)).unwrap();
    run.set_tag("long", &"ä".repeat(9000)).unwrap();
    let metrics: Vec<(String, f64)> = (0..1201).map(|i| (format!("{i:k>250}"), 1.0)).collect();
    run.log_metrics(&metrics, 0).unwrap();
    let params: Vec<(String, String)> = (0..150).map(|i| (format!("p{i}"), "\u{10FFFF}".repeat(6000))).collect();
    run.log_params(&params).unwrap();
    let tags: Vec<(String, String)> = (0..150).map(|i| (format!("t{i}"), "\u{10FFFF}".repeat(8000))).collect();
    run.set_tags(&tags).unwrap();
    assert!(run.finish(Status::Finished).unwrap().is_complete());
    for (table, limit) in [("params", 6000), ("tags", 8000)] {
        let parts = format!("SELECT key, length(value) FROM {table} WHERE key LIKE 'long%' ORDER BY key");
        assert_eq!(rows(folder.path(), &parts), [format!("long | {limit}"), "long.part2 | 1000".to_owned()]);
    }
    assert_eq!(rows(folder.path(), "SELECT count(*) FROM metrics"), ["1201"]);
    assert_eq!(rows(folder.path(), "SELECT count(*) FROM params"), ["152"]);
    assert_eq!(rows(folder.path(), "SELECT count(*) FROM tags"), ["153"]);
}

#[test]
fn artifacts_are_copied_to_where_a_server_serves_them_from() {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("model.bin");
    fs::write(&source, "weights").unwrap();
    let store = folder.path().join("tracking");
    let run = local(&store).start_run(&RunOptions::new("e")).unwrap();
    run.log_artifact_file(&source, "").unwrap();
    run.log_artifact_file(&source, "models/best/").unwrap();
    run.log_artifact_bytes(b"old", "report.txt").unwrap();
    run.log_artifact_bytes(b"new", "report.txt").unwrap();
    fs::write(&source, "changed").unwrap();
    fs::remove_file(&source).unwrap();
    run.finish(Status::Finished).unwrap();
    let artifacts = store.join("mlartifacts/1").join(run.run_id()).join("artifacts");
    assert_eq!(run.artifact_folder(), Some(artifacts.as_path()));
    assert_eq!(fs::read(artifacts.join("model.bin")).unwrap(), b"weights");
    assert_eq!(fs::read(artifacts.join("models/best/model.bin")).unwrap(), b"weights");
    assert_eq!(fs::read(artifacts.join("report.txt")).unwrap(), b"new");
    let names: Vec<_> = fs::read_dir(&artifacts).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(names.len(), 3, "no temporary file is left: {names:?}");
    let escape = run.log_artifact_bytes(b"", "x");
    assert!(matches!(escape, Err(Error::Finished { .. })));
}

#[test]
fn experiments_are_shared_and_runs_of_two_connections_too() {
    let folder = tempfile::tempdir().unwrap();
    let (one, two) = (local(folder.path()), local(folder.path()));
    let a = one.start_run(&RunOptions::new("same")).unwrap();
    let b = two.start_run(&RunOptions::new("same")).unwrap();
    let c = two.start_run(&RunOptions::new("other")).unwrap();
    assert_eq!(a.experiment_id(), b.experiment_id());
    assert_ne!(a.experiment_id(), c.experiment_id());
    std::thread::scope(|scope| {
        for run in [&a, &b, &c] {
            scope.spawn(move || {
                for step in 0..500 {
                    run.log_metric("m", 1.0, step).unwrap();
                }
                assert!(run.finish(Status::Finished).unwrap().is_complete());
            });
        }
    });
    assert_eq!(rows(folder.path(), "SELECT count(*) FROM metrics"), ["1500"]);
    let default = local(folder.path()).start_run(&RunOptions::new("Default")).unwrap();
    assert_eq!(default.experiment_id(), Some("0"));
}

#[test]
fn a_deleted_experiment_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let tracking = local(folder.path());
    tracking.start_run(&RunOptions::new("gone")).unwrap().finish(Status::Finished).unwrap();
    let connection = Connection::open(folder.path().join("mlflow.db")).unwrap();
    connection.execute("UPDATE experiments SET lifecycle_stage = 'deleted' WHERE name = 'gone'", []).unwrap();
    let message = tracking.start_run(&RunOptions::new("gone")).unwrap_err().to_string();
    assert!(message.starts_with("experiment `gone` was deleted in "), "{message}");
}

#[test]
fn a_database_of_a_newer_server_is_written_if_its_columns_are_there() {
    let folder = tempfile::tempdir().unwrap();
    local(folder.path());
    let connection = Connection::open(folder.path().join("mlflow.db")).unwrap();
    connection
        .execute_batch(
            "UPDATE alembic_version SET version_num = 'ffffffffffff'; \
             ALTER TABLE runs ADD COLUMN novelty TEXT NOT NULL DEFAULT 'x'; \
             ALTER TABLE metrics ADD COLUMN novelty TEXT;",
        )
        .unwrap();
    let run = local(folder.path()).start_run(&RunOptions::new("e")).unwrap();
    run.log_metric("m", 1.0, 0).unwrap();
    assert!(run.finish(Status::Finished).unwrap().is_complete());
    assert_eq!(rows(folder.path(), "SELECT novelty FROM runs"), ["x"]);

    connection.execute_batch("ALTER TABLE params RENAME COLUMN value TO content;").unwrap();
    let error = Tracking::open(options(Destination::Local, folder.path())).unwrap_err();
    let message = error.to_string();
    assert!(message.contains("schema revision ffffffffffff"), "{message}");
    assert!(message.contains("no column `value` in its table `params`"), "{message}");
}

#[test]
fn a_folder_that_cannot_be_used_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let open = |folder: &Path, text: &str| {
        let destination = text.parse().unwrap();
        Tracking::open(options(destination, folder)).unwrap_err().to_string()
    };
    for destination in ["local", "http://127.0.0.1:9"] {
        let message = open(&file.join("tracking"), destination);
        assert!(message.contains("file/tracking"), "{message}");
    }
    let broken = folder.path().join("broken");
    fs::create_dir(&broken).unwrap();
    fs::write(broken.join("mlflow.db"), "this is no database at all".repeat(100)).unwrap();
    let message = open(&broken, "local");
    assert!(message.contains("broken/mlflow.db"), "{message}");
}
