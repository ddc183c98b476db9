//! The folder that a stock `mlflow server` opens: `mlflow.db` and `mlartifacts/`.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

use crate::{Error, record::Start};

const SCHEMA: &str = include_str!("schema.sql");
/// How long to wait for another writer (a server, another run).
const BUSY_TIMEOUT: Duration = Duration::from_secs(20);
/// The columns that are written, by table. A server may have added others since.
const WRITTEN: [(&str, &[&str]); 6] = [
    (
        "experiments",
        &["experiment_id", "name", "artifact_location", "lifecycle_stage", "creation_time", "last_update_time"],
    ),
    (
        "runs",
        &[
            "run_uuid",
            "name",
            "source_type",
            "source_name",
            "entry_point_name",
            "user_id",
            "status",
            "start_time",
            "end_time",
            "source_version",
            "lifecycle_stage",
            "artifact_uri",
            "experiment_id",
        ],
    ),
    ("metrics", &["key", "value", "timestamp", "run_uuid", "step", "is_nan"]),
    ("latest_metrics", &["key", "value", "timestamp", "run_uuid", "step", "is_nan"]),
    ("params", &["key", "value", "run_uuid"]),
    ("tags", &["key", "value", "run_uuid"]),
];

/// The local store, made if it was missing.
#[derive(Debug, Clone)]
pub(crate) struct LocalStore {
    folder: PathBuf,
}

impl LocalStore {
    pub(crate) fn open(folder: &Path) -> Result<Self, Error> {
        fs::create_dir_all(folder).map_err(Error::file("create", folder))?;
        let artifacts = folder.join("mlartifacts");
        fs::create_dir_all(&artifacts).map_err(Error::file("create", &artifacts))?;
        let store = Self { folder: folder.to_owned() };
        let mut connection = store.connect()?;
        let refuse = store.refuse("make the tables");
        // Immediate: of two processes that start at once, the second waits and finds the tables.
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(&refuse)?;
        let tables: i64 =
            transaction.query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get(0)).map_err(&refuse)?;
        if tables == 0 {
            transaction.execute_batch(SCHEMA).map_err(&refuse)?;
        }
        store.check_columns(&transaction)?;
        transaction.commit().map_err(&refuse)?;
        Ok(store)
    }

    /// A connection for one thread.
    pub(crate) fn connect(&self) -> Result<Connection, Error> {
        let refuse = self.refuse("open it");
        let connection = Connection::open(self.database()).map_err(&refuse)?;
        connection.busy_timeout(BUSY_TIMEOUT).map_err(&refuse)?;
        // WAL: the server reads while we write. Losing the last commits to a power cut is no harm,
        // as the spool is what counts.
        connection
            .execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON;")
            .map_err(&refuse)?;
        Ok(connection)
    }

    /// The id of the experiment called `name`, made at time `now` if it does not exist.
    pub(crate) fn experiment(&self, name: &str, now: i64) -> Result<String, Error> {
        let refuse = self.refuse("look up an experiment");
        let mut connection = self.connect()?;
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(&refuse)?;
        // Experiment 0 is what MLflow falls back to; it expects to find it.
        transaction
            .execute(
                "INSERT INTO experiments (experiment_id, name, artifact_location, lifecycle_stage, creation_time, last_update_time) \
                 SELECT 0, 'Default', 'mlflow-artifacts:/0', 'active', ?1, ?1 \
                 WHERE NOT EXISTS (SELECT 1 FROM experiments)",
                [now],
            )
            .map_err(&refuse)?;
        let found: Option<(i64, Option<String>)> = transaction
            .query_row(
                "SELECT experiment_id, lifecycle_stage FROM experiments WHERE name = ?1 ORDER BY lifecycle_stage LIMIT 1",
                [name],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
            .optional()
            .map_err(&refuse)?;
        let id = match found {
            Some((_, Some(stage))) if stage == "deleted" => {
                return Err(Error::Experiment {
                    name: name.to_owned(),
                    reason: format!("was deleted in {}: restore it or choose another name", self.database().display()),
                });
            }
            Some((id, _)) => id,
            None => {
                transaction
                    .execute(
                        "INSERT INTO experiments (name, lifecycle_stage, creation_time, last_update_time) \
                         VALUES (?1, 'active', ?2, ?2)",
                        params![name, now],
                    )
                    .map_err(&refuse)?;
                let id = transaction.last_insert_rowid();
                transaction
                    .execute(
                        "UPDATE experiments SET artifact_location = ?2 WHERE experiment_id = ?1",
                        params![id, format!("mlflow-artifacts:/{id}")],
                    )
                    .map_err(&refuse)?;
                id
            }
        };
        transaction.commit().map_err(&refuse)?;
        Ok(id.to_string())
    }

    /// Where the artifacts of a run are; the server maps `mlflow-artifacts:/` to `mlartifacts/`.
    pub(crate) fn artifact_folder(&self, start: &Start) -> PathBuf {
        let run = self.folder.join("mlartifacts").join(&start.experiment_id);
        run.join(&start.run_id).join("artifacts")
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.folder.join("mlflow.db")
    }

    /// Turns an error of the database into ours.
    pub(crate) fn refuse(&self, action: &'static str) -> impl Fn(rusqlite::Error) -> Error + use<> {
        let path = self.database();
        move |source| Error::Store { action, path: path.clone(), source: Box::new(source) }
    }

    fn check_columns(&self, connection: &Connection) -> Result<(), Error> {
        let refuse = self.refuse("read the layout");
        let mut columns = connection.prepare("SELECT name FROM pragma_table_info(?1)").map_err(&refuse)?;
        for (table, written) in WRITTEN {
            let found: Vec<String> =
                columns.query_map([table], |row| row.get(0)).and_then(Iterator::collect).map_err(&refuse)?;
            if let Some(missing) = written.iter().find(|name| !found.iter().any(|f| f == *name)) {
                let revision = connection
                    .query_row("SELECT version_num FROM alembic_version", [], |row| row.get(0))
                    .unwrap_or_else(|_| "none".to_owned());
                return Err(Error::Schema {
                    path: self.database(),
                    revision,
                    reason: format!("has no column `{missing}` in its table `{table}`"),
                });
            }
        }
        Ok(())
    }
}
