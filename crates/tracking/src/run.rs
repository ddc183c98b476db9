//! A run: the handle through which a program logs.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use crate::{
    Clock, Error, Status, Summary, SystemMonitor,
    delivery::Outbox,
    entity::Extra,
    memory::Memory,
    record::{Record, encode_metrics},
    validate,
};

/// Metrics per record, so that the longest keys stay far below the limit of a record.
const METRICS_PER_RECORD: usize = 500;
/// Params or tags per record: 20 of the longest are 660 KB.
const PAIRS_PER_RECORD: usize = 20;
/// How long dropping an unfinished run waits for its delivery thread.
const DROP_TIMEOUT: Duration = Duration::from_secs(2);

/// A run that is being recorded. Cloning is cheap, and all clones are the same run; it can be used
/// from any thread.
///
/// The logging calls check their arguments, put a record into the spool and return; they never wait
/// for a server. When such a call returns, the record survives the death of the process.
///
/// When the last handle is dropped without [`Run::finish`], the run ends as KILLED, or as FAILED
/// where a panic drops it. A run whose process dies is marked KILLED by the next
/// [`Tracking::open`](crate::Tracking::open) on the same folder.
#[derive(Debug, Clone)]
pub struct Run {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    identity: Identity,
    clock: Arc<dyn Clock>,
    finish_timeout: Duration,
    backend: Backend,
    log: Mutex<Log>,
}

/// Who a run is; see the getters of [`Run`].
#[derive(Debug, Clone)]
pub(crate) struct Identity {
    pub(crate) run_id: String,
    /// The id that was minted here.
    pub(crate) client_id: String,
    pub(crate) experiment_id: Option<String>,
    pub(crate) run_name: String,
}

#[derive(Debug)]
pub(crate) enum Backend {
    Off,
    Console,
    Memory {
        memory: Memory,
        index: usize,
    },
    Spooled {
        outbox: Arc<Outbox>,
        /// The folder that artifacts are written to; `None`: the spool, for a server.
        artifacts: Option<PathBuf>,
    },
}

/// The state that logging calls change.
#[derive(Debug, Default)]
pub(crate) struct Log {
    pub(crate) params: HashMap<String, String>,
    finished: bool,
    /// Entries of the tag that lists a run's tables, as JSON.
    pub(crate) tables: Vec<String>,
    /// The step of the next sample of the machine.
    pub(crate) system_step: i64,
    /// Samples the machine as long as the run goes on.
    pub(crate) monitor: Option<SystemMonitor>,
}

/// A run that is not kept from ending by this.
#[derive(Debug)]
pub(crate) struct WeakRun(Weak<Inner>);

impl WeakRun {
    pub(crate) fn upgrade(&self) -> Option<Run> {
        self.0.upgrade().map(|inner| Run { inner })
    }
}

impl Log {
    /// Of a run that has these params already.
    pub(crate) fn with_params(params: impl IntoIterator<Item = (String, String)>) -> Self {
        Self { params: params.into_iter().collect(), ..Self::default() }
    }
}

impl Run {
    pub(crate) fn new(
        identity: Identity,
        clock: Arc<dyn Clock>,
        finish_timeout: Duration,
        backend: Backend,
        log: Log,
    ) -> Self {
        Self { inner: Arc::new(Inner { identity, clock, finish_timeout, backend, log: Mutex::new(log) }) }
    }

    /// The id of the run, 32 hexadecimal digits. For a server that could not be reached when the
    /// run started it is our own id, which the run there carries as the tag
    /// `dodge.client_run_id`; [`Summary::run_id`] has the server's.
    pub fn run_id(&self) -> &str {
        &self.inner.identity.run_id
    }

    pub(crate) fn client_id(&self) -> &str {
        &self.inner.identity.client_id
    }

    /// The id of the experiment, where it is known.
    pub fn experiment_id(&self) -> Option<&str> {
        self.inner.identity.experiment_id.as_deref()
    }

    /// The name of the run.
    pub fn run_name(&self) -> &str {
        &self.inner.identity.run_name
    }

