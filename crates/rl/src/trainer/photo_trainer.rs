//! The trainer of `dodge train`: photos or pairs from any loader, the standard preprocessing, any algorithm.

use std::sync::{Arc, Mutex, PoisonError};

use dodge_data::{DataLoader, Dataset, Skipped, synthetic};
use dodge_imaging::{Damage, Photo};
use dodge_juror::Juror;
use dodge_learn::{ApgParams, Callback, Checkpointer, EarlyStop, FolderCheckpointer};
use dodge_preprocess::{
    AnnotationFile, CopyAndResize, DamageProtocol, DegradeAndSplit, DegradeParams, PairAndSplit, PairParams,
    Preprocessor, RandomStream, ResizeParams, Score, SplitMemory, SplitPhoto, Splits, tell_of_skipped,
};
use rand::RngExt;
use rayon::prelude::*;

use crate::error::Error;
use crate::photo::baselines::BaselineSet;
use crate::photo::environment::{EnvironmentParams, Material, PhotoTask, TrainingPhoto};
use crate::photo::evaluation::{EvaluationPlan, evaluate};
use crate::photo::model::Model;
use crate::photo::observation::{Observe, Observer};
use crate::photo::reward::{Reward, RewardParams};
use crate::photo::shown::Shown;
use crate::photo::test_photo::TestPhoto;
use crate::trainer::context::TrainContext;
use crate::trainer::fitting::{Trained, go_on_from};
use crate::trainer::params::{Algorithm, TrainingParams};
use crate::trainer::skeleton::{Evaluated, Trainer, juror_of_run};

/// The file in a run's folder of the model that it began with, where it did with one.
pub const FIRST_MODEL: &str = "first-model.safetensors";

/// A step of one's own, which makes splits of splits.
type SplitStep = Box<dyn Preprocessor<Input = Splits, Output = Splits> + Send + Sync>;

/// Trains an agent on photographs.
pub struct PhotoTrainer {
    loader: Box<dyn DataLoader>,
    material: Material,
    juror: Arc<dyn Juror>,
    steps: Vec<SplitStep>,
    rescores: bool,
    reward: Option<Arc<dyn Reward>>,
    observer: Option<Arc<dyn Observe>>,
    first: Option<Model>,
    checkpointer: Option<Box<dyn Checkpointer>>,
    callbacks: Mutex<Vec<Box<dyn Callback>>>,
}

impl PhotoTrainer {
    /// A trainer on the photos of `loader`, with `juror` as part of the reward. The photos are damaged, and the agent learns to
    /// bring them back.
    #[must_use]
    pub fn new(loader: Box<dyn DataLoader>, juror: Arc<dyn Juror>) -> Self {
        Self::with_material(Material::default(), loader, juror)
    }

    /// A trainer on the pairs of `loader`, such as a [`PairLoader`](dodge_data::PairLoader): the agent learns to edit as
    /// whoever edited them, and nothing is damaged.
    #[must_use]
    pub fn of_pairs(loader: Box<dyn DataLoader>, juror: Arc<dyn Juror>) -> Self {
        Self::with_material(Material::Pairs, loader, juror)
    }

    /// A trainer on the lessons of `loader`, such as a [`LessonLoader`](dodge_data::LessonLoader): the agent learns to edit as whoever
    /// kept the recipes, and goes on from `first`. The hyperparameters have to be those of [`Model::settings`].
    #[must_use]
    pub fn of_lessons(loader: Box<dyn DataLoader>, juror: Arc<dyn Juror>, first: Model) -> Self {
        Self { first: Some(first), ..Self::with_material(Material::Pairs, loader, juror) }
    }

    fn with_material(material: Material, loader: Box<dyn DataLoader>, juror: Arc<dyn Juror>) -> Self {
        let callbacks = Mutex::default();
        let (steps, rescores, reward, observer, first, checkpointer) = (Vec::new(), false, None, None, None, None);
        Self { loader, material, juror, steps, rescores, reward, observer, first, checkpointer, callbacks }
    }

    /// What is learnt from: photos are damaged by the protocol that the hyperparameters name.
    fn material(&self, context: &TrainContext) -> Result<Material, Error> {
        Ok(match self.material {
            Material::Damaged(_) => Material::Damaged(context.hyperparameters::<DegradeParams>()?.damage),
            Material::Pairs => Material::Pairs,
        })
    }

