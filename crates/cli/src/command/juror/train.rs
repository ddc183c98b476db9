//! `dodge juror train`

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use anyhow::{Context, Result, anyhow, bail};
use dodge_data::{DataLoader, PairLoader};
use dodge_imaging::{Photo, folder_of};
use dodge_juror::{Juror, LearnedJuror, Versions};
use dodge_preprocess::ResizeParams;
use serde_json::json;

use crate::arguments::JurorTrainArguments;
use crate::batch::Batch;
use crate::failure::{Interrupted, usage};
use crate::input::{self, Input, Inputs};
use crate::output::{self, Existing, Written};
use crate::surroundings::Surroundings;
use crate::{command, interruption, pairs, progress, text};

/// Most photos that are learnt from: what is seen of the versions of each takes a third of a megabyte until the juror is done. Of more,
/// so many are taken that lie evenly in the list.
const MOST_PHOTOS: usize = 1000;

/// Runs the command. The file is written when all is done.
pub(super) fn run(arguments: &JurorTrainArguments, surroundings: &Surroundings) -> Result<()> {
    let existing = output::existing(arguments.overwrite);
    check_place(&arguments.output, existing)?;
    let material = Material::of(arguments)?;
    let interrupted = interruption::stop_on_ctrl_c()?;
    let progress = progress::display(surroundings);
    let batch =
        Batch { progress: &*progress, what: "damaging", interrupted: &interrupted, max_failures: Some(usize::MAX) };
    let size = ResizeParams::default().max_size;
    let open = |path: &Path| Ok::<_, anyhow::Error>(Photo::open(path)?.thumbnail(size));
    let work = |index: usize, photo: &Input| {
        let (photo, number) = (open(&photo.path)?, index as u64);
        let versions = match material.before.get(index) {
            Some(before) => Versions::of_pair(&open(before)?, &photo, number, arguments.seed),
            None => Versions::of_photo(&photo, number, arguments.seed),
        };
        Ok((Written::Now, versions))
    };
    let mut photos = Vec::new();
    let tally = batch.run(&material.inputs.photos, work, |_, told| {
        photos.extend(told.done.ok());
        Ok(())
    });
    let stopped = || anyhow::Error::new(Interrupted("no juror was written".to_owned()));
    if tally.interrupted {
        return Err(stopped());
    }
    progress.begin("learning", 0);
    let mut begun = false;
    let juror = LearnedJuror::train(photos, arguments.seed, |_, parts| {
        if !std::mem::replace(&mut begun, true) {
            progress.begin("learning", parts as u64);
        }
        progress.advance(1);
        if interrupted.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    progress.end();
    let juror = juror?.ok_or_else(stopped)?;
    output::write_all(&[(arguments.output.clone(), juror.to_bytes())], existing)
        .context("the juror was not written")?;
    if arguments.json {
        return command::print_json(&json!({
            "juror": juror.name(),
            "file": text::lossy(&arguments.output),
            "trained_on": juror.trained_on(),
            "failed": tally.failed,
            "skipped": material.inputs.skipped_in_json(),
        }));
    }
    let trained_on = juror.trained_on();
    command::print(&format!(
        "{} learnt from {} photos: {}\nof photos that were held out, {:.0} % of the worse versions score lower than the photo; \
         `dodge juror check --juror` measures it on others\n",
        juror.name(),
        trained_on.photos,
        text::shown(&arguments.output),
        100.0 * trained_on.held_out_accuracy,
    ))
}

/// What is in the way is told before minutes of work, not after.
fn check_place(file: &Path, existing: Existing) -> Result<()> {
    let folder = folder_of(file);
    if !folder.is_dir() {
        return Err(usage(format!("-o {}: there is no folder {}", text::shown(file), text::shown(folder))));
    }
    if file.is_dir() {
        return Err(usage(format!("-o {} is a folder: name a file in it", text::shown(file))));
    }
    if existing == Existing::Keep && file.symlink_metadata().is_ok() {
        bail!("{} is there already: choose another name with -o, or replace it with --overwrite", text::shown(file));
    }
    Ok(())
}

/// The good photos; of pairs the photos after, and in the same order those before.
struct Material {
    inputs: Inputs,
    before: Vec<PathBuf>,
}

impl Material {
    fn of(arguments: &JurorTrainArguments) -> Result<Self> {
        let folders = pairs::folders(arguments.pairs.as_ref(), &[("--photos", arguments.photos.is_some())])?;
        let (mut inputs, mut before) = match (folders, &arguments.photos) {
            (Some((before, after)), _) => {
                let dataset = PairLoader::new(before, after).load()?;
                input::warn_of_skipped(dataset.skipped());
                let of_pair = |file: &dodge_data::PhotoFile| {
                    let after = file.after().ok_or_else(|| anyhow!("{} has no partner", text::shown(file.path())))?;
                    Ok((Input { path: after.to_owned(), below: PathBuf::new() }, file.path().to_owned()))
                };
                let (photos, before) =
                    dataset.photos().iter().map(of_pair).collect::<Result<Vec<_>>>()?.into_iter().unzip();
                (Inputs { photos, skipped: dataset.skipped().to_vec() }, before)
            }
            (None, Some(folder)) => (Inputs::of(std::slice::from_ref(folder), None)?, Vec::new()),
            (None, None) => bail!("neither --photos nor --pairs is given"),
        };
        thin_out(&mut inputs.photos);
        thin_out(&mut before);
        Ok(Self { inputs, before })
    }
}

/// Leaves [`MOST_PHOTOS`] of a longer list, evenly.
fn thin_out<T>(list: &mut Vec<T>) {
    let count = list.len();
    if count <= MOST_PHOTOS {
        return;
    }
    let mut index = 0;
    list.retain(|_| {
        index += 1;
        index * MOST_PHOTOS / count > (index - 1) * MOST_PHOTOS / count
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lists_are_thinned_out_evenly() {
        let thinned = |count: usize| {
            let mut list: Vec<usize> = (0..count).collect();
            thin_out(&mut list);
            list
        };
        assert_eq!(thinned(MOST_PHOTOS).len(), MOST_PHOTOS);
        for count in [MOST_PHOTOS + 1, 2500, 7 * MOST_PHOTOS] {
            let list = thinned(count);
            assert_eq!(list.len(), MOST_PHOTOS, "of {count}");
            let widest = list.windows(2).map(|pair| pair[1] - pair[0]).max();
            assert!(widest <= Some(count.div_ceil(MOST_PHOTOS)), "of {count}: {widest:?}");
        }
    }
}
