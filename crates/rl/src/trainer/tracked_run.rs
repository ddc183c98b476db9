//! The tracked run of a training: a new one, or the one that a resumed training began with.

use std::fs;
use std::path::Path;

use dodge_tracking::{Run, RunOptions, Tracking};

use crate::error::Error;
use crate::whole_file::write_whole;

/// The file in a run's folder that holds the id of its tracked run.
const FILE: &str = "tracked-run-id";

/// The tracked run of the training in `run_dir`, going on; a new one where that training was recorded elsewhere, or its
/// record is gone.
pub(crate) fn resume(tracking: &Tracking, options: &RunOptions, run_dir: &Path) -> Result<Run, Error> {
    let anew = || tracking.start_run(&options.clone().with_tag("dodge.resumed", run_dir.display().to_string()));
    let Ok(id) = fs::read_to_string(run_dir.join(FILE)) else { return Ok(anew()?) };
    let run = match tracking.resume_run(id.trim()) {
        Err(error @ dodge_tracking::Error::Missing { .. }) => {
            tracing::warn!("the training goes on as a new tracked run: {error}");
            return Ok(anew()?);
        }
        run => run?,
    };
    if let Some(system) = &options.system_metrics {
        run.watch_system_to_the_end(system)?;
    }
    Ok(run)
}

/// Notes for [`resume`] which tracked run the training in `run_dir` has.
pub(crate) fn note(run_dir: &Path, run_id: &str) -> Result<(), Error> {
    write_whole(&run_dir.join(FILE), run_id.as_bytes())
}
