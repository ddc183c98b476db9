//! Runs recorded in memory, for tests of programs that track.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use crate::{DatasetInput, ModelOptions, Status, entity::Extra, record::Record};

/// A run as [`Tracking::in_memory`](crate::Tracking::in_memory) recorded it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RecordedRun {
    /// The id of the run, 32 hexadecimal digits.
    pub run_id: String,
    /// The name of its experiment.
    pub experiment: String,
    /// The name of the run.
    pub run_name: String,
    /// Every metric value, in the order of the calls.
    pub metrics: Vec<RecordedMetric>,
    /// The params.
    pub params: BTreeMap<String, String>,
    /// The tags, each with the last value set.
    pub tags: BTreeMap<String, String>,
    /// The artifacts: path inside the run and content.
    pub artifacts: BTreeMap<String, Vec<u8>>,
    /// The datasets that it used.
    pub datasets: Vec<DatasetInput>,
    /// The models that it logged; their files are artifacts.
    pub models: Vec<ModelOptions>,
    /// The versions that it registered: name of the registered model, aliases.
    pub versions: Vec<(String, Vec<String>)>,
    /// How the run ended; `None` while it runs.
    pub status: Option<Status>,
}

/// One value of one metric.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordedMetric {
    /// The key.
    pub key: String,
    /// The value, which may be NaN or infinite.
    pub value: f64,
    /// The step it was logged at.
    pub step: i64,
    /// When, in milliseconds since the epoch.
    pub timestamp: i64,
}

impl RecordedRun {
    /// The values of the metric `key`, in the order of the calls.
    pub fn values(&self, key: &str) -> Vec<f64> {
        let of_key = self.metrics.iter().filter(|metric| metric.key == key);
        of_key.map(|metric| metric.value).collect()
    }
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Memory {
    runs: Arc<Mutex<Vec<RecordedRun>>>,
}

impl Memory {
    /// A new run; returns its index.
    pub(crate) fn start(&self, run: RecordedRun) -> usize {
        self.with(|runs| {
            runs.push(run);
            runs.len() - 1
        })
    }

    pub(crate) fn runs(&self) -> Vec<RecordedRun> {
        self.with(|runs| runs.clone())
    }

    pub(crate) fn record(&self, index: usize, record: Record) {
        self.with(|runs| {
            let run = &mut runs[index];
            match record {
                Record::Metrics { timestamp, step, values } => run
                    .metrics
                    .extend(values.into_iter().map(|(key, value)| RecordedMetric { key, value, step, timestamp })),
                Record::Params(pairs) => run.params.extend(pairs),
                Record::Tags(pairs) => run.tags.extend(pairs),
                Record::End { status, .. } => run.status = Some(status),
                Record::Resume => run.status = None,
                Record::Extra(extra) => match *extra {
                    Extra::Dataset(dataset) => run.datasets.push(dataset),
                    Extra::Model(model) => run.models.push(model.options),
                    Extra::Version(version) => run.versions.push((version.name, version.aliases)),
                    Extra::ModelReady { .. } => {}
                },
                Record::Start(_) | Record::Artifact(_) => {}
            }
        });
    }

    pub(crate) fn artifact(&self, index: usize, path: &str, bytes: Vec<u8>) {
        self.with(|runs| runs[index].artifacts.insert(path.to_owned(), bytes));
    }

    fn with<T>(&self, act: impl FnOnce(&mut Vec<RecordedRun>) -> T) -> T {
        act(&mut self.runs.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
