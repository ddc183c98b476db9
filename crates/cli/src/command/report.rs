//! `dodge report`

use std::io::Write;

use anyhow::Result;
use dodge_rl::page_of_run;

use crate::arguments::ReportArguments;
use crate::failure::usage;
use crate::output::{self, Written};
use crate::surroundings::Surroundings;
use crate::{command, runs, text};

/// Runs the command.
pub(crate) fn run(arguments: &ReportArguments, surroundings: &Surroundings) -> Result<()> {
    let folder = runs::folder(&arguments.run, &surroundings.volume())?;
    let page = page_of_run(&folder).map_err(usage)?;
    let place = arguments.output.clone().unwrap_or_else(|| folder.join("report.html"));
    if place.is_dir() {
        return Err(usage(format!("--out: {} is a folder: name a file in it", text::shown(&place))));
    }
    let file = (place.clone(), page.html.into_bytes());
    let written = output::write_all(&[file], output::existing(arguments.overwrite))?;
    for words in &page.missing {
        let _ = writeln!(std::io::stderr().lock(), "note: not in it: {words}");
    }
    let remark = if written == Written::Before { " (there already)" } else { "" };
    command::print(&format!("{} -> {}{remark}\n", text::shown(&folder), text::shown(&place)))
}
