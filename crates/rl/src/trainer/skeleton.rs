//! The skeleton of a run: stages in order, each timed, all recorded.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use dodge_data::Dataset;
use dodge_learn::device_name;
use dodge_preprocess::{Context, Splits, UsedResult};
use dodge_tracking::{Status, Summary as Delivered};
use serde::Serialize;

use crate::error::Error;
use crate::naming::{self, folder_name};
use crate::photo::evaluation::Evaluation;
use crate::photo::mosaic::mosaic;
use crate::photo::shown::Shown;
use crate::photo::summary::{Outcome, Summary};
use crate::photo::test_photo::TestPhoto;
use crate::trainer::context::{Session, TrainContext};
use crate::trainer::fitting::Trained;
use crate::trainer::outcomes::{self, OUTCOMES};
use crate::trainer::params::TrainingParams;
use crate::trainer::run_page::page_of_run;
use crate::trainer::{inputs, logged_model, tracked_run};
use crate::whole_file::write_whole;

/// A way to train. A trainer of one's own implements the four hooks; [`Trainer::run`] calls them in order.
pub trait Trainer {
    /// Makes the photos available.
    ///
    /// # Errors
    /// Any; the run is then marked as failed.
    fn load_data(&self, context: &TrainContext) -> Result<Dataset, Error>;

    /// Turns photos into splits of damaged photos, or pairs into splits of pairs.
    ///
    /// # Errors
    /// As [`Trainer::load_data`].
    fn preprocess(&self, dataset: &Dataset, context: &TrainContext) -> Result<Splits, Error>;

    /// Trains a model.
    ///
    /// # Errors
    /// As [`Trainer::load_data`]; [`Error::Interrupted`] marks the run as killed.
    fn train(&self, splits: &Splits, context: &TrainContext) -> Result<Trained, Error>;

    /// Measures the model on the test split.
    ///
    /// # Errors
    /// As [`Trainer::load_data`].
    fn evaluate(&self, trained: &Trained, splits: &Splits, context: &TrainContext) -> Result<Evaluated, Error>;

    /// Records model, figures and pictures. Returns the path of the mosaic, where there is one.
    ///
    /// # Errors
    /// As [`Trainer::load_data`].
    fn postprocess(
        &self,
        trained: &Trained,
        evaluated: &Evaluated,
        context: &TrainContext,
    ) -> Result<Option<PathBuf>, Error> {
        let params: TrainingParams = context.hyperparameters()?;
        let metrics = summary_metrics(&evaluated.evaluation);
        context.log_batch_metrics(&metrics, trained.environment_steps)?;
        context.log_artifact(&trained.model_path, "models")?;
        let (run_dir, step) = (context.run_dir(), trained.model.configuration().environment_steps);
        outcomes::write(run_dir, step, &evaluated.photos, &evaluated.outcomes, &evaluated.shown)?;
        context.log_artifact(&run_dir.join(OUTCOMES), "")?;
        let path = context.run_dir().join("mosaic.png");
        let Some(picture) = mosaic(&evaluated.photos, &evaluated.outcomes, params.mosaic_rows) else { return Ok(None) };
        picture.save(&path)?;
        context.log_artifact(&path, "evaluation_images")?;
        Ok(Some(path))
    }

    /// Opens a tracked run, calls the stages, records how long each took as `perf/<stage>_duration_seconds`, and closes
    /// the run with its status.
    ///
    /// # Errors
    /// The first error of a stage. The run is then closed as killed ([`Error::Interrupted`]) or failed.
    fn run(&self, session: Session) -> Result<Report, Error>
    where
        Self: Sized,
    {
        run_stages(self, session)
    }
}

/// What an evaluation leaves behind.
#[derive(Debug)]
pub struct Evaluated {
    /// The figures.
    pub evaluation: Evaluation,
    /// The photos that were evaluated on.
    pub photos: Vec<TestPhoto>,
    /// What the agent made of each.
    pub outcomes: Vec<Outcome>,
    /// Those that the report shows edit by edit; it may be none.
    pub shown: Vec<Shown>,
}

