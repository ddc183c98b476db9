//! A run: the handle through which a program logs.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::{
    Clock, Error, StageTimer, Status,
    delivery::Outbox,
    image::IMAGE_FOLDER,
    memory::Memory,
    record::Record,
    spool::{copy_atomic, write_atomic},
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
/// A run that is dropped without [`Run::finish`] stays open, as after a crash; the next
/// [`Tracking::open`](crate::Tracking::open) on the same folder marks it KILLED.
#[derive(Debug, Clone)]
pub struct Run {
    inner: Arc<Inner>,
}

/// What became of a run's records when it was finished.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Summary {
    /// The id under which the run is found at its destination.
    pub run_id: String,
    /// How the run ended.
    pub status: Status,
    /// Records that arrived at the destination.
    pub delivered: u64,
    /// Records that wait in the spool for the next sync.
    pub pending: u64,
    /// Items (metrics, params, tags, artifacts) that the server refused for good.
    pub rejected: u64,
    /// The first of the refused items.
    pub rejections: Vec<Rejection>,
    /// The folder that still holds records, if one does.
    pub spool: Option<PathBuf>,
    /// The last failure of delivery, if records are pending because of one.
    pub last_error: Option<String>,
}

impl Summary {
    /// Whether everything that was logged arrived.
    pub fn is_complete(&self) -> bool {
        self.pending == 0 && self.rejected == 0
    }
}

/// An item that a server refused for good.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rejection {
    /// What it is, for example ``metric `loss` ``.
    pub item: String,
    /// What the server said.
    pub reason: String,
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

#[derive(Debug, Default)]
struct Log {
    params: HashMap<String, String>,
    finished: bool,
}

impl Run {
    pub(crate) fn new(identity: Identity, clock: Arc<dyn Clock>, finish_timeout: Duration, backend: Backend) -> Self {
        Self { inner: Arc::new(Inner { identity, clock, finish_timeout, backend, log: Mutex::default() }) }
    }

    /// The id of the run, 32 hexadecimal digits. For a server that could not be reached when the
    /// run started it is our own id, which the run there carries as the tag
    /// `dodge.client_run_id`; [`Summary::run_id`] has the server's.
    pub fn run_id(&self) -> &str {
        &self.inner.identity.run_id
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
        for (key, _) in values {
            validate::key("metric", key.as_ref())?;
        }
        let timestamp = self.inner.clock.now_ms();
        let log = self.open_log()?;
        for part in values.chunks(METRICS_PER_RECORD) {
            let values = part.iter().map(|(key, value)| (key.as_ref().to_owned(), *value));
            self.submit(&log, Record::Metrics { timestamp, step, values: values.collect() })?;
        }
        Ok(())
    }

    /// Logs a param. Values longer than 6000 characters are cut, as a server does, with a warning.
    ///
    /// # Errors
    /// As [`Run::log_params`].
    pub fn log_param(&self, key: &str, value: &str) -> Result<(), Error> {
        self.log_params(&[(key, value)])
    }

    /// Logs params. A param is written once; the same value again is no error.
    ///
    /// # Errors
    /// [`Error::Key`], [`Error::ParamChanged`] (nothing of this call is logged then),
    /// [`Error::File`], [`Error::Finished`].
    pub fn log_params<K: AsRef<str>, V: AsRef<str>>(&self, params: &[(K, V)]) -> Result<(), Error> {
        let mut log = self.open_log()?;
        let mut new: Vec<(String, String)> = Vec::new();
        for (key, value) in params {
            let key = key.as_ref();
            validate::key("param", key)?;
            let limit = validate::MAX_PARAM_CHARS;
            let value = validate::truncated("param", key, value.as_ref(), limit);
            let in_call = || new.iter().find(|(k, _)| k == key).map(|(_, v)| v);
            match log.params.get(key).or_else(in_call) {
                None => new.push((key.to_owned(), value.into_owned())),
                Some(old) if *old == value => {}
                Some(old) => {
                    return Err(Error::ParamChanged { key: key.to_owned(), old: old.clone(), new: value.into_owned() });
                }
            }
        }
        for part in new.chunks(PAIRS_PER_RECORD) {
            self.submit(&log, Record::Params(part.to_vec()))?;
            log.params.extend(part.iter().cloned());
        }
        Ok(())
    }

