//! Sends the records of one run to an MLflow server.

use std::{
    collections::{HashMap, HashSet},
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    batch::{Item, body, pack},
    client::RestClient,
    extra,
    lanes::{at_once, first_of},
    reply::CallError,
};
use crate::{
    Rejection,
    delivery::{Delivered, Sink, SinkError, note},
    parent::{PARENT, own_parent_id},
    record::{Artifact, CLIENT_RUN_ID, Record, Start},
    spool::{Ledger, place_of},
};

/// Batches of metrics that are under way at a time. Their order does not matter to MLflow, whose latest value is that
/// of the highest step and time; what arrived is noted in order all the same.
const METRIC_LANES: usize = 2;
/// Artifacts that are under way at a time, and from how many the next is taken.
const ARTIFACT_LANES: usize = 8;
const ARTIFACT_WINDOW: usize = 512;
/// How often a parent is waited for that neither the server nor our own spools know: it may be in another tracking folder.
const MAX_PARENT_WAITS: u32 = 10;

pub(crate) struct RemoteSink {
    client: RestClient,
    start: Start,
    /// The folder of the run's spool.
    spool: PathBuf,
    /// The ids that the server has for runs that we know by ours.
    parents: HashMap<String, String>,
    parent_waits: u32,
    /// How often such a parent is waited for.
    max_parent_waits: u32,
}

impl RemoteSink {
    pub(crate) fn new(client: RestClient, start: &Start, spool: &Path) -> Self {
        Self {
            client,
            start: start.clone(),
            spool: spool.to_owned(),
            parents: HashMap::new(),
            parent_waits: 0,
            max_parent_waits: MAX_PARENT_WAITS,
        }
    }

    /// For a run whose process is gone, and with it whatever might still have made its parent elsewhere.
    #[must_use]
    pub(crate) fn without_patience(mut self) -> Self {
        self.max_parent_waits = 0;
        self
    }

    pub(crate) fn set_timeout(&mut self, timeout: Duration) {
        self.client.timeout = timeout;
    }

    /// Makes sure that the run exists on the server, once: `runs/create` is not idempotent, so a
    /// run whose creation may have gone through is searched for by its tag first.
    pub(crate) fn create_run(&mut self, ledger: &mut Ledger) -> Result<(), SinkError> {
        if ledger.progress.server_run_id.is_some() {
            return Ok(());
        }
        let experiment_id = match &ledger.progress.server_experiment_id {
            Some(id) => id.clone(),
            None => self.experiment()?,
        };
        ledger.progress.server_experiment_id = Some(experiment_id.clone());
        let mut run = None;
        if ledger.progress.create_attempted {
            run = self.find_run(&experiment_id, &self.start.run_id)?;
        }
        let run = match run {
            Some(run) => run,
            None => {
                ledger.progress.create_attempted = true;
                note(ledger)?;
                let body = json!({
                    "experiment_id": experiment_id,
                    "user_id": self.start.user,
                    "run_name": self.start.run_name,
                    "start_time": self.start.start_time,
                    "tags": [{"key": CLIENT_RUN_ID, "value": self.start.run_id}],
                });
                self.client.post::<RunReply>("runs/create", &body)?.run
            }
        };
        ledger.progress.server_run_id = Some(run.info.run_id);
        ledger.progress.artifact_uri = Some(run.info.artifact_uri);
        note(ledger)
    }

    fn experiment(&self) -> Result<String, SinkError> {
        let name = self.start.experiment.as_str();
        if let Some(id) = self.find_experiment(name)? {
            return Ok(id);
        }
        match self.client.post::<ExperimentId>("experiments/create", &json!({ "name": name })) {
            Ok(reply) => Ok(reply.experiment_id),
            Err(CallError::Refused { code, reason }) if code == "RESOURCE_ALREADY_EXISTS" => {
                // Another run was faster.
                self.find_experiment(name)?.ok_or(SinkError::Stopped { reason })
            }
            Err(error) => Err(error.into()),
        }
    }

