//! Delivers what earlier processes left in the spool.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant, UNIX_EPOCH},
};

use crate::{
    Durability, Error, Status,
    delivery::{Courier, Pace, Sink, SinkError, ended},
    record::{Record, Start},
    spool::{Ledger, SpoolFolder, SpoolReader},
};

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

/// How to make the sink of a spool's run.
pub(crate) type MakeSink<'a> = &'a dyn Fn(&SpoolFolder, &Start) -> Result<Box<dyn Sink>, Error>;

/// How often a wait looks whether somebody wants the run.
const LOOK: Duration = Duration::from_millis(50);

/// The spools of one destination that belong to no live process.
pub(crate) struct LeftOver<'a> {
    pub(crate) destination: &'a str,
    /// How many times in a row a destination that does not answer is tried again, before the rest is left.
    pub(crate) retries: u32,
    pub(crate) pace: Pace,
    pub(crate) make_sink: MakeSink<'a>,
    /// Whether the spool of the run of this id is not for us now.
    pub(crate) leave_alone: Box<dyn Fn(&str) -> bool + 'a>,
}

struct DeliveredSpool {
    run_id: String,
    records: u64,
    left: Option<Left>,
}

/// Why something of a spool was left.
enum Left {
    For(String),
    /// Until another run has arrived, which may be one of those that come later.
    Waiting(String),
}

/// What the spools so far say of the destination.
#[derive(Default)]
struct Experience {
    /// It does not answer, and why: the rest is left.
    unreachable: Option<String>,
    /// It answers, but would not take the last spool: the next is tried with less patience.
    trouble: bool,
}

