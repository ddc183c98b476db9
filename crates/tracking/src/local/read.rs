//! Reads from the local database and its folder of artifacts.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Write},
    path::PathBuf,
};

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::store::LocalStore;
use crate::{
    ArtifactRecord, DatasetInput, Error, ExperimentRecord, RecordedMetric, RunQuery, RunRecord,
    files::{exists, files_below, is_temporary},
    filter::Filter,
    record::Start,
    spool::{FoundRun, Progress},
    validate,
};

const RUN: &str = "SELECT run_uuid, experiment_id, name, user_id, status, start_time, end_time FROM runs \
                   WHERE lifecycle_stage = 'active'";

impl LocalStore {
    pub(crate) fn experiments(&self) -> Result<Vec<ExperimentRecord>, Error> {
        let refuse = self.refuse("list the experiments");
        let connection = self.connect()?;
        let mut statement = connection
            .prepare("SELECT experiment_id, name, lifecycle_stage FROM experiments ORDER BY experiment_id")
            .map_err(&refuse)?;
        let found = statement.query_map([], |row| {
            Ok(ExperimentRecord {
                experiment_id: row.get::<_, i64>(0)?.to_string(),
                name: row.get(1)?,
                deleted: row.get::<_, Option<String>>(2)?.as_deref() == Some("deleted"),
            })
        });
        found.and_then(Iterator::collect).map_err(&refuse)
    }

    pub(crate) fn search_runs(&self, query: &RunQuery) -> Result<Vec<RunRecord>, Error> {
        let filter = Filter::parse(&query.filter)?;
        let refuse = self.refuse("search for runs");
        let mut experiments = self.experiments()?;
        experiments.retain(|it| !it.deleted && query.experiment.as_ref().is_none_or(|name| it.name == *name));
        if let (Some(name), true) = (&query.experiment, experiments.is_empty()) {
            let place = self.database().display().to_string();
            return Err(Error::Missing { what: "experiment", name: name.clone(), place });
        }
        let connection = self.connect()?;
        let mut statement =
            connection.prepare(&format!("{RUN} ORDER BY start_time DESC, run_uuid")).map_err(&refuse)?;
        let runs: Vec<RunRecord> = statement.query_map([], head).and_then(Iterator::collect).map_err(&refuse)?;
        let mut found = Vec::new();
        for mut run in runs {
            if found.len() >= query.limit {
                break;
            }
            if experiments.iter().any(|experiment| experiment.experiment_id == run.experiment_id) {
                fill(&connection, &mut run).map_err(&refuse)?;
                if filter.holds(&run) {
                    found.push(run);
                }
            }
        }
        Ok(found)
    }

    pub(crate) fn read_run(&self, run_id: &str) -> Result<Option<RunRecord>, Error> {
        let refuse = self.refuse("read a run");
        let connection = self.connect()?;
        let found = connection.query_row(&format!("{RUN} AND run_uuid = ?1"), [run_id], head).optional();
        let Some(mut run) = found.map_err(&refuse)? else {
            return Ok(None);
        };
        fill(&connection, &mut run).map_err(&refuse)?;
        Ok(Some(run))
    }

    pub(crate) fn history(&self, run_id: &str, key: &str) -> Result<Vec<RecordedMetric>, Error> {
        let refuse = self.refuse("read a metric");
        let connection = self.connect()?;
        let mut statement = connection
            .prepare("SELECT value, is_nan, step, timestamp FROM metrics WHERE run_uuid = ?1 AND key = ?2")
            .map_err(&refuse)?;
        let found = statement.query_map([run_id, key], |row| {
            Ok(RecordedMetric {
                key: key.to_owned(),
                value: value(row, 0, 1)?,
                step: row.get(2)?,
                timestamp: row.get(3)?,
            })
        });
        found.and_then(Iterator::collect).map_err(&refuse)
    }

    pub(crate) fn artifacts(&self, run: &RunRecord) -> Result<Vec<ArtifactRecord>, Error> {
        let folder = self.run_folder(run)?;
        if !exists(&folder)? {
            return Ok(Vec::new());
        }
        let mut found = Vec::new();
        for (path, file) in files_below(&folder)? {
            if !path.rsplit('/').next().is_some_and(is_temporary) {
                let len = fs::metadata(&file).map_err(Error::file("read", &file))?.len();
                found.push(ArtifactRecord { path, len });
            }
        }
        Ok(found)
    }

