//! `dodge enhance`

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use dodge_imaging::{Photo, Picture, Recipe};
use dodge_juror::{ClassicalJuror, Juror};
use dodge_rl::Model;
use serde::Serialize;

use crate::arguments::EnhanceArguments;
use crate::failure::complain;
use crate::surroundings::Surroundings;
use crate::{command, input, instructor};

/// Extension of the recipe beside a result.
const RECIPE: &str = "recipe.json";
/// Extension of the picture of before and after.
const PREVIEW: &str = "preview.png";

/// What was done to one photo.
#[derive(Debug, Serialize)]
struct Enhanced {
    photo: PathBuf,
    output: Option<PathBuf>,
    recipe: Option<PathBuf>,
    operations: Vec<String>,
    score_before: f64,
    score_after: f64,
}

/// Runs the command. Photos are handled one after the other: memory is that of the largest photo, two or three times.
pub(crate) fn run(arguments: &EnhanceArguments, _surroundings: &Surroundings) -> Result<()> {
    let model = Model::load(&arguments.model, &dodge_rl::cpu())?;
    let files = input::photo_files(&arguments.photos)?;
    let places = input::places(&files, &arguments.output, &[RECIPE, PREVIEW])?;
    if !arguments.dry_run {
        command::create_folder(&arguments.output)?;
    }
    let juror = ClassicalJuror::new();
    let mut done = Vec::new();
    let mut failed = 0;
    for (file, place) in files.iter().zip(&places) {
        match enhance(file, place, &model, &juror, arguments) {
            Ok(enhanced) => done.push(enhanced),
            Err(error) => {
                complain(&error);
                failed += 1;
            }
        }
    }
    if arguments.json {
        command::print_json(&serde_json::json!({ "photos": done, "failed": failed }))?;
    }
    if failed > 0 {
        bail!("{failed} of {} photos could not be enhanced", files.len());
    }
    Ok(())
}

fn enhance(
    file: &Path,
    place: &Path,
    model: &Model,
    juror: &ClassicalJuror,
    arguments: &EnhanceArguments,
) -> Result<Enhanced> {
    let picture = Picture::open(file)?;
    let photo = picture.pixels.to_eight();
    let recipe = model.recipes_for(&[&photo], arguments.max_steps.unwrap_or(usize::MAX)).remove(0);
    let result = recipe.apply_to_picture(&picture);
    // Scored at the size that the juror was set on.
    let size = dodge_preprocess::ResizeParams::default().max_size;
    let (before, after) = (photo.thumbnail(size), result.pixels.to_eight().thumbnail(size));
    let mut enhanced = Enhanced {
        photo: file.to_owned(),
        output: None,
        recipe: None,
        operations: recipe.operations().iter().map(ToString::to_string).collect(),
        score_before: juror.score_one(&before)?,
        score_after: juror.score_one(&after)?,
    };
    if !arguments.dry_run {
        let recipe_place = place.with_extension(RECIPE);
        result.save(place)?;
        recipe.save(&recipe_place)?;
        if arguments.preview {
            before.beside(&after).save(&place.with_extension(PREVIEW))?;
        }
        (enhanced.output, enhanced.recipe) = (Some(place.to_owned()), Some(recipe_place));
    }
    if !arguments.json {
        command::print(&in_words(&enhanced, &recipe, &before, juror, arguments.explain))?;
    }
    Ok(enhanced)
}

fn in_words(enhanced: &Enhanced, recipe: &Recipe, before: &Photo, juror: &ClassicalJuror, explain: bool) -> String {
    let target = enhanced.output.as_ref().map(|output| format!(" -> {}", output.display())).unwrap_or_default();
    let edits = if enhanced.operations.is_empty() { "left as it is".to_owned() } else { enhanced.operations.join(" ") };
    let (before_score, after_score) = (enhanced.score_before, enhanced.score_after);
    let photo = enhanced.photo.display();
    let mut text = format!("{photo}{target}: {edits} (score {before_score:.2} -> {after_score:.2})\n");
    if explain {
        text.push_str(&instructor::explain(before, recipe, juror));
    }
    text
}
