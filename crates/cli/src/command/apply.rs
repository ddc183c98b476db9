//! `dodge apply`

use anyhow::Result;
use dodge_imaging::Recipe;
use serde_json::json;

use crate::arguments::ApplyArguments;
use crate::batch::Batch;
use crate::failure::tell;
use crate::input::{Input, Inputs};
use crate::output::{self, Kind, Written};
use crate::surroundings::Surroundings;
use crate::{command, interruption, progress, text};

/// Runs the command.
pub(crate) fn run(arguments: &ApplyArguments, surroundings: &Surroundings) -> Result<()> {
    let recipe = Recipe::load(&arguments.recipe)?;
    let inputs = Inputs::of(&arguments.photos, Some(&arguments.output))?;
    let kind = Kind::Pictures(arguments.files.format);
    let places = output::places(&inputs.photos, &arguments.output, &[], kind)?;
    output::keep_inputs(&inputs.photos, &places, &[])?;
    let existing = output::existing(arguments.overwrite);
    let interrupted = interruption::stop_on_ctrl_c()?;
    let mut written = Vec::new();
    let work = |index: usize, photo: &Input| {
        let (file, place) = (&photo.path, &places[index]);
        let picture = arguments.files.open(file)?;
        let (result, notes) = recipe.result_for(&picture, place)?;
        tell(file, &notes);
        let done = output::write_all(&[(place.clone(), result)], existing)?;
        let passed_over = done == Written::Before;
        let object = json!({ "photo": text::lossy(file), "output": text::lossy(place), "passed_over": passed_over });
        let remark = if passed_over { " (there already)" } else { "" };
        Ok((done, (object, format!("{} -> {}{remark}\n", text::shown(file), text::shown(place)))))
    };
    let progress = progress::of_told_work(surroundings);
    let batch = Batch { progress: &*progress, what: "applying", interrupted: &interrupted, max_failures: None };
    let tally = batch.run(&inputs.photos, work, |_, told| {
        let Ok((object, words)) = told.done else { return Ok(()) };
        written.push(object);
        if arguments.json { Ok(()) } else { command::print(&words) }
    });
    if arguments.json {
        let (failed, passed_over) = (tally.failed, tally.passed_over);
        let skipped = inputs.skipped_in_json();
        let object = json!({ "photos": written, "failed": failed, "passed_over": passed_over, "skipped": skipped });
        command::print_json(&object)?;
    } else {
        command::print(&tally.in_words("written", &inputs))?;
    }
    tally.outcome(inputs.photos.len(), "the recipe could not be applied to {} photos")
}