    /// The folder in which the artifacts of this run are, for a run in the local store.
    pub fn artifact_folder(&self) -> Option<&Path> {
        match &self.inner.backend {
            Backend::Spooled { artifacts, .. } => artifacts.as_deref(),
            _ => None,
        }
    }

    /// Whether the run is recorded on a server, reached or not yet.
    pub fn is_on_server(&self) -> bool {
        matches!(self.inner.backend, Backend::Spooled { artifacts: None, .. })
    }

    /// Logs one value of a metric at `step`. NaN and infinities are allowed.
    ///
    /// # Errors
    /// [`Error::Key`] for a key that MLflow refuses, [`Error::File`] if the spool cannot be
    /// written, [`Error::Finished`].
    pub fn log_metric(&self, key: &str, value: f64, step: i64) -> Result<(), Error> {
        self.log_metrics(&[(key, value)], step)
    }

    /// Logs values of several metrics at the same step and time.
    ///
    /// # Errors
    /// As [`Run::log_metric`]; with a bad key nothing is logged.
    pub fn log_metrics<K: AsRef<str>>(&self, values: &[(K, f64)], step: i64) -> Result<(), Error> {
        self.log_metrics_at(values, step, self.inner.clock.now_ms())
    }

    /// Logs values of several metrics at the same step, measured at `timestamp`, in milliseconds since
    /// 1970-01-01 UTC.
    ///
    /// # Errors
    /// As [`Run::log_metrics`]; [`Error::Value`] for a time before 1970.
    pub fn log_metrics_at<K: AsRef<str>>(&self, values: &[(K, f64)], step: i64, timestamp: i64) -> Result<(), Error> {
        for (key, _) in values {
            validate::key("metric", key.as_ref())?;
            validate::timestamp(key.as_ref(), timestamp)?;
        }
        let log = self.open_log()?;
        for part in values.chunks(METRICS_PER_RECORD) {
            match &self.inner.backend {
                // No copy of the keys: this is the call that is made a million times.
                Backend::Spooled { outbox, .. } => outbox.append_encoded(|out| {
                    encode_metrics(out, timestamp, step, part.iter().map(|(key, value)| (key.as_ref(), *value)));
                })?,
                _ => {
                    let values = part.iter().map(|(key, value)| (key.as_ref().to_owned(), *value));
                    self.submit(&log, Record::Metrics { timestamp, step, values: values.collect() })?;
                }
            }
        }
        Ok(())
    }

    /// Logs a param. A value longer than 6000 characters, which a server would cut, is split: its
    /// parts are the params `key`, `key.part2`, `key.part3` and so on, up to 20.
    ///
    /// # Errors
    /// As [`Run::log_params`].
    pub fn log_param(&self, key: &str, value: &str) -> Result<(), Error> {
        self.log_params(&[(key, value)])
    }

    /// Logs params. A param is written once; the same value again is no error.
    ///
    /// # Errors
    /// [`Error::Key`], [`Error::ParamChanged`] or, for a value of more than 20 parts, [`Error::Value`] (nothing of
    /// this call is logged then); [`Error::File`], [`Error::Finished`].
    pub fn log_params<K: AsRef<str>, V: AsRef<str>>(&self, params: &[(K, V)]) -> Result<(), Error> {
        let mut log = self.open_log()?;
        let mut new: Vec<(String, String)> = Vec::new();
        for (key, value) in params {
            validate::key("param", key.as_ref())?;
            for (key, value) in validate::parts("param", key.as_ref(), value.as_ref(), validate::MAX_PARAM_CHARS)? {
                let in_call = || new.iter().find(|(k, _)| *k == key).map(|(_, v)| v);
                match log.params.get(&key).or_else(in_call) {
                    None => new.push((key, value)),
                    Some(old) if *old == value => {}
                    Some(old) => return Err(Error::ParamChanged { old: old.clone(), key, new: value }),
                }
            }
        }
        for part in new.chunks(PAIRS_PER_RECORD) {
            self.submit(&log, Record::Params(part.to_vec()))?;
            log.params.extend(part.iter().cloned());
        }
        Ok(())
    }