    fn find_experiment(&self, name: &str) -> Result<Option<String>, SinkError> {
        let query = [("experiment_name", name)];
        match self.client.get::<ExperimentReply>("experiments/get-by-name", &query) {
            Ok(ExperimentReply { experiment }) if experiment.lifecycle_stage == "deleted" => Err(SinkError::Stopped {
                reason: format!("experiment `{name}` was deleted on the server: restore it or choose another name"),
            }),
            Ok(reply) => Ok(Some(reply.experiment.experiment_id)),
            Err(CallError::Missing { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn find_run(&self, experiment_id: &str, client_id: &str) -> Result<Option<RunBody>, SinkError> {
        let body = json!({
            "experiment_ids": [experiment_id],
            "filter": format!("tags.`{CLIENT_RUN_ID}` = '{client_id}'"),
            "run_view_type": "ALL",
            "max_results": 1,
        });
        let reply: SearchReply = self.client.post("runs/search", &body)?;
        Ok(reply.runs.into_iter().next())
    }

    /// Sends `items` in one call; where the server refuses the content, halves it until the items
    /// at fault stand alone, so that they cost nobody else anything.
    fn send(&self, run_id: &str, items: &[Item<'_>]) -> Result<Vec<Rejection>, SinkError> {
        let reason = match self.client.post::<Value>("runs/log-batch", &body(run_id, items)) {
            Ok(_) => return Ok(Vec::new()),
            Err(CallError::Refused { reason, .. }) => reason,
            Err(error) => return Err(error.into()),
        };
        if reason.contains("must be in the 'active' state") {
            return Err(SinkError::Stopped { reason: format!("the run was deleted on the server: {reason}") });
        }
        if let [item] = items {
            let item = item.describe();
            return Ok(vec![Rejection { item, reason }]);
        }
        let (left, right) = items.split_at(items.len() / 2);
        let mut rejected = self.send(run_id, left)?;
        rejected.extend(self.send(run_id, right)?);
        Ok(rejected)
    }

    /// Puts the ids of the server into tags that name the parent of this run by ours.
    fn find_parents(&mut self, ledger: &Ledger, records: &[Record]) -> Result<(), SinkError> {
        let tags = records.iter().filter_map(|record| match record {
            Record::Tags(pairs) => Some(pairs),
            _ => None,
        });
        for (_, value) in tags.flatten().filter(|(key, _)| key == PARENT) {
            let Some(client_id) = own_parent_id(value).filter(|id| !self.parents.contains_key(*id)) else {
                continue;
            };
            let id = match self.find_parent(ledger, client_id)? {
                Some(id) => id,
                None if self.parent_waits < self.max_parent_waits => {
                    self.parent_waits += 1;
                    return Err(SinkError::Waiting { reason: "the parent of the run is not there yet".to_owned() });
                }
                // Its records may have been lost; this run need not be.
                None => client_id.to_owned(),
            };
            self.parents.insert(client_id.to_owned(), id);
        }
        Ok(())
    }

    /// The server's id of the run that we know as `client_id`. An error as long as that run is on its way.
    fn find_parent(&self, ledger: &Ledger, client_id: &str) -> Result<Option<String>, SinkError> {
        let unreadable = |error: crate::Error| SinkError::retry(error.to_string());
        let spools = self.spool.parent().unwrap_or(&self.spool);
        let its_spool = place_of(spools, client_id).map_err(unreadable)?;
        if let Some(id) = Ledger::of(&its_spool).map_err(unreadable)?.progress.server_run_id {
            return Ok(Some(id));
        }
        let experiment_id = ledger.progress.server_experiment_id.clone().unwrap_or_default();
        if let Some(run) = self.find_run(&experiment_id, client_id)? {
            return Ok(Some(run.info.run_id));
        }
        if its_spool.try_exists().unwrap_or(true) {
            let reason = format!("its parent, run {client_id}, has not arrived yet");
            return Err(SinkError::Waiting { reason });
        }
        Ok(None)
    }

    /// Sends the metrics at the front of `records`, several batches at a time.
    fn send_metrics(&self, run_id: &str, records: &[Record]) -> Result<Delivered, SinkError> {
        let metrics = records.iter().take_while(|record| matches!(record, Record::Metrics { .. })).count();
        let mut batches = Vec::new();
        let mut at = 0;
        while at < metrics && batches.len() < METRIC_LANES {
            let (items, count) = pack(&records[at..metrics], &self.parents);
            batches.push((items, count));
            at += count.max(1);
        }
        let results = at_once(batches.len(), METRIC_LANES, |index| self.send(run_id, &batches[index].0));
        first_of(results.into_iter().zip(batches.iter().map(|(_, count)| *count)))
    }

    /// Sends the artifacts at the front of `records`, several at a time.
    fn send_artifacts(&self, ledger: &Ledger, records: &[Record]) -> Result<Delivered, SinkError> {
        let mut artifacts = Vec::new();
        let mut paths = HashSet::new();
        for record in records.iter().take(ARTIFACT_WINDOW) {
            match record {
                // The last of those with one path must win, so it waits for the others.
                Record::Artifact(artifact) if paths.insert((&artifact.model, &artifact.path)) => {
                    artifacts.push(artifact)
                }
                _ => break,
            }
        }
        let results = at_once(artifacts.len(), ARTIFACT_LANES, |index| self.upload(ledger, artifacts[index]));
        first_of(results.into_iter().map(|result| (result, 1)))
    }

    fn upload(&self, ledger: &Ledger, artifact: &Artifact) -> Result<Vec<Rejection>, SinkError> {
        let path = &artifact.path;
        let refused = |reason: String| Ok(vec![Rejection { item: format!("artifact `{path}`"), reason }]);
        let artifact_uri = match artifact.model.as_str() {
            "" => ledger.progress.artifact_uri.as_deref(),
            key => ledger.progress.models.get(key).map(|model| model.artifact_uri.as_str()),
        };
        let file = self.file(&artifact.file);
        match self.client.upload(artifact_uri.unwrap_or_default(), path, &file) {
            Ok(()) => Ok(Vec::new()),
            Err(error @ (CallError::Retry { .. } | CallError::Denied { .. })) => Err(error.into()),
            Err(error) => refused(error.reason().to_owned()),
        }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.spool.join("files").join(name)
    }
}

impl Sink for RemoteSink {
    fn deliver(&mut self, records: &[Record], ledger: &mut Ledger) -> Result<Delivered, SinkError> {
        self.create_run(ledger)?;
        let run_id = ledger.progress.server_run_id.clone().unwrap_or_default();
        let one = |rejected| Delivered { records: 1, rejected };
        match records.first() {
            None => Ok(Delivered::default()),
            Some(Record::Start(_)) => Ok(one(Vec::new())),
            Some(Record::Artifact(_)) => self.send_artifacts(ledger, records),
            Some(Record::Resume) => {
                let body = json!({"run_id": run_id, "status": "RUNNING"});
                self.client.post::<Value>("runs/update", &body)?;
                Ok(one(Vec::new()))
            }
            Some(Record::Extra(extra)) => Ok(one(extra::deliver(&self.client, &run_id, extra, ledger)?)),
            Some(Record::End { status, end_time }) => {
                let body = json!({"run_id": run_id, "status": status.as_str(), "end_time": end_time});
                self.client.post::<Value>("runs/update", &body)?;
                Ok(one(Vec::new()))
            }
            Some(Record::Metrics { .. } | Record::Params(_) | Record::Tags(_)) => {
                let metrics = records.iter().take_while(|record| matches!(record, Record::Metrics { .. })).count();
                let count = pack(records, &self.parents).1;
                if count <= metrics {
                    return self.send_metrics(&run_id, records);
                }
                self.find_parents(ledger, &records[..count])?;
                let (items, count) = pack(records, &self.parents);
                Ok(Delivered { records: count, rejected: self.send(&run_id, &items)? })
            }
        }
    }

    fn answers(&mut self) -> bool {
        // A question that anybody may ask, about no run.
        let asked = self.client.quick().post::<Value>("experiments/search", &json!({"max_results": 1}));
        !matches!(asked, Err(CallError::Retry { .. } | CallError::Denied { .. } | CallError::Other { .. }))
    }

    fn acknowledged(&mut self, records: &[Record]) {
        for record in records {
            if let Record::Artifact(artifact) = record {
                // Should it stay behind, it goes with the whole spool.
                let _ = fs::remove_file(self.file(&artifact.file));
            }
        }
    }
}

#[derive(Deserialize)]
struct ExperimentId {
    experiment_id: String,
}

#[derive(Deserialize)]
struct ExperimentReply {
    experiment: ExperimentBody,
}

#[derive(Deserialize)]
struct ExperimentBody {
    experiment_id: String,
    #[serde(default)]
    lifecycle_stage: String,
}

#[derive(Deserialize)]
struct RunReply {
    run: RunBody,
}

#[derive(Deserialize)]
struct RunBody {
    info: RunInfo,
}

#[derive(Deserialize)]
struct RunInfo {
    run_id: String,
    #[serde(default)]
    artifact_uri: String,
}

#[derive(Deserialize)]
struct SearchReply {
    #[serde(default)]
    runs: Vec<RunBody>,
}
