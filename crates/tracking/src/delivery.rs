//! Carries records from a spool to where they belong, in the background, and never loses one.
//!
//! A [`Courier`] moves what a spool holds into a [`Sink`] and notes in the ledger how far it came.
//! A [`Worker`] runs a courier on a thread of its own for a live run. Recovery and sync run one on
//! the caller's thread.

use std::{
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use crate::{
    Error, Rejection,
    record::Record,
    spool::{Frame, Ledger, SpoolFolder, SpoolReader, SpoolWriter},
};

/// Longest wait between two attempts.
const MAX_BACKOFF: Duration = Duration::from_secs(30);
/// How many records are read from the spool at a time.
const READ_AHEAD: usize = 8192;
/// How long past its deadline a delivery thread is waited for.
const STOP_GRACE: Duration = Duration::from_millis(200);
/// How many rejections a summary lists; `rejected.txt` has them all.
const MAX_LISTED: usize = 100;

/// Where records go.
pub(crate) trait Sink: Send {
    /// Delivers records from the front of `records` (never empty), in order, and says how many
    /// (at least one). After an error nothing of this call counts as delivered; delivering a
    /// record twice must do no harm.
    fn deliver(&mut self, records: &[Record], ledger: &mut Ledger) -> Result<Delivered, SinkError>;

    /// The ledger says that `records` have been delivered and none refused: what they needed may go.
    fn acknowledged(&mut self, _records: &[Record]) {}
}

#[derive(Debug, Default)]
pub(crate) struct Delivered {
    pub(crate) records: usize,
    pub(crate) rejected: Vec<Rejection>,
}

/// Why a sink took nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SinkError {
    /// It may work later, after the time the server asked for.
    Retry { reason: String, after: Option<Duration> },
    /// What answers is no MLflow server, at least not now: a proxy's page, for example. Worth repeating while a run goes
    /// on, a mistake in the address where one starts.
    Strange { reason: String },
    /// It will not work until a person does something (credentials).
    Denied { reason: String },
    /// It will never work (the run was deleted on the server).
    Stopped { reason: String },
}

impl SinkError {
    pub(crate) fn retry(reason: impl Into<String>) -> Self {
        Self::Retry { reason: reason.into(), after: None }
    }

    pub(crate) fn reason(&self) -> &str {
        match self {
            Self::Retry { reason, .. }
            | Self::Strange { reason }
            | Self::Denied { reason }
            | Self::Stopped { reason } => reason,
        }
    }
}

/// How often and how long to retry.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    /// How long records may gather before they are delivered together.
    pub(crate) interval: Duration,
    /// The wait before the second retry; it doubles from then on.
    pub(crate) backoff: Duration,
    /// How many bytes of delivered records are kept.
    pub(crate) keep: u64,
}

impl Pace {
    /// The wait before retry number `failures` (1, 2, ...): none before the first, as a dropped
    /// keep-alive connection is the commonest failure.
    pub(crate) fn delay(self, failures: u32, error: &SinkError) -> Duration {
        if let SinkError::Retry { after: Some(after), .. } = error {
            return *after;
        }
        let doublings = failures.saturating_sub(2).min(16);
        let exact = match failures {
            0 | 1 => Duration::ZERO,
            _ => self.backoff.saturating_mul(1 << doublings).min(MAX_BACKOFF),
        };
        // A random quarter more, lest a hundred runs return to a restarted server at once.
        let random = uuid::Uuid::new_v4().as_u128() % 256;
        exact + exact.mul_f64(random as f64 / 1024.0)
    }
}

/// A spool, its ledger and the sink it is delivered to.
pub(crate) struct Courier {
    reader: SpoolReader,
    ledger: Ledger,
    sink: Box<dyn Sink>,
}

#[derive(Debug, Default)]
pub(crate) struct Moved {
    pub(crate) records: u64,
    pub(crate) rejected: Vec<Rejection>,
}

impl Courier {
    /// `reader` may stand anywhere; it is moved to where the ledger says.
    pub(crate) fn new(mut reader: SpoolReader, ledger: Ledger, sink: Box<dyn Sink>) -> Self {
        reader.seek(ledger.progress.delivered);
        Self { reader, ledger, sink }
    }

    pub(crate) fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    pub(crate) fn skipped_bytes(&self) -> u64 {
        self.reader.skipped()
    }

    /// Delivers everything before the offset `limit`, calling `moved` after each step; `moved`
    /// returns whether to go on. False: it did not go on to the end.
    pub(crate) fn deliver_until(
        &mut self,
        limit: u64,
        moved: &mut dyn FnMut(Moved) -> bool,
    ) -> Result<bool, SinkError> {
        self.reader.seek(self.ledger.progress.delivered);
        loop {
            let frames = self.reader.read(limit, READ_AHEAD).map_err(|error| SinkError::retry(error.to_string()))?;
            if frames.is_empty() {
                return Ok(true);
            }
            let (records, ends): (Vec<Record>, Vec<u64>) =
                frames.into_iter().map(|Frame { record, end }| (record, end)).unzip();
            let mut done = 0;
            while done < records.len() {
                let delivered = self.sink.deliver(&records[done..], &mut self.ledger)?;
                let next = (done + delivered.records.max(1)).min(records.len());
                self.ledger.progress.delivered = ends[next - 1];
                self.ledger.progress.ended = ended(self.ledger.progress.ended, &records[done..next]);
                for rejection in &delivered.rejected {
                    tracing::warn!(item = %rejection.item, reason = %rejection.reason,
                        "the tracking server refused an item; it stays in the spool");
                    self.ledger.note_rejected(&rejection.item, &rejection.reason);
                }
                // An unsaved ledger only means that this part may be delivered again.
                if let Err(error) = self.ledger.save() {
                    tracing::warn!(%error, "cannot note the progress of tracking");
                } else if delivered.rejected.is_empty() {
                    self.sink.acknowledged(&records[done..next]);
                }
                let go_on = moved(Moved { records: (next - done) as u64, rejected: delivered.rejected });
                done = next;
                if !go_on {
                    return Ok(false);
                }
            }
        }
    }
}

/// Whether a run has ended behind `records`, where it had `before` them or not: a run may go on after its end.
pub(crate) fn ended(before: bool, records: &[Record]) -> bool {
    records.iter().fold(before, |ended, record| match record {
        Record::End { .. } => true,
        Record::Resume => false,
        _ => ended,
    })
}

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
