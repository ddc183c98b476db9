//! Reads from an MLflow server.

use std::{collections::HashSet, io::Write};

use serde::Deserialize;
use serde_json::{Value, json};

use super::{client::RestClient, pages::Pages, reply::CallError};
use crate::{
    ArtifactRecord, DatasetInput, Error, ExperimentRecord, RecordedMetric, RunQuery, RunRecord,
    record::{CLIENT_RUN_ID, Start},
    spool::{FoundRun, Progress},
};

/// Values of a metric per request; the server takes no more.
const HISTORY_PAGE: &str = "25000";
/// Runs per request.
const RUNS_PAGE: usize = 1000;
/// Most folders of artifacts that are listed.
const MAX_FOLDERS: usize = 10_000;

pub(crate) struct RemoteReader {
    client: RestClient,
}

impl RemoteReader {
    pub(crate) fn new(client: RestClient) -> Self {
        Self { client }
    }

    pub(crate) fn experiments(&self) -> Result<Vec<ExperimentRecord>, Error> {
        let mut found = Vec::new();
        let mut pages = Pages::default();
        loop {
            let body = json!({"max_results": 1000, "view_type": "ALL", "page_token": pages.token()});
            let page: ExperimentsPage = self.client.post("experiments/search", &body).map_err(self.server())?;
            found.extend(page.experiments.into_iter().map(|experiment| ExperimentRecord {
                deleted: experiment.lifecycle_stage == "deleted",
                experiment_id: experiment.experiment_id,
                name: experiment.name,
            }));
            if !pages.turn(page.next_page_token).map_err(self.server())? {
                break;
            }
        }
        found.sort_by_key(|experiment| experiment.experiment_id.parse::<i64>().unwrap_or(i64::MAX));
        Ok(found)
    }

    pub(crate) fn search_runs(&self, query: &RunQuery) -> Result<Vec<RunRecord>, Error> {
        let mut experiments = self.experiments()?;
        experiments.retain(|it| !it.deleted && query.experiment.as_ref().is_none_or(|name| it.name == *name));
        if let (Some(name), true) = (&query.experiment, experiments.is_empty()) {
            return Err(Error::Missing { what: "experiment", name: name.clone(), place: self.client.uri().to_owned() });
        }
        let ids: Vec<&str> = experiments.iter().map(|experiment| experiment.experiment_id.as_str()).collect();
        let mut found: Vec<RunRecord> = Vec::new();
        let mut pages = Pages::default();
        while found.len() < query.limit {
            let body = json!({
                "experiment_ids": ids,
                "filter": query.filter,
                "max_results": (query.limit - found.len()).min(RUNS_PAGE),
                "order_by": ["attributes.start_time DESC"],
                "page_token": pages.token(),
            });
            let page: RunsPage = self.client.post("runs/search", &body).map_err(|error| match error {
                CallError::Refused { reason, .. } if !query.filter.is_empty() => {
                    Error::Value { kind: "filter", key: query.filter.clone(), reason }
                }
                error => self.server()(error),
            })?;
            found.extend(page.runs.into_iter().map(RunRecord::from));
            if !pages.turn(page.next_page_token).map_err(self.server())? {
                break;
            }
        }
        // A server may send more than it was asked for.
        found.truncate(query.limit);
        Ok(found)
    }

    pub(crate) fn run(&self, run_id: &str) -> Result<Option<RunRecord>, Error> {
        Ok(self.run_body(run_id)?.map(RunRecord::from))
    }

    fn run_body(&self, run_id: &str) -> Result<Option<RunBody>, Error> {
        match self.client.get::<RunReply>("runs/get", &[("run_id", run_id)]) {
            Ok(reply) => Ok(Some(reply.run)),
            Err(CallError::Missing { .. }) => Ok(None),
            // An id that no run could have.
            Err(CallError::Refused { code, .. }) if code == "INVALID_PARAMETER_VALUE" => Ok(None),
            Err(error) => Err(self.server()(error)),
        }
    }

