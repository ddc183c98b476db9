//! A look into the local tracking store.

use std::path::Path;
use std::time::Duration;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags};

/// The rows of a query on `mlflow.db` in `folder`, each as the text of its cells joined by ` | `; empty while there is
/// no database, or none with these tables yet.
///
/// # Panics
/// When the rows cannot be read.
#[must_use]
pub fn rows(folder: &Path, query: &str) -> Vec<String> {
    let Ok(connection) = Connection::open_with_flags(folder.join("mlflow.db"), OpenFlags::SQLITE_OPEN_READ_WRITE)
    else {
        return Vec::new();
    };
    connection.busy_timeout(Duration::from_secs(20)).expect("a time limit is accepted");
    let Ok(mut statement) = connection.prepare(query) else { return Vec::new() };
    let columns = statement.column_count();
    let rows = statement.query_map([], |row| {
        let cell = |index| -> rusqlite::Result<String> {
            Ok(match row.get_ref(index)? {
                ValueRef::Null => "-".to_owned(),
                ValueRef::Integer(number) => number.to_string(),
                ValueRef::Real(number) => format!("{number:?}"),
                other => other.as_str().unwrap_or("?").to_owned(),
            })
        };
        Ok((0..columns).map(cell).collect::<rusqlite::Result<Vec<_>>>()?.join(" | "))
    });
    rows.and_then(Iterator::collect).expect("the rows can be read")
}

/// Key, step and value of every metric of every run, sorted.
#[must_use]
pub fn metric_rows(folder: &Path) -> Vec<String> {
    rows(folder, "SELECT key, step, value FROM metrics ORDER BY key, step, value")
}
