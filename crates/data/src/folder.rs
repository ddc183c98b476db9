//! Photos from a folder.

use std::path::PathBuf;

use dodge_imaging::Photo;
use rayon::prelude::*;

use crate::listing::reason;
use crate::{DataLoader, Dataset, Error, Listing, Skipped};

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
}

impl FolderLoader {
    /// Will load the photos in `root`; nothing is read yet.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }
}

impl DataLoader for FolderLoader {
    fn load(&self) -> Result<Dataset, Error> {
        let Listing { photos: listed, mut skipped } = Listing::of_folder(&self.root)?;
        let decoded: Vec<_> =
            listed.par_iter().map(|photo| Photo::open(&self.root.join(&photo.path)).map(drop)).collect();
        let mut photos = Vec::new();
        for (photo, result) in listed.into_iter().zip(decoded) {
            match result {
                Ok(()) => photos.push(photo.path),
                Err(error) => skipped.push(Skipped { path: self.root.join(photo.path), reason: reason(&error) }),
            }
        }
        skipped.sort_by(|a, b| a.path.cmp(&b.path));
        Dataset::new(self.root.clone(), photos, skipped)
    }

    fn describe(&self) -> String {
        "folder".to_owned()
    }
}
