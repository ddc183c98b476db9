//! `dodge evaluate`

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use dodge_data::{DataLoader, FolderLoader, PairLoader, PhotoFile};
use dodge_imaging::Photo;
use dodge_juror::{ClassicalJuror, Juror};
use dodge_preprocess::{Context, DamageProtocol, DegradeParams, PairParams, PhotoPair, ResizeParams};
use dodge_rl::{EvaluationPlan, Material, TestPhoto, TrainingParams, evaluate};
use dodge_tracking::{Destination, RunOptions, SystemClock, Tracking, TrackingOptions};
use rayon::prelude::*;

use crate::arguments::{DamageChoice, EvaluateArguments};
use crate::failure::usage;
use crate::output;
use crate::surroundings::Surroundings;
use crate::{batch, by_photo, command, input, pairs, progress, table, text};

/// Runs the command.
pub(crate) fn run(arguments: &EvaluateArguments, surroundings: &Surroundings) -> Result<()> {
    if let Some(folder) = arguments.table.as_ref().filter(|file| file.is_dir()) {
        return Err(usage(format!("--table: {} is a folder: name a file in it", text::shown(folder))));
    }
    let folders = pairs::folders(arguments.pairs.as_ref(), &[("--photos", arguments.photos.is_some())])?;
    let model = command::model(arguments.model.as_deref())?;
    let juror = ClassicalJuror::new();
    let (photos, material) = match (folders, &arguments.photos) {
        (Some((before, after)), _) => (edited(before, after, &juror)?, Material::Pairs),
        (None, Some(folder)) => damaged(folder, arguments, &juror)?,
        (None, None) => bail!("neither --photos nor --pairs is given"),
    };
    let tracking = Tracking::open(TrackingOptions::new(Destination::Off, "", Arc::new(SystemClock)))?;
    let untracked = tracking.start_run(&RunOptions::new("dodge evaluate"))?;
    let context = Context::new(surroundings.volume(), untracked, progress::display(surroundings), Arc::default());
    let baselines = arguments.baselines.set();
    let plan = EvaluationPlan { material, training: &[], baselines, seed: arguments.seed };
    let (evaluation, outcomes) = evaluate(&model, &photos, &plan, &juror, &context)?;
    if arguments.json {
        command::print_json(&evaluation)?
    } else {
        command::print(&table::of(&evaluation))?
    }
    if let Some(file) = &arguments.table {
        let existing = output::existing(arguments.overwrite);
        let bytes = by_photo::table(&photos, &outcomes)?;
        output::write_all(&[(file.clone(), bytes)], existing).context("the table of photos was not written")?;
    }
    Ok(())
}

/// The photos of a folder, damaged as the test split of a training by the same protocol.
fn damaged(folder: &Path, arguments: &EvaluateArguments, juror: &dyn Juror) -> Result<(Vec<TestPhoto>, Material)> {
    let dataset = FolderLoader::new(folder).load()?;
    input::warn_of_skipped(dataset.skipped());
    let (size, share) = (ResizeParams::default().max_size, DegradeParams::default().undamaged_share);
    let (protocol, undamaged_share) = match arguments.damage {
        DamageChoice::By(protocol) => (protocol, share),
        DamageChoice::None => (DamageProtocol::default(), 1.0),
    };
    let photos = opened(dataset.photos(), |file| Ok(Photo::open(file.path())?.thumbnail(size)))?;
    let mut photos = TestPhoto::damage_all(photos, protocol, undamaged_share, juror, arguments.seed)?;
    if matches!(arguments.damage, DamageChoice::By(_)) {
        let damages = TrainingParams::default().test_damages;
        photos = TestPhoto::with_further_damages(photos, protocol, damages, juror, arguments.seed)?;
    }
    Ok((photos, Material::Damaged(protocol)))
}

/// The pairs of two folders, as the test split of a training has them.
fn edited(before: &Path, after: &Path, juror: &dyn Juror) -> Result<Vec<TestPhoto>> {
    let dataset = PairLoader::new(before, after).load()?;
    input::warn_of_skipped(dataset.skipped());
    let (size, min_alignment) = (ResizeParams::default().max_size, PairParams::default().min_alignment);
    let pairs = opened(dataset.photos(), |file| {
        let pair = PhotoPair::open(file.path(), file.after().unwrap_or(file.path()), size)?;
        if let (false, Some(alignment)) = (pair.is_aligned(min_alignment), pair.alignment) {
            bail!(
                "before and after do not lie on each other (likeness {alignment:.2}, at least {min_alignment} is needed)"
            );
        }
        Ok(pair)
    })?;
    Ok(TestPhoto::of_pairs(pairs, juror)?)
}

/// Each photo with the name of its copy in a training. What cannot be used is told; where nothing can, it is the error.
fn opened<T: Send>(files: &[PhotoFile], open: impl Fn(&PhotoFile) -> Result<T> + Sync) -> Result<Vec<(String, T)>> {
    let opened: Vec<_> = files.par_iter().map(|file| (file, batch::guarded(file.path(), || open(file)))).collect();
    let (mut usable, mut unusable) = (Vec::new(), None);
    for (file, result) in opened {
        match result {
            Ok(photo) => usable.push((format!("{}.png", file.name()), photo)),
            Err(error) => {
                tracing::warn!("skipped: {error:#}");
                unusable = Some(error);
            }
        }
    }
    match unusable {
        Some(error) if usable.is_empty() => Err(error),
        _ => Ok(usable),
    }
}
