//! Tables that the page of a run shows.

use serde_json::{Value, json};

use crate::{Error, Run, record::Record, run::Log, validate};

/// The tag in which MLflow lists what it shows as tables.
const TABLES: &str = "mlflow.loggedArtifacts";

impl Run {
    /// Logs a table: `rows` of cells in the order of `columns`, as the artifact `path`, which must end in `.json`.
    /// The page of the run shows it, and compares it with those of other runs. The same path again replaces the table.
    ///
    /// # Errors
    /// [`Error::Value`] for a row of another length than `columns`, or for more tables than MLflow can list (about a
    /// hundred); otherwise as [`Run::log_artifact_bytes`].
    pub fn log_table(&self, path: &str, columns: &[&str], rows: &[Vec<Value>]) -> Result<(), Error> {
        let refuse = |reason| Error::Value { kind: "table", key: path.chars().take(80).collect(), reason };
        validate::artifact_path(path)?;
        if !path.ends_with(".json") {
            return Err(refuse("does not end in .json, by which MLflow knows tables".to_owned()));
        }
        if let Some((number, row)) = rows.iter().enumerate().find(|(_, row)| row.len() != columns.len()) {
            let reason = format!("has {} cells in row {number} and {} columns", row.len(), columns.len());
            return Err(refuse(reason));
        }
        let table = json!({"columns": columns, "data": rows}).to_string();
        let entry = json!({"path": path, "type": "table"}).to_string();
        {
            let log = self.open_log()?;
            let known = log.tables.contains(&entry);
            let listed = log.tables.iter().map(|entry| entry.len() + 1).sum::<usize>();
            if !known && listed + entry.len() + 2 > validate::MAX_TAG_CHARS {
                return Err(refuse("is one more than the tag that lists tables can hold: log an artifact".to_owned()));
            }
        }
        self.log_artifact_bytes(table.as_bytes(), path)?;
        let mut log = self.open_log()?;
        if !log.tables.contains(&entry) {
            log.tables.push(entry);
            let list = format!("[{}]", log.tables.join(","));
            self.submit(&log, Record::Tags(vec![(TABLES.to_owned(), list)]))?;
        }
        Ok(())
    }
}

impl Log {
    /// Remembers the tables that a resumed run has listed already.
    pub(crate) fn note_tables(&mut self, tags: &[(String, String)]) {
        for (_, list) in tags.iter().filter(|(key, _)| key == TABLES) {
            let entries: Vec<Value> = serde_json::from_str(list).unwrap_or_default();
            self.tables = entries.iter().map(Value::to_string).collect();
        }
    }
}
