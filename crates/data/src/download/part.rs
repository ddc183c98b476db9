//! A file that is being downloaded, and what is known of it: enough to go on after any interruption.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use reqwest::Url;
use serde::{Deserialize, Serialize};

use crate::{Error, FileHash, whole_file, write_error};

const FORMAT: u32 = 1;
/// More is no such file of ours.
const MAX_BYTES: u64 = 64 << 10;

/// Longest name of a file, in bytes: what common file systems allow.
const MAX_NAME: usize = 255;

/// What the server said of the file that the part is of.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Identity {
    /// A strong entity tag, or else the time of the last change: what `If-Range` takes.
    pub(super) validator: Option<String>,
    /// Bytes of the whole file.
    pub(super) total: Option<u64>,
}

#[derive(Serialize, Deserialize)]
struct Record {
    format: u32,
    /// A hash of the address, which itself may hold a password.
    url: String,
    #[serde(flatten)]
    identity: Identity,
}

/// The growing file.
#[derive(Debug)]
pub(super) struct Part {
    destination: PathBuf,
    path: PathBuf,
    record: PathBuf,
    url: String,
    file: File,
    length: u64,
    identity: Identity,
}

impl Part {
    /// The part of what goes to `destination`: with what an earlier download of the same address left, else empty.
    pub(super) fn open(destination: &Path, url: &Url) -> Result<Self, Error> {
        let path = with_suffix(destination, ".part");
        let record = with_suffix(destination, ".part.json");
        let url = FileHash::of(url.as_str().as_bytes()).to_string();
        let failed = |source| write_error(&path, source);
        // Appending, so that no byte is written anywhere but behind what is there.
        let file = OpenOptions::new().create(true).append(true).open(&path).map_err(failed)?;
        let length = file.metadata().map_err(failed)?.len();
        let mut part = Self {
            destination: destination.to_owned(),
            path,
            record,
            url,
            file,
            length,
            identity: Identity::default(),
        };
        match part.read_record() {
            Some(identity) => part.identity = identity,
            None if length > 0 => part.clear()?,
            None => {}
        }
        Ok(part)
    }

    fn read_record(&self) -> Option<Identity> {
        let mut text = String::new();
        File::open(&self.record).ok()?.take(MAX_BYTES).read_to_string(&mut text).ok()?;
        let record: Record = serde_json::from_str(&text).ok()?;
        (record.format == FORMAT && record.url == self.url).then_some(record.identity)
    }

    /// Bytes that are there.
    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// What the server said of the file.
    pub(super) fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Where it grows.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Its path, where a later download can go on with it.
    pub(super) fn kept(&self) -> Option<PathBuf> {
        (self.length > 0 && self.identity.validator.is_some()).then(|| self.path.clone())
    }

    /// Begins anew, with a file of which the server says this. It is written down before the first byte comes.
    pub(super) fn begin(&mut self, identity: Identity) -> Result<(), Error> {
        self.clear()?;
        let record = Record { format: FORMAT, url: self.url.clone(), identity: identity.clone() };
        whole_file::write_json(&self.record, &record)?;
        self.identity = identity;
        Ok(())
    }

    /// Throws away what is there.
    pub(super) fn clear(&mut self) -> Result<(), Error> {
        self.file.set_len(0).map_err(|source| write_error(&self.path, source))?;
        self.length = 0;
        self.identity = Identity::default();
        match fs::remove_file(&self.record) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => Err(write_error(&self.record, source)),
            _ => Ok(()),
        }
    }

    /// Adds bytes at the end.
    pub(super) fn append(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.file.write_all(bytes).map_err(|source| write_error(&self.path, source))?;
        self.length += bytes.len() as u64;
        Ok(())
    }

    /// Puts the whole file in place.
    pub(super) fn finish(self) -> Result<(), Error> {
        self.file.sync_all().map_err(|source| write_error(&self.path, source))?;
        whole_file::put(&self.path, &self.destination)?;
        // Best effort: a record without a part is overwritten by the next download.
        let _ = fs::remove_file(&self.record);
        Ok(())
    }

    /// Puts the file aside; returns where.
    pub(super) fn reject(&mut self) -> Result<PathBuf, Error> {
        let path = with_suffix(&self.destination, ".rejected");
        whole_file::put(&self.path, &path)?;
        let _ = fs::remove_file(&self.record);
        Ok(path)
    }
}

/// The path with something added to its name; where that would be longer than file systems allow, to a hash of it.
fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    if name.len() + suffix.len() > MAX_NAME {
        name = FileHash::of(name.as_encoded_bytes()).to_string().into();
    }
    name.push(suffix);
    path.with_file_name(name)
}
