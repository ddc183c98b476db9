//! `cargo xtask ci`: what a change must pass beside its tests, cheapest first.

use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::process;
use crate::project::Project;
use crate::{docs, smoke, tidy};

type Step = (&'static str, fn(&Project) -> Result<()>);

const STEPS: [Step; 5] = [("format", format), ("tidy", tidy), ("clippy", clippy), ("docs", docs), ("smoke", smoke)];

/// Runs the steps up to the first that fails, with the time of each.
pub(crate) fn run(project: &Project) -> Result<ExitCode> {
    for (name, step) in STEPS {
        let start = Instant::now();
        step(project).with_context(|| format!("ci stopped at {name}"))?;
        eprintln!("ci: {name} passed in {:.1} s", start.elapsed().as_secs_f64());
    }
    println!("ci: {} passed", STEPS.map(|(name, _)| name).join(", "));
    Ok(ExitCode::SUCCESS)
}

fn format(project: &Project) -> Result<()> {
    process::run(&mut project.cargo(["fmt", "--all", "--check"])).context("run `cargo fmt --all`")
}

fn tidy(project: &Project) -> Result<()> {
    if tidy::run(project)? == ExitCode::SUCCESS {
        return Ok(());
    }
    bail!("mend the lines above")
}

fn clippy(project: &Project) -> Result<()> {
    let arguments = ["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"];
    process::run(&mut project.cargo(arguments))
}

fn docs(project: &Project) -> Result<()> {
    process::run(&mut docs::command(project))
}

/// In the profile of the tests, which has the dependencies built already and the overflow checks on.
fn smoke(project: &Project) -> Result<()> {
    let dodge = project.build_dodge(&[])?;
    smoke::train(&dodge, &project.target().join("smoke"), "cpu").map(drop)
}
