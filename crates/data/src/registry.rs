//! Datasets by name: what `dodge datasets list` shows, and where each comes from.

mod read;

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use dodge_hparams::closest;
use dodge_imaging::text_of;

use crate::{ContentHash, DirectoryHash, Error, FileHash, Numbers, Selection};

/// Most bytes of a registry file that is read.
const MAX_BYTES: u64 = 4 << 20;

/// The list that comes with the program.
const BUILT_IN: &str = include_str!("../datasets.toml");

/// What the built-in list is called in messages and in the record of an entry.
const BUILT_IN_NAME: &str = "built-in list";

/// Named datasets, by id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registry {
    entries: BTreeMap<String, Entry>,
}

/// A named dataset.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entry {
    /// Its name: letters, digits, `-`, `_` and `.`, at most 100.
    pub id: String,
    /// What it is, in a sentence.
    pub description: String,
    /// Under what terms it may be used, as far as known.
    pub licence: String,
    /// Where it comes from.
    pub source: Source,
    /// What is taken from the archive.
    pub selection: Selection,
    /// The folder inside the dataset's folder that the files go into; empty for the dataset's folder itself.
    pub images: PathBuf,
    /// What the predecessor's hash of the files must be.
    pub directory_hash: Option<DirectoryHash>,
    /// What our hash of the files must be.
    pub content_hash: Option<ContentHash>,
    /// What the SHA-256 of the archive must be.
    pub archive_sha256: Option<FileHash>,
    /// The file that says so: the built-in list, or the path of the last file that set something of it.
    pub defined_in: String,
}

/// Where a dataset comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Source {
    /// A folder on this machine, used where it is.
    Folder(PathBuf),
    /// An archive at an `http` or `https` address.
    Url(String),
    /// An archive on this machine.
    Archive(PathBuf),
    /// A dataset of Kaggle, as `owner/name`.
    Kaggle(String),
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Folder(path) => write!(f, "folder {}", path.display()),
            Self::Url(url) => f.write_str(&crate::download::without_credentials(url)),
            Self::Archive(path) => write!(f, "archive {}", path.display()),
            Self::Kaggle(name) => write!(f, "kaggle {name}"),
        }
    }
}

impl Entry {
    /// An entry without hashes that takes everything from its source.
    #[must_use]
    pub fn new(id: impl Into<String>, source: Source) -> Self {
        Self {
            id: id.into(),
            description: String::new(),
            licence: String::new(),
            source,
            selection: Selection::new("", Numbers::All),
            images: PathBuf::new(),
            directory_hash: None,
            content_hash: None,
            archive_sha256: None,
            defined_in: "the program".to_owned(),
        }
    }
}

impl Registry {
    /// The datasets that Dodge knows by itself.
    ///
    /// # Panics
    /// Never: the list is part of the program, and a test reads it.
    #[must_use]
    pub fn built_in() -> Self {
        read::entries(&[read::Document { text: BUILT_IN, name: BUILT_IN_NAME, folder: Path::new("") }])
            .map(|entries| Self { entries })
            .expect("the built-in list is valid")
    }

    /// The built-in datasets with the file `path` on top: its entries are added, and its keys win over those of a
    /// built-in entry with the same id, one by one. Relative paths in the file start from its folder.
    ///
    /// # Errors
    /// [`Error::Read`] when the file cannot be read, [`Error::Registry`] with all that is wrong with it.
    pub fn with_file(path: &Path) -> Result<Self, Error> {
        let failed = |source| Error::Read { path: path.to_owned(), source };
        let mut bytes = Vec::new();
        fs::File::open(path).and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes)).map_err(failed)?;
        if bytes.len() as u64 > MAX_BYTES {
            return Err(failed(std::io::Error::other("a list of datasets has at most 4 MiB")));
        }
        let text = text_of(bytes).map_err(|error| failed(std::io::Error::other(error)))?;
        Self::with_text(&text, &path.display().to_string(), path.parent().unwrap_or(Path::new("")))
    }

    /// The built-in datasets with a list in TOML on top, which is called `name` in messages and whose relative paths
    /// start from `folder`. See [`Registry::with_file`].
    ///
    /// # Errors
    /// [`Error::Registry`] with all that is wrong with it.
    pub fn with_text(text: &str, name: &str, folder: &Path) -> Result<Self, Error> {
        // The text of a file that the caller read may have a mark in front, as editors for Windows write it.
        let text = text.trim_start_matches('\u{feff}');
        let built_in = read::Document { text: BUILT_IN, name: BUILT_IN_NAME, folder: Path::new("") };
        Ok(Self { entries: read::entries(&[built_in, read::Document { text, name, folder }])? })
    }

    /// Adds an entry, in place of one with the same id.
    ///
    /// # Errors
    /// [`Error::Registry`] when the id or the images folder is none.
    pub fn insert(&mut self, entry: Entry) -> Result<(), Error> {
        let problems: Vec<String> =
            [read::check_id(&entry.id), read::check_images(&entry.images)].into_iter().flatten().collect();
        if !problems.is_empty() {
            return Err(Error::Registry { problems });
        }
        self.entries.insert(entry.id.clone(), entry);
        Ok(())
    }

    /// All entries, by id.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values()
    }

    /// The entry of this id.
    ///
    /// # Errors
    /// [`Error::UnknownDataset`], with the id that was perhaps meant.
    pub fn get(&self, id: &str) -> Result<&Entry, Error> {
        self.entries.get(id).ok_or_else(|| Error::UnknownDataset {
            id: id.chars().take(100).collect(),
            suggestion: closest(id, self.entries.keys().map(String::as_str)).map(str::to_owned),
        })
    }
}
