//! The project's own commands, run as `cargo xtask VERB`: one file per verb, few dependencies, and never burn, so that
//! a first `cargo xtask train` starts compiling what matters after a few seconds.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command-line tool talks to its user")]

mod bench;
mod ci;
mod docs;
mod fuzz;
mod gpu_smoke;
mod house_model;
mod metadata;
mod mlflow;
mod process;
mod project;
mod python;
mod results;
mod smoke;
mod test;
mod tidy;
mod train;
mod venv;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::project::Project;

/// The project's own commands.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version)]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Build the release `dodge` and run `dodge train ARGS`; without ARGS: synthetic photos, quick preset
    #[command(disable_help_flag = true)]
    Train {
        /// Arguments of `dodge train`, `--help` included
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<OsString>,
    },
    /// Run every test that this machine can run, documentation examples and a real MLflow server included
    Test {
        /// Arguments of the test runner, such as `-p dodge-imaging` or the name of a test; without them, everything runs
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<OsString>,
    },
    /// What a change must pass beside the tests: format, tidy, clippy, documentation, a short training run
    Ci,
    /// Check the house rules: dependency edges, manifests, sources, documents
    Tidy,
    /// Build the documentation with warnings denied
    Docs,
    /// Build the Python package into target/wheels
    Wheel,
    /// Run a benchmark; without a name, list the benchmarks
    Bench {
        /// Name of the benchmark
        name: Option<String>,
        /// Arguments of the benchmark
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<OsString>,
    },
    /// Feed arbitrary bytes to what reads files and replies of others, with the address sanitiser
    Fuzz {
        /// Targets, as they are called in fuzz/fuzz_targets; without one, all
        targets: Vec<String>,
        /// Seconds for each target
        #[arg(long, default_value_t = 60)]
        seconds: u32,
        /// Targets that run at a time
        #[arg(long, default_value_t = 2)]
        jobs: usize,
    },
    /// Build `dodge` for the GPU, train a little on it, and compare its numbers with the processor's
    GpuSmoke,
    /// Train the model in the box anew, on photos made by the program, and put it in its place
    HouseModel,
    /// Train and measure with three seeds on photos that are named: the page of results in docs/results.md
    Results(results::ResultsArguments),
    /// Start a real MLflow server on a local store
    Mlflow {
        /// Folder of the local store; default: `tracking` in the folder named by IMAGE_VOLUME_PATH, or in ./dodge-data
        folder: Option<PathBuf>,
        /// Port of the server on this machine
        #[arg(long, default_value_t = 5000)]
        port: u16,
    },
}

fn main() -> ExitCode {
    let verb = Arguments::parse().verb;
    match Project::load().and_then(|project| run(&project, verb)) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(project: &Project, verb: Verb) -> anyhow::Result<ExitCode> {
    match verb {
        Verb::Train { args } => train::run(project, &args),
        Verb::Test { args } => test::run(project, &args),
        Verb::Ci => ci::run(project),
        Verb::Tidy => tidy::run(project),
        Verb::Docs => docs::run(project),
        Verb::Wheel => python::wheel(project),
        Verb::Bench { name, args } => bench::run(project, name.as_deref(), &args),
        Verb::Fuzz { targets, seconds, jobs } => fuzz::run(project, &targets, seconds, jobs),
        Verb::GpuSmoke => gpu_smoke::run(project),
        Verb::HouseModel => house_model::run(project),
        Verb::Results(arguments) => results::run(project, &arguments),
        Verb::Mlflow { folder, port } => mlflow::run(project, folder, port),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn parse(line: &str) -> Verb {
        Arguments::try_parse_from(line.split(' ')).expect("the line is valid").verb
    }

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn flags_after_a_verb_belong_to_the_program_that_the_verb_runs() {
        let Verb::Train { args } = parse("xtask train --steps 9 --help") else { panic!("another verb") };
        assert_eq!(args, ["--steps", "9", "--help"]);
        let line = "xtask results --photos a --pairs b c --write --steps 2000 --seed 4";
        let Verb::Results(arguments) = parse(line) else { panic!("another verb") };
        assert!(
            format!("{arguments:?}").contains(r#"write: true, args: ["--steps", "2000", "--seed", "4"]"#),
            "{arguments:?}"
        );
        assert!(Arguments::try_parse_from(["xtask", "results"]).is_err(), "photos have to be named");
        let Verb::Test { args } = parse("xtask test -p dodge-imaging crop") else { panic!("another verb") };
        assert_eq!(args, ["-p", "dodge-imaging", "crop"]);
    }
}
