//! The training loop: collect, learn, validate, record.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use dodge_hparams::HParams;

use crate::Error;
use crate::agent::Policy;
use crate::environment::VectorEnvironment;
use crate::model::{Model, ModelConfiguration};
use crate::observation::Observer;
use crate::photo_env::{PhotoEnv, PhotoTask, TrainingPhoto};
use crate::ppo::{Ppo, PpoParams, Rollout, UpdateReport};
use crate::trainer::TrainContext;
use crate::validation::{Fidelity, Validation};

/// The training as a whole.
#[derive(Debug, Clone, PartialEq, HParams)]
#[hparams(section = "training")]
pub struct TrainingParams {
    /// How long to train; rounded up to whole rollouts.
    #[hparam(default = 600_000, range = 1..=10_000_000_000, unit = "environment steps")]
    pub steps: u64,
    /// How often the policy is validated, and kept if it is the best so far.
    #[hparam(default = 5, range = 1..=100_000, unit = "updates")]
    pub validation_interval: u64,
    /// Damages of each validation photo: its stored one and fresh ones.
    #[hparam(default = 4, range = 1..=100, unit = "damages")]
    pub validation_damages: usize,
    /// The best model is the one that gains most PSNR on damaged validation photos among those that leave undamaged
    /// ones at this PSNR or more; 60 is untouched.
    #[hparam(default = 45.0, range = 0.0..=60.0, unit = "dB")]
    pub least_undamaged_db: f64,
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

impl Policy for Ppo {
    fn probabilities(&self, observations: &[f32]) -> Vec<f32> {
        Self::probabilities(self, observations)
    }
}

/// Trains PPO on photos. The best model is on disk from the first validation on; an interrupted or diverged training
/// leaves it there.
///
/// # Errors
/// [`Error::Interrupted`] with the model's path, [`Error::Diverged`], or an error of environment or file.
pub fn train_ppo(
    task: PhotoTask,
    validation_photos: &[TrainingPhoto],
    context: &TrainContext,
) -> Result<Trained, Error> {
    let params: TrainingParams = context.hyperparameters()?;
    let ppo: PpoParams = context.hyperparameters()?;
    let seed = context.seed();
    let task = Arc::new(task);
    let validation =
        Validation::new(validation_photos, params.validation_damages, task.environment.working_size, seed)?;
    let environments = (0..ppo.environments as u64).map(|index| PhotoEnv::new(Arc::clone(&task), seed, index));
    let mut environments = VectorEnvironment::new(environments.collect())?;
    let observation_len = Observer::observation_len(task.actions.len());
    let learner = Ppo::new(ppo.clone(), observation_len, task.actions.len(), seed, context.device());
    let mut keeper = Keeper {
        task: &task,
        validation,
        context,
        hidden: ppo.hidden,
        least_undamaged_db: params.least_undamaged_db,
        learner,
        best: None,
        taken: 0,
    };
    let mut episodes = EpisodeStatistics::new(environments.len());

    context.progress().begin("training", params.steps);
    let started = Instant::now();
    let mut updates = 0_u64;
    while keeper.taken < params.steps {
        if context.is_interrupted() {
            return Err(keeper.interrupted());
        }
        let rollout = keeper.learner.collect(&mut environments)?;
        let progress = keeper.taken as f64 / params.steps as f64;
        keeper.taken += rollout.rewards.len() as u64;
        updates += 1;
        let report = keeper.learner.update(&rollout, progress, keeper.taken)?;
        let steps_per_second = keeper.taken as f64 / started.elapsed().as_secs_f64();
        episodes.record(&rollout, &report, steps_per_second, keeper.taken, context)?;
        if updates.is_multiple_of(params.validation_interval) || keeper.taken >= params.steps {
            keeper.validate()?;
        }
        context.progress().advance(rollout.rewards.len() as u64);
        context.progress().note(&keeper.in_words());
    }
    context.progress().end();
    let steps_per_second = keeper.taken as f64 / started.elapsed().as_secs_f64();
    context.log_metric("perf/steps_per_second", steps_per_second, keeper.taken)?;
    let environment_steps = keeper.taken;
    let (model, model_path) = keeper.finish()?;
    Ok(Trained { model, model_path, environment_steps, steps_per_second })
}

/// Holds the learner and keeps its best model on disk.
struct Keeper<'a> {
    task: &'a PhotoTask,
    validation: Validation,
    context: &'a TrainContext,
    hidden: Vec<usize>,
    least_undamaged_db: f64,
    learner: Ppo,
    best: Option<(Fidelity, Model)>,
    taken: u64,
}