/// The result of a run. Serialises to what `dodge train --json` prints.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// Id of the tracked run, 32 hexadecimal digits.
    pub run_id: String,
    /// The run's folder. In JSON, paths have a replacement character for what is no Unicode.
    #[serde(serialize_with = "naming::lossy")]
    pub run_dir: PathBuf,
    /// The model file.
    #[serde(serialize_with = "naming::lossy")]
    pub model: PathBuf,
    /// The mosaic, where there is one.
    #[serde(serialize_with = "naming::lossy_if_some")]
    pub mosaic: Option<PathBuf>,
    /// The report as a page.
    #[serde(serialize_with = "naming::lossy")]
    pub page: PathBuf,
    /// A photo of the test split, damaged or before it was edited, to try the model on.
    #[serde(serialize_with = "naming::lossy_if_some")]
    pub sample: Option<PathBuf>,
    /// Environment steps trained.
    pub steps: u64,
    /// Duration of the run in seconds.
    pub wall_seconds: f64,
    /// Environment steps per second of training.
    pub steps_per_second: f64,
    /// The seed.
    pub seed: u64,
    /// Where it was trained, as [`device_name`] calls it.
    pub device: String,
    /// From how many photos, those of the validation split among them, the model was fitted once more; none where it was not.
    pub refitted_on: Option<usize>,
    /// Training photos left out because the juror did not notice their damage.
    pub left_out: usize,
    /// The agent and its baselines on the test split.
    #[serde(flatten)]
    pub evaluation: Evaluation,
    /// Records that could not be delivered to the tracking server yet; they wait in the spool. Known only when the run
    /// is closed, so not part of the serialised report.
    #[serde(skip)]
    pub undelivered_records: u64,
}

fn run_stages<T: Trainer>(trainer: &T, session: Session) -> Result<Report, Error> {
    let started = Instant::now();
    let context = begin(session)?;
    let result = stages(trainer, &context, started);
    let (mut report, summary) = end(&context, result)?;
    report.run_id = summary.run_id;
    report.undelivered_records = summary.pending;
    Ok(report)
}

/// Opens the tracked run of a session.
pub(super) fn begin(session: Session) -> Result<TrainContext, Error> {
    // Before the run is started: afterwards, every error has to close it.
    let seed = session.registry.get::<TrainingParams>()?.seed;
    let run = match &session.run_dir {
        Some(run_dir) if session.resume => tracked_run::resume(&session.tracking, &session.run_options, run_dir)?,
        _ => session.tracking.start_run(&session.run_options)?,
    };
    let run_dir = session.run_dir.unwrap_or_else(|| {
        let experiment = folder_name(&session.run_options.experiment);
        session.volume.join("runs").join(experiment).join(unique_name(run.run_name(), run.run_id()))
    });
    let preprocessing =
        Context::new(session.volume, run.clone(), Arc::clone(&session.progress), Arc::clone(&session.interrupted));
    Ok(TrainContext {
        run,
        experiment: session.run_options.experiment,
        registry: session.registry,
        seed,
        device: session.device,
        run_dir,
        interrupted: session.interrupted,
        resumed: session.resume,
        preprocessing,
    })
}

/// Closes the tracked run with the status that the result stands for.
pub(super) fn end<R>(context: &TrainContext, result: Result<R, Error>) -> Result<(R, Delivered), Error> {
    context.progress().end();
    let status = match &result {
        Ok(_) => Status::Finished,
        Err(Error::Interrupted { .. }) => Status::Killed,
        Err(_) => Status::Failed,
    };
    // The run is closed before anything is returned, whatever else fails.
    let kept = match &result {
        Err(Error::Interrupted { model: Some(model) }) => context.log_artifact(model, "models"),
        _ => Ok(()),
    };
    let finished = context.run().finish(status);
    let result = result?;
    kept?;
    let summary = finished?;
    // A server gives the run an id of its own.
    tracked_run::note(context.run_dir(), &summary.run_id)?;
    Ok((result, summary))
}

/// The first two stages: photos, and what the steps make of them.
pub(super) fn prepared<T: Trainer>(trainer: &T, context: &TrainContext) -> Result<(Dataset, Splits), Error> {
    let (run, run_dir) = (context.run(), context.run_dir());
    fs::create_dir_all(run_dir).map_err(|source| Error::File { action: "create", path: run_dir.to_owned(), source })?;
    tracked_run::note(run_dir, run.run_id())?;
    context.log_params(&context.registry.flatten())?;
    let configuration = run_dir.join("configuration.toml");
    write_whole(&configuration, context.registry.to_toml().as_bytes())?;
    context.log_artifact(&configuration, "")?;

    let timer = run.time_stage("load_data");
    let dataset = trainer.load_data(context)?;
    timer.finish()?;
    if context.is_resumed() {
        check_unchanged(run_dir, &dataset)?;
    }
    let timer = run.time_stage("preprocess");
    let splits = trainer.preprocess(&dataset, context)?;
    timer.finish()?;
    let used = used(run.run_name(), &dataset, &splits, &context.preprocessing().used());
    write_whole(&run_dir.join("used.json"), used.as_bytes())?;
    inputs::log_splits(run, &dataset, &splits)?;
    Ok((dataset, splits))
}

