//! The training loop: collect, learn, validate, record.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use dodge_hparams::{Choice, HParams};

use crate::Error;
use crate::callback::{Callback, Moment, Validated, Verdict};
use crate::checkpoint::{BestSoFar, Checkpoint, Checkpointer, Occasion};
use crate::dqn::{Dqn, DqnParams};
use crate::encoder::NetworkParams;
use crate::environment::{Episode, VectorEnvironment};
use crate::learner::{Advance, Clock, Learner};
use crate::model::{Model, ModelConfiguration, write_whole};
use crate::observation::Observer;
use crate::photo_env::{PhotoEnv, PhotoTask, TrainingPhoto};
use crate::ppo::{Ppo, PpoParams};
use crate::state::{StateReader, StateWriter};
use crate::tally::Tally;
use crate::trainer::TrainContext;
use crate::validation::{Fidelity, Validation};

/// What learns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Choice)]
pub enum Algorithm {
    /// Proximal policy optimisation: steady, the default.
    Ppo,
    /// Deep Q-learning: learns each experience many times.
    Dqn,
}

/// The training as a whole.
#[derive(Debug, Clone, PartialEq, HParams)]
#[hparams(section = "training")]
pub struct TrainingParams {
    /// What learns; its own hyperparameters are in the section of its name.
    #[hparam(default = Algorithm::Ppo)]
    pub algorithm: Algorithm,
    /// How long to train; rounded up to whole rollouts.
    #[hparam(default = 1_000_000, range = 1..=10_000_000_000, unit = "environment steps")]
    pub steps: u64,
    /// How often the policy is validated, and kept if it is the best so far.
    #[hparam(default = 20_480, range = 1..=10_000_000_000, unit = "environment steps")]
    pub validation_interval: u64,
    /// Damages of each validation photo: its stored one and fresh ones.
    #[hparam(default = 4, range = 1..=100, unit = "damages")]
    pub validation_damages: usize,
    /// The best model is the one that gains most PSNR on damaged validation photos among those that leave undamaged
    /// ones at this PSNR or more; 60 is untouched.
    #[hparam(default = 45.0, range = 0.0..=60.0, unit = "dB")]
    pub least_undamaged_db: f64,
    /// How often a checkpoint is written, to go on from after an interruption.
    #[hparam(default = 81_920, range = 1..=10_000_000_000, unit = "environment steps")]
    pub checkpoint_interval: u64,
    /// Periodic checkpoints kept beside the latest and the best one.
    #[hparam(default = 2, range = 0..=1000, unit = "checkpoints")]
    pub checkpoints_kept: usize,
    /// Whether the latest checkpoint is among the run's artifacts too, renewed whenever it is written.
    #[hparam(default = true)]
    pub upload_checkpoints: bool,
    /// Validations without a better model after which the training ends early; 0 never ends it.
    #[hparam(default = 0, range = 0..=1_000_000, unit = "validations")]
    pub early_stop_patience: u64,
    /// Seed of split, damage, networks and exploration.
    #[hparam(default = 42)]
    pub seed: u64,
    /// Rows of the mosaic of before, after and original.
    #[hparam(default = 12, range = 1..=200, unit = "photos")]
    pub mosaic_rows: usize,
}

/// What came of a training.
#[derive(Debug)]
pub struct Trained {
    /// The model with the best fidelity on the validation split.
    pub model: Model,
    /// Its file.
    pub model_path: PathBuf,
    /// Environment steps taken.
    pub environment_steps: u64,
    /// Environment steps per second over the whole loop, validation included.
    pub steps_per_second: f64,
}

