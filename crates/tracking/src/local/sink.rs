//! Writes the records of one run into the local database.

use std::collections::HashMap;

use rusqlite::{Connection, Transaction, TransactionBehavior, params};

use super::{extra, store::LocalStore};
use crate::{
    Error,
    delivery::{Delivered, Sink, SinkError},
    record::{Record, Start},
    spool::Ledger,
};

/// How many records share a transaction: enough that its own cost does not count, few enough that others get their turn
/// at the database in a fraction of a second.
const PER_TRANSACTION: usize = 16_384;

pub(crate) struct LocalSink {
    connection: Connection,
    start: Start,
}

/// A metric value as MLflow stores it, in the order in which `latest_metrics` compares values.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
struct Point {
    step: i64,
    timestamp: i64,
    value: f64,
    is_nan: bool,
}

impl LocalSink {
    pub(crate) fn new(store: &LocalStore, start: &Start) -> Result<Self, Error> {
        let connection = store.connect()?;
        // Looking up the run for each of a million metrics would cost a third of the time: `write` looks once. The log is
        // folded into the database at every 32 MB instead of every 4.
        let settings = "PRAGMA foreign_keys = OFF; PRAGMA wal_autocheckpoint = 8192; PRAGMA cache_size = -4096;";
        connection.execute_batch(settings).map_err(store.refuse("open it"))?;
        Ok(Self { connection, start: start.clone() })
    }

    /// False: the database no longer has the run.
    fn write(&mut self, records: &[Record]) -> rusqlite::Result<bool> {
        let run_id = self.start.run_id.as_str();
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        if let Some(Record::Start(start)) = records.first() {
            insert_run(&transaction, start)?;
        }
        let mut exists = transaction.prepare_cached("SELECT 1 FROM runs WHERE run_uuid = ?1")?;
        if !exists.exists([run_id])? {
            return Ok(false);
        }
        drop(exists);
        let mut latest: HashMap<&str, Point> = HashMap::new();
        let mut insert = transaction.prepare_cached(
            "INSERT OR IGNORE INTO metrics (key, value, timestamp, run_uuid, step, is_nan) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?;
        for record in records {
            match record {
                Record::Start(_) => {}
                Record::Metrics { timestamp, step, values } => {
                    for (key, value) in values {
                        let point = Point::new(*step, *timestamp, *value);
                        insert.execute(params![key, point.value, point.timestamp, run_id, point.step, point.is_nan])?;
                        let newest = latest.entry(key).or_insert(point);
                        if point > *newest {
                            *newest = point;
                        }
                    }
                }
                Record::Params(pairs) => insert_params(&transaction, run_id, pairs)?,
                Record::Tags(pairs) => set_tags(&transaction, run_id, pairs)?,
                // Local artifacts are written to their place when they are logged.
                Record::Artifact(_) => {}
                Record::Extra(extra) => extra::write(&transaction, &self.start, extra)?,
                Record::Resume => {
                    transaction
                        .execute("UPDATE runs SET status = 'RUNNING', end_time = NULL WHERE run_uuid = ?1", [run_id])?;
                }
                Record::End { status, end_time } => {
                    transaction.execute(
                        "UPDATE runs SET status = ?2, end_time = ?3 WHERE run_uuid = ?1",
                        params![run_id, status.as_str(), end_time],
                    )?;
                }
            }
        }
        drop(insert);
        for (key, point) in latest {
            update_latest(&transaction, run_id, key, point)?;
        }
        transaction.commit()?;
        Ok(true)
    }
}

impl Sink for LocalSink {
    fn deliver(&mut self, records: &[Record], _ledger: &mut Ledger) -> Result<Delivered, SinkError> {
        let count = records.len().min(PER_TRANSACTION);
        let written = self.write(&records[..count]);
        if !written.map_err(|error| SinkError::retry(format!("the local database: {error}")))? {
            return Err(SinkError::Stopped { reason: "the run was removed from the local database".to_owned() });
        }
        Ok(Delivered { records: count, rejected: Vec::new() })
    }

    fn answers(&mut self) -> bool {
        self.connection.transaction_with_behavior(TransactionBehavior::Immediate).is_ok()
    }
}

impl Point {
    fn new(step: i64, timestamp: i64, value: f64) -> Self {
        Self {
            step,
            timestamp,
            // As MLflow does it: NaN is 0 with a mark, infinities are the largest finite numbers.
            value: if value.is_nan() { 0.0 } else { value.clamp(f64::MIN, f64::MAX) },
            is_nan: value.is_nan(),
        }
    }
}

fn insert_run(transaction: &Transaction<'_>, start: &Start) -> rusqlite::Result<()> {
    let artifact_uri = format!("mlflow-artifacts:/{}/{}/artifacts", start.experiment_id, start.run_id);
    transaction.execute(
        "INSERT OR IGNORE INTO runs (run_uuid, name, source_type, source_name, entry_point_name, user_id, \
         status, start_time, end_time, source_version, lifecycle_stage, artifact_uri, experiment_id) \
         VALUES (?1, ?2, 'UNKNOWN', '', '', ?3, 'RUNNING', ?4, NULL, '', 'active', ?5, ?6)",
        params![
            start.run_id,
            start.run_name,
            start.user,
            start.start_time,
            artifact_uri,
            start.experiment_id.parse::<i64>().unwrap_or(0)
        ],
    )?;
    Ok(())
}

/// Keeps the row that a list of runs shows: the highest (step, timestamp, value).
fn update_latest(transaction: &Transaction<'_>, run_id: &str, key: &str, point: Point) -> rusqlite::Result<()> {
    transaction
        .prepare_cached(
            "INSERT INTO latest_metrics (key, value, timestamp, run_uuid, step, is_nan) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6) \
             ON CONFLICT (key, run_uuid) DO UPDATE SET \
             value = excluded.value, timestamp = excluded.timestamp, step = excluded.step, is_nan = excluded.is_nan \
             WHERE (excluded.step, excluded.timestamp, excluded.value) > \
             (latest_metrics.step, latest_metrics.timestamp, latest_metrics.value)",
        )?
        .execute(params![key, point.value, point.timestamp, run_id, point.step, point.is_nan])?;
    Ok(())
}

fn insert_params(transaction: &Transaction<'_>, run_id: &str, pairs: &[(String, String)]) -> rusqlite::Result<()> {
    let mut insert =
        transaction.prepare_cached("INSERT OR IGNORE INTO params (key, value, run_uuid) VALUES (?1, ?2, ?3)")?;
    for (key, value) in pairs {
        insert.execute(params![key, value, run_id])?;
    }
    Ok(())
}

fn set_tags(transaction: &Transaction<'_>, run_id: &str, pairs: &[(String, String)]) -> rusqlite::Result<()> {
    let mut insert = transaction.prepare_cached(
        "INSERT INTO tags (key, value, run_uuid) VALUES (?1, ?2, ?3) \
         ON CONFLICT (key, run_uuid) DO UPDATE SET value = excluded.value",
    )?;
    for (key, value) in pairs {
        insert.execute(params![key, value, run_id])?;
        if key == "mlflow.runName" {
            // The server keeps the two the same.
            transaction.execute("UPDATE runs SET name = ?2 WHERE run_uuid = ?1", params![run_id, value])?;
        }
    }
    Ok(())
}
