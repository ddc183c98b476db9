//! `dodge enhance`

mod look;

use std::path::{Path, PathBuf};

use anyhow::Result;
use dodge_imaging::Recipe;
use dodge_rl::{EnhanceOptions, Enhancer, Explained, Look, RECIPE_EXTENSION, Task, Vetoed};
use serde::Serialize;

use crate::arguments::EnhanceArguments;
use crate::batch::Batch;
use crate::failure::{in_our_words, tell};
use crate::input::Input;
use crate::output::{self, Kind, Written};
use crate::surroundings::Surroundings;
use crate::{command, instructor, interruption, many, progress, text};

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

/// Runs the command.
pub(crate) fn run(arguments: &EnhanceArguments, surroundings: &Surroundings) -> Result<()> {
    let has_rows = arguments.many.has_rows();
    let enhancer = Enhancer::load(arguments.model.as_deref(), &dodge_learn::cpu(), options(arguments))?;
    let inputs = arguments.many.inputs(&arguments.photos, Some(&arguments.output))?;
    let companions: &[&str] = if arguments.preview { &[RECIPE_EXTENSION, PREVIEW] } else { &[RECIPE_EXTENSION] };
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
        let (enhanced, words) = enhance(&enhancer, arguments, &photo.path, &places[seen[task]], look)?;
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
    let least_gain_db = enhancer.model().configuration().least_gain_db;
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

/// Up to `count` photos of which the model expected nearly what it asks for before it touches one, the nearest first.
fn least_sure(done: &[Enhanced], least_gain_db: f32, count: usize) -> Vec<&Enhanced> {
    let doubt = |enhanced: &Enhanced| enhanced.expected_gain_db.map(|gain| (gain - least_gain_db).abs());
    let mut doubted: Vec<(f32, &Enhanced)> =
        done.iter().filter_map(|enhanced| Some((doubt(enhanced)?, enhanced))).collect();
    doubted.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    doubted.into_iter().take(count).map(|(_, enhanced)| enhanced).collect()
}

/// What the command line asks to be made of photos.
fn options(arguments: &EnhanceArguments) -> EnhanceOptions {
    EnhanceOptions {
        max_steps: arguments.max_steps,
        strength: arguments.strength,
        boldness: arguments.boldness,
        no_veto: arguments.no_veto,
        to_srgb: arguments.files.to_srgb,
        tolerance: arguments.files.tolerance(),
    }
}

/// What was done to a photo, also in words.
fn enhance(
    enhancer: &Enhancer,
    arguments: &EnhanceArguments,
    file: &Path,
    place: &Path,
    look: Option<&Look>,
) -> Result<(Enhanced, String)> {
    let task = Task {
        look,
        existing: output::existing(arguments.overwrite),
        skip_existing: arguments.skip_existing,
        dry_run: arguments.dry_run,
        sidecar: arguments.sidecar,
        preview: arguments.preview.then_some(PREVIEW),
        explain: arguments.explain,
        ..Task::at(place)
    };
    let done = enhancer.enhance(file, &task).map_err(in_our_words)?;
    tell(file, &done.notes);
    let has_place = done.written.is_some();
    let enhanced = Enhanced {
        photo: file.to_owned(),
        output: has_place.then(|| place.to_owned()),
        recipe: has_place.then(|| place.with_extension(RECIPE_EXTENSION)),
        operations: texts(&done.recipe),
        shoot: look.and_then(|look| Some(look.shoot?.0)),
        own_operations: look.map(|look| texts(&look.found.recipe)),
        expected_gain_db: done.expected_gain_db,
        score_before: done.score_before,
        score_after: done.score_after,
        vetoed: done.vetoed,
        explained: done.explained,
        passed_over: done.written == Some(Written::Before),
    };
    let reasons = enhanced.explained.as_deref().map_or_else(String::new, instructor::in_words);
    let words = in_words(&enhanced, arguments, look) + &reasons + &own_edits(&enhanced, arguments.explain);
    Ok((enhanced, words))
}

/// What would have been done to a photo that shares its edits.
fn own_edits(enhanced: &Enhanced, explain: bool) -> String {
    match &enhanced.own_operations {
        Some(own) if explain && enhanced.shoot.is_some() => {
            let own = if own.is_empty() { "nothing".to_owned() } else { own.join(" ") };
            format!("  by itself: {own}\n")
        }
        _ => String::new(),
    }
}

fn texts(recipe: &Recipe) -> Vec<String> {
    recipe.operations().iter().map(ToString::to_string).collect()
}

fn in_words(enhanced: &Enhanced, arguments: &EnhanceArguments, look: Option<&Look>) -> String {
    let target = enhanced.output.as_ref().map(|output| format!(" -> {}", text::shown(output))).unwrap_or_default();
    let edits = match &enhanced.vetoed {
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
    let is_all = arguments.strength.is_none_or(|share| share == 1.0);
    let is_whole = is_own && is_all && arguments.max_steps.is_none() && !enhanced.operations.is_empty();
    let expected = enhanced.expected_gain_db.filter(|_| is_whole);
    let expected = expected.map_or_else(String::new, |gain| format!(", expected {gain:+.1} dB"));
    let shoot = look
        .and_then(|look| look.shoot)
        .map_or_else(String::new, |(number, photos)| format!(", as the {photos} photos of shoot {number}"));
    format!("{photo}{target}: {edits} (score {score_before:.2} -> {score_after:.2}{expected}{shoot}{remark})\n")
}
