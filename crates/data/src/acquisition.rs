//! Photos that another machine fetches: the acquisition service's messages, its client, and behind the feature `service` the
//! service itself.
//!
//! The service puts datasets onto a volume that it shares with its clients. A client starts a job and asks for its state until it is
//! done; the photos are then in the volume, and the job tells the directory hash.

mod client;
mod loader;
mod messages;
#[cfg(feature = "service")]
mod service;

pub use client::{AcquisitionClient, AcquisitionOptions};
pub use loader::AcquisitionLoader;
pub use messages::{JobState, JobStatus};
#[cfg(feature = "service")]
pub use service::{Acquire, AcquisitionService, JobWatch, ServiceOptions};
