//! How long the stages of a run take.

use std::time::{Duration, Instant};

use crate::{Error, Run};

/// Measures one stage of a run, on a clock that never jumps, and logs it as the metric
/// `perf/<stage>_duration_seconds` (step 0) when it is finished or dropped.
#[derive(Debug)]
#[must_use = "the stage ends when its timer is dropped"]
pub struct StageTimer {
    run: Run,
    stage: String,
    started: Instant,
    logged: bool,
}

impl Run {
    /// Starts to measure a stage; see [`StageTimer`].
    pub fn time_stage(&self, stage: &str) -> StageTimer {
        StageTimer::start(self.clone(), stage)
    }

    /// Runs `work` as a stage, and returns what it returns; also where that is an error, the metric
    /// `perf/<stage>_duration_seconds` is logged. A failure to log it is a warning.
    pub fn timed<T>(&self, stage: &str, work: impl FnOnce() -> T) -> T {
        let _timer = self.time_stage(stage);
        work()
    }
}

impl StageTimer {
    pub(crate) fn start(run: Run, stage: &str) -> Self {
        Self { run, stage: stage.to_owned(), started: Instant::now(), logged: false }
    }

    /// Ends the stage and says how long it took.
    ///
    /// # Errors
    /// As [`Run::log_metric`]. Dropping the timer instead turns an error into a warning.
    pub fn finish(mut self) -> Result<Duration, Error> {
        self.log()
    }

    fn log(&mut self) -> Result<Duration, Error> {
        self.logged = true;
        let elapsed = self.started.elapsed();
        let key = format!("perf/{}_duration_seconds", self.stage);
        self.run.log_metric(&key, elapsed.as_secs_f64(), 0)?;
        Ok(elapsed)
    }
}

impl Drop for StageTimer {
    fn drop(&mut self) {
        if !self.logged
            && let Err(error) = self.log()
        {
            tracing::warn!(stage = self.stage, %error, "cannot log the duration of a stage");
        }
    }
}
