//! One photo before and after somebody edited it.

use std::path::Path;

use dodge_imaging::{Operation, Photo, Recipe, rmse};

use crate::error::Error;
use crate::likeness::alignment;

/// Root mean square difference in levels of 255 up to which an *after* equals its *before*: rounding, once more.
const ROUNDING: f64 = 1.0;

/// Both sides of a pair at one size.
#[derive(Debug, Clone, PartialEq)]
pub struct PhotoPair {
    /// The photo before.
    pub before: Photo,
    /// The photo after; the *before* itself where the two differ by rounding only, so that to leave the photo alone is exactly
    /// right.
    pub after: Photo,
    /// Whether the photo was edited at all.
    pub edited: bool,
    /// How alike the structure of both sides is, from -1 to 1; none where there is no structure, or no edit.
    pub alignment: Option<f64>,
}

impl PhotoPair {
    /// Opens both sides and brings them to the size of the smaller one, its longer side at most `max_size` pixels.
    ///
    /// # Errors
    /// [`Error::Photo`] for a file that cannot be read.
    pub fn open(before: &Path, after: &Path, max_size: u32) -> Result<Self, Error> {
        Self::of(&Photo::open(before)?, &Photo::open(after)?, max_size)
    }

    /// The same of photos that were opened already.
    pub(crate) fn of(before: &Photo, after: &Photo, max_size: u32) -> Result<Self, Error> {
        let (before, after) = same_size(before, after, max_size);
        let edited = 255.0 * rmse(&before, &after)? > ROUNDING;
        let alignment = if edited { alignment(&before, &after) } else { None };
        let after = if edited { after } else { before.clone() };
        Ok(Self { before, after, edited, alignment })
    }

    /// Opens a photo and makes the other side by the recipe that a person kept for it, at a longer side of at most `max_size` pixels.
    /// Crops, mirror images and the like are left out: what an agent learns changes no place.
    ///
    /// # Errors
    /// [`Error::Photo`] for a file that cannot be read.
    pub fn of_lesson(photo: &Path, recipe: &Path, max_size: u32) -> Result<Self, Error> {
        Self::by_recipe(&Photo::open(photo)?, recipe, max_size)
    }

    /// The same of a photo that was opened already.
    pub(crate) fn by_recipe(photo: &Photo, recipe: &Path, max_size: u32) -> Result<Self, Error> {
        let (before, recipe) = (photo.thumbnail(max_size), Recipe::load(recipe)?);
        let staying: Vec<Operation> = recipe.operations().iter().filter(|it| !it.moves_pixels()).copied().collect();
        let staying = match recipe.longer_side() {
            Some(side) => Recipe::new(staying).with_longer_side(side),
            None => Recipe::new(staying),
        };
        let after = staying.apply(&before);
        let edited = 255.0 * rmse(&before, &after)? > ROUNDING;
        Ok(Self { after: if edited { after } else { before.clone() }, before, edited, alignment: None })
    }

    /// Whether both sides show the same at the same place: as alike as `min_alignment` at least, or without anything to
    /// tell it by.
    #[must_use]
    pub fn is_aligned(&self, min_alignment: f64) -> bool {
        self.alignment.is_none_or(|alignment| alignment >= min_alignment)
    }
}

fn same_size(before: &Photo, after: &Photo, max_size: u32) -> (Photo, Photo) {
    if (before.width(), before.height()) == (after.width(), after.height()) {
        return (before.thumbnail(max_size), after.thumbnail(max_size));
    }
    if before.longer_side() <= after.longer_side() {
        let before = before.thumbnail(max_size);
        let after = after.resized(before.width(), before.height());
        (before, after)
    } else {
        let after = after.thumbnail(max_size);
        (before.resized(after.width(), after.height()), after)
    }
}
