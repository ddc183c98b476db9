//! The spool: an append-only file per run that survives a killed process.
//!
//! A run's spool is a folder named by the run's id:
//! - `records`: the file header, then frames of marker, length, CRC-32 and payload. The bytes of a
//!   record are handed to the kernel before the logging call returns, so `kill -9` loses nothing.
//! - `ledger.json`: how far delivery has come ([`Ledger`]).
//! - `files/`: copies of artifacts that wait for a server.
//! - `lock`: held by the process that owns the run; who can take it knows that the owner is gone.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::{
    Error,
    record::{Record, Start},
};

/// First bytes of `records`: a name and the version of the format.
const FILE_HEADER: &[u8; 16] = b"dodge-spool v1\r\n";
/// First bytes of a frame. They let a reader find the next frame behind damaged bytes.
const MARKER: [u8; 4] = [0xD0, 0xD6, 0xE5, 0x01];
const FRAME_HEADER: usize = 12;
/// Longest payload. A longer length in a file is damage, and no reason to allocate it.
pub(crate) const MAX_PAYLOAD: usize = 1 << 20;
/// How much is read at a time: at least one whole frame.
const CHUNK: u64 = (MAX_PAYLOAD + FRAME_HEADER) as u64;

const RECORDS: &str = "records";
const LOCK: &str = "lock";
const FILES: &str = "files";

/// The folder of one run's spool, with its lock held.
#[derive(Debug)]
pub(crate) struct SpoolFolder {
    path: PathBuf,
    /// Held until this is dropped or released.
    lock: File,
}

impl SpoolFolder {
    /// Makes the folder of a new run under `spool`, locked, with `start` as its first record.
    pub(crate) fn create(spool: &Path, start: &Start) -> Result<(Self, SpoolWriter), Error> {
        // Made under another name: a recovery that scans `spool` never sees it unlocked or empty.
        let new = spool.join(format!(".new-{}", start.run_id));
        let path = spool.join(&start.run_id);
        let made = Self::fill(&new, start).and_then(|lock| {
            fs::rename(&new, &path).map_err(Error::file("create", &path))?;
            Ok(lock)
        });
        let lock = made.inspect_err(|_| {
            // What could be made of it is of no use; the error that matters is already on its way.
            let _ = fs::remove_dir_all(&new);
        })?;
        let folder = Self { path, lock };
        let writer = SpoolWriter::append_to(&folder)?;
        Ok((folder, writer))
    }

    fn fill(new: &Path, start: &Start) -> Result<File, Error> {
        let files = new.join(FILES);
        fs::create_dir_all(&files).map_err(Error::file("create", &files))?;
        let lock_path = new.join(LOCK);
        let lock = File::create(&lock_path).map_err(Error::file("create", &lock_path))?;
        lock.try_lock().map_err(io::Error::from).map_err(Error::file("lock", &lock_path))?;
        let records = new.join(RECORDS);
        let mut bytes = FILE_HEADER.to_vec();
        put_frame(&mut bytes, &Record::Start(start.clone()));
        fs::write(&records, bytes).map_err(Error::file("write", &records))?;
        Ok(lock)
    }

