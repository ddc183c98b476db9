//! What a recipe file says of the result beside it, by which the same command, given again, knows that there is nothing to do.

use std::fs;
use std::io::Read;
use std::path::Path;

use dodge_data::FileHash;
use dodge_imaging::{Operation, Recipe};
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::photo::agent::Found;

/// Where in the recipe file it is written what it was made from.
const MADE: &str = "made";
/// Most bytes of a recipe file that are read, as [`Recipe::load`] does.
const MAX_RECIPE_BYTES: u64 = 1 << 20;

/// What a result was made from and what came of it, in its recipe file: the same command, given again, knows by it that there is
/// nothing to do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Made {
    pub(crate) by: String,
    pub(crate) photo_sha256: String,
    pub(crate) model_sha256: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) max_steps: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) strength: Option<f32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) boldness: Option<f32>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) no_veto: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) to_srgb: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) consistent: Option<Own>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) vetoed: Option<Vetoed>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) expected_gain_db: Option<f32>,
    #[serde(default)]
    pub(crate) result_sha256: String,
    #[serde(default)]
    pub(crate) score_before: f64,
    #[serde(default)]
    pub(crate) score_after: f64,
}

/// Edits that were not made, because the juror likes what comes of them less than the photo, and its score for that.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Vetoed {
    /// The edits.
    pub operations: Vec<Operation>,
    /// From 0 to 10.
    pub score: f64,
}

/// What a photo of a shoot was to become by itself, from which the next run of the same command finds the common edits without looking at it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Own {
    pub(crate) gap_seconds: i64,
    pub(crate) taken: Option<i64>,
    pub(crate) operations: Vec<Operation>,
}

/// The recipe of a result that is there whole and was made from the same, and what else is known of it.
pub(crate) fn same_before(wanted: &Made, place: &Path, recipe_place: &Path) -> Option<(Recipe, Made)> {
    let (recipe, made) = read(recipe_place)?;
    let is_whole = || Some(hash(&read_bounded(place).ok()?) == made.result_sha256);
    (is_made_by(&made, wanted) && is_whole()?).then_some((recipe, made))
}

/// The recipe of a result that is there and was made by the same model and settings, of whatever the photo was then, and what else is known
/// of it. Neither photo nor result is read.
pub(crate) fn there(wanted: &Made, place: &Path, recipe_place: &Path, is_sidecar: bool) -> Option<(Recipe, Made)> {
    let (recipe, made) = read(recipe_place)?;
    let wanted = Made { photo_sha256: made.photo_sha256.clone(), ..wanted.clone() };
    // A sidecar without edits is none.
    let has_result = place.is_file() || (is_sidecar && recipe.operations().is_empty());
    (is_made_by(&made, &wanted) && has_result).then_some((recipe, made))
}

/// Whether a result was made from what is to be worked on now; what came of it does not count.
fn is_made_by(made: &Made, wanted: &Made) -> bool {
    let of_result = Made {
        result_sha256: made.result_sha256.clone(),
        expected_gain_db: made.expected_gain_db,
        vetoed: made.vetoed.clone(),
        score_before: made.score_before,
        score_after: made.score_after,
        ..wanted.clone()
    };
    *made == of_result
}

/// What the model wanted to do to a photo of these bytes by itself, and when that was taken, if a result of it tells.
pub(crate) fn own_before(wanted: &Made, recipe_place: &Path) -> Option<(Found, Option<i64>)> {
    let (recipe, made) = read(recipe_place)?;
    let same = (&made.photo_sha256, &made.model_sha256, made.boldness)
        == (&wanted.photo_sha256, &wanted.model_sha256, wanted.boldness);
    let own = made.consistent.filter(|_| same)?;
    let found = Recipe::new(own.operations).with_longer_side(recipe.longer_side()?);
    Some((Found { recipe: found, expected_gain_db: made.expected_gain_db }, own.taken))
}

/// A recipe file of this command, unless somebody changed it by hand: its recipe is not the one that the result was made by.
fn read(recipe_place: &Path) -> Option<(Recipe, Made)> {
    let recipe = Recipe::load(recipe_place).ok()?;
    let text = fs::read(recipe_place).ok()?;
    let file: serde_json::Value = serde_json::from_slice(&text).ok()?;
    let made: Made = serde_json::from_value(file.get(MADE)?.clone()).ok()?;
    (recipe_file(&recipe, &made).ok()? == text).then_some((recipe, made))
}

/// What a recipe file holds.
///
/// # Errors
/// [`Error::Data`] for one that is too long to be read again.
pub(crate) fn recipe_file(recipe: &Recipe, made: &Made) -> Result<Vec<u8>, Error> {
    let no_json = |error: serde_json::Error| Error::Data { reason: format!("the recipe cannot be written: {error}") };
    let mut file: serde_json::Value = serde_json::from_str(&recipe.to_json()).map_err(no_json)?;
    file[MADE] = serde_json::to_value(made).map_err(no_json)?;
    let mut text = serde_json::to_string_pretty(&file).map_err(no_json)?;
    text.push('\n');
    if text.len() as u64 > MAX_RECIPE_BYTES {
        return Err(Error::Data { reason: "the recipe is too long to be read again".to_owned() });
    }
    Ok(text.into_bytes())
}

/// SHA-256 in hexadecimal digits.
pub(crate) fn hash(bytes: &[u8]) -> String {
    FileHash::of(bytes).to_string()
}

/// A photo's bytes; of a file that is larger than any photo that is read, the beginning.
pub(crate) fn read_bounded(path: &Path) -> std::io::Result<Vec<u8>> {
    const MOST: u64 = (1 << 30) + 1;
    let mut bytes = Vec::new();
    fs::File::open(path)?.take(MOST).read_to_end(&mut bytes)?;
    Ok(bytes)
}
