//! `dodge score`

use std::fmt::Write;

use anyhow::Result;
use dodge_imaging::Photo;
use dodge_juror::{ClassicalJuror, Juror};
use dodge_preprocess::ResizeParams;
use serde_json::{Value, json};

use crate::arguments::{JurorChoice, ScoreArguments};
use crate::batch::Batch;
use crate::failure::usage;
use crate::input::Input;
use crate::output::Written;
use crate::surroundings::Surroundings;
use crate::{command, interruption, jurors, many, progress, text};

/// Runs the command. Photos are scored at the size that preprocessing gives them.
pub(crate) fn run(arguments: &ScoreArguments, surroundings: &Surroundings) -> Result<()> {
    let classical = ClassicalJuror::new();
    // Of no other juror a score has parts.
    let other = match &arguments.juror {
        JurorChoice::Classical => None,
        _ if arguments.explain => return Err(usage("--explain tells the parts of the classical juror's score only")),
        choice => Some(jurors::chosen(choice, None, surroundings)?),
    };
    let mut inputs = arguments.many.inputs(&arguments.photos, None)?;
    if let Some(shard) = arguments.many.shard(&surroundings.array_task)? {
        inputs.photos.retain(|photo| shard.has(photo));
    }
    let size = ResizeParams::default().max_size;
    let interrupted = interruption::stop_on_ctrl_c()?;
    let has_rows = arguments.many.has_rows();
    let mut scored = Vec::new();
    let work = |_: usize, photo: &Input| {
        let seen = Photo::open(&photo.path)?.thumbnail(size);
        let (score, parts) = match &other {
            Some(juror) => (juror.score_one(&seen)?, None),
            None => {
                let parts = classical.sub_scores(&seen);
                (parts.score(), Some(parts.named()))
            }
        };
        let mut text = format!("{score:5.2}  {}\n", text::shown(&photo.path));
        let mut object = json!({ "photo": text::lossy(&photo.path), "score": score });
        if let Some(parts) = parts {
            if arguments.explain {
                for (name, part) in parts {
                    let _ = writeln!(text, "       {name:>14} {:3.0} %", 100.0 * part);
                }
            }
            let named = parts.map(|(name, part)| (name.to_owned(), part.into()));
            object["parts"] = Value::Object(named.into_iter().collect());
        }
        Ok((Written::Now, (object, text)))
    };
    let batch = Batch {
        progress: &*progress::of_told_work(surroundings),
        what: "scoring",
        interrupted: &interrupted,
        max_failures: arguments.many.max_failures,
    };
    let tally = batch.run(&inputs.photos, work, |photo, told| {
        if has_rows {
            return many::print_row(photo, &told.map(|(object, _)| object));
        }
        let Ok((object, words)) = told.done else { return Ok(()) };
        scored.push(object);
        if arguments.json { Ok(()) } else { command::print(&words) }
    });
    if arguments.json {
        let skipped = inputs.skipped_in_json();
        let mut object = json!({ "juror": other.as_ref().map_or_else(|| classical.name(), |juror| juror.name()), "failed": tally.failed, "skipped": skipped });
        if !has_rows {
            object["photos"] = scored.into();
        }
        command::print_json(&object)?;
    }
    tally.outcome(inputs.photos.len(), "{} photos could not be scored")
}
