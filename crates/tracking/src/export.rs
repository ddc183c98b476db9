//! Writes a run into files that any program reads.

use std::{
    fs,
    io::{self, BufWriter, Write},
    path::Path,
};

use serde_json::json;

use crate::{
    Error, RunRecord, Tracking,
    files::{make_whole, write_whole},
    validate,
};

/// The version of the layout, which `run.json` names.
const FORMAT_VERSION: u32 = 1;

/// What was written ([`Tracking::export_run`]).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Exported {
    /// Values of metrics.
    pub metrics: u64,
    /// Files.
    pub artifacts: u64,
}

impl Tracking {
    /// Writes a run into `folder`, which must be empty or missing: `run.json` (who, when, params, tags, datasets),
    /// `metrics.csv` (`key,step,timestamp,value`, the time in milliseconds since 1970, NaN as `NaN`) and `artifacts/`.
    ///
    /// # Errors
    /// [`Error::File`] if the folder is not empty or cannot be written; otherwise as [`Tracking::read_run`].
    pub fn export_run(&self, run_id: &str, folder: &Path) -> Result<Exported, Error> {
        let run = self.read_run(run_id)?;
        fs::create_dir_all(folder).map_err(Error::file("create", folder))?;
        if fs::read_dir(folder).map_err(Error::file("read", folder))?.next().is_some() {
            let full = io::Error::new(io::ErrorKind::DirectoryNotEmpty, "is not empty: choose another folder");
            return Err(Error::file("export into", folder)(full));
        }
        let metrics = self.export_metrics(&run, &folder.join("metrics.csv"))?;
        let mut exported = Exported { metrics, artifacts: 0 };
        for artifact in self.artifacts(&run.run_id)? {
            validate::artifact_path(&artifact.path)?;
            let path = folder.join("artifacts").join(&artifact.path);
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent).map_err(Error::file("create", parent))?;
            }
            make_whole(&path, |file| self.read_artifact(&run.run_id, &artifact.path, file))?;
            exported.artifacts += 1;
        }
        // Last: where it is there, the rest is whole.
        write_whole(&folder.join("run.json"), format!("{:#}\n", in_json(&run)).as_bytes())?;
        Ok(exported)
    }

    fn export_metrics(&self, run: &RunRecord, path: &Path) -> Result<u64, Error> {
        let refuse = |error| Error::file("write", path)(error);
        make_whole(path, |file| {
            let mut count = 0;
            let mut csv = BufWriter::new(file);
            csv.write_all(b"key,step,timestamp,value\n").map_err(refuse)?;
            for key in run.metrics.keys() {
                for metric in self.metric_history(&run.run_id, key)? {
                    // Keys hold neither commas nor quotes; the value is the shortest text that reads back to the same bits.
                    writeln!(csv, "{key},{},{},{}", metric.step, metric.timestamp, metric.value).map_err(refuse)?;
                    count += 1;
                }
            }
            csv.flush().map_err(refuse)?;
            Ok(count)
        })
    }
}

fn in_json(run: &RunRecord) -> serde_json::Value {
    json!({
        "format_version": FORMAT_VERSION,
        "run_id": run.run_id,
        "run_name": run.run_name,
        "experiment_id": run.experiment_id,
        "user": run.user,
        "status": run.status,
        "start_time": run.start_time,
        "end_time": run.end_time,
        "params": run.params,
        "tags": run.tags,
        "datasets": run.datasets,
    })
}
