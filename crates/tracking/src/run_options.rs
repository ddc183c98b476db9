//! What to start a run with.

use std::path::Path;

use crate::{Parent, Run, SystemMetricsOptions, git};

/// What to start a run with.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RunOptions {
    /// The name of the experiment, made if it does not exist.
    pub experiment: String,
    /// The name of the run; `None`: `run-` and the first digits of its id.
    pub run_name: Option<String>,
    /// Who runs it (tag `mlflow.user`).
    pub user: Option<String>,
    /// The program (tag `mlflow.source.name`; `mlflow.source.type` becomes `LOCAL`).
    pub source_name: Option<String>,
    /// The run that this one is a part of.
    pub parent: Option<Parent>,
    /// Sample the machine until the run ends ([`Run::watch_system`]).
    pub system_metrics: Option<SystemMetricsOptions>,
    /// More tags, for example `mlflow.source.git.commit`.
    pub tags: Vec<(String, String)>,
}

impl RunOptions {
    /// A run of the experiment of this name.
    pub fn new(experiment: impl Into<String>) -> Self {
        Self {
            experiment: experiment.into(),
            run_name: None,
            user: None,
            source_name: None,
            parent: None,
            system_metrics: None,
            tags: Vec::new(),
        }
    }

    /// Names the run.
    #[must_use]
    pub fn with_run_name(mut self, name: impl Into<String>) -> Self {
        self.run_name = Some(name.into());
        self
    }

    /// Says who runs it.
    #[must_use]
    pub fn with_user(mut self, user: impl Into<String>) -> Self {
        self.user = Some(user.into());
        self
    }

    /// Says which program runs it.
    #[must_use]
    pub fn with_source_name(mut self, name: impl Into<String>) -> Self {
        self.source_name = Some(name.into());
        self
    }

    /// Makes it a part of another run: the page of the experiment shows it nested below.
    #[must_use]
    pub fn with_parent(mut self, parent: &Run) -> Self {
        self.parent = Some(Parent::new(parent.run_id(), parent.client_id()));
        self
    }

    /// Says which commit of the git repository at or above `folder` it runs: tags `mlflow.source.git.commit`,
    /// `.branch` and `.repoURL` (without credentials in it). No repository, no tags.
    #[must_use]
    pub fn with_git(mut self, folder: &Path) -> Self {
        self.tags.extend(git::tags(folder));
        self
    }

    /// Samples the machine until the run ends.
    #[must_use]
    pub fn with_system_metrics(mut self, options: SystemMetricsOptions) -> Self {
        self.system_metrics = Some(options);
        self
    }

    /// Adds a tag.
    #[must_use]
    pub fn with_tag(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.tags.push((key.into(), value.into()));
        self
    }

    pub(crate) fn all_tags(&self, run_name: &str) -> Vec<(String, String)> {
        let mut tags = vec![("mlflow.runName".to_owned(), run_name.to_owned())];
        if let Some(user) = &self.user {
            tags.push(("mlflow.user".to_owned(), user.clone()));
        }
        if let Some(source) = &self.source_name {
            tags.push(("mlflow.source.name".to_owned(), source.clone()));
            tags.push(("mlflow.source.type".to_owned(), "LOCAL".to_owned()));
        }
        tags.extend(self.tags.iter().cloned());
        tags
    }
}
