//! A real MLflow server, for one test.

use std::{
    fs::File,
    io::Write,
    net::TcpListener,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use reqwest::blocking::Client;
use serde_json::Value;

use crate::stub::{Reply, Request};

const EXECUTABLE: &str = "DODGE_TEST_MLFLOW";
/// A first start makes or upgrades the database, on a machine that may be busy.
const START_TIMEOUT: Duration = Duration::from_secs(180);

pub(super) fn mlflow(test: &str) -> Option<PathBuf> {
    let path = std::env::var_os(EXECUTABLE).map(PathBuf::from);
    if path.is_none() {
        // Not `eprintln!`, which the test harness keeps to itself when a test passes.
        let line = format!("SKIPPED: {test}: set {EXECUTABLE} to an mlflow executable to run it\n");
        std::io::stderr().write_all(line.as_bytes()).unwrap();
    }
    path
}

/// A server process with all its children; killed when dropped.
pub(super) struct Server {
    child: Child,
    pub(super) uri: String,
    folder: PathBuf,
    port: u16,
    client: Client,
}

impl Server {
    /// `mlflow server` in `folder`, with no option but the port.
    pub(super) fn start(executable: &Path, folder: &Path) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        Self::start_on(port, executable, folder)
    }

    pub(super) fn start_on(port: u16, executable: &Path, folder: &Path) -> Self {
        let log = File::create(folder.join("server.log")).unwrap();
        let child = Command::new(executable)
            .args(["server", "--port", &port.to_string()])
            .current_dir(folder)
            // Fewer processes, which take seconds each to start; what is stored and served is the same.
            .env("MLFLOW_SERVER_ENABLE_JOB_EXECUTION", "false")
            .env("MLFLOW_WORKERS", "1")
            .env_remove("MLFLOW_TRACKING_URI")
            .env_remove("MLFLOW_BACKEND_STORE_URI")
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .process_group(0)
            .spawn()
            .unwrap();
        // The HTTP client of this test wants one even if it never meets TLS.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder().tls_certs_only([]).timeout(Duration::from_secs(60));
        let mut server = Self {
            child,
            uri: format!("http://127.0.0.1:{port}"),
            folder: folder.to_owned(),
            port,
            client: client.build().unwrap(),
        };
        server.wait_until_healthy(folder);
        server
    }

    /// Kills it as a crash would; what it needs to start again.
    pub(super) fn kill(self) -> (u16, PathBuf) {
        (self.port, self.folder.clone())
    }

    /// What it answers to a request that somebody else took for it.
    pub(super) fn forward(&self, request: &Request) -> Reply {
        let url = format!("{}{}?{}", self.uri, request.path, request.query);
        let method = reqwest::Method::from_bytes(request.method.as_bytes()).unwrap();
        let mut forwarded = self.client.request(method, url).body(request.body.clone());
        if let Some(kind) = request.headers.get("content-type") {
            forwarded = forwarded.header("content-type", kind);
        }
        match forwarded.send() {
            Ok(reply) => Reply::Raw(reply.status().as_u16(), "", reply.bytes().unwrap().to_vec()),
            Err(_) => Reply::HangUp,
        }
    }

    fn wait_until_healthy(&mut self, folder: &Path) {
        let started = Instant::now();
        let health = format!("{}/health", self.uri);
        while !self.client.get(&health).send().is_ok_and(|reply| reply.status().is_success()) {
            let exited = self.child.try_wait().unwrap();
            let log = || std::fs::read_to_string(folder.join("server.log")).unwrap();
            assert!(exited.is_none(), "the server stopped: {}", log());
            assert!(started.elapsed() < START_TIMEOUT, "no answer: {}", log());
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    pub(super) fn post(&self, call: &str, body: &Value) -> Value {
        let url = format!("{}/api/2.0/mlflow/{call}", self.uri);
        let request = self.client.post(url).header("content-type", "application/json");
        let text = request.body(body.to_string()).send().unwrap().text().unwrap();
        serde_json::from_str(&text).unwrap()
    }

    pub(super) fn get(&self, path: &str) -> String {
        let reply = self.client.get(format!("{}/{path}", self.uri)).send().unwrap();
        assert!(reply.status().is_success(), "{path}: {}", reply.status());
        reply.text().unwrap()
    }

    pub(super) fn get_json(&self, path: &str) -> Value {
        serde_json::from_str(&self.get(path)).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The whole process group: the server starts workers.
        let group = format!("-{}", self.child.id());
        let _ = Command::new("kill").args(["-KILL", "--", &group]).status();
        let _ = self.child.wait();
    }
}
