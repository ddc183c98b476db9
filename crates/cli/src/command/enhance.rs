//! `dodge enhance`

mod look;
mod made;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use dodge_imaging::{Encoding, Photo, Picture, Program, Recipe, Settings};
use dodge_juror::{ClassicalJuror, Juror};
use dodge_rl::{Explained, Found, HOUSE_MODEL, Model, shown_to_juror};
use serde::Serialize;

use self::look::Look;
use self::made::{Made, Vetoed};
use crate::arguments::EnhanceArguments;
use crate::batch::Batch;
use crate::failure::{tell, tell_losses, tell_notes};
use crate::input::Input;
use crate::output::{self, Kind, Written};
use crate::surroundings::Surroundings;
use crate::{command, instructor, interruption, many, progress, text};

/// Extension of the recipe beside a result.
const RECIPE: &str = "recipe.json";
/// Extension of the picture of before and after.
const PREVIEW: &str = "preview.png";

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
    /// The shoot that it shares its edits with, counted from 1, with `--consistent`.
    #[serde(skip_serializing_if = "Option::is_none")]
    shoot: Option<usize>,
    /// What the model wanted by itself, with `--consistent`.
    #[serde(skip_serializing_if = "Option::is_none")]
    own_operations: Option<Vec<String>>,
    /// What the model expected of all that it wanted to do, or would have expected, where it expects anything of that kind; with a
    /// strength below 1 or fewer edits less comes of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    expected_gain_db: Option<f32>,
    score_before: f64,
    score_after: f64,
    /// What the model wanted to do, and the juror did not want.
    #[serde(skip_serializing_if = "Option::is_none")]
    vetoed: Option<Vetoed>,
    /// What is said of each edit, with `--explain`.
    #[serde(skip_serializing_if = "Option::is_none")]
    explained: Option<Vec<Explained>>,
    passed_over: bool,
}

/// What enhances photos: memory is that of a photo two or three times, for each that is worked on at a time.
struct Enhancer<'a> {
    model: Model,
    model_sha256: String,
    juror: ClassicalJuror,
    arguments: &'a EnhanceArguments,
}

