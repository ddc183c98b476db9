//! Everything a run is made of, and what its hooks get of it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use dodge_hparams::{HParams, Registry};
use dodge_learn::{self as learn, Device, Error as LearnError, Journal};
use dodge_preprocess::{Context, Progress};
use dodge_tracking::{Run, RunOptions, Tracking};

use crate::error::Error;
use crate::trainer::curves;
use crate::trainer::params::TrainingParams;

/// Everything a run is made of, chosen by the caller.
pub struct Session {
    /// Where the run is recorded.
    pub tracking: Tracking,
    /// Experiment, name and tags of the run.
    pub run_options: RunOptions,
    /// The folder under which caches and runs are kept.
    pub volume: PathBuf,
    /// The run's own folder; none for `runs/<experiment>/<run>` below the volume.
    pub run_dir: Option<PathBuf>,
    /// Hyperparameters, already validated.
    pub registry: Registry,
    /// Where tensors live.
    pub device: Device,
    /// The progress display.
    pub progress: Arc<dyn Progress>,
    /// Becomes true when the run shall stop.
    pub interrupted: Arc<AtomicBool>,
    /// Whether to go on from the latest checkpoint in the run's folder instead of beginning anew.
    pub resume: bool,
}

/// What the hooks of a [`Trainer`](crate::Trainer) get.
pub struct TrainContext {
    pub(super) run: Run,
    pub(super) experiment: String,
    pub(super) registry: Registry,
    pub(super) seed: u64,
    pub(super) device: Device,
    pub(super) run_dir: PathBuf,
    pub(super) interrupted: Arc<AtomicBool>,
    pub(super) resumed: bool,
    pub(super) preprocessing: Context,
}

impl TrainContext {
    /// Records a metric; `step` counts environment steps.
    ///
    /// # Errors
    /// [`Error::Part`] when it cannot be written down.
    pub fn log_metric(&self, key: &str, value: f64, step: u64) -> Result<(), Error> {
        Ok(self.run.log_metric(key, value, step as i64)?)
    }

    /// Records several metrics of one step.
    ///
    /// # Errors
    /// As [`TrainContext::log_metric`].
    pub fn log_batch_metrics<K: AsRef<str>>(&self, metrics: &[(K, f64)], step: u64) -> Result<(), Error> {
        Ok(self.run.log_metrics(metrics, step as i64)?)
    }

    /// Records what the run is configured with. Params cannot change, so what a resumed training does otherwise than it
    /// began becomes a tag, `dodge.resumed_with.<param>`.
    ///
    /// # Errors
    /// As [`TrainContext::log_metric`], and where a key is not allowed.
    pub fn log_params<K: AsRef<str>, V: AsRef<str>>(&self, params: &[(K, V)]) -> Result<(), Error> {
        if !self.resumed {
            return Ok(self.run.log_params(params)?);
        }
        for (key, value) in params {
            match self.run.log_param(key.as_ref(), value.as_ref()) {
                Err(dodge_tracking::Error::ParamChanged { .. }) => {
                    self.run.set_tag(&format!("dodge.resumed_with.{}", key.as_ref()), value.as_ref())?;
                }
                result => result?,
            }
        }
        Ok(())
    }

    /// Records a file in a folder of the run's artifacts (`""` for the top).
    ///
    /// # Errors
    /// As [`TrainContext::log_metric`], and when the file cannot be read.
    pub fn log_artifact(&self, path: &Path, folder: &str) -> Result<(), Error> {
        Ok(self.run.log_artifact_file(path, folder)?)
    }

    /// A section of the hyperparameters.
    ///
    /// # Errors
    /// [`Error::Part`] when the section is not registered.
    pub fn hyperparameters<P: HParams>(&self) -> Result<P, Error> {
        Ok(self.registry.get()?)
    }

    /// The seed of the run.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Where tensors live.
    #[must_use]
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// The run's own folder.
    #[must_use]
    pub fn run_dir(&self) -> &Path {
        &self.run_dir
    }

    /// The tracked run.
    #[must_use]
    pub fn run(&self) -> &Run {
        &self.run
    }

    /// The progress display.
    #[must_use]
    pub fn progress(&self) -> &dyn Progress {
        self.preprocessing.progress()
    }

    /// What steps of preprocessing get, and the evaluation.
    #[must_use]
    pub fn preprocessing(&self) -> &Context {
        &self.preprocessing
    }

    /// Whether the run goes on from the latest checkpoint in its folder.
    #[must_use]
    pub fn is_resumed(&self) -> bool {
        self.resumed
    }

    /// Whether the run shall stop.
    #[must_use]
    pub fn is_interrupted(&self) -> bool {
        self.interrupted.load(Ordering::Relaxed)
    }
}

/// The training loop writes into the tracked run, and into the run's folder for its report.
impl Journal for TrainContext {
    fn record(&self, figures: &[(String, f64)], step: u64) -> Result<(), LearnError> {
        curves::append(&self.run_dir, figures, step)?;
        Ok(self.log_batch_metrics(figures, step)?)
    }

    fn keep_checkpoint(&self, file: &Path) -> Result<(), LearnError> {
        let params: TrainingParams = self.hyperparameters()?;
        if params.upload_checkpoints { Ok(self.log_artifact(file, "checkpoints")?) } else { Ok(()) }
    }

    fn is_interrupted(&self) -> bool {
        Self::is_interrupted(self)
    }

    fn show(&self, progress: learn::Progress<'_>) {
        let display = self.progress();
        match progress {
            learn::Progress::Begun { total } => display.begin("training", total),
            learn::Progress::Advanced { steps } => display.advance(steps),
            learn::Progress::Stands(words) => display.note(words),
            learn::Progress::Ended => display.end(),
        }
    }
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").field("volume", &self.volume).field("run_dir", &self.run_dir).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for TrainContext {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TrainContext").field("run_dir", &self.run_dir).field("seed", &self.seed).finish_non_exhaustive()
    }
}
