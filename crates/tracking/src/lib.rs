#![doc = include_str!("../README.md")]

mod clock;
mod delivery;
mod destination;
mod error;
mod image;
mod local;
mod memory;
mod record;
mod recovery;
mod remote;
mod run;
mod spool;
mod stage;
mod tracking;
mod validate;

pub use clock::{Clock, FixedClock, SystemClock};
pub use destination::Destination;
pub use error::Error;
pub use memory::{RecordedMetric, RecordedRun};
pub use record::Status;
pub use remote::options::{Credentials, RemoteOptions};
pub use run::{Rejection, Run, Summary};
pub use stage::StageTimer;
pub use tracking::{RunOptions, SyncReport, Tracking, TrackingOptions};
