//! The connection to a tracking destination, which starts runs.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use crate::{
    Clock, Destination, Error, FixedClock, RecordedRun, Run,
    delivery::{Courier, Outbox, Pace, SinkError, Worker},
    local::{sink::LocalSink, store::LocalStore},
    memory::Memory,
    record::Start,
    recovery,
    remote::{
        client::{RestClient, Server},
        sink::RemoteSink,
    },
    run::{Backend, Identity},
    spool::{Ledger, SpoolFolder, SpoolReader},
    validate,
};

/// A tracking destination, ready to start runs. Cloning is cheap.
#[derive(Debug, Clone)]
pub struct Tracking {
    inner: Arc<Inner>,
}

/// How to open a [`Tracking`].
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct TrackingOptions {
    /// Where runs are recorded.
    pub destination: Destination,
    /// The tracking folder: `spool/`, and for the local store `mlflow.db` and `mlartifacts/`.
    /// Made if missing; unused for `off` and `console`.
    pub folder: PathBuf,
    /// The source of time stamps.
    pub clock: Arc<dyn Clock>,
    /// How long [`Run::finish`] and [`Run::flush`] may take to deliver. Default: 30 s.
    pub finish_timeout: Duration,
    /// How long records gather before they are delivered together. Default: 0.5 s.
    pub delivery_interval: Duration,
}

impl TrackingOptions {
    /// Options with the default times.
    pub fn new(destination: Destination, folder: impl Into<PathBuf>, clock: Arc<dyn Clock>) -> Self {
        Self {
            destination,
            folder: folder.into(),
            clock,
            finish_timeout: Duration::from_secs(30),
            delivery_interval: Duration::from_millis(500),
        }
    }

    /// Sets how long [`Run::finish`] and [`Run::flush`] may take to deliver.
    #[must_use]
    pub fn with_finish_timeout(mut self, timeout: Duration) -> Self {
        self.finish_timeout = timeout;
        self
    }

    /// Sets how long records gather before they are delivered together.
    #[must_use]
    pub fn with_delivery_interval(mut self, interval: Duration) -> Self {
        self.delivery_interval = interval;
        self
    }
}

/// What to start a run with.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RunOptions {
    /// The name of the experiment, made if it does not exist.
    pub experiment: String,
    /// The name of the run; `None`: `run-` and the first digits of its id.
    pub run_name: Option<String>,
    /// Who runs it (tag `mlflow.user`).
    pub user: Option<String>,
    /// The program (tag `mlflow.source.name`; `mlflow.source.type` becomes `LOCAL`).
    pub source_name: Option<String>,
    /// More tags, for example `mlflow.source.git.commit`.
    pub tags: Vec<(String, String)>,
}

impl RunOptions {
    /// A run of the experiment of this name.
    pub fn new(experiment: impl Into<String>) -> Self {
        Self { experiment: experiment.into(), run_name: None, user: None, source_name: None, tags: Vec::new() }
    }

    /// Names the run.
    #[must_use]
    pub fn with_run_name(mut self, name: impl Into<String>) -> Self {
        self.run_name = Some(name.into());
        self
    }

    /// Says who runs it.
    #[must_use]
    pub fn with_user(mut self, user: impl Into<String>) -> Self {
        self.user = Some(user.into());
        self
    }

    /// Says which program runs it.
    #[must_use]
    pub fn with_source_name(mut self, name: impl Into<String>) -> Self {
        self.source_name = Some(name.into());
        self
    }

    /// Adds a tag.
    #[must_use]
    pub fn with_tag(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.tags.push((key.into(), value.into()));
        self
    }

    fn all_tags(&self, run_name: &str) -> Vec<(String, String)> {
        let mut tags = vec![("mlflow.runName".to_owned(), run_name.to_owned())];
        if let Some(user) = &self.user {
            tags.push(("mlflow.user".to_owned(), user.clone()));
        }
        if let Some(source) = &self.source_name {
            tags.push(("mlflow.source.name".to_owned(), source.clone()));
            tags.push(("mlflow.source.type".to_owned(), "LOCAL".to_owned()));
        }
        tags.extend(self.tags.iter().cloned());
        tags
    }
}

/// What a sync of left-over spools achieved.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SyncReport {
    /// Runs of which everything has now arrived.
    pub completed: Vec<String>,
    /// Spools that still hold something, and why.
    pub left: Vec<(PathBuf, String)>,
    /// Records delivered by this sync.
    pub records: u64,
}

#[derive(Debug)]
struct Inner {
    kind: Kind,
    folder: PathBuf,
    clock: Arc<dyn Clock>,
    finish_timeout: Duration,
    delivery_interval: Duration,
    /// Held by a sync, so that two of this process do not take spools from each other.
    syncing: Mutex<()>,
}

#[derive(Debug)]
enum Kind {
    Off,
    Console,
    Memory(Memory),
    Local(LocalStore),
    Remote(Arc<Server>),
}

