//! What is in the cache of a volume: listed, and removed where nobody needs it.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use crate::cache::{CONTENTS, lock_file};
use crate::error::{Error, file_error};
use crate::lock::Lock;
use crate::whole_file::PART;

/// A result in the cache, or what is left of one that was not finished.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CacheEntry {
    /// The step that made it.
    pub step: String,
    /// What it depends on, as a name: see [`KeyBuilder`](crate::KeyBuilder).
    pub key: String,
    /// Its folder.
    pub folder: PathBuf,
    /// Bytes of its files.
    pub bytes: u64,
    /// Whether the process that made it ended before it was whole, or makes it still.
    pub unfinished: bool,
}

impl CacheEntry {
    /// All entries of a volume, by step and key. Nothing is read but names and lengths.
    ///
    /// # Errors
    /// [`Error::File`] for a folder that cannot be listed; a volume without a cache has no entries.
    pub fn all(volume: &Path) -> Result<Vec<Self>, Error> {
        let mut entries = Vec::new();
        for (step, parent) in folders(&volume.join("cache"))? {
            for (name, folder) in folders(&parent)? {
                let unfinished = name.strip_prefix('.').and_then(|name| name.strip_suffix(PART));
                let key = match unfinished {
                    Some(name) => name.split('-').next().unwrap_or(name).to_owned(),
                    None => name.clone(),
                };
                // Whatever somebody else put there is none of ours.
                if key.len() == 32 && key.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                    let (step, bytes, unfinished) = (step.clone(), bytes_in(&folder)?, unfinished.is_some());
                    entries.push(Self { step, key, folder, bytes, unfinished });
                }
            }
        }
        entries.sort_by(|a, b| (&a.step, &a.key, a.unfinished).cmp(&(&b.step, &b.key, b.unfinished)));
        Ok(entries)
    }

    /// Removes the entry, unless somebody makes or uses it; returns whether it is gone. A process that is killed meanwhile leaves what
    /// counts as unfinished, never half a result.
    ///
    /// # Errors
    /// [`Error::File`] for what cannot be removed.
    pub fn remove(&self) -> Result<bool, Error> {
        let parent = self.folder.parent().unwrap_or(Path::new("."));
        let Some(lock) = Lock::try_acquire(&lock_file(parent, &self.key))? else { return Ok(false) };
        if !lock.excludes_others() {
            return Ok(false);
        }
        let failed = |source| file_error("remove", &self.folder, source);
        if self.unfinished {
            return fs::remove_dir_all(&self.folder).map(|()| true).or_else(gone).map_err(failed);
        }
        // Whoever uses it holds a shared lock.
        if let Ok(contents) = File::open(self.folder.join(CONTENTS))
            && contents.try_lock().is_err()
        {
            return Ok(false);
        }
        let aside = parent.join(format!(".{}-removed{PART}", self.key));
        fs::rename(&self.folder, &aside)
            .and_then(|()| fs::remove_dir_all(&aside))
            .map(|()| true)
            .or_else(gone)
            .map_err(failed)
    }
}

/// What is gone already is gone.
fn gone(error: io::Error) -> io::Result<bool> {
    if error.kind() == io::ErrorKind::NotFound { Ok(true) } else { Err(error) }
}

/// The folders in a folder with their names; none where it is missing.
fn folders(parent: &Path) -> Result<Vec<(String, PathBuf)>, Error> {
    let failed = |source| file_error("list", parent, source);
    let entries = match fs::read_dir(parent) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(error)),
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.map_err(failed)?;
        // Links are somebody else's.
        if entry.file_type().is_ok_and(|kind| kind.is_dir())
            && let Ok(name) = entry.file_name().into_string()
        {
            found.push((name, entry.path()));
        }
    }
    Ok(found)
}

fn bytes_in(folder: &Path) -> Result<u64, Error> {
    let (mut bytes, mut folders) = (0, vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        let failed = |source| file_error("list", &folder, source);
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            // It is being made, and its parts get other names.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(failed(error)),
        };
        for entry in entries {
            let entry = entry.map_err(failed)?;
            match entry.metadata() {
                Ok(metadata) if metadata.is_dir() => folders.push(entry.path()),
                Ok(metadata) => bytes += metadata.len(),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(failed(error)),
            }
        }
    }
    Ok(bytes)
}
