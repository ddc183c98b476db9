//! The connection to a tracking destination, which starts runs.

use std::{
    fs,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::{
    Clock, Destination, Durability, Error, FixedClock, RecordedRun, Run, RunOptions, SyncReport, TrackingOptions,
    delivery::{Courier, Outbox, Pace, Sink, SinkError, Worker},
    local::{sink::LocalSink, store::LocalStore},
    memory::Memory,
    parent::PARENT,
    record::Start,
    recovery::{self, LeftOver},
    remote::{client::RestClient, server::Server, sink::RemoteSink},
    run::{Backend, Identity, Log},
    spool::{Ledger, SpoolFolder, SpoolWriter},
    validate,
};

/// A tracking destination, ready to start runs. Cloning is cheap.
#[derive(Debug, Clone)]
pub struct Tracking {
    pub(crate) inner: Arc<Inner>,
}

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) kind: Kind,
    folder: PathBuf,
    clock: Arc<dyn Clock>,
    finish_timeout: Duration,
    delivery_interval: Duration,
    durability: Durability,
    keep_delivered: u64,
    /// Held by a sync, so that two of this process do not take spools from each other.
    syncing: Mutex<()>,
    /// Ids of runs that somebody wants to go on with: a sync leaves their spools alone.
    wanted: Mutex<Vec<String>>,
}

