//! The calls themselves, on destinations without files.

use std::{
    io::Write,
    path::Path,
    sync::{Arc, Mutex},
};

use dodge_tracking::{Destination, Error, RunOptions, Status, Tracking};

use crate::support::options;

fn off() -> Tracking {
    Tracking::open(options(Destination::Off, Path::new("/nowhere/at/all"))).unwrap()
}

#[test]
fn memory_keeps_what_was_logged() {
    let tracking = Tracking::in_memory();
    let run = tracking
        .start_run(
            &RunOptions::new("e").with_run_name("n").with_user("ann").with_source_name("dodge").with_tag("k", "v"),
        )
        .unwrap();
    run.log_metrics(&[("a", 1.0), ("b", 2.0)], 7).unwrap();
    run.log_metric("a", f64::NAN, 8).unwrap();
    run.log_param("p", "1").unwrap();
    run.log_artifact_bytes(b"bytes", "dir/x.txt").unwrap();
    run.time_stage("train").finish().unwrap();
    drop(run.time_stage("evaluate"));
    run.flush().unwrap();
    let summary = run.finish(Status::Finished).unwrap();
    assert!(summary.is_complete());
    assert_eq!(summary.run_id, run.run_id());

    let [recorded] = tracking.recorded_runs().try_into().unwrap();
    assert_eq!(recorded.run_id, run.run_id());
    assert_eq!((recorded.experiment.as_str(), recorded.run_name.as_str()), ("e", "n"));
    assert_eq!(recorded.values("b"), [2.0]);
    let a = recorded.values("a");
    assert!(a[0] == 1.0 && a[1].is_nan());
    assert_eq!(recorded.metrics[0].step, 7);
    assert_eq!(recorded.params["p"], "1");
    let tag = |key: &str| recorded.tags[key].as_str();
    assert_eq!(tag("mlflow.runName"), "n");
    assert_eq!(tag("mlflow.user"), "ann");
    assert_eq!(tag("mlflow.source.name"), "dodge");
    assert_eq!(tag("mlflow.source.type"), "LOCAL");
    assert_eq!(tag("k"), "v");
    assert_eq!(recorded.artifacts["dir/x.txt"], b"bytes");
    for stage in ["train", "evaluate"] {
        let [seconds] = recorded.values(&format!("perf/{stage}_duration_seconds"))[..] else {
            panic!("one duration of {stage}");
        };
        assert!((0.0..60.0).contains(&seconds), "{seconds}");
    }
    assert_eq!(recorded.status, Some(Status::Finished));
}

#[test]
fn mistakes_are_reported_whatever_the_destination() {
    let console = Tracking::open(options(Destination::Console, Path::new("/nowhere"))).unwrap();
    for tracking in [off(), console, Tracking::in_memory()] {
        let run = tracking.start_run(&RunOptions::new("e")).unwrap();
        assert!(matches!(run.log_metric("a,b", 1.0, 0), Err(Error::Key { .. })));
        assert!(matches!(run.set_tag("", "v"), Err(Error::Key { .. })));
        run.log_param("p", "1").unwrap();
        run.log_param("p", "1").unwrap();
        let error = run.log_params(&[("q", "1"), ("p", "2")]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "param `p` is already `1` and cannot become `2`: params are written once, use a tag or a metric"
        );
        // Nothing of a refused call is logged, so `q` is still free.
        run.log_param("q", "2").unwrap();
        let twice = run.log_params(&[("r", "1"), ("r", "2")]);
        assert!(matches!(twice, Err(Error::ParamChanged { .. })));
        let missing = run.log_artifact_file(Path::new("/nowhere/model.bin"), "");
        assert!(missing.unwrap_err().to_string().contains("/nowhere/model.bin"));
        assert!(matches!(run.log_artifact_bytes(b"", "../x"), Err(Error::ArtifactPath { .. })));
        assert!(matches!(run.log_artifact_file(Path::new("Cargo.toml"), "/etc"), Err(Error::ArtifactPath { .. })));
        run.finish(Status::Failed).unwrap();
        for late in [
            run.log_metric("a", 1.0, 0),
            run.log_param("p", "1"),
            run.set_tag("t", "v"),
            run.log_artifact_bytes(b"", "x"),
            run.finish(Status::Finished).map(drop),
        ] {
            assert!(matches!(late, Err(Error::Finished { .. })), "{late:?}");
        }
    }
}

