//! How a caller follows long work, and stops it.

use std::time::Duration;

use crate::Error;

/// Follows a fetch, or the reading of files: told what is done, asked whether to go on. Calls come often, of files that are read from
/// any thread; an implementation that draws limits itself how often.
pub trait Watcher: Sync {
    /// Something was done.
    fn progress(&self, progress: &Progress) {
        let _ = progress;
    }

    /// Whether to stop. The work ends within a second or so with [`Error::Cancelled`]; what was downloaded stays and is
    /// resumed by the next fetch.
    fn cancelled(&self) -> bool {
        false
    }
}

/// What is being done. Totals are missing where nobody knows them before the end.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Progress {
    /// Another process fetches the same dataset; this one waits for it.
    Waiting,
    /// Bytes of the archive are there.
    Downloading {
        /// Bytes so far, those of earlier attempts included.
        done: u64,
        /// Bytes in all.
        total: Option<u64>,
    },
    /// The connection broke or the server is busy; the download goes on after a wait.
    Retrying {
        /// What happened.
        reason: String,
        /// How long it waits.
        wait: Duration,
    },
    /// The SHA-256 of the archive is computed.
    Checking {
        /// Bytes so far.
        done: u64,
        /// Bytes in all.
        total: u64,
    },
    /// Files come out of the archive.
    Extracting {
        /// Files so far.
        files: u64,
        /// Their bytes.
        bytes: u64,
    },
    /// The hashes of files are computed.
    Hashing {
        /// Bytes so far.
        done: u64,
        /// Bytes in all.
        total: u64,
    },
}

/// Watches nothing and never stops anything.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unwatched;

impl Watcher for Unwatched {}

/// The error that a cancelled work ends with, if it was cancelled.
pub(crate) fn check(watcher: &dyn Watcher) -> Result<(), Error> {
    if watcher.cancelled() { Err(Error::Cancelled) } else { Ok(()) }
}
