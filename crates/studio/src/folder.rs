//! The photos of the folder that is open, by numbers: no path ever comes from a page.

use std::path::{Path, PathBuf};

use dodge_data::{Listing, Skipped, recipe_places};

use crate::error::Error;
use crate::refusal::Refusal;

/// The folder beside the photos in which the studio keeps its journal.
pub(crate) const OWN: &str = ".dodge";

/// The photos, sorted by path; a photo's number is its place.
#[derive(Debug)]
pub(crate) struct Folder {
    /// Without links.
    pub(crate) root: PathBuf,
    pub(crate) photos: Vec<Listed>,
    /// What looks like a photo and is none, in words.
    pub(crate) skipped: String,
    /// Photos behind links that lead out of the folder.
    pub(crate) outside: usize,
}

/// A photo of the folder.
#[derive(Debug)]
pub(crate) struct Listed {
    /// From the root.
    pub(crate) path: PathBuf,
    /// The place of its recipe, from the root.
    pub(crate) recipe: PathBuf,
    pub(crate) width: u32,
    pub(crate) height: u32,
}

impl Folder {
    /// Lists the folder by the headers of its files, without those in the folder of the `results` and without what links lead to
    /// elsewhere.
    pub(crate) fn open(folder: &Path, results: &Path) -> Result<Self, Error> {
        let Listing { photos, skipped } = Listing::of_folder(folder)?;
        let failed =
            |error: std::io::Error| Error::File { action: "open", path: folder.to_owned(), reason: error.to_string() };
        let root = folder.canonicalize().map_err(failed)?;
        let results = results.canonicalize().ok().filter(|results| *results != root);
        let mut outside = 0;
        let mut kept = Vec::new();
        for photo in photos {
            match root.join(&photo.path).canonicalize() {
                Ok(real) if !real.starts_with(&root) => outside += 1,
                Ok(real) if results.as_ref().is_some_and(|results| real.starts_with(results)) => {}
                Ok(_) => kept.push(photo),
                Err(_) => {}
            }
        }
        if kept.is_empty() {
            return Err(dodge_data::Error::NoPhotos { path: folder.to_owned(), skipped }.into());
        }
        let paths: Vec<PathBuf> = kept.iter().map(|photo| photo.path.clone()).collect();
        let photos = kept.into_iter().zip(recipe_places(&paths)).map(|(photo, recipe)| Listed {
            path: photo.path,
            recipe,
            width: photo.width,
            height: photo.height,
        });
        Ok(Self { photos: photos.collect(), root, skipped: Skipped::in_words(&skipped), outside })
    }

    pub(crate) fn photo(&self, id: usize) -> Result<&Listed, Refusal> {
        self.photos.get(id).ok_or_else(|| Refusal::unknown(format!("there is no photo {id}")))
    }

    /// The file of a photo; what has become a link to elsewhere since it was listed is refused.
    pub(crate) fn file(&self, id: usize) -> Result<PathBuf, Refusal> {
        let photo = self.photo(id)?;
        self.inside(&photo.path)
    }

    /// A path from the root, without links.
    pub(crate) fn inside(&self, path: &Path) -> Result<PathBuf, Refusal> {
        let cannot = |error: std::io::Error| Refusal::unknown(format!("cannot read {}: {error}", path.display()));
        let real = self.root.join(path).canonicalize().map_err(cannot)?;
        if real.starts_with(&self.root) {
            Ok(real)
        } else {
            Err(Refusal::unknown(format!("{} leads out of the folder", path.display())))
        }
    }

    /// Where the recipe of a photo is written; its folder may have become a link to elsewhere, which is refused.
    pub(crate) fn recipe(&self, id: usize) -> Result<PathBuf, Refusal> {
        let photo = self.photo(id)?;
        let folder = self.inside(photo.recipe.parent().unwrap_or(Path::new("")))?;
        Ok(folder.join(photo.recipe.file_name().unwrap_or_default()))
    }
}
