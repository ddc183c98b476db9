//! Training an agent for photographs: the parts of a [`Training`], put together.

use std::path::PathBuf;
use std::sync::Arc;

use dodge_hparams::Choice;
use dodge_learn::{
    Apg, Callback, Checkpointer, Clock, ConfiguredLearner, Dqn, Ending, Error as LearnError, Judge, Learner,
    NetworkParams, Plan, Ppo, StateReader, StateWriter, Training, Validated, VectorEnvironment,
};

use crate::error::Error;
use crate::photo::environment::{PhotoEnv, PhotoTask, TrainingPhoto};
use crate::photo::expectation::Expectation;
use crate::photo::known_edits::KnownEdits;
use crate::photo::model::{Model, ModelConfiguration};
use crate::photo::tally::Tally;
use crate::photo::validation::{Fidelity, Measured, Validation, mean};
use crate::trainer::beginning::beginning;
use crate::trainer::context::TrainContext;
use crate::trainer::params::{Algorithm, TrainingParams};
use crate::trainer::refitting::refitted;
use crate::trainer::timeline::Timeline;
use crate::whole_file::write_whole;

/// What came of a training.
#[derive(Debug)]
pub struct Trained {
    /// The model to use: the one with the best fidelity on the validation split, or the one that was fitted like it once more.
    pub model: Model,
    /// Its file.
    pub model_path: PathBuf,
    /// From how many photos, those of the validation split among them, the model was fitted once more; none where it was not.
    pub refitted_on: Option<usize>,
    /// Environment steps taken.
    pub environment_steps: u64,
    /// Environment steps per second over the whole loop, validation included.
    pub steps_per_second: f64,
}

/// Trains an agent on photos. The best model is on disk from the first validation on; an interrupted or diverged training
/// leaves it there.
///
/// # Errors
/// [`Error::Interrupted`] with the model's path, [`Error::Learning`] where it diverged, or an error of environment or file.
pub fn train_agent(
    task: PhotoTask,
    validation_photos: &[TrainingPhoto],
    checkpointer: &dyn Checkpointer,
    callbacks: &mut [Box<dyn Callback>],
    context: &TrainContext,
) -> Result<Trained, Error> {
    go_on_from(None, task, validation_photos, checkpointer, callbacks, context)
}

/// The same from what another model has learnt, where there is one.
pub(crate) fn go_on_from(
    first: Option<&Model>,
    task: PhotoTask,
    validation_photos: &[TrainingPhoto],
    checkpointer: &dyn Checkpointer,
    callbacks: &mut [Box<dyn Callback>],
    context: &TrainContext,
) -> Result<Trained, Error> {
    // Every algorithm that `training.algorithm` knows.
    match context.hyperparameters::<TrainingParams>()?.algorithm {
        Algorithm::Ppo => train::<Ppo>(first, task, validation_photos, checkpointer, callbacks, context),
        Algorithm::Dqn => train::<Dqn>(first, task, validation_photos, checkpointer, callbacks, context),
        Algorithm::Apg => train::<Apg>(first, task, validation_photos, checkpointer, callbacks, context),
    }
}

fn train<L: ConfiguredLearner>(
    first: Option<&Model>,
    task: PhotoTask,
    validation_photos: &[TrainingPhoto],
    checkpointer: &dyn Checkpointer,
    callbacks: &mut [Box<dyn Callback>],
    context: &TrainContext,
) -> Result<Trained, Error> {
    let params: TrainingParams = context.hyperparameters()?;
    let network: NetworkParams = context.hyperparameters()?;
    let of_learner: L::Params = context.hyperparameters()?;
    let (seed, size) = (context.seed(), task.environment.working_size);
    check_pictures(&task)?;
    let observer = Arc::clone(&task.observer);
    let validation =
        Validation::new(task.material, validation_photos, params.validation_damages, size, observer, seed)?;
    let hidden = L::hidden(&of_learner).to_vec();
    let task = Arc::new(task);
    let (learner, environments) = beginning::<L>(&task, first, context)?;
    let constants = constants(&task, &network);
    let known = Known { algorithm: L::NAME, hidden, network, edits: KnownEdits::of(&task)? };
    let least_undamaged_db = params.least_undamaged_db;
    let timeline = Timeline::new(context, validation_photos);
    let mut judge = PhotoJudge { task: &task, validation, timeline, context, known, least_undamaged_db, best: None };
    let training = Training {
        learner,
        algorithm: L::NAME,
        constants,
        environments,
        judge: &mut judge,
        checkpointer,
        callbacks,
        journal: context,
    };
    let plan = Plan {
        steps: params.steps,
        validation_interval: params.validation_interval,
        checkpoint_interval: params.checkpoint_interval,
    };
    let finished = training.run(plan, context.is_resumed()).map_err(|error| match Error::from(error) {
        Error::Interrupted { .. } => Error::Interrupted { model: Some(context.run_dir().join(MODEL)) },
        Error::Learning(LearnError::NoCheckpoint) => Error::Data {
            reason: format!("{} has no checkpoint to go on from: start it anew", context.run_dir().display()),
        },
        other => other,
    })?;
    let model_path = judge.model_path();
    let mut model = judge.best.expect("the last update is always validated").model;
    let (environment_steps, steps_per_second) = (finished.environment_steps, finished.steps_per_second);
    let mut refitted_on = None;
    let mut task = Arc::into_inner(task).expect("the environments of the training are gone");
    if task.photos.len() < params.refit_below && !validation_photos.is_empty() {
        task.photos.extend_from_slice(validation_photos);
        refitted_on = Some(task.photos.len());
        model = refitted::<L>(&model, first, task, &model_path, context)?;
        model.save(&model_path)?;
    }
    Ok(Trained { model, model_path, refitted_on, environment_steps, steps_per_second })
}

