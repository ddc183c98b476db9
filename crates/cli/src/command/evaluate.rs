//! `dodge evaluate`

use std::sync::Arc;

use anyhow::Result;
use dodge_data::{DataLoader, FolderLoader};
use dodge_imaging::Photo;
use dodge_juror::ClassicalJuror;
use dodge_preprocess::{Context, DegradeParams, ResizeParams};
use dodge_rl::{Model, TestPhoto, evaluate};
use dodge_tracking::{Destination, RunOptions, SystemClock, Tracking, TrackingOptions};
use rayon::prelude::*;

use crate::arguments::{DamageChoice, EvaluateArguments};
use crate::surroundings::Surroundings;
use crate::{batch, command, input, progress, table};

/// Runs the command.
pub(crate) fn run(arguments: &EvaluateArguments, surroundings: &Surroundings) -> Result<()> {
    let model = Model::load(&arguments.model, &dodge_learn::cpu())?;
    let dataset = FolderLoader::new(&arguments.photos).load()?;
    input::warn_of_skipped(dataset.skipped());
    // The same protocol as the test split of a training.
    let (size, share) = (ResizeParams::default().max_size, DegradeParams::default().undamaged_share);
    let undamaged_share = match arguments.damage {
        DamageChoice::Standard => share,
        DamageChoice::None => 1.0,
    };
    let open = |file: &dodge_data::PhotoFile| {
        let photo = batch::guarded(file.path(), || Ok(Photo::open(file.path())?.thumbnail(size)));
        photo.map(|photo| (format!("{}.png", file.name()), photo))
    };
    let (mut photos, mut unreadable) = (Vec::new(), None);
    for opened in dataset.photos().par_iter().map(open).collect::<Vec<_>>() {
        match opened {
            Ok(photo) => photos.push(photo),
            Err(error) => {
                tracing::warn!("skipped: {error:#}");
                unreadable = Some(error);
            }
        }
    }
    if let (true, Some(error)) = (photos.is_empty(), unreadable) {
        return Err(error);
    }
    let juror = ClassicalJuror::new();
    let photos = TestPhoto::damage_all(photos, undamaged_share, &juror, arguments.seed)?;

    let tracking = Tracking::open(TrackingOptions::new(Destination::Off, "", Arc::new(SystemClock)))?;
    let untracked = tracking.start_run(&RunOptions::new("dodge evaluate"))?;
    let context = Context::new(surroundings.volume(), untracked, progress::display(surroundings), Arc::default());
    let (evaluation, _) = evaluate(&model, &photos, &[], &juror, arguments.seed, &context)?;
    if arguments.json { command::print_json(&evaluation) } else { command::print(&table::of(&evaluation)) }
}
