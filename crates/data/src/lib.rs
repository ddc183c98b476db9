#![doc = include_str!("../README.md")]

mod acquisition;
mod dataset;
mod error;
mod flat_name;
mod folder;
mod hash;
mod params;
pub mod synthetic;
mod synthetic_loader;

#[cfg(feature = "service")]
pub use acquisition::{Acquire, AcquisitionService, JobWatch, ServiceOptions};
pub use acquisition::{AcquisitionClient, AcquisitionOptions, JobState, JobStatus};
pub use dataset::{DataLoader, Dataset, PhotoFile, Skipped};
pub use error::Error;
pub use folder::{FolderLoader, MIN_SIDE};
pub use hash::ContentHash;
pub use params::DataParams;
pub use synthetic_loader::SyntheticLoader;
