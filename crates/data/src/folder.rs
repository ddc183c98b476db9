//! Photos from a folder.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use dodge_imaging::{Encoding, Photo, is_photo_file};
use rayon::prelude::*;

use crate::{DataLoader, Dataset, Error, Skipped};

/// Shortest side in pixels of a photo that is used: on less there is nothing to see.
pub const MIN_SIDE: u32 = 16;

/// All photos in a folder and the folders in it.
///
/// JPEG, PNG, TIFF and WebP are told by content, whatever their extension. Every photo is decoded once, in parallel, so that a
/// damaged file is found here and not in the middle of a training run; it is reported in [`Dataset::skipped`], like a
/// file with the extension of a photo and another content, and like a photo with a side of less than [`MIN_SIDE`]
/// pixels. Hidden files and folders (those whose name begins with a dot) and all other files are passed over.
///
/// Links to files are followed. Links to folders are followed too, but each folder is visited once.
#[derive(Debug, Clone)]
pub struct FolderLoader {
    root: PathBuf,
}

impl FolderLoader {
    /// Will load the photos in `root`; nothing is read yet.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }
}

impl DataLoader for FolderLoader {
    fn load(&self) -> Result<Dataset, Error> {
        match fs::metadata(&self.root) {
            Ok(metadata) if metadata.is_dir() => {}
            Ok(_) => return Err(Error::NotAFolder { path: self.root.clone() }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(Error::NoSuchFolder { path: self.root.clone() });
            }
            Err(source) => return Err(Error::Read { path: self.root.clone(), source }),
        }
        let (files, mut skipped) = list(&self.root)?;
        let inspected: Vec<_> = files.par_iter().map(|file| inspect(&self.root.join(file))).collect();
        let mut photos = Vec::new();
        for (file, finding) in files.into_iter().zip(inspected) {
            match finding {
                Finding::Photo => photos.push(file),
                Finding::Unusable(reason) => skipped.push(Skipped { path: self.root.join(file), reason }),
                Finding::Other => {}
            }
        }
        skipped.sort_by(|a, b| a.path.cmp(&b.path));
        Dataset::new(self.root.clone(), photos, skipped)
    }

    fn describe(&self) -> String {
        "folder".to_owned()
    }
}

enum Finding {
    Photo,
    Unusable(String),
    Other,
}

/// The files below `root`, relative to it, and the folders that cannot be read.
fn list(root: &Path) -> Result<(Vec<PathBuf>, Vec<Skipped>), Error> {
    let (mut files, mut skipped) = (Vec::new(), Vec::new());
    let mut visited = HashSet::new();
    let mut folders = vec![PathBuf::new()];
    // Links wait until no real folder is left, so that a folder is listed under its own name where it has one here.
    let mut links = Vec::new();
    while let Some(folder) = folders.pop().or_else(|| links.pop()) {
        let path = root.join(&folder);
        let entries = fs::canonicalize(&path)
            .and_then(|real| if visited.insert(real) { fs::read_dir(&path)?.collect() } else { Ok(Vec::new()) });
        let mut entries: Vec<fs::DirEntry> = match entries {
            Ok(entries) => entries,
            Err(source) if folder.as_os_str().is_empty() => return Err(Error::Read { path, source }),
            Err(error) => {
                skipped.push(Skipped { path, reason: format!("the folder cannot be read: {error}") });
                continue;
            }
        };
        // Reversed, because both lists are taken from the end.
        entries.sort_by_key(|entry| std::cmp::Reverse(entry.file_name()));
        for entry in entries {
            let name = entry.file_name();
            if name.as_encoded_bytes().starts_with(b".") {
                continue;
            }
            let relative = folder.join(name);
            match (fs::metadata(entry.path()), entry.file_type()) {
                (Ok(target), Ok(own)) if target.is_dir() => {
                    if own.is_symlink() {
                        links.push(relative)
                    } else {
                        folders.push(relative)
                    }
                }
                // Pipes and devices are left out: opening one may wait forever.
                (Ok(target), _) if target.is_file() => files.push(relative),
                (Ok(_), _) => {}
                (Err(error), _) => {
                    if is_named_like_a_photo(&relative) {
                        skipped.push(Skipped { path: entry.path(), reason: format!("cannot be read: {error}") });
                    }
                }
            }
        }
    }
    files.sort();
    Ok((files, skipped))
}

fn inspect(path: &Path) -> Finding {
    match is_photo_file(path) {
        Ok(true) => match Photo::open(path) {
            Ok(photo) if photo.width().min(photo.height()) < MIN_SIDE => {
                let (width, height) = (photo.width(), photo.height());
                Finding::Unusable(format!("{width}x{height} pixels, less than {MIN_SIDE} on a side"))
            }
            Ok(_) => Finding::Photo,
            Err(error) => Finding::Unusable(reason(&error)),
        },
        _ if !is_named_like_a_photo(path) => Finding::Other,
        Ok(false) if fs::metadata(path).is_ok_and(|metadata| metadata.len() == 0) => {
            Finding::Unusable("the file is empty".to_owned())
        }
        Ok(false) => Finding::Unusable("the content is neither JPEG, PNG, TIFF nor WebP".to_owned()),
        Err(error) => Finding::Unusable(reason(&error)),
    }
}

/// The reason alone: the path is recorded beside it.
fn reason(error: &dodge_imaging::Error) -> String {
    use dodge_imaging::Error as E;
    match error {
        E::Decode { source, .. } => format!("damaged: {source}"),
        E::Read { source, .. } => format!("cannot be read: {source}"),
        E::TooLarge { width, height, limit, .. } => format!("{width}x{height} pixels, more than {limit} in all"),
        other => other.to_string(),
    }
}

fn is_named_like_a_photo(path: &Path) -> bool {
    Encoding::for_path(path).is_ok()
}
