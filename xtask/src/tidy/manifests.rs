//! Rules about manifests: names, and what lives once in the root manifest.

use toml::{Table, Value};

use super::Violation;
use super::workspace::{File, Member, Workspace};

/// The keys of `[package]` that members inherit.
const INHERITED: [&str; 4] = ["version", "edition", "rust-version", "license"];

/// A package is called `dodge-` and its folder under `crates`, so that imports read `dodge_data`.
pub(super) fn packages_are_named_after_their_folder(workspace: &Workspace) -> Vec<Violation> {
    let misnamed = |member: &Member| {
        if member.folder == "xtask" {
            return None; // cargo's alias calls it by this name
        }
        let expected = format!("dodge-{}", member.short_name().replace('/', "-"));
        let line = line_starting(workspace.file(&member.manifest()), "name");
        let message = format!("the package in {} is called `{}`; call it `{expected}`", member.folder, member.name);
        (member.name != expected).then(|| Violation::new(member.manifest(), line, message))
    };
    workspace.members.iter().filter_map(misnamed).collect()
}

/// Version, edition, MSRV, licence and lints are set once, in the root.
pub(super) fn members_inherit_from_the_workspace(workspace: &Workspace) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (manifest, table) in manifests(workspace, &mut violations) {
        let package = table.get("package").and_then(Value::as_table);
        for key in INHERITED {
            if !package.and_then(|package| package.get(key)).is_some_and(inherits) {
                let line = line_starting(Some(manifest), key);
                let message = format!("write `{key}.workspace = true` in [package]; the value lives in the root");
                violations.push(Violation::new(&*manifest.path, line, message));
            }
        }
        if !table.get("lints").is_some_and(inherits) {
            let line = line_starting(Some(manifest), "[lints");
            let message = "write `workspace = true` in [lints]; lints live in the root";
            violations.push(Violation::new(&*manifest.path, line, message));
        }
    }
    violations
}

/// Every dependency, of whatever kind and platform, takes its version from the root.
pub(super) fn dependency_versions_live_in_the_root(workspace: &Workspace) -> Vec<Violation> {
    let mut violations = Vec::new();
    let mut unreadable = Vec::new();
    for (manifest, table) in manifests(workspace, &mut unreadable) {
        let platforms = table.get("target").and_then(Value::as_table);
        let platforms = platforms.into_iter().flat_map(|targets| targets.values()).filter_map(Value::as_table);
        for table in std::iter::once(&table).chain(platforms) {
            for kind in ["dependencies", "dev-dependencies", "build-dependencies"] {
                for (name, value) in table.get(kind).and_then(Value::as_table).into_iter().flatten() {
                    if !inherits(value) {
                        let line = line_starting(Some(manifest), name);
                        let message = format!(
                            "`{name}` has a version of its own; declare it in the root's [workspace.dependencies] and \
                             write `workspace = true` here"
                        );
                        violations.push(Violation::new(&*manifest.path, line, message));
                    }
                }
            }
        }
    }
    violations
}

/// Every crate has a README.md, which is its root documentation too.
pub(super) fn every_crate_has_a_readme(workspace: &Workspace) -> Vec<Violation> {
    let crates = workspace.members.iter().filter(|member| member.folder.starts_with("crates/"));
    let readmes = crates.map(|member| format!("{}/README.md", member.folder));
    let missing = readmes.filter(|readme| workspace.file(readme).is_none());
    missing.map(|readme| Violation::new(readme, 1, "is missing; say what the crate is, with a short example")).collect()
}

/// The manifests of the members, parsed; what does not parse is a violation.
fn manifests<'a>(workspace: &'a Workspace, violations: &mut Vec<Violation>) -> Vec<(&'a File, Table)> {
    let mut manifests = Vec::new();
    for manifest in workspace.members.iter().filter_map(|member| workspace.file(&member.manifest())) {
        match manifest.text.parse::<Table>() {
            Ok(table) => manifests.push((manifest, table)),
            Err(error) => violations.push(Violation::new(&*manifest.path, 1, format!("is no TOML: {error}"))),
        }
    }
    manifests
}