    /// Prepares photos by one step more, after the usual ones and those that were added before: to augment the training split, for
    /// example. It has cache, timing, counts and artifacts as they do.
    #[must_use]
    pub fn with_step(
        mut self,
        step: impl Preprocessor<Input = Splits, Output = Splits> + Send + Sync + 'static,
    ) -> Self {
        self.steps.push(Box::new(step));
        self
    }

    /// The usual steps.
    fn splits(&self, dataset: &Dataset, context: &TrainContext) -> Result<Splits, Error> {
        let memory = |ratios, resize: &ResizeParams| {
            SplitMemory::open(context.preprocessing().volume(), dataset, resize, ratios, context.seed())
        };
        if self.material == Material::Pairs {
            let (pairs, resize): (PairParams, ResizeParams) = (context.hyperparameters()?, context.hyperparameters()?);
            let memory = memory([pairs.train_ratio, pairs.validation_ratio], &resize)?;
            let step = PairAndSplit::new(pairs, resize, Arc::clone(&self.juror), context.seed());
            let paired = step.keeping(memory.membership()).run(dataset, context.preprocessing())?;
            memory.remember(&paired.splits)?;
            log_skipped(dataset, &paired.left_out, context)?;
            return Ok(paired.splits);
        }
        if dataset.after_root().is_some() {
            let reason = "the loader yields pairs, and what damage on top of them should teach is not defined: train with \
                          `PhotoTrainer::of_pairs`";
            return Err(Error::Data { reason: reason.to_owned() });
        }
        let degrade: DegradeParams = context.hyperparameters()?;
        let resize: ResizeParams = context.hyperparameters()?;
        let memory = memory([degrade.train_ratio, degrade.validation_ratio], &resize)?;
        let resized = CopyAndResize::new(resize, context.seed()).run(dataset, context.preprocessing())?;
        log_skipped(dataset, &resized.left_out, context)?;
        let annotated = AnnotationFile.run(&resized, context.preprocessing())?;
        let scored = Score::new(Arc::clone(&self.juror)).run(&annotated, context.preprocessing())?;
        let split = DegradeAndSplit::new(degrade, Arc::clone(&self.juror), context.seed());
        let splits = split.keeping(memory.membership()).run(&scored, context.preprocessing())?;
        memory.remember(&splits)?;
        Ok(splits)
    }

    /// Goes on with a run whose photos another juror scored: they are scored anew. Without it, that is refused, because scores of two
    /// jurors do not compare.
    #[must_use]
    pub fn rescoring(self) -> Self {
        Self { rescores: true, ..self }
    }

    /// Refuses to go on with the scores of another juror.
    fn check_juror(&self, context: &TrainContext) -> Result<(), Error> {
        if !context.is_resumed() || self.rescores {
            return Ok(());
        }
        match juror_of_run(context.run_dir())? {
            Some(before) if before != self.juror.name() => Err(Error::Data {
                reason: format!(
                    "the photos of this run were scored by {before}, and scores of {} do not compare with those: choose the juror that \
                     it began with, or have them scored anew with --rescore",
                    self.juror.name()
                ),
            }),
            _ => Ok(()),
        }
    }

    /// Pays for something else than the section `reward` of the hyperparameters says.
    #[must_use]
    pub fn with_reward(self, reward: Arc<dyn Reward>) -> Self {
        Self { reward: Some(reward), ..self }
    }

    /// Shows photos in another way. The model is then read by [`Model::load_with`](crate::Model::load_with).
    #[must_use]
    pub fn with_observer(self, observer: Arc<dyn Observe>) -> Self {
        Self { observer: Some(observer), ..self }
    }

    /// Keeps checkpoints elsewhere than in the folder `checkpoints` of the run.
    #[must_use]
    pub fn with_checkpointer(self, checkpointer: Box<dyn Checkpointer>) -> Self {
        Self { checkpointer: Some(checkpointer), ..self }
    }

    /// Calls `callback` after every round of learning, after those that were added before.
    #[must_use]
    pub fn with_callback(mut self, callback: Box<dyn Callback>) -> Self {
        self.callbacks.get_mut().unwrap_or_else(PoisonError::into_inner).push(callback);
        self
    }
}

