//! A trainer of one's own, from photos to report in seconds: `cargo run --release -p dodge-rl --example own_trainer`.
//!
//! It makes its photos up, learns only from those that the juror likes, is paid for fidelity alone, and leaves the rest
//! to the standard trainer. Everything, the tracked run too, is in a temporary folder that is removed at the end.

#![expect(clippy::print_stdout, reason = "an example prints what it shows")]

use std::sync::Arc;

use dodge_data::{DataLoader, Dataset, FolderLoader, SyntheticLoader};
use dodge_hparams::Registry;
use dodge_imaging::Photo;
use dodge_juror::ClassicalJuror;
use dodge_learn::{DqnParams, FolderCheckpointer, NetworkParams, PpoParams, cpu};
use dodge_preprocess::{DegradeParams, NoProgress, ResizeParams, SplitPhoto, Splits};
use dodge_rl::{
    EnvironmentParams, Error, Evaluated, Material, Observer, PhotoTask, PhotoTrainer, RewardParams, Session,
    TrainContext, Trained, Trainer, TrainingParams, TrainingPhoto, train_agent,
};
use dodge_tracking::{Destination, RunOptions, SystemClock, Tracking, TrackingOptions};

struct GoodPhotosOnly {
    standard: PhotoTrainer,
    juror: Arc<ClassicalJuror>,
    least_score: f64,
}

impl Trainer for GoodPhotosOnly {
    fn load_data(&self, context: &TrainContext) -> Result<Dataset, Error> {
        let folder = context.preprocessing().volume().join("photos");
        Ok(SyntheticLoader::new(40, 96, context.seed(), folder)?.load()?)
    }

    fn preprocess(&self, dataset: &Dataset, context: &TrainContext) -> Result<Splits, Error> {
        self.standard.preprocess(dataset, context)
    }

    fn train(&self, splits: &Splits, context: &TrainContext) -> Result<Trained, Error> {
        let environment: EnvironmentParams = context.hyperparameters()?;
        let open = |photo: &SplitPhoto| -> Result<TrainingPhoto, Error> {
            let original = Photo::open(&photo.original)?.thumbnail(environment.damage_size);
            let degraded = Photo::open(&photo.degraded)?.thumbnail(environment.damage_size);
            Ok(TrainingPhoto { original, degraded })
        };
        let good = splits.train.photos.iter().filter(|photo| photo.original_score >= self.least_score);
        let photos = good.map(open).collect::<Result<Vec<_>, _>>()?;
        context.log_metric("own/training_photos", photos.len() as f64, 0)?;
        let validation = splits.validation.photos.iter().map(open).collect::<Result<Vec<_>, _>>()?;
        let task = PhotoTask {
            photos,
            material: Material::Damaged(context.hyperparameters::<DegradeParams>()?.damage),
            actions: environment.action_set()?,
            environment,
            reward: Arc::new(RewardParams { score: 0.0, ..context.hyperparameters()? }),
            undamaged_share: 0.2,
            juror: self.juror.clone(),
            observer: Arc::new(Observer::for_network(&context.hyperparameters()?)),
            has_critic: true,
        };
        let checkpoints = FolderCheckpointer::new(context.run_dir().join("checkpoints"), 1);
        train_agent(task, &validation, &checkpoints, &mut [], context)
    }

    fn evaluate(&self, trained: &Trained, splits: &Splits, context: &TrainContext) -> Result<Evaluated, Error> {
        self.standard.evaluate(trained, splits, context)
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut registry = Registry::new();
    registry.register::<TrainingParams>()?;
    registry.register::<PpoParams>()?;
    registry.register::<DqnParams>()?;
    registry.register::<NetworkParams>()?;
    registry.register::<EnvironmentParams>()?;
    registry.register::<RewardParams>()?;
    registry.register::<DegradeParams>()?;
    registry.register::<ResizeParams>()?;
    registry.apply_set("training.steps=16384")?;
    registry.apply_set("resize.max_size=96")?;
    registry.validate()?;
    let scratch = tempfile::tempdir()?;
    let options = TrackingOptions::new(Destination::Local, scratch.path().join("tracking"), Arc::new(SystemClock));
    let session = Session {
        tracking: Tracking::open(options)?,
        run_options: RunOptions::new("own").with_run_name("good photos only"),
        volume: scratch.path().to_owned(),
        run_dir: None,
        registry,
        device: cpu(),
        progress: Arc::new(NoProgress),
        interrupted: Arc::default(),
        resume: false,
    };
    let juror = Arc::new(ClassicalJuror::new());
    let standard = PhotoTrainer::new(Box::new(FolderLoader::new(scratch.path())), juror.clone());
    let report = GoodPhotosOnly { standard, juror, least_score: 5.0 }.run(session)?;
    let test = report.evaluation.test;
    println!("{} environment steps in {:.1} s", report.steps, report.wall_seconds);
    println!("PSNR of damaged photos: {:.1} dB, {:.1} dB before", test.mean_psnr_final_db, test.mean_psnr_degraded_db);
    Ok(())
}