fn inherits(value: &Value) -> bool {
    value.get("workspace").and_then(Value::as_bool) == Some(true)
}

/// The first line that starts with the word, or 1.
fn line_starting(file: Option<&File>, word: &str) -> usize {
    let continues = |rest: &str| rest.starts_with(|c: char| c.is_alphanumeric() || c == '-' || c == '_');
    let starts = |line: &str| line.trim_start().strip_prefix(word).is_some_and(|rest| !continues(rest));
    file.map_or(1, |file| file.line_where(starts))
}

#[cfg(test)]
mod tests {
    use super::super::workspace::sample::member;
    use super::*;

    const GOOD: &str = "[package]\nname = \"dodge-data\"\nversion.workspace = true\nedition.workspace = true\n\
        rust-version.workspace = true\nlicense.workspace = true\n[lints]\nworkspace = true\n[dependencies]\n\
        serde.workspace = true\nimage = { workspace = true, features = [] }\n";

    #[track_caller]
    fn check(rule: fn(&Workspace) -> Vec<Violation>, manifest: &str, expected: &[(usize, &str)]) {
        let members = vec![member("dodge-data", "crates/data")];
        let found = rule(&Workspace { members, files: vec![File::new("crates/data/Cargo.toml", manifest)] });
        assert_eq!(found.len(), expected.len(), "{found:?}");
        for (violation, (line, words)) in found.iter().zip(expected) {
            assert_eq!(violation.line, *line, "{violation}");
            assert!(violation.message.contains(words), "{violation}");
        }
    }

    #[test]
    fn a_package_is_named_after_its_folder() {
        let check = |name: &str, folder: &str| {
            let members = vec![member(name, folder)];
            packages_are_named_after_their_folder(&Workspace { members, files: Vec::new() }).len()
        };
        assert_eq!(check("dodge-data", "crates/data"), 0);
        assert_eq!(check("dodge-hparams-derive", "crates/hparams/derive"), 0);
        assert_eq!(check("dodge-tests", "tests"), 0);
        assert_eq!(check("xtask", "xtask"), 0);
        assert_eq!(check("data", "crates/data"), 1);
        assert_eq!(check("dodge-photos", "crates/data"), 1);
    }

    #[test]
    fn what_the_root_sets_is_not_set_again() {
        check(members_inherit_from_the_workspace, GOOD, &[]);
        let own_version = GOOD.replace("version.workspace = true\nedition", "version = \"1.0.0\"\nedition");
        check(members_inherit_from_the_workspace, &own_version, &[(3, "version.workspace")]);
        let no_license = GOOD.replace("license.workspace = true\n", "");
        check(members_inherit_from_the_workspace, &no_license, &[(1, "license.workspace")]);
        let no_lints = GOOD.replace("[lints]\nworkspace = true\n", "");
        check(members_inherit_from_the_workspace, &no_lints, &[(1, "[lints]")]);
        check(members_inherit_from_the_workspace, "[package", &[(1, "is no TOML")]);
    }

    #[test]
    fn dependency_versions_are_not_set_twice() {
        check(dependency_versions_live_in_the_root, GOOD, &[]);
        for section in ["dependencies", "dev-dependencies", "build-dependencies", "target.'cfg(unix)'.dependencies"] {
            let base = GOOD.split("[dependencies]").next().expect("there is text before");
            let own = format!("{base}[{section}]\nserde = {{ version = \"1\" }}\nrand = \"0.9\"\n");
            check(dependency_versions_live_in_the_root, &own, &[(11, "`rand` has"), (10, "`serde` has")]);
        }
    }

    #[test]
    fn a_crate_without_a_readme_is_found() {
        let members = || vec![member("dodge-data", "crates/data"), member("xtask", "xtask")];
        let found = every_crate_has_a_readme(&Workspace { members: members(), files: Vec::new() });
        assert_eq!((found.len(), &*found[0].path), (1, "crates/data/README.md"), "{found:?}");
        let files = vec![File::new("crates/data/README.md", "# Data")];
        assert!(every_crate_has_a_readme(&Workspace { members: members(), files }).is_empty());
    }
}
