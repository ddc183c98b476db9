//! An observer of one's own: PPO that is shown what a trained hand would do.
//!
//! ```text
//! cargo run --release -p dodge-rl --example own_observer -- MODEL PHOTOS [SECTION.KEY=VALUE...]
//! ```
//!
//! MODEL is of `apg`, such as the one of `dodge train --photos PHOTOS`. PPO decides whether, what and when to stop, paid by the true reward, and sees beside
//! the photo's statistics how far that model would move each slider and how much it expects of it. Without arguments it shows the
//! model in the box to a short training on synthetic photos. `docs/experiments.md` has the figures.

#![expect(clippy::print_stdout, reason = "an example prints what it shows")]

use std::error::Error;
use std::path::Path;
use std::sync::Arc;

use dodge_data::{DataLoader, FolderLoader, SyntheticLoader};
use dodge_hparams::Registry;
use dodge_imaging::Photo;
use dodge_juror::ClassicalJuror;
use dodge_learn::{NetworkParams, PpoParams, cpu};
use dodge_preprocess::{DegradeParams, NoProgress, ResizeParams};
use dodge_rl::{
    EnvironmentParams, Model, Observe, Observer, PhotoTrainer, RewardParams, Session, Trainer, TrainingParams,
};
use dodge_tracking::{Destination, RunOptions, SystemClock, Tracking, TrackingOptions};

/// The statistics of a photo, and what a trained hand makes of them.
#[derive(Debug)]
struct WithHand {
    statistics: Observer,
    hand: Model,
}

/// Shares of the way for which the hand tells what it expects.
const SHARES: usize = 3;

/// Strengths and gains in decibels come near to -1..=1 by these.
const STRENGTH: f32 = 4.0;
const GAIN: f32 = 0.1;

impl Observe for WithHand {
    fn name(&self) -> String {
        format!("{}, and the hand of seed {}", self.statistics.name(), self.hand.configuration().seed)
    }

    fn description_len(&self) -> usize {
        self.statistics.description_len() + self.hand.actions().sliders().kinds().len() + SHARES
    }

    fn describe(&self, photo: &Photo, into: &mut [f32]) {
        let (shown, of_hand) = into.split_at_mut(self.statistics.description_len());
        self.statistics.describe(photo, shown);
        let (observer, kinds) = (self.hand.observer(), self.hand.actions().len());
        let mut seen = vec![0.0; observer.observation_len(kinds)];
        observer.observe(photo, 0, self.hand.configuration().max_steps, &vec![0; kinds], &mut seen);
        let proposals = self.hand.proposals(&seen).expect("the model moves sliders");
        let strengths = proposals.strengths.iter().map(|strength| strength * STRENGTH);
        let gains = proposals.gains.iter().map(|gain| gain * GAIN);
        of_hand.iter_mut().zip(strengths.chain(gains)).for_each(|(to, value)| *to = value.clamp(-2.0, 2.0));
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let scratch = tempfile::tempdir()?;
    let (hand, loader, settings): (Model, Box<dyn DataLoader>, Vec<String>) = match &arguments[..] {
        [] => {
            let loader = SyntheticLoader::new(40, 96, 1, scratch.path().join("photos"))?;
            (Model::in_the_box(&cpu())?, Box::new(loader), vec!["training.steps=8192".to_owned()])
        }
        [model, photos, settings @ ..] => {
            (Model::load(Path::new(model), &cpu())?, Box::new(FolderLoader::new(photos)), settings.to_vec())
        }
        _ => return Err("give MODEL and PHOTOS, or nothing".into()),
    };
    if hand.actions().sliders().kinds().is_empty() {
        return Err("this model moves no sliders: give one that was trained with `--algo apg`".into());
    }
    let mut registry = Registry::new();
    registry.register::<TrainingParams>()?;
    registry.register::<PpoParams>()?;
    registry.register::<NetworkParams>()?;
    registry.register::<EnvironmentParams>()?;
    registry.register::<RewardParams>()?;
    registry.register::<DegradeParams>()?;
    registry.register::<ResizeParams>()?;
    registry.apply_set("training.algorithm=ppo")?;
    settings.iter().try_for_each(|setting| registry.apply_set(setting))?;
    registry.validate()?;

    let options = TrackingOptions::new(Destination::Local, scratch.path().join("tracking"), Arc::new(SystemClock));
    let session = Session {
        tracking: Tracking::open(options)?,
        run_options: RunOptions::new("own").with_run_name("shown by hand"),
        volume: scratch.path().to_owned(),
        run_dir: None,
        registry,
        device: cpu(),
        progress: Arc::new(NoProgress),
        interrupted: Arc::default(),
        resume: false,
    };
    let observer = WithHand { statistics: Observer::new(), hand };
    let trainer = PhotoTrainer::new(loader, Arc::new(ClassicalJuror::new())).with_observer(Arc::new(observer));
    let report = trainer.run(session)?;
    let test = report.evaluation.test;
    println!("{} environment steps in {:.1} s", report.steps, report.wall_seconds);
    println!(
        "PSNR of {} damaged photos: {:.2} dB, {:.2} dB before; {:.0} % better, {:.0} % worse; undamaged {:.1} dB",
        test.photos,
        test.mean_psnr_final_db,
        test.mean_psnr_degraded_db,
        100.0 * test.improved,
        100.0 * test.worsened,
        test.undamaged.mean_psnr_db
    );
    Ok(())
}
