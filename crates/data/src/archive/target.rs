//! The folder that files are written to.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::hash::{BuildHasherDefault, Hasher};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::budget::Budget;
use super::{EntryProblem, Extracted, MOST_RECORDS, SkippedEntry, name};
use crate::watch::{Progress, Watcher, check};
use crate::{Error, Selection, write_error};

/// Bytes in memory.
const BLOCK: usize = 128 << 10;
/// Longest name in a record.
const SHOWN: usize = 200;

/// Writes files, each to where its name and the selection say.
pub(super) struct Target<'a> {
    folder: &'a Path,
    selection: &'a Selection,
    watcher: &'a dyn Watcher,
    /// Hashes of the paths written, without and with case, so that millions of names fit into memory.
    written: HashMap<u64, u64, BuildHasherDefault<Passed>>,
    last_folder: Option<PathBuf>,
    block: Vec<u8>,
    report: Extracted,
}

/// A file that will be written.
pub(super) struct Place {
    path: PathBuf,
}

/// Hands a hash on as it is.
#[derive(Default)]
struct Passed(u64);

impl Hasher for Passed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = value;
    }
}

impl<'a> Target<'a> {
    pub(super) fn new(folder: &'a Path, selection: &'a Selection, watcher: &'a dyn Watcher) -> Self {
        let block = vec![0; BLOCK];
        let (written, report) = (HashMap::default(), Extracted::default());
        Self { folder, selection, watcher, written, last_folder: None, block, report }
    }

    /// Where an entry goes; nothing if it is left out, which is recorded unless the selection left it out.
    pub(super) fn place(&mut self, name: &[u8], problem: Option<EntryProblem>) -> Result<Option<Place>, Error> {
        check(self.watcher)?;
        let parts = match name::parts(name) {
            Ok(parts) => parts,
            Err(problem) => return Ok(self.skip(name, problem)),
        };
        let Some(inside) = self.selection.place(&parts).filter(|inside| !inside.is_empty()) else { return Ok(None) };
        if let Some(problem) = problem {
            return Ok(self.skip(name, problem));
        }
        let path: PathBuf = std::iter::once(self.folder.as_os_str()).chain(inside.iter().map(AsRef::as_ref)).collect();
        let text = inside.join("/");
        let (any_case, exact) = (short_hash(&text.to_lowercase()), short_hash(&text));
        match self.written.insert(any_case, exact) {
            Some(earlier) if earlier != exact => {
                self.written.insert(any_case, earlier);
                return Ok(self.skip(name, EntryProblem::CaseCollision));
            }
            // As other programs do: the last of the same name counts. Removed, and not written over.
            Some(_) => {
                if let Ok(metadata) = fs::symlink_metadata(&path)
                    && metadata.is_file()
                {
                    fs::remove_file(&path).map_err(|source| write_error(&path, source))?;
                    self.report.files -= 1;
                    self.report.bytes -= metadata.len();
                }
            }
            None => {}
        }
        let folder = path.parent().unwrap_or(self.folder).to_owned();
        if self.last_folder.as_ref() != Some(&folder) {
            match fs::create_dir_all(&folder) {
                Ok(()) => self.last_folder = Some(folder),
                Err(error) if is_conflict(&error) => return Ok(self.skip(name, EntryProblem::Conflict)),
                Err(source) => return Err(write_error(&folder, source)),
            }
        }
        Ok(Some(Place { path }))
    }

    /// Records an entry that is left out.
    pub(super) fn skip(&mut self, name: &[u8], reason: EntryProblem) -> Option<Place> {
        self.report.skipped_count += 1;
        if self.report.skipped.len() < MOST_RECORDS {
            self.report.skipped.push(SkippedEntry { name: shown(name), reason });
        }
        None
    }

    /// Writes a file from what `content` yields.
    pub(super) fn write(
        &mut self,
        name: &[u8],
        place: &Place,
        content: &mut dyn Read,
        budget: &mut Budget<'_>,
    ) -> Result<(), Error> {
        let path = &place.path;
        // `create_new` follows no link and opens no device, whatever lies there.
        let mut file = match OpenOptions::new().write(true).create_new(true).open(path) {
            Ok(file) => file,
            Err(error) if is_conflict(&error) => {
                self.skip(name, EntryProblem::Conflict);
                return Ok(());
            }
            Err(source) => return Err(write_error(path, source)),
        };
        let length = self.copy(content, Some((&mut file, path)), budget)?;
        self.report.files += 1;
        self.report.bytes += length;
        let (files, bytes) = (self.report.files, self.report.bytes);
        self.watcher.progress(&Progress::Extracting { files, bytes });
        Ok(())
    }

    /// Ends the work if it was cancelled.
    pub(super) fn check(&self) -> Result<(), Error> {
        check(self.watcher)
    }

    /// Reads what nobody wants. It counts, too: it costs time.
    pub(super) fn pass_over(&mut self, content: &mut dyn Read, budget: &mut Budget<'_>) -> Result<u64, Error> {
        self.copy(content, None, budget)
    }

    fn copy(
        &mut self,
        content: &mut dyn Read,
        mut file: Option<(&mut File, &Path)>,
        budget: &mut Budget<'_>,
    ) -> Result<u64, Error> {
        let mut length = 0;
        loop {
            let count = match content.read(&mut self.block) {
                Ok(0) => return Ok(length),
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(budget.unreadable(&error)),
            };
            check(self.watcher)?;
            budget.bytes(count as u64)?;
            if let Some((file, path)) = &mut file {
                file.write_all(&self.block[..count]).map_err(|source| write_error(path, source))?;
            }
            length += count as u64;
        }
    }

    /// What was done.
    pub(super) fn finish(self) -> Extracted {
        self.report
    }
}

/// A name of an entry for people, whatever bytes it is made of.
pub(super) fn shown(name: &[u8]) -> String {
    let text = String::from_utf8_lossy(&name[..name.len().min(4 * SHOWN)]);
    let readable = |c: char| if c.is_control() || c == char::REPLACEMENT_CHARACTER { '?' } else { c };
    text.chars().take(SHOWN).map(readable).collect()
}

/// Whether something else is where a file or folder should be.
fn is_conflict(error: &io::Error) -> bool {
    use io::ErrorKind::{AlreadyExists, IsADirectory, NotADirectory};
    matches!(error.kind(), AlreadyExists | IsADirectory | NotADirectory)
}

/// A part of the SHA-256: nobody makes two names with the same one to have a file left out.
fn short_hash(text: &str) -> u64 {
    let hash = Sha256::digest(text);
    hash.iter().take(8).fold(0, |value, byte| value << 8 | u64::from(*byte))
}
