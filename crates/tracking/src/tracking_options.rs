//! How to open a destination.

use std::{path::PathBuf, sync::Arc, time::Duration};

use crate::{Clock, Destination, Durability};

/// How to open a [`Tracking`](crate::Tracking).
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct TrackingOptions {
    /// Where runs are recorded.
    pub destination: Destination,
    /// The tracking folder: `spool/`, and for the local store `mlflow.db` and `mlartifacts/`.
    /// Made if missing; unused for `off` and `console`.
    pub folder: PathBuf,
    /// The source of time stamps.
    pub clock: Arc<dyn Clock>,
    /// How long [`Run::finish`](crate::Run::finish) and [`Run::flush`](crate::Run::flush) may take to deliver. Default: 30 s.
    pub finish_timeout: Duration,
    /// How long records gather before they are delivered together. Default: 0.5 s.
    pub delivery_interval: Duration,
    /// What a power cut may cost. Default: [`Durability::Within`] 1 s.
    pub durability: Durability,
    /// Records that have been delivered are kept up to this many bytes, the newest, in the folder `delivered/`: to
    /// compare them with what the destination holds, and for runs to go on. Default: 64 MiB, about a million metrics.
    pub keep_delivered: u64,
}

impl TrackingOptions {
    /// Options with the default times.
    pub fn new(destination: Destination, folder: impl Into<PathBuf>, clock: Arc<dyn Clock>) -> Self {
        Self {
            destination,
            folder: folder.into(),
            clock,
            finish_timeout: Duration::from_secs(30),
            delivery_interval: Duration::from_millis(500),
            durability: Durability::Within(Duration::from_secs(1)),
            keep_delivered: 64 << 20,
        }
    }

    /// Sets what a power cut may cost.
    #[must_use]
    pub fn with_durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    /// Sets how many bytes of delivered records are kept; 0: none.
    #[must_use]
    pub fn with_keep_delivered(mut self, bytes: u64) -> Self {
        self.keep_delivered = bytes;
        self
    }

    /// Sets how long [`Run::finish`](crate::Run::finish) and [`Run::flush`](crate::Run::flush) may take to deliver.
    #[must_use]
    pub fn with_finish_timeout(mut self, timeout: Duration) -> Self {
        self.finish_timeout = timeout;
        self
    }

    /// Sets how long records gather before they are delivered together.
    #[must_use]
    pub fn with_delivery_interval(mut self, interval: Duration) -> Self {
        self.delivery_interval = interval;
        self
    }
}