/// Trains an agent on photos. The best model is on disk from the first validation on; an interrupted or diverged training
/// leaves it there.
///
/// # Errors
/// [`Error::Interrupted`] with the model's path, [`Error::Diverged`], or an error of environment or file.
pub fn train_agent(
    task: PhotoTask,
    validation_photos: &[TrainingPhoto],
    checkpointer: &dyn Checkpointer,
    callbacks: &mut [Box<dyn Callback>],
    context: &TrainContext,
) -> Result<Trained, Error> {
    let params: TrainingParams = context.hyperparameters()?;
    let (seed, device) = (context.seed(), context.device());
    let spaces = PhotoEnv::spaces(&task);
    let size = task.environment.working_size;
    let validation = Validation::new(validation_photos, params.validation_damages, size, task.observer.clone(), seed)?;
    let network: NetworkParams = context.hyperparameters()?;
    match params.algorithm {
        Algorithm::Ppo => {
            let ppo: PpoParams = context.hyperparameters()?;
            let shape = Shape { algorithm: "ppo", environments: ppo.environments, hidden: ppo.hidden.clone(), network };
            let learner = Ppo::with_network(ppo, &shape.network, spaces, seed, device)?;
            train(learner, shape, task, validation, checkpointer, callbacks, context)
        }
        Algorithm::Dqn => {
            let dqn: DqnParams = context.hyperparameters()?;
            let shape = Shape { algorithm: "dqn", environments: dqn.environments, hidden: dqn.hidden.clone(), network };
            let learner = Dqn::with_network(dqn, &shape.network, spaces, seed, device)?;
            train(learner, shape, task, validation, checkpointer, callbacks, context)
        }
    }
}

/// What the loop has to know of the algorithm.
struct Shape {
    algorithm: &'static str,
    environments: usize,
    hidden: Vec<usize>,
    network: NetworkParams,
}

fn train<L: Learner>(
    learner: L,
    shape: Shape,
    task: PhotoTask,
    validation: Validation,
    checkpointer: &dyn Checkpointer,
    callbacks: &mut [Box<dyn Callback>],
    context: &TrainContext,
) -> Result<Trained, Error> {
    let params: TrainingParams = context.hyperparameters()?;
    let task = Arc::new(task);
    let environments =
        (0..shape.environments as u64).map(|index| PhotoEnv::new(Arc::clone(&task), context.seed(), index));
    let mut environments = VectorEnvironment::new(environments.collect())?;
    let mut keeper = Keeper {
        task: &task,
        validation,
        checkpointer,
        callbacks,
        context,
        shape,
        least_undamaged_db: params.least_undamaged_db,
        uploads: params.upload_checkpoints,
        learner,
        best: None,
        clock: Clock { taken: 0, total: params.steps },
        updates: 0,
    };
    if context.is_resumed() {
        keeper.go_on(&mut environments)?;
    }

    context.progress().begin("training", params.steps);
    context.progress().advance(keeper.clock.taken.min(params.steps));
    let (started, taken_before) = (Instant::now(), keeper.clock.taken);
    let mut is_last = keeper.clock.taken >= params.steps;
    while !is_last {
        if context.is_interrupted() {
            return Err(keeper.interrupted(&environments));
        }
        let (before, began) = (keeper.clock.taken, Instant::now());
        let advance = match keeper.learner.advance(&mut environments, keeper.clock) {
            Ok(advance) => advance,
            Err(error) => {
                // What went wrong first is what matters.
                if let Err(unsaved) = keeper.save(&environments, Occasion::Failed) {
                    tracing::warn!("no checkpoint of the failed training: {unsaved}");
                }
                return Err(error.in_round_after(before));
            }
        };
        keeper.clock.taken += advance.steps;
        keeper.updates += 1;
        let (taken, episodes) = (keeper.clock.taken, environments.take_episodes());
        let mut metrics = of_round(&advance, &episodes, began.elapsed());
        metrics.extend(keeper.of_photos(&mut environments));
        let steps_per_second = (taken - taken_before) as f64 / started.elapsed().as_secs_f64();
        metrics.push(("perf/steps_per_second".to_owned(), steps_per_second));
        context.log_batch_metrics(&metrics, taken)?;

        let is_due = |interval: u64| taken / interval > before / interval;
        is_last = taken >= params.steps;
        let validation = if is_due(params.validation_interval) || is_last { Some(keeper.validate()?) } else { None };
        let (clock, updates) = (keeper.clock, keeper.updates);
        let moment = Moment { clock, updates, metrics: &metrics, episodes: &episodes, validation, context };
        is_last |= keeper.ask_callbacks(&moment)?;

        if validation.is_some_and(|validated| validated.is_best) {
            keeper.save(&environments, Occasion::Best)?;
        }
        if is_due(params.checkpoint_interval) || is_last {
            keeper.save(&environments, Occasion::Periodic)?;
        }
        context.progress().advance(advance.steps);
        context.progress().note(&keeper.in_words());
    }
    context.progress().end();
    let steps_per_second = (keeper.clock.taken - taken_before) as f64 / started.elapsed().as_secs_f64();
    context.log_metric("perf/steps_per_second", steps_per_second, keeper.clock.taken)?;
    let environment_steps = keeper.clock.taken;
    let (model, model_path) = keeper.finish()?;
    Ok(Trained { model, model_path, environment_steps, steps_per_second })
}