impl Trainer for PhotoTrainer {
    fn load_data(&self, context: &TrainContext) -> Result<Dataset, Error> {
        let dataset = self.loader.load()?;
        context.progress().end();
        tell_of_skipped(dataset.skipped());
        let (photos, hash) = (dataset.photos().len(), dataset.content_hash());
        let params = [
            ("source_dataset_id", self.loader.describe()),
            ("dataset_hash", hash.to_string()),
            ("dataset_photos", photos.to_string()),
            ("juror", self.juror.name()),
        ];
        context.log_params(&params)?;
        let files = self.juror.files().into_iter().map(|(file, sha256)| (format!("juror/{file}"), sha256));
        context.log_params(&files.collect::<Vec<_>>())?;
        Ok(dataset)
    }

    fn preprocess(&self, dataset: &Dataset, context: &TrainContext) -> Result<Splits, Error> {
        self.check_juror(context)?;
        let mut splits = self.splits(dataset, context)?;
        for step in &self.steps {
            splits = step.run(&splits, context.preprocessing())?;
        }
        Ok(splits)
    }

    fn train(&self, splits: &Splits, context: &TrainContext) -> Result<Trained, Error> {
        if let Some(first) = &self.first {
            // For whoever resumes the run.
            first.save(&context.run_dir().join(FIRST_MODEL))?;
        }
        let mut environment: EnvironmentParams = context.hyperparameters()?;
        let params: TrainingParams = context.hyperparameters()?;
        let algorithm = params.algorithm;
        let boxed = if params.from_the_box { Some(in_the_box(algorithm, &environment, context)?) } else { None };
        let first = self.first.as_ref().or(boxed.as_ref());
        if environment.actions.is_empty() {
            environment.actions = match first {
                Some(first) => first.configuration().actions.clone(),
                None => algorithm.actions(self.material(context)?),
            };
        }
        let degrade: DegradeParams = context.hyperparameters()?;
        let size = environment.damage_size;
        let reward = match &self.reward {
            Some(_) if algorithm == Algorithm::Apg => return Err(unpaid()),
            Some(reward) => Arc::clone(reward),
            None if algorithm == Algorithm::Apg && has_other_reward(context)? => return Err(unpaid()),
            // What is learnt through the gradient is fidelity: nobody waits for the juror.
            None if algorithm == Algorithm::Apg => Arc::new(RewardParams::of_fidelity()),
            None => Arc::new(context.hyperparameters::<RewardParams>()?),
        };
        let observer: Arc<dyn Observe> = match (&self.observer, first) {
            (Some(observer), _) => Arc::clone(observer),
            (None, Some(first)) => Arc::clone(first.observer()),
            (None, None) => {
                let observer = Observer::for_network(&context.hyperparameters()?);
                // What a person did depends on what is in the photo; damage does not.
                Arc::new(if self.material == Material::Pairs { observer.with_layout() } else { observer })
            }
        };
        let mut photos = training_photos(&splits.train.photos, size)?;
        if let Material::Damaged(protocol) = self.material(context)? {
            photos.extend(made_pictures(protocol, &environment, context)?);
        }
        let task = PhotoTask {
            photos,
            material: self.material(context)?,
            actions: environment.action_set()?,
            environment,
            reward,
            undamaged_share: degrade.undamaged_share,
            juror: Arc::clone(&self.juror),
            observer,
            has_critic: algorithm == Algorithm::Ppo,
        };
        let validation = training_photos(&splits.validation.photos, size)?;
        let folder = FolderCheckpointer::new(context.run_dir().join("checkpoints"), params.checkpoints_kept);
        let checkpointer = self.checkpointer.as_deref().unwrap_or(&folder);
        // Hooks get a shared trainer, callbacks count.
        let mut callbacks = self.callbacks.lock().unwrap_or_else(PoisonError::into_inner);
        callbacks.push(Box::new(EarlyStop::new(params.early_stop_patience)));
        let trained = go_on_from(first, task, &validation, checkpointer, &mut callbacks, context);
        callbacks.pop();
        trained
    }

