//! Goes on with a run that was cut short or has ended.

use std::{
    fs,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use crate::{
    Error, Run, Tracking,
    delivery::Sink,
    local::sink::LocalSink,
    record::{Record, Start},
    remote::{self, client::RestClient, sink::RemoteSink},
    run::Log,
    spool::{FoundRun, Frame, SpoolFolder, known_id},
    tracking::{Kind, Spooled},
};

/// How long another process may hold a spool: the recovery of its run takes a moment.
const PATIENCE: Duration = Duration::from_secs(2);

impl Tracking {
    /// Goes on with a run that was cut short or has ended, as the same run: `run_id` is its id at the destination
    /// ([`Summary::run_id`](crate::Summary::run_id)) or the one of [`Run::run_id`]. Its status is RUNNING again; params
    /// keep their values.
    ///
    /// It needs no server while the spool of the run is here, delivered or not.
    ///
    /// # Errors
    /// [`Error::Missing`] if nothing is known of the run, [`Error::InUse`] if it is being recorded by a live process,
    /// [`Error::Server`] if the spool is not here and the server cannot be asked, [`Error::File`], [`Error::Store`].
    pub fn resume_run(&self, run_id: &str) -> Result<Run, Error> {
        resume(self, run_id)
    }
}

fn resume(tracking: &Tracking, run_id: &str) -> Result<Run, Error> {
    let place = tracking.place();
    let missing = || Error::Missing { what: "run", name: run_id.chars().take(80).collect(), place: place.clone() };
    let destination = match &tracking.inner.kind {
        Kind::Off | Kind::Console | Kind::Memory(_) => return Err(missing()),
        Kind::Local(_) => "local".to_owned(),
        Kind::Remote(server) => server.options.uri().to_owned(),
    };
    let spool = tracking.spool();
    let client_id = known_id(&spool, run_id)?;
    // From here on a sync of this process keeps its hands off the spool.
    let _wanted = tracking.want(client_id.as_deref().unwrap_or(run_id));
    let _no_sync = tracking.pause_sync();
    let (start, mut spooled, log) = match client_id {
        Some(client_id) => reopen(tracking, &spool, &client_id)?,
        None => begin_anew(tracking, run_id)?.ok_or_else(missing)?,
    };
    if start.destination != destination {
        return Err(missing());
    }
    // Before the end that may stand in the spool already is forgotten, the run goes on in the spool.
    spooled.writer.append(&Record::Resume).map_err(Error::file("write", spooled.folder.records()))?;
    spooled.undelivered += 1;
    spooled.ledger.progress.ended = false;
    spooled.ledger.save()?;
    match &tracking.inner.kind {
        Kind::Local(store) => {
            let sink = Box::new(LocalSink::new(store, &start)?);
            let artifacts = Some(store.artifact_folder(&start));
            tracking.spawn(&start, spooled, sink, artifacts, log)
        }
        Kind::Remote(server) => {
            let client = RestClient::new(Arc::clone(server), server.options.request_timeout);
            let sink: Box<dyn Sink> = Box::new(RemoteSink::new(client, &start, spooled.folder.path()));
            tracking.spawn(&start, spooled, sink, None, log)
        }
        Kind::Off | Kind::Console | Kind::Memory(_) => Err(missing()),
    }
}

fn reopen(tracking: &Tracking, spool: &Path, client_id: &str) -> Result<(Start, Spooled, Log), Error> {
    SpoolFolder::bring_back(spool, client_id)?;
    let path = spool.join(client_id);
    let deadline = Instant::now() + PATIENCE;
    let folder = loop {
        match SpoolFolder::take_over(&path)? {
            Some(folder) => break folder,
            None if Instant::now() < deadline => std::thread::sleep(Duration::from_millis(20)),
            None => return Err(Error::InUse { run_id: client_id.to_owned() }),
        }
    };
    let files = folder.file("");
    fs::create_dir_all(&files).map_err(Error::file("create", &files))?;
    let records = folder.records();
    let length = fs::metadata(&records).map_err(Error::file("read", &records))?.len();
    let mut reader = folder.reader()?;
    let start = reader.start(length)?;
    let mut ledger = folder.ledger()?;
    if ledger.progress.delivered > length {
        ledger.progress.delivered = 0;
    }
    // Its start, which has been read.
    let mut undelivered = u64::from(reader.offset() > ledger.progress.delivered);
    let mut log = Log::default();
    loop {
        let frames = reader.read(length, 8192)?;
        if frames.is_empty() {
            break;
        }
        for Frame { record, end } in frames {
            undelivered += u64::from(end > ledger.progress.delivered);
            match record {
                Record::Params(pairs) => log.params.extend(pairs),
                Record::Tags(pairs) => log.note_tables(&pairs),
                Record::Metrics { step, values, .. } if values.iter().any(|(key, _)| key.starts_with("system/")) => {
                    log.system_step = log.system_step.max(step.saturating_add(1));
                }
                _ => {}
            }
        }
    }
    let writer = folder.writer(tracking.durability())?;
    Ok((start, Spooled { folder, writer, ledger, undelivered }, log))
}

/// A new spool for a run that the destination has and we do not.
fn begin_anew(tracking: &Tracking, run_id: &str) -> Result<Option<(Start, Spooled, Log)>, Error> {
    let found = match &tracking.inner.kind {
        Kind::Local(store) => store.find_run(run_id)?,
        Kind::Remote(server) => {
            let client = RestClient::new(Arc::clone(server), server.options.start_timeout);
            remote::read::find_run(&client, run_id)?
        }
        Kind::Off | Kind::Console | Kind::Memory(_) => None,
    };
    let Some(FoundRun { start, params, progress }) = found else {
        return Ok(None);
    };
    let (folder, writer) = SpoolFolder::create(&tracking.spool(), &start, tracking.durability())?;
    let mut ledger = folder.ledger()?;
    ledger.progress = progress;
    let log = Log::with_params(params);
    Ok(Some((start, Spooled { folder, writer, ledger, undelivered: 1 }, log)))
}
