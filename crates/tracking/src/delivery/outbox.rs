//! What a live run has logged and has not delivered, and the thread that delivers it.

use std::{
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use super::{courier::Courier, pace::Pace, sink::SinkError};
use crate::{
    Error, Rejection,
    record::Record,
    spool::{SpoolFolder, SpoolWriter},
};

/// How long past its deadline a delivery thread is waited for.
const STOP_GRACE: Duration = Duration::from_millis(200);
/// How many rejections a summary lists; `rejected.txt` has them all.
const MAX_LISTED: usize = 100;

/// The state that logging calls and the delivery thread of one run share.
#[derive(Debug)]
pub(crate) struct Outbox {
    pub(crate) folder: SpoolFolder,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    writer: SpoolWriter,
    appended: u64,
    delivered: u64,
    /// Deliver at once until this many records have arrived.
    urgent: u64,
    closing: Option<Closing>,
    stopped: bool,
    last_error: Option<String>,
    rejected_count: u64,
    rejected: Vec<Rejection>,
    server_run_id: Option<String>,
    complete: bool,
}

#[derive(Debug, Clone, Copy)]
struct Closing {
    deadline: Instant,
}

/// What became of the records of a run.
#[derive(Debug, Clone)]
pub(crate) struct Outcome {
    pub(crate) delivered: u64,
    pub(crate) pending: u64,
    pub(crate) rejected_count: u64,
    pub(crate) rejected: Vec<Rejection>,
    pub(crate) last_error: Option<String>,
    pub(crate) server_run_id: Option<String>,
}

impl Outbox {
    /// `appended`: how many records the spool already holds, all undelivered.
    pub(crate) fn new(folder: SpoolFolder, writer: SpoolWriter, appended: u64) -> Self {
        Self {
            folder,
            state: Mutex::new(State {
                writer,
                appended,
                delivered: 0,
                urgent: 0,
                closing: None,
                stopped: false,
                last_error: None,
                rejected_count: 0,
                rejected: Vec::new(),
                server_run_id: None,
                complete: false,
            }),
            changed: Condvar::new(),
        }
    }

    /// Puts a record into the spool. It is safe from `kill -9` when this returns.
    pub(crate) fn append(&self, record: &Record) -> Result<(), Error> {
        self.append_encoded(|out| record.encode(out))
    }

    /// [`Outbox::append`] of a record that `encode` writes.
    pub(crate) fn append_encoded(&self, encode: impl FnOnce(&mut Vec<u8>)) -> Result<(), Error> {
        let mut state = self.lock();
        let before = state.writer.written();
        let result = state.writer.append_encoded(encode);
        if state.writer.written() > before {
            // A thread that already has work wakes up by itself; waking it at every call is not free.
            let idle = state.delivered == state.appended;
            state.appended += 1;
            drop(state);
            if idle {
                self.changed.notify_all();
            }
        }
        result.map_err(|error| Error::file("write", self.folder.records())(error))
    }

    /// Waits until everything appended so far has arrived.
    pub(crate) fn flush(&self, timeout: Duration) -> Result<(), Error> {
        let deadline = Instant::now() + timeout;
        let mut state = self.lock();
        let target = state.appended;
        state.urgent = state.urgent.max(target);
        self.changed.notify_all();
        while state.delivered < target {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() || state.stopped {
                return Err(Error::Undelivered {
                    pending: target - state.delivered,
                    spool: self.folder.path().to_owned(),
                    reason: state.last_error.clone(),
                });
            }
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        Ok(())
    }

    /// Lets the thread deliver the rest, for at most `timeout`, and waits for it.
    pub(crate) fn close(&self, timeout: Duration) -> Outcome {
        let deadline = Instant::now() + timeout;
        let mut state = self.lock();
        state.closing = Some(Closing { deadline });
        self.changed.notify_all();
        while !state.stopped {
            // The thread looks at the same deadline and needs a moment to stop. A request that is
            // under way may take much longer; nobody waits for it.
            let left = (deadline + STOP_GRACE).saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        if state.stopped {
            // The thread may hold on to the folder for a moment; who recovers it need not wait.
            self.folder.release();
        }
        Outcome {
            delivered: state.delivered,
            pending: if state.complete { 0 } else { state.appended - state.delivered },
            rejected_count: state.rejected_count,
            rejected: state.rejected.clone(),
            last_error: state.last_error.clone(),
            server_run_id: state.server_run_id.clone(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic while the lock was held leaves counters that are still true.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The delivery thread of one run.
pub(crate) struct Worker {
    outbox: Arc<Outbox>,
    courier: Courier,
    pace: Pace,
}

impl Worker {
    /// Starts the thread. It ends when the outbox is closed and empty, or out of time.
    pub(crate) fn spawn(outbox: Arc<Outbox>, courier: Courier, pace: Pace) -> Result<(), Error> {
        let path = outbox.folder.path().to_owned();
        let worker = Self { outbox, courier, pace };
        std::thread::Builder::new()
            .name("dodge-tracking".to_owned())
            .spawn(move || worker.run())
            .map(drop)
            .map_err(Error::file("start a delivery thread for", path))
    }

    fn run(mut self) {
        // Also when a panic unwinds: nobody may wait for a thread that is gone.
        let _stopped = SetStopped(Arc::clone(&self.outbox));
        self.work();
        // Before the others hear of it: closing the database folds its log into the file.
        drop(self);
    }

    fn work(&mut self) {
        let mut failures = 0;
        while let Some((limit, appended)) = self.wait_for_work() {
            let outbox = Arc::clone(&self.outbox);
            let result = self.courier.deliver_until(limit, &mut |moved| {
                let mut state = outbox.lock();
                state.delivered += moved.records;
                state.rejected_count += moved.rejected.len() as u64;
                let room = MAX_LISTED.saturating_sub(state.rejected.len());
                state.rejected.extend(moved.rejected.into_iter().take(room));
                let out_of_time = state.closing.is_some_and(|closing| Instant::now() >= closing.deadline);
                drop(state);
                outbox.changed.notify_all();
                !out_of_time
            });
            let server_run_id = self.courier.ledger().progress.server_run_id.clone();
            match result {
                Ok(all) => {
                    if failures > 0 {
                        tracing::info!("tracking: delivery works again");
                    }
                    failures = 0;
                    let mut state = self.outbox.lock();
                    state.last_error = None;
                    state.server_run_id = server_run_id;
                    if all && state.delivered < appended {
                        // The file was damaged behind our back; waiting brings nothing back.
                        tracing::warn!(
                            records = appended - state.delivered,
                            "tracking: damaged records of the spool were stepped over"
                        );
                        state.delivered = appended;
                    }
                }
                Err(error) => {
                    failures += 1;
                    if !self.failed(&error, failures, server_run_id) {
                        return;
                    }
                }
            }
        }
        let progress = &self.courier.ledger().progress;
        if progress.ended {
            let mut state = self.outbox.lock();
            if state.delivered < state.appended {
                return;
            }
            if progress.rejected == 0
                && let Err(error) = self.outbox.folder.retire(self.pace.keep)
            {
                tracing::warn!(%error, spool = %self.outbox.folder.path().display(),
                    "cannot put a delivered spool aside");
            }
            state.complete = true;
        }
    }

    /// The offset to deliver up to and how many records lie before it, or `None` if the run is
    /// closed and there is nothing (more) to do. What comes after a quiet time is delivered at once; from then on
    /// records gather.
    fn wait_for_work(&self) -> Option<(u64, u64)> {
        let since = Instant::now();
        let mut state = self.outbox.lock();
        loop {
            let now = Instant::now();
            let work = state.delivered < state.appended;
            if let Some(closing) = state.closing {
                return (work && now < closing.deadline).then(|| (state.writer.written(), state.appended));
            }
            let wait = if work {
                let left = self.pace.interval.saturating_sub(now - since);
                if left.is_zero() || state.urgent > state.delivered {
                    return Some((state.writer.written(), state.appended));
                }
                left
            } else {
                Duration::from_secs(3600)
            };
            state = self.wait(state, wait);
        }
    }

    /// Notes a failure and waits before the next attempt. False: give up, for now or for good.
    fn failed(&self, error: &SinkError, failures: u32, server_run_id: Option<String>) -> bool {
        if failures == 1 || failures.is_power_of_two() {
            tracing::warn!(
                failures,
                reason = error.reason(),
                "tracking: delivery failed; records are kept in the spool"
            );
        }
        let mut state = self.outbox.lock();
        state.last_error = Some(error.reason().to_owned());
        state.server_run_id = server_run_id;
        if matches!(error, SinkError::Stopped { .. }) {
            return false;
        }
        let until = Instant::now() + self.pace.delay(failures, error);
        loop {
            let now = Instant::now();
            if state.closing.is_some_and(|closing| now >= closing.deadline) {
                return false;
            }
            let mut left = until.saturating_duration_since(now);
            if let Some(closing) = state.closing {
                // Denied stays denied: finishing does not wait for a person.
                if matches!(error, SinkError::Denied { .. }) {
                    return false;
                }
                left = left.min(closing.deadline.saturating_duration_since(now));
            }
            if left.is_zero() {
                return true;
            }
            state = self.wait(state, left);
        }
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>, time: Duration) -> MutexGuard<'a, State> {
        self.outbox.changed.wait_timeout(state, time).unwrap_or_else(PoisonError::into_inner).0
    }
}

struct SetStopped(Arc<Outbox>);

impl Drop for SetStopped {
    fn drop(&mut self) {
        self.0.lock().stopped = true;
        self.0.changed.notify_all();
    }
}
