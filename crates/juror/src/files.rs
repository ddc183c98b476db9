//! Files that other people made: opened with care, read with bounds.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::error::Error;

/// A file and its SHA-256, in hexadecimal digits.
pub(super) struct Content {
    pub(super) bytes: Vec<u8>,
    pub(super) sha256: String,
}

/// The file as a whole.
pub(super) fn content(path: &Path, most_bytes: u64) -> Result<Content, Error> {
    let (file, length) = open(path)?;
    if length > most_bytes {
        return Err(unusable(path, format!("it has {length} bytes, more than {most_bytes}")));
    }
    let mut bytes = Vec::with_capacity(length as usize);
    // It may grow while it is read.
    file.take(most_bytes).read_to_end(&mut bytes).map_err(|error| unreadable(path, &error))?;
    let sha256 = digits(Sha256::new_with_prefix(&bytes));
    Ok(Content { bytes, sha256 })
}

/// The file and its length in bytes. A pipe, which would be waited for, and a folder are refused.
pub(super) fn open(path: &Path) -> Result<(File, u64), Error> {
    let metadata = path.metadata().map_err(|error| unreadable(path, &error))?;
    if !metadata.is_file() {
        return Err(unusable(path, "it is no ordinary file".to_owned()));
    }
    let file = File::open(path).map_err(|error| unreadable(path, &error))?;
    Ok((file, metadata.len()))
}

pub(super) fn digits(hash: Sha256) -> String {
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(super) fn unusable(path: &Path, reason: String) -> Error {
    Error::Model { path: path.to_owned(), reason }
}

pub(super) fn unreadable(path: &Path, error: &io::Error) -> Error {
    unusable(path, format!("it cannot be read: {error}"))
}