/// Runs the command.
pub(crate) fn run(arguments: &EnhanceArguments, surroundings: &Surroundings) -> Result<()> {
    let model = command::model(arguments.model.as_deref())?;
    let model = match arguments.boldness {
        Some(boldness) => model.bolder(boldness)?,
        None => model,
    };
    let model_sha256 = match &arguments.model {
        Some(file) => output::hash(&fs::read(file).with_context(|| format!("cannot read {}", text::shown(file)))?),
        None => output::hash(HOUSE_MODEL),
    };
    let has_rows = arguments.many.has_rows();
    let enhancer = Enhancer { model, model_sha256, juror: ClassicalJuror::new(), arguments };
    let inputs = arguments.many.inputs(&arguments.photos, Some(&arguments.output))?;
    let companions: &[&str] = if arguments.preview { &[RECIPE, PREVIEW] } else { &[RECIPE] };
    let kind = if arguments.sidecar { Kind::Sidecars } else { Kind::Pictures(arguments.files.format) };
    // Of all photos, though this may be one of many parts: a place may depend on other photos.
    let places = output::places(&inputs.photos, &arguments.output, companions, kind)?;
    // Of millions of photos none is looked at before its turn: a result replaces nothing but where that is asked for.
    if !has_rows || arguments.overwrite {
        output::keep_inputs(&inputs.photos, &places, companions)?;
    }
    let shard = arguments.many.shard(&surroundings.array_task)?;
    let (progress, interrupted) = (progress::of_told_work(surroundings), interruption::stop_on_ctrl_c()?);
    let looks = if arguments.consistent {
        Some(look::looks(&enhancer, &inputs, &places, arguments.gap, (&*progress, &interrupted))?)
    } else {
        None
    };
    // What could not be looked at was told of.
    let could_be_seen = |index: usize| looks.as_ref().is_none_or(|looks| looks[index].is_some());
    let is_ours = |index: usize| shard.is_none_or(|shard| shard.has(&inputs.photos[index]));
    let ours: Vec<usize> = (0..inputs.photos.len()).filter(|&index| is_ours(index)).collect();
    let (seen, unseen): (Vec<usize>, Vec<usize>) = ours.iter().partition(|&&index| could_be_seen(index));
    let photos: Vec<Input> = seen.iter().map(|&index| inputs.photos[index].clone()).collect();
    let work = |task: usize, photo: &Input| {
        let look = looks.as_ref().and_then(|looks| looks[seen[task]].as_ref());
        let (enhanced, words) = enhancer.enhance(&photo.path, &Task { place: &places[seen[task]], look })?;
        Ok((if enhanced.passed_over { Written::Before } else { Written::Now }, (enhanced, words)))
    };
    let batch = Batch {
        progress: &*progress,
        what: "enhancing",
        interrupted: &interrupted,
        max_failures: arguments.many.max_failures,
    };
    let mut done = Vec::new();
    let mut tally = batch.run(&photos, work, |photo, told| {
        if has_rows {
            let row = told.map(|(enhanced, _)| {
                let row = serde_json::json!(enhanced);
                // Of millions only those are kept of which something is said in the end.
                if arguments.least_sure.is_some() {
                    done.push(enhanced);
                }
                row
            });
            return many::print_row(photo, &row);
        }
        let Ok((enhanced, words)) = told.done else { return Ok(()) };
        done.push(enhanced);
        if arguments.json { Ok(()) } else { command::print(&words) }
    });
    tally.failed += unseen.len();
    let least_gain_db = enhancer.model.configuration().least_gain_db;
    let least_sure = least_sure(&done, least_gain_db, arguments.least_sure.unwrap_or(0));
    if arguments.json {
        let mut report = serde_json::json!({
            "failed": tally.failed,
            "passed_over": tally.passed_over,
            "skipped": inputs.skipped_in_json(),
        });
        if !has_rows {
            report["photos"] = serde_json::json!(done);
        }
        if arguments.least_sure.is_some() {
            report["least_sure"] = least_sure.iter().map(|enhanced| text::lossy(&enhanced.photo)).collect();
        }
        command::print_json(&report)?;
    } else if has_rows {
        tracing::info!("{}", tally.in_words("enhanced", &inputs).trim_end());
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
    tally.outcome(ours.len(), "{} photos could not be enhanced")
}

/// What is to be done with one photo.
struct Task<'a> {
    place: &'a Path,
    /// What was decided with others, with `--consistent`.
    look: Option<&'a Look>,
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
    /// What the model finds for a photo by itself.
    fn find(&self, photo: &Photo) -> Found {
        self.model.find(&[photo], self.arguments.max_steps.unwrap_or(usize::MAX)).remove(0)
    }

    /// What a result of a photo is made from, before it is known what comes of it.
    fn made(&self, photo_sha256: String) -> Made {
        Made {
            by: concat!("dodge ", env!("CARGO_PKG_VERSION")).to_owned(),
            photo_sha256,
            model_sha256: self.model_sha256.clone(),
            max_steps: self.arguments.max_steps,
            // All of each edit is what is made without a word.
            strength: self.arguments.strength.filter(|&share| share != 1.0),
            boldness: self.arguments.boldness,
            no_veto: self.arguments.no_veto,
            to_srgb: self.arguments.files.to_srgb,
            consistent: None,
            vetoed: None,
            expected_gain_db: None,
            result_sha256: String::new(),
            score_before: 0.0,
            score_after: 0.0,
        }
    }

    /// The edits of a recipe as far as they are made.
    fn weakened(&self, recipe: &Recipe) -> Recipe {
        self.arguments.strength.map_or_else(|| recipe.clone(), |share| recipe.scaled(share))
    }

    /// What was done to a photo, also in words.
    fn enhance(&self, file: &Path, task: &Task<'_>) -> Result<(Enhanced, String)> {
        let (arguments, place, look) = (self.arguments, task.place, task.look);
        let cannot_read = || format!("cannot read {}", text::shown(file));
        let recipe_place = &*place.with_extension(RECIPE);
        let mut made = self.made(String::new());
        made.consistent = look.map(|look| look.own.clone());
        if arguments.skip_existing
            && let Some((recipe, before)) = made::there(&made, place, recipe_place, arguments.sidecar)
        {
            let enhanced = enhanced(file, &recipe, &before, Some((place, recipe_place)), true);
            let words = in_words(&enhanced, &before, None);
            return Ok((enhanced, words));
        }
        if !arguments.dry_run {
            // A file that is no photo is refused below, with a better word about it.
            made.photo_sha256 = output::hash(&made::read_bounded(file).with_context(cannot_read)?);
            if look.is_some_and(|look| look.photo_sha256 != made.photo_sha256) {
                anyhow::bail!(
                    "{} changed while others of its shoot were looked at: give the same command again",
                    text::shown(file)
                );
            }
            // By itself a photo becomes the same again; what it shares with others may be something else now.
            let shared = look.filter(|look| look.shoot.is_some());
            let is_decided = |recipe: &Recipe| shared.is_none_or(|look| self.weakened(&look.recipe) == *recipe);
            if !(arguments.preview || arguments.explain)
                && let Some((recipe, before)) = made::same_before(&made, place, recipe_place)
                && is_decided(&recipe)
            {
                let mut enhanced = enhanced(file, &recipe, &before, Some((place, recipe_place)), true);
                enhanced.share_look(look);
                let words = in_words(&enhanced, &before, look);
                return Ok((enhanced, words));
            }
        }
        let picture = arguments.files.open(file)?;
        let photo = picture.seen();
        let found = look.map_or_else(|| self.find(&photo), |look| look.found.clone());
        let wanted = self.weakened(look.map_or(&found.recipe, |look| &look.recipe));
        made.expected_gain_db = found.expected_gain_db;
        let (recipe, result) = self.judged(&wanted, &picture, &photo, look, &mut made)?;
        tell_notes(file, &result);
        let (before, after) = (shown_to_juror(&photo), shown_to_juror(&result.seen()));
        let mut enhanced = if arguments.dry_run {
            enhanced(file, &recipe, &made, None, false)
        } else {
            let bytes = if arguments.sidecar {
                sidecar(file, &recipe)?
            } else {
                let encoding = result.encoding_for(place)?;
                tell_losses(file, &result, encoding);
                Some(result.encode(encoding)?)
            };
            made.result_sha256 = output::hash(bytes.as_deref().unwrap_or_default());
            let mut files: Vec<(PathBuf, Vec<u8>)> = bytes.map(|bytes| (place.to_owned(), bytes)).into_iter().collect();
            files.push((recipe_place.to_owned(), made::recipe_file(&recipe, &made)?));
            if arguments.preview {
                files.push((place.with_extension(PREVIEW), before.beside(&after).encode(Encoding::Png)?));
            }
            let written = output::write_all(&files, output::existing(arguments.overwrite))?;
            enhanced(file, &recipe, &made, Some((place, recipe_place)), written == Written::Before)
        };
        enhanced.share_look(look);
        enhanced.explained = self.explains(&made).then(|| dodge_rl::explain(&before, &recipe));
        let reasons = enhanced.explained.as_deref().map_or_else(String::new, instructor::in_words);
        let words = in_words(&enhanced, &made, look) + &reasons + &self.own_edits(&enhanced);
        Ok((enhanced, words))
    }

    /// The edits that are made and the result, where the juror has a veto: a result that it likes less than the photo is none.
    fn judged(
        &self,
        wanted: &Recipe,
        picture: &Picture,
        photo: &Photo,
        look: Option<&Look>,
        made: &mut Made,
    ) -> Result<(Recipe, Picture)> {
        let result = wanted.apply_to_picture(picture);
        made.score_before = self.juror.score_one(&shown_to_juror(photo))?;
        made.score_after = self.juror.score_one(&shown_to_juror(&result.seen()))?;
        let is_worse = made.score_after < made.score_before && !wanted.operations().is_empty();
        if !is_worse || !self.has_veto(look) {
            return Ok((wanted.clone(), result));
        }
        made.vetoed = Some(Vetoed { operations: wanted.operations().to_vec(), score: made.score_after });
        made.score_after = made.score_before;
        let nothing = Recipe::new(Vec::new());
        let nothing = wanted.longer_side().map_or(nothing.clone(), |side| nothing.with_longer_side(side));
        let untouched = nothing.apply_to_picture(picture);
        Ok((nothing, untouched))
    }

    /// Whether the juror has a veto. What somebody made of photos of their own is a matter of taste, on which it has no say, and a
    /// shoot has one look or none.
    fn has_veto(&self, look: Option<&Look>) -> bool {
        !self.arguments.no_veto && !self.model.is_taught_by_a_person() && look.is_none_or(|look| look.shoot.is_none())
    }

    /// What would have been done to a photo that shares its edits.
    fn own_edits(&self, enhanced: &Enhanced) -> String {
        match &enhanced.own_operations {
            Some(own) if self.arguments.explain && enhanced.shoot.is_some() => {
                let own = if own.is_empty() { "nothing".to_owned() } else { own.join(" ") };
                format!("  by itself: {own}\n")
            }
            _ => String::new(),
        }
    }

    /// Of edits of which nothing was to be made there is nothing to say, and of a veto it is said already.
    fn explains(&self, made: &Made) -> bool {
        self.arguments.explain && self.arguments.strength != Some(0.0) && made.vetoed.is_none()
    }
}

