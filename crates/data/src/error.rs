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
    /// No photo has a partner in the other folder.
    #[error(
        "no pairs: no photo in {} has one of the same name (extension apart) in {}{}; give the edited photos the names of those \
         before, or name other folders",
        before.display(), after.display(), summary(skipped)
    )]
    NoPairs {
        /// The folder of the photos before.
        before: PathBuf,
        /// The folder of the photos after.
        after: PathBuf,
        /// What could not be used, on both sides.
        skipped: Vec<Skipped>,
    },
    /// No photo in the folder has a recipe beside it that a person kept.
    #[error(
        "no lessons: no photo in {} has a recipe beside it{}; `dodge studio` writes them, or name another folder",
        path.display(), summary(skipped)
    )]
    NoLessons {
        /// The folder.
        path: PathBuf,
        /// What could not be used.
        skipped: Vec<Skipped>,
    },
    /// Both sides of the pairs are one folder.
    #[error("{} is given as before and as after; name the folder of the edited photos, too", path.display())]
    OneFolder {
        /// The folder.
        path: PathBuf,
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
    /// The text is not a hash.
    #[error("`{text}` is not a hash: expected 64 hexadecimal digits")]
    InvalidHash {
        /// The text.
        text: String,
    },
    /// No dataset has this id.
    #[error("there is no dataset `{id}`{}; `dodge datasets list` shows all", guess(suggestion.as_deref()))]
    UnknownDataset {
        /// The id asked for.
        id: String,
        /// The id that was perhaps meant.
        suggestion: Option<String>,
    },
    /// A registry of datasets cannot be used. Nothing of it is.
    #[error("{}", problems.join("; "))]
    Registry {
        /// What is wrong, each with file, line, key and what is accepted.
        problems: Vec<String>,
    },
    /// A file could not be downloaded. What came so far is kept where it can be resumed.
    #[error("cannot download {url}: {reason}{}", resumable(part.as_deref()))]
    Download {
        /// The address, without credentials.
        url: String,
        /// What happened and what to do.
        reason: String,
        /// The part that a next attempt goes on with.
        part: Option<PathBuf>,
    },
    /// An archive cannot be used. Nothing of it was put in place.
    #[error("archive {}: {reason}", path.display())]
    Archive {
        /// The archive.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The content is not what the registry says. It is kept, at `path`.
    #[error("{what} of dataset `{id}`: expected {expected}, got {got}; what came lies in {}: {advice}", path.display())]
    WrongHash {
        /// The dataset.
        id: String,
        /// Which hash.
        what: &'static str,
        /// That of the registry.
        expected: Box<str>,
        /// That of the content.
        got: Box<str>,
        /// Where the content lies.
        path: PathBuf,
        /// What to do.
        advice: &'static str,
    },
    /// The dataset was not fetched.
    #[error("dataset `{id}` is not in {}; `dodge datasets fetch {id}` puts it there", path.display())]
    NotFetched {
        /// The dataset.
        id: String,
        /// Where it would be.
        path: PathBuf,
    },
    /// Something else is where the dataset should go. It was left alone.
    #[error("dataset `{id}`: {} {reason}; move it away, then fetch again", path.display())]
    Occupied {
        /// The dataset.
        id: String,
        /// What is in the way.
        path: PathBuf,
        /// What it is.
        reason: &'static str,
    },
    /// The disk has too little space.
    #[error(
        "{} more are needed on the disk of {}, {} are free; free some, or choose another disk with IMAGE_VOLUME_PATH",
        size(*needed), path.display(), size(*available)
    )]
    NoSpace {
        /// A folder on the disk.
        path: PathBuf,
        /// Bytes needed, with what is to stay free.
        needed: u64,
        /// Bytes free.
        available: u64,
    },
    /// Kaggle's credentials are missing or cannot be used.
    #[error(
        "Kaggle: {reason}; make a token in the settings of your account at kaggle.com, then set KAGGLE_USERNAME and \
         KAGGLE_KEY or save it as ~/.kaggle/kaggle.json"
    )]
    Kaggle {
        /// What is wrong with them.
        reason: String,
    },
    /// The caller stopped the work. What was downloaded is kept.
    #[error("stopped; the next fetch goes on where this one ended")]
    Cancelled,
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

fn guess(suggestion: Option<&str>) -> String {
    suggestion.map(|id| format!(", did you mean `{id}`?")).unwrap_or_default()
}

fn resumable(part: Option<&std::path::Path>) -> String {
    part.map(|part| format!("; {} is kept, and the next fetch goes on with it", part.display())).unwrap_or_default()
}

/// Bytes for people.
pub(crate) fn size(bytes: u64) -> String {
    match bytes {
        0..1_000_000 => format!("{:.1} kB", bytes as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", bytes as f64 / 1e6),
        _ => format!("{:.1} GB", bytes as f64 / 1e9),
    }
}
