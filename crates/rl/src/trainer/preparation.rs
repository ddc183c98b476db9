//! The first two stages alone: photos are fetched and prepared, so that a training later finds everything done.

use std::path::PathBuf;
use std::time::Instant;

use serde::Serialize;

use crate::error::Error;
use crate::naming;
use crate::trainer::context::{Session, TrainContext};
use crate::trainer::skeleton::{self, Trainer};

/// What [`prepare`] leaves behind. Serialises to what `dodge prepare --json` prints.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Prepared {
    /// Id of the tracked run, 32 hexadecimal digits.
    pub run_id: String,
    /// The run's folder.
    #[serde(serialize_with = "naming::lossy")]
    pub run_dir: PathBuf,
    /// The seed.
    pub seed: u64,
    /// Duration in seconds.
    pub wall_seconds: f64,
    /// Photos that were found; of pairs, pairs.
    pub photos: usize,
    /// Files that look like photos and cannot be used.
    pub skipped: usize,
    /// Photos in the training split.
    pub train: usize,
    /// Photos in the validation split.
    pub validation: usize,
    /// Photos in the test split.
    pub test: usize,
    /// Training photos left out because the juror did not notice their damage.
    pub left_out: usize,
    /// The steps, in their order.
    pub steps: Vec<PreparedStep>,
    /// Records that could not be delivered to the tracking server yet; they wait in the spool. Known only when the run is closed, so
    /// not part of the serialised form.
    #[serde(skip)]
    pub undelivered_records: u64,
}

/// A step of preprocessing.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PreparedStep {
    /// Its name.
    pub step: &'static str,
    /// Whether its result was there already.
    pub reused: bool,
    /// How long it took to find or make the result, in seconds.
    pub seconds: f64,
    /// The folder of the result.
    #[serde(serialize_with = "naming::lossy")]
    pub folder: PathBuf,
}

/// Runs the stages *load_data* and *preprocess* of a trainer in a tracked run, and fills the cache with what [`Trainer::run`] needs with
/// the same hyperparameters. What is there already is used again.
///
/// # Errors
/// The first error of a stage. The run is then closed as killed ([`Error::Interrupted`]) or failed; steps that ended are kept.
pub fn prepare<T: Trainer>(trainer: &T, session: Session) -> Result<Prepared, Error> {
    let started = Instant::now();
    let context = skeleton::begin(session)?;
    let result = stages(trainer, &context, started);
    let (mut prepared, summary) = skeleton::end(&context, result)?;
    prepared.run_id = summary.run_id;
    prepared.undelivered_records = summary.pending;
    Ok(prepared)
}

fn stages<T: Trainer>(trainer: &T, context: &TrainContext, started: Instant) -> Result<Prepared, Error> {
    let (dataset, splits) = skeleton::prepared(trainer, context)?;
    let used = context.preprocessing().used();
    let wall_seconds = started.elapsed().as_secs_f64();
    context.log_metric("perf/total_duration_seconds", wall_seconds, 0)?;
    Ok(Prepared {
        run_id: context.run().run_id().to_owned(),
        run_dir: context.run_dir().to_owned(),
        seed: context.seed(),
        wall_seconds,
        photos: dataset.photos().len(),
        skipped: dataset.skipped().len() + used.iter().map(|result| result.left_out).sum::<usize>(),
        train: splits.train.photos.len(),
        validation: splits.validation.photos.len(),
        test: splits.test.photos.len(),
        left_out: splits.train.left_out,
        steps: used
            .into_iter()
            .map(|it| PreparedStep { step: it.step, reused: it.reused, seconds: it.seconds, folder: it.folder })
            .collect(),
        undelivered_records: 0,
    })
}
