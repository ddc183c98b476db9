//! The note beside a spool that says how far its delivery has come.

use std::{
    collections::BTreeMap,
    fs::{self, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::{Error, files::write_whole};

/// How far the delivery of a run has come. Losing it costs a repeated delivery, nothing else.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Progress {
    /// Everything before this offset of `records` has arrived.
    pub(crate) delivered: u64,
    /// Items that the server refused for good; they are listed in `rejected.txt`.
    pub(crate) rejected: u64,
    /// The end of the run has arrived.
    pub(crate) ended: bool,
    /// A run may have been created on the server without our having seen the reply.
    pub(crate) create_attempted: bool,
    pub(crate) server_run_id: Option<String>,
    pub(crate) server_experiment_id: Option<String>,
    pub(crate) artifact_uri: Option<String>,
    /// The logged models of the run on the server, by our own key of each.
    pub(crate) models: BTreeMap<String, ServedModel>,
}

/// A logged model as the server knows it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ServedModel {
    pub(crate) model_id: String,
    pub(crate) artifact_uri: String,
}

/// [`Progress`] and the file that keeps it.
#[derive(Debug)]
pub(crate) struct Ledger {
    path: PathBuf,
    pub(crate) progress: Progress,
}

impl Ledger {
    /// The ledger in the spool folder `folder`; where there is none, nothing has been delivered. One that cannot be read is
    /// an error: to begin anew would make a second run.
    pub(crate) fn of(folder: &Path) -> Result<Self, Error> {
        let path = folder.join("ledger.json");
        let progress = match fs::read(&path) {
            // What is in it was written by a version of this program that had other ideas, or a disk has spoiled it.
            Ok(bytes) => serde_json::from_slice(&bytes).unwrap_or_else(|error| {
                tracing::warn!(path = %path.display(), %error, "unreadable ledger, delivering anew");
                Progress { create_attempted: true, ..Progress::default() }
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Progress::default(),
            Err(error) => return Err(Error::file("read", path)(error)),
        };
        Ok(Self { path, progress })
    }

    pub(crate) fn save(&self) -> Result<(), Error> {
        let bytes =
            serde_json::to_vec(&self.progress).map_err(io::Error::from).map_err(Error::file("write", &self.path))?;
        write_whole(&self.path, &bytes)
    }

    /// Adds a line on an item that a server refused to `rejected.txt`.
    pub(crate) fn note_rejected(&mut self, what: &str, reason: &str) {
        self.progress.rejected += 1;
        let path = self.path.with_file_name("rejected.txt");
        let line = format!("{what}: {}\n", reason.replace('\n', " "));
        let written = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&path)
            .and_then(|mut file| file.write_all(line.as_bytes()));
        if let Err(error) = written {
            tracing::warn!(path = %path.display(), %error, "cannot note a rejected item");
        }
    }
}
