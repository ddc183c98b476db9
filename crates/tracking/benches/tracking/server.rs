//! Delivery to a real server, beside MLflow's own client and plain HTTP on the same one.

use std::{
    collections::BTreeMap,
    fs::File,
    net::TcpListener,
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use dodge_tracking::{Destination, RunOptions, Status, SystemClock, Tracking, TrackingOptions};

use crate::{Report, median};

const ROUNDS: usize = 5;
/// Batches of a thousand metrics that each of them sends.
const BATCHES: usize = 20;
const FILES: usize = 200;
/// On fewer the server's own processor time for so small files is the limit: with two cores, of which we need some, it
/// is not capable of three times what the Python client gets from it.
const CORES_FOR_FILES: usize = 4;

pub(crate) fn measure(report: &mut Report, python: &Path) {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(python, folder.path());
    let mut ours: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    let mut theirs: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    let mut server_seconds = None;
    for round in 0..ROUNDS {
        for (name, value) in peer(python, &server.uri) {
            theirs.entry(name).or_default().push(value);
        }
        let spool = folder.path().join(format!("spool{round}"));
        ours.entry("metrics/s").or_default().push(metrics_per_second(&server.uri, &spool));
        let before = server.processor_seconds();
        ours.entry("files/s").or_default().push(files_per_second(&server.uri, &spool));
        server_seconds = before.zip(server.processor_seconds()).map(|(before, after)| (after - before) / FILES as f64);
    }
    let ours = |name: &str| median(ours[name].clone());
    let theirs = |name: &str| median(theirs[name].clone());
    for name in ["python log_metric, calls/s", "python log_batch, metrics/s", "raw log-batch, metrics/s"] {
        report.note(name, &format!("{:.0}", theirs(name)));
    }
    report.note("dodge, metrics/s delivered", &format!("{:.0}", ours("metrics/s")));
    let raw = ours("metrics/s") / theirs("raw log-batch, metrics/s");
    report.at_least("delivery of metrics / raw HTTP", raw, 1.0, "times");
    for name in ["python log_artifacts, files/s", "raw PUT, files/s"] {
        report.note(name, &format!("{:.0}", theirs(name)));
    }
    report.note("dodge, 10 KB files/s delivered", &format!("{:.0}", ours("files/s")));
    let files = ours("files/s") / theirs("python log_artifacts, files/s");
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    // A client cannot save the time that the server itself needs for a file.
    if let Some(seconds) = server_seconds {
        let name = format!("files/s of which the server is capable on {cores} cores, all of them its own");
        report.note(&name, &format!("{:.0}", cores as f64 / seconds));
    }
    let name = "200 artifacts of 10 KB / Python client";
    if cores < CORES_FOR_FILES {
        let why = format!("{files:.2} times (at least 3.00 are wanted from {CORES_FOR_FILES} cores on)");
        report.note(name, &why);
    } else {
        report.at_least(name, files, 3.0, "times");
    }
}

/// From the first call until the server has acknowledged the last and the run is closed.
fn metrics_per_second(uri: &str, spool: &Path) -> f64 {
    let run = open(uri, spool).start_run(&RunOptions::new("benchmark")).unwrap();
    let begun = Instant::now();
    let count = BATCHES * 1000;
    for step in 0..count {
        run.log_metric("ours", step as f64, step as i64).unwrap();
    }
    let summary = run.finish(Status::Finished).unwrap();
    let seconds = begun.elapsed().as_secs_f64();
    assert!(summary.is_complete(), "{summary:?}");
    count as f64 / seconds
}

/// As Python does it: the files are there already, and are logged as a folder.
fn files_per_second(uri: &str, spool: &Path) -> f64 {
    let files = spool.join("files");
    std::fs::create_dir_all(&files).unwrap();
    for index in 0..FILES {
        let bytes: Vec<u8> = (0..10_000).map(|at: usize| (at * at * 31 + index * 7 + at / 251) as u8).collect();
        std::fs::write(files.join(format!("f{index:03}.bin")), bytes).unwrap();
    }
    let run = open(uri, spool).start_run(&RunOptions::new("benchmark")).unwrap();
    // The peer's run is on the server already as well.
    run.flush().unwrap();
    let begun = Instant::now();
    assert_eq!(run.log_artifact_folder(&files, "small").unwrap(), FILES);
    run.flush().unwrap();
    let seconds = begun.elapsed().as_secs_f64();
    assert!(run.finish(Status::Finished).unwrap().is_complete());
    FILES as f64 / seconds
}

fn open(uri: &str, spool: &Path) -> Tracking {
    let destination: Destination = uri.parse().unwrap();
    let options = TrackingOptions::new(destination, spool, Arc::new(SystemClock));
    Tracking::open(options.with_finish_timeout(Duration::from_secs(300))).unwrap()
}

/// The peer's figures.
fn peer(python: &Path, uri: &str) -> Vec<(String, f64)> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/peers/py_tracking.py");
    let output = Command::new(python).arg(script).args([uri, &BATCHES.to_string()]).output();
    let output = output.expect("the Python that was named runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout);
    let measured = text.lines().filter_map(|line| {
        let (name, value) = line.rsplit_once(": ")?;
        Some((name.to_owned(), value.parse().ok()?))
    });
    measured.collect()
}

/// `mlflow server` in a folder of its own; ends when dropped.
struct Server {
    child: Child,
    uri: String,
}

impl Server {
    fn start(python: &Path, folder: &Path) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let home = folder.join("server");
        std::fs::create_dir(&home).unwrap();
        let log = File::create(home.join("server.log")).unwrap();
        let mut command = Command::new(python.with_file_name("mlflow"));
        command.args(["server", "--port", &port.to_string()]).current_dir(&home);
        // Less memory; what is stored and served is the same.
        command.env("MLFLOW_SERVER_ENABLE_JOB_EXECUTION", "false").env("MLFLOW_DISABLE_TELEMETRY", "true");
        for name in ["MLFLOW_TRACKING_URI", "MLFLOW_BACKEND_STORE_URI", "MLFLOW_DEFAULT_ARTIFACT_ROOT"] {
            command.env_remove(name);
        }
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut server = Self { child: command.spawn().unwrap(), uri: format!("http://127.0.0.1:{port}") };
        let begun = Instant::now();
        while !server.answers() {
            assert!(server.child.try_wait().unwrap().is_none(), "the server ended");
            assert!(begun.elapsed() < Duration::from_secs(180), "the server does not answer");
            std::thread::sleep(Duration::from_millis(200));
        }
        server
    }

    /// What its processes have computed so far, where the system tells.
    fn processor_seconds(&self) -> Option<f64> {
        let group = self.child.id().to_string();
        let mut ticks = 0.0;
        for entry in std::fs::read_dir("/proc").ok()?.flatten() {
            let Ok(stat) = std::fs::read_to_string(entry.path().join("stat")) else { continue };
            // The name, in brackets, may hold spaces.
            let fields: Vec<&str> = stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace().collect();
            if fields.get(2) == Some(&group.as_str()) {
                ticks += [11, 12].into_iter().filter_map(|at: usize| fields.get(at)?.parse::<f64>().ok()).sum::<f64>();
            }
        }
        // Ticks are hundredths of a second wherever Linux runs.
        (ticks > 0.0).then_some(ticks / 100.0)
    }

    fn answers(&self) -> bool {
        let folder = tempfile::tempdir().unwrap();
        let Destination::Remote(mut options) = self.uri.parse().unwrap() else { unreachable!("an address") };
        options.request_timeout = Duration::from_secs(5);
        let options = TrackingOptions::new(Destination::Remote(options), folder.path(), Arc::new(SystemClock));
        Tracking::open(options).unwrap().experiments().is_ok()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The whole process group: the server starts workers.
        let _ = Command::new("kill").args(["-KILL", "--", &format!("-{}", self.child.id())]).status();
        let _ = self.child.wait();
    }
}
