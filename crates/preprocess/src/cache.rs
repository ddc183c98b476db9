//! Results of steps, kept by what they depend on.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use dodge_imaging::synchronise_folder;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::context::Context;
use crate::error::{Error, file_error};
use crate::lock::Lock;
use crate::whole_file::{PART, part_folder, rename_folder, write_whole};

/// The list of files of a result, written last.
pub(crate) const CONTENTS: &str = "contents.json";

/// Bytes of a file in memory at a time, for each thread.
const BLOCK: usize = 64 * 1024;

/// The files of a result with their lengths and hashes.
#[derive(Serialize, Deserialize)]
struct Contents {
    dodge_contents_format: u32,
    /// By path in the folder, `/` between parts.
    files: BTreeMap<String, Fingerprint>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Fingerprint {
    bytes: u64,
    sha256: String,
}

/// A step's result in the cache.
pub(crate) struct Cached {
    pub(crate) folder: PathBuf,
    /// Whether it was there already.
    pub(crate) reused: bool,
    /// As long as it is open, nobody removes the result as one that no run needs.
    pub(crate) lock: Option<File>,
}

impl Cached {
    /// Where the folder has no locks, there is none.
    fn new(folder: PathBuf, reused: bool) -> Self {
        let lock = File::open(folder.join(CONTENTS)).ok().filter(|file| file.try_lock_shared().is_ok());
        Self { folder, reused, lock }
    }
}

/// The folder of a step's result, made by `make` where it is not there yet or no longer whole.
///
/// `make` fills a folder beside it, which gets its final name only when everything in it is on the disk: a result is there
/// whole or not at all, also when the process is killed or the power fails. Whatever happens to its files later is
/// noticed, because each is compared with its hash before it is used again. Who comes second waits for the first.
pub(crate) fn cached(
    context: &Context,
    step: &str,
    key: &str,
    make: impl FnOnce(&Path) -> Result<(), Error>,
) -> Result<Cached, Error> {
    let parent = context.volume().join("cache").join(step);
    let folder = parent.join(key);
    let create = |source| file_error("create", &folder, source);
    fs::create_dir_all(&parent).map_err(|source| file_error("create", &parent, source))?;
    let lock = Lock::acquire(&lock_file(&parent, key), context)?;
    match wrong_with(&folder) {
        None => {
            tracing::info!(step, folder = %folder.display(), "reusing the earlier result");
            return Ok(Cached::new(folder, true));
        }
        Some(problem) if folder.exists() => {
            tracing::warn!(step, folder = %folder.display(), "making a damaged result anew: {problem}");
        }
        Some(_) => {}
    }
    let prefix = format!(".{key}-");
    if lock.excludes_others() {
        remove_leftovers(&parent, &prefix);
    }
    let part = part_folder(&parent, &prefix).map_err(create)?;
    make(part.path())?;
    finish(part.path()).map_err(|(path, source)| file_error("write", &path, source))?;
    if folder.exists() {
        remove(&folder).map_err(|source| file_error("replace", &folder, source))?;
    }
    rename_folder(part.path(), &folder).map_err(create)?;
    // It has its final name: nothing is left to be removed.
    let _ = part.keep();
    Ok(Cached::new(folder, false))
}

/// The lock of a result, held by whoever makes or removes it.
pub(crate) fn lock_file(parent: &Path, key: &str) -> PathBuf {
    parent.join(format!(".{key}.lock"))
}

/// Why a result cannot be used; none where every file is as it was written. Files that were added do no harm.
fn wrong_with(folder: &Path) -> Option<String> {
    let text = match fs::read(folder.join(CONTENTS)) {
        Ok(text) => text,
        Err(error) => return Some(format!("{CONTENTS}: {error}")),
    };
    let contents: Contents = match serde_json::from_slice(&text) {
        Ok(contents) => contents,
        Err(error) => return Some(format!("{CONTENTS}: {error}")),
    };
    if contents.dodge_contents_format != 1 {
        return Some(format!("{CONTENTS} is of another version"));
    }
    let files: Vec<_> = contents.files.iter().collect();
    files.into_par_iter().find_map_first(|(name, expected)| match fingerprint(&folder.join(name), false) {
        Ok(found) if found == *expected => None,
        Ok(_) => Some(format!("{name} is not as it was written")),
        Err(error) => Some(format!("{name}: {error}")),
    })
}

/// Brings all files of a folder to the disk, and lists them.
fn finish(folder: &Path) -> Result<(), (PathBuf, io::Error)> {
    let (mut names, mut folders) = (Vec::new(), vec![PathBuf::new()]);
    let mut next = 0;
    while let Some(inside) = folders.get(next).cloned() {
        next += 1;
        let path = folder.join(&inside);
        let entries = fs::read_dir(&path).and_then(Iterator::collect::<io::Result<Vec<_>>>);
        for entry in entries.map_err(|source| (path, source))? {
            let name = inside.join(entry.file_name());
            if entry.path().is_dir() { folders.push(name) } else { names.push(name) }
        }
    }
    let files = names
        .par_iter()
        .map(|name| {
            let path = folder.join(name);
            let parts: Vec<_> = name.iter().map(|part| part.to_string_lossy()).collect();
            Ok((parts.join("/"), fingerprint(&path, true).map_err(|source| (path, source))?))
        })
        .collect::<Result<BTreeMap<_, _>, _>>()?;
    let text = serde_json::to_vec_pretty(&Contents { dodge_contents_format: 1, files }).expect("names are always JSON");
    let listing = folder.join(CONTENTS);
    write_whole(&listing, &text).map_err(|error| (listing, io::Error::other(error)))?;
    // Innermost first; the folder itself was synchronised with the listing.
    for inside in folders.iter().skip(1).rev() {
        let path = folder.join(inside);
        synchronise_folder(&path).map_err(|source| (path, source))?;
    }
    Ok(())
}

/// Length and hash of a file, which is brought to the disk first where `synchronise` says so.
fn fingerprint(path: &Path, synchronise: bool) -> io::Result<Fingerprint> {
    // Windows synchronises only what may be written.
    let mut file = OpenOptions::new().read(true).write(synchronise).open(path)?;
    if synchronise {
        file.sync_all()?;
    }
    let (mut hasher, mut bytes, mut block) = (Sha256::new(), 0, vec![0; BLOCK]);
    loop {
        match file.read(&mut block) {
            Ok(0) => return Ok(Fingerprint { bytes, sha256: dodge_data::hexadecimal(&hasher.finalize()) }),
            Ok(count) => {
                hasher.update(&block[..count]);
                bytes += count as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Removes what killed processes left of this result: whoever holds its lock is alone with it.
fn remove_leftovers(parent: &Path, prefix: &str) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with(prefix) && name.ends_with(PART) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

fn remove(path: &Path) -> io::Result<()> {
    if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }
}