    /// The folder at `path` if no live process owns it, `None` if one does or it is gone.
    pub(crate) fn take_over(path: &Path) -> Result<Option<Self>, Error> {
        let lock_path = path.join(LOCK);
        let lock = match OpenOptions::new().read(true).write(true).open(&lock_path) {
            Ok(lock) => lock,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Error::file("open", lock_path)(error)),
        };
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(Error::file("lock", lock_path)(error)),
        }
        // Another recovery may have removed the folder between our opening and our locking, or died
        // while it did so: a delivered spool without records, of which the rest can go.
        if !path.join(RECORDS).exists() {
            let _ = fs::remove_dir_all(path);
            return Ok(None);
        }
        Ok(Some(Self { path: path.to_owned(), lock }))
    }

    /// The spool folders under `spool`, in the order of their names. Half-made ones are left out.
    pub(crate) fn list(spool: &Path) -> Result<Vec<PathBuf>, Error> {
        let entries = match fs::read_dir(spool) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(Error::file("read", spool)(error)),
        };
        let mut folders = Vec::new();
        for entry in entries {
            let entry = entry.map_err(Error::file("read", spool))?;
            let name = entry.file_name();
            let is_run_id = name.to_str().is_some_and(|n| n.len() == 32 && n.bytes().all(|b| b.is_ascii_hexdigit()));
            if is_run_id {
                folders.push(entry.path());
            }
        }
        folders.sort();
        Ok(folders)
    }

    /// Gives the folder up: another process, or a later sync of this one, may take it over.
    pub(crate) fn release(&self) {
        if let Err(error) = self.lock.unlock() {
            tracing::warn!(spool = %self.path.display(), %error, "cannot unlock a spool");
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn records(&self) -> PathBuf {
        self.path.join(RECORDS)
    }

    /// The path of the artifact copy called `name`.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.path.join(FILES).join(name)
    }

    /// Removes the spool: everything in it has been delivered.
    pub(crate) fn remove(&self) -> io::Result<()> {
        // `records` goes first: without it the rest is recognised as no spool (see `take_over`).
        fs::remove_file(self.records())?;
        fs::remove_dir_all(&self.path)
    }
}

/// Appends records to a spool.
#[derive(Debug)]
pub(crate) struct SpoolWriter {
    file: File,
    frame: Vec<u8>,
    written: u64,
}

impl SpoolWriter {
    pub(crate) fn append_to(folder: &SpoolFolder) -> Result<Self, Error> {
        let path = folder.records();
        let file = OpenOptions::new().append(true).open(&path).map_err(Error::file("open", &path))?;
        let written = file.metadata().map_err(Error::file("read", &path))?.len();
        Ok(Self { file, frame: Vec::new(), written })
    }

    /// Hands one record to the kernel. On an error (disk full) the file is as it was before.
    pub(crate) fn append(&mut self, record: &Record) -> io::Result<()> {
        self.frame.clear();
        put_frame(&mut self.frame, record);
        if self.frame.len() > MAX_PAYLOAD + FRAME_HEADER {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "record is longer than 1 MiB"));
        }
        if let Err(error) = self.file.write_all(&self.frame) {
            // Half a frame may be there. Cutting it off keeps the file clean; should that fail
            // too, readers step over it.
            if self.file.set_len(self.written).is_err() {
                self.written = self.file.metadata().map_or(self.written, |m| m.len());
            }
            return Err(error);
        }
        self.written += self.frame.len() as u64;
        Ok(())
    }

    /// The length of the file, in bytes.
    pub(crate) fn written(&self) -> u64 {
        self.written
    }
}

/// A record and the offset behind it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Frame {
    pub(crate) record: Record,
    pub(crate) end: u64,
}

/// Reads records from a spool, stepping over damaged bytes.
#[derive(Debug)]
pub(crate) struct SpoolReader {
    path: PathBuf,
    file: File,
    offset: u64,
    /// Bytes that were no valid frame and were stepped over.
    skipped: u64,
}

impl SpoolReader {
    pub(crate) fn open(folder: &SpoolFolder) -> Result<Self, Error> {
        Self::open_file(&folder.records())
    }

    pub(crate) fn open_file(path: &Path) -> Result<Self, Error> {
        let mut file = File::open(path).map_err(Error::file("open", path))?;
        let mut header = [0; FILE_HEADER.len()];
        let read = file.read_exact(&mut header);
        if read.is_err() || &header != FILE_HEADER {
            let what = "is not a spool of this version of dodge";
            let error = io::Error::new(io::ErrorKind::InvalidData, what);
            return Err(Error::file("read", path)(error));
        }
        Ok(Self { path: path.to_owned(), file, offset: FILE_HEADER.len() as u64, skipped: 0 })
    }

