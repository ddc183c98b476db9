//! Photos named on the command line, and where results go.

use std::collections::HashSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use dodge_data::{DataLoader, FolderLoader};
use dodge_imaging::Encoding;

/// The files meant by a list of photos and folders: a folder stands for all photos in it and below.
pub(crate) fn photo_files(arguments: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in arguments {
        if path.is_dir() {
            let dataset = FolderLoader::new(path).load()?;
            for skipped in dataset.skipped() {
                tracing::warn!("skipped {}: {}", skipped.path.display(), skipped.reason);
            }
            files.extend(dataset.photos().iter().map(|photo| photo.path().to_owned()));
        } else {
            files.push(path.clone());
        }
    }
    Ok(files)
}

/// A place in `folder` for the result of each photo: its own name, with a number where two have the same stem.
///
/// Fails where a result, or a file that stands beside it under one of the `companions` extensions, would take the place
/// of any of the inputs.
pub(crate) fn places(files: &[PathBuf], folder: &Path, companions: &[&str]) -> Result<Vec<PathBuf>> {
    let inputs: HashSet<PathBuf> = files.iter().filter_map(|file| file.canonicalize().ok()).collect();
    let mut taken: HashSet<OsString> = HashSet::new();
    let mut places = Vec::new();
    for file in files {
        let stem = file.file_stem().with_context(|| format!("{} is no file", file.display()))?;
        let extension = extension_for(file);
        let mut name = stem.to_os_string();
        let mut number = 1;
        // Compared without case, as some file systems do.
        while !taken.insert(name.to_ascii_lowercase()) {
            number += 1;
            name = stem.to_os_string();
            name.push(format!("-{number}"));
        }
        name.push(".");
        name.push(extension);
        let place = folder.join(name);
        let beside = companions.iter().map(|extension| place.with_extension(extension));
        for result in std::iter::once(place.clone()).chain(beside) {
            if result.canonicalize().is_ok_and(|result| inputs.contains(&result)) {
                bail!("a result would take the place of the input {}: choose another folder with -o", result.display());
            }
        }
        places.push(place);
    }
    Ok(places)
}

/// The input's own extension where it can be written, else PNG.
fn extension_for(file: &Path) -> OsString {
    match Encoding::for_path(file) {
        Ok(_) => file.extension().unwrap_or_default().to_os_string(),
        Err(_) => OsString::from("png"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_with_the_same_stem_are_kept_apart() {
        let files = ["a/x.jpg", "b/x.png", "b/X.JPG", "b/y.webp", "b/z.gif"].map(PathBuf::from);
        let places = places(&files, Path::new("out"), &[]).unwrap();
        let expected = ["out/x.jpg", "out/x-2.png", "out/X-3.JPG", "out/y.webp", "out/z.png"].map(PathBuf::from);
        // `X` differs from `x` only in case, and the number is counted for each name.
        assert_eq!(places[..2], expected[..2]);
        assert_eq!(places[3..], expected[3..]);
        assert!(places[2].to_string_lossy().starts_with("out/X-"));
    }
}
