//! Lists of operations that can be stored and replayed.

use std::fs;
use std::io::Read as _;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::codec::save;
use crate::profile::{Meaning, Profile, Read};
use crate::render::{render, render_under};
use crate::text::text_of;
use crate::{Error, Note, Operation, Photo, Picture, Pixels, Sample};

/// Version of the recipe file format that is written. Version 1, which had no lengths to scale, is read as well.
pub const RECIPE_FORMAT: u32 = 2;

/// Most bytes of a recipe file that are read.
const MAX_RECIPE_BYTES: u64 = 1 << 20;

/// Most operations that a recipe file may hold.
const MAX_OPERATIONS: usize = 200;

/// Shortest longer side, in pixels, of a photo on which strengths can have been chosen.
const LEAST_LONGER_SIDE: u32 = 16;

/// The operations applied to a photo, first to last.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Recipe {
    operations: Vec<Operation>,
    longer_side: Option<u32>,
}

/// A profile says what values look like, and not which to write.
struct NoWayBack;

#[derive(Serialize, Deserialize)]
struct RecipeFile {
    dodge_recipe_format: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    longer_side: Option<u32>,
    operations: Vec<Operation>,
}

impl Recipe {
    /// A recipe of the given operations. Strengths in pixels count the pixels of whatever photo it is applied to.
    #[must_use]
    pub fn new(operations: Vec<Operation>) -> Self {
        Self { operations, longer_side: None }
    }

    /// The same for strengths in pixels that were chosen on a photo with a longer side of `pixels` (less than 16 counts as 16). They
    /// grow and shrink with the photo that the recipe is applied to, so that it means the same at every size.
    #[must_use]
    pub fn with_longer_side(self, pixels: u32) -> Self {
        Self { longer_side: Some(pixels.max(LEAST_LONGER_SIDE)), ..self }
    }

    /// Other operations, for the same photos.
    pub(crate) fn with_operations(&self, operations: Vec<Operation>) -> Self {
        Self { operations, longer_side: self.longer_side }
    }

    /// The same with a share of each strength, as [`Operation::scaled`], without what then does nothing.
    #[must_use]
    pub fn scaled(&self, share: f32) -> Self {
        let scaled = self.operations.iter().map(|operation| operation.scaled(share));
        self.with_operations(scaled.filter(|operation| !operation.is_identity()).collect())
    }

    /// The operations, first to last.
    #[must_use]
    pub fn operations(&self) -> &[Operation] {
        &self.operations
    }

    /// The longer side, in pixels, of the photo on which strengths in pixels were chosen; none where they count those of the photo
    /// that the recipe is applied to.
    #[must_use]
    pub fn longer_side(&self) -> Option<u32> {
        self.longer_side
    }

    /// The photo after all operations, at its own resolution and depth.
    ///
    /// Values are floats from the first operation to the last, each result clamped to the range, and are rounded once at the
    /// end. So an 8-bit photo may come out a level or two apart from what [`Operation::apply`] makes of it one operation after the
    /// other. Differences beyond rounding: `saturation-hsv` has no steps here, and blurs wider than 8 pixels are computed
    /// on a photo scaled down (within a level).
    ///
    /// Blurs, medians, `sharpen` and `sharpen-8` grow with the photo, see [`Recipe::with_longer_side`]; `clarity`, `clahe`, `vignette` and
    /// `shift` are relative to it anyway; `noise` and `jpeg` belong to single pixels and do not grow.
    ///
    /// Time grows with the number of pixels; what looks at the whole photo first (white balance, the automatic ones, `clahe`, wide
    /// blurs) computes the operations before it once more. Memory beyond the two photos is some strips of rows, so it grows
    /// with the width; `crop-thirds` and `level-horizon` look at an 8-bit copy.
    #[must_use]
    pub fn apply<T: Sample>(&self, photo: &Photo<T>) -> Photo<T> {
        render(&self.operations, photo, self.scale_for(photo))
    }

    /// The picture after all operations, with the metadata that it had.
    ///
    /// Where its values are not sRGB, because it has a profile, the operations do to its colours what they do to those of sRGB, and the
    /// result has values of the same profile: looked at in sRGB it is what the recipe makes of [`Picture::seen`], but for rounding.
    /// Colours that sRGB does not have stay as far beyond it as they are strong, so that none is cut that the profile has. Where a profile has
    /// no way back (some of scanners and cameras), the result is in sRGB, and a note tells it.
    #[must_use]
    pub fn apply_to_picture(&self, picture: &Picture) -> Picture {
        let pixels = match picture.meaning() {
            Meaning::Other(read) => match &picture.pixels {
                Pixels::Eight(photo) => self.apply_under(photo, &read).map(Pixels::Eight),
                Pixels::Sixteen(photo) => self.apply_under(photo, &read).map(Pixels::Sixteen),
            },
            Meaning::Srgb | Meaning::Unreadable => Ok(match &picture.pixels {
                Pixels::Eight(photo) => Pixels::Eight(self.apply(photo)),
                Pixels::Sixteen(photo) => Pixels::Sixteen(self.apply(photo)),
            }),
        };
        let Ok(pixels) = pixels else {
            let mut picture = picture.clone().into_srgb();
            picture.notes.push(Note::BecameSrgb);
            return self.apply_to_picture(&picture);
        };
        let mut metadata = picture.metadata.clone();
        if self.operations.iter().any(Operation::moves_pixels) {
            metadata.moved();
        }
        Picture { pixels, metadata, notes: picture.notes.clone(), quality: picture.quality }
    }