    /// The first record, which says whose spool this is. Leaves the reader behind it.
    pub(crate) fn start(&mut self, limit: u64) -> Result<Start, Error> {
        match self.read(limit, 1)?.pop() {
            Some(Frame { record: Record::Start(start), .. }) => Ok(start),
            _ => {
                let what = "does not begin with the start of a run";
                let error = io::Error::new(io::ErrorKind::InvalidData, what);
                Err(Error::file("read", &self.path)(error))
            }
        }
    }

    pub(crate) fn seek(&mut self, offset: u64) {
        self.offset = offset.max(FILE_HEADER.len() as u64);
    }

    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    pub(crate) fn skipped(&self) -> u64 {
        self.skipped
    }

    /// Up to `max` records that lie before the offset `limit`. None: there are no more, and what
    /// may still lie before `limit` is an unfinished record, skipped.
    pub(crate) fn read(&mut self, limit: u64, max: usize) -> Result<Vec<Frame>, Error> {
        let mut frames = Vec::new();
        while frames.is_empty() && self.offset < limit {
            let chunk = self.chunk(limit).map_err(Error::file("read", &self.path))?;
            if chunk.is_empty() {
                break;
            }
            let at_limit = self.offset + chunk.len() as u64 >= limit || chunk.len() < CHUNK as usize;
            let mut at = 0;
            while at < chunk.len() && frames.len() < max {
                match parse(&chunk[at..]) {
                    Parsed::Frame(record, len) => {
                        at += len;
                        let end = self.offset + at as u64;
                        frames.push(Frame { record, end });
                    }
                    // The rest of it is in the next chunk (which then begins with it).
                    Parsed::Unfinished if !at_limit && at > 0 => break,
                    Parsed::Unfinished | Parsed::Damaged => {
                        let next = next_frame(&chunk, at + 1, at_limit);
                        self.skipped += (next - at) as u64;
                        at = next;
                    }
                }
            }
            self.offset += at as u64;
        }
        Ok(frames)
    }

    fn chunk(&mut self, limit: u64) -> io::Result<Vec<u8>> {
        self.file.seek(SeekFrom::Start(self.offset))?;
        let len = CHUNK.min(limit - self.offset);
        let mut chunk = Vec::new();
        (&mut self.file).take(len).read_to_end(&mut chunk)?;
        Ok(chunk)
    }
}

/// How far the delivery of a run has come. Losing it costs a repeated delivery, nothing else.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Progress {
    /// Everything before this offset of `records` has arrived.
    pub(crate) delivered: u64,
    /// Items that the server refused for good; they are listed in `rejected.txt`.
    pub(crate) rejected: u64,
    /// The end of the run has arrived.
    pub(crate) ended: bool,
    /// A run may have been created on the server without our having seen the reply.
    pub(crate) create_attempted: bool,
    pub(crate) server_run_id: Option<String>,
    pub(crate) server_experiment_id: Option<String>,
    pub(crate) artifact_uri: Option<String>,
}

/// [`Progress`] and the file that keeps it.
#[derive(Debug)]
pub(crate) struct Ledger {
    path: PathBuf,
    pub(crate) progress: Progress,
}

impl Ledger {
    pub(crate) fn open(folder: &SpoolFolder) -> Self {
        let path = folder.path().join("ledger.json");
        let progress = match fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).unwrap_or_else(|error| {
                tracing::warn!(path = %path.display(), %error, "unreadable ledger, delivering anew");
                Progress { create_attempted: true, ..Progress::default() }
            }),
            Err(_) => Progress::default(),
        };
        Self { path, progress }
    }

    pub(crate) fn save(&self) -> Result<(), Error> {
        let bytes =
            serde_json::to_vec(&self.progress).map_err(io::Error::from).map_err(Error::file("write", &self.path))?;
        write_atomic(&self.path, &bytes)
    }

    /// Adds a line on an item that a server refused to `rejected.txt`.
    pub(crate) fn note_rejected(&mut self, what: &str, reason: &str) {
        self.progress.rejected += 1;
        let path = self.path.with_file_name("rejected.txt");
        let line = format!("{what}: {}\n", reason.replace('\n', " "));
        let written = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&path)
            .and_then(|mut file| file.write_all(line.as_bytes()));
        if let Err(error) = written {
            tracing::warn!(path = %path.display(), %error, "cannot note a rejected item");
        }
    }
}

