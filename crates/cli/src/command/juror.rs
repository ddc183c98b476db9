//! `dodge juror`

mod train;

use std::fmt::Write;

use anyhow::Result;
use dodge_imaging::Photo;
use dodge_juror::{CheckResult, PairCheck};
use dodge_preprocess::ResizeParams;
use serde_json::{Map, Value, json};

use crate::arguments::{JurorArguments, JurorCheckArguments, JurorCommand};
use crate::batch::Batch;
use crate::input::{Input, Inputs};
use crate::output::Written;
use crate::surroundings::Surroundings;
use crate::{command, interruption, jurors, progress};

/// Runs the command.
pub(crate) fn run(arguments: &JurorArguments, surroundings: &Surroundings) -> Result<()> {
    match &arguments.command {
        JurorCommand::Check(arguments) => check(arguments, surroundings),
        JurorCommand::Train(arguments) => train::run(arguments, surroundings),
    }
}

/// Photos are damaged and judged at the size that preprocessing gives them.
fn check(arguments: &JurorCheckArguments, surroundings: &Surroundings) -> Result<()> {
    let juror = jurors::chosen(&arguments.juror, None, surroundings)?;
    let inputs = Inputs::of(std::slice::from_ref(&arguments.photos), None)?;
    let (size, check) = (ResizeParams::default().max_size, PairCheck::new(arguments.seed));
    let interrupted = interruption::stop_on_ctrl_c()?;
    let batch = Batch {
        progress: &*progress::of_told_work(surroundings),
        what: "checking",
        interrupted: &interrupted,
        max_failures: None,
    };
    let mut answers = Vec::new();
    let work = |number: usize, photo: &Input| {
        let photo = Photo::open(&photo.path)?.thumbnail(size);
        Ok((Written::Now, check.ask(&*juror, &photo, number as u64)?))
    };
    let tally = batch.run(&inputs.photos, work, |_, told| {
        answers.extend(told.done.ok());
        Ok(())
    });
    let result = check.result(&answers);
    if arguments.json {
        command::print_json(&in_json(&juror.name(), &result, tally.failed, &inputs.skipped_in_json()))?;
    } else {
        command::print(&in_words(&juror.name(), &result))?;
    }
    tally.outcome(inputs.photos.len(), "{} photos could not be judged")
}

fn in_json(juror: &str, result: &CheckResult, failed: usize, skipped: &Value) -> Value {
    let by_damage: Map<String, Value> =
        result.by_damage.iter().map(|it| (it.damage.to_owned(), it.accuracy.into())).collect();
    let mean_drop: Map<String, Value> =
        result.by_damage.iter().map(|it| (it.damage.to_owned(), it.mean_drop.into())).collect();
    json!({
        "juror": juror,
        "photos": result.photos,
        "overall": result.overall,
        "by_damage": by_damage,
        "mean_drop": mean_drop,
        "failed": failed,
        "skipped": skipped,
    })
}

fn in_words(juror: &str, result: &CheckResult) -> String {
    let mut text = format!("{juror}, asked about {} photos: how often the original scores higher\n\n", result.photos);
    let _ = writeln!(text, "{:>18}  accuracy  mean drop", "damage");
    for it in &result.by_damage {
        let _ = writeln!(text, "{:>18}      {:.2}      {:+.2}", it.damage, it.accuracy, it.mean_drop);
    }
    let _ = writeln!(text, "{:>18}      {:.2}", "overall", result.overall);
    text
}
