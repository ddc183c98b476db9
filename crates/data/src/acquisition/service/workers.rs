//! The threads that do the jobs.

use std::fmt;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::job::Task;
use super::job_watch::JobWatch;
use super::jobs::Jobs;
use super::{Shared, copy};
use crate::Error;

pub(super) struct Workers {
    jobs: Arc<Jobs>,
    grace: Duration,
    threads: Vec<JoinHandle<()>>,
}

impl fmt::Debug for Workers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Workers").field("threads", &self.threads.len()).finish_non_exhaustive()
    }
}

impl Workers {
    pub(super) fn start(count: usize, grace: Duration, shared: &Arc<Shared>) -> Self {
        let work = |_| {
            let shared = shared.clone();
            thread::spawn(move || {
                while let Some((uuid, task, cancelled)) = shared.jobs.next() {
                    let watch = JobWatch::new(uuid, shared.jobs.clone(), cancelled);
                    run(&shared, &task, &watch);
                }
            })
        };
        let threads = (0..count).map(work).collect();
        Self { jobs: shared.jobs.clone(), grace, threads }
    }

    /// Asks all jobs to stop, and waits as long as the grace lasts.
    pub(super) fn stop(&mut self) {
        self.jobs.stop();
        let deadline = Instant::now() + self.grace;
        while self.threads.iter().any(|thread| !thread.is_finished()) && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(10));
        }
        for thread in self.threads.drain(..).filter(JoinHandle::is_finished) {
            // Panics of jobs are caught below.
            let _ = thread.join();
        }
    }
}

fn run(shared: &Shared, task: &Task, watch: &JobWatch) {
    let Shared { acquire, jobs, metrics, volume, .. } = shared;
    let start = Instant::now();
    let done = panic::catch_unwind(AssertUnwindSafe(|| match task {
        Task::Fetch { dataset_id } => acquire.acquire(dataset_id, watch),
        Task::Copy { source, destination, .. } => {
            copy::copy_folder(volume, source, destination, watch)?;
            acquire.hash(&volume.join(destination))
        }
    }));
    // What stopped only because the service does stays as it is in the database, and goes on at the next start.
    if jobs.is_stopping() && !matches!(done, Ok(Ok(_))) {
        return;
    }
    let result = match done {
        Ok(Ok(hash)) => Ok(hash),
        Ok(Err(_)) if watch.is_cancelled() => Err("cancelled".to_owned()),
        Ok(Err(error)) => Err(chain(&error)),
        Err(_) => Err("the service made a mistake (a panic); its log says more".to_owned()),
    };
    let dataset = match task {
        Task::Fetch { dataset_id } => dataset_id.as_str(),
        Task::Copy { dataset_id, .. } => dataset_id.as_deref().unwrap_or("none"),
    };
    metrics.job(dataset, if result.is_ok() { "completed" } else { "failed" }, start.elapsed());
    jobs.finish(watch.uuid(), result);
}

/// The error and what it came from, in one line.
fn chain(error: &Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}
