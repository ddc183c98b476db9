//! The spool: an append-only file per run that survives a killed process.
//!
//! A run's spool is a folder named by the run's id:
//! - `records`: the file header, then frames of marker, length, CRC-32 and payload. The bytes of a
//!   record are handed to the kernel before the logging call returns, so `kill -9` loses nothing.
//! - `ledger.json`: how far delivery has come ([`Ledger`]).
//! - `files/`: copies of artifacts that wait for a server.
//! - `lock`: held by the process that owns the run; who can take it knows that the owner is gone.
//!
//! A spool of which everything has arrived moves from `spool/` to `delivered/` beside it, without its
//! `files/`: what was logged can still be compared with what the destination holds, and the run can
//! go on. The oldest of them go when they outgrow a limit.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    time::SystemTime,
};

use crate::{
    Error,
    record::{Record, Start},
};

mod disk;
mod ledger;

use disk::DiskThread;
pub use disk::Durability;
pub(crate) use ledger::{Ledger, Progress, ServedModel};

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
const DELIVERED: &str = "delivered";

/// The folder of one run's spool, with its lock held.
#[derive(Debug)]
pub(crate) struct SpoolFolder {
    path: PathBuf,
    /// Held until this is dropped or released.
    lock: File,
}

impl SpoolFolder {
    /// Makes the folder of a new run under `spool`, locked, with `start` as its first record.
    pub(crate) fn create(spool: &Path, start: &Start, durability: Durability) -> Result<(Self, SpoolWriter), Error> {
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
        let writer = SpoolWriter::append_to(&folder, durability)?;
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
        put_frame(&mut bytes, |out| Record::Start(start.clone()).encode(out));
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

    /// Our id of the run, after which the folder is named.
    pub(crate) fn run_id(&self) -> String {
        self.path.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    pub(crate) fn records(&self) -> PathBuf {
        self.path.join(RECORDS)
    }

    /// The path of the artifact copy called `name`.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.path.join(FILES).join(name)
    }

    /// Removes the spool.
    pub(crate) fn remove(&self) -> io::Result<()> {
        remove_folder(&self.path)
    }

    /// Puts the spool aside: everything in it has been delivered. Of all those put aside, the newest
    /// are kept whose records are together at most `keep` bytes long.
    pub(crate) fn retire(&self, keep: u64) -> io::Result<()> {
        let delivered = delivered_folder(&self.path);
        let Some((delivered, name)) = delivered.as_deref().zip(self.path.file_name()).filter(|_| keep > 0) else {
            return self.remove();
        };
        fs::create_dir_all(delivered)?;
        let files = self.path.join(FILES);
        if files.exists() {
            fs::remove_dir_all(files)?;
        }
        let target = delivered.join(name);
        if target.exists() {
            // Of an earlier delivery of the same run, which this one repeats or continues.
            fs::remove_dir_all(&target)?;
        }
        fs::rename(&self.path, target)?;
        trim(delivered, keep)
    }

    /// Brings the spool of the run `id` under `spool` back from those put aside, where it is there.
    pub(crate) fn bring_back(spool: &Path, id: &str) -> Result<(), Error> {
        let path = spool.join(id);
        let Some(aside) = delivered_folder(&path)
            .map(|delivered| delivered.join(id))
            .filter(|aside| aside.exists() && !path.exists())
        else {
            return Ok(());
        };
        fs::rename(&aside, &path).map_err(Error::file("move", aside))
    }

    /// The folders put aside, beside the folder `spool`, in the order of their names.
    pub(crate) fn list_delivered(spool: &Path) -> Result<Vec<PathBuf>, Error> {
        Self::list(&spool.with_file_name(DELIVERED))
    }
}

/// `delivered/` beside the `spool/` that holds the folder of a run.
fn delivered_folder(run: &Path) -> Option<PathBuf> {
    Some(run.parent()?.with_file_name(DELIVERED))
}

fn remove_folder(path: &Path) -> io::Result<()> {
    // `records` goes first: without it the rest is recognised as no spool (see `take_over`).
    fs::remove_file(path.join(RECORDS))?;
    fs::remove_dir_all(path)
}

/// Removes the oldest folders below `delivered`, until the records of the others are at most `keep` bytes.
fn trim(delivered: &Path, keep: u64) -> io::Result<()> {
    let mut folders: Vec<(SystemTime, u64, PathBuf)> = Vec::new();
    for entry in fs::read_dir(delivered)? {
        let path = entry?.path();
        // Another process may have removed it meanwhile.
        if let Ok(records) = fs::metadata(path.join(RECORDS)) {
            folders.push((records.modified()?, records.len(), path));
        }
    }
    folders.sort();
    let mut total: u64 = folders.iter().map(|(_, len, _)| len).sum();
    for (_, len, path) in folders {
        if total <= keep {
            break;
        }
        total -= len;
        match remove_folder(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// Appends records to a spool.
#[derive(Debug)]
pub(crate) struct SpoolWriter {
    file: File,
    frame: Vec<u8>,
    written: u64,
    disk: DiskThread,
}

impl SpoolWriter {
    pub(crate) fn append_to(folder: &SpoolFolder, durability: Durability) -> Result<Self, Error> {
        let path = folder.records();
        let file = OpenOptions::new().append(true).open(&path).map_err(Error::file("open", &path))?;
        let written = file.metadata().map_err(Error::file("read", &path))?.len();
        let disk = DiskThread::start(&file, folder.path(), durability).map_err(Error::file("open", &path))?;
        Ok(Self { file, frame: Vec::new(), written, disk })
    }

    /// Hands one record to the kernel. On an error (disk full) the file is as it was before.
    pub(crate) fn append(&mut self, record: &Record) -> io::Result<()> {
        self.append_encoded(|out| record.encode(out))
    }

    /// [`SpoolWriter::append`] of a record that `encode` writes.
    pub(crate) fn append_encoded(&mut self, encode: impl FnOnce(&mut Vec<u8>)) -> io::Result<()> {
        self.frame.clear();
        put_frame(&mut self.frame, encode);
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
        self.disk.written(&self.file)
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

fn put_frame(out: &mut Vec<u8>, encode: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend([0; FRAME_HEADER]);
    encode(out);
    let payload = &out[start + FRAME_HEADER..];
    let len = u32::try_from(payload.len()).unwrap_or(u32::MAX).to_le_bytes();
    let crc = crc32fast::hash(payload).to_le_bytes();
    out[start..start + 4].copy_from_slice(&MARKER);
    out[start + 4..start + 8].copy_from_slice(&len);
    out[start + 8..start + FRAME_HEADER].copy_from_slice(&crc);
}

#[cfg(test)]
mod tests;