    /// Sets a tag; the last value wins. Values longer than 8000 characters are cut with a warning.
    ///
    /// # Errors
    /// [`Error::Key`], [`Error::File`], [`Error::Finished`].
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
            let key = key.as_ref();
            validate::key("tag", key)?;
            let limit = validate::MAX_TAG_CHARS;
            let value = validate::truncated("tag", key, value.as_ref(), limit);
            pairs.push((key.to_owned(), value.into_owned()));
        }
        let log = self.open_log()?;
        for part in pairs.chunks(PAIRS_PER_RECORD) {
            self.submit(&log, Record::Tags(part.to_vec()))?;
        }
        Ok(())
    }

    /// Copies the file at `path` into the run, into its folder `folder` (`""`: the top).
    ///
    /// The copy is made before this returns: changing or deleting the file later does no harm.
    ///
    /// # Errors
    /// [`Error::ArtifactPath`] if the place in the run is not allowed, [`Error::File`] if the file
    /// cannot be read or copied, [`Error::Finished`].
    pub fn log_artifact_file(&self, path: &Path, folder: &str) -> Result<(), Error> {
        let name = path.file_name().and_then(|name| name.to_str());
        let name = name.ok_or_else(|| Error::ArtifactPath {
            path: path.display().to_string(),
            reason: "has no file name in UTF-8",
        })?;
        let inside = match folder.trim_end_matches('/') {
            "" => name.to_owned(),
            folder => format!("{folder}/{name}"),
        };
        self.log_artifact(&inside, &Content::File(path))
    }

    /// Writes `bytes` as the artifact `path` of the run, for example `reports/summary.json`.
    ///
    /// # Errors
    /// As [`Run::log_artifact_file`].
    pub fn log_artifact_bytes(&self, bytes: &[u8], path: &str) -> Result<(), Error> {
        self.log_artifact(path, &Content::Bytes(bytes))
    }

    /// Starts to measure a stage; see [`StageTimer`].
    pub fn time_stage(&self, stage: &str) -> StageTimer {
        StageTimer::start(self.clone(), stage)
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

    pub(crate) fn now_ms(&self) -> i64 {
        self.inner.clock.now_ms()
    }

    /// Stores a file whose name the image grid can parse; see [`Run::log_image`].
    pub(crate) fn log_in_image_folder(&self, path: &str, bytes: &[u8]) -> Result<(), Error> {
        self.store_artifact(path, &Content::Bytes(bytes))
    }

    fn log_artifact(&self, path: &str, content: &Content<'_>) -> Result<(), Error> {
        if path.starts_with(IMAGE_FOLDER) {
            return Err(Error::ArtifactPath {
                path: path.to_owned(),
                reason: "is in the folder of the image grid, which any other file would break: use `log_image` or another folder",
            });
        }
        self.store_artifact(path, content)
    }

    fn store_artifact(&self, path: &str, content: &Content<'_>) -> Result<(), Error> {
        validate::artifact_path(path)?;
        drop(self.open_log()?);
        match &self.inner.backend {
            Backend::Off => content.check(),
            Backend::Console => {
                content.check()?;
                tracing::info!(target: "dodge::metrics", "artifact {path}");
                Ok(())
            }
            Backend::Memory { memory, index } => {
                memory.artifact(*index, path, content.read()?);
                Ok(())
            }
            Backend::Spooled { artifacts: Some(folder), .. } => {
                let target = folder.join(path);
                if let Some(parent) = target.parent() {
                    fs::create_dir_all(parent).map_err(Error::file("create", parent))?;
                }
                content.write(&target)
            }
            Backend::Spooled { outbox, artifacts: None } => {
                let file = uuid::Uuid::new_v4().simple().to_string();
                content.write(&outbox.folder.file(&file))?;
                let path = path.to_owned();
                let log = self.open_log()?;
                self.submit(&log, Record::Artifact { path, file })
            }
        }
    }

    /// The state that logging calls change; holding it keeps the run from being finished.
    fn open_log(&self) -> Result<MutexGuard<'_, Log>, Error> {
        let log = self.inner.log.lock().unwrap_or_else(PoisonError::into_inner);
        if log.finished {
            return Err(Error::Finished { run_id: self.run_id().to_owned() });
        }
        Ok(log)
    }

    fn submit(&self, _open: &MutexGuard<'_, Log>, record: Record) -> Result<(), Error> {
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
        let finished = self.log.get_mut().is_ok_and(|log| log.finished);
        if let Backend::Spooled { outbox, .. } = &self.backend
            && !finished
        {
            tracing::warn!(run_id = self.identity.run_id, "a tracked run was dropped without being finished");
            outbox.close(DROP_TIMEOUT);
        }
    }
}

enum Content<'a> {
    File(&'a Path),
    Bytes(&'a [u8]),
}

impl Content<'_> {
    fn check(&self) -> Result<(), Error> {
        match self {
            Self::File(path) => fs::File::open(path).map(drop).map_err(Error::file("read", *path)),
            Self::Bytes(_) => Ok(()),
        }
    }

    fn read(&self) -> Result<Vec<u8>, Error> {
        match self {
            Self::File(path) => fs::read(path).map_err(Error::file("read", *path)),
            Self::Bytes(bytes) => Ok(bytes.to_vec()),
        }
    }

    fn write(&self, target: &Path) -> Result<(), Error> {
        match self {
            Self::File(path) => copy_atomic(path, target),
            Self::Bytes(bytes) => write_atomic(target, bytes),
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
        Record::Start(_) | Record::Artifact { .. } => return,
    };
    tracing::info!(target: "dodge::metrics", "{line}");
}

fn join(pairs: &[(String, String)]) -> String {
    let pairs: Vec<String> = pairs.iter().map(|(k, v)| format!("{k}={v}")).collect();
    pairs.join(" ")
}