#[test]
fn a_run_needs_a_usable_experiment_and_tags() {
    let tracking = off();
    assert!(matches!(tracking.start_run(&RunOptions::new("")), Err(Error::Experiment { .. })));
    let bad_tag = RunOptions::new("e").with_tag("a//b", "v");
    assert!(matches!(tracking.start_run(&bad_tag), Err(Error::Key { .. })));
}

#[test]
fn run_ids_are_32_hexadecimal_digits_and_names_are_made_up_where_missing() {
    let run = off().start_run(&RunOptions::new("e")).unwrap();
    assert_eq!(run.run_id().len(), 32);
    assert!(run.run_id().bytes().all(|b| b.is_ascii_hexdigit()));
    assert_eq!(run.run_name(), format!("run-{}", &run.run_id()[..8]));
    assert_eq!(run.experiment_id(), None);
}

#[test]
fn a_run_can_be_logged_to_from_many_threads() {
    let tracking = Tracking::in_memory();
    let run = tracking.start_run(&RunOptions::new("e")).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let run = run.clone();
            scope.spawn(move || {
                for step in 0..100 {
                    run.log_metric(&format!("m{thread}"), step as f64, step).unwrap();
                }
            });
        }
    });
    let recorded = tracking.recorded_runs().remove(0);
    for thread in 0..4 {
        let expected: Vec<f64> = (0..100).map(f64::from).collect();
        assert_eq!(recorded.values(&format!("m{thread}")), expected);
    }
}

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn the_console_prints_one_line_per_call() {
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt().without_time().with_ansi(false).with_writer(move || writer.clone());
    // For the whole test process: one of this thread only would miss lines, as `tracing` remembers
    // for each place in the code whether anybody listened when another thread came by first.
    subscriber.init();
    let tracking = Tracking::open(options(Destination::Console, Path::new("/nowhere"))).unwrap();
    let run = tracking.start_run(&RunOptions::new("e").with_run_name("console")).unwrap();
    run.log_metrics(&[("console/a", 0.5), ("b", f64::NAN)], 3).unwrap();
    run.log_param("console/p", "1").unwrap();
    run.log_artifact_bytes(b"", "console/y.txt").unwrap();
    run.finish(Status::Killed).unwrap();
    let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    let of_this_test =
        |line: &&str| line.contains("dodge::metrics") && (line.contains("console") || line.contains("KILLED"));
    let ours: Vec<&str> = text.lines().filter(of_this_test).map(str::trim).collect();
    insta::assert_snapshot!(ours.join("\n"), @r"
    INFO dodge::metrics: tags mlflow.runName=console
    INFO dodge::metrics: step 3 console/a=0.5 b=NaN
    INFO dodge::metrics: params console/p=1
    INFO dodge::metrics: artifact console/y.txt
    INFO dodge::metrics: run KILLED
    ");
}

#[test]
fn the_machine_is_sampled_until_the_monitor_is_dropped_or_the_run_ends() {
    let tracking = Tracking::in_memory();
    let run = tracking.start_run(&RunOptions::new("e")).unwrap();
    let options = dodge_tracking::SystemMetricsOptions::default()
        .with_interval(std::time::Duration::from_millis(20))
        .with_disk(std::env::temp_dir());
    let samples = |key: &str| tracking.recorded_runs()[0].values(key).len();
    let wait_for = |key: &str, count: usize| {
        let begun = std::time::Instant::now();
        while samples(key) < count {
            assert!(begun.elapsed() < std::time::Duration::from_secs(20), "{key}");
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
    };
    let monitor = run.watch_system(&options).unwrap();
    for key in ["cpu_utilization_percentage", "system_memory_usage_megabytes", "network_receive_megabytes"] {
        wait_for(&format!("system/{key}"), 3);
    }
    #[cfg(target_os = "linux")]
    wait_for("system/disk_usage_percentage", 1);
    drop(monitor);
    let stopped = samples("system/cpu_utilization_percentage");
    std::thread::sleep(std::time::Duration::from_millis(100));
    assert_eq!(samples("system/cpu_utilization_percentage"), stopped);
    let recorded = tracking.recorded_runs().remove(0);
    let of_key = recorded.metrics.iter().filter(|metric| metric.key == "system/cpu_utilization_percentage");
    let steps: Vec<i64> = of_key.map(|metric| metric.step).collect();
    assert!(steps.into_iter().eq(0..stopped as i64), "the step counts samples");
    assert!(recorded.metrics.iter().all(|metric| metric.value >= 0.0));

    // A run that is started with it samples until it ends, also where nobody ends it.
    let own = RunOptions::new("e").with_system_metrics(options.clone());
    for ends in [true, false] {
        let sampled = tracking.start_run(&own).unwrap();
        let begun = std::time::Instant::now();
        let samples = || tracking.recorded_runs().last().unwrap().metrics.len();
        while samples() == 0 {
            assert!(begun.elapsed() < std::time::Duration::from_secs(20));
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        if ends {
            sampled.finish(Status::Finished).unwrap();
        }
        drop(sampled);
        let until = samples();
        std::thread::sleep(std::time::Duration::from_millis(60));
        assert_eq!(samples(), until);
    }

    let monitor = run.watch_system(&options.clone().with_node("node1")).unwrap();
    wait_for("system/node1/cpu_utilization_percentage", 1);
    run.finish(Status::Finished).unwrap();
    drop(monitor);
    assert!(matches!(run.watch_system(&options.with_node("a//b")), Err(Error::Key { .. })));
}

#[test]
fn work_is_timed_whatever_it_returns() {
    let tracking = Tracking::in_memory();
    let run = tracking.start_run(&RunOptions::new("e")).unwrap();
    assert_eq!(run.timed("good", || 7), 7);
    let failed: Result<(), String> = run.timed("bad", || Err("no".to_owned()));
    assert!(failed.is_err());
    for stage in ["good", "bad"] {
        assert_eq!(tracking.recorded_runs()[0].values(&format!("perf/{stage}_duration_seconds")).len(), 1);
    }
}

#[test]
fn memory_and_console_take_datasets_models_and_tables() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("agent.bin"), "weights").unwrap();
    let console = Tracking::open(options(Destination::Console, Path::new("/nowhere"))).unwrap();
    for tracking in [off(), console, Tracking::in_memory()] {
        let run = tracking.start_run(&RunOptions::new("e")).unwrap();
        let dataset = dodge_tracking::DatasetInput::new("photos", "0".repeat(36), "local", "{}");
        run.log_dataset(&dataset).unwrap();
        let long = dodge_tracking::DatasetInput::new("photos", "0".repeat(37), "local", "{}");
        assert!(matches!(run.log_dataset(&long), Err(Error::Value { kind: "dataset", .. })));
        let model = run.log_model(&dodge_tracking::ModelOptions::new("agent"), folder.path()).unwrap();
        run.register_model(&model, "retoucher", &["champion"]).unwrap();
        assert!(matches!(run.register_model(&model, "a/b", &[]), Err(Error::Value { .. })));
        assert!(matches!(run.register_model(&model, "a", &["v1"]), Err(Error::Value { .. })));
        run.log_table("t.json", &["a"], &[vec![serde_json::json!(1)]]).unwrap();
        assert!(matches!(run.log_table("t.json", &["a"], &[vec![]]), Err(Error::Value { .. })));
        assert!(matches!(run.log_table("t.csv", &["a"], &[]), Err(Error::Value { .. })));
        assert!(matches!(run.log_metrics_at(&[("m", 1.0)], 0, -1), Err(Error::Value { .. })));
        assert!(run.set_note(&"x".repeat(8001)).unwrap_err().to_string().contains("8001 characters"));
        run.set_note("short").unwrap();
        if let [recorded] = &tracking.recorded_runs()[..] {
            assert_eq!((recorded.datasets.len(), recorded.models.len()), (1, 1));
            assert_eq!(recorded.versions, [("retoucher".to_owned(), vec!["champion".to_owned()])]);
            assert!(recorded.artifacts.keys().any(|path| path.starts_with("models/agent-")), "{recorded:?}");
            assert!(recorded.tags["mlflow.loggedArtifacts"].contains(r#""path":"t.json""#));
        }
        run.finish(Status::Finished).unwrap();
    }
}