    /// Sets a tag; the last value wins. A value longer than 8000 characters, which a server would cut,
    /// is split as that of a param; one of a tag whose key begins with `mlflow.` is refused.
    ///
    /// # Errors
    /// [`Error::Key`], [`Error::Value`], [`Error::File`], [`Error::Finished`].
    pub fn set_tag(&self, key: &str, value: &str) -> Result<(), Error> {
        self.set_tags(&[(key, value)])
    }

    /// Sets tags, in order.
    ///
    /// # Errors
    /// As [`Run::set_tag`]; with a bad key nothing is set.
    pub fn set_tags<K: AsRef<str>, V: AsRef<str>>(&self, tags: &[(K, V)]) -> Result<(), Error> {
        let mut pairs = Vec::new();
        for (key, value) in tags {
            validate::key("tag", key.as_ref())?;
            pairs.extend(validate::parts("tag", key.as_ref(), value.as_ref(), validate::MAX_TAG_CHARS)?);
        }
        let log = self.open_log()?;
        for part in pairs.chunks(PAIRS_PER_RECORD) {
            self.submit(&log, Record::Tags(part.to_vec()))?;
        }
        Ok(())
    }

    /// Sets the note that the page of the run shows, in Markdown: the tag `mlflow.note.content`.
    ///
    /// # Errors
    /// As [`Run::set_tag`].
    pub fn set_note(&self, markdown: &str) -> Result<(), Error> {
        self.set_tag("mlflow.note.content", markdown)
    }

    /// Waits until everything logged so far has arrived, for at most the finish timeout of the
    /// [`TrackingOptions`](crate::TrackingOptions).
    ///
    /// # Errors
    /// [`Error::Undelivered`] if it has not. The records stay in the spool and delivery goes on.
    pub fn flush(&self) -> Result<(), Error> {
        match &self.inner.backend {
            Backend::Spooled { outbox, .. } => outbox.flush(self.inner.finish_timeout),
            Backend::Off | Backend::Console | Backend::Memory { .. } => Ok(()),
        }
    }

    /// Ends the run for all its clones, and delivers what is left for at most the finish timeout.
    ///
    /// # Errors
    /// [`Error::Finished`] if it is finished already, [`Error::File`] if its end cannot be put into
    /// the spool. Undelivered or refused records are no error: see the [`Summary`].
    pub fn finish(&self, status: Status) -> Result<Summary, Error> {
        // Not under the lock: its last sample may want to be logged.
        let monitor = self.open_log()?.monitor.take();
        drop(monitor);
        let mut log = self.open_log()?;
        let end_time = self.inner.clock.now_ms();
        self.submit(&log, Record::End { status, end_time })?;
        log.finished = true;
        drop(log);
        let mut summary = Summary {
            run_id: self.run_id().to_owned(),
            status,
            delivered: 0,
            pending: 0,
            rejected: 0,
            rejections: Vec::new(),
            spool: None,
            last_error: None,
        };
        if let Backend::Spooled { outbox, .. } = &self.inner.backend {
            let outcome = outbox.close(self.inner.finish_timeout);
            if outcome.pending > 0 || outcome.rejected_count > 0 {
                let spool = outbox.folder.path();
                summary.spool = Some(spool.to_owned());
                tracing::warn!(pending = outcome.pending, rejected = outcome.rejected_count,
                    reason = outcome.last_error.as_deref(), spool = %spool.display(),
                    "not everything of the run was delivered; the spool keeps it");
            }
            summary.run_id = outcome.server_run_id.unwrap_or(summary.run_id);
            summary.delivered = outcome.delivered;
            summary.pending = outcome.pending;
            summary.rejected = outcome.rejected_count;
            summary.rejections = outcome.rejected;
            summary.last_error = outcome.last_error;
        }
        Ok(summary)
    }