    pub(crate) fn read_artifact(&self, run: &RunRecord, path: &str, to: &mut dyn Write) -> Result<(), Error> {
        let file = self.run_folder(run)?.join(path);
        let mut content = match File::open(&file) {
            Ok(content) => content,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let place = self.database().display().to_string();
                return Err(Error::Missing { what: "artifact", name: path.to_owned(), place });
            }
            Err(error) => return Err(Error::file("read", file)(error)),
        };
        io::copy(&mut content, to).map(drop).map_err(Error::file("read", file))
    }

    /// What a new spool needs to go on with the run of this id.
    pub(crate) fn find_run(&self, run_id: &str) -> Result<Option<FoundRun>, Error> {
        let is_run_id = run_id.len() == 32 && run_id.bytes().all(|byte| byte.is_ascii_hexdigit());
        let Some(run) = self.read_run(run_id)?.filter(|_| is_run_id) else {
            return Ok(None);
        };
        let experiment = self.experiments()?.into_iter().find(|it| it.experiment_id == run.experiment_id);
        let start = Start {
            run_id: run.run_id,
            destination: "local".to_owned(),
            experiment: experiment.map(|experiment| experiment.name).unwrap_or_default(),
            experiment_id: run.experiment_id,
            run_name: run.run_name,
            user: run.user,
            start_time: run.start_time,
        };
        Ok(Some(FoundRun { start, params: run.params, progress: Progress::default() }))
    }

    /// The folder that a server maps the artifacts of a run to.
    fn run_folder(&self, run: &RunRecord) -> Result<PathBuf, Error> {
        let refuse = self.refuse("read a run");
        let uri: Option<String> = self
            .connect()?
            .query_row("SELECT artifact_uri FROM runs WHERE run_uuid = ?1", [&run.run_id], |row| row.get(0))
            .map_err(&refuse)?;
        let inside = uri.as_deref().and_then(|uri| uri.strip_prefix("mlflow-artifacts:/")).unwrap_or_default();
        validate::artifact_path(inside)?;
        Ok(self.folder().join("mlartifacts").join(inside))
    }
}

fn head(row: &Row<'_>) -> rusqlite::Result<RunRecord> {
    Ok(RunRecord {
        run_id: row.get(0)?,
        experiment_id: row.get::<_, i64>(1)?.to_string(),
        run_name: row.get::<_, Option<String>>(2)?.unwrap_or_default(),
        user: row.get::<_, Option<String>>(3)?.unwrap_or_default(),
        status: row.get::<_, Option<String>>(4)?.unwrap_or_default(),
        start_time: row.get::<_, Option<i64>>(5)?.unwrap_or_default(),
        end_time: row.get(6)?,
        ..RunRecord::default()
    })
}

fn fill(connection: &Connection, run: &mut RunRecord) -> rusqlite::Result<()> {
    let pairs = |table: &str| -> rusqlite::Result<BTreeMap<String, String>> {
        let mut statement =
            connection.prepare_cached(&format!("SELECT key, value FROM {table} WHERE run_uuid = ?1"))?;
        statement
            .query_map([&run.run_id], |row| Ok((row.get(0)?, row.get::<_, Option<String>>(1)?.unwrap_or_default())))?
            .collect()
    };
    let (params, tags) = (pairs("params")?, pairs("tags")?);
    let mut latest = connection.prepare_cached("SELECT key, value, is_nan FROM latest_metrics WHERE run_uuid = ?1")?;
    let metrics = latest
        .query_map([&run.run_id], |row| Ok((row.get(0)?, value(row, 1, 2)?)))?
        .collect::<rusqlite::Result<BTreeMap<String, f64>>>()?;
    let mut inputs = connection.prepare_cached(
        "SELECT d.name, d.digest, d.dataset_source_type, d.dataset_source, d.dataset_schema, d.dataset_profile, t.value \
         FROM inputs i JOIN datasets d ON d.dataset_uuid = i.source_id \
         LEFT JOIN input_tags t ON t.input_uuid = i.input_uuid AND t.name = 'mlflow.data.context' \
         WHERE i.source_type = 'DATASET' AND i.destination_type = 'RUN' AND i.destination_id = ?1 ORDER BY 1, 2",
    )?;
    let datasets = inputs
        .query_map(params![run.run_id], |row| {
            Ok(DatasetInput {
                name: row.get(0)?,
                digest: row.get(1)?,
                source_type: row.get(2)?,
                source: row.get(3)?,
                schema: row.get(4)?,
                profile: row.get(5)?,
                context: row.get(6)?,
            })
        })?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    drop((latest, inputs));
    (run.params, run.tags, run.metrics, run.datasets) = (params, tags, metrics, datasets);
    Ok(())
}

/// A number that may be marked as none.
fn value(row: &Row<'_>, value: usize, is_nan: usize) -> rusqlite::Result<f64> {
    Ok(if row.get(is_nan)? { f64::NAN } else { row.get(value)? })
}
