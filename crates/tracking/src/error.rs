//! The one error type of this crate, its variants split by what a caller can do about them.

use std::path::PathBuf;

/// Why something could not be tracked.
///
/// Messages are fragments that read well after "failed to track: ".
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A tracking destination that is none of the known words and no server address.
    #[error("tracking destination `{text}` {reason}: use `local`, `console`, `off` or an http(s) address")]
    Destination {
        /// What was asked for, without any password in it.
        text: String,
        /// What is wrong with it.
        reason: String,
    },
    /// An environment variable or an option of the server connection that cannot be used.
    #[error("{name} {reason}")]
    Option {
        /// The name of the variable or option.
        name: String,
        /// What is wrong with it and what is expected.
        reason: String,
    },
    /// A file or folder of the local store that cannot be used (no permission, disk full, ...).
    #[error("cannot {action} {path}: {source}")]
    File {
        /// What was being done, for example `write`.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The local database refused an operation.
    #[error("cannot {action} in the local tracking database {path}: {source}")]
    Store {
        /// What was being done.
        action: &'static str,
        /// The database file.
        path: PathBuf,
        /// What the database said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The local database has a layout that this version cannot write.
    #[error(
        "the local tracking database {path} (schema revision {revision}) {reason}: move it away or use a newer dodge"
    )]
    Schema {
        /// The database file.
        path: PathBuf,
        /// Its alembic revision, or `none`.
        revision: String,
        /// What is missing.
        reason: String,
    },
    /// An experiment that cannot take new runs.
    #[error("experiment `{name}` {reason}")]
    Experiment {
        /// The name of the experiment.
        name: String,
        /// Why it cannot be used and what to do.
        reason: String,
    },
    /// A metric, param or tag key that MLflow would refuse.
    #[error("{kind} key `{key}` {reason}")]
    Key {
        /// `metric`, `param` or `tag`.
        kind: &'static str,
        /// The key, shortened when it is very long.
        key: String,
        /// Which rule it breaks.
        reason: &'static str,
    },
    /// A param that already has another value; MLflow params are written once.
    #[error(
        "param `{key}` is already `{old}` and cannot become `{new}`: params are written once, use a tag or a metric"
    )]
    ParamChanged {
        /// The key of the param.
        key: String,
        /// The value it has.
        old: String,
        /// The value that was refused.
        new: String,
    },
    /// An artifact path that MLflow or a file system would refuse.
    #[error("artifact path `{path}` {reason}")]
    ArtifactPath {
        /// The path inside the run.
        path: String,
        /// Which rule it breaks.
        reason: &'static str,
    },
    /// The tracking server refused to start the run (a server that is merely unreachable does not).
    #[error("tracking server {uri}: {reason}")]
    Server {
        /// The address of the server, without credentials.
        uri: String,
        /// What it said and what to do.
        reason: String,
    },
    /// A value, text or time that MLflow would refuse or cut.
    #[error("{kind} `{key}` {reason}")]
    Value {
        /// What it is, for example `param` or `dataset`.
        kind: &'static str,
        /// Its key or name, shortened when it is very long.
        key: String,
        /// Which rule it breaks and what to do.
        reason: String,
    },
    /// A run, model or artifact that does not exist at the destination.
    #[error("there is no {what} `{name}` in {place}")]
    Missing {
        /// What was looked for, for example `run`.
        what: &'static str,
        /// The id or name that was looked for.
        name: String,
        /// The destination that was searched.
        place: String,
    },
    /// A run that a live process is recording.
    #[error("run {run_id} is being recorded by a process that is alive: wait until it has ended")]
    InUse {
        /// The run.
        run_id: String,
    },
    /// The run has been finished; nothing more can be logged to it through this handle.
    #[error("run {run_id} is finished, nothing more can be logged to it")]
    Finished {
        /// The run.
        run_id: String,
    },
    /// A flush ran out of time. Nothing is lost: the records stay in the spool.
    #[error("{pending} records are still undelivered in {spool}{}", reason.as_ref().map(|r| format!(": {r}")).unwrap_or_default())]
    Undelivered {
        /// How many records wait.
        pending: u64,
        /// The spool folder that holds them.
        spool: PathBuf,
        /// The last failure of delivery, if there was one.
        reason: Option<String>,
    },
}

impl Error {
    pub(crate) fn file(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { action, path, source }
    }
}
