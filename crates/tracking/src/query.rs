//! What a destination holds, as plain data, and how to ask for it.

use std::collections::BTreeMap;

use crate::DatasetInput;

/// A run as its destination shows it.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct RunRecord {
    /// Its id, 32 hexadecimal digits.
    pub run_id: String,
    /// The id of its experiment.
    pub experiment_id: String,
    /// Its name.
    pub run_name: String,
    /// Who ran it.
    pub user: String,
    /// `RUNNING`, `SCHEDULED`, `FINISHED`, `FAILED` or `KILLED`.
    pub status: String,
    /// When it began, in milliseconds since 1970-01-01 UTC.
    pub start_time: i64,
    /// When it ended.
    pub end_time: Option<i64>,
    /// Its params.
    pub params: BTreeMap<String, String>,
    /// The latest value of each metric: that of the highest step.
    pub metrics: BTreeMap<String, f64>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// The datasets that it used.
    pub datasets: Vec<DatasetInput>,
}

/// An experiment as its destination shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExperimentRecord {
    /// Its id.
    pub experiment_id: String,
    /// Its name.
    pub name: String,
    /// Whether it was deleted; it can be restored.
    pub deleted: bool,
}

/// Which runs to look for.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RunQuery {
    /// The name of the experiment; `None`: all experiments.
    pub experiment: Option<String>,
    /// What must hold, as MLflow writes it: `metrics.loss < 0.1 and params.algo = 'ppo'`.
    pub filter: String,
    /// At most this many, the newest.
    pub limit: usize,
}

impl Default for RunQuery {
    fn default() -> Self {
        Self { experiment: None, filter: String::new(), limit: 1000 }
    }
}

impl RunQuery {
    /// Runs of the experiment of this name.
    #[must_use]
    pub fn with_experiment(mut self, name: impl Into<String>) -> Self {
        self.experiment = Some(name.into());
        self
    }

    /// Runs of which this holds, for example `metrics.loss < 0.1 and params.algo = 'ppo' and tags."a b" != 'c'`.
    ///
    /// In the local store: `metrics`, `params`, `tags` and `attributes` (`status`, `run_name`, `run_id`, `start_time`),
    /// with `=`, `!=`, `<`, `<=`, `>`, `>=` and `and`. A server takes all that MLflow knows.
    #[must_use]
    pub fn with_filter(mut self, filter: impl Into<String>) -> Self {
        self.filter = filter.into();
        self
    }

    /// At most this many runs, the newest.
    #[must_use]
    pub fn with_limit(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }
}

/// A file of a run as its destination lists it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct ArtifactRecord {
    /// Its path in the run.
    pub path: String,
    /// Its length in bytes.
    pub len: u64,
}