fn stages<T: Trainer>(trainer: &T, context: &TrainContext, started: Instant) -> Result<Report, Error> {
    let run = context.run();
    let run_dir = context.run_dir().to_owned();
    let device = device_name(context.device());
    context.log_params(&[("device", &device)])?;
    let (dataset, splits) = prepared(trainer, context)?;
    tracing::info!(target: "dodge::device", "training on {device}");
    let timer = run.time_stage("train");
    let trained = trainer.train(&splits, context)?;
    timer.finish()?;
    let timer = run.time_stage("evaluate");
    let evaluated = trainer.evaluate(&trained, &splits, context).map_err(|error| match error {
        // The model is done; only its figures are missing.
        Error::Interrupted { .. } => Error::Interrupted { model: Some(trained.model_path.clone()) },
        other => other,
    })?;
    timer.finish()?;
    let timer = run.time_stage("postprocess");
    let mosaic = trainer.postprocess(&trained, &evaluated, context)?;
    logged_model::log(&trained, &evaluated.evaluation, (&dataset, &splits), context)?;
    timer.finish()?;

    let wall_seconds = started.elapsed().as_secs_f64();
    context.log_metric("perf/total_duration_seconds", wall_seconds, trained.environment_steps)?;
    let report = Report {
        run_id: run.run_id().to_owned(),
        run_dir: run_dir.clone(),
        model: trained.model_path.clone(),
        mosaic,
        page: run_dir.join("report.html"),
        sample: splits.test.photos.iter().find(|photo| photo.is_damaged()).map(|photo| photo.degraded.clone()),
        steps: trained.environment_steps,
        wall_seconds,
        steps_per_second: trained.steps_per_second,
        seed: context.seed(),
        device,
        refitted_on: trained.refitted_on,
        left_out: splits.train.left_out,
        evaluation: evaluated.evaluation,
        undelivered_records: 0,
    };
    let path = run_dir.join("report.json");
    write_whole(&path, serde_json::to_string_pretty(&report).expect("a report is always JSON").as_bytes())?;
    context.log_artifact(&path, "")?;
    write_whole(&report.page, page_of_run(&run_dir)?.html.as_bytes())?;
    context.log_artifact(&report.page, "")?;
    Ok(report)
}

/// Where the photos are that a run was trained on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsedPhotos {
    /// The folder of the photos; of pairs that of the photos before.
    pub folder: PathBuf,
    /// Of pairs the folder of the photos after.
    pub after: Option<PathBuf>,
    /// Whether they are lessons.
    pub lessons: bool,
}

/// The photos that the run in `run_dir` was trained on, to resume it with.
///
/// # Errors
/// [`Error::Data`] when the folder is no run's, or the run ended before its photos were prepared.
pub fn photos_of_run(run_dir: &Path) -> Result<UsedPhotos, Error> {
    let used = read_used(run_dir)?;
    let names_none = || Error::Data { reason: format!("{} names no photos", run_dir.join("used.json").display()) };
    let folder = naming::path_in(&used["photos"]).ok_or_else(names_none)?;
    let after = match used.get("after") {
        Some(after) => Some(naming::path_in(after).ok_or_else(names_none)?),
        None => None,
    };
    Ok(UsedPhotos { folder, after, lessons: used["lessons"] == true })
}

/// The results in the cache that a run used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UsedResults {
    /// All of them, by their folders; none of a run that ended before its photos were prepared.
    Named(Vec<PathBuf>),
    /// Those of the splits alone: the run is of an earlier version, which named no others.
    SplitsOnly(Vec<PathBuf>),
}

/// The results in the cache that the run in `run_dir` used.
///
/// # Errors
/// [`Error::Data`] where what the run says of them cannot be read.
pub fn used_results(run_dir: &Path) -> Result<UsedResults, Error> {
    if !run_dir.join("used.json").exists() {
        return Ok(UsedResults::Named(Vec::new()));
    }
    let used = read_used(run_dir)?;
    if let Some(results) = used["results"].as_array() {
        return Ok(UsedResults::Named(results.iter().filter_map(naming::path_in).collect()));
    }
    // An annotation file lies in the folder of its split, and that in the result.
    let result = |split: &str| Some(naming::path_in(&used[split])?.parent()?.parent()?.to_owned());
    Ok(UsedResults::SplitsOnly(["train", "validation", "test"].into_iter().filter_map(result).collect()))
}

