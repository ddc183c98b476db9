//! A dataset that another machine fetched, as a source of photos.

use std::sync::Arc;

use super::AcquisitionClient;
use crate::watch::Watcher;
use crate::{DataLoader, Dataset, Error, Fetcher, FolderDigest, FolderLoader, Hashing};

/// Has an acquisition service fetch a dataset onto the volume that both share, checks that it is the one that the service tells of, and
/// loads its photos.
pub struct AcquisitionLoader {
    client: AcquisitionClient,
    fetcher: Fetcher,
    id: String,
    watcher: Arc<dyn Watcher + Send>,
    hashing: Hashing,
}

impl std::fmt::Debug for AcquisitionLoader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AcquisitionLoader").field("client", &self.client).field("id", &self.id).finish_non_exhaustive()
    }
}

impl AcquisitionLoader {
    /// Will load the dataset `id`. The fetcher knows the volume and the list of datasets; it fetches nothing itself.
    ///
    /// # Errors
    /// [`Error::UnknownDataset`].
    pub fn new(
        client: AcquisitionClient,
        fetcher: Fetcher,
        id: impl Into<String>,
        watcher: Arc<dyn Watcher + Send>,
    ) -> Result<Self, Error> {
        let id = id.into();
        fetcher.registry().get(&id)?;
        let hashing = Hashing::default().watched_by(Arc::clone(&watcher));
        Ok(Self { client, fetcher, id, watcher, hashing })
    }

    /// Reads the photos in this way.
    #[must_use]
    pub fn with_hashing(self, hashing: Hashing) -> Self {
        Self { hashing, ..self }
    }
}

impl DataLoader for AcquisitionLoader {
    fn load(&self) -> Result<Dataset, Error> {
        let job = self.client.acquire(&self.id, &*self.watcher)?;
        let (ours, theirs) = self.fetcher.shared_places(&self.id)?;
        let wrong = |reason: String| Error::Service { url: self.client.url().to_owned(), reason };
        let images = [&ours, &theirs].into_iter().find(|folder| folder.is_dir()).ok_or_else(|| {
            wrong(format!(
                "fetched `{}`, but it is not in {}: set IMAGE_VOLUME_PATH to the volume that it shares with this machine",
                self.id,
                ours.display()
            ))
        })?;
        let got = FolderDigest::of_folder(images, &*self.watcher)?.directory_hash.to_string();
        match job.resulting_hash {
            Some(told) if told != got => Err(wrong(format!(
                "tells the directory hash {told}, but that of {} is {got}: either the volume is another one, or files changed",
                images.display()
            ))),
            _ => FolderLoader::new(images).with_hashing(self.hashing.clone()).load(),
        }
    }

    fn describe(&self) -> String {
        format!("dataset {} by an acquisition service", self.id)
    }
}
