//! What cargo says of the workspace and of a build, as far as the verbs ask: a crate that reads all of it would turn on
//! features of `serde_json` that the program does not have, so that the tests would compile everything once more.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Deserialize;

/// The workspace, as `cargo metadata --no-deps` tells it.
#[derive(Debug, Deserialize)]
pub(crate) struct Metadata {
    /// The members.
    pub(crate) packages: Vec<Package>,
    /// The folder of the root manifest.
    pub(crate) workspace_root: PathBuf,
    /// The folder that cargo builds into.
    pub(crate) target_directory: PathBuf,
}

/// A package of the workspace.
#[derive(Debug, Deserialize)]
pub(crate) struct Package {
    /// Its name.
    pub(crate) name: String,
    /// Where its manifest lies.
    pub(crate) manifest_path: PathBuf,
    /// Every dependency that the manifest declares: optional, platform, build and dev ones too.
    pub(crate) dependencies: Vec<Dependency>,
    /// Its features with what each turns on.
    pub(crate) features: BTreeMap<String, Vec<String>>,
    /// Its libraries, programs, tests and so on.
    pub(crate) targets: Vec<Target>,
}

impl Package {
    /// The folder of the manifest.
    pub(crate) fn folder(&self) -> &Path {
        self.manifest_path.parent().unwrap_or(Path::new(""))
    }
}

/// A declared dependency.
#[derive(Debug, Deserialize)]
pub(crate) struct Dependency {
    /// The name of the package depended upon.
    pub(crate) name: String,
    /// The name it goes by in the manifest, where that is another.
    pub(crate) rename: Option<String>,
    /// What it is needed for.
    #[serde(deserialize_with = "kind")]
    pub(crate) kind: DependencyKind,
    /// Whether a feature has to turn it on.
    pub(crate) optional: bool,
}

/// What a dependency is needed for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum DependencyKind {
    /// The package itself.
    #[default]
    Normal,
    /// Its tests, examples and benchmarks.
    #[serde(rename = "dev")]
    Development,
    /// Its build script.
    Build,
}

/// To cargo the usual kind is none.
fn kind<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<DependencyKind, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// A library, program, test, benchmark or example of a package.
#[derive(Debug, Deserialize)]
pub(crate) struct Target {
    /// Its name.
    pub(crate) name: String,
    /// What it is: `lib`, `bin`, `bench` and so on.
    pub(crate) kind: Vec<String>,
    /// The features without which it is not built.
    #[serde(default, rename = "required-features")]
    pub(crate) required_features: Vec<String>,
}

impl Target {
    /// Whether it is a benchmark.
    pub(crate) fn is_bench(&self) -> bool {
        self.kind.iter().any(|kind| kind == "bench")
    }
}

impl Metadata {
    /// Reads what `cargo metadata` printed.
    ///
    /// # Errors
    /// When it is something else.
    pub(crate) fn parse(printed: &[u8]) -> Result<Self> {
        serde_json::from_slice(printed).context("cannot read what `cargo metadata` says")
    }
}

/// The path of the program `name` among the messages of a build, one JSON object on each line.
///
/// # Errors
/// When a line that begins as an object is none.
pub(crate) fn program(name: &str, messages: &[u8]) -> Result<Option<PathBuf>> {
    #[derive(Deserialize)]
    struct Message {
        #[serde(default)]
        target: Option<Target>,
        #[serde(default)]
        profile: Option<Profile>,
        #[serde(default)]
        executable: Option<PathBuf>,
    }
    #[derive(Deserialize)]
    struct Profile {
        test: bool,
    }

    let mut found = None;
    // Other lines are of build scripts and macros that print.
    for line in messages.split(|byte| *byte == b'\n').filter(|line| line.starts_with(b"{")) {
        let message: Message = serde_json::from_slice(line).context("cannot read cargo's build messages")?;
        let is_program = message.profile.is_some_and(|profile| !profile.test);
        if is_program && message.target.is_some_and(|target| target.name == name) && message.executable.is_some() {
            found = message.executable;
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_workspace_is_read() {
        let printed = r#"{"packages": [{"name": "a", "version": "1.0.0", "manifest_path": "/w/a/Cargo.toml",
            "dependencies": [
                {"name": "b", "rename": "c", "kind": null, "optional": true},
                {"name": "d", "rename": null, "kind": "dev", "optional": false},
                {"name": "e", "rename": null, "kind": "build", "optional": false}],
            "features": {"f": ["dep:c"]},
            "targets": [{"name": "speed", "kind": ["bench"], "required-features": ["f"]}, {"name": "a", "kind": ["lib"]}]}],
            "workspace_root": "/w", "target_directory": "/t", "version": 1}"#;
        let Metadata { packages, workspace_root, target_directory } =
            Metadata::parse(printed.as_bytes()).expect("valid");
        assert_eq!((workspace_root, target_directory), (PathBuf::from("/w"), PathBuf::from("/t")));
        let package = &packages[0];
        assert_eq!(package.folder(), Path::new("/w/a"));
        let kinds = package.dependencies.iter().map(|it| (&*it.name, it.rename.as_deref(), it.kind, it.optional));
        let expected = [
            ("b", Some("c"), DependencyKind::Normal, true),
            ("d", None, DependencyKind::Development, false),
            ("e", None, DependencyKind::Build, false),
        ];
        assert_eq!(kinds.collect::<Vec<_>>(), expected);
        assert_eq!(package.targets.iter().map(Target::is_bench).collect::<Vec<_>>(), [true, false]);
        assert_eq!(package.targets[0].required_features, ["f"]);
        assert!(Metadata::parse(b"{}").is_err());
    }

    #[test]
    fn the_program_is_where_cargo_says() {
        let artifact = |name: &str, test: bool, executable: &str| {
            format!(
                r#"{{"reason":"compiler-artifact","package_id":"p","target":{{"kind":["bin"],"name":"{name}"}},"profile":{{"test":{test}}},"executable":{executable}}}"#
            )
        };
        let messages = [
            "a macro prints".to_owned(),
            artifact("dodge", false, "\"out/dodge\""),
            artifact("dodge", true, "\"out/dodge-1234\""),
            artifact("other", false, "\"out/other\""),
            r#"{"reason":"build-finished","success":true}"#.to_owned(),
        ];
        let found = program("dodge", messages.join("\n").as_bytes()).expect("valid");
        assert_eq!(found, Some(PathBuf::from("out/dodge")));
        assert_eq!(program("dodge", artifact("dodge", false, "null").as_bytes()).expect("valid"), None);
        assert!(program("dodge", b"{").is_err());
    }
}