/// Writes a file so that it is there whole or not at all.
pub(crate) fn write_atomic(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let temporary = temporary_beside(path);
    fs::write(&temporary, bytes)
        .and_then(|()| fs::rename(&temporary, path))
        .inspect_err(|_| {
            let _ = fs::remove_file(&temporary);
        })
        .map_err(Error::file("write", path))
}

/// Copies a file so that the copy is there whole or not at all.
pub(crate) fn copy_atomic(from: &Path, to: &Path) -> Result<(), Error> {
    let mut source = File::open(from).map_err(Error::file("read", from))?;
    if source.metadata().is_ok_and(|metadata| metadata.is_dir()) {
        let error = io::Error::new(io::ErrorKind::IsADirectory, "is a folder, not a file");
        return Err(Error::file("read", from)(error));
    }
    let temporary = temporary_beside(to);
    // Not a hard link: a caller that rewrites its file in place would rewrite the artifact.
    File::create(&temporary)
        .and_then(|mut target| io::copy(&mut source, &mut target))
        .and_then(|_| fs::rename(&temporary, to))
        .inspect_err(|_| {
            let _ = fs::remove_file(&temporary);
        })
        .map_err(Error::file("write", to))
}

fn temporary_beside(path: &Path) -> PathBuf {
    path.with_file_name(format!(".{}.tmp", uuid::Uuid::new_v4().simple()))
}

enum Parsed {
    Frame(Record, usize),
    /// Could become a frame with more bytes.
    Unfinished,
    Damaged,
}

fn parse(bytes: &[u8]) -> Parsed {
    let Some(header) = bytes.first_chunk::<FRAME_HEADER>() else {
        return Parsed::Unfinished;
    };
    let [m0, m1, m2, m3, l0, l1, l2, l3, c0, c1, c2, c3] = *header;
    let len = u32::from_le_bytes([l0, l1, l2, l3]) as usize;
    if [m0, m1, m2, m3] != MARKER || len > MAX_PAYLOAD {
        return Parsed::Damaged;
    }
    let Some(payload) = bytes.get(FRAME_HEADER..FRAME_HEADER + len) else {
        return Parsed::Unfinished;
    };
    if crc32fast::hash(payload) != u32::from_le_bytes([c0, c1, c2, c3]) {
        return Parsed::Damaged;
    }
    match Record::decode(payload) {
        Ok(record) => Parsed::Frame(record, FRAME_HEADER + len),
        Err(_) => Parsed::Damaged,
    }
}

/// Where, at or behind `from`, a frame begins; the end of the chunk if none does.
fn next_frame(chunk: &[u8], from: usize, at_limit: bool) -> usize {
    let mut at = from;
    while let Some(rest) = chunk.get(at..).filter(|rest| !rest.is_empty()) {
        let Some(found) = rest.iter().position(|byte| *byte == MARKER[0]) else {
            break;
        };
        at += found;
        match parse(&chunk[at..]) {
            Parsed::Frame(..) => return at,
            Parsed::Unfinished if !at_limit => return at,
            Parsed::Unfinished | Parsed::Damaged => at += 1,
        }
    }
    chunk.len()
}

fn put_frame(out: &mut Vec<u8>, record: &Record) {
    let start = out.len();
    out.extend([0; FRAME_HEADER]);
    record.encode(out);
    let payload = &out[start + FRAME_HEADER..];
    let len = u32::try_from(payload.len()).unwrap_or(u32::MAX).to_le_bytes();
    let crc = crc32fast::hash(payload).to_le_bytes();
    out[start..start + 4].copy_from_slice(&MARKER);
    out[start + 4..start + 8].copy_from_slice(&len);
    out[start + 8..start + FRAME_HEADER].copy_from_slice(&crc);
}

#[cfg(test)]
mod tests;
