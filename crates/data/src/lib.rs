#![doc = include_str!("../README.md")]

mod dataset;
mod digest;
mod error;
mod flat_name;
mod folder;
mod hash;
mod hashing;
mod hex;
mod lessons;
mod listing;
mod pairs;
mod relative_name;
mod skipped;
mod walk;
mod watch;

#[cfg(feature = "fetch")]
mod acquisition;
#[cfg(feature = "fetch")]
mod archive;
#[cfg(feature = "fetch")]
mod backoff;
#[cfg(feature = "fetch")]
mod dataset_loader;
#[cfg(feature = "fetch")]
mod digest_cache;
#[cfg(feature = "fetch")]
mod download;
#[cfg(feature = "fetch")]
mod fetch;
#[cfg(feature = "fetch")]
mod kaggle;
#[cfg(feature = "fetch")]
mod lock;
#[cfg(feature = "fetch")]
mod registry;
#[cfg(feature = "fetch")]
mod selection;
#[cfg(feature = "fetch")]
mod space;

#[cfg(feature = "synthetic")]
mod params;
#[cfg(feature = "synthetic")]
pub mod synthetic;
#[cfg(feature = "synthetic")]
mod synthetic_loader;

#[cfg(any(feature = "fetch", feature = "synthetic"))]
mod whole_file;

pub use dataset::{DataLoader, Dataset, PhotoFile};
pub use digest::{DirectoryHash, FolderDigest};
pub use error::Error;
pub use folder::FolderLoader;
pub use hash::ContentHash;
pub use hashing::Hashing;
pub use hex::{FileHash, hexadecimal};
pub use lessons::{LessonLoader, recipe_places};
pub use listing::{ListedPhoto, Listing};
pub use pairs::PairLoader;
pub use skipped::{MIN_SIDE, SkipReason, Skipped};
pub use watch::{Progress, Unwatched, Watcher};

#[cfg(feature = "service")]
pub use acquisition::{Acquire, AcquisitionService, JobWatch, ServiceOptions};
#[cfg(feature = "fetch")]
pub use acquisition::{AcquisitionClient, AcquisitionLoader, AcquisitionOptions, JobState, JobStatus};
#[cfg(feature = "fetch")]
pub use archive::{ArchiveKind, EntryProblem, Extracted, ExtractionLimits, MOST_RECORDS, SkippedEntry, extract};
#[cfg(feature = "fetch")]
pub use dataset_loader::DatasetLoader;
#[cfg(feature = "fetch")]
pub use download::{DownloadOptions, DownloadRequest, Downloader};
#[cfg(feature = "fetch")]
pub use fetch::{Fetched, Fetcher};
#[cfg(feature = "fetch")]
pub use kaggle::{KAGGLE_URL, KaggleToken};
#[cfg(feature = "fetch")]
pub use registry::{Entry, Registry, Source};
#[cfg(feature = "fetch")]
pub use selection::{Numbers, Selection};
#[cfg(feature = "fetch")]
pub use space::free_space;

#[cfg(feature = "synthetic")]
pub use params::{DataParams, Label};
#[cfg(feature = "synthetic")]
pub use synthetic_loader::SyntheticLoader;

/// The error for a file or folder that cannot be written.
#[cfg(any(feature = "fetch", feature = "synthetic"))]
fn write_error(path: &std::path::Path, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::Write { path: path.to_owned(), source: source.into() }
}
