//! What a source of photographs yields.

use std::collections::{HashMap, HashSet};
use std::path::{Component, Path, PathBuf};

use crate::flat_name::unique_names;
use crate::hashing::{Hashed, Hashing};
use crate::relative_name::relative_name;
use crate::{ContentHash, Error, Skipped};

/// A source of photographs. Implement it to bring your own.
///
/// An implementation puts the photos into a folder (or finds them there), and hands the list to [`Dataset::new`],
/// which checks it, names the photos and computes the content hash.
pub trait DataLoader: Send + Sync {
    /// Makes the photos available as files.
    ///
    /// # Errors
    /// [`Error`], naming the folder or file and what to do.
    fn load(&self) -> Result<Dataset, Error>;

    /// The kind of source in a word or two, for the record of a run: `folder`, `synthetic`.
    fn describe(&self) -> String;
}

/// Photos in a folder: at least one, sorted, each with a unique name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dataset {
    root: PathBuf,
    photos: Vec<PhotoFile>,
    skipped: Vec<Skipped>,
    content_hash: ContentHash,
    after_root: Option<PathBuf>,
}

/// One photo of a [`Dataset`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PhotoFile {
    path: PathBuf,
    name: String,
    after: Option<PathBuf>,
    recipe: Option<PathBuf>,
}

impl Dataset {
    /// A dataset of the files `photos`, given relative to `root`, in any order. Reads each file once, in parallel, to
    /// compute the content hash; does not decode them.
    ///
    /// # Errors
    /// [`Error::NoPhotos`] when the list is empty, [`Error::InvalidPhotoPath`] when a path is absolute, leaves the
    /// root or occurs twice, [`Error::Read`] when a file cannot be read.
    pub fn new(root: PathBuf, photos: Vec<PathBuf>, skipped: Vec<Skipped>) -> Result<Self, Error> {
        check(&photos)?;
        let photos = read(&root, photos)?;
        Self::of_hashed(root, photos, skipped)
    }

    /// The same of files that were read already.
    pub(crate) fn of_hashed(root: PathBuf, mut photos: Vec<Hashed>, skipped: Vec<Skipped>) -> Result<Self, Error> {
        if photos.is_empty() {
            return Err(Error::NoPhotos { path: root, skipped });
        }
        photos.sort_by_cached_key(|photo| relative_name(&photo.path));
        let content_hash = content_hash(&photos);
        let paths: Vec<PathBuf> = photos.into_iter().map(|photo| photo.path).collect();
        let names = unique_names(&paths);
        let photos = paths
            .iter()
            .zip(names)
            .map(|(path, name)| PhotoFile { path: root.join(path), name, after: None, recipe: None })
            .collect();
        Ok(Self { root, photos, skipped, content_hash, after_root: None })
    }

    /// A dataset of pairs: for each photo before it was edited, relative to `before`, the same one after, relative to
    /// `after`. The content hash covers both sides.
    ///
    /// # Errors
    /// As [`Dataset::new`].
    pub fn of_pairs(
        before: PathBuf,
        after: PathBuf,
        pairs: &[(PathBuf, PathBuf)],
        skipped: Vec<Skipped>,
    ) -> Result<Self, Error> {
        let (first, second): (Vec<_>, Vec<_>) = pairs.iter().cloned().unzip();
        check(&first)?;
        check(&second)?;
        let pairs = read(&before, first)?.into_iter().zip(read(&after, second)?).collect();
        Self::of_hashed_pairs(before, after, pairs, skipped)
    }

    /// The same of files that were read already.
    pub(crate) fn of_hashed_pairs(
        before: PathBuf,
        after: PathBuf,
        pairs: Vec<(Hashed, Hashed)>,
        skipped: Vec<Skipped>,
    ) -> Result<Self, Error> {
        let partners: HashMap<PathBuf, PathBuf> =
            pairs.iter().map(|(first, second)| (before.join(&first.path), after.join(&second.path))).collect();
        let (first, second): (Vec<Hashed>, Vec<Hashed>) = pairs.into_iter().unzip();
        let mut dataset = Self::of_hashed(before, first, skipped)?;
        for photo in &mut dataset.photos {
            photo.after = partners.get(&photo.path).cloned();
        }
        dataset.content_hash = ContentHash::of_pairs(dataset.content_hash, content_hash(&second));
        dataset.after_root = Some(after);
        Ok(dataset)
    }

