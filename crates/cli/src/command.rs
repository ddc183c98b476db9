//! The commands, one file each.

pub(crate) mod apply;
pub(crate) mod completions;
pub(crate) mod datasets;
pub(crate) mod doctor;
pub(crate) mod enhance;
pub(crate) mod evaluate;
pub(crate) mod export;
pub(crate) mod juror;
pub(crate) mod man;
pub(crate) mod params;
pub(crate) mod prepare;
pub(crate) mod report;
pub(crate) mod runs;
pub(crate) mod score;
pub(crate) mod serve;
pub(crate) mod studio;
pub(crate) mod train;
pub(crate) mod tune;

use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result};
use dodge_rl::Model;
use serde::Serialize;

use crate::terminal;

/// The model of this file, or the one in the box, on the processor.
pub(crate) fn model(file: Option<&Path>) -> Result<Model> {
    let device = dodge_learn::cpu();
    Ok(match file {
        Some(file) => Model::load(file, &device)?,
        None => Model::in_the_box(&device)?,
    })
}

/// Writes text to stdout; a closed pipe ends the program quietly, as `head` expects.
pub(crate) fn print(text: &str) -> Result<()> {
    let printed = terminal::aside(|| {
        let mut stdout = std::io::stdout().lock();
        stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush())
    });
    match printed {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => other.context("cannot write to stdout"),
    }
}

/// Prints one JSON object on one line.
pub(crate) fn print_json(value: &impl Serialize) -> Result<()> {
    print(&format!("{}\n", serde_json::to_string(value)?))
}
