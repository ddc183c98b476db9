//! Rules about what people read.

use std::collections::BTreeSet;

use super::Violation;
use super::workspace::{Member, Workspace};

const ARCHITECTURE: &str = "ARCHITECTURE.md";

/// A page that is read to the end is shorter than this.
const ARCHITECTURE_LINES: usize = 300;

/// First folders of paths that exist on one machine only.
const MACHINE_FOLDERS: [&str; 5] = ["home", "root", "tmp", "work", "Users"];

/// ARCHITECTURE.md names every crate and stays short.
pub(super) fn architecture_names_every_crate(workspace: &Workspace) -> Vec<Violation> {
    let Some(page) = workspace.file(ARCHITECTURE) else {
        return vec![Violation::new(ARCHITECTURE, 1, "is missing; describe each crate and its invariants")];
    };
    let mut violations = Vec::new();
    let lines = page.text.lines().count();
    if lines >= ARCHITECTURE_LINES {
        let message =
            format!("has {lines} lines; cut it to fewer than {ARCHITECTURE_LINES}, details live in crate docs");
        violations.push(Violation::new(ARCHITECTURE, ARCHITECTURE_LINES, message));
    }
    // A word like "data" or "tests" is no mention; a heading or code is.
    let headings = page.text.lines().filter(|line| line.starts_with('#')).collect::<Vec<_>>();
    let in_a_heading = |name: &str| headings.iter().any(|line| line.split([' ', ',', '`']).any(|word| word == name));
    let named = |member: &Member| {
        let names = [member.short_name(), &member.name, &member.folder];
        names.iter().any(|name| page.text.contains(&format!("`{name}`")) || in_a_heading(name))
    };
    for member in workspace.members.iter().filter(|member| !named(member)) {
        let name = member.short_name();
        let message = format!("does not name the crate `{name}`; say what it is and what it must not know");
        violations.push(Violation::new(ARCHITECTURE, 1, message));
    }
    violations
}

/// No file but a test holds a path of somebody's machine.
pub(super) fn no_machine_paths(workspace: &Workspace) -> Vec<Violation> {
    let mut violations = Vec::new();
    for file in &workspace.files {
        for (line, text) in file.non_test_lines() {
            if let Some(folder) = machine_folder(text) {
                let message =
                    format!("holds a path under /{folder}, of one machine; take it from the user or the workspace");
                violations.push(Violation::new(&*file.path, line, message));
            }
        }
    }
    violations
}

/// A Markdown file with samples in Rust is part of the documentation of some crate, so that the tests compile them.
pub(super) fn samples_are_compiled(workspace: &Workspace) -> Vec<Violation> {
    let compiled = workspace.sources().flat_map(|file| included(&file.path, &file.text)).collect::<BTreeSet<_>>();
    let mut violations = Vec::new();
    for file in workspace.files.iter().filter(|file| file.path.ends_with(".md")) {
        if compiled.contains(&file.path) {
            continue;
        }
        if let Some(line) = file.text.lines().position(|line| line.trim_start().starts_with("```rust")) {
            let message =
                "has samples that no test compiles; include it in tests/src/documents.rs, which has a doc of it";
            violations.push(Violation::new(&*file.path, line + 1, message));
        }
    }
    violations
}

/// The files, from the root, that are documentation in the Rust file at this path.
fn included(path: &str, text: &str) -> Vec<String> {
    let mut paths = Vec::new();
    for rest in text.split("doc = include_str!(\"").skip(1) {
        let mut parts = path.split('/').collect::<Vec<_>>();
        parts.pop();
        for part in rest.split('"').next().unwrap_or_default().split('/') {
            match part {
                ".." => drop(parts.pop()),
                part => parts.push(part),
            }
        }
        paths.push(parts.join("/"));
    }
    paths
}

/// The first folder of a machine's path in the line. A path inside another (`target/tmp/`, an address) is none.
fn machine_folder(line: &str) -> Option<&'static str> {
    let continues_a_path = |c: char| c.is_alphanumeric() || "_-./\\})>]*~$%".contains(c);
    MACHINE_FOLDERS.into_iter().find(|folder| {
        let starts = line.match_indices(&format!("/{folder}/")).map(|(index, _)| &line[..index]).collect::<Vec<_>>();
        starts.iter().any(|before| !before.ends_with(continues_a_path))
    })
}

