//! `dodge enhance`

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use dodge_imaging::{Encoding, Photo, Picture, Recipe};
use dodge_juror::{ClassicalJuror, Juror};
use dodge_rl::{HOUSE_MODEL, Model};
use serde::{Deserialize, Serialize};

use crate::arguments::EnhanceArguments;
use crate::batch::Tally;
use crate::failure::{tell_losses, tell_notes};
use crate::input::{Input, Inputs};
use crate::output::{self, Existing, Written};
use crate::surroundings::Surroundings;
use crate::{command, instructor, interruption, text};

/// Extension of the recipe beside a result.
const RECIPE: &str = "recipe.json";
/// Extension of the picture of before and after.
const PREVIEW: &str = "preview.png";
/// Where in the recipe file it is written what it was made from.
const MADE: &str = "made";
/// Most bytes of a recipe file that are read, as [`Recipe::load`] does.
const MAX_RECIPE_BYTES: u64 = 1 << 20;

/// What was done to one photo.
#[derive(Debug, Serialize)]
struct Enhanced {
    #[serde(serialize_with = "text::serialize_lossy")]
    photo: PathBuf,
    #[serde(serialize_with = "text::serialize_lossy_if_some")]
    output: Option<PathBuf>,
    #[serde(serialize_with = "text::serialize_lossy_if_some")]
    recipe: Option<PathBuf>,
    operations: Vec<String>,
    /// What the model expected of all that it wanted to do, or would have expected, where it expects anything of that kind; with a
    /// strength below 1 or fewer edits less comes of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    expected_gain_db: Option<f32>,
    score_before: f64,
    score_after: f64,
    passed_over: bool,
}

/// What a result was made from and what came of it, in its recipe file: the same command, given again, knows by it that there is
/// nothing to do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Made {
    by: String,
    photo_sha256: String,
    model_sha256: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    max_steps: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    strength: Option<f32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    boldness: Option<f32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expected_gain_db: Option<f32>,
    #[serde(default)]
    result_sha256: String,
    #[serde(default)]
    score_before: f64,
    #[serde(default)]
    score_after: f64,
}

/// What enhances photos: memory is that of a photo two or three times, for each that is worked on at a time.
struct Enhancer<'a> {
    model: Model,
    model_sha256: String,
    juror: ClassicalJuror,
    arguments: &'a EnhanceArguments,
}

/// Runs the command.
pub(crate) fn run(arguments: &EnhanceArguments, _surroundings: &Surroundings) -> Result<()> {
    let model = command::model(arguments.model.as_deref())?;
    let model = match arguments.boldness {
        Some(boldness) => model.bolder(boldness)?,
        None => model,
    };
    let model_sha256 = match &arguments.model {
        Some(file) => output::hash(&fs::read(file).with_context(|| format!("cannot read {}", text::shown(file)))?),
        None => output::hash(HOUSE_MODEL),
    };
    let enhancer = Enhancer { model, model_sha256, juror: ClassicalJuror::new(), arguments };
    let inputs = Inputs::of(&arguments.photos, Some(&arguments.output))?;
    let companions: &[&str] = if arguments.preview { &[RECIPE, PREVIEW] } else { &[RECIPE] };
    let places = output::places(&inputs.photos, &arguments.output, companions)?;
    let interrupted = interruption::stop_on_ctrl_c()?;
    let mut done = Vec::new();
    let work = |index: usize, photo: &Input| {
        let (enhanced, words) = enhancer.enhance(&photo.path, &places[index])?;
        Ok((if enhanced.passed_over { Written::Before } else { Written::Now }, (enhanced, words)))
    };
    let tally = Tally::of(&inputs.photos, &interrupted, work, |(enhanced, words)| {
        done.push(enhanced);
        if arguments.json { Ok(()) } else { command::print(&words) }
    });
    let least_gain_db = enhancer.model.configuration().least_gain_db;
    let least_sure = least_sure(&done, least_gain_db, arguments.least_sure.unwrap_or(0));
    if arguments.json {
        let mut report = serde_json::json!({
            "photos": done,
            "failed": tally.failed,
            "passed_over": tally.passed_over,
            "skipped": inputs.skipped_in_json(),
        });
        if arguments.least_sure.is_some() {
            report["least_sure"] = least_sure.iter().map(|enhanced| text::lossy(&enhanced.photo)).collect();
        }
        command::print_json(&report)?;
    } else {
        for enhanced in least_sure {
            let expected = enhanced.expected_gain_db.unwrap_or_default();
            let photo = text::shown(&enhanced.photo);
            command::print(&format!(
                "least sure: {photo} (expected {expected:+.1} dB, asks for {least_gain_db:+.1})\n"
            ))?;
        }
        let done = if arguments.dry_run { "looked at" } else { "enhanced" };
        command::print(&tally.in_words(done, &inputs))?;
    }
    tally.outcome(inputs.photos.len(), "{} photos could not be enhanced")
}

