//! Results of steps, kept by what they depend on.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use sha2::{Digest, Sha256};

use crate::{Context, Error};

/// Collects what a step's result depends on. Parts are length-prefixed, so that no two lists look alike.
pub(crate) struct KeyBuilder(Sha256);

impl KeyBuilder {
    pub(crate) fn new(step: &str, version: u32) -> Self {
        Self(Sha256::new()).with(step).with(&version.to_string())
    }

    pub(crate) fn with(mut self, part: &str) -> Self {
        self.0.update((part.len() as u64).to_le_bytes());
        self.0.update(part.as_bytes());
        self
    }

    /// The key: 32 hexadecimal digits.
    pub(crate) fn build(self) -> String {
        self.0.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
    }
}

/// The folder of a step's result, made by `make` if it is not there yet.
///
/// `make` fills a folder beside it, which gets its final name only when everything is in it: a result is there whole or
/// not at all, also when the process is killed. Where two processes make the same result, the first one counts.
pub(crate) fn cached(
    context: &Context,
    step: &str,
    key: &str,
    make: impl FnOnce(&Path) -> Result<(), Error>,
) -> Result<PathBuf, Error> {
    let parent = context.volume().join("cache").join(step);
    let folder = parent.join(key);
    if folder.is_dir() {
        tracing::info!(step, folder = %folder.display(), "reusing the earlier result");
        return Ok(folder);
    }
    // One for each attempt, also of two threads of this process.
    static ATTEMPTS: AtomicU64 = AtomicU64::new(0);
    let attempt = ATTEMPTS.fetch_add(1, Ordering::Relaxed);
    let partial = parent.join(format!("{key}.{}-{attempt}.part", std::process::id()));
    // Left over from a killed process with the same number, if it exists at all.
    let _ = fs::remove_dir_all(&partial);
    fs::create_dir_all(&partial).map_err(|source| file_error("create", &partial, source))?;
    let made = make(&partial).and_then(|()| match fs::rename(&partial, &folder) {
        Err(_) if folder.is_dir() => Ok(()),
        other => other.map_err(|source| file_error("create", &folder, source)),
    });
    if made.is_err() || partial.is_dir() {
        let _ = fs::remove_dir_all(&partial);
    }
    made.map(|()| folder)
}

pub(crate) fn file_error(action: &'static str, path: &Path, source: std::io::Error) -> Error {
    Error::File { action, path: path.to_owned(), source }
}