    pub(crate) fn history(&self, run_id: &str, key: &str) -> Result<Vec<RecordedMetric>, Error> {
        let mut found = Vec::new();
        let mut pages = Pages::default();
        loop {
            let mut query = vec![("run_id", run_id), ("metric_key", key), ("max_results", HISTORY_PAGE)];
            if !pages.token().is_empty() {
                query.push(("page_token", pages.token()));
            }
            let page: HistoryPage = self.client.get("metrics/get-history", &query).map_err(|error| match error {
                CallError::Missing { .. } => {
                    Error::Missing { what: "run", name: run_id.to_owned(), place: self.client.uri().to_owned() }
                }
                error => self.server()(error),
            })?;
            found.extend(page.metrics.into_iter().map(|metric| RecordedMetric {
                key: metric.key,
                value: number(&metric.value),
                step: metric.step,
                timestamp: metric.timestamp,
            }));
            if !pages.turn(page.next_page_token).map_err(self.server())? {
                return Ok(found);
            }
        }
    }

    pub(crate) fn artifacts(&self, run_id: &str) -> Result<Vec<ArtifactRecord>, Error> {
        let mut found = Vec::new();
        let mut folders = vec![String::new()];
        let mut listed = HashSet::new();
        while let Some(folder) = folders.pop() {
            if !listed.insert(folder.clone()) {
                continue;
            }
            if listed.len() > MAX_FOLDERS {
                let reason = format!("lists more than {MAX_FOLDERS} folders of artifacts of run {run_id}");
                return Err(Error::Server { uri: self.client.uri().to_owned(), reason });
            }
            for file in self.files_in(run_id, &folder)? {
                // A folder that lists itself would never end.
                let below = folder.is_empty() || file.path.starts_with(&format!("{folder}/"));
                match (file.is_dir, below) {
                    (true, true) => folders.push(file.path),
                    (false, _) => found.push(ArtifactRecord { path: file.path, len: file.file_size }),
                    (true, false) => {}
                }
            }
        }
        Ok(found)
    }

    fn files_in(&self, run_id: &str, folder: &str) -> Result<Vec<FileBody>, Error> {
        let mut files = Vec::new();
        let mut pages = Pages::default();
        loop {
            let mut query = vec![("run_id", run_id)];
            query.extend(Some(("path", folder)).filter(|(_, folder)| !folder.is_empty()));
            query.extend(Some(("page_token", pages.token())).filter(|(_, token)| !token.is_empty()));
            let page: FilesPage = self.client.get("artifacts/list", &query).map_err(|error| match error {
                CallError::Missing { .. } => {
                    Error::Missing { what: "run", name: run_id.to_owned(), place: self.client.uri().to_owned() }
                }
                error => self.server()(error),
            })?;
            files.extend(page.files);
            if !pages.turn(page.next_page_token).map_err(self.server())? {
                return Ok(files);
            }
        }
    }

    pub(crate) fn read_artifact(&self, run_id: &str, path: &str, to: &mut dyn Write) -> Result<(), Error> {
        let missing =
            |what, name: &str| Error::Missing { what, name: name.to_owned(), place: self.client.uri().to_owned() };
        let run = self.run_body(run_id)?.ok_or_else(|| missing("run", run_id))?;
        self.download(&run.info.artifact_uri, path, to)
    }

    /// The file `path` below `artifact_uri`.
    pub(crate) fn download(&self, artifact_uri: &str, path: &str, to: &mut dyn Write) -> Result<(), Error> {
        let refused = |reason| Error::Server { uri: self.client.uri().to_owned(), reason };
        let url = self.client.artifact_url(artifact_uri, path).map_err(refused)?;
        match self.client.download(url, to) {
            Ok(()) => Ok(()),
            Err(CallError::Missing { .. }) => {
                Err(Error::Missing { what: "artifact", name: path.to_owned(), place: self.client.uri().to_owned() })
            }
            Err(error) => Err(self.server()(error)),
        }
    }

    fn server(&self) -> impl Fn(CallError) -> Error + use<> {
        let uri = self.client.uri().to_owned();
        move |error| Error::Server { uri: uri.clone(), reason: error.reason().to_owned() }
    }
}

