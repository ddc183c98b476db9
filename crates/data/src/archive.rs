//! Taking archives apart: tar, plain or compressed, and zip, told by content. Whatever an archive says, nothing is written
//! outside the target, and only plain files and folders are made.

mod budget;
mod kind;
mod name;
mod sparse;
mod stream;
mod tape;
mod target;
mod zipped;

use std::fs::File;
use std::path::Path;

use crate::watch::Watcher;
use crate::{Error, Selection};
use budget::Budget;
use target::Target;

pub use kind::ArchiveKind;

/// How much an archive may hold. More is an error: a small file can ask for more than any disk has.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ExtractionLimits {
    /// Most entries, those that are left out included.
    pub entries: u64,
    /// Most bytes that come out, those of files that are left out included.
    pub bytes: u64,
    /// Most bytes that come out for each byte of the archive, once there are more than
    /// [`ratio_from`](Self::ratio_from). Photos hardly shrink at all.
    pub ratio: f64,
    /// Bytes from which the ratio counts: text and blank pictures shrink well.
    pub ratio_from: u64,
    /// Bytes that stay free on the disk.
    pub keep_free: u64,
}

impl ExtractionLimits {
    /// Limits that no archive of photos reaches. They change no result, so they are no hyperparameters.
    #[must_use]
    pub fn standard() -> Self {
        Self { entries: 4_000_000, bytes: 1 << 40, ratio: 100.0, ratio_from: 64 << 20, keep_free: 256 << 20 }
    }
}

/// What came out of an archive.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Extracted {
    /// Files written.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Entries that were left out because of what they are, the first [`MOST_RECORDS`]. What the selection did not ask
    /// for is not among them.
    pub skipped: Vec<SkippedEntry>,
    /// How many were left out in all.
    pub skipped_count: u64,
}

/// Entries left out that are recorded one by one; the others are counted.
pub const MOST_RECORDS: usize = 1000;

/// An entry of an archive that was left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SkippedEntry {
    /// Its name, shortened where it is long, with `?` for what is no text.
    pub name: String,
    /// Why.
    pub reason: EntryProblem,
}

/// Why an entry of an archive is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum EntryProblem {
    /// Its name begins at the root of the file system or of a drive.
    #[error("its path is absolute")]
    Absolute,
    /// Its name leads out of the archive, with `..`.
    #[error("its path leads out of the archive")]
    Outside,
    /// Its name is longer than file systems allow, or its folders are too deep.
    #[error("its path is too long")]
    TooLong,
    /// Its name is not Unicode, or holds control characters or what this system does not allow.
    #[error("its name cannot be used on this system")]
    BadName,
    /// Its name differs from that of an earlier entry only in case.
    #[error("its name differs from that of an earlier entry only in case")]
    CaseCollision,
    /// A file is where it needs a folder, or the other way around.
    #[error("an earlier entry is in its place")]
    Conflict,
    /// A symbolic or hard link.
    #[error("it is a link")]
    Link,
    /// A device, a pipe, or another thing that is no file.
    #[error("it is no file")]
    Special,
    /// It is encrypted.
    #[error("it is encrypted")]
    Encrypted,
    /// It is compressed in a way that is not supported.
    #[error("its compression is not supported")]
    Unsupported,
}

/// Takes the selected files of `archive` out into the folder `target`, which must be empty and writable by nobody else.
///
/// Times, owners and rights of the entries are not kept. An entry whose name came before replaces the earlier one. When
/// it fails, files written so far stay in `target`: it is for the caller to remove them.
///
/// # Errors
/// [`Error::Archive`] when the file is no archive, damaged, cut short, beyond the limits, or holds nothing that was asked
/// for; [`Error::Read`], [`Error::Write`], [`Error::NoSpace`], [`Error::Cancelled`].
pub fn extract(
    archive: &Path,
    target: &Path,
    selection: &Selection,
    limits: &ExtractionLimits,
    watcher: &dyn Watcher,
) -> Result<Extracted, Error> {
    let failed = |source| Error::Read { path: archive.to_owned(), source };
    let mut file = File::open(archive).map_err(failed)?;
    let length = file.metadata().map_err(failed)?.len();
    let kind = ArchiveKind::of(&mut file).map_err(failed)?;
    let mut budget = Budget::new(limits, archive, target);
    let mut target = Target::new(target, selection, watcher);
    match kind {
        Some(ArchiveKind::Zip) => zipped::extract(file, length, &mut target, &mut budget)?,
        Some(kind) => tape::extract(file, kind, &mut target, &mut budget)?,
        None => {
            let known = "tar (plain, gz, xz, zst) and zip";
            return Err(budget.damaged(&match kind::foreign(&mut file).map_err(failed)? {
                _ if length == 0 => "the file is empty".to_owned(),
                Some(foreign) => format!("it is {foreign}, which is not supported; pack it again: {known} are read"),
                None => "it is neither tar (plain, gz, xz, zst) nor zip".to_owned(),
            }));
        }
    }
    let extracted = target.finish();
    if extracted.files == 0 {
        return Err(budget.damaged(&nothing(&extracted)));
    }
    Ok(extracted)
}

fn nothing(extracted: &Extracted) -> String {
    let example = extracted.skipped.first().map(|entry| format!(", for example `{}`: {}", entry.name, entry.reason));
    match extracted.skipped_count {
        0 => "it holds no file that was asked for; check archive_root and category".to_owned(),
        count => format!("it holds no file that can be used; {count} were left out{}", example.unwrap_or_default()),
    }
}
