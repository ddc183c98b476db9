//! The photos in a folder with their sizes, from the first bytes of each file.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use dodge_imaging::{Encoding, MAX_PIXELS, PictureHeader, is_photo_file, unread_format};
use rayon::prelude::*;

use crate::relative_name::relative_name;
use crate::{Error, MIN_SIDE, SkipReason, Skipped};

/// The photos in a folder and the folders in it, by their headers: no pixel is decoded.
///
/// The order is that of the paths, byte by byte, whatever the file system; see [`FolderLoader`](crate::FolderLoader) for
/// what counts as a photo.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// The photos.
    pub photos: Vec<ListedPhoto>,
    /// What looks like a photo and is none that can be used.
    pub skipped: Vec<Skipped>,
}

/// A photo as its header describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedPhoto {
    /// The path from the folder that was listed.
    pub path: PathBuf,
    /// Width in pixels as the photo is shown, turned as its EXIF orientation asks for.
    pub width: u32,
    /// Height in pixels, likewise.
    pub height: u32,
    /// EXIF orientation, 1 to 8.
    pub orientation: u8,
}

impl Listing {
    /// Lists the folder `root`; files are looked at in parallel.
    ///
    /// # Errors
    /// [`Error::NoSuchFolder`], [`Error::NotAFolder`], [`Error::Read`] when the folder itself cannot be read.
    pub fn of_folder(root: &Path) -> Result<Self, Error> {
        match fs::metadata(root) {
            Ok(metadata) if metadata.is_dir() => {}
            Ok(_) => return Err(Error::NotAFolder { path: root.to_owned() }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(Error::NoSuchFolder { path: root.to_owned() });
            }
            Err(source) => return Err(Error::Read { path: root.to_owned(), source }),
        }
        let (files, mut skipped) = files_below(root)?;
        let inspected: Vec<_> = files.par_iter().map(|file| inspect(&root.join(file))).collect();
        let mut photos = Vec::new();
        for (path, finding) in files.into_iter().zip(inspected) {
            match finding {
                Finding::Photo(PictureHeader { width, height, orientation }) => {
                    photos.push(ListedPhoto { path, width, height, orientation });
                }
                Finding::Unusable(reason) => skipped.push(Skipped { path: root.join(path), reason }),
                Finding::Other => {}
            }
        }
        photos.sort_by_cached_key(|photo| relative_name(&photo.path));
        skipped.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(Self { photos, skipped })
    }
}

enum Finding {
    Photo(PictureHeader),
    Unusable(SkipReason),
    Other,
}

/// The files below `root`, relative to it, and the folders that cannot be read.
fn files_below(root: &Path) -> Result<(Vec<PathBuf>, Vec<Skipped>), Error> {
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
                skipped.push(Skipped { path, reason: SkipReason::UnreadableFolder(error.to_string()) });
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
                        skipped.push(Skipped { path: entry.path(), reason: SkipReason::Unreadable(error.to_string()) });
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
        Ok(true) => match PictureHeader::read(path) {
            Ok(PictureHeader { width, height, .. }) if width.min(height) < MIN_SIDE => {
                Finding::Unusable(SkipReason::TooSmall { width, height })
            }
            Ok(PictureHeader { width, height, .. }) if u64::from(width) * u64::from(height) > MAX_PIXELS => {
                Finding::Unusable(SkipReason::TooLarge { width, height, limit: MAX_PIXELS })
            }
            Ok(header) => Finding::Photo(header),
            Err(error) => Finding::Unusable(SkipReason::of(&error)),
        },
        // Pictures, too, whatever their name is: passed over, but not without a word.
        Ok(false) if let Ok(Some(reason)) = unread_format(path) => {
            Finding::Unusable(SkipReason::Other(reason.to_owned()))
        }
        _ if !is_named_like_a_photo(path) => Finding::Other,
        Ok(false) if fs::metadata(path).is_ok_and(|metadata| metadata.len() == 0) => {
            Finding::Unusable(SkipReason::Empty)
        }
        Ok(false) => Finding::Unusable(SkipReason::NotAPhoto),
        Err(error) => Finding::Unusable(SkipReason::of(&error)),
    }
}

fn is_named_like_a_photo(path: &Path) -> bool {
    Encoding::for_path(path).is_ok()
}
