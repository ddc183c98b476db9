//! A stock MLflow server, where there is one on this machine.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::{http, skipped, wait_for};

/// The variable that names the `mlflow` executable.
const EXECUTABLE: &str = "DODGE_TEST_MLFLOW";

/// A first start makes or upgrades the database, on a machine that may be busy.
const START_LIMIT: Duration = Duration::from_secs(180);

/// A server process with all its children; killed when dropped.
#[derive(Debug)]
pub struct MlflowServer {
    child: Child,
    port: u16,
}

impl MlflowServer {
    /// The `mlflow` executable that the tests were given; without one, says that `test` is skipped.
    #[must_use]
    pub fn executable(test: &str) -> Option<OsString> {
        let executable = std::env::var_os(EXECUTABLE);
        if executable.is_none() {
            skipped(test, &format!("set {EXECUTABLE} to an mlflow executable to run it"));
        }
        executable
    }

    /// A port that nobody listens to at the moment.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn free_port() -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        listener.local_addr().expect("a bound port is known").port()
    }

    /// Starts `mlflow server` in `folder` with no flag but a port, and waits until it answers.
    ///
    /// # Panics
    /// When it ends, or does not answer in minutes.
    #[must_use]
    pub fn start(executable: &OsStr, folder: &Path) -> Self {
        Self::start_on(Self::free_port(), executable, folder)
    }

    /// [`MlflowServer::start`] on a given port.
    ///
    /// # Panics
    /// As [`MlflowServer::start`].
    #[must_use]
    pub fn start_on(port: u16, executable: &OsStr, folder: &Path) -> Self {
        let log = folder.join("server.log");
        let output = File::create(&log).expect("a log file can be made");
        let mut command = Command::new(executable);
        command.args(["server", "--port", &port.to_string()]).current_dir(folder);
        // Fewer processes, less memory; what is stored and served is the same.
        command.env("MLFLOW_SERVER_ENABLE_JOB_EXECUTION", "false").env("MLFLOW_WORKERS", "1");
        for name in ["MLFLOW_TRACKING_URI", "MLFLOW_BACKEND_STORE_URI", "MLFLOW_DEFAULT_ARTIFACT_ROOT"] {
            command.env_remove(name);
        }
        command.stdin(Stdio::null()).stderr(output.try_clone().expect("a file can be shared")).stdout(output);
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let child = command.spawn().expect("mlflow can be started");
        let mut server = Self { child, port };
        wait_for("an answer of mlflow", START_LIMIT, || {
            let ended = server.child.try_wait().expect("its state can be asked for");
            assert!(ended.is_none(), "mlflow ended: {}", std::fs::read_to_string(&log).unwrap_or_default());
            http::get(port, "/health").ok().filter(|reply| reply.status == 200)
        });
        server
    }

    /// Its address.
    #[must_use]
    pub fn uri(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The runs of an experiment, as the server's own search finds them.
    ///
    /// # Panics
    /// When the server does not know the experiment.
    #[must_use]
    pub fn runs(&self, experiment: &str) -> Vec<Value> {
        let found = self.get(&format!("/api/2.0/mlflow/experiments/get-by-name?experiment_name={experiment}"));
        let id = &found.json()["experiment"]["experiment_id"];
        let body = json!({ "experiment_ids": [id] });
        let reply = http::post(self.port, "/api/2.0/mlflow/runs/search", &body).expect("the server answers");
        reply.json()["runs"].as_array().cloned().unwrap_or_default()
    }

    /// What the server answers to a question of its API, `/api/2.0/mlflow/` left out.
    ///
    /// # Panics
    /// When it refuses.
    #[must_use]
    pub fn ask(&self, path: &str) -> Value {
        let reply = self.get(&format!("/api/2.0/mlflow/{path}"));
        assert_eq!(reply.status, 200, "{path}: {}", String::from_utf8_lossy(&reply.body));
        reply.json()
    }

    /// The logged models of an experiment, by its id.
    ///
    /// # Panics
    /// When the server does not answer.
    #[must_use]
    pub fn logged_models(&self, experiment_id: &str) -> Vec<Value> {
        let body = json!({ "experiment_ids": [experiment_id], "max_results": 100 });
        let reply = http::post(self.port, "/api/2.0/mlflow/logged-models/search", &body).expect("the server answers");
        reply.json()["models"].as_array().cloned().unwrap_or_default()
    }

    /// The bytes of an artifact, as its page downloads them.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn artifact(&self, run_id: &str, path: &str) -> Vec<u8> {
        let reply = self.get(&format!("/get-artifact?run_id={run_id}&path={path}"));
        assert_eq!(reply.status, 200, "{path}: {}", String::from_utf8_lossy(&reply.body));
        reply.body
    }

    /// The paths of all artifacts of a run, sorted.
    ///
    /// # Panics
    /// When they cannot be listed.
    #[must_use]
    pub fn artifacts(&self, run_id: &str) -> Vec<String> {
        let mut paths = Vec::new();
        let mut folders = vec![String::new()];
        while let Some(folder) = folders.pop() {
            let reply = self.get(&format!("/api/2.0/mlflow/artifacts/list?run_id={run_id}&path={folder}"));
            for file in reply.json()["files"].as_array().into_iter().flatten() {
                let path = file["path"].as_str().unwrap_or_default().to_owned();
                if file["is_dir"] == true { folders.push(path) } else { paths.push(path) }
            }
        }
        paths.sort();
        paths
    }

    /// Steps and values of a metric of a run, in the order of steps.
    ///
    /// # Panics
    /// When they cannot be read.
    #[must_use]
    pub fn history(&self, run_id: &str, key: &str) -> Vec<(i64, f64)> {
        let reply = self.get(&format!("/api/2.0/mlflow/metrics/get-history?run_id={run_id}&metric_key={key}"));
        let point = |metric: &Value| Some((metric["step"].as_i64()?, metric["value"].as_f64()?));
        let mut points: Vec<_> = reply.json()["metrics"].as_array().into_iter().flatten().filter_map(point).collect();
        points.sort_by_key(|(step, _)| *step);
        points
    }

    fn get(&self, path: &str) -> http::Reply {
        http::get(self.port, path).expect("the server answers")
    }
}

impl Drop for MlflowServer {
    fn drop(&mut self) {
        // The whole process group: the server starts workers.
        let group = format!("-{}", self.child.id());
        let _ = Command::new("kill").args(["-KILL", "--", &group]).status();
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
