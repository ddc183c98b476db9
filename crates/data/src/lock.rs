//! One process at a time: a lock on a file.

use std::fs::{self, File, TryLockError};
use std::path::Path;
use std::time::Duration;

use crate::watch::{Progress, Watcher, check};
use crate::{Error, write_error};

/// How often a process that waits tries again.
const TRY_AGAIN: Duration = Duration::from_millis(100);

/// The lock; released when dropped, or by the system when the process ends, however it ends.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

impl Lock {
    /// Waits until nobody else holds the lock on `path`. The file stays when the lock is released: who deletes it may
    /// delete a lock that another process has just taken.
    pub(crate) fn acquire(path: &Path, watcher: &dyn Watcher) -> Result<Self, Error> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(|source| write_error(folder, source))?;
        }
        let open = fs::OpenOptions::new().create(true).truncate(false).write(true).open(path);
        let file = open.map_err(|source| write_error(path, source))?;
        let mut told = false;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Self { _file: file }),
                Err(TryLockError::WouldBlock) => {
                    if !told {
                        watcher.progress(&Progress::Waiting);
                        told = true;
                    }
                    check(watcher)?;
                    std::thread::sleep(TRY_AGAIN);
                }
                Err(TryLockError::Error(source)) => return Err(write_error(path, source)),
            }
        }
    }
}
