//! Reading back what a destination holds.

use std::{io::Write, sync::Arc};

use crate::{
    ArtifactRecord, Error, ExperimentRecord, RecordedMetric, RunQuery, RunRecord, Tracking,
    record::Fingerprint,
    remote::{client::RestClient, read::RemoteReader},
    tracking::Kind,
    validate,
};

impl Tracking {
    /// The experiments, in the order of their ids, deleted ones as well.
    ///
    /// # Errors
    /// [`Error::Server`] or [`Error::Store`] if the destination cannot be read. Destinations that keep nothing have none.
    pub fn experiments(&self) -> Result<Vec<ExperimentRecord>, Error> {
        match &self.inner.kind {
            Kind::Local(store) => store.experiments(),
            Kind::Remote(_) => self.remote_reader()?.experiments(),
            Kind::Off | Kind::Console | Kind::Memory(_) => Ok(Vec::new()),
        }
    }

    /// The runs that the query asks for, the newest first; deleted ones are left out.
    ///
    /// # Errors
    /// As [`Tracking::experiments`]; [`Error::Value`] for a filter that is not understood.
    pub fn search_runs(&self, query: &RunQuery) -> Result<Vec<RunRecord>, Error> {
        match &self.inner.kind {
            Kind::Local(store) => store.search_runs(query),
            Kind::Remote(_) => self.remote_reader()?.search_runs(query),
            Kind::Off | Kind::Console | Kind::Memory(_) => Ok(Vec::new()),
        }
    }

    /// The run of this id.
    ///
    /// # Errors
    /// [`Error::Missing`]; otherwise as [`Tracking::experiments`].
    pub fn read_run(&self, run_id: &str) -> Result<RunRecord, Error> {
        let found = match &self.inner.kind {
            Kind::Local(store) => store.read_run(run_id)?,
            Kind::Remote(_) => self.remote_reader()?.run(run_id)?,
            Kind::Off | Kind::Console | Kind::Memory(_) => None,
        };
        found.ok_or_else(|| self.missing("run", run_id))
    }

    /// Every value of one metric of a run, in the order of steps and times.
    ///
    /// Infinite values come back as the largest finite ones, as MLflow keeps them.
    ///
    /// # Errors
    /// As [`Tracking::read_run`]. A metric that the run does not have has no values.
    pub fn metric_history(&self, run_id: &str, key: &str) -> Result<Vec<RecordedMetric>, Error> {
        let mut history = match &self.inner.kind {
            Kind::Local(store) => store.history(run_id, key)?,
            Kind::Remote(_) => self.remote_reader()?.history(run_id, key)?,
            Kind::Off | Kind::Console | Kind::Memory(_) => Vec::new(),
        };
        history.sort_by(|a, b| (a.step, a.timestamp).cmp(&(b.step, b.timestamp)).then(a.value.total_cmp(&b.value)));
        Ok(history)
    }

    /// The files of a run, sorted by path.
    ///
    /// # Errors
    /// As [`Tracking::read_run`]; [`Error::File`] for a folder of the local store that cannot be read.
    pub fn artifacts(&self, run_id: &str) -> Result<Vec<ArtifactRecord>, Error> {
        let mut artifacts = match &self.inner.kind {
            Kind::Local(store) => store.artifacts(&self.read_run(run_id)?)?,
            Kind::Remote(_) => self.remote_reader()?.artifacts(run_id)?,
            Kind::Off | Kind::Console | Kind::Memory(_) => Vec::new(),
        };
        artifacts.sort();
        Ok(artifacts)
    }

    /// Writes the content of a file of a run to `to`.
    ///
    /// # Errors
    /// As [`Tracking::artifacts`]; [`Error::Missing`] if there is no such file.
    pub fn read_artifact(&self, run_id: &str, path: &str, to: &mut dyn Write) -> Result<(), Error> {
        validate::artifact_path(path)?;
        match &self.inner.kind {
            Kind::Local(store) => store.read_artifact(&self.read_run(run_id)?, path, to),
            Kind::Remote(_) => self.remote_reader()?.read_artifact(run_id, path, to),
            Kind::Off | Kind::Console | Kind::Memory(_) => Err(self.missing("artifact", path)),
        }
    }

    /// What is in a file of a run, without keeping it.
    pub(crate) fn artifact_fingerprint(&self, run_id: &str, path: &str) -> Result<Fingerprint, Error> {
        let mut sink = Fingerprinting::default();
        self.read_artifact(run_id, path, &mut sink)?;
        Ok(Fingerprint { len: sink.len, crc: sink.hasher.finalize() })
    }

    pub(crate) fn remote_reader(&self) -> Result<RemoteReader, Error> {
        match &self.inner.kind {
            Kind::Remote(server) => {
                Ok(RemoteReader::new(RestClient::new(Arc::clone(server), server.options.request_timeout)))
            }
            _ => Err(self.missing("server", "")),
        }
    }
}

#[derive(Default)]
struct Fingerprinting {
    len: u64,
    hasher: crc32fast::Hasher,
}

impl Write for Fingerprinting {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.len += bytes.len() as u64;
        self.hasher.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
