//! Sends the records of one run to an MLflow server.

use std::{
    collections::{HashMap, HashSet},
    fs,
    path::{Path, PathBuf},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use serde::Deserialize;
use serde_json::{Value, json};

use super::client::{CallError, RestClient};
use crate::{
    Rejection,
    delivery::{Delivered, Sink, SinkError},
    record::{Artifact, Record, Start},
    run_options::{PARENT, own_parent_id},
    spool::Ledger,
};

/// Limits of one `log-batch` call: metrics, params, tags, and all together.
const MAX_METRICS: usize = 1000;
const MAX_PARAMS: usize = 100;
const MAX_TAGS: usize = 100;
const MAX_ITEMS: usize = 1000;
/// Batches of metrics that are under way at a time. Their order does not matter to MLflow, whose latest value is that
/// of the highest step and time; what arrived is noted in order all the same.
const METRIC_LANES: usize = 2;
/// Artifacts that are under way at a time, and from how many the next is taken.
const ARTIFACT_LANES: usize = 8;
const ARTIFACT_WINDOW: usize = 512;
/// How long after one lane the next begins. A server of several processes has one of them accept all the connections that
/// come at the same moment, and then has nothing to do for the others.
const LANE_INTERVAL: Duration = Duration::from_millis(2);
/// How often a parent that the server does not know yet is waited for.
const MAX_PARENT_WAITS: u32 = 10;
/// The tag by which a run is found again whose creation we saw no reply to.
pub(crate) const CLIENT_RUN_ID: &str = "dodge.client_run_id";

pub(crate) struct RemoteSink {
    pub(super) client: RestClient,
    pub(super) start: Start,
    /// The folder of the run's spool.
    spool: PathBuf,
    /// The ids that the server has for runs that we know by ours.
    parents: HashMap<String, String>,
    parent_waits: u32,
}

/// One entry of a `log-batch` call.
#[derive(Debug, Clone, Copy)]
enum Item<'a> {
    Metric { key: &'a str, value: f64, timestamp: i64, step: i64 },
    Param(&'a str, &'a str),
    Tag(&'a str, &'a str),
}

impl RemoteSink {
    pub(crate) fn new(client: RestClient, start: &Start, spool: &Path) -> Self {
        Self { client, start: start.clone(), spool: spool.to_owned(), parents: HashMap::new(), parent_waits: 0 }
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
                save(ledger)?;
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
        save(ledger)
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
        let reason = match self.client.post::<Value>("runs/log-batch", &batch_body(run_id, items)) {
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
            let experiment_id = ledger.progress.server_experiment_id.clone().unwrap_or_default();
            match self.find_run(&experiment_id, client_id)? {
                Some(run) => {
                    self.parents.insert(client_id.to_owned(), run.info.run_id);
                }
                None if self.parent_waits < MAX_PARENT_WAITS => {
                    self.parent_waits += 1;
                    return Err(SinkError::retry("the parent of the run is not there yet"));
                }
                // Its records may have been lost; this run need not be.
                None => {
                    self.parents.insert(client_id.to_owned(), client_id.to_owned());
                }
            }
        }
        Ok(())
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
            Some(Record::Extra(extra)) => Ok(one(self.deliver_extra(&run_id, extra, ledger)?)),
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

    fn acknowledged(&mut self, records: &[Record]) {
        for record in records {
            if let Record::Artifact(artifact) = record {
                // Should it stay behind, it goes with the whole spool.
                let _ = fs::remove_file(self.file(&artifact.file));
            }
        }
    }
}

impl Item<'_> {
    fn describe(&self) -> String {
        match self {
            Self::Metric { key, step, .. } => format!("metric `{key}` at step {step}"),
            Self::Param(key, _) => format!("param `{key}`"),
            Self::Tag(key, _) => format!("tag `{key}`"),
        }
    }
}

/// Does `count` pieces of work on up to `lanes` threads; the results are in order. After a failure no more are begun: the
/// rest of the results is missing then.
fn at_once<T: Send>(
    count: usize,
    lanes: usize,
    work: impl Fn(usize) -> Result<T, SinkError> + Sync,
) -> Vec<Result<T, SinkError>> {
    if count == 1 {
        return vec![work(0)];
    }
    let next = AtomicUsize::new(0);
    let failed = AtomicBool::new(false);
    let results: Vec<Mutex<Option<Result<T, SinkError>>>> = (0..count).map(|_| Mutex::new(None)).collect();
    let lane = |delay: Duration| {
        std::thread::sleep(delay);
        while !failed.load(Ordering::Relaxed) {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(slot) = results.get(index) else { return };
            let result = work(index);
            if result.is_err() {
                failed.store(true, Ordering::Relaxed);
            }
            *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(result);
        }
    };
    std::thread::scope(|scope| {
        let lane = &lane;
        for number in 1..lanes.min(count) {
            let thread = std::thread::Builder::new().name("dodge-tracking-lane".to_owned());
            // A lane that cannot be opened is one less.
            let _ = thread.spawn_scoped(scope, move || lane(LANE_INTERVAL * number as u32));
        }
        lane(Duration::ZERO);
    });
    let finished = results.into_iter().map(|slot| slot.into_inner().unwrap_or_else(PoisonError::into_inner));
    finished.map_while(|result| result).collect()
}

/// What was delivered up to the first failure, which counts only where nothing was: the rest comes again.
fn first_of(results: impl Iterator<Item = (Result<Vec<Rejection>, SinkError>, usize)>) -> Result<Delivered, SinkError> {
    let mut delivered = Delivered::default();
    for (result, records) in results {
        match result {
            Ok(rejected) => {
                delivered.records += records;
                delivered.rejected.extend(rejected);
            }
            Err(error) if delivered.records == 0 => return Err(error),
            Err(_) => break,
        }
    }
    Ok(delivered)
}

/// The entries of as many records from the front as one call takes, and how many records that is. `parents` has the
/// server's ids of runs that a tag names by ours.
fn pack<'a>(records: &'a [Record], parents: &'a HashMap<String, String>) -> (Vec<Item<'a>>, usize) {
    let mut items = Vec::new();
    let (mut metrics, mut params, mut tags) = (0, 0, 0);
    // A param twice in one call is refused even if equal; of a tag the last must win.
    let mut keys = HashSet::new();
    let mut count = 0;
    for record in records {
        let fits = match record {
            Record::Metrics { values, .. } => {
                metrics += values.len();
                metrics <= MAX_METRICS
            }
            Record::Params(pairs) => {
                params += pairs.len();
                params <= MAX_PARAMS && pairs.iter().all(|(key, _)| keys.insert(('p', key)))
            }
            Record::Tags(pairs) => {
                tags += pairs.len();
                // A key may stand twice within one record: the earlier value is left out below.
                tags <= MAX_TAGS && !pairs.iter().any(|(key, _)| keys.contains(&('t', key)))
            }
            Record::Start(_) | Record::Artifact(_) | Record::End { .. } | Record::Resume | Record::Extra(_) => false,
        };
        if !fits || metrics + params + tags > MAX_ITEMS {
            break;
        }
        match record {
            Record::Metrics { timestamp, step, values } => {
                items.extend(values.iter().map(|(key, value)| Item::Metric {
                    key,
                    value: *value,
                    timestamp: *timestamp,
                    step: *step,
                }))
            }
            Record::Params(pairs) => items.extend(pairs.iter().map(|(k, v)| Item::Param(k, v))),
            Record::Tags(pairs) => {
                let mut last_first: Vec<_> = pairs.iter().rev().collect();
                last_first.retain(|(key, _)| keys.insert(('t', key)));
                items.extend(last_first.iter().rev().map(|(key, value)| {
                    let parent = own_parent_id(value).filter(|_| key == PARENT).and_then(|id| parents.get(id));
                    Item::Tag(key, parent.unwrap_or(value))
                }));
            }
            Record::Start(_) | Record::Artifact(_) | Record::End { .. } | Record::Resume | Record::Extra(_) => {}
        }
        count += 1;
    }
    (items, count)
}

