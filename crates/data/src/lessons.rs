//! Photos with the recipe that a person kept for each.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use dodge_imaging::Recipe;
use rayon::prelude::*;

use crate::{DataLoader, Dataset, Error, Hashing, Listing, SkipReason, Skipped};

/// What the extension of a photo becomes for the recipe beside it.
const RECIPE: &str = "recipe.json";

/// Where `dodge enhance` notes, in the recipe beside a result, what the result was made from.
const OF_A_RESULT: &str = "made";

/// The place of the recipe beside each photo: `a.recipe.json` for `a.jpg`. Where another photo has the same name but for case and
/// extension, its extension stays: `a.jpg.recipe.json`.
#[must_use]
pub fn recipe_places(photos: &[PathBuf]) -> Vec<PathBuf> {
    let stem = |photo: &Path| photo.with_extension("").to_string_lossy().to_lowercase();
    let mut counts: HashMap<String, usize> = HashMap::new();
    for photo in photos {
        *counts.entry(stem(photo)).or_default() += 1;
    }
    let place = |photo: &PathBuf| {
        if counts[&stem(photo)] == 1 {
            return photo.with_extension(RECIPE);
        }
        let mut name = photo.clone().into_os_string();
        name.push(".");
        name.push(RECIPE);
        PathBuf::from(name)
    };
    photos.iter().map(place).collect()
}

/// Lessons: the photos in a folder and the folders in it that have a recipe beside them, see [`recipe_places`]. A recipe without
/// operations says that the photo is right as it is.
///
/// A photo without a recipe is no lesson and is passed over; one whose recipe cannot be read is in [`Dataset::skipped`], and so is a
/// result of `dodge enhance`, which has the recipe beside it that it was made by. No pixel is decoded.
#[derive(Debug, Clone)]
pub struct LessonLoader {
    root: PathBuf,
    chosen: Option<HashSet<PathBuf>>,
    hashing: Hashing,
}

impl LessonLoader {
    /// Will load all lessons in `root`; nothing is read yet.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into(), chosen: None, hashing: Hashing::default() }
    }

    /// Will load those of these photos alone, given relative to the root.
    #[must_use]
    pub fn of(self, photos: Vec<PathBuf>) -> Self {
        Self { chosen: Some(photos.into_iter().collect()), ..self }
    }

    /// Reads the files in this way.
    #[must_use]
    pub fn with_hashing(self, hashing: Hashing) -> Self {
        Self { hashing, ..self }
    }
}

impl DataLoader for LessonLoader {
    fn load(&self) -> Result<Dataset, Error> {
        let Listing { photos, mut skipped } = Listing::of_folder(&self.root)?;
        let photos: Vec<PathBuf> = photos.into_iter().map(|photo| photo.path).collect();
        let lessons = recipe_places(&photos).into_iter().zip(photos).filter(|(recipe, photo)| {
            let is_chosen = self.chosen.as_ref().is_none_or(|chosen| chosen.contains(photo));
            is_chosen && self.root.join(recipe).is_file()
        });
        let lessons: Vec<(PathBuf, PathBuf)> = lessons.collect();
        let problems: Vec<Option<SkipReason>> =
            lessons.par_iter().map(|(recipe, _)| problem_with(&self.root.join(recipe))).collect();
        let (mut recipes, mut photos) = (Vec::new(), Vec::new());
        for ((recipe, photo), problem) in lessons.into_iter().zip(problems) {
            match problem {
                None => {
                    recipes.push(recipe);
                    photos.push(photo);
                }
                Some(reason) => skipped.push(Skipped { path: self.root.join(photo), reason }),
            }
        }
        // Together, because a memory is of one root.
        let files: Vec<PathBuf> = photos.iter().chain(&recipes).cloned().collect();
        let mut read = self.hashing.of_files(&self.root, &files)?;
        let recipes = read.split_off(photos.len());
        let mut usable = Vec::new();
        for ((photo, recipe), path) in read.into_iter().zip(recipes).zip(photos) {
            match (photo, recipe) {
                (Ok(photo), Ok(recipe)) => usable.push((photo, recipe)),
                (Err(error), _) | (_, Err(error)) => skipped.push(Skipped::unreadable(self.root.join(path), &error)),
            }
        }
        skipped.sort_by(|a, b| a.path.cmp(&b.path));
        if usable.is_empty() {
            return Err(Error::NoLessons { path: self.root.clone(), skipped });
        }
        Dataset::of_hashed_lessons(self.root.clone(), usable, skipped)
    }

    fn describe(&self) -> String {
        "lessons".to_owned()
    }
}

/// Why a recipe is no lesson.
fn problem_with(recipe: &Path) -> Option<SkipReason> {
    match Recipe::load_beside(recipe, OF_A_RESULT) {
        Ok((_, None)) => None,
        Ok((_, Some(_))) => Some(SkipReason::Other(
            "it is a result of `dodge enhance`, and the recipe beside it is what it was made by".to_owned(),
        )),
        Err(error) => Some(SkipReason::Other(format!("the recipe beside it cannot be used: {error}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recipes_stand_beside_their_photos_and_never_share_a_place() {
        let photos = ["a.jpg", "b/a.jpg", "b/A.png", "c.tar.png"].map(PathBuf::from);
        let places = recipe_places(&photos);
        let expected = ["a.recipe.json", "b/a.jpg.recipe.json", "b/A.png.recipe.json", "c.tar.recipe.json"];
        assert_eq!(places, expected.map(PathBuf::from));
    }
}