impl Keeper<'_> {
    fn model_path(&self) -> PathBuf {
        self.context.run_dir().join("model.safetensors")
    }

    fn current_model(&self) -> Result<Model, Error> {
        let configuration = ModelConfiguration {
            actions: self.task.environment.actions.clone(),
            max_steps: self.task.environment.max_steps,
            working_size: self.task.environment.working_size,
            hidden: self.hidden.clone(),
            observation_version: Observer::VERSION,
            algorithm: "ppo".to_owned(),
            juror: self.task.juror.name(),
            environment_steps: self.taken,
            seed: self.context.seed(),
        };
        Model::new(configuration, self.learner.network().clone(), self.context.device().clone())
    }

    fn validate(&mut self) -> Result<(), Error> {
        let fidelity = self.validation.measure(&self.learner, &self.task.actions, self.task.environment.max_steps)?;
        self.context.log_batch_metrics(
            &[("validation/psnr_gain_db", fidelity.gain_db), ("validation/undamaged_psnr_db", fidelity.undamaged_db)],
            self.taken,
        )?;
        let floor = self.least_undamaged_db;
        if self.best.as_ref().is_none_or(|(best, _)| fidelity.is_better_than(best, floor)) {
            let model = self.current_model()?;
            model.save(&self.model_path())?;
            self.best = Some((fidelity, model));
        }
        Ok(())
    }

    /// Leaves a usable model, also where none was validated yet.
    fn interrupted(self) -> Error {
        let path = self.model_path();
        let saved = match &self.best {
            Some(_) => Ok(()),
            None => self.current_model().and_then(|model| model.save(&path)),
        };
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

/// Returns and lengths of the episodes that ended, also where they span rollouts.
struct EpisodeStatistics {
    returns: Vec<f64>,
    lengths: Vec<u64>,
}

impl EpisodeStatistics {
    fn new(environments: usize) -> Self {
        Self { returns: vec![0.0; environments], lengths: vec![0; environments] }
    }

    fn record(
        &mut self,
        rollout: &Rollout,
        report: &UpdateReport,
        steps_per_second: f64,
        step: u64,
        context: &TrainContext,
    ) -> Result<(), Error> {
        let environments = self.returns.len();
        let (mut episodes, mut returns, mut length, mut truncated) = (0.0, 0.0, 0.0, 0.0);
        for (i, &reward) in rollout.rewards.iter().enumerate() {
            let environment = i % environments;
            self.returns[environment] += f64::from(reward);
            self.lengths[environment] += 1;
            if rollout.terminated[i] || rollout.truncated[i] {
                episodes += 1.0;
                returns += std::mem::take(&mut self.returns[environment]);
                length += std::mem::take(&mut self.lengths[environment]) as f64;
                truncated += f64::from(u8::from(rollout.truncated[i]));
            }
        }
        let mut metrics = vec![
            ("train/episodes", episodes),
            ("train/policy_loss", report.policy_loss),
            ("train/value_loss", report.value_loss),
            ("train/entropy", report.entropy),
            ("train/approximate_kl", report.approximate_kl),
            ("train/clip_fraction", report.clip_fraction),
            ("train/gradient_norm", report.gradient_norm),
            ("train/explained_variance", report.explained_variance),
            ("train/learning_rate", report.learning_rate),
            ("perf/steps_per_second", steps_per_second),
        ];
        if episodes > 0.0 {
            metrics.push(("train/mean_reward", returns / episodes));
            metrics.push(("train/mean_episode_length", length / episodes));
            metrics.push(("train/truncated_share", truncated / episodes));
        }
        context.log_batch_metrics(&metrics, step)
    }
}