/// What a new spool needs to go on with the run of this id.
pub(crate) fn find_run(client: &RestClient, run_id: &str) -> Result<Option<FoundRun>, Error> {
    let reader = RemoteReader::new(client.clone());
    let Some(body) = reader.run_body(run_id)? else {
        return Ok(None);
    };
    let artifact_uri = body.info.artifact_uri.clone();
    let run = RunRecord::from(body);
    let experiments = reader.experiments()?;
    let experiment = experiments.into_iter().find(|experiment| experiment.experiment_id == run.experiment_id);
    let start = Start {
        run_id: run.tags.get(CLIENT_RUN_ID).filter(|id| is_run_id(id)).unwrap_or(&run.run_id).clone(),
        destination: client.uri().to_owned(),
        experiment: experiment.map(|experiment| experiment.name).unwrap_or_default(),
        experiment_id: String::new(),
        run_name: run.run_name,
        user: run.user,
        start_time: run.start_time,
    };
    if !is_run_id(&start.run_id) {
        return Ok(None);
    }
    let progress = Progress {
        create_attempted: true,
        server_run_id: Some(run.run_id),
        server_experiment_id: Some(run.experiment_id),
        artifact_uri: Some(artifact_uri),
        ..Progress::default()
    };
    Ok(Some(FoundRun { start, params: run.params, progress }))
}

/// It becomes the name of a folder.
fn is_run_id(id: &str) -> bool {
    id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Numbers that JSON lacks come as text.
fn number(value: &Value) -> f64 {
    match value {
        Value::Number(number) => number.as_f64().unwrap_or(f64::NAN),
        Value::String(text) => match text.as_str() {
            "Infinity" => f64::INFINITY,
            "-Infinity" => f64::NEG_INFINITY,
            text => text.parse().unwrap_or(f64::NAN),
        },
        // What is zero is left out.
        _ => 0.0,
    }
}

impl From<RunBody> for RunRecord {
    fn from(body: RunBody) -> Self {
        let pairs = |entries: Vec<Pair>| entries.into_iter().map(|pair| (pair.key, pair.value)).collect();
        Self {
            run_id: body.info.run_id,
            experiment_id: body.info.experiment_id,
            run_name: body.info.run_name,
            user: body.info.user_id,
            status: body.info.status,
            start_time: body.info.start_time,
            end_time: body.info.end_time,
            params: pairs(body.data.params),
            metrics: body.data.metrics.iter().map(|metric| (metric.key.clone(), number(&metric.value))).collect(),
            tags: pairs(body.data.tags),
            datasets: body.inputs.dataset_inputs.into_iter().map(DatasetInput::from).collect(),
        }
    }
}

impl From<InputBody> for DatasetInput {
    fn from(body: InputBody) -> Self {
        let context = body.tags.into_iter().find(|tag| tag.key == "mlflow.data.context").map(|tag| tag.value);
        let text = |text: String| Some(text).filter(|text| !text.is_empty());
        Self {
            name: body.dataset.name,
            digest: body.dataset.digest,
            source_type: body.dataset.source_type,
            source: body.dataset.source,
            schema: text(body.dataset.schema),
            profile: text(body.dataset.profile),
            context,
        }
    }
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct ExperimentsPage {
    experiments: Vec<ExperimentBody>,
    next_page_token: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct ExperimentBody {
    experiment_id: String,
    name: String,
    lifecycle_stage: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct RunsPage {
    runs: Vec<RunBody>,
    next_page_token: String,
}

#[derive(Deserialize)]
struct RunReply {
    run: RunBody,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct RunBody {
    info: RunInfo,
    data: RunData,
    inputs: RunInputs,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct RunInfo {
    run_id: String,
    experiment_id: String,
    run_name: String,
    user_id: String,
    status: String,
    start_time: i64,
    end_time: Option<i64>,
    artifact_uri: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct RunData {
    metrics: Vec<MetricBody>,
    params: Vec<Pair>,
    tags: Vec<Pair>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct MetricBody {
    key: String,
    value: Value,
    timestamp: i64,
    step: i64,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Pair {
    key: String,
    value: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct RunInputs {
    dataset_inputs: Vec<InputBody>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct InputBody {
    tags: Vec<Pair>,
    dataset: DatasetBody,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct DatasetBody {
    name: String,
    digest: String,
    source_type: String,
    source: String,
    schema: String,
    profile: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct HistoryPage {
    metrics: Vec<MetricBody>,
    next_page_token: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct FilesPage {
    files: Vec<FileBody>,
    next_page_token: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct FileBody {
    path: String,
    is_dir: bool,
    file_size: u64,
}
