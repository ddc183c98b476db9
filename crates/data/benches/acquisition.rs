//! A thousand clients that ask the acquisition service for a job at the same time, while jobs run.
//!
//! `cargo xtask bench acquisition` prints how long answers took, over ten rounds. `--clients N` chooses another number.
#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use dodge_data::{Acquire, AcquisitionService, Error, JobState, JobStatus, JobWatch, ServiceOptions};
use serde_json::json;

const ROUNDS: usize = 10;

/// A dataset that never ends, and tells how far it is all the time.
struct Endless;

impl Acquire for Endless {
    fn folder(&self, dataset_id: &str) -> Option<PathBuf> {
        Some(dataset_id.into())
    }

    fn acquire(&self, _: &str, watch: &JobWatch) -> Result<String, Error> {
        let mut done = 0;
        while !watch.is_cancelled() {
            done += 1;
            watch.progress(done, None);
            thread::sleep(Duration::from_millis(1));
        }
        Err(Error::Cancelled)
    }

    fn hash(&self, _: &Path) -> Result<String, Error> {
        Ok(String::new())
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let given = arguments.iter().skip_while(|argument| *argument != "--clients").nth(1);
    let clients = given.map_or(1000, |text| text.parse().expect("a number follows"));
    let volume = tempfile::tempdir().expect("a temporary folder can be made");
    let mut options = ServiceOptions::new(volume.path());
    options.address.set_port(0);
    let running = options.concurrent_jobs;
    let service = AcquisitionService::start(options, Arc::new(Endless)).expect("the service starts");
    let url = format!("http://{}/v1/acquisition", service.address());
    // An error means that it is installed already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime can be made");
    let mut times = runtime.block_on(async {
        let http = reqwest::Client::new();
        let mut job = String::new();
        for index in 0..running {
            let request = http.post(&url).json(&json!({ "dataset_id": format!("d{index}") }));
            let status: JobStatus = request.send().await.expect("an answer").json().await.expect("a job");
            job = status.job_uuid;
        }
        let mut times = Vec::new();
        for _ in 0..ROUNDS {
            let mut asked = tokio::task::JoinSet::new();
            for _ in 0..clients {
                let request = http.get(format!("{url}/jobs/{job}"));
                asked.spawn(async move {
                    let start = Instant::now();
                    let status: JobStatus = request.send().await.expect("an answer").json().await.expect("a job");
                    assert!(matches!(status.status, JobState::New | JobState::Running));
                    start.elapsed()
                });
            }
            times.extend(asked.join_all().await);
        }
        times
    });
    service.stop();
    times.sort();
    let at = |share: f64| 1e3 * times[((times.len() - 1) as f64 * share) as usize].as_secs_f64();
    println!("{clients} clients at a time, {ROUNDS} rounds, {running} jobs running, no error");
    println!("| p50, ms | p99, ms | slowest, ms |\n|---|---|---|");
    println!("| {:.1} | {:.1} | {:.1} |", at(0.5), at(0.99), at(1.0));
}