/// Up to `count` photos of which the model expected nearly what it asks for before it touches one, the nearest first.
fn least_sure(done: &[Enhanced], least_gain_db: f32, count: usize) -> Vec<&Enhanced> {
    let doubt = |enhanced: &Enhanced| enhanced.expected_gain_db.map(|gain| (gain - least_gain_db).abs());
    let mut doubted: Vec<(f32, &Enhanced)> =
        done.iter().filter_map(|enhanced| Some((doubt(enhanced)?, enhanced))).collect();
    doubted.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    doubted.into_iter().take(count).map(|(_, enhanced)| enhanced).collect()
}

impl Enhancer<'_> {
    /// What was done to a photo, also in words.
    fn enhance(&self, file: &Path, place: &Path) -> Result<(Enhanced, String)> {
        let arguments = self.arguments;
        let cannot_read = || format!("cannot read {}", text::shown(file));
        let recipe_place = &*place.with_extension(RECIPE);
        let mut made = Made {
            by: concat!("dodge ", env!("CARGO_PKG_VERSION")).to_owned(),
            photo_sha256: String::new(),
            model_sha256: self.model_sha256.clone(),
            max_steps: arguments.max_steps,
            // All of each edit is what is made without a word.
            strength: arguments.strength.filter(|&share| share != 1.0),
            boldness: arguments.boldness,
            expected_gain_db: None,
            result_sha256: String::new(),
            score_before: 0.0,
            score_after: 0.0,
        };
        if !arguments.dry_run {
            // A file that is no photo is refused below, with a better word about it.
            made.photo_sha256 = output::hash(&read_bounded(file).with_context(cannot_read)?);
            if !(arguments.preview || arguments.explain)
                && let Some((recipe, before)) = same_before(&made, place, recipe_place)
            {
                let enhanced = enhanced(file, &recipe, &before, Some((place, recipe_place)), true);
                let words = in_words(&enhanced, &before);
                return Ok((enhanced, words));
            }
        }
        let picture = Picture::open(file)?;
        tell_notes(file, &picture);
        let photo = picture.pixels.to_eight();
        let found = self.model.find(&[&photo], arguments.max_steps.unwrap_or(usize::MAX)).remove(0);
        let recipe = match made.strength {
            Some(share) => found.recipe.scaled(share),
            None => found.recipe,
        };
        made.expected_gain_db = found.expected_gain_db;
        let result = recipe.apply_to_picture(&picture);
        // Scored at the size that the juror was set on.
        let size = dodge_preprocess::ResizeParams::default().max_size;
        let (before, after) = (photo.thumbnail(size), result.pixels.to_eight().thumbnail(size));
        (made.score_before, made.score_after) = (self.juror.score_one(&before)?, self.juror.score_one(&after)?);
        let enhanced = if arguments.dry_run {
            enhanced(file, &recipe, &made, None, false)
        } else {
            let encoding = result.encoding_for(place)?;
            tell_losses(file, &result, encoding);
            let bytes = result.encode(encoding)?;
            made.result_sha256 = output::hash(&bytes);
            let mut files = vec![(place.to_owned(), bytes), (recipe_place.to_owned(), recipe_file(&recipe, &made)?)];
            if arguments.preview {
                files.push((place.with_extension(PREVIEW), before.beside(&after).encode(Encoding::Png)?));
            }
            let written = output::write_all(&files, Existing::from_flag(arguments.overwrite))?;
            enhanced(file, &recipe, &made, Some((place, recipe_place)), written == Written::Before)
        };
        let words = in_words(&enhanced, &made) + &self.reasons(&before, &recipe);
        Ok((enhanced, words))
    }

    fn reasons(&self, before: &Photo, recipe: &Recipe) -> String {
        // Of edits of which nothing was to be made there is nothing to say.
        let explains = self.arguments.explain && self.arguments.strength != Some(0.0);
        if explains { instructor::explain(before, recipe, &self.juror) } else { String::new() }
    }
}

