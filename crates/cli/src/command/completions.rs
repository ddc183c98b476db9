//! `dodge completions`

use anyhow::Result;
use clap::CommandFactory;
use clap_complete::{Shell, generate};

use crate::arguments::Arguments;
use crate::command;

/// Runs the command.
pub(crate) fn run(shell: Shell) -> Result<()> {
    let mut script = Vec::new();
    generate(shell, &mut Arguments::command(), "dodge", &mut script);
    command::print(&String::from_utf8(script)?)
}
