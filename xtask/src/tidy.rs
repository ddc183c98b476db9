//! `cargo xtask tidy`: the house rules that a program can check. Each rule is a function from a [`Workspace`] to the
//! violations it finds; all of them are listed, each with its place and what to do.

mod circles;
mod documents;
mod edges;
mod hyperparameters;
mod manifests;
mod modules;
mod names;
mod sources;
mod syntax;
mod workspace;

use std::fmt;
use std::process::ExitCode;

use anyhow::Result;

use crate::project::Project;
use workspace::Workspace;

const RULES: [fn(&Workspace) -> Vec<Violation>; 18] = [
    edges::only_listed_edges,
    edges::heavy_dependencies_stay_confined,
    manifests::packages_are_named_after_their_folder,
    manifests::members_inherit_from_the_workspace,
    manifests::dependency_versions_live_in_the_root,
    manifests::every_crate_has_a_readme,
    documents::architecture_names_every_crate,
    documents::no_machine_paths,
    documents::samples_are_compiled,
    circles::no_circles_of_files,
    hyperparameters::hyperparameters_have_one_default,
    sources::files_are_rust,
    sources::files_start_with_docs,
    sources::files_are_short,
    sources::no_mod_files,
    sources::nothing_is_left_undone,
    sources::no_ignored_tests,
    sources::environment_is_read_at_the_edge,
];

/// Lists what breaks a rule on stdout, and files that may soon on stderr.
pub(crate) fn run(project: &Project) -> Result<ExitCode> {
    let workspace = Workspace::load(project)?;
    for note in sources::long_files(&workspace).into_iter().chain(circles::known(&workspace)) {
        eprintln!("note: {note}");
    }
    let violations = check(&workspace);
    for violation in &violations {
        println!("{violation}");
    }
    let (members, files) = (workspace.members.len(), workspace.files.len());
    if violations.is_empty() {
        println!("tidy: {members} packages and {files} files follow the rules");
        return Ok(ExitCode::SUCCESS);
    }
    println!("tidy: {} violations in {members} packages and {files} files", violations.len());
    Ok(ExitCode::FAILURE)
}

fn check(workspace: &Workspace) -> Vec<Violation> {
    let mut violations = RULES.iter().flat_map(|rule| rule(workspace)).collect::<Vec<_>>();
    violations.sort();
    violations
}

/// A place that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Violation {
    /// The file, from the root, with forward slashes.
    path: String,
    /// The line, from 1.
    line: usize,
    /// What is wrong and what to do.
    message: String,
}

impl Violation {
    fn new(path: impl Into<String>, line: usize, message: impl Into<String>) -> Self {
        Self { path: path.into(), line, message: message.into() }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_workspace_is_tidy() {
        let workspace = Workspace::load(&Project::load().expect("cargo runs")).expect("the workspace loads");
        assert!(workspace.files.iter().any(|file| file.path == "xtask/src/tidy.rs"), "no files were read");
        let violations = check(&workspace).iter().map(ToString::to_string).collect::<Vec<_>>();
        assert!(violations.is_empty(), "cargo xtask tidy:\n{}", violations.join("\n"));
    }

    #[test]
    fn a_violation_shows_its_place() {
        assert_eq!(
            Violation::new("crates/rl/src/lib.rs", 3, "too bold").to_string(),
            "crates/rl/src/lib.rs:3: too bold"
        );
    }
}
