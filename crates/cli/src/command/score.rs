//! `dodge score`

use std::fmt::Write;

use anyhow::Result;
use dodge_imaging::Photo;
use dodge_juror::{ClassicalJuror, Juror};
use dodge_preprocess::ResizeParams;
use serde_json::json;

use crate::arguments::ScoreArguments;
use crate::batch::{Shown, Tally};
use crate::input::{Input, Inputs};
use crate::output::Written;
use crate::surroundings::Surroundings;
use crate::{command, interruption, progress, text};

/// Runs the command. Photos are scored at the size that preprocessing gives them.
pub(crate) fn run(arguments: &ScoreArguments, surroundings: &Surroundings) -> Result<()> {
    let juror = ClassicalJuror::new();
    let inputs = Inputs::of(&arguments.photos, None)?;
    let size = ResizeParams::default().max_size;
    let interrupted = interruption::stop_on_ctrl_c()?;
    let mut scored = Vec::new();
    let work = |_: usize, photo: &Input| {
        let parts = juror.sub_scores(&Photo::open(&photo.path)?.thumbnail(size));
        let mut text = format!("{:5.2}  {}\n", parts.score(), text::shown(&photo.path));
        if arguments.explain {
            for (name, part) in parts.named() {
                let _ = writeln!(text, "       {name:>14} {:3.0} %", 100.0 * part);
            }
        }
        let named: serde_json::Map<String, serde_json::Value> =
            parts.named().iter().map(|(name, part)| ((*name).to_owned(), (*part).into())).collect();
        let object = json!({ "photo": text::lossy(&photo.path), "score": parts.score(), "parts": named });
        Ok((Written::Now, (object, text)))
    };
    let progress = progress::of_told_work(surroundings);
    let shown = Shown { progress: &*progress, what: "scoring" };
    let tally = Tally::of(&inputs.photos, &shown, &interrupted, work, |(object, words)| {
        scored.push(object);
        if arguments.json { Ok(()) } else { command::print(&words) }
    });
    if arguments.json {
        let skipped = inputs.skipped_in_json();
        let object = json!({ "juror": juror.name(), "photos": scored, "failed": tally.failed, "skipped": skipped });
        command::print_json(&object)?;
    }
    tally.outcome(inputs.photos.len(), "{} photos could not be scored")
}
