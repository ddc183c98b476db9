//! Writes the records of one run into the local database.

use std::collections::HashMap;

use rusqlite::{Connection, Transaction, TransactionBehavior, params};

use super::store::LocalStore;
use crate::{
    Error,
    delivery::{Delivered, Sink, SinkError},
    record::{Record, Start},
    spool::Ledger,
};

/// How many records share a transaction.
const PER_TRANSACTION: usize = 4096;

pub(crate) struct LocalSink {
    connection: Connection,
    run_id: String,
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
        Ok(Self { connection: store.connect()?, run_id: start.run_id.clone() })
    }

    fn write(&mut self, records: &[Record]) -> rusqlite::Result<()> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut latest: HashMap<&str, Point> = HashMap::new();
        for record in records {
            match record {
                Record::Start(start) => insert_run(&transaction, start)?,
                Record::Metrics { timestamp, step, values } => {
                    for (key, value) in values {
                        let point = Point::new(*step, *timestamp, *value);
                        insert_metric(&transaction, &self.run_id, key, point)?;
                        let newest = latest.entry(key).or_insert(point);
                        if point > *newest {
                            *newest = point;
                        }
                    }
                }
                Record::Params(pairs) => insert_params(&transaction, &self.run_id, pairs)?,
                Record::Tags(pairs) => set_tags(&transaction, &self.run_id, pairs)?,
                // Local artifacts are written to their place when they are logged.
                Record::Artifact { .. } => {}
                Record::End { status, end_time } => {
                    transaction.execute(
                        "UPDATE runs SET status = ?2, end_time = ?3 WHERE run_uuid = ?1",
                        params![self.run_id, status.as_str(), end_time],
                    )?;
                }
            }
        }
        for (key, point) in latest {
            update_latest(&transaction, &self.run_id, key, point)?;
        }
        transaction.commit()
    }
}

impl Sink for LocalSink {
    fn deliver(&mut self, records: &[Record], _ledger: &mut Ledger) -> Result<Delivered, SinkError> {
        let count = records.len().min(PER_TRANSACTION);
        self.write(&records[..count]).map_err(|error| SinkError::retry(format!("the local database: {error}")))?;
        Ok(Delivered { records: count, rejected: Vec::new() })
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

fn insert_metric(transaction: &Transaction<'_>, run_id: &str, key: &str, point: Point) -> rusqlite::Result<()> {
    transaction
        .prepare_cached(
            "INSERT OR IGNORE INTO metrics (key, value, timestamp, run_uuid, step, is_nan) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![key, point.value, point.timestamp, run_id, point.step, point.is_nan])?;
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
