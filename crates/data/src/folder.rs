//! Photos from a folder.

use std::path::{Path, PathBuf};

use dodge_imaging::{LabelColour, Marks};
use rayon::prelude::*;

use crate::{DataLoader, Dataset, Error, Hashing, Listing, SkipReason, Skipped};

/// All photos in a folder and the folders in it.
///
/// JPEG, PNG, TIFF and WebP are told by content, whatever their extension. Of a photo its header is looked at, and its bytes are hashed
/// ([`Hashing`]); no pixel is decoded, so that a photo that is damaged further on is told by whoever decodes it. In
/// [`Dataset::skipped`] are files with the extension of a photo and another content, those that cannot be read, and photos with a side
/// of less than [`MIN_SIDE`](crate::MIN_SIDE) pixels. Hidden files and folders (those whose name begins with a dot) and all other files
/// are passed over.
///
/// Links to files are followed. Links to folders are followed too, but each folder is visited once.
#[derive(Debug, Clone)]
pub struct FolderLoader {
    root: PathBuf,
    least_rating: u8,
    label: Option<LabelColour>,
    hashing: Hashing,
}

impl FolderLoader {
    /// Will load the photos in `root`; nothing is read yet.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into(), least_rating: 0, label: None, hashing: Hashing::default() }
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

    /// Reads the files in this way.
    #[must_use]
    pub fn with_hashing(self, hashing: Hashing) -> Self {
        Self { hashing, ..self }
    }

    /// Why a photo is not taken, by what its photographer says of it.
    fn unwanted(&self, path: &Path) -> Option<SkipReason> {
        if self.least_rating == 0 && self.label.is_none() {
            return None;
        }
        let marks = match Marks::of(path) {
            Ok(marks) => marks,
            Err(error) => return Some(SkipReason::of(&error)),
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
        let unwanted: Vec<Option<SkipReason>> =
            listed.par_iter().map(|photo| self.unwanted(&self.root.join(&photo.path))).collect();
        let mut wanted = Vec::new();
        for (photo, unwanted) in listed.into_iter().zip(unwanted) {
            match unwanted {
                None => wanted.push(photo.path),
                Some(reason) => skipped.push(Skipped { path: self.root.join(photo.path), reason }),
            }
        }
        let mut photos = Vec::new();
        for (path, read) in wanted.iter().zip(self.hashing.of_files(&self.root, &wanted)?) {
            match read {
                Ok(photo) => photos.push(photo),
                Err(error) => skipped.push(Skipped::unreadable(self.root.join(path), &error)),
            }
        }
        skipped.sort_by(|a, b| a.path.cmp(&b.path));
        Dataset::of_hashed(self.root.clone(), photos, skipped)
    }

    fn describe(&self) -> String {
        "folder".to_owned()
    }
}
