//! A named dataset as a source of photos.

use std::sync::Arc;

use crate::watch::Watcher;
use crate::{DataLoader, Dataset, Error, Fetcher, FolderLoader, Hashing};

/// Fetches a dataset of a registry if it is not there, verifies it, and loads its photos.
pub struct DatasetLoader {
    fetcher: Fetcher,
    id: String,
    watcher: Arc<dyn Watcher + Send>,
    hashing: Hashing,
}

impl std::fmt::Debug for DatasetLoader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DatasetLoader").field("fetcher", &self.fetcher).field("id", &self.id).finish_non_exhaustive()
    }
}

impl DatasetLoader {
    /// Will load the dataset `id`; `watcher` follows the fetch.
    ///
    /// # Errors
    /// [`Error::UnknownDataset`].
    pub fn new(fetcher: Fetcher, id: impl Into<String>, watcher: Arc<dyn Watcher + Send>) -> Result<Self, Error> {
        let id = id.into();
        fetcher.registry().get(&id)?;
        let hashing = Hashing::default().watched_by(Arc::clone(&watcher));
        Ok(Self { fetcher, id, watcher, hashing })
    }

    /// Reads the photos in this way.
    #[must_use]
    pub fn with_hashing(self, hashing: Hashing) -> Self {
        Self { hashing, ..self }
    }
}

impl DataLoader for DatasetLoader {
    fn load(&self) -> Result<Dataset, Error> {
        let fetched = self.fetcher.fetch(&self.id, &*self.watcher)?;
        if !fetched.verified {
            tracing::warn!(
                "dataset `{}` has no hash in the list of datasets; its content hash is {}",
                fetched.id,
                fetched.digest.content_hash
            );
        }
        FolderLoader::new(fetched.images).with_hashing(self.hashing.clone()).load()
    }

    fn describe(&self) -> String {
        format!("dataset {}", self.id)
    }
}
