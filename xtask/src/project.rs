//! The workspace that the verbs work on: where it lies, what cargo knows of it, and how cargo is called in it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use cargo_metadata::{Message, Metadata, MetadataCommand};

use crate::process;

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
        let metadata = MetadataCommand::new()
            .manifest_path(&manifest)
            .no_deps()
            .exec()
            .with_context(|| format!("cannot read the workspace around {}", manifest.display()))?;
        Ok(Self { metadata })
    }

    /// What `cargo metadata --no-deps` says: the members and the dependencies that they declare.
    pub(crate) fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// The folder of the root manifest.
    pub(crate) fn root(&self) -> &Path {
        self.metadata.workspace_root.as_std_path()
    }

    /// The folder that cargo builds into.
    pub(crate) fn target(&self) -> &Path {
        self.metadata.target_directory.as_std_path()
    }

    /// A cargo command that runs in the root folder.
    pub(crate) fn cargo<A: Into<OsString>>(&self, args: impl IntoIterator<Item = A>) -> Command {
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        // `cargo run` describes xtask's own package in these variables. Build scripts that watch them (ring's does) would
        // run again each time that `cargo build` and `cargo xtask` take turns.
        for (name, _) in std::env::vars_os() {
            let name_text = name.to_string_lossy();
            if name_text.starts_with("CARGO_PKG_") || name_text.starts_with("CARGO_MANIFEST_") {
                cargo.env_remove(&name);
            }
        }
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
        program("dodge", &output.stdout)?.context("cargo built no program called dodge; see crates/cli/Cargo.toml")
    }
}

/// The path of the program `name` among cargo's build messages.
fn program(name: &str, messages: &[u8]) -> Result<Option<PathBuf>> {
    let mut found = None;
    for message in Message::parse_stream(messages) {
        if let Message::CompilerArtifact(artifact) = message.context("cannot read cargo's build messages")?
            && artifact.target.name == name
            && let Some(path) = artifact.executable
        {
            found = Some(path.into_std_path_buf());
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_workspace_is_found() {
        let project = Project::load().expect("the workspace loads");
        assert!(project.root().join("xtask/src/project.rs").is_file());
        assert!(project.metadata().workspace_packages().iter().any(|package| package.name.as_str() == CLI_PACKAGE));
    }

    #[test]
    fn cargo_is_not_told_about_the_package_of_xtask() {
        let cargo = Project::load().expect("the workspace loads").cargo(["check"]);
        let removed = cargo.get_envs().filter(|(_, value)| value.is_none()).map(|(name, _)| name).collect::<Vec<_>>();
        assert!(removed.iter().any(|name| *name == "CARGO_PKG_NAME"), "{removed:?}");
        assert!(removed.iter().all(|name| *name != "CARGO_HOME"), "{removed:?}");
    }

    #[test]
    fn the_program_is_where_cargo_says() {
        let artifact = |name: &str, executable: &str| {
            format!(
                r#"{{"reason":"compiler-artifact","package_id":"p","manifest_path":"m","target":{{"kind":["bin"],"crate_types":["bin"],"name":"{name}","src_path":"s","edition":"2024","doc":true,"doctest":false,"test":true}},"profile":{{"opt_level":"0","debuginfo":0,"debug_assertions":true,"overflow_checks":true,"test":false}},"features":[],"filenames":[],"executable":{executable},"fresh":true}}"#
            )
        };
        let messages = [artifact("dodge", "\"out/dodge\""), artifact("other", "\"out/other\"")].join("\n");
        assert_eq!(program("dodge", messages.as_bytes()).expect("valid"), Some(PathBuf::from("out/dodge")));
        assert_eq!(program("dodge", artifact("dodge", "null").as_bytes()).expect("valid"), None);
    }
}
