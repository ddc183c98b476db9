//! `dodge apply`

use anyhow::{Result, bail};
use dodge_imaging::{Picture, Recipe};

use crate::arguments::ApplyArguments;
use crate::failure::complain;
use crate::{command, input};

/// Runs the command.
pub(crate) fn run(arguments: &ApplyArguments) -> Result<()> {
    let recipe = Recipe::load(&arguments.recipe)?;
    let files = input::photo_files(&arguments.photos)?;
    let places = input::places(&files, &arguments.output, &[])?;
    command::create_folder(&arguments.output)?;
    let mut written = Vec::new();
    let mut failed = 0;
    for (file, place) in files.iter().zip(&places) {
        match Picture::open(file).and_then(|picture| recipe.apply_to_picture(&picture).save(place)) {
            Ok(()) => written.push(serde_json::json!({ "photo": file, "output": place })),
            Err(error) => {
                complain(&error.into());
                failed += 1;
                continue;
            }
        }
        if !arguments.json {
            command::print(&format!("{} -> {}\n", file.display(), place.display()))?;
        }
    }
    if arguments.json {
        command::print_json(&serde_json::json!({ "photos": written, "failed": failed }))?;
    }
    if failed > 0 {
        bail!("the recipe could not be applied to {failed} of {} photos", files.len());
    }
    Ok(())
}
