//! The hashes of a folder, both in one pass over the files.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use sha2::{Digest, Sha256};

use crate::hex::text_of_hash;
use crate::relative_name::relative_name;
use crate::walk::{self, FoundFile};
use crate::watch::{Progress, Watcher, check};
use crate::{ContentHash, Error};

/// The hash of a folder as the predecessor of Dodge defined it, for hashes that exist already; new entries of a registry
/// use [`ContentHash`].
///
/// SHA-256 over, for each file, its relative path with `/` in UTF-8, a zero byte, its content and a zero byte. A
/// folder's own files come first, by name, then its folders, by name. Files whose name begins with a dot are left out
/// (but folders of such names are not), and so are links. Its one flaw: a file that holds zero bytes can look like two.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DirectoryHash(pub(crate) [u8; 32]);

text_of_hash!(DirectoryHash);

/// What a folder holds, in two hashes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FolderDigest {
    /// The predecessor's hash.
    pub directory_hash: DirectoryHash,
    /// Ours, over the same files.
    pub content_hash: ContentHash,
    /// Number of files.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// Bytes of files in memory at a time; twice, because the next batch is read while one is hashed.
const BATCH_BYTES: u64 = 32 << 20;
/// Files in memory at a time.
const BATCH_FILES: usize = 2048;
/// Longer files are read in blocks.
const LARGE: u64 = 16 << 20;
/// Bytes of such a block.
const BLOCK: usize = 1 << 20;

impl FolderDigest {
    /// Reads all files in `root`: on all threads of the rayon pool, the next files while the last are hashed, and at most
    /// 64 MiB at a time. Links are not followed, and hidden files do not count; see [`DirectoryHash`].
    ///
    /// # Errors
    /// [`Error::Read`] for the first file or folder that cannot be read, [`Error::Cancelled`].
    pub fn of_folder(root: &Path, watcher: &dyn Watcher) -> Result<Self, Error> {
        of_files(root, &walk::files(root)?, "", watcher)
    }
}

/// The digest of `files`, with `prefix` before each name in the directory hash.
pub(crate) fn of_files(
    root: &Path,
    files: &[FoundFile],
    prefix: &str,
    watcher: &dyn Watcher,
) -> Result<FolderDigest, Error> {
    let total = files.iter().map(|file| file.length).sum();
    let mut directory = Sha256::new();
    let mut contents = Vec::with_capacity(files.len());
    let mut done = 0;
    let batches = batches(files);
    let mut next = batches.first().map(|batch| read(root, batch));
    for index in 0..batches.len() {
        check(watcher)?;
        let current = next.take().transpose()?.unwrap_or_default();
        let feed = || feed(&mut directory, root, prefix, current, &mut contents);
        let (read_ahead, fed) = rayon::join(|| batches.get(index + 1).map(|batch| read(root, batch)), feed);
        done += fed?;
        next = read_ahead;
        watcher.progress(&Progress::Hashing { done, total });
    }
    Ok(FolderDigest {
        directory_hash: DirectoryHash(directory.finalize().into()),
        content_hash: ContentHash::of_contents(contents),
        files: files.len() as u64,
        bytes: done,
    })
}

/// Consecutive files that are read together: many small ones, or a large one alone.
fn batches(files: &[FoundFile]) -> Vec<&[FoundFile]> {
    let mut batches = Vec::new();
    let (mut begin, mut bytes) = (0, 0);
    for (index, file) in files.iter().enumerate() {
        let large = file.length > LARGE;
        let full = bytes + file.length > BATCH_BYTES || index - begin >= BATCH_FILES;
        let after_large = index > begin && files[index - 1].length > LARGE;
        if index > begin && (large || full || after_large) {
            batches.push(&files[begin..index]);
            (begin, bytes) = (index, 0);
        }
        bytes += file.length;
    }
    if begin < files.len() {
        batches.push(&files[begin..]);
    }
    batches
}

/// A file whose turn in the directory hash comes next.
struct Ready {
    path: PathBuf,
    /// Content and its SHA-256; nothing for a large file, which is read when its turn comes.
    content: Option<(Vec<u8>, [u8; 32])>,
}

fn read(root: &Path, batch: &[FoundFile]) -> Result<Vec<Ready>, Error> {
    let one = |file: &FoundFile| {
        if file.length > LARGE {
            return Ok(Ready { path: file.path.clone(), content: None });
        }
        let path = root.join(&file.path);
        let failed = |source| Error::Read { path: path.clone(), source };
        let mut content = Vec::with_capacity(file.length as usize + 1);
        File::open(&path).and_then(|f| f.take(2 * LARGE).read_to_end(&mut content)).map_err(failed)?;
        if content.len() as u64 != file.length {
            return Err(failed(std::io::Error::other("the file changed while it was read")));
        }
        let hash = Sha256::digest(&content).into();
        Ok(Ready { path: file.path.clone(), content: Some((content, hash)) })
    };
    batch.par_iter().map(one).collect()
}

/// Adds files to both hashes, in order; returns their bytes.
fn feed(
    directory: &mut Sha256,
    root: &Path,
    prefix: &str,
    batch: Vec<Ready>,
    contents: &mut Vec<(Vec<u8>, [u8; 32])>,
) -> Result<u64, Error> {
    let mut bytes = 0;
    for Ready { path, content } in batch {
        let name = relative_name(&path);
        directory.update(prefix);
        directory.update(&name);
        directory.update([0]);
        let hash = if let Some((content, hash)) = content {
            directory.update(&content);
            bytes += content.len() as u64;
            hash
        } else {
            let (length, hash) = feed_large(directory, &root.join(&path))?;
            bytes += length;
            hash
        };
        directory.update([0]);
        contents.push((name, hash));
    }
    Ok(bytes)
}

fn feed_large(directory: &mut Sha256, path: &Path) -> Result<(u64, [u8; 32]), Error> {
    let failed = |source| Error::Read { path: path.to_owned(), source };
    let mut file = File::open(path).map_err(failed)?;
    let (mut own, mut length, mut block) = (Sha256::new(), 0, vec![0; BLOCK]);
    loop {
        match file.read(&mut block) {
            Ok(0) => return Ok((length, own.finalize().into())),
            Ok(count) => {
                let read = &block[..count];
                rayon::join(|| directory.update(read), || own.update(read));
                length += count as u64;
            }
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(failed(error)),
        }
    }
}
