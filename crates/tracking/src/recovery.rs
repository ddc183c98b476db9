//! Delivers what earlier processes left in the spool.

use std::{fs, path::Path, time::UNIX_EPOCH};

use crate::{
    Error, Status, SyncReport,
    delivery::{Courier, Pace, Sink, SinkError},
    record::{Record, Start},
    spool::{Ledger, SpoolFolder, SpoolReader, SpoolWriter},
};

/// How to make the sink of a spool's run.
pub(crate) type MakeSink<'a> = &'a dyn Fn(&SpoolFolder, &Start) -> Result<Box<dyn Sink>, Error>;

/// Delivers the spools under `spool` that belong to `destination` and to no live process.
///
/// A destination that does not answer is retried `retries` times in a row, then the rest is left.
pub(crate) fn deliver_left_over(
    spool: &Path,
    destination: &str,
    retries: u32,
    pace: Pace,
    make_sink: MakeSink<'_>,
) -> Result<SyncReport, Error> {
    let mut report = SyncReport::default();
    let mut unreachable: Option<String> = None;
    for path in SpoolFolder::list(spool)? {
        // One bad spool must not keep the others from being delivered.
        match one_spool(&path, destination, retries, pace, make_sink, &mut unreachable) {
            Ok(None) => {}
            Ok(Some(delivered)) => {
                report.records += delivered.records;
                match delivered.left {
                    None => report.completed.push(delivered.run_id),
                    Some(reason) => report.left.push((path, reason)),
                }
            }
            Err(error) => {
                tracing::warn!(spool = %path.display(), %error, "cannot recover a spool");
                report.left.push((path, error.to_string()));
            }
        }
    }
    Ok(report)
}

struct DeliveredSpool {
    run_id: String,
    records: u64,
    left: Option<String>,
}

fn one_spool(
    path: &Path,
    destination: &str,
    retries: u32,
    pace: Pace,
    make_sink: MakeSink<'_>,
    unreachable: &mut Option<String>,
) -> Result<Option<DeliveredSpool>, Error> {
    let Some(folder) = SpoolFolder::take_over(path)? else {
        return Ok(None);
    };
    let records = folder.records();
    let length = |action| {
        let metadata = fs::metadata(&records);
        metadata.map_err(Error::file(action, &records))
    };
    let before = length("read")?;
    let mut reader = SpoolReader::open(&folder)?;
    let start = reader.start(before.len())?;
    if start.destination != destination {
        return Ok(None);
    }
    let mut ledger = Ledger::open(&folder);
    if ledger.progress.delivered > before.len() {
        // The ledger of another file. Delivering twice does no harm, delivering nothing does.
        ledger.progress.delivered = 0;
    }
    if ledger.progress.ended {
        // Kept only because the server refused some of it.
        return Ok(None);
    }
    let mut delivered = DeliveredSpool { run_id: start.run_id.clone(), records: 0, left: None };
    if !has_end(&mut reader, ledger.progress.delivered, before.len())? {
        // The last append is the best guess at when the process died.
        let died = before.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        let end_time = died.map_or(start.start_time, |age| i64::try_from(age.as_millis()).unwrap_or(i64::MAX));
        let status = Status::Killed;
        SpoolWriter::append_to(&folder)?
            .append(&Record::End { status, end_time })
            .map_err(Error::file("write", &records))?;
    }
    if let Some(reason) = unreachable {
        delivered.left = Some(reason.clone());
        return Ok(Some(delivered));
    }
    let limit = length("read")?.len();
    let mut courier = Courier::new(reader, ledger, make_sink(&folder, &start)?);
    let mut failures = 0;
    while let Err(error) = courier.deliver_until(limit, &mut |moved| {
        delivered.records += moved.records;
        failures = 0;
        true
    }) {
        failures += 1;
        let hopeless = !matches!(error, SinkError::Retry { .. });
        if hopeless || failures > retries {
            delivered.left = Some(error.reason().to_owned());
            if !matches!(error, SinkError::Stopped { .. }) {
                *unreachable = Some(error.reason().to_owned());
            }
            return Ok(Some(delivered));
        }
        std::thread::sleep(pace.delay(failures, &error));
    }
    if courier.skipped_bytes() > 0 {
        tracing::warn!(bytes = courier.skipped_bytes(), run_id = start.run_id, "stepped over damaged bytes of a spool");
    }
    let progress = &courier.ledger().progress;
    if let Some(id) = &progress.server_run_id {
        id.clone_into(&mut delivered.run_id);
    }
    match progress.rejected {
        0 => folder.remove().map_err(Error::file("remove", path))?,
        refused => delivered.left = Some(format!("{refused} items were refused: see rejected.txt")),
    }
    Ok(Some(delivered))
}

fn has_end(reader: &mut SpoolReader, from: u64, limit: u64) -> Result<bool, Error> {
    let behind_start = reader.offset();
    reader.seek(from.max(behind_start));
    loop {
        let frames = reader.read(limit, usize::MAX)?;
        if frames.is_empty() {
            return Ok(false);
        }
        if frames.iter().any(|frame| matches!(frame.record, Record::End { .. })) {
            return Ok(true);
        }
    }
}