/// What the model has to know of the algorithm.
struct Known {
    algorithm: &'static str,
    hidden: Vec<usize>,
    network: NetworkParams,
    edits: KnownEdits,
}

/// What the weights stand for: with another value of one of these they would fit, and mean something else.
fn constants(task: &PhotoTask, network: &NetworkParams) -> Vec<(String, String)> {
    let environment = &task.environment;
    let of_environment = [
        ("actions", task.actions.labels().join(", ")),
        ("mask_actions", environment.mask_actions.to_string()),
        ("max_steps", environment.edit_limit().to_string()),
        ("working_size", environment.working_size.to_string()),
    ];
    let of_environment = of_environment.map(|(name, value)| (format!("environment.{name}"), value));
    let of_network = [
        ("network.encoder".to_owned(), network.encoder.name().to_owned()),
        ("observation".to_owned(), task.observer.name()),
    ];
    of_environment.into_iter().chain(of_network).collect()
}

/// A picture is never scaled up: from smaller working photos it would be mostly black.
fn check_pictures(task: &PhotoTask) -> Result<(), Error> {
    let working_size = task.environment.working_size as usize;
    match task.observer.picture() {
        Some(picture) if picture.width > working_size => Err(Error::Configuration {
            section: "environment.working_size",
            reason: format!(
                "photos of {working_size} pixels are smaller than the picture of {} that the network looks at: set \
                 environment.working_size to {0} or more, or network.picture_size to {working_size} or less",
                picture.width
            ),
        }),
        _ => Ok(()),
    }
}

/// The file of the model to use, in the run's folder, and of the latest.
const MODEL: &str = "model.safetensors";
const LAST_MODEL: &str = "last-model.safetensors";

/// Keeps the model that gains most on the validation split among those that leave good photos alone.
struct PhotoJudge<'a> {
    task: &'a PhotoTask,
    validation: Validation,
    timeline: Timeline,
    context: &'a TrainContext,
    known: Known,
    least_undamaged_db: f64,
    best: Option<Best>,
}

/// The model to use so far.
struct Best {
    fidelity: Fidelity,
    model: Model,
    /// The best figures of all: those of this model, or of an earlier one that is no better by more than chance.
    record: Measured,
}

impl PhotoJudge<'_> {
    fn model_path(&self) -> PathBuf {
        self.context.run_dir().join(MODEL)
    }

    /// The learner's model, with what this validation found out about its expectations.
    fn model_of<L: Learner>(&self, learner: &L, clock: Clock, found: Option<Fidelity>) -> Result<Model, Error> {
        let network = learner.network();
        let configuration = ModelConfiguration {
            actions: self.task.actions.labels(),
            mask_actions: self.task.actions.masks_edits(),
            max_steps: self.task.environment.edit_limit(),
            most_looks: self.task.material.most_looks(),
            expectation: found.map_or(Expectation::AS_FORETOLD, |found| found.expectation),
            least_gain_db: found.map_or(0.0, |found| found.least_gain_db),
            working_size: self.task.environment.working_size,
            encoder: self.known.network.encoder,
            picture_size: self.known.network.picture_size,
            hidden: self.known.hidden.clone(),
            head: network.head(),
            observation: self.task.observer.name(),
            known_edits: self.known.edits.clone(),
            algorithm: self.known.algorithm.to_owned(),
            juror: self.task.juror.name(),
            environment_steps: clock.taken,
            seed: self.context.seed(),
        };
        Model::new(configuration, Arc::clone(&self.task.observer), network, self.context.device().clone())
    }
}