impl LeftOver<'_> {
    /// Delivers them, those under `spool`.
    pub(crate) fn deliver(&self, spool: &Path) -> Result<SyncReport, Error> {
        let mut report = SyncReport::default();
        let mut experience = Experience::default();
        let mut spools = SpoolFolder::list(spool)?;
        loop {
            let before = spools.len();
            let mut waiting = Vec::new();
            for path in spools {
                // One bad spool must not keep the others from being delivered.
                match self.one_spool(&path, &mut experience) {
                    Ok(None) => {}
                    Ok(Some(delivered)) => {
                        report.records += delivered.records;
                        match delivered.left {
                            None => report.completed.push(delivered.run_id),
                            Some(Left::For(reason)) => report.left.push((path, reason)),
                            Some(Left::Waiting(reason)) => waiting.push((path, reason)),
                        }
                    }
                    Err(error) => {
                        tracing::warn!(spool = %path.display(), %error, "cannot recover a spool");
                        report.left.push((path, error.to_string()));
                    }
                }
            }
            // A run whose name sorts before that of its parent comes again, as long as that helps anybody.
            if waiting.len() == before || waiting.is_empty() {
                report.left.extend(waiting);
                return Ok(report);
            }
            spools = waiting.into_iter().map(|(path, _)| path).collect();
        }
    }

    fn one_spool(&self, path: &Path, experience: &mut Experience) -> Result<Option<DeliveredSpool>, Error> {
        let Some(folder) = SpoolFolder::take_over(path)? else {
            return Ok(None);
        };
        let records = folder.records();
        let length = |action| {
            let metadata = fs::metadata(&records);
            metadata.map_err(Error::file(action, &records))
        };
        let before = length("read")?;
        let mut reader = folder.reader()?;
        let start = reader.start(before.len())?;
        if start.destination != self.destination || (self.leave_alone)(&start.run_id) {
            return Ok(None);
        }
        let mut ledger = folder.ledger()?;
        if ledger.progress.delivered > before.len() {
            // The ledger of another file. Delivering twice does no harm, delivering nothing does.
            ledger.progress.delivered = 0;
        }
        if ledger.progress.ended && ledger.progress.delivered == before.len() {
            // Kept because the server refused some of it, or its process died before it was put aside.
            if ledger.progress.rejected == 0 {
                folder.retire(self.pace.keep)?;
            }
            return Ok(None);
        }
        let mut delivered = DeliveredSpool { run_id: start.run_id.clone(), records: 0, left: None };
        if !has_end(&mut reader, &ledger, before.len())? {
            // The last append is the best guess at when the process died.
            let died = before.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
            let end_time = died.map_or(start.start_time, |age| i64::try_from(age.as_millis()).unwrap_or(i64::MAX));
            let status = Status::Killed;
            folder
                .writer(Durability::Never)?
                .append(&Record::End { status, end_time })
                .map_err(Error::file("write", &records))?;
        }
        if let Some(reason) = &experience.unreachable {
            delivered.left = Some(Left::For(reason.clone()));
            return Ok(Some(delivered));
        }
        let limit = length("read")?.len();
        let mut courier = Courier::new(reader, ledger, (self.make_sink)(&folder, &start)?);
        let retries = if experience.trouble { self.retries.min(1) } else { self.retries };
        match self.carry(&mut courier, limit, &start.run_id, retries, &mut delivered.records) {
            Ok(true) => experience.trouble = false,
            Ok(false) => return Ok(None),
            Err(error) => {
                let reason = error.reason().to_owned();
                delivered.left = Some(match error {
                    SinkError::Waiting { .. } => Left::Waiting(reason),
                    SinkError::Stopped { .. } => Left::For(reason),
                    // What fails for one run need not fail for another, unless nothing works there.
                    SinkError::Retry { .. } | SinkError::Strange { .. } | SinkError::Denied { .. } => {
                        experience.trouble = true;
                        if !courier.destination_answers() {
                            experience.unreachable = Some(reason.clone());
                        }
                        Left::For(reason)
                    }
                });
                return Ok(Some(delivered));
            }
        }
        if courier.skipped_bytes() > 0 {
            let bytes = courier.skipped_bytes();
            tracing::warn!(bytes, run_id = start.run_id, "stepped over damaged bytes of a spool");
        }
        let progress = &courier.ledger().progress;
        if let Some(id) = &progress.server_run_id {
            id.clone_into(&mut delivered.run_id);
        }
        match progress.rejected {
            0 => folder.retire(self.pace.keep)?,
            refused => delivered.left = Some(Left::For(format!("{refused} items were refused: see rejected.txt"))),
        }
        Ok(Some(delivered))
    }

    /// Delivers up to `limit`, with retries. False: somebody wants the run.
    fn carry(
        &self,
        courier: &mut Courier,
        limit: u64,
        run_id: &str,
        retries: u32,
        records: &mut u64,
    ) -> Result<bool, SinkError> {
        let mut failures = 0;
        loop {
            let result = courier.deliver_until(limit, &mut |moved| {
                *records += moved.records;
                failures = 0;
                !(self.leave_alone)(run_id)
            });
            let error = match result {
                Ok(all) => return Ok(all),
                Err(error) => error,
            };
            failures += 1;
            if failures > retries || !matches!(error, SinkError::Retry { .. } | SinkError::Strange { .. }) {
                return Err(error);
            }
            let until = Instant::now() + self.pace.delay(failures, &error);
            while Instant::now() < until {
                if (self.leave_alone)(run_id) {
                    return Ok(false);
                }
                std::thread::sleep(LOOK.min(until.saturating_duration_since(Instant::now())));
            }
        }
    }
}

/// Whether the last thing that a spool says of the end of its run is that it has ended.
fn has_end(reader: &mut SpoolReader, ledger: &Ledger, limit: u64) -> Result<bool, Error> {
    let behind_start = reader.offset();
    reader.seek(ledger.progress.delivered.max(behind_start));
    let mut has_end = ledger.progress.ended;
    loop {
        let frames = reader.read(limit, usize::MAX)?;
        if frames.is_empty() {
            return Ok(has_end);
        }
        for frame in frames {
            has_end = ended(has_end, std::slice::from_ref(&frame.record));
        }
    }
}
