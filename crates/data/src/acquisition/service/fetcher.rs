//! What the service does, by the same means as `dodge datasets fetch`.

use std::path::{Path, PathBuf};

use super::{Acquire, JobWatch};
use crate::watch::{Progress, Unwatched, Watcher};
use crate::{Error, Fetcher, FolderDigest};

impl Acquire for Fetcher {
    fn folder(&self, dataset_id: &str) -> Option<PathBuf> {
        let images = self.images(dataset_id).ok()?;
        Some(images.strip_prefix(self.volume()).map(Path::to_owned).unwrap_or(images))
    }

    fn acquire(&self, dataset_id: &str, watch: &JobWatch) -> Result<String, Error> {
        Ok(self.fetch(dataset_id, &Told(watch))?.digest.directory_hash.to_string())
    }

    fn hash(&self, folder: &Path) -> Result<String, Error> {
        Ok(FolderDigest::of_folder(folder, &Unwatched)?.directory_hash.to_string())
    }
}

/// Tells a job how far its fetch is.
struct Told<'a>(&'a JobWatch);

impl Watcher for Told<'_> {
    fn progress(&self, progress: &Progress) {
        match *progress {
            Progress::Downloading { done, total } => self.0.progress(done, total),
            Progress::Checking { done, total } | Progress::Hashing { done, total } => {
                self.0.progress(done, Some(total));
            }
            Progress::Extracting { bytes, .. } => self.0.progress(bytes, None),
            Progress::Waiting | Progress::Retrying { .. } => {}
        }
    }

    fn cancelled(&self) -> bool {
        self.0.is_cancelled()
    }
}