/// The settings that Lightroom has for a recipe; none for one without edits.
fn sidecar(file: &Path, recipe: &Recipe) -> Result<Option<Vec<u8>>> {
    if recipe.operations().is_empty() {
        return Ok(None);
    }
    let settings = Settings::of(recipe, Program::Lightroom, "").with_context(|| text::shown(file).into_owned())?;
    let reasons = settings.missing().map(|(operation, it)| format!("{operation} is not in the sidecar: {}", it.why));
    tell(file, reasons);
    Ok(Some(settings.text.into_bytes()))
}

impl Enhanced {
    fn share_look(&mut self, look: Option<&Look>) {
        self.shoot = look.and_then(|look| Some(look.shoot?.0));
        self.own_operations = look.map(|look| texts(&look.found.recipe));
    }
}

fn texts(recipe: &Recipe) -> Vec<String> {
    recipe.operations().iter().map(ToString::to_string).collect()
}

fn enhanced(file: &Path, recipe: &Recipe, made: &Made, places: Option<(&Path, &Path)>, passed_over: bool) -> Enhanced {
    Enhanced {
        photo: file.to_owned(),
        output: places.map(|(place, _)| place.to_owned()),
        recipe: places.map(|(_, recipe)| recipe.to_owned()),
        operations: texts(recipe),
        shoot: None,
        own_operations: None,
        expected_gain_db: made.expected_gain_db,
        score_before: made.score_before,
        score_after: made.score_after,
        vetoed: made.vetoed.clone(),
        explained: None,
        passed_over,
    }
}

