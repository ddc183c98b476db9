//! The jobs: which there are, which is next, and where each stands.

use std::collections::{HashMap, VecDeque};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use uuid::Uuid;

use super::job::{Job, Task};
use super::store::Store;
use crate::acquisition::messages::{JobState, JobStatus};

/// How often a job is begun; one that stops the service each time must not do so for ever.
const MAX_STARTS: u32 = 3;

/// Jobs that may wait or run. More are refused, so that nobody fills the memory.
const MAX_ACTIVE: usize = 1000;

/// Why a job was not taken in.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NotAdded {
    /// The same is being done by the job of this name.
    Active(String),
    TooMany,
    /// The database failed.
    Unsaved(String),
}

pub(super) struct Jobs {
    inner: Mutex<Inner>,
    changed: Condvar,
}

struct Inner {
    jobs: HashMap<String, Job>,
    /// Names in the order in which they came.
    order: VecDeque<String>,
    waiting: VecDeque<String>,
    /// Set for running jobs that are to stop.
    cancelled: HashMap<String, Arc<AtomicBool>>,
    stopping: bool,
    store: Store,
}

impl Jobs {
    /// Opens the database. Jobs that were waiting or running wait again; those that were begun too often have failed.
    pub(super) fn open(database: &Path) -> Result<Self, String> {
        let failed = |error: rusqlite::Error| format!("the jobs in {} cannot be read: {error}", database.display());
        let store = Store::open(database).map_err(failed)?;
        let mut inner = Inner {
            jobs: HashMap::new(),
            order: VecDeque::new(),
            waiting: VecDeque::new(),
            cancelled: HashMap::new(),
            stopping: false,
            store,
        };
        for mut job in inner.store.load().map_err(failed)? {
            let uuid = job.status.job_uuid.clone();
            if !job.status.status.is_over() {
                if job.starts >= MAX_STARTS {
                    job.status.status = JobState::Failed;
                    job.status.error = Some(format!("the service stopped {MAX_STARTS} times while it worked on this"));
                } else {
                    job.status.status = JobState::New;
                    inner.waiting.push_back(uuid.clone());
                }
                inner.store.save(&job).map_err(failed)?;
            }
            inner.order.push_back(uuid.clone());
            inner.jobs.insert(uuid, job);
        }
        Ok(Self { inner: Mutex::new(inner), changed: Condvar::new() })
    }

    /// A job that panicked has left the lists whole: they change in single steps.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a job in, unless the same is already waiting or running.
    pub(super) fn add(&self, task: Task) -> Result<JobStatus, NotAdded> {
        let mut inner = self.lock();
        let mut active = inner.jobs.values().filter(|job| !job.status.status.is_over());
        if let Some(job) = active.find(|job| job.task.clashes_with(&task)) {
            return Err(NotAdded::Active(job.status.job_uuid.clone()));
        }
        if inner.waiting.len() >= MAX_ACTIVE {
            return Err(NotAdded::TooMany);
        }
        let (dataset_id, destination) = match &task {
            Task::Fetch { dataset_id } => (Some(dataset_id.clone()), None),
            Task::Copy { dataset_id, destination, .. } => (dataset_id.clone(), Some(destination.display().to_string())),
        };
        let status = JobStatus {
            job_uuid: Uuid::new_v4().to_string(),
            status: JobState::New,
            resulting_hash: None,
            destination_directory: destination,
            dataset_id,
            bytes_done: 0,
            bytes_total: None,
            error: None,
        };
        let job = Job { task, status: status.clone(), starts: 0 };
        inner.store.save(&job).map_err(|error| NotAdded::Unsaved(error.to_string()))?;
        inner.order.push_back(status.job_uuid.clone());
        inner.waiting.push_back(status.job_uuid.clone());
        inner.jobs.insert(status.job_uuid.clone(), job);
        inner.forget_the_oldest();
        self.changed.notify_one();
        Ok(status)
    }

    pub(super) fn get(&self, uuid: &str) -> Option<JobStatus> {
        self.lock().jobs.get(uuid).map(|job| job.status.clone())
    }

    /// All jobs, the latest first.
    pub(super) fn list(&self) -> Vec<JobStatus> {
        let inner = self.lock();
        inner.order.iter().rev().filter_map(|uuid| inner.jobs.get(uuid)).map(|job| job.status.clone()).collect()
    }

    /// Waits for a job and marks it as running; none when the service stops.
    pub(super) fn next(&self) -> Option<(String, Task, Arc<AtomicBool>)> {
        let mut inner = self.lock();
        loop {
            if inner.stopping {
                return None;
            }
            if let Some(uuid) = inner.waiting.pop_front() {
                let flag = Arc::new(AtomicBool::new(false));
                inner.cancelled.insert(uuid.clone(), flag.clone());
                inner.change(&uuid, |job| {
                    job.starts += 1;
                    job.status.status = JobState::Running;
                });
                let task = inner.jobs[&uuid].task.clone();
                return Some((uuid, task, flag));
            }
            inner = self.changed.wait(inner).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// How far a job is; not written to the database.
    pub(super) fn progress(&self, uuid: &str, done: u64, total: Option<u64>) {
        if let Some(job) = self.lock().jobs.get_mut(uuid) {
            (job.status.bytes_done, job.status.bytes_total) = (done, total);
        }
    }

    /// The end of a job: its hash, or why there is none.
    pub(super) fn finish(&self, uuid: &str, result: Result<String, String>) {
        let mut inner = self.lock();
        inner.cancelled.remove(uuid);
        inner.change(uuid, |job| match result {
            Ok(hash) => {
                job.status.status = JobState::Completed;
                job.status.resulting_hash = Some(hash);
            }
            Err(reason) => {
                job.status.status = JobState::Failed;
                job.status.error = Some(reason);
            }
        });
    }

    /// Stops a job, or takes it out of the line. None when there is no such job; a finished one stays as it is.
    pub(super) fn cancel(&self, uuid: &str) -> Option<JobStatus> {
        let mut inner = self.lock();
        if inner.waiting.contains(&uuid.to_owned()) {
            inner.waiting.retain(|other| other != uuid);
            inner.change(uuid, |job| {
                job.status.status = JobState::Failed;
                job.status.error = Some("cancelled".into());
            });
        } else if let Some(flag) = inner.cancelled.get(uuid) {
            flag.store(true, Ordering::Relaxed);
        }
        inner.jobs.get(uuid).map(|job| job.status.clone())
    }

    /// No job is begun any more, and those that run are to stop.
    pub(super) fn stop(&self) {
        let mut inner = self.lock();
        inner.stopping = true;
        inner.cancelled.values().for_each(|flag| flag.store(true, Ordering::Relaxed));
        self.changed.notify_all();
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.lock().stopping
    }
}

impl Inner {
    fn change(&mut self, uuid: &str, change: impl FnOnce(&mut Job)) {
        let Some(job) = self.jobs.get_mut(uuid) else { return };
        change(job);
        if let Err(error) = self.store.save(job) {
            tracing::warn!("job {uuid} could not be written down: {error}");
        }
    }

    /// Keeps as many finished jobs as the database does.
    fn forget_the_oldest(&mut self) {
        while self.order.len() > 2 * MAX_ACTIVE {
            let over = |uuid: &String| self.jobs.get(uuid).is_none_or(|job| job.status.status.is_over());
            let Some(place) = self.order.iter().position(over) else { return };
            if let Some(uuid) = self.order.remove(place) {
                self.jobs.remove(&uuid);
            }
        }
    }
}
