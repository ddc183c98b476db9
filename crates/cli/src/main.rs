//! The `dodge` command: trains an agent that retouches photographs, measures it, and lets it retouch.
//!
//! This crate parses arguments, reads the environment, wires the libraries together and prints; it contains no
//! algorithm. Results go to stdout, logs and progress to stderr. Exit codes: see [`failure`].

mod arguments;
mod batch;
mod by_photo;
mod command;
mod configuration;
mod devices;
#[cfg(test)]
mod documents_tests;
mod failure;
mod fetching;
mod input;
mod instructor;
mod interruption;
mod jurors;
mod many;
mod output;
mod pairs;
mod progress;
mod resume;
mod runs;
mod sections;
#[cfg(test)]
mod sections_tests;
mod study;
mod surroundings;
mod table;
mod teaching;
mod terminal;
mod text;

use std::process::ExitCode;

use clap::Parser;

use crate::arguments::{Arguments, Command};
use crate::surroundings::Surroundings;

/// A training makes and frees thousands of small tensors in a second; with the allocators of most systems it takes a third
/// longer (`cargo xtask bench rl`).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        // clap prints help to stdout and mistakes to stderr.
        Err(error) => {
            let code = if error.use_stderr() { failure::USAGE } else { 0 };
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    let result = Surroundings::from_env().and_then(|surroundings| {
        surroundings.start_log();
        match &arguments.command {
            Command::Train(arguments) => command::train::run(arguments, &surroundings),
            Command::Prepare(arguments) => command::prepare::run(arguments, &surroundings),
            Command::Tune(arguments) => command::tune::run(arguments, &surroundings),
            Command::Evaluate(arguments) => command::evaluate::run(arguments, &surroundings),
            Command::Enhance(arguments) => command::enhance::run(arguments, &surroundings),
            Command::Apply(arguments) => command::apply::run(arguments, &surroundings),
            Command::Export(arguments) => command::export::run(arguments),
            Command::Doctor(arguments) => command::doctor::run(arguments, &surroundings),
            Command::Completions { shell } => command::completions::run(*shell),
            Command::Man { command } => command::man::run(command.as_deref()),
            Command::Report(arguments) => command::report::run(arguments, &surroundings),
            Command::Score(arguments) => command::score::run(arguments, &surroundings),
            Command::Juror(arguments) => command::juror::run(arguments, &surroundings),
            Command::Params(arguments) => command::params::run(arguments, &surroundings),
            Command::Runs(arguments) => command::runs::run(arguments, &surroundings),
            Command::Datasets(arguments) => command::datasets::run(arguments, &surroundings),
            Command::Studio(arguments) => command::studio::run(arguments, &surroundings),
            Command::Serve(arguments) => command::serve::run(arguments, &surroundings),
        }
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failure::report(&error),
    }
}