#[cfg(test)]
mod tests {
    use super::super::workspace::File;
    use super::super::workspace::sample::{files, member};
    use super::*;

    #[track_caller]
    fn check_architecture(page: Option<&str>, expected: &[&str]) {
        let members = vec![member("dodge-data", "crates/data"), member("dodge-rl", "crates/rl")];
        let files = page.map(|text| File::new(ARCHITECTURE, text)).into_iter().collect();
        let found = architecture_names_every_crate(&Workspace { members, files });
        assert_eq!(found.len(), expected.len(), "{found:?}");
        assert!(found.iter().zip(expected).all(|(violation, words)| violation.message.contains(words)), "{found:?}");
    }

    #[test]
    fn the_page_names_every_crate() {
        check_architecture(Some("`data` feeds `crates/rl`."), &[]);
        check_architecture(Some("### data\n### juror, rl\n"), &[]);
        check_architecture(Some("`data` feeds the agent."), &["does not name the crate `rl`"]);
        check_architecture(Some("`data-set` and `dodge-rl`"), &["does not name the crate `data`"]);
        check_architecture(None, &["is missing"]);
    }

    #[test]
    fn the_page_is_short() {
        check_architecture(Some(&format!("`data` `rl`{}", "\n".repeat(ARCHITECTURE_LINES - 1))), &[]);
        check_architecture(Some(&format!("`data` `rl`{}", "\nx".repeat(ARCHITECTURE_LINES - 1))), &["has 300 lines"]);
    }

    #[test]
    fn paths_of_one_machine_are_found() {
        let found = |line: &str| no_machine_paths(&files(&[("docs/devices.md", line)])).len();
        for folder in MACHINE_FOLDERS {
            assert_eq!(found(&format!("see /{folder}/me/photos")), 1);
            assert_eq!(found(&format!("\"/{folder}/\"")), 1);
            assert_eq!(found(&format!("see target/{folder}/photos and https://example.org/{folder}/")), 0);
            assert_eq!(found(&format!("in <volume>/{folder}/ or {{volume}}/{folder}/")), 0);
        }
        assert_eq!(found("the homepage / root of it"), 0);
    }

    #[test]
    fn samples_that_nobody_compiles_are_found() {
        let sample = "Text.\n\n```rust\nlet a = 1;\n```\n";
        let found = |files_of: &[(&str, &str)]| {
            let found = samples_are_compiled(&files(files_of));
            found.iter().map(|violation| (violation.path.clone(), violation.line)).collect::<Vec<_>>()
        };
        let page = ("docs/own/parts.md", sample);
        assert_eq!(found(&[page]), [("docs/own/parts.md".to_owned(), 3)]);
        assert_eq!(found(&[("docs/other.md", "```text\nno Rust\n```\n")]), []);
        let including =
            |path, name: &str| (path, format!("//! Docs.\n#[doc = include_str!(\"{name}\")]\nstruct Parts;\n"));
        let (path, text) = including("tests/src/documents.rs", "../../docs/own/parts.md");
        assert_eq!(found(&[page, (path, &text)]), []);
        // Another file, and the text alone.
        let (path, text) = including("tests/src/documents.rs", "../../docs/parts.md");
        assert_eq!(found(&[page, (path, &text)]).len(), 1);
        let read = "//! Docs.\nconst TEXT: &str = include_str!(\"../../docs/own/parts.md\");\n";
        assert_eq!(found(&[page, ("tests/src/documents.rs", read)]).len(), 1);
    }

    #[test]
    fn tests_may_make_paths_up() {
        let path = "const PATH: &str = \"/home/ansel/photos\";\n";
        let in_module = format!("#[cfg(test)]\nmod tests {{\n{path}}}\n");
        let workspace = files(&[("crates/rl/tests/it/main.rs", path), ("crates/rl/src/lib.rs", &in_module)]);
        assert!(no_machine_paths(&workspace).is_empty());
        assert_eq!(no_machine_paths(&files(&[("crates/rl/src/lib.rs", path)])).len(), 1);
    }
}