    /// The photo after all operations, in the values of its profile.
    fn apply_under<T: Sample>(&self, photo: &Photo<T>, read: &Read) -> Result<Photo<T>, NoWayBack> {
        if self.operations.iter().all(Operation::is_neutral) {
            return Ok(photo.clone());
        }
        let profile = read.for_depth().filter(Profile::has_way_back).ok_or(NoWayBack)?;
        Ok(render_under(&self.operations, photo, self.scale_for(photo), &profile))
    }

    fn scale_for<T: Sample>(&self, photo: &Photo<T>) -> f32 {
        self.longer_side.map_or(1.0, |chosen| photo.longer_side() as f32 / chosen as f32)
    }

    /// The bytes of what becomes of a picture, as a file of the name of `place` holds it, see [`Picture::encoding_for`], and what
    /// there is to know of it: what was noted of the picture, and what of the metadata has no place there. This is what `dodge apply` writes.
    ///
    /// # Errors
    /// [`Error::UnknownExtension`] or [`Error::Encode`].
    pub fn result_for(&self, picture: &Picture, place: &Path) -> Result<(Vec<u8>, Vec<Note>), Error> {
        let result = self.apply_to_picture(picture);
        let encoding = result.encoding_for(place)?;
        let notes = result.notes.iter().cloned().chain(result.left_out_as(encoding)).collect();
        Ok((result.encode(encoding)?, notes))
    }

    /// The recipe as JSON, what [`Recipe::save`] writes. Other keys may be added to the object: they are passed over when it is
    /// read.
    ///
    /// # Panics
    /// Never: names and numbers are always JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        let file = RecipeFile {
            dodge_recipe_format: RECIPE_FORMAT,
            longer_side: self.longer_side,
            operations: self.operations.clone(),
        };
        let mut text = serde_json::to_string_pretty(&file).expect("strings and numbers are always JSON");
        text.push('\n');
        text
    }

    /// Writes the recipe as JSON, whole or not at all.
    ///
    /// # Errors
    /// [`Error::Write`].
    pub fn save(&self, path: &Path) -> Result<(), Error> {
        save(path, self.to_json().as_bytes())
    }

    /// Reads a recipe written by [`Recipe::save`].
    ///
    /// # Errors
    /// [`Error::Read`], or [`Error::Recipe`] for a file that is no recipe, has another format version, is larger than
    /// 1 MiB, lists more than 200 operations, or names a longer side below 16.
    pub fn load(path: &Path) -> Result<Self, Error> {
        Ok(Self::load_beside(path, "")?.0)
    }

    /// The same with what stands under another key of the object, as JSON, where there is such a key: programs write there what a
    /// recipe was made for.
    ///
    /// # Errors
    /// As [`Recipe::load`].
    pub fn load_beside(path: &Path, key: &str) -> Result<(Self, Option<String>), Error> {
        let read_error = |source| Error::Read { path: path.to_owned(), source };
        let invalid = |reason: String| Error::Recipe { path: path.to_owned(), reason };
        let mut text = Vec::new();
        fs::File::open(path)
            .map_err(read_error)?
            .take(MAX_RECIPE_BYTES + 1)
            .read_to_end(&mut text)
            .map_err(read_error)?;
        if text.len() as u64 > MAX_RECIPE_BYTES {
            return Err(invalid("larger than 1 MiB, so not a recipe".into()));
        }
        let text = text_of(text).map_err(|e| invalid(e.to_string()))?;
        let value: serde_json::Value = serde_json::from_str(&text).map_err(|e| invalid(format!("not JSON: {e}")))?;
        match value.get("dodge_recipe_format").and_then(serde_json::Value::as_u64) {
            Some(version) if (1..=u64::from(RECIPE_FORMAT)).contains(&version) => {}
            Some(version) => {
                return Err(invalid(format!(
                    "has format version {version}, this program reads versions up to {RECIPE_FORMAT}"
                )));
            }
            None => return Err(invalid("has no `dodge_recipe_format`, so it is not a recipe".into())),
        }
        let beside = value.get(key).map(serde_json::Value::to_string);
        let file: RecipeFile = serde_json::from_value(value).map_err(|e| invalid(e.to_string()))?;
        if file.operations.len() > MAX_OPERATIONS {
            return Err(invalid(format!("lists {} operations, more than {MAX_OPERATIONS}", file.operations.len())));
        }
        if let Some(side) = file.longer_side.filter(|&side| side < LEAST_LONGER_SIDE) {
            return Err(invalid(format!("`longer_side` is {side}, expected at least {LEAST_LONGER_SIDE} pixels")));
        }
        Ok((Self { operations: file.operations, longer_side: file.longer_side }, beside))
    }
}
