//! The files of a dataset, read for its content hash: who hears of it, who may stop it, and what is known from before.

use std::collections::HashMap;
use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use rayon::prelude::*;
use sha2::{Digest, Sha256};

use crate::hex::hexadecimal;
use crate::relative_name::relative_name;
use crate::watch::check;
use crate::{Error, Progress, Unwatched, Watcher};

/// How a loader reads its files for [`Dataset::content_hash`](crate::Dataset::content_hash).
///
/// Every byte of every file counts, which takes long for a folder of a camera's files: a [`Watcher`] follows it and may stop it, and a
/// memory keeps what was found, so that the next start reads those files only that are new or were changed.
#[derive(Clone)]
pub struct Hashing {
    watcher: Arc<dyn Watcher + Send>,
    memory: Option<PathBuf>,
}

/// A file and the SHA-256 of its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Hashed {
    /// Relative to the root of the dataset.
    pub(crate) path: PathBuf,
    pub(crate) content: [u8; 32],
}

impl Default for Hashing {
    /// Nobody follows it, and nothing is remembered.
    fn default() -> Self {
        Self { watcher: Arc::new(Unwatched), memory: None }
    }
}

impl Hashing {
    /// Tells `watcher` how far it is ([`Progress::Hashing`]), and asks it whether to go on.
    #[must_use]
    pub fn watched_by(self, watcher: Arc<dyn Watcher + Send>) -> Self {
        Self { watcher, ..self }
    }

    /// Remembers hashes in `folder`, one file for each root; the folder is made where it is missing. A hash counts as long as name,
    /// length and times of its file stay (on Unix its inode and the time of its last change, too, which nobody can set).
    #[must_use]
    pub fn remembered_in(self, folder: impl Into<PathBuf>) -> Self {
        Self { memory: Some(folder.into()), ..self }
    }

    /// The content of each file in the order of `paths`, which are relative to `root`, or why it cannot be read.
    ///
    /// # Errors
    /// [`Error::Cancelled`]; what was read until then is remembered.
    pub(crate) fn of_files(&self, root: &Path, paths: &[PathBuf]) -> Result<Vec<io::Result<Hashed>>, Error> {
        let memory = self.memory.as_deref().and_then(|folder| Memory::open(folder, root));
        let looked_up: Vec<LookedUp> =
            paths.par_iter().map(|path| LookedUp::new(&root.join(path), path, memory.as_ref())).collect();
        let unknown = looked_up.iter().filter(|file| file.known.is_none());
        let counter =
            Counter { watcher: &*self.watcher, total: unknown.map(|file| file.length).sum(), done: Mutex::new(0) };
        let read: Vec<io::Result<Option<[u8; 32]>>> = paths
            .par_iter()
            .zip(&looked_up)
            .map(|(path, file)| match file.known {
                Some(content) => Ok(Some(content)),
                None => {
                    let content = hash_file(&root.join(path), &|| self.watcher.cancelled());
                    counter.add(file.length);
                    content
                }
            })
            .collect();
        if let Some(memory) = &memory {
            let content = |read: &io::Result<Option<[u8; 32]>>| read.as_ref().ok().copied().flatten();
            memory
                .keep(looked_up.iter().zip(&read).filter_map(|(file, read)| Some((file.fingerprint?, content(read)?))));
        }
        check(&*self.watcher)?;
        let file = |(path, read): (&PathBuf, io::Result<Option<[u8; 32]>>)| match read {
            Ok(Some(content)) => Ok(Ok(Hashed { path: path.clone(), content })),
            // Stopped, although nobody says so any more.
            Ok(None) => Err(Error::Cancelled),
            Err(error) => Ok(Err(error)),
        };
        paths.iter().zip(read).map(file).collect()
    }
}

impl std::fmt::Debug for Hashing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hashing").field("memory", &self.memory).finish_non_exhaustive()
    }
}

/// Tells of bytes in the order in which they are counted, whichever thread read them.
struct Counter<'a> {
    watcher: &'a dyn Watcher,
    total: u64,
    done: Mutex<u64>,
}

impl Counter<'_> {
    fn add(&self, bytes: u64) {
        let mut done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        *done += bytes;
        self.watcher.progress(&Progress::Hashing { done: *done, total: self.total });
    }
}

/// Bytes of a file in memory at a time, for each thread.
const BLOCK: usize = 64 * 1024;