fn in_words(enhanced: &Enhanced, made: &Made, look: Option<&Look>) -> String {
    let target = enhanced.output.as_ref().map(|output| format!(" -> {}", text::shown(output))).unwrap_or_default();
    let edits = match &made.vetoed {
        Some(Vetoed { operations, score }) => {
            let operations: Vec<String> = operations.iter().map(ToString::to_string).collect();
            format!("left as it is, because {} would score {score:.2}", operations.join(" "))
        }
        None if enhanced.operations.is_empty() => "left as it is".to_owned(),
        None => enhanced.operations.join(" "),
    };
    let (photo, (score_before, score_after)) =
        (text::shown(&enhanced.photo), (enhanced.score_before, enhanced.score_after));
    let remark = if enhanced.passed_over { ", there already" } else { "" };
    // It is that of the whole edits, and of those of the photo itself.
    let is_own = look.is_none_or(|look| look.recipe == look.found.recipe);
    let is_whole = is_own && made.strength.is_none() && made.max_steps.is_none() && !enhanced.operations.is_empty();
    let expected = enhanced.expected_gain_db.filter(|_| is_whole);
    let expected = expected.map_or_else(String::new, |gain| format!(", expected {gain:+.1} dB"));
    let shoot = look
        .and_then(|look| look.shoot)
        .map_or_else(String::new, |(number, photos)| format!(", as the {photos} photos of shoot {number}"));
    format!("{photo}{target}: {edits} (score {score_before:.2} -> {score_after:.2}{expected}{shoot}{remark})\n")
}