    fn evaluate(&self, trained: &Trained, splits: &Splits, context: &TrainContext) -> Result<Evaluated, Error> {
        let mut photos = TestPhoto::load_all(&splits.test.photos)?;
        let material = self.material(context)?;
        if let Material::Damaged(protocol) = material {
            let damages = context.hyperparameters::<TrainingParams>()?.test_damages;
            photos = TestPhoto::with_further_damages(photos, protocol, damages, &*self.juror, context.seed())?;
        }
        let size = trained.model.configuration().working_size;
        let of_training =
            if material == Material::Pairs { training_photos(&splits.train.photos, size)? } else { Vec::new() };
        let training: Vec<(Photo, Photo)> =
            of_training.into_iter().map(|photo| (photo.original, photo.degraded)).collect();
        let (seed, baselines) = (context.seed(), BaselineSet::default());
        let plan = EvaluationPlan { material, training: &training, baselines, seed };
        let (evaluation, outcomes) = evaluate(&trained.model, &photos, &plan, &*self.juror, context.preprocessing())?;
        let rows = context.hyperparameters::<TrainingParams>()?.mosaic_rows;
        let shown = Shown::of_mosaic(&photos, &outcomes, rows, &*self.juror)?;
        Ok(Evaluated { evaluation, photos, outcomes, shown })
    }
}

/// Records how many files were left out: those that show it in their headers, and those that could not be decoded.
fn log_skipped(dataset: &Dataset, undecodable: &[Skipped], context: &TrainContext) -> Result<(), Error> {
    context.log_metric("skipped_files", (dataset.skipped().len() + undecodable.len()) as f64, 0)
}

/// The model in the box, for a training of its kind to go on from.
fn in_the_box(algorithm: Algorithm, environment: &EnvironmentParams, context: &TrainContext) -> Result<Model, Error> {
    let model = Model::in_the_box(context.device())?;
    let configuration = model.configuration();
    let misfit = |setting: &'static str, needed: String| {
        let reason = format!("`training.from_the_box` goes on from a model with {needed}: leave out one of the two");
        Err(Error::Configuration { section: setting, reason })
    };
    if algorithm != Algorithm::Apg {
        return misfit("training.algorithm", configuration.algorithm.clone());
    }
    let hidden = context.hyperparameters::<ApgParams>()?.hidden;
    if hidden != configuration.hidden {
        return misfit("apg.hidden", format!("{:?}", configuration.hidden));
    }
    if !environment.actions.is_empty() && environment.actions != configuration.actions {
        return misfit("environment.actions", configuration.actions.join(" "));
    }
    Ok(model)
}

/// Whether somebody asked for a reward of another kind than the default.
fn has_other_reward(context: &TrainContext) -> Result<bool, Error> {
    Ok(context.hyperparameters::<RewardParams>()? != RewardParams::default())
}

fn unpaid() -> Error {
    let reason = "`apg` learns fidelity along its gradient and is not paid: for another reward choose `ppo` or `dqn`";
    Error::Configuration { section: "training.algorithm", reason: reason.to_owned() }
}

impl std::fmt::Debug for PhotoTrainer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PhotoTrainer({}, {})", self.loader.describe(), self.juror.name())
    }
}

/// Pictures of dead leaves: they are of no kind that a photo could be of, so that what is learnt from them holds for photos of any kind.
fn made_pictures(
    protocol: DamageProtocol,
    environment: &EnvironmentParams,
    context: &TrainContext,
) -> Result<Vec<TrainingPhoto>, Error> {
    let count = context.hyperparameters::<TrainingParams>()?.synthetic_photos;
    if count == 0 {
        return Ok(Vec::new());
    }
    let mut rng = RandomStream::SyntheticPhotos.generator(context.seed());
    let series = rng.random();
    let damages: Vec<Damage> = (0..count).map(|_| protocol.draw(&mut rng)).collect();
    context.progress().begin("painting", count as u64);
    let make = |(index, damage): (usize, &Damage)| {
        context.preprocessing().check_interrupted()?;
        let (width, height) = synthetic::frame(series, index as u64, environment.damage_size);
        let original = synthetic::dead_leaves(series, index as u64, width, height);
        // Where every episode damages anew, nobody looks at the stored damage.
        let degraded = if environment.fresh_damage { original.clone() } else { damage.apply(&original) };
        context.progress().advance(1);
        Ok(TrainingPhoto { original, degraded })
    };
    let pictures = damages.par_iter().enumerate().map(make).collect();
    context.progress().end();
    pictures
}

fn training_photos(photos: &[SplitPhoto], size: u32) -> Result<Vec<TrainingPhoto>, Error> {
    let open = |photo: &SplitPhoto| {
        Ok(TrainingPhoto {
            original: Photo::open(&photo.original)?.thumbnail(size),
            degraded: Photo::open(&photo.degraded)?.thumbnail(size),
        })
    };
    photos.par_iter().map(open).collect()
}
