//! Where the parts of a dataset lie in the volume.

use std::path::{Path, PathBuf};

/// The places of one dataset.
#[derive(Debug)]
pub(super) struct Place {
    datasets: PathBuf,
    downloads: PathBuf,
    id: String,
}

impl Place {
    pub(super) fn new(volume: &Path, id: &str) -> Self {
        Self { datasets: volume.join("datasets"), downloads: volume.join("downloads"), id: id.to_owned() }
    }

    /// The folder of the dataset, which is there only when it is whole.
    pub(super) fn dataset(&self) -> PathBuf {
        self.datasets.join(&self.id)
    }

    /// The folder in which it is put together. Hidden, so that nobody takes it for a dataset, and on the same disk, so
    /// that it is put in place at one blow.
    pub(super) fn partial(&self) -> PathBuf {
        self.datasets.join(format!(".{}.partial", self.id))
    }

    /// The folder with what came and has a wrong hash.
    pub(super) fn rejected(&self) -> PathBuf {
        self.datasets.join(format!(".{}.rejected", self.id))
    }

    /// Remembers the hashes; its name begins with a dot, so that it is in no hash itself.
    pub(super) fn digest_cache(&self) -> PathBuf {
        self.dataset().join(".dodge-digest.json")
    }

    /// The downloaded archive.
    pub(super) fn archive(&self) -> PathBuf {
        self.downloads.join(format!("{}.archive", self.id))
    }

    /// Says that the archive is whole, and of which address.
    pub(super) fn archive_record(&self) -> PathBuf {
        self.downloads.join(format!("{}.archive.json", self.id))
    }

    /// The lock of the dataset.
    pub(super) fn lock(&self) -> PathBuf {
        self.downloads.join(format!("{}.lock", self.id))
    }
}
