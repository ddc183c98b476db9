//! The workspace that the verbs work on: where it lies, what cargo knows of it, and how cargo is called in it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::metadata::{self, Metadata};
use crate::process;
use anyhow::{Context, Result, bail};

/// The package that builds the `dodge` command.
pub(crate) const CLI_PACKAGE: &str = "dodge-cli";

/// The package of the learner.
pub(crate) const LEARN_PACKAGE: &str = "dodge-learn";

/// The feature of both that brings the GPU in.
pub(crate) const GPU_FEATURE: &str = "wgpu";

/// The workspace as cargo declares it.
#[derive(Debug)]
pub(crate) struct Project {
    metadata: Metadata,
}

impl Project {
    /// Asks cargo about the workspace that this program was built from.
    ///
    /// # Errors
    /// When cargo cannot be run or refuses a manifest.
    pub(crate) fn load() -> Result<Self> {
        let here = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
        let manifest = Path::new(&here).join("Cargo.toml");
        let unreadable = || format!("cannot read the workspace around {}", manifest.display());
        let mut cargo = cargo();
        cargo.args(["metadata", "--no-deps", "--format-version=1", "--manifest-path"]).arg(&manifest);
        let output = cargo.stderr(Stdio::inherit()).output().with_context(unreadable)?;
        if !output.status.success() {
            bail!("{} ({}); cargo's messages are above", unreadable(), output.status);
        }
        Ok(Self { metadata: Metadata::parse(&output.stdout)? })
    }

    /// What `cargo metadata --no-deps` says: the members and the dependencies that they declare.
    pub(crate) fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// The folder of the root manifest.
    pub(crate) fn root(&self) -> &Path {
        &self.metadata.workspace_root
    }

    /// The folder that cargo builds into.
    pub(crate) fn target(&self) -> &Path {
        &self.metadata.target_directory
    }

    /// A cargo command that runs in the root folder.
    pub(crate) fn cargo<A: Into<OsString>>(&self, args: impl IntoIterator<Item = A>) -> Command {
        let mut cargo = cargo();
        forget_package(&mut cargo);
        cargo.args(args.into_iter().map(Into::into)).current_dir(self.root());
        cargo
    }

    /// Builds the `dodge` command with `args` added to the build and returns the program's path.
    ///
    /// # Errors
    /// When the build fails.
    pub(crate) fn build_dodge(&self, args: &[&str]) -> Result<PathBuf> {
        let mut cargo = self.cargo(["build", "--package", CLI_PACKAGE, "--locked"]);
        cargo.args(args);
        process::show(&cargo);
        // Cargo itself says where the program lies: a configured target or target folder changes the path.
        cargo.arg("--message-format=json-render-diagnostics").stdout(Stdio::piped());
        let output = cargo.spawn().and_then(std::process::Child::wait_with_output).context("cannot start cargo")?;
        if !output.status.success() {
            bail!("building {CLI_PACKAGE} failed ({}); the compiler's messages are above", output.status);
        }
        metadata::program("dodge", &output.stdout)?
            .context("cargo built no program called dodge; see crates/cli/Cargo.toml")
    }
}

fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// Takes from a command, which starts cargo, what `cargo run` says in variables of xtask's own package. Build scripts that watch them (ring's does) would
/// run again each time that `cargo build` and `cargo xtask` take turns.
pub(crate) fn forget_package(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_workspace_is_found() {
        let project = Project::load().expect("the workspace loads");
        assert!(project.root().join("xtask/src/project.rs").is_file());
        assert!(project.metadata().packages.iter().any(|package| package.name == CLI_PACKAGE));
    }

    #[test]
    fn cargo_is_not_told_about_the_package_of_xtask() {
        let cargo = Project::load().expect("the workspace loads").cargo(["check"]);
        let removed = cargo.get_envs().filter(|(_, value)| value.is_none()).map(|(name, _)| name).collect::<Vec<_>>();
        assert!(removed.iter().any(|name| *name == "CARGO_PKG_NAME"), "{removed:?}");
        assert!(removed.iter().all(|name| *name != "CARGO_HOME"), "{removed:?}");
    }
}
