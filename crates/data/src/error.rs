//! The one error type of this crate.

use std::path::PathBuf;

use crate::Skipped;

/// What can go wrong with datasets.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The folder does not exist.
    #[error("no such folder: {}; check the path, or name another folder with photos", path.display())]
    NoSuchFolder {
        /// The folder asked for.
        path: PathBuf,
    },
    /// The path names something else than a folder.
    #[error("{} is not a folder; name the folder that holds the photos, not a file in it", path.display())]
    NotAFolder {
        /// The path asked for.
        path: PathBuf,
    },
    /// The folder holds no usable photo.
    #[error("no photos in {}{}; put JPEG, PNG, TIFF or WebP files there, or name another folder", path.display(), summary(skipped))]
    NoPhotos {
        /// The folder.
        path: PathBuf,
        /// What looked like a photo and could not be used.
        skipped: Vec<Skipped>,
    },
    /// A list of photos does not make a dataset.
    #[error("photo {}: {reason}", path.display())]
    InvalidPhotoPath {
        /// The path as it was given.
        path: PathBuf,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A file or folder could not be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A file or folder could not be written.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// The reason: the system's, or the encoder's.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// An acquisition service could not be used, or did not do what it was asked for.
    #[error("the acquisition service at {url} {reason}")]
    Service {
        /// Where it is.
        url: String,
        /// What it did or said.
        reason: String,
    },
    /// The text is not a content hash.
    #[error("`{text}` is not a content hash: expected 64 hexadecimal digits")]
    InvalidHash {
        /// The text.
        text: String,
    },
    /// Synthetic photos cannot be made as asked.
    #[error("synthetic photos: {reason}")]
    InvalidSynthetic {
        /// What is wrong and what is accepted.
        reason: String,
    },
}

/// How many reasons an error message lists: enough to see a pattern, few enough to read.
const REASONS_SHOWN: usize = 3;

fn summary(skipped: &[Skipped]) -> String {
    if skipped.is_empty() {
        return String::new();
    }
    let reasons = skipped.iter().take(REASONS_SHOWN).map(|s| format!("{}: {}", s.path.display(), s.reason));
    let more = if skipped.len() > REASONS_SHOWN { "; ..." } else { "" };
    format!(" ({} unusable: {}{more})", skipped.len(), reasons.collect::<Vec<_>>().join("; "))
}
