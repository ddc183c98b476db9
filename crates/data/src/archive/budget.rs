//! How much an archive has used of what it may.

use std::cell::Cell;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::ExtractionLimits;
use crate::{Error, space};

/// The space on the disk is asked for each time that this many bytes came out.
const SPACE_STEP: u64 = 64 << 20;

/// Counts entries and bytes, and refuses what is too much.
pub(super) struct Budget<'a> {
    limits: &'a ExtractionLimits,
    archive: &'a Path,
    folder: PathBuf,
    entries: u64,
    bytes: u64,
    /// Bytes read from the archive.
    read: Rc<Cell<u64>>,
    space_checked: u64,
}

impl<'a> Budget<'a> {
    pub(super) fn new(limits: &'a ExtractionLimits, archive: &'a Path, folder: &Path) -> Self {
        let read = Rc::new(Cell::new(0));
        Self { limits, archive, folder: folder.to_owned(), entries: 0, bytes: 0, read, space_checked: 0 }
    }

    /// A reader that counts what is read of the archive.
    pub(super) fn counting<R: Read>(&self, inner: R) -> Counting<R> {
        Counting { inner, read: Rc::clone(&self.read) }
    }

    /// All of the archive counts as read, for a kind that is not read from beginning to end.
    pub(super) fn all_read(&self, length: u64) {
        self.read.set(length);
    }

    /// The archive, for messages.
    pub(super) fn name(&self) -> std::path::Display<'_> {
        self.archive.display()
    }

    /// Counts an entry.
    pub(super) fn entry(&mut self) -> Result<(), Error> {
        self.entries += 1;
        self.check_entries(self.entries)
    }

    /// Refuses an archive with this many entries, if that is too many.
    pub(super) fn check_entries(&self, entries: u64) -> Result<(), Error> {
        if entries > self.limits.entries {
            return Err(self.damaged(&format!("it has more than {} entries", self.limits.entries)));
        }
        Ok(())
    }

    /// Counts bytes that came out.
    pub(super) fn bytes(&mut self, bytes: u64) -> Result<(), Error> {
        self.bytes = self.bytes.saturating_add(bytes);
        if self.bytes > self.limits.bytes {
            let most = crate::error::size(self.limits.bytes);
            return Err(self.damaged(&format!("more than {most} come out of it")));
        }
        let allowed = self.limits.ratio * self.read.get() as f64;
        if self.bytes > self.limits.ratio_from && self.bytes as f64 > allowed {
            let ratio = self.limits.ratio;
            return Err(self.damaged(&format!(
                "more than {ratio} times its size comes out of it: it is made to fill the disk, or holds no photos"
            )));
        }
        if self.bytes - self.space_checked >= SPACE_STEP {
            self.space_checked = self.bytes;
            space::ensure(&self.folder, SPACE_STEP, self.limits.keep_free)?;
        }
        Ok(())
    }

    /// The error for what is wrong with the archive.
    pub(super) fn damaged(&self, reason: &str) -> Error {
        Error::Archive { path: self.archive.to_owned(), reason: reason.to_owned() }
    }

    /// The error for a failure to read it.
    pub(super) fn unreadable(&self, error: &io::Error) -> Error {
        let reason = if error.kind() == io::ErrorKind::UnexpectedEof {
            "it is cut short; fetch it again".to_owned()
        } else {
            format!("it is damaged: {error}")
        };
        self.damaged(&reason)
    }
}

/// See [`Budget::counting`].
pub(super) struct Counting<R> {
    inner: R,
    read: Rc<Cell<u64>>,
}

impl<R: Read> Read for Counting<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.read.set(self.read.get() + count as u64);
        Ok(count)
    }
}