    /// Lets go of the run for all its clones without ending it, as the death of the process would:
    /// another process, or this one, may go on with it ([`Tracking::resume_run`](crate::Tracking::resume_run)).
    ///
    /// What is undelivered after two seconds stays in the spool.
    ///
    /// # Errors
    /// [`Error::Finished`] if it has been finished.
    pub fn detach(&self) -> Result<(), Error> {
        let monitor = self.open_log()?.monitor.take();
        drop(monitor);
        self.open_log()?.finished = true;
        if let Backend::Spooled { outbox, .. } = &self.inner.backend {
            outbox.close(DROP_TIMEOUT);
        }
        Ok(())
    }

    pub(crate) fn downgrade(&self) -> WeakRun {
        WeakRun(Arc::downgrade(&self.inner))
    }

    /// Logs a sample of the machine, at the next step of those.
    pub(crate) fn log_system(&self, values: &[(String, f64)]) -> Result<(), Error> {
        let step = {
            let mut log = self.open_log()?;
            log.system_step += 1;
            log.system_step - 1
        };
        self.log_metrics(values, step)
    }

    pub(crate) fn now_ms(&self) -> i64 {
        self.inner.clock.now_ms()
    }

    pub(crate) fn backend(&self) -> &Backend {
        &self.inner.backend
    }

    /// Records what is written rarely.
    pub(crate) fn submit_extra(&self, extra: Extra) -> Result<(), Error> {
        let log = self.open_log()?;
        self.submit(&log, Record::Extra(Box::new(extra)))
    }

    /// The state that logging calls change; holding it keeps the run from being finished.
    pub(crate) fn open_log(&self) -> Result<MutexGuard<'_, Log>, Error> {
        let log = self.inner.log.lock().unwrap_or_else(PoisonError::into_inner);
        if log.finished {
            return Err(Error::Finished { run_id: self.run_id().to_owned() });
        }
        Ok(log)
    }

    pub(crate) fn submit(&self, _open: &MutexGuard<'_, Log>, record: Record) -> Result<(), Error> {
        match &self.inner.backend {
            Backend::Off => Ok(()),
            Backend::Console => {
                print_record(&record);
                Ok(())
            }
            Backend::Memory { memory, index } => {
                memory.record(*index, record);
                Ok(())
            }
            Backend::Spooled { outbox, .. } => outbox.append(&record),
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        let log = self.log.get_mut().unwrap_or_else(PoisonError::into_inner);
        log.monitor = None;
        if log.finished {
            return;
        }
        let status = if std::thread::panicking() { Status::Failed } else { Status::Killed };
        let end = Record::End { status, end_time: self.clock.now_ms() };
        match &self.backend {
            Backend::Off => {}
            Backend::Console => print_record(&end),
            Backend::Memory { memory, index } => memory.record(*index, end),
            Backend::Spooled { outbox, .. } => {
                let (run_id, status) = (&self.identity.run_id, status.as_str());
                tracing::warn!(run_id, status, "a tracked run was dropped without being finished");
                if let Err(error) = outbox.append(&end) {
                    tracing::warn!(run_id, %error, "the end of a tracked run cannot be recorded");
                }
                outbox.close(DROP_TIMEOUT);
            }
        }
    }
}

fn print_record(record: &Record) {
    let line = match record {
        Record::Metrics { step, values, .. } => {
            let values: Vec<String> = values.iter().map(|(k, v)| format!("{k}={v}")).collect();
            format!("step {step} {}", values.join(" "))
        }
        Record::Params(pairs) => format!("params {}", join(pairs)),
        Record::Tags(pairs) => format!("tags {}", join(pairs)),
        Record::End { status, .. } => format!("run {}", status.as_str()),
        Record::Extra(extra) => match &**extra {
            Extra::Dataset(dataset) => format!("dataset {} {}", dataset.name, dataset.digest),
            Extra::Model(model) => format!("model {}", model.options.name),
            Extra::Version(version) => format!("version of the registered model {}", version.name),
            Extra::ModelReady { .. } => return,
        },
        Record::Start(_) | Record::Artifact(_) | Record::Resume => return,
    };
    tracing::info!(target: "dodge::metrics", "{line}");
}

fn join(pairs: &[(String, String)]) -> String {
    let pairs: Vec<String> = pairs.iter().map(|(k, v)| format!("{k}={v}")).collect();
    pairs.join(" ")
}