#[derive(Debug)]
pub(crate) enum Kind {
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
                durability: options.durability,
                keep_delivered: options.keep_delivered,
                syncing: Mutex::new(()),
                wanted: Mutex::default(),
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
                durability: Durability::Never,
                keep_delivered: 0,
                syncing: Mutex::new(()),
                wanted: Mutex::default(),
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
        for (key, value) in &options.tags {
            validate::key("tag", key)?;
            validate::parts("tag", key, value, validate::MAX_TAG_CHARS)?;
        }
        let run_id = uuid::Uuid::new_v4().simple().to_string();
        let run_name = match &options.run_name {
            Some(name) => name.chars().take(validate::MAX_KEY_CHARS).collect(),
            None => format!("run-{}", &run_id[..8]),
        };
        let mut tags = options.all_tags(&run_name);
        if let Some(parent) = &options.parent {
            let id = match &self.inner.kind {
                Kind::Remote(_) => parent.id_for_server(),
                _ => parent.run_id().to_owned(),
            };
            tags.push((PARENT.to_owned(), id));
        }
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
            Kind::Off => self.run(&start, None, Backend::Off, Log::default()),
            Kind::Console => self.run(&start, None, Backend::Console, Log::default()),
            Kind::Memory(memory) => {
                let index = memory.start(RecordedRun {
                    run_id: start.run_id.clone(),
                    experiment: start.experiment.clone(),
                    run_name: start.run_name.clone(),
                    ..RecordedRun::default()
                });
                let memory = memory.clone();
                self.run(&start, None, Backend::Memory { memory, index }, Log::default())
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
        if let Some(options) = &options.system_metrics {
            run.watch_system_to_the_end(options)?;
        }
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
            Kind::Local(store) => {
                let make_sink = |_: &SpoolFolder, start: &Start| -> Result<Box<dyn Sink>, Error> {
                    Ok(Box::new(LocalSink::new(store, start)?))
                };
                self.left_over("local", 3, &make_sink).deliver(&spool)
            }
            Kind::Remote(server) => {
                let make_sink = |folder: &SpoolFolder, start: &Start| -> Result<Box<dyn Sink>, Error> {
                    let client = RestClient::new(Arc::clone(server), server.options.request_timeout);
                    Ok(Box::new(RemoteSink::new(client, start, folder.path()).without_patience()))
                };
                self.left_over(server.options.uri(), server.options.max_retries, &make_sink).deliver(&spool)
            }
        }
    }

    fn left_over<'a>(&'a self, destination: &'a str, retries: u32, make_sink: recovery::MakeSink<'a>) -> LeftOver<'a> {
        let wanted = |id: &str| self.wanted().iter().any(|wanted| wanted == id);
        LeftOver { destination, retries, pace: self.pace(), make_sink, leave_alone: Box::new(wanted) }
    }

    /// Keeps every sync of this process away from the spool of the run of this id, for as long as the guard lives.
    pub(crate) fn want(&self, run_id: &str) -> Wanted<'_> {
        self.wanted().push(run_id.to_owned());
        Wanted { tracking: self, run_id: run_id.to_owned() }
    }

    fn wanted(&self) -> MutexGuard<'_, Vec<String>> {
        self.inner.wanted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a sync that is under way in this process, which looks at what is wanted often.
    pub(crate) fn pause_sync(&self) -> MutexGuard<'_, ()> {
        self.inner.syncing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn start_local(&self, store: &LocalStore, start: &Start) -> Result<Run, Error> {
        let (folder, writer) = SpoolFolder::create(&self.spool(), start, self.inner.durability)?;
        let sink = Box::new(LocalSink::new(store, start)?);
        let ledger = folder.ledger()?;
        let artifacts = Some(store.artifact_folder(start));
        let spooled = Spooled { folder, writer, ledger, undelivered: 1 };
        self.spawn(start, spooled, sink, artifacts, Log::default())
    }

    /// Starts the delivery of a spool, and the run that writes it.
    pub(crate) fn spawn(
        &self,
        start: &Start,
        spooled: Spooled,
        sink: Box<dyn Sink>,
        artifacts: Option<PathBuf>,
        log: Log,
    ) -> Result<Run, Error> {
        let Spooled { folder, writer, ledger, undelivered } = spooled;
        let progress = &ledger.progress;
        let mut identity = start.clone();
        identity.run_id = progress.server_run_id.clone().unwrap_or(identity.run_id);
        let own_experiment = Some(start.experiment_id.clone()).filter(|id| !id.is_empty());
        let experiment_id = progress.server_experiment_id.clone().or(own_experiment);
        let courier = Courier::new(folder.reader()?, ledger, sink);
        let outbox = Arc::new(Outbox::new(folder, writer, undelivered));
        Worker::spawn(Arc::clone(&outbox), courier, self.pace())?;
        Ok(self.run(&identity, experiment_id, Backend::Spooled { outbox, artifacts }, log))
    }

    fn start_remote(&self, server: &Arc<Server>, start: &Start) -> Result<Run, Error> {
        let (folder, writer) = SpoolFolder::create(&self.spool(), start, self.inner.durability)?;
        let mut ledger = folder.ledger()?;
        let first = RestClient::new(Arc::clone(server), server.options.start_timeout);
        let mut sink = RemoteSink::new(first, start, folder.path());
        match sink.create_run(&mut ledger) {
            Ok(()) => {}
            Err(SinkError::Retry { reason, .. } | SinkError::Waiting { reason }) => {
                tracing::warn!(
                    uri = server.options.uri(),
                    reason,
                    "the tracking server cannot be reached; the run goes on and is delivered later"
                );
            }
            Err(SinkError::Strange { reason } | SinkError::Denied { reason } | SinkError::Stopped { reason }) => {
                // Nothing has been logged yet.
                let _ = folder.remove();
                return Err(Error::Server { uri: server.options.uri().to_owned(), reason });
            }
        }
        sink.set_timeout(server.options.request_timeout);
        let spooled = Spooled { folder, writer, ledger, undelivered: 1 };
        self.spawn(start, spooled, Box::new(sink), None, Log::default())
    }

    fn run(&self, start: &Start, experiment_id: Option<String>, backend: Backend, log: Log) -> Run {
        let identity = Identity {
            run_id: start.run_id.clone(),
            client_id: match &backend {
                Backend::Spooled { outbox, .. } => outbox.folder.run_id(),
                _ => start.run_id.clone(),
            },
            experiment_id,
            run_name: start.run_name.clone(),
        };
        Run::new(identity, Arc::clone(&self.inner.clock), self.inner.finish_timeout, backend, log)
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

    pub(crate) fn durability(&self) -> Durability {
        self.inner.durability
    }

    pub(crate) fn spool(&self) -> PathBuf {
        self.inner.folder.join("spool")
    }

    /// The destination as [`SpooledRun::destination`](crate::SpooledRun::destination) names it: `local` or the address of a server; empty for one that
    /// keeps nothing.
    pub fn destination(&self) -> String {
        match &self.inner.kind {
            Kind::Remote(server) => server.options.uri().to_owned(),
            Kind::Local(_) => "local".to_owned(),
            _ => String::new(),
        }
    }

    pub(crate) fn missing(&self, what: &'static str, name: &str) -> Error {
        Error::Missing { what, name: name.chars().take(200).collect(), place: self.place() }
    }

    /// The destination, for messages.
    pub(crate) fn place(&self) -> String {
        match &self.inner.kind {
            Kind::Off => "a destination that keeps nothing".to_owned(),
            Kind::Console => "the log".to_owned(),
            Kind::Memory(_) => "memory".to_owned(),
            Kind::Local(store) => store.database().display().to_string(),
            Kind::Remote(server) => server.options.uri().to_owned(),
        }
    }

    fn pace(&self) -> Pace {
        let factor = match &self.inner.kind {
            Kind::Remote(server) => server.options.backoff_factor,
            _ => 0.25,
        };
        Pace {
            interval: self.inner.delivery_interval,
            backoff: Duration::from_secs_f64(factor.clamp(0.0, 3600.0)),
            keep: self.inner.keep_delivered,
        }
    }
}

/// A spool that is ready to be written and delivered.
pub(crate) struct Spooled {
    pub(crate) folder: SpoolFolder,
    pub(crate) writer: SpoolWriter,
    pub(crate) ledger: Ledger,
    /// How many of its records have not been delivered.
    pub(crate) undelivered: u64,
}

/// Ends what [`Tracking::want`] began.
pub(crate) struct Wanted<'a> {
    tracking: &'a Tracking,
    run_id: String,
}

impl Drop for Wanted<'_> {
    fn drop(&mut self) {
        let mut wanted = self.tracking.wanted();
        // One of its own, should another want the same run.
        if let Some(index) = wanted.iter().position(|id| *id == self.run_id) {
            wanted.swap_remove(index);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_done_takes_back_its_own_wish_and_nobody_elses() {
        let tracking = Tracking::in_memory();
        let first = tracking.want("a");
        let second = tracking.want("b");
        let again = tracking.want("a");
        drop(first);
        assert_eq!(*tracking.wanted(), ["a", "b"].map(str::to_owned));
        drop(again);
        assert_eq!(*tracking.wanted(), ["b".to_owned()]);
        drop(second);
        assert!(tracking.wanted().is_empty());
    }
}
