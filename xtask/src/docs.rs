//! `cargo xtask docs`: the API documentation, where a warning is an error.

use std::process::{Command, ExitCode};

use anyhow::Result;

use crate::process;
use crate::project::Project;

/// Builds the documentation of the members.
pub(crate) fn run(project: &Project) -> Result<ExitCode> {
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
