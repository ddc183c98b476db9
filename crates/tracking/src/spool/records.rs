//! The file of a spool: how it is appended to, and how it is read whatever happened to it.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use super::disk::{DiskThread, Durability};
use crate::{
    Error,
    record::{Record, Start},
};

/// First bytes of `records`: a name and the version of the format.
pub(super) const FILE_HEADER: &[u8; 16] = b"dodge-spool v1\r\n";
/// First bytes of a frame. They let a reader find the next frame behind damaged bytes.
const MARKER: [u8; 4] = [0xD0, 0xD6, 0xE5, 0x01];
const FRAME_HEADER: usize = 12;
/// Longest payload. A longer length in a file is damage, and no reason to allocate it.
pub(crate) const MAX_PAYLOAD: usize = 1 << 20;
/// How much is read at a time: at least one whole frame.
const CHUNK: u64 = (MAX_PAYLOAD + FRAME_HEADER) as u64;

/// Appends records to a spool.
#[derive(Debug)]
pub(crate) struct SpoolWriter {
    file: File,
    frame: Vec<u8>,
    written: u64,
    disk: DiskThread,
}

impl SpoolWriter {
    /// Appends to the file at `path`, in the spool folder `folder`.
    pub(super) fn append_to(path: &Path, folder: &Path, durability: Durability) -> Result<Self, Error> {
        let file = OpenOptions::new().append(true).open(path).map_err(Error::file("open", path))?;
        let written = file.metadata().map_err(Error::file("read", path))?.len();
        let disk = DiskThread::start(&file, folder, durability).map_err(Error::file("open", path))?;
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
    pub(crate) fn open_file(path: &Path) -> Result<Self, Error> {
        let mut file = File::open(path).map_err(Error::file("open", path))?;
        let mut header = [0; FILE_HEADER.len()];
        match file.read_exact(&mut header) {
            Err(error) if error.kind() != io::ErrorKind::UnexpectedEof => return Err(Error::file("read", path)(error)),
            _ => {}
        }
        if &header != FILE_HEADER {
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

pub(super) fn put_frame(out: &mut Vec<u8>, encode: impl FnOnce(&mut Vec<u8>)) {
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
