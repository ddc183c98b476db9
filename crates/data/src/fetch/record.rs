//! What is written down of a dataset that was fetched, and of an archive that waits to be taken apart.

use std::fs;
use std::io::Read;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::place::Place;
use crate::{Entry, Error, FolderDigest, whole_file};

const FORMAT: u32 = 1;
/// More is no record of ours.
const MAX_BYTES: u64 = 64 << 10;
/// In the folder of the dataset; hidden, so that it is in no hash and no list of photos.
const NAME: &str = ".dodge-dataset.json";

/// Written before a dataset is put in its place.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Record {
    format: u32,
    id: String,
    /// Where it came from.
    pub(super) source: String,
    pub(super) content_hash: String,
    directory_hash: String,
    files: u64,
    bytes: u64,
    description: String,
    licence: String,
}

#[derive(Serialize, Deserialize)]
struct ArchiveRecord {
    format: u32,
    source: String,
    length: u64,
}

/// The source of an entry as it is written down: with what is taken from it.
pub(super) fn source(entry: &Entry) -> String {
    format!("{}, {:?}", entry.source, entry.selection)
}

/// Writes the record of a dataset into its folder.
pub(super) fn write(folder: &Path, entry: &Entry, digest: FolderDigest) -> Result<(), Error> {
    let record = Record {
        format: FORMAT,
        id: entry.id.clone(),
        source: source(entry),
        content_hash: digest.content_hash.to_string(),
        directory_hash: digest.directory_hash.to_string(),
        files: digest.files,
        bytes: digest.bytes,
        description: entry.description.clone(),
        licence: entry.licence.clone(),
    };
    whole_file::write_json(&folder.join(NAME), &record)
}

/// The record of a dataset in its place.
pub(super) fn read(place: &Place) -> Option<Record> {
    read_json(&place.dataset().join(NAME)).filter(|record: &Record| record.format == FORMAT)
}

/// Whether there is one.
pub(super) fn exists(place: &Place) -> bool {
    place.dataset().join(NAME).is_file()
}

/// Writes down that the archive is whole.
pub(super) fn remember_archive(place: &Place, entry: &Entry) -> Result<(), Error> {
    let path = place.archive();
    let length = fs::metadata(&path).map_err(|source| Error::Read { path, source })?.len();
    let record = ArchiveRecord { format: FORMAT, source: entry.source.to_string(), length };
    whole_file::write_json(&place.archive_record(), &record)
}

/// Whether the archive is whole and of this entry.
pub(super) fn is_archive_of(place: &Place, entry: &Entry) -> bool {
    let length = fs::metadata(place.archive()).map(|metadata| metadata.len()).ok();
    read_json(&place.archive_record()).is_some_and(|record: ArchiveRecord| {
        record.format == FORMAT && record.source == entry.source.to_string() && Some(record.length) == length
    })
}

/// The archive will be downloaded again.
pub(super) fn forget_archive(place: &Place) {
    // Best effort: without the archive, or with another one, the record says nothing.
    let _ = fs::remove_file(place.archive_record());
}

fn read_json<T: for<'a> Deserialize<'a>>(path: &Path) -> Option<T> {
    let mut text = String::new();
    fs::File::open(path).ok()?.take(MAX_BYTES).read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}