fn batch_body(run_id: &str, items: &[Item<'_>]) -> Value {
    let (mut metrics, mut params, mut tags) = (Vec::new(), Vec::new(), Vec::new());
    for item in items {
        match item {
            Item::Metric { key, value, timestamp, step } => metrics.push(json!({
                "key": key,
                "value": metric_value(*value),
                "timestamp": timestamp,
                "step": step,
            })),
            Item::Param(key, value) => params.push(json!({"key": key, "value": value})),
            Item::Tag(key, value) => tags.push(json!({"key": key, "value": value})),
        }
    }
    json!({"run_id": run_id, "metrics": metrics, "params": params, "tags": tags})
}

/// JSON has no NaN, and a server that is sent one drops the rest of the message without a word;
/// the strings are what its protocol takes.
fn metric_value(value: f64) -> Value {
    if value.is_nan() {
        json!("NaN")
    } else if value == f64::INFINITY {
        json!("Infinity")
    } else if value == f64::NEG_INFINITY {
        json!("-Infinity")
    } else {
        json!(value)
    }
}

pub(super) fn save(ledger: &Ledger) -> Result<(), SinkError> {
    ledger.save().map_err(|error| SinkError::retry(error.to_string()))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn metrics(count: usize) -> Record {
        Record::Metrics { timestamp: 1, step: 2, values: (0..count).map(|i| (format!("m{i}"), i as f64)).collect() }
    }

    fn pairs(prefix: &str, count: usize) -> Vec<(String, String)> {
        (0..count).map(|i| (format!("{prefix}{i}"), "v".to_owned())).collect()
    }

    #[test]
    fn a_call_keeps_every_limit() {
        let records = [metrics(500), metrics(500), metrics(1)];
        assert_eq!(pack(&records, &HashMap::new()).1, 2);
        let records = [metrics(500), Record::Params(pairs("p", 20)), metrics(481)];
        assert_eq!(pack(&records, &HashMap::new()).1, 2);
        let records: Vec<Record> = (0..7).map(|i| Record::Params(pairs(&format!("p{i}_"), 20))).collect();
        assert_eq!(pack(&records, &HashMap::new()).1, 5);
        let records: Vec<Record> = (0..7).map(|i| Record::Tags(pairs(&format!("t{i}_"), 20))).collect();
        assert_eq!(pack(&records, &HashMap::new()).1, 5);
    }

    #[test]
    fn a_key_never_stands_twice_in_a_call() {
        let tag = |value: &str| Record::Tags(vec![("t".to_owned(), value.to_owned())]);
        assert_eq!(pack(&[tag("a"), tag("b")], &HashMap::new()).1, 1);
        let param = || Record::Params(pairs("p", 1));
        assert_eq!(pack(&[param(), param()], &HashMap::new()).1, 1);
        let twice = Record::Tags(vec![("t".to_owned(), "old".to_owned()), ("t".to_owned(), "new".to_owned())]);
        let records = [twice];
        let parents = HashMap::new();
        let (items, _) = pack(&records, &parents);
        assert!(matches!(items.as_slice(), [Item::Tag("t", "new")]), "{items:?}");
    }

    #[test]
    fn artifacts_and_ends_wait_for_their_turn() {
        let end = Record::End { status: crate::Status::Finished, end_time: 1 };
        assert_eq!(pack(&[metrics(1), end, metrics(1)], &HashMap::new()).1, 1);
    }

    #[test]
    fn numbers_that_json_lacks_are_sent_as_strings() {
        assert_eq!(metric_value(f64::NAN), json!("NaN"));
        assert_eq!(metric_value(f64::INFINITY), json!("Infinity"));
        assert_eq!(metric_value(f64::NEG_INFINITY), json!("-Infinity"));
        let largest = metric_value(f64::MAX).to_string();
        assert_eq!(largest.parse::<f64>().unwrap(), f64::MAX);
    }
}
