//! `dodge prepare`

use std::fmt::Write;

use anyhow::Result;
use dodge_data::{DataLoader, LessonLoader};
use dodge_rl::{PhotoTrainer, Prepared, Session, prepare};

use crate::arguments::PrepareArguments;
use crate::command::{self, train};
use crate::failure::Interrupted;
use crate::surroundings::Surroundings;
use crate::{configuration, interruption, jurors, progress, text};

/// Runs the command.
pub(crate) fn run(arguments: &PrepareArguments, surroundings: &Surroundings) -> Result<()> {
    let (material, learning) = (&arguments.material, arguments.learning());
    let pairs = train::pairs_of(material, arguments.lessons.is_some())?;
    // Those that `dodge train` has with the same options.
    let mut registry = match &arguments.lessons {
        Some(_) => {
            let model = command::model(None)?;
            configuration::of_lessons(&model, &arguments.hyperparameters, &surroundings.hyperparameters)?
        }
        None => configuration::layered(&arguments.hyperparameters, &surroundings.hyperparameters)?,
    };
    train::apply_options(&mut registry, material, &learning)?;
    configuration::validate(&registry)?;
    let juror = jurors::chosen(&arguments.juror, None, surroundings)?;
    train::use_threads(arguments.threads.or(surroundings.threads))?;
    let (progress, interrupted) = (progress::display(surroundings), interruption::stop_on_ctrl_c()?);
    let loader: Box<dyn DataLoader> = match &arguments.lessons {
        Some(folder) => {
            let hashing = train::shown_hashing(surroundings, &progress, &interrupted);
            Box::new(LessonLoader::new(folder).with_hashing(hashing))
        }
        None => train::loader(material, &registry, surroundings, &progress, &interrupted)?,
    };
    let mut run_options = train::options_of_runs(&learning, surroundings, "dodge prepare");
    if let Some(name) = &arguments.run_name {
        run_options = run_options.with_run_name(name);
    }
    let session = Session {
        tracking: train::tracking(train::tracking_uri(&learning, surroundings), surroundings, &registry.get()?)?,
        run_options: train::with_system_metrics(run_options, surroundings)?,
        volume: surroundings.volume(),
        run_dir: None,
        resume: false,
        registry,
        device: dodge_learn::cpu(),
        progress,
        interrupted,
    };
    let trainer = match pairs.is_some() || arguments.lessons.is_some() {
        true => PhotoTrainer::of_pairs(loader, juror),
        false => PhotoTrainer::new(loader, juror),
    };
    let prepared = match prepare(&trainer, session) {
        Err(dodge_rl::Error::Interrupted { .. }) => {
            let kept = "steps that ended are kept, and the next `dodge prepare` goes on behind them";
            return Err(Interrupted(kept.to_owned()).into());
        }
        prepared => prepared?,
    };
    if arguments.json { command::print_json(&prepared) } else { command::print(&in_words(&prepared)) }
}

fn in_words(prepared: &Prepared) -> String {
    let Prepared { photos, skipped, train, validation, test, left_out, .. } = prepared;
    let mut text = format!("{photos} photos: {train} to learn from, {validation} for validation, {test} to test on");
    if *skipped > 0 {
        let _ = write!(text, "; {skipped} files cannot be used");
    }
    if *left_out > 0 {
        let _ = write!(text, "; {left_out} whose damage the juror did not notice");
    }
    text.push_str("\n\n");
    for step in &prepared.steps {
        let word = if step.reused { "found" } else { "made" };
        let _ = writeln!(text, "{:>18}  {word:>5} in {:.1} s  {}", step.step, step.seconds, text::shown(&step.folder));
    }
    let reused = prepared.steps.iter().filter(|step| step.reused).count();
    let _ = match reused == prepared.steps.len() {
        true => writeln!(text, "\nall of it was prepared before, and is used again ({:.1} s)", prepared.wall_seconds),
        false => writeln!(
            text,
            "\nprepared in {:.1} s; `dodge train` with the same options begins at once",
            prepared.wall_seconds
        ),
    };
    if prepared.undelivered_records > 0 {
        let records = prepared.undelivered_records;
        let _ =
            writeln!(text, "{records} tracking records wait for the server; they are kept and sent with the next run");
    }
    text
}