/// The recipe of a result that is there whole and was made from the same, and what else is known of it.
fn same_before(wanted: &Made, place: &Path, recipe_place: &Path) -> Option<(Recipe, Made)> {
    let recipe = Recipe::load(recipe_place).ok()?;
    let text = fs::read(recipe_place).ok()?;
    let file: serde_json::Value = serde_json::from_slice(&text).ok()?;
    let made: Made = serde_json::from_value(file.get(MADE)?.clone()).ok()?;
    let of_result = Made {
        result_sha256: made.result_sha256.clone(),
        expected_gain_db: made.expected_gain_db,
        score_before: made.score_before,
        score_after: made.score_after,
        ..wanted.clone()
    };
    // A recipe that somebody changed by hand is not the one that the result was made by.
    let same = made == of_result && recipe_file(&recipe, &made).ok()? == text;
    (same && output::hash(&read_bounded(place).ok()?) == made.result_sha256).then_some((recipe, made))
}

/// What a recipe file holds.
fn recipe_file(recipe: &Recipe, made: &Made) -> Result<Vec<u8>> {
    let mut file: serde_json::Value = serde_json::from_str(&recipe.to_json())?;
    file[MADE] = serde_json::to_value(made)?;
    let mut text = serde_json::to_string_pretty(&file)?;
    text.push('\n');
    anyhow::ensure!(text.len() as u64 <= MAX_RECIPE_BYTES, "the recipe is too long to be read again");
    Ok(text.into_bytes())
}

/// A photo's bytes; of a file that is larger than any photo that is read, the beginning.
fn read_bounded(path: &Path) -> std::io::Result<Vec<u8>> {
    use std::io::Read;

    const MOST: u64 = (1 << 30) + 1;
    let mut bytes = Vec::new();
    fs::File::open(path)?.take(MOST).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn enhanced(file: &Path, recipe: &Recipe, made: &Made, places: Option<(&Path, &Path)>, passed_over: bool) -> Enhanced {
    Enhanced {
        photo: file.to_owned(),
        output: places.map(|(place, _)| place.to_owned()),
        recipe: places.map(|(_, recipe)| recipe.to_owned()),
        operations: recipe.operations().iter().map(ToString::to_string).collect(),
        expected_gain_db: made.expected_gain_db,
        score_before: made.score_before,
        score_after: made.score_after,
        passed_over,
    }
}

fn in_words(enhanced: &Enhanced, made: &Made) -> String {
    let target = enhanced.output.as_ref().map(|output| format!(" -> {}", text::shown(output))).unwrap_or_default();
    let edits = if enhanced.operations.is_empty() { "left as it is".to_owned() } else { enhanced.operations.join(" ") };
    let (photo, (score_before, score_after)) =
        (text::shown(&enhanced.photo), (enhanced.score_before, enhanced.score_after));
    let remark = if enhanced.passed_over { ", there already" } else { "" };
    // It is that of the whole edits.
    let is_whole = made.strength.is_none() && made.max_steps.is_none() && !enhanced.operations.is_empty();
    let expected = enhanced.expected_gain_db.filter(|_| is_whole);
    let expected = expected.map_or_else(String::new, |gain| format!(", expected {gain:+.1} dB"));
    format!("{photo}{target}: {edits} (score {score_before:.2} -> {score_after:.2}{expected}{remark})\n")
}
