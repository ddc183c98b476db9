//! Photos named on the command line.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use anyhow::Result;
use dodge_data::{Error, Listing, Skipped};
use serde_json::{Value, json};

use crate::text;

/// Files that are no photos, told one by one; the others are counted.
const TOLD: usize = 5;

/// A photo to work on.
pub(crate) use dodge_rl::Source as Input;

/// What a list of photos and folders means.
#[derive(Debug, Default)]
pub(crate) struct Inputs {
    /// Each photo once, in the order of the list.
    pub(crate) photos: Vec<Input>,
    /// What looks like a photo in a folder and is none that can be used.
    pub(crate) skipped: Vec<Skipped>,
}

impl Inputs {
    /// Looks at a list of photos and folders: a folder stands for all photos in it and below, without those in the folder of the
    /// `results`, which would otherwise be worked on again when the same command is given twice.
    pub(crate) fn of(arguments: &[PathBuf], results: Option<&Path>) -> Result<Self> {
        let results = results.and_then(|folder| folder.canonicalize().ok());
        let (mut inputs, mut seen) = (Self::default(), HashSet::new());
        for path in arguments {
            if path.is_dir() {
                inputs.add_folder(path, results.as_deref(), &mut seen)?;
            } else if seen.insert(path.canonicalize().unwrap_or_else(|_| path.clone())) {
                inputs.photos.push(Input { path: path.clone(), below: PathBuf::new() });
            }
        }
        warn_of_skipped(&inputs.skipped);
        Ok(inputs)
    }

    fn add_folder(&mut self, folder: &Path, results: Option<&Path>, seen: &mut HashSet<PathBuf>) -> Result<()> {
        let Listing { photos, skipped, .. } = Listing::of_folder(folder)?;
        // Of a folder within that of the results, everything is meant.
        let inside =
            folder.canonicalize().is_ok_and(|folder| results.is_some_and(|results| folder.starts_with(results)));
        let is_result =
            |real: &Path| !inside && results.is_some_and(|results| real.starts_with(results) && real != results);
        if photos.is_empty() {
            return Err(Error::NoPhotos { path: folder.to_owned(), skipped }.into());
        }
        for photo in photos {
            let path = folder.join(&photo.path);
            let real = path.canonicalize().unwrap_or_else(|_| path.clone());
            if is_result(&real) || !seen.insert(real) {
                continue;
            }
            let below = photo.path.parent().unwrap_or(Path::new("")).to_owned();
            self.photos.push(Input { path, below });
        }
        self.skipped.extend(skipped);
        Ok(())
    }

    /// How many files were skipped, by reason; empty where there are none.
    pub(crate) fn skipped_in_words(&self) -> String {
        Skipped::in_words(&self.skipped)
    }

    /// The skipped files with their reasons.
    pub(crate) fn skipped_in_json(&self) -> Value {
        self.skipped
            .iter()
            .map(|it| json!({ "file": text::lossy(&it.path), "reason": it.reason.to_string() }))
            .collect()
    }
}

/// Tells of the first files that were skipped, each with its reason, and counts them all where there are more.
pub(crate) fn warn_of_skipped(skipped: &[Skipped]) {
    for skipped in skipped.iter().take(TOLD) {
        tracing::warn!("skipped {}: {}", text::shown(&skipped.path), skipped.reason);
    }
    if skipped.len() > TOLD {
        tracing::warn!("skipped {} files in all: {}", skipped.len(), Skipped::in_words(skipped));
    }
}
