//! `cargo xtask train`: builds the release `dodge` and hands over to `dodge train`.

use std::ffi::OsString;
use std::process::{Command, ExitCode};

use anyhow::Result;

use crate::process;
use crate::project::Project;

/// Trains in the folder of the caller, so that relative paths mean what the user typed.
pub(crate) fn run(project: &Project, args: &[OsString]) -> Result<ExitCode> {
    let dodge = project.build_dodge(&["--release"])?;
    let mut command = Command::new(dodge);
    command.arg("train").args(arguments(args));
    process::replace(command)
}

/// What `dodge train` gets: without a word from the user, the preset that ends within two minutes.
fn arguments(args: &[OsString]) -> Vec<OsString> {
    if args.is_empty() { vec!["--preset".into(), "quick".into()] } else { args.to_vec() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_bare_train_is_quick() {
        assert_eq!(arguments(&[]), ["--preset", "quick"]);
        assert_eq!(arguments(&["--seed".into(), "3".into()]), ["--seed", "3"]);
    }
}