    /// A dataset of lessons: for each photo the recipe that a person kept for it, both relative to `root`. The content hash covers
    /// both.
    ///
    /// # Errors
    /// As [`Dataset::new`].
    pub fn of_lessons(root: PathBuf, lessons: &[(PathBuf, PathBuf)], skipped: Vec<Skipped>) -> Result<Self, Error> {
        let (photos, recipes): (Vec<_>, Vec<_>) = lessons.iter().cloned().unzip();
        check(&photos)?;
        check(&recipes)?;
        let lessons = read(&root, photos)?.into_iter().zip(read(&root, recipes)?).collect();
        Self::of_hashed_lessons(root, lessons, skipped)
    }

    /// The same of files that were read already.
    pub(crate) fn of_hashed_lessons(
        root: PathBuf,
        lessons: Vec<(Hashed, Hashed)>,
        skipped: Vec<Skipped>,
    ) -> Result<Self, Error> {
        let of_photo: HashMap<PathBuf, PathBuf> =
            lessons.iter().map(|(photo, recipe)| (root.join(&photo.path), root.join(&recipe.path))).collect();
        let (photos, recipes): (Vec<Hashed>, Vec<Hashed>) = lessons.into_iter().unzip();
        let mut dataset = Self::of_hashed(root, photos, skipped)?;
        dataset.content_hash = ContentHash::of_pairs(dataset.content_hash, content_hash(&recipes));
        for photo in &mut dataset.photos {
            photo.recipe = of_photo.get(&photo.path).cloned();
        }
        Ok(dataset)
    }

    /// Whether the photos are lessons: [`PhotoFile::recipe`] is there for each.
    #[must_use]
    pub fn has_lessons(&self) -> bool {
        self.photos.iter().any(|photo| photo.recipe.is_some())
    }

    /// The folder of the other side, where the photos are pairs: [`PhotoFile::after`] lies in it for each.
    #[must_use]
    pub fn after_root(&self) -> Option<&Path> {
        self.after_root.as_deref()
    }

    /// The folder that all photos lie in.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The photos, sorted by their path relative to the root, byte by byte; at least one.
    #[must_use]
    pub fn photos(&self) -> &[PhotoFile] {
        &self.photos
    }

    /// What looked like a photo and was left out, in the order in which the loader found it.
    #[must_use]
    pub fn skipped(&self) -> &[Skipped] {
        &self.skipped
    }

    /// Identifies names and contents of the photos.
    #[must_use]
    pub fn content_hash(&self) -> ContentHash {
        self.content_hash
    }
}

impl PhotoFile {
    /// The file: the root of its dataset, joined with the path inside.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The same photo after somebody edited it, where the dataset is one of pairs.
    #[must_use]
    pub fn after(&self) -> Option<&Path> {
        self.after.as_deref()
    }

    /// The recipe that a person kept for it, where the dataset is one of lessons.
    #[must_use]
    pub fn recipe(&self) -> Option<&Path> {
        self.recipe.as_deref()
    }

    /// A name that is unique in the dataset even where case does not count, and usable as a file stem everywhere:
    /// 1 to about 170 ASCII letters, digits, `-` and `_`.
    ///
    /// It is the relative path without extension, with `-` between folders and `_` in place of other characters
    /// (`a/my photo.jpg` becomes `a-my_photo`). Where that would be the same for several photos, all of them get a
    /// part of the hash of their relative path appended.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// Refuses paths that are no photos of one root, each once.
fn check(photos: &[PathBuf]) -> Result<(), Error> {
    let mut seen = HashSet::new();
    for path in photos {
        let inside = path.components().all(|part| matches!(part, Component::Normal(_)));
        let reason = if path.as_os_str().is_empty() || !inside {
            "the path must be relative to the root of the dataset and stay inside"
        } else if !seen.insert(relative_name(path)) {
            "the path occurs twice"
        } else {
            continue;
        };
        return Err(Error::InvalidPhotoPath { path: path.clone(), reason });
    }
    Ok(())
}

fn read(root: &Path, paths: Vec<PathBuf>) -> Result<Vec<Hashed>, Error> {
    let found = Hashing::default().of_files(root, &paths)?.into_iter().zip(paths);
    found.map(|(file, path)| file.map_err(|source| Error::Read { path: root.join(path), source })).collect()
}

fn content_hash(files: &[Hashed]) -> ContentHash {
    ContentHash::of_contents(files.iter().map(|file| (relative_name(&file.path), file.content)).collect())
}
