//! One process, or one thread, at a time.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::context::Context;
use crate::error::{Error, file_error};

/// How often one who waits looks again.
const TRY_AGAIN: Duration = Duration::from_millis(50);

/// A lock on a file, released when it is dropped, or by the system when the process ends, however it ends.
pub(crate) struct Lock {
    path: PathBuf,
    /// None where the folder has no locks.
    file: Option<File>,
}

impl Lock {
    /// Waits until nobody else holds the lock, or a stop is asked for. Some network folders have no locks: there, the same
    /// work may be done twice, and the last one's result counts.
    pub(crate) fn acquire(path: &Path, context: &Context) -> Result<Self, Error> {
        let mut told = false;
        loop {
            if let Some(lock) = Self::try_acquire(path)? {
                return Ok(lock);
            }
            if !told {
                tracing::info!(lock = %path.display(), "waiting for another process that makes the same");
                told = true;
            }
            context.check_interrupted()?;
            std::thread::sleep(TRY_AGAIN);
        }
    }

    /// The lock, where nobody else holds it at this moment.
    pub(crate) fn try_acquire(path: &Path) -> Result<Option<Self>, Error> {
        loop {
            let file = OpenOptions::new().create(true).truncate(false).write(true).open(path);
            let file = file.map_err(|source| file_error("create", path, source))?;
            match file.try_lock() {
                Ok(()) if is_still_there(&file, path) => {
                    return Ok(Some(Self { path: path.to_owned(), file: Some(file) }));
                }
                // The one before has just removed it.
                Ok(()) => {}
                Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => {
                    return Ok(Some(Self { path: path.to_owned(), file: None }));
                }
                Err(TryLockError::Error(source)) => return Err(file_error("lock", path, source)),
                Err(TryLockError::WouldBlock) => return Ok(None),
            }
        }
    }

    /// Whether nobody else is at the same work.
    pub(crate) fn excludes_others(&self) -> bool {
        self.file.is_some()
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Removed while it is locked, so that nobody takes a lock that is about to go; see `is_still_there`. Where open
        // files cannot be removed, it stays: an empty file.
        if cfg!(unix) || self.file.is_none() {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Whether the open file is the one of this name.
fn is_still_there(file: &File, path: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        match (file.metadata(), fs::metadata(path)) {
            (Ok(open), Ok(named)) => (open.dev(), open.ino()) == (named.dev(), named.ino()),
            _ => false,
        }
    }
    #[cfg(not(unix))]
    {
        let _ = (file, path);
        true
    }
}
