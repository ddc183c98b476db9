#![doc = include_str!("../README.md")]

mod acquisition;
mod archive;
mod dataset;
mod dataset_loader;
mod digest;
mod digest_cache;
mod download;
mod error;
mod fetch;
mod flat_name;
mod folder;
mod hash;
mod hex;
mod kaggle;
mod listing;
mod lock;
mod params;
mod registry;
mod selection;
mod space;
pub mod synthetic;
mod synthetic_loader;
mod walk;
mod watch;
mod whole_file;

#[cfg(feature = "service")]
pub use acquisition::{Acquire, AcquisitionService, JobWatch, ServiceOptions};
pub use acquisition::{AcquisitionClient, AcquisitionLoader, AcquisitionOptions, JobState, JobStatus};
pub use archive::{ArchiveKind, EntryProblem, Extracted, ExtractionLimits, MOST_RECORDS, SkippedEntry, extract};
pub use dataset::{DataLoader, Dataset, PhotoFile, SkipReason, Skipped};
pub use dataset_loader::DatasetLoader;
pub use digest::{DirectoryHash, FolderDigest};
pub use download::{DownloadOptions, DownloadRequest, Downloader};
pub use error::Error;
pub use fetch::{Fetched, Fetcher};
pub use folder::{FolderLoader, MIN_SIDE};
pub use hash::ContentHash;
pub use hex::FileHash;
pub use kaggle::{KAGGLE_URL, KaggleToken};
pub use listing::{ListedPhoto, Listing};
pub use params::DataParams;
pub use registry::{Entry, Registry, Source};
pub use selection::{Numbers, Selection};
pub use synthetic_loader::SyntheticLoader;
pub use watch::{Progress, Unwatched, Watcher};

/// The error for a file or folder that cannot be written.
fn write_error(path: &std::path::Path, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::Write { path: path.to_owned(), source: source.into() }
}