impl<L: Learner> Judge<L, PhotoEnv> for PhotoJudge<'_> {
    fn validate(&mut self, learner: &L, clock: Clock) -> Result<Validated, LearnError> {
        let floor = self.least_undamaged_db;
        let limit = self.task.environment.edit_limit();
        let measured = self.validation.measure(learner, &self.task.actions, limit, floor)?;
        let fidelity = measured.fidelity;
        let record = self.best.take_if(|best| measured.is_as_good_as(&best.record, floor)).map(|best| best.record);
        let is_kept = self.best.is_none();
        let is_record =
            is_kept && record.as_ref().is_none_or(|record| fidelity.is_better_than(&record.fidelity, floor));
        if self.timeline.is_due(clock) {
            let model = self.model_of(learner, clock, Some(fidelity))?;
            self.timeline.note(&model, clock, self.context)?;
        }
        if is_kept {
            let model = self.model_of(learner, clock, Some(fidelity))?;
            model.save(&self.model_path())?;
            let record = record.filter(|_| !is_record).unwrap_or(measured);
            self.best = Some(Best { fidelity, model, record });
        }
        let figures = [
            ("validation/psnr_gain_db", fidelity.gain_db),
            ("validation/undamaged_psnr_db", fidelity.undamaged_db),
            ("validation/least_gain_db", fidelity.least_gain_db.into()),
            ("validation/expectation_slope", fidelity.expectation.slope.into()),
            ("validation/expectation_offset_db", fidelity.expectation.offset_db.into()),
        ];
        Ok(Validated { figures: figures.map(|(name, value)| (name.to_owned(), value)).into(), is_kept, is_record })
    }

    /// What the round did to the photos.
    fn of_round(&mut self, environments: &mut VectorEnvironment<PhotoEnv>) -> Vec<(String, f64)> {
        let mut tally = Tally::default();
        environments.environments_mut().for_each(|environment| tally.add(&environment.take_tally()));
        tally.metrics(&self.task.actions, self.task.reward.needs_score())
    }

    fn best(&self) -> Result<Option<Vec<u8>>, LearnError> {
        let Some(Best { fidelity, model, record }) = &self.best else { return Ok(None) };
        let mut writer = StateWriter::new();
        writer.write(&(fidelity.gain_db, fidelity.undamaged_db, model.to_bytes()?))?;
        writer.write(&(record.fidelity.undamaged_db, &record.gains))?;
        Ok(Some(writer.into_bytes()))
    }

    fn restore_best(&mut self, best: &[u8]) -> Result<(), LearnError> {
        let mut reader = StateReader::new(best);
        let (gain_db, undamaged_db, model): (f64, f64, Vec<u8>) = reader.read()?;
        let (record_undamaged_db, gains): (f64, Vec<f64>) = reader.read()?;
        reader.finish()?;
        write_whole(&self.model_path(), &model)?;
        let observer = Some(Arc::clone(&self.task.observer));
        let model = Model::load_with(&self.model_path(), observer, self.context.device())?;
        let ModelConfiguration { expectation, least_gain_db, .. } = *model.configuration();
        let fidelity = Fidelity { gain_db, undamaged_db, expectation, least_gain_db };
        // What the record expected of photos decides nothing any more.
        let of_record = Fidelity { gain_db: mean(&gains), undamaged_db: record_undamaged_db, ..fidelity };
        self.best = Some(Best { fidelity, model, record: Measured { fidelity: of_record, gains } });
        Ok(())
    }

    /// Leaves the latest model, and where none was validated yet at least that one for use.
    fn end(&mut self, learner: &L, clock: Clock, ending: Ending) -> Result<(), LearnError> {
        let model = self.model_of(learner, clock, self.best.as_ref().map(|best| best.fidelity))?;
        match ending {
            Ending::Whole => Ok(model.save(&self.context.run_dir().join(LAST_MODEL))?),
            Ending::Interrupted if self.best.is_none() => Ok(model.save(&self.model_path())?),
            Ending::Interrupted => Ok(()),
        }
    }

    fn in_words(&self) -> String {
        self.best.as_ref().map_or_else(String::new, |Best { fidelity, .. }| {
            format!("{:+.2} dB, undamaged {:.0} dB on validation", fidelity.gain_db, fidelity.undamaged_db)
        })
    }
}
