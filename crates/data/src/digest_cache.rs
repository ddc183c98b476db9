//! Hashes of a folder, remembered as long as names, sizes and times of its files stay.

use std::fs;
use std::io::Read;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::hex::hexadecimal;
use crate::relative_name::relative_name;
use crate::walk::{self, FoundFile};
use crate::watch::Watcher;
use crate::{Error, FolderDigest, digest, whole_file};

const FORMAT: u32 = 1;
/// More is no cache of ours.
const MAX_BYTES: u64 = 64 << 10;

#[derive(Debug, Serialize, Deserialize)]
struct Cached {
    format: u32,
    /// SHA-256 over names, sizes and times.
    listing: String,
    directory_hash: String,
    content_hash: String,
    files: u64,
    bytes: u64,
}

/// The digest of the folder `root`: from the file `cache` if that is still true, else computed and written there.
///
/// A file written in the same tick of the clock as the cache could change unseen, so a cache is trusted only if it is
/// younger than every file.
pub(crate) fn digest(root: &Path, cache: &Path, watcher: &dyn Watcher) -> Result<FolderDigest, Error> {
    let files = walk::files(root)?;
    let listing = listing(&files);
    let newest = files.iter().map(|file| file.modified).max();
    if let Some(digest) = read(cache, &listing, newest) {
        return Ok(digest);
    }
    let digest = digest::of_files(root, &files, "", watcher)?;
    remember(cache, listing, digest);
    Ok(digest)
}

/// Computes the digest anew, whatever the cache says, and remembers it.
pub(crate) fn digest_anew(root: &Path, cache: &Path, watcher: &dyn Watcher) -> Result<FolderDigest, Error> {
    let files = walk::files(root)?;
    let digest = digest::of_files(root, &files, "", watcher)?;
    remember(cache, listing(&files), digest);
    Ok(digest)
}

fn remember(cache: &Path, listing: String, digest: FolderDigest) {
    let cached = Cached {
        format: FORMAT,
        listing,
        directory_hash: digest.directory_hash.to_string(),
        content_hash: digest.content_hash.to_string(),
        files: digest.files,
        bytes: digest.bytes,
    };
    // Without a cache the next time is slower, nothing else; the folder may be read-only.
    if let Err(error) = whole_file::write_json(cache, &cached) {
        tracing::debug!(%error, "the hashes could not be remembered");
    }
}

fn read(cache: &Path, listing: &str, newest: Option<SystemTime>) -> Option<FolderDigest> {
    let file = fs::File::open(cache).ok()?;
    let written = file.metadata().ok()?.modified().ok()?;
    if newest.is_some_and(|newest| newest >= written) {
        return None;
    }
    let mut text = String::new();
    file.take(MAX_BYTES).read_to_string(&mut text).ok()?;
    let cached: Cached = serde_json::from_str(&text).ok()?;
    if cached.format != FORMAT || cached.listing != listing {
        return None;
    }
    Some(FolderDigest {
        directory_hash: cached.directory_hash.parse().ok()?,
        content_hash: cached.content_hash.parse().ok()?,
        files: cached.files,
        bytes: cached.bytes,
    })
}

fn listing(files: &[FoundFile]) -> String {
    let mut hasher = Sha256::new();
    for file in files {
        let name = relative_name(&file.path);
        hasher.update((name.len() as u64).to_le_bytes());
        hasher.update(&name);
        hasher.update(file.length.to_le_bytes());
        // Times before 1970 are told apart from times after it.
        let (sign, since) = match file.modified.duration_since(UNIX_EPOCH) {
            Ok(since) => (1_u8, since),
            Err(error) => (0, error.duration()),
        };
        hasher.update([sign]);
        hasher.update(since.as_nanos().to_le_bytes());
    }
    hexadecimal(&hasher.finalize())
}