/// The SHA-256 of a file; none where `stop` became true before its end.
fn hash_file(path: &Path, stop: &dyn Fn() -> bool) -> io::Result<Option<[u8; 32]>> {
    let mut file = File::open(path)?;
    let mut hasher = Sha256::new();
    let mut block = vec![0; BLOCK];
    while !stop() {
        match file.read(&mut block) {
            Ok(0) => return Ok(Some(hasher.finalize().into())),
            Ok(count) => hasher.update(&block[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

/// By what a file is known again.
type Fingerprint = [u8; 16];

/// What is known of a file before it is read.
struct LookedUp {
    length: u64,
    /// None where the file may still change without a trace, or nothing is remembered.
    fingerprint: Option<Fingerprint>,
    known: Option<[u8; 32]>,
}

impl LookedUp {
    fn new(file: &Path, name: &Path, memory: Option<&Memory>) -> Self {
        // What cannot be looked at is told when it is read.
        let Ok(metadata) = fs::metadata(file) else { return Self { length: 0, fingerprint: None, known: None } };
        let fingerprint = memory.filter(|memory| memory.outlives(&metadata)).map(|_| fingerprint(name, &metadata));
        let known = fingerprint.and_then(|fingerprint| memory?.known.get(&fingerprint).copied());
        Self { length: metadata.len(), fingerprint, known }
    }
}

/// The first line of a memory.
const FORMAT: &str = "dodge-hashes-1";

/// Most bytes of a memory that are read: room for two million files.
const MOST_BYTES: u64 = 256 << 20;

/// Hashes of an earlier time: a line for each file, its fingerprint and its SHA-256.
struct Memory {
    path: PathBuf,
    known: HashMap<Fingerprint, [u8; 32]>,
    /// When it was opened, by the clock of its folder.
    opened: SystemTime,
}

impl Memory {
    /// None where nothing can be written: without a memory the next time is slower, nothing else.
    fn open(folder: &Path, root: &Path) -> Option<Self> {
        let root = fs::canonicalize(root).ok()?;
        let path = folder.join(format!("{}.hashes", hexadecimal(&Sha256::digest(relative_name(&root))[..16])));
        fs::create_dir_all(folder).ok()?;
        let opened = dodge_imaging::temporary_beside(&path).ok()?.as_file().metadata().ok()?.modified().ok()?;
        let known = read(&path).unwrap_or_default();
        Some(Self { path, known, opened })
    }

    /// Whether a change of the file from now on changes its times, too: two within one tick of the clock do not.
    fn outlives(&self, metadata: &Metadata) -> bool {
        metadata.modified().is_ok_and(|modified| modified < self.opened)
    }

    fn keep(&self, files: impl Iterator<Item = (Fingerprint, [u8; 32])>) {
        let files: HashMap<Fingerprint, [u8; 32]> = files.collect();
        if files == self.known {
            return;
        }
        let mut lines: Vec<String> =
            files.iter().map(|(name, content)| format!("{} {}\n", hexadecimal(name), hexadecimal(content))).collect();
        lines.sort_unstable();
        // As above: without it, the next time is slower.
        let _ = dodge_imaging::write_whole(&self.path, format!("{FORMAT}\n{}", lines.concat()).as_bytes());
    }
}

fn read(path: &Path) -> Option<HashMap<Fingerprint, [u8; 32]>> {
    let mut text = String::new();
    File::open(path).ok()?.take(MOST_BYTES).read_to_string(&mut text).ok()?;
    let lines = text.strip_prefix(FORMAT)?.strip_prefix('\n')?.lines();
    lines.map(|line| line.split_once(' ').and_then(|(name, content)| Some((bytes(name)?, bytes(content)?)))).collect()
}

/// So many bytes from twice as many hexadecimal digits.
fn bytes<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits = text.as_bytes();
    let mut bytes = [0; N];
    if digits.len() != 2 * N {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        let digit = |digit: u8| char::from(digit).to_digit(16);
        *byte = u8::try_from(digit(pair[0])? << 4 | digit(pair[1])?).ok()?;
    }
    Some(bytes)
}

fn fingerprint(name: &Path, metadata: &Metadata) -> Fingerprint {
    let name = relative_name(name);
    let mut hasher = Sha256::new();
    hasher.update((name.len() as u64).to_le_bytes());
    hasher.update(&name);
    hasher.update(metadata.len().to_le_bytes());
    // Times before 1970 are told apart from times after it.
    let since = |time: SystemTime| time.duration_since(UNIX_EPOCH).map_or_else(|e| (0_u8, e.duration()), |it| (1, it));
    if let Ok((sign, since)) = metadata.modified().map(since) {
        hasher.update([sign]);
        hasher.update(since.as_nanos().to_le_bytes());
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        for number in [metadata.ctime(), metadata.ctime_nsec(), metadata.ino() as i64] {
            hasher.update(number.to_le_bytes());
        }
    }
    let mut short = Fingerprint::default();
    short.copy_from_slice(&hasher.finalize()[..16]);
    short
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread::sleep;
    use std::time::Duration;

    use super::*;

    /// Counts the files that are read, and stops after some.
    struct Reading {
        files: AtomicUsize,
        most: usize,
    }

    impl Watcher for Reading {
        fn progress(&self, _: &Progress) {
            self.files.fetch_add(1, Ordering::Relaxed);
        }

        fn cancelled(&self) -> bool {
            self.files.load(Ordering::Relaxed) >= self.most
        }
    }

    struct Place(tempfile::TempDir);

    impl Place {
        /// Three files, older than a tick of the clock.
        fn new() -> Self {
            let place = Self(tempfile::tempdir().unwrap());
            fs::create_dir(place.0.path().join("photos")).unwrap();
            for name in ["a", "b", "c"] {
                place.write(name, name);
            }
            place
        }

        fn write(&self, name: &str, text: &str) {
            fs::write(self.0.path().join("photos").join(name), text).unwrap();
            sleep(Duration::from_millis(30));
        }

        fn memory(&self) -> PathBuf {
            let mut files = fs::read_dir(self.0.path().join("memory")).unwrap();
            files.next().unwrap().unwrap().path()
        }

        /// What is found, and how many files were read for it.
        fn hashed(&self, most: usize) -> (Result<Vec<[u8; 32]>, Error>, usize) {
            let reading = Arc::new(Reading { files: AtomicUsize::new(0), most });
            let hashing = Hashing::default().watched_by(reading.clone()).remembered_in(self.0.path().join("memory"));
            let found = hashing.of_files(&self.0.path().join("photos"), &["a", "b", "c"].map(PathBuf::from));
            let contents = found.map(|found| found.into_iter().map(|file| file.unwrap().content).collect());
            (contents, reading.files.load(Ordering::Relaxed))
        }

        #[track_caller]
        fn check(&self, contents: [&str; 3], read: usize) {
            let (found, files) = self.hashed(usize::MAX);
            let expected: Vec<[u8; 32]> = contents.iter().map(|content| Sha256::digest(content).into()).collect();
            assert_eq!((found.unwrap(), files), (expected, read));
        }
    }

    #[test]
    fn only_what_changed_is_read_again() {
        let place = Place::new();
        place.check(["a", "b", "c"], 3);
        place.check(["a", "b", "c"], 0);
        place.write("b", "x");
        place.check(["a", "x", "c"], 1);
        let path = place.0.path().join("photos/c");
        let modified = fs::metadata(&path).unwrap().modified().unwrap();
        place.write("c", "y");
        File::options().write(true).open(&path).unwrap().set_modified(modified).unwrap();
        sleep(Duration::from_millis(30));
        #[cfg(unix)]
        place.check(["a", "x", "y"], 1);
    }

    #[test]
    fn a_memory_that_is_none_does_no_harm() {
        let place = Place::new();
        place.check(["a", "b", "c"], 3);
        for text in ["", "dodge-hashes-1\nabc", "dodge-hashes-2\n", "dodge-hashes-1\nzz zz\n", "\u{fffd}"] {
            fs::write(place.memory(), text).unwrap();
            place.check(["a", "b", "c"], 3);
        }
        place.check(["a", "b", "c"], 0);
    }

    #[test]
    fn what_was_read_before_a_stop_is_not_read_again() {
        let place = Place::new();
        let (found, first) = place.hashed(1);
        assert!(matches!(found, Err(Error::Cancelled)), "{found:?}");
        let kept = fs::read_to_string(place.memory()).unwrap().lines().count() - 1;
        assert!((1..=first).contains(&kept), "{kept} of {first}");
        place.check(["a", "b", "c"], 3 - kept);
    }

    #[test]
    fn a_file_that_is_gone_is_told() {
        let place = Place::new();
        fs::remove_file(place.0.path().join("photos/b")).unwrap();
        let found =
            Hashing::default().of_files(&place.0.path().join("photos"), &["a", "b"].map(PathBuf::from)).unwrap();
        assert!(found[0].is_ok() && found[1].is_err(), "{found:?}");
    }
}
