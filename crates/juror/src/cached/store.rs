//! The file of scores.
//!
//! Behind eight bytes that tell what it is it holds records of one length: key, score and a checksum of both. They are only added, under a
//! lock that processes share. A record that was not written whole is recognised by its checksum and left out when the file is opened, which then
//! is written anew: a score that is lost is asked for again.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::key::Key;

/// The format and its version: another one is another eight bytes.
const HEADER: &[u8; 8] = b"dodgesc1";

const SCORE_BYTES: usize = 8;
const RECORD_BYTES: usize = Key::BYTES + SCORE_BYTES + 4;

/// A file of scores that is open.
pub(super) struct Store {
    path: PathBuf,
    file: File,
    most_bytes: u64,
}

impl Store {
    /// Opens the file, or makes one with its folder, and reads its scores, the oldest first. What is damaged is left out, and the file
    /// repaired.
    pub(super) fn open(path: &Path, most_bytes: u64) -> io::Result<(Self, Vec<(Key, f64)>)> {
        fs::create_dir_all(dodge_imaging::folder_of(path))?;
        let file = OpenOptions::new().read(true).append(true).create(true).open(path)?;
        let mut store = Self { path: path.to_owned(), file, most_bytes };
        let scores = store.locked(|store| {
            let is_new = store.file.metadata()?.len() == 0;
            let (mut scores, damaged) = store.read()?;
            if damaged && !is_new {
                tracing::warn!(file = %store.path.display(), kept = scores.len(), "a damaged file of scores is made anew");
            }
            let most = store.most_scores();
            if damaged || scores.len() > most {
                scores.drain(..scores.len().saturating_sub(most));
                store.rewrite(&scores)?;
            }
            Ok(scores)
        })?;
        Ok((store, scores))
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Adds scores. Where the file would grow too long its older half goes first.
    pub(super) fn append(&mut self, scores: &[(Key, f64)]) -> io::Result<()> {
        if scores.is_empty() {
            return Ok(());
        }
        self.locked(|store| {
            let (length, added) = (store.file.metadata()?.len(), (scores.len() * RECORD_BYTES) as u64);
            if length + added > store.most_bytes {
                let (mut all, _) = store.read()?;
                all.extend(scores);
                all.drain(..all.len().saturating_sub(store.most_scores() / 2));
                store.rewrite(&all)
            } else {
                store.file.write_all(&records(scores))
            }
        })
    }

    /// Most scores that fit.
    fn most_scores(&self) -> usize {
        let most = self.most_bytes.saturating_sub(HEADER.len() as u64) / RECORD_BYTES as u64;
        usize::try_from(most).unwrap_or(usize::MAX)
    }

    /// Does something while no other process may. Where a file system knows no locks, the checksums have to do.
    fn locked<T>(&mut self, work: impl FnOnce(&mut Self) -> io::Result<T>) -> io::Result<T> {
        let locked = self.file.lock();
        let done = work(self);
        if locked.is_ok() {
            self.file.unlock()?;
        }
        done
    }

    /// All scores that are whole, and whether anything is not. Reads at most one and a half times what the file may hold, however long
    /// it is.
    fn read(&mut self) -> io::Result<(Vec<(Key, f64)>, bool)> {
        let most = self.most_bytes.saturating_add(self.most_bytes / 2);
        let mut bytes = Vec::new();
        self.file.seek(SeekFrom::Start(0))?;
        (&mut self.file).take(most).read_to_end(&mut bytes)?;
        let Some((header, records)) = bytes.split_first_chunk::<{ HEADER.len() }>() else {
            return if HEADER.starts_with(&bytes) { Ok((Vec::new(), true)) } else { Err(not_ours()) };
        };
        let (records, rest) = records.as_chunks::<RECORD_BYTES>();
        let scores: Vec<(Key, f64)> = records.iter().filter_map(score_of).collect();
        if header != HEADER && scores.is_empty() {
            return Err(not_ours());
        }
        let is_whole = header == HEADER && rest.is_empty() && scores.len() == records.len();
        Ok((scores, !is_whole || self.file.metadata()?.len() > most))
    }

    /// Writes the file anew, in its place: others that have it open go on with it.
    fn rewrite(&mut self, scores: &[(Key, f64)]) -> io::Result<()> {
        self.file.set_len(0)?;
        self.file.write_all(&[&HEADER[..], &records(scores)].concat())
    }
}

fn not_ours() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "something else is in its place; remove it or name another file")
}

fn records(scores: &[(Key, f64)]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(scores.len() * RECORD_BYTES);
    for (key, score) in scores {
        let start = bytes.len();
        bytes.extend(key.0);
        bytes.extend(score.to_le_bytes());
        let checksum = crc32fast::hash(&bytes[start..]);
        bytes.extend(checksum.to_le_bytes());
    }
    bytes
}

/// What a record holds, where it is whole.
fn score_of(record: &[u8; RECORD_BYTES]) -> Option<(Key, f64)> {
    let (content, checksum) = record.split_last_chunk::<4>()?;
    let (key, score) = content.split_first_chunk::<{ Key::BYTES }>()?;
    let score = f64::from_le_bytes(score.try_into().ok()?);
    (crc32fast::hash(content) == u32::from_le_bytes(*checksum) && score.is_finite()).then_some((Key(*key), score))
}
