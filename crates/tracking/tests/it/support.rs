//! What several test modules need.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use dodge_tracking::{Clock, Destination, Tracking, TrackingOptions};
use rusqlite::Connection;

/// A clock that goes one millisecond further at every look.
#[derive(Debug)]
pub(crate) struct TickingClock(AtomicI64);

impl Clock for TickingClock {
    fn now_ms(&self) -> i64 {
        self.0.fetch_add(1, Ordering::Relaxed)
    }
}

pub(crate) fn options(destination: Destination, folder: &Path) -> TrackingOptions {
    let clock = Arc::new(TickingClock(AtomicI64::new(1_000)));
    TrackingOptions::new(destination, folder, clock)
        .with_delivery_interval(Duration::from_millis(20))
        .with_finish_timeout(Duration::from_secs(20))
}

pub(crate) fn local(folder: &Path) -> Tracking {
    Tracking::open(options(Destination::Local, folder)).unwrap()
}

/// The rows of a query on the local database, as text.
pub(crate) fn rows(folder: &Path, sql: &str) -> Vec<String> {
    let connection = Connection::open(folder.join("mlflow.db")).unwrap();
    connection.busy_timeout(Duration::from_secs(20)).unwrap();
    let mut statement = connection.prepare(sql).unwrap();
    let columns = statement.column_count();
    let rows = statement.query_map([], |row| {
        let cells: Vec<String> = (0..columns)
            .map(|i| match row.get_ref(i).unwrap() {
                rusqlite::types::ValueRef::Null => "-".to_owned(),
                rusqlite::types::ValueRef::Integer(number) => number.to_string(),
                rusqlite::types::ValueRef::Real(number) => format!("{number:?}"),
                other => other.as_str().unwrap().to_owned(),
            })
            .collect();
        Ok(cells.join(" | "))
    });
    rows.unwrap().map(Result::unwrap).collect()
}

/// The entries of a run's spool folders.
pub(crate) fn spools(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder.join("spool")).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}
