//! Photos from a folder.

use std::path::{Path, PathBuf};

use dodge_imaging::{LabelColour, Marks, Photo};
use rayon::prelude::*;

use crate::listing::reason;
use crate::{DataLoader, Dataset, Error, Listing, SkipReason, Skipped};

/// All photos in a folder and the folders in it.
///
/// JPEG, PNG, TIFF and WebP are told by content, whatever their extension. Every photo is decoded once, in parallel, so that a
/// damaged file is found here and not in the middle of a training run; it is reported in [`Dataset::skipped`], like a
/// file with the extension of a photo and another content, and like a photo with a side of less than
/// [`MIN_SIDE`](crate::MIN_SIDE) pixels. Hidden files and folders (those whose name begins with a dot) and all other files are passed over.
///
/// Links to files are followed. Links to folders are followed too, but each folder is visited once.
#[derive(Debug, Clone)]
pub struct FolderLoader {
    root: PathBuf,
    least_rating: u8,
    label: Option<LabelColour>,
}

impl FolderLoader {
    /// Will load the photos in `root`; nothing is read yet.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into(), least_rating: 0, label: None }
    }

    /// Takes those photos alone that have `stars` or more, in a sidecar or in the file ([`Marks::of`]); the others are in
    /// [`Dataset::skipped`]. 0 takes all.
    #[must_use]
    pub fn with_least_rating(self, stars: u8) -> Self {
        Self { least_rating: stars, ..self }
    }

    /// Takes those photos alone that have this label, looked for in the same places; none takes all.
    #[must_use]
    pub fn with_label(self, label: Option<LabelColour>) -> Self {
        Self { label, ..self }
    }

    /// Why a photo is not taken, by what its photographer says of it.
    fn unwanted(&self, path: &Path) -> Option<SkipReason> {
        if self.least_rating == 0 && self.label.is_none() {
            return None;
        }
        let marks = match Marks::of(path) {
            Ok(marks) => marks,
            Err(error) => return Some(reason(&error)),
        };
        let least = i8::try_from(self.least_rating).unwrap_or(i8::MAX);
        if least > 0 && marks.rating.is_none_or(|rating| rating < least) {
            return Some(SkipReason::Rated { rating: marks.rating, least: self.least_rating });
        }
        let wanted = self.label.filter(|colour| !marks.has_label(*colour))?;
        Some(SkipReason::Labelled { labels: marks.labels, wanted })
    }
}

impl DataLoader for FolderLoader {
    fn load(&self) -> Result<Dataset, Error> {
        let Listing { photos: listed, mut skipped } = Listing::of_folder(&self.root)?;
        let decoded: Vec<_> = listed
            .par_iter()
            .map(|photo| {
                let path = self.root.join(&photo.path);
                self.unwanted(&path).map_or_else(|| Photo::open(&path).map(drop).map_err(|error| reason(&error)), Err)
            })
            .collect();
        let mut photos = Vec::new();
        for (photo, result) in listed.into_iter().zip(decoded) {
            match result {
                Ok(()) => photos.push(photo.path),
                Err(reason) => skipped.push(Skipped { path: self.root.join(photo.path), reason }),
            }
        }
        skipped.sort_by(|a, b| a.path.cmp(&b.path));
        Dataset::new(self.root.clone(), photos, skipped)
    }

    fn describe(&self) -> String {
        "folder".to_owned()
    }
}
