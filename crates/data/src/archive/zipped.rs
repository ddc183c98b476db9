//! zip, read by its directory.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};

use zip::result::ZipError;
use zip::{CompressionMethod, ZipArchive};

use super::EntryProblem;
use super::budget::Budget;
use super::target::Target;
use crate::Error;

/// Largest directory that is read into memory.
const MAX_DIRECTORY: u64 = 1 << 30;
/// Bytes of the archive that are read at a time.
const BUFFER: usize = 128 << 10;
/// The part of Unix rights that tells the type of a file, and some of the types.
const TYPE: u32 = 0o170_000;
const LINK: u32 = 0o120_000;
const FOLDER: u32 = 0o040_000;
const PLAIN: u32 = 0o100_000;

/// Takes the files out.
pub(super) fn extract(
    mut file: File,
    length: u64,
    target: &mut Target<'_>,
    budget: &mut Budget<'_>,
) -> Result<(), Error> {
    budget.all_read(length);
    check_directory(&mut file, length, budget)?;
    let mut archive =
        ZipArchive::new(BufReader::with_capacity(BUFFER, file)).map_err(|error| unusable(error, budget))?;
    budget.check_entries(archive.len() as u64)?;
    for index in 0..archive.len() {
        budget.entry()?;
        // Its name and what it is, without looking at the content: that may be encrypted.
        let entry = archive.by_index_raw(index).map_err(|error| unusable(error, budget))?;
        let name = entry.name().map_or_else(|_| entry.name_raw().to_vec(), |name| name.as_bytes().to_vec());
        let kind = entry.unix_mode().map_or(PLAIN, |mode| mode & TYPE);
        if entry.is_dir() || kind == FOLDER {
            if let Err(problem) = super::name::parts(&name) {
                target.skip(&name, problem);
            }
            continue;
        }
        let problem = match kind {
            LINK => Some(EntryProblem::Link),
            // Archivers of other systems leave the type out.
            PLAIN | 0 if entry.encrypted() => Some(EntryProblem::Encrypted),
            // Asked here: the decoder says it when it is read, when a file was made already.
            PLAIN | 0 => (!is_read(entry.compression())).then_some(EntryProblem::Unsupported),
            _ => Some(EntryProblem::Special),
        };
        drop(entry);
        let Some(place) = target.place(&name, problem)? else { continue };
        match archive.by_index(index) {
            Ok(mut entry) => target.write(&name, &place, &mut entry, budget)?,
            Err(ZipError::UnsupportedArchive(_)) => drop(target.skip(&name, EntryProblem::Unsupported)),
            Err(error) => return Err(unusable(error, budget)),
        }
    }
    Ok(())
}

fn is_read(method: CompressionMethod) -> bool {
    matches!(method, CompressionMethod::Stored | CompressionMethod::Deflated)
}

/// Looks at the end of the file for how many entries there are and how long their directory is, before anything makes
/// room for them.
fn check_directory(file: &mut File, length: u64, budget: &Budget<'_>) -> Result<(), Error> {
    let mut tail = Vec::new();
    let begin = length.saturating_sub(u64::from(u16::MAX) + 22 + 20);
    let read = |file: &mut File, begin, most, bytes: &mut Vec<u8>| -> io::Result<()> {
        file.seek(SeekFrom::Start(begin))?;
        file.take(most).read_to_end(bytes).map(drop)
    };
    read(file, begin, length - begin, &mut tail).map_err(|error| budget.unreadable(&error))?;
    let number = |bytes: &[u8], at: usize, count: usize| -> u64 {
        bytes.get(at..at + count).unwrap_or_default().iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte))
    };
    let Some(end) = tail.windows(4).rposition(|window| window == b"PK\x05\x06") else {
        return Err(budget.unreadable(&io::ErrorKind::UnexpectedEof.into()));
    };
    let (mut entries, mut directory) = (number(&tail, end + 10, 2), number(&tail, end + 12, 4));
    if let Some(locator) = tail.windows(4).rposition(|window| window == b"PK\x06\x07") {
        let mut record = Vec::new();
        read(file, number(&tail, locator + 8, 8), 56, &mut record).map_err(|error| budget.unreadable(&error))?;
        if record.starts_with(b"PK\x06\x06") {
            (entries, directory) = (number(&record, 32, 8), number(&record, 40, 8));
        }
    }
    budget.check_entries(entries)?;
    if directory > MAX_DIRECTORY {
        return Err(budget.damaged("its directory is larger than 1 GiB"));
    }
    file.seek(SeekFrom::Start(0)).map(drop).map_err(|error| budget.unreadable(&error))
}

fn unusable(error: ZipError, budget: &Budget<'_>) -> Error {
    match error {
        ZipError::Io(error) => budget.unreadable(&error),
        ZipError::UnsupportedArchive(reason) => {
            budget.damaged(&format!("it is a kind of zip that is not supported: {reason}"))
        }
        error => budget.damaged(&format!("it is damaged: {error}")),
    }
}