impl Tracking {
    /// Opens a destination.
    ///
    /// For the local store this makes the folder and its database where they are missing, delivers
    /// what killed processes left in the spool, and marks their runs KILLED. For a server it makes
    /// no request yet, but starts to deliver left-over spools in the background.
    ///
    /// # Errors
    /// [`Error::File`] or [`Error::Store`] naming a folder or database that cannot be used,
    /// [`Error::Schema`] for a database of an unknown layout, [`Error::Option`] for bad TLS files.
    pub fn open(options: TrackingOptions) -> Result<Self, Error> {
        let folder = options.folder;
        let kind = match options.destination {
            Destination::Off => Kind::Off,
            Destination::Console => Kind::Console,
            Destination::Local => Kind::Local(LocalStore::open(&folder)?),
            Destination::Remote(remote) => Kind::Remote(Arc::new(Server::new(remote)?)),
        };
        let tracking = Self {
            inner: Arc::new(Inner {
                kind,
                folder,
                clock: options.clock,
                finish_timeout: options.finish_timeout,
                delivery_interval: options.delivery_interval,
                syncing: Mutex::new(()),
            }),
        };
        match &tracking.inner.kind {
            Kind::Off | Kind::Console | Kind::Memory(_) => {}
            Kind::Local(_) => {
                tracking.make_spool()?;
                let report = tracking.sync()?;
                for run_id in &report.completed {
                    tracing::info!(run_id, "recovered the records of a run that was cut short");
                }
            }
            Kind::Remote(_) => {
                tracking.make_spool()?;
                tracking.sync_in_background()?;
            }
        }
        Ok(tracking)
    }

    /// A destination that keeps runs in memory, where [`Tracking::recorded_runs`] finds them. Its
    /// clock stands still at 0.
    pub fn in_memory() -> Self {
        Self {
            inner: Arc::new(Inner {
                kind: Kind::Memory(Memory::default()),
                folder: PathBuf::new(),
                clock: Arc::new(FixedClock(0)),
                finish_timeout: Duration::ZERO,
                delivery_interval: Duration::ZERO,
                syncing: Mutex::new(()),
            }),
        }
    }

    /// The runs recorded in memory, oldest first; empty for every other destination.
    pub fn recorded_runs(&self) -> Vec<RecordedRun> {
        match &self.inner.kind {
            Kind::Memory(memory) => memory.runs(),
            _ => Vec::new(),
        }
    }

    /// Starts a run.
    ///
    /// A server gets [`RemoteOptions::start_timeout`](crate::RemoteOptions::start_timeout) to answer. If it cannot be reached, the run
    /// starts all the same and is delivered later; only a refusal is an error.
    ///
    /// # Errors
    /// [`Error::Experiment`] for a bad or deleted experiment, [`Error::Key`] for a bad tag,
    /// [`Error::File`] or [`Error::Store`] if the tracking folder cannot be written,
    /// [`Error::Server`] if the server refuses the run (credentials, not an MLflow server, ...).
    pub fn start_run(&self, options: &RunOptions) -> Result<Run, Error> {
        validate::experiment(&options.experiment)?;
        for (key, _) in &options.tags {
            validate::key("tag", key)?;
        }
        let run_id = uuid::Uuid::new_v4().simple().to_string();
        let run_name = match &options.run_name {
            Some(name) => name.chars().take(validate::MAX_KEY_CHARS).collect(),
            None => format!("run-{}", &run_id[..8]),
        };
        let tags = options.all_tags(&run_name);
        let mut start = Start {
            run_id,
            destination: "local".to_owned(),
            experiment: options.experiment.clone(),
            experiment_id: String::new(),
            run_name,
            user: options.user.iter().flat_map(|user| user.chars().take(256)).collect(),
            start_time: self.inner.clock.now_ms(),
        };
        let run = match &self.inner.kind {
            Kind::Off => self.run(&start, None, Backend::Off),
            Kind::Console => self.run(&start, None, Backend::Console),
            Kind::Memory(memory) => {
                let index = memory.start(RecordedRun {
                    run_id: start.run_id.clone(),
                    experiment: start.experiment.clone(),
                    run_name: start.run_name.clone(),
                    ..RecordedRun::default()
                });
                let memory = memory.clone();
                self.run(&start, None, Backend::Memory { memory, index })
            }
            Kind::Local(store) => {
                start.experiment_id = store.experiment(&start.experiment, start.start_time)?;
                self.start_local(store, &start)?
            }
            Kind::Remote(server) => {
                server.options.uri().clone_into(&mut start.destination);
                self.start_remote(server, &start)?
            }
        };
        run.set_tags(&tags)?;
        Ok(run)
    }