/// Holds the learner and keeps its best model on disk.
struct Keeper<'a, L> {
    task: &'a PhotoTask,
    validation: Validation,
    checkpointer: &'a dyn Checkpointer,
    callbacks: &'a mut [Box<dyn Callback>],
    context: &'a TrainContext,
    shape: Shape,
    least_undamaged_db: f64,
    uploads: bool,
    learner: L,
    best: Option<(Fidelity, Model)>,
    clock: Clock,
    updates: u64,
}

impl<L: Learner> Keeper<'_, L> {
    fn model_path(&self) -> PathBuf {
        self.context.run_dir().join("model.safetensors")
    }

    fn current_model(&self) -> Result<Model, Error> {
        let network = self.learner.network();
        let configuration = ModelConfiguration {
            actions: self.task.environment.actions.clone(),
            mask_actions: self.task.actions.masks_edits(),
            max_steps: self.task.environment.edit_limit(),
            working_size: self.task.environment.working_size,
            encoder: self.shape.network.encoder,
            picture_size: self.shape.network.picture_size,
            hidden: self.shape.hidden.clone(),
            head: network.head(),
            observation_version: Observer::VERSION,
            algorithm: self.shape.algorithm.to_owned(),
            juror: self.task.juror.name(),
            environment_steps: self.clock.taken,
            seed: self.context.seed(),
        };
        Model::new(configuration, network, self.context.device().clone())
    }

    /// Measures the policy, and keeps it when it is the best so far.
    fn validate(&mut self) -> Result<Validated, Error> {
        let fidelity =
            self.validation.measure(&self.learner, &self.task.actions, self.task.environment.edit_limit())?;
        self.context.log_batch_metrics(
            &[("validation/psnr_gain_db", fidelity.gain_db), ("validation/undamaged_psnr_db", fidelity.undamaged_db)],
            self.clock.taken,
        )?;
        let floor = self.least_undamaged_db;
        let is_best = self.best.as_ref().is_none_or(|(best, _)| fidelity.is_better_than(best, floor));
        if is_best {
            let model = self.current_model()?;
            model.save(&self.model_path())?;
            self.best = Some((fidelity, model));
        }
        Ok(Validated { fidelity, is_best })
    }

    /// What the round did to the photos.
    fn of_photos(&self, environments: &mut VectorEnvironment<PhotoEnv>) -> Vec<(String, f64)> {
        let mut tally = Tally::default();
        environments.environments_mut().for_each(|environment| tally.add(&environment.take_tally()));
        tally.metrics(&self.task.actions, self.task.reward.needs_score())
    }

    /// Whether one of the callbacks ends the training; all of them see every round.
    fn ask_callbacks(&mut self, moment: &Moment<'_>) -> Result<bool, Error> {
        let mut stops = false;
        for callback in self.callbacks.iter_mut() {
            stops |= callback.after_update(moment)? == Verdict::Stop;
        }
        Ok(stops)
    }

    fn save(&self, environments: &VectorEnvironment<PhotoEnv>, occasion: Occasion) -> Result<(), Error> {
        let mut writer = StateWriter::new();
        self.learner.save_state(&mut writer)?;
        environments.save_state(&mut writer)?;
        self.callbacks.iter().try_for_each(|callback| callback.save_state(&mut writer))?;
        let best = match &self.best {
            Some((fidelity, model)) => Some(BestSoFar {
                gain_db: fidelity.gain_db,
                undamaged_db: fidelity.undamaged_db,
                model: model.to_bytes()?,
            }),
            None => None,
        };
        let checkpoint = Checkpoint {
            algorithm: self.shape.algorithm.to_owned(),
            environment_steps: self.clock.taken,
            updates: self.updates,
            best,
            state: writer.into_bytes(),
        };
        let file = self.checkpointer.save(&checkpoint, occasion)?;
        match file {
            Some(file) if self.uploads => self.context.log_artifact(&file, "checkpoints"),
            _ => Ok(()),
        }
    }

    /// Goes back to the latest checkpoint.
    fn go_on(&mut self, environments: &mut VectorEnvironment<PhotoEnv>) -> Result<(), Error> {
        let checkpoint = self.checkpointer.latest()?.ok_or_else(|| Error::Data {
            reason: format!("{} has no checkpoint to go on from: start it anew", self.context.run_dir().display()),
        })?;
        if checkpoint.algorithm != self.shape.algorithm {
            let (theirs, ours) = (checkpoint.algorithm, self.shape.algorithm);
            return Err(Error::State {
                reason: format!("the checkpoint was written by {theirs}, this run uses {ours}"),
            });
        }
        let mut reader = StateReader::new(&checkpoint.state);
        self.learner.restore_state(&mut reader)?;
        environments.restore_state(&mut reader)?;
        self.callbacks.iter_mut().try_for_each(|callback| callback.restore_state(&mut reader))?;
        reader.finish()?;
        (self.clock.taken, self.updates) = (checkpoint.environment_steps, checkpoint.updates);
        if let Some(BestSoFar { gain_db, undamaged_db, model }) = checkpoint.best {
            write_whole(&self.model_path(), &model)?;
            let model = Model::load(&self.model_path(), self.context.device())?;
            self.best = Some((Fidelity { gain_db, undamaged_db }, model));
        }
        Ok(())
    }

    /// Leaves a checkpoint and a usable model, also where none was validated yet.
    fn interrupted(self, environments: &VectorEnvironment<PhotoEnv>) -> Error {
        let path = self.model_path();
        let saved = self.save(environments, Occasion::Interrupted).and_then(|()| match &self.best {
            Some(_) => Ok(()),
            None => self.current_model().and_then(|model| model.save(&path)),
        });
        match saved {
            Ok(()) => Error::Interrupted { model: Some(path) },
            Err(error) => error,
        }
    }

    fn finish(self) -> Result<(Model, PathBuf), Error> {
        let last = self.context.run_dir().join("last-model.safetensors");
        self.current_model()?.save(&last)?;
        let path = self.model_path();
        let (_, model) = self.best.expect("the last update is always validated");
        Ok((model, path))
    }

    fn in_words(&self) -> String {
        self.best.as_ref().map_or_else(String::new, |(best, _)| {
            format!("best {:+.2} dB, undamaged {:.0} dB on validation", best.gain_db, best.undamaged_db)
        })
    }
}

/// What the learner says of itself, how the episodes went that ended meanwhile, and how fast it was.
fn of_round(advance: &Advance, episodes: &[Episode], took: Duration) -> Vec<(String, f64)> {
    let (seconds, steps) = (took.as_secs_f64(), advance.steps as f64);
    let mut metrics = advance.metrics.clone();
    metrics.extend([
        ("train/episodes", episodes.len() as f64),
        ("perf/rollout_duration_s", seconds),
        ("perf/fps_current_rollout", steps / seconds),
        ("perf/time_per_step_s", seconds / steps),
    ]);
    if !episodes.is_empty() {
        let mean = |of: fn(&Episode) -> f64| episodes.iter().map(of).sum::<f64>() / episodes.len() as f64;
        metrics.extend([
            ("train/mean_reward", mean(|episode| episode.total_reward)),
            ("train/mean_episodes_len", mean(|episode| episode.steps as f64)),
            ("train/truncated_share", mean(|episode| f64::from(u8::from(episode.truncated)))),
        ]);
    }
    metrics.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