fn read_used(run_dir: &Path) -> Result<serde_json::Value, Error> {
    let path = run_dir.join("used.json");
    let text = fs::read_to_string(&path).map_err(|source| Error::Data {
        reason: format!(
            "{} cannot be resumed: {} cannot be read ({source}); either this is no run's folder, or the run ended before \
             its photos were prepared: start it anew",
            run_dir.display(),
            path.display()
        ),
    })?;
    serde_json::from_str(&text)
        .map_err(|error| Error::Data { reason: format!("{} cannot be read: {error}", path.display()) })
}

/// Whose scores the run in `run_dir` began with; none where it does not say.
pub(super) fn juror_of_run(run_dir: &Path) -> Result<Option<String>, Error> {
    Ok(read_used(run_dir)?["juror"].as_str().map(str::to_owned))
}

/// A run that goes on with other photos would not be the same run.
fn check_unchanged(run_dir: &Path, dataset: &Dataset) -> Result<(), Error> {
    let (before, now) = (read_used(run_dir)?["content_hash"].clone(), dataset.content_hash().to_string());
    if before == now.as_str() {
        return Ok(());
    }
    let folders = match dataset.after_root() {
        Some(after) => format!("{} and {}", dataset.root().display(), after.display()),
        None => dataset.root().display().to_string(),
    };
    Err(Error::Data {
        reason: format!(
            "the photos in {folders} are not those that the run began with: bring them back, or start anew"
        ),
    })
}

/// Which data the run used: the folders in the cache are shared between runs.
fn used(run_name: &str, dataset: &Dataset, splits: &Splits, results: &[UsedResult]) -> String {
    let absolute = |folder: &Path| naming::in_json(&std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned()));
    let mut value = serde_json::json!({
        "run": run_name,
        "split_photos": {
            "train": splits.train.photos.len(),
            "validation": splits.validation.photos.len(),
            "test": splits.test.photos.len(),
        },
        "photos": absolute(dataset.root()),
        "content_hash": dataset.content_hash().to_string(),
        "train": naming::in_json(&splits.train.path),
        "validation": naming::in_json(&splits.validation.path),
        "test": naming::in_json(&splits.test.path),
        "results": results.iter().map(|result| naming::in_json(&result.folder)).collect::<Vec<_>>(),
    });
    if let Some(after) = dataset.after_root() {
        value["after"] = absolute(after);
    }
    if dataset.has_lessons() {
        value["lessons"] = true.into();
    }
    if let Some(juror) = &splits.train.juror {
        value["juror"] = juror.as_str().into();
    }
    format!("{value:#}\n")
}

fn summary_metrics(evaluation: &Evaluation) -> Vec<(String, f64)> {
    let baselines = evaluation.baselines.by_name().into_iter();
    let baselines = baselines.flat_map(|(name, summary)| one_summary(&format!("baseline/{name}"), summary));
    let costs = evaluation.costs.iter().flat_map(|(name, cost)| {
        let name = format!("perf/evaluation/{name}");
        let time = (format!("{name}/milliseconds_per_photo"), cost.milliseconds_per_photo);
        [(format!("{name}/juror_calls_per_photo"), cost.juror_calls_per_photo), time]
    });
    one_summary("test", &evaluation.test).into_iter().chain(baselines).chain(costs).collect()
}

/// Every figure of a summary under its own name, taken from its serialised form so that none is forgotten.
fn one_summary(prefix: &str, summary: &Summary) -> Vec<(String, f64)> {
    let value = serde_json::to_value(summary).expect("a summary is always JSON");
    let mut metrics = Vec::new();
    for (key, value) in value.as_object().into_iter().flatten() {
        match value {
            serde_json::Value::Object(inner) => {
                for (inner_key, value) in inner {
                    metrics.extend(value.as_f64().map(|v| (format!("{prefix}/{key}/{inner_key}"), v)));
                }
            }
            value => metrics.extend(value.as_f64().map(|v| (format!("{prefix}/{key}"), v))),
        }
    }
    metrics
}

/// The name of a run's folder: runs may share a name, so that the beginning of the id follows where it is not part of it.
fn unique_name(name: &str, id: &str) -> String {
    let id = id.get(..8).unwrap_or(id);
    if name.ends_with(id) { folder_name(name) } else { format!("{}-{id}", folder_name(name)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_plain_folders() {
        assert_eq!(unique_name("run-0123abcd", "0123abcd4567"), "run-0123abcd");
        assert_eq!(unique_name("my run/1", "0123abcd4567"), "my_run_1-0123abcd");
    }
}