    /// Delivers what earlier runs of this destination left in the spool, and ends those of them
    /// whose process is gone as KILLED. Runs of live processes are left alone.
    ///
    /// Opening a destination does this already, for a server in the background; call it to wait
    /// for the result. It retries a server as often as [`RemoteOptions::max_retries`](crate::RemoteOptions::max_retries) says.
    ///
    /// # Errors
    /// [`Error::File`] if the spool folder cannot be read. A run that could not be delivered is no
    /// error: see [`SyncReport::left`].
    pub fn sync(&self) -> Result<SyncReport, Error> {
        let _one_at_a_time = self.inner.syncing.lock().unwrap_or_else(PoisonError::into_inner);
        let spool = self.spool();
        match &self.inner.kind {
            Kind::Off | Kind::Console | Kind::Memory(_) => Ok(SyncReport::default()),
            Kind::Local(store) => recovery::deliver_left_over(&spool, "local", 3, self.pace(), &|_, start| {
                Ok(Box::new(LocalSink::new(store, start)?))
            }),
            Kind::Remote(server) => {
                let uri = server.options.uri();
                let retries = server.options.max_retries;
                recovery::deliver_left_over(&spool, uri, retries, self.pace(), &|folder, start| {
                    let client = RestClient::new(Arc::clone(server), server.options.request_timeout);
                    Ok(Box::new(RemoteSink::new(client, start, folder.path())))
                })
            }
        }
    }

    fn start_local(&self, store: &LocalStore, start: &Start) -> Result<Run, Error> {
        let (folder, writer) = SpoolFolder::create(&self.spool(), start)?;
        let courier =
            Courier::new(SpoolReader::open(&folder)?, Ledger::open(&folder), Box::new(LocalSink::new(store, start)?));
        let artifacts = Some(store.artifact_folder(start));
        let outbox = Arc::new(Outbox::new(folder, writer, 1));
        Worker::spawn(Arc::clone(&outbox), courier, self.pace())?;
        let experiment_id = Some(start.experiment_id.clone());
        let run = self.run(start, experiment_id, Backend::Spooled { outbox, artifacts });
        Ok(run)
    }

    fn start_remote(&self, server: &Arc<Server>, start: &Start) -> Result<Run, Error> {
        let (folder, writer) = SpoolFolder::create(&self.spool(), start)?;
        let mut ledger = Ledger::open(&folder);
        let first = RestClient::new(Arc::clone(server), server.options.start_timeout);
        let mut sink = RemoteSink::new(first, start, folder.path());
        match sink.create_run(&mut ledger) {
            Ok(()) => {}
            Err(SinkError::Retry { reason, .. }) => {
                tracing::warn!(
                    uri = server.options.uri(),
                    reason,
                    "the tracking server cannot be reached; the run goes on and is delivered later"
                );
            }
            Err(SinkError::Denied { reason } | SinkError::Stopped { reason }) => {
                // Nothing has been logged yet.
                let _ = folder.remove();
                return Err(Error::Server { uri: server.options.uri().to_owned(), reason });
            }
        }
        sink.set_timeout(server.options.request_timeout);
        let progress = &ledger.progress;
        let mut identity = start.clone();
        identity.run_id = progress.server_run_id.clone().unwrap_or(identity.run_id);
        let experiment_id = progress.server_experiment_id.clone();
        let courier = Courier::new(SpoolReader::open(&folder)?, ledger, Box::new(sink));
        let outbox = Arc::new(Outbox::new(folder, writer, 1));
        Worker::spawn(Arc::clone(&outbox), courier, self.pace())?;
        let artifacts = None;
        Ok(self.run(&identity, experiment_id, Backend::Spooled { outbox, artifacts }))
    }

    fn run(&self, start: &Start, experiment_id: Option<String>, backend: Backend) -> Run {
        let identity = Identity { run_id: start.run_id.clone(), experiment_id, run_name: start.run_name.clone() };
        Run::new(identity, Arc::clone(&self.inner.clock), self.inner.finish_timeout, backend)
    }

    fn sync_in_background(&self) -> Result<(), Error> {
        if SpoolFolder::list(&self.spool())?.is_empty() {
            return Ok(());
        }
        let tracking = self.clone();
        let work = move || match tracking.sync() {
            Ok(report) => {
                for (spool, reason) in &report.left {
                    tracing::warn!(spool = %spool.display(), reason,
                        "records of an earlier run are still undelivered");
                }
            }
            Err(error) => tracing::warn!(%error, "cannot deliver what earlier runs left"),
        };
        std::thread::Builder::new()
            .name("dodge-tracking-sync".to_owned())
            .spawn(work)
            .map(drop)
            .map_err(Error::file("start a sync thread for", self.spool()))
    }

    fn make_spool(&self) -> Result<(), Error> {
        let spool = self.spool();
        fs::create_dir_all(&spool).map_err(Error::file("create", spool))
    }

    fn spool(&self) -> PathBuf {
        spool_folder(&self.inner.folder)
    }

    fn pace(&self) -> Pace {
        let factor = match &self.inner.kind {
            Kind::Remote(server) => server.options.backoff_factor,
            _ => 0.25,
        };
        Pace { interval: self.inner.delivery_interval, backoff: Duration::from_secs_f64(factor.clamp(0.0, 3600.0)) }
    }
}

fn spool_folder(folder: &Path) -> PathBuf {
    folder.join("spool")
}
