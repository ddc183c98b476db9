//! The identity of a dataset.

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::Error;
use crate::hashing::{Hashed, Hashing};
use crate::relative_name::relative_name;

/// SHA-256 over the names and contents of a set of files; written as 64 lower-case hexadecimal digits.
///
/// Defined as the hash of: the ASCII text `dodge-content-1`, the number of files, and for each file in the order of
/// its name: the length of its name, the name (relative path, `/` between folders), and the SHA-256 of its content.
/// Numbers are 64 bit, little-endian. Every part has a known or a preceding length, so no two sets of files share an
/// encoding, whatever bytes they hold. It depends neither on the place of the folder nor on the order of the files.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ContentHash([u8; 32]);

impl ContentHash {
    /// The hash of the files `paths`, given relative to `root`. Files are read in parallel, in blocks of 64 KiB.
    ///
    /// # Errors
    /// [`Error::Read`] for the first file that cannot be read.
    pub fn of_files(root: &Path, paths: &[PathBuf]) -> Result<Self, Error> {
        let found = Hashing::default().of_files(root, paths)?.into_iter().zip(paths);
        let files = found.map(|(file, path)| {
            let Hashed { path, content } = file.map_err(|source| Error::Read { path: root.join(path), source })?;
            Ok((relative_name(&path), content))
        });
        Ok(Self::of_contents(files.collect::<Result<_, Error>>()?))
    }

    /// The hash of two sides of pairs: of the ASCII text `dodge-pairs-1` and the hashes of both sides.
    pub(crate) fn of_pairs(before: Self, after: Self) -> Self {
        let hasher = Sha256::new().chain_update(b"dodge-pairs-1");
        Self(hasher.chain_update(before.0).chain_update(after.0).finalize().into())
    }

    /// The hash of files with these names and SHA-256 of their contents, in any order.
    pub(crate) fn of_contents(mut files: Vec<(Vec<u8>, [u8; 32])>) -> Self {
        files.sort_unstable();
        let mut hasher = Sha256::new();
        hasher.update(b"dodge-content-1");
        hasher.update((files.len() as u64).to_le_bytes());
        for (name, content) in &files {
            hasher.update((name.len() as u64).to_le_bytes());
            hasher.update(name);
            hasher.update(content);
        }
        Self(hasher.finalize().into())
    }
}

crate::hex::text_of_hash!(ContentHash);
