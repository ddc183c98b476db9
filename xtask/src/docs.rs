//! `cargo xtask docs`: the pictures in `docs/`, and the API documentation, where a warning is an error.

use std::process::{Command, ExitCode};

use anyhow::Result;

use crate::process;
use crate::project::Project;

/// Draws the pictures anew and builds the documentation of the members.
pub(crate) fn run(project: &Project) -> Result<ExitCode> {
    let sheet = ["run", "--quiet", "-p", "dodge-tests", "--example", "contact_sheet", "--", "docs/operations.jpg"];
    process::run(&mut project.cargo(sheet))?;
    process::run(&mut command(project))?;
    println!("docs: {}", project.target().join("doc").display());
    Ok(ExitCode::SUCCESS)
}

/// The command that builds it.
pub(crate) fn command(project: &Project) -> Command {
    let mut cargo = project.cargo(["doc", "--workspace", "--no-deps"]);
    cargo.env("RUSTDOCFLAGS", "-D warnings");
    cargo
}
