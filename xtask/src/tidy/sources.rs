//! Rules about Rust files.

use super::Violation;
use super::workspace::{File, Workspace};

/// Files longer than this fail, tests not counted.
const MOST_LINES: usize = 1000;

/// Files longer than this are worth a talk about a split.
const MANY_LINES: usize = 600;

/// Files that may be longer than [`MOST_LINES`], each with the reason.
const LONG_FOR_A_REASON: &[(&str, &str)] = &[];

/// Macros that stand for work not done.
const UNDONE_MACROS: [&str; 3] = ["todo", "unimplemented", "dbg"];

/// Words in comments that stand for work not done; in two parts, so that this file does not hold them.
const UNDONE_WORDS: [&str; 2] = [concat!("FIX", "ME"), concat!("XX", "X")];

/// Ways to read the environment.
const ENVIRONMENT_READS: [&str; 4] = ["env::var", "env::vars", "env::var_os", "std::env::{"];

/// Folders whose programs read the environment: the command, the project's tools.
const ENVIRONMENT_READERS: [&str; 2] = ["crates/cli/", "xtask/"];

/// Every file is Rust: of one that is not, the other rules would see nothing.
pub(super) fn files_are_rust(workspace: &Workspace) -> Vec<Violation> {
    let broken = |file: &File| {
        let (line, error) = file.source.as_ref()?.items.as_ref().err()?;
        Some(Violation::new(&*file.path, *line, format!("is no Rust: {error}")))
    };
    workspace.sources().filter_map(broken).collect()
}

/// Every file says first what it is.
pub(super) fn files_start_with_docs(workspace: &Workspace) -> Vec<Violation> {
    let documented = |file: &File| {
        let first = file.text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
        first.starts_with("//!") || first.starts_with("#![doc = include_str!")
    };
    let message = "starts without docs; say in a `//!` sentence what the file is about";
    workspace.sources().filter(|file| !documented(file)).map(|file| Violation::new(&*file.path, 1, message)).collect()
}

/// No file is longer than [`MOST_LINES`].
pub(super) fn files_are_short(workspace: &Workspace) -> Vec<Violation> {
    let listed = |file: &File| LONG_FOR_A_REASON.iter().any(|(path, _)| *path == file.path);
    let long = workspace.sources().map(|file| (file, length(file))).filter(|(_, length)| *length > MOST_LINES);
    let unlisted = long.filter(|(file, _)| !listed(file));
    let message = |length| format!("{length} lines without tests, more than {MOST_LINES}; split it by subject");
    unlisted.map(|(file, length)| Violation::new(&*file.path, MOST_LINES, message(length))).collect()
}

/// Files that are not too long yet, one line each.
pub(super) fn long_files(workspace: &Workspace) -> Vec<String> {
    let lengths = workspace.sources().map(|file| (file, length(file)));
    let long = lengths.filter(|(_, length)| (MANY_LINES + 1..=MOST_LINES).contains(length));
    long.map(|(file, length)| format!("{}: {length} lines; consider a split", file.path)).collect()
}

/// A module `foo` with children is `foo.rs` beside `foo/`, so that tabs of an editor differ.
pub(super) fn no_mod_files(workspace: &Workspace) -> Vec<Violation> {
    let mod_files = workspace.sources().filter(|file| file.path.ends_with("/mod.rs"));
    let message = "move it beside its folder, under the folder's name";
    mod_files.map(|file| Violation::new(&*file.path, 1, message)).collect()
}

/// Nothing unfinished is committed.
pub(super) fn nothing_is_left_undone(workspace: &Workspace) -> Vec<Violation> {
    let mut violations = Vec::new();
    for file in workspace.sources() {
        for (index, code) in file.code().lines().enumerate() {
            for name in UNDONE_MACROS.iter().filter(|name| has_word(code, &format!("{name}!"))) {
                violations.push(Violation::new(
                    &*file.path,
                    index + 1,
                    format!("`{name}!` is left; do it or leave it out"),
                ));
            }
        }
        for (index, text) in file.text.lines().enumerate() {
            for word in UNDONE_WORDS.iter().filter(|word| has_word(text, word)) {
                let message = format!("{word} is left; mend it, or describe the limit in a sentence");
                violations.push(Violation::new(&*file.path, index + 1, message));
            }
        }
    }
    violations
}

/// Every test runs: a wrong result of today is asserted with a note, a slow test asks a variable.
pub(super) fn no_ignored_tests(workspace: &Workspace) -> Vec<Violation> {
    let mut violations = Vec::new();
    for file in workspace.sources() {
        for (index, code) in file.code().lines().enumerate() {
            let attribute = code.contains("#[ignore") || (code.contains("cfg_attr(") && has_word(code, "ignore"));
            if attribute {
                let message =
                    "an ignored test tells nothing; assert today's result, or ask DODGE_SLOW_TESTS at run time";
                violations.push(Violation::new(&*file.path, index + 1, message));
            }
        }
    }
    violations
}

/// Libraries get their settings as arguments; the environment is read by the command, and in constructors `from_env`.
pub(super) fn environment_is_read_at_the_edge(workspace: &Workspace) -> Vec<Violation> {
    let reader = |file: &File| {
        ENVIRONMENT_READERS.iter().any(|folder| file.path.starts_with(folder))
            || file.is_test()
            || file.path.ends_with("build.rs") // cargo speaks to build scripts through the environment
            || file.code().contains("fn from_env")
    };
    let mut violations = Vec::new();
    for file in workspace.sources().filter(|file| !reader(file)) {
        for (line, code) in file.non_test_code() {
            if ENVIRONMENT_READS.iter().any(|read| has_word(code, read)) {
                let message =
                    "reads the environment; take the value as an argument, or read it in a constructor `from_env`";
                violations.push(Violation::new(&*file.path, line, message));
            }
        }
    }
    violations
}

/// Lines that belong to no test.
fn length(file: &File) -> usize {
    file.non_test_lines().count()
}

/// Whether the text holds the word and not only a longer one.
fn has_word(text: &str, word: &str) -> bool {
    let in_name = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word).any(|(index, _)| {
        let after = &text[index + word.len()..];
        !text[..index].ends_with(in_name) && (!word.ends_with(in_name) || !after.starts_with(in_name))
    })
}

#[cfg(test)]
mod tests {
    use super::super::workspace::sample::files;
    use super::*;

    /// Lines of the violations that the rule finds in a file.
    fn lines(rule: fn(&Workspace) -> Vec<Violation>, path: &str, text: &str) -> Vec<usize> {
        rule(&files(&[(path, text)])).iter().map(|violation| violation.line).collect()
    }

    #[test]
    fn a_file_without_docs_is_found_wherever_it_lies() {
        for path in
            ["crates/rl/src/lib.rs", "crates/rl/build.rs", "crates/rl/tests/it/main.rs", "crates/rl/benches/b.rs"]
        {
            assert_eq!(lines(files_start_with_docs, path, "// no docs\n//! too late\n"), [1]);
            assert_eq!(lines(files_start_with_docs, path, ""), [1]);
            assert!(lines(files_start_with_docs, path, "\n//! docs\n").is_empty());
        }
        let included = "#![doc = include_str!(\"../README.md\")]\n";
        assert!(lines(files_start_with_docs, "crates/rl/src/lib.rs", included).is_empty());
    }

    #[test]
    fn files_that_are_no_rust_are_found() {
        assert_eq!(lines(files_are_rust, "crates/rl/src/lib.rs", "//! docs\nfn a( {}\n"), [2]);
        assert!(lines(files_are_rust, "crates/rl/src/lib.rs", "//! docs\nfn a() {}\n").is_empty());
    }

    #[test]
    fn long_files_are_found_without_their_tests() {
        let code = |count: usize| "a!();\n".repeat(count);
        let tests = |count: usize| format!("#[cfg(test)]\nmod tests {{\n{}}}\n", code(count));
        let path = "crates/rl/src/ppo.rs";
        assert_eq!(lines(files_are_short, path, &code(MOST_LINES + 1)), [MOST_LINES]);
        assert!(lines(files_are_short, path, &(code(MOST_LINES) + &tests(500))).is_empty());
        assert!(lines(files_are_short, "crates/rl/tests/it/main.rs", &code(MOST_LINES + 1)).is_empty());

        let notes = |count: usize| long_files(&files(&[(path, &code(count))])).len();
        assert_eq!([notes(MANY_LINES), notes(MANY_LINES + 1), notes(MOST_LINES + 1)], [0, 1, 0]);
    }

    #[test]
    fn mod_files_are_found() {
        assert_eq!(lines(no_mod_files, "crates/rl/src/ppo/mod.rs", ""), [1]);
        assert!(lines(no_mod_files, "crates/rl/src/mode.rs", "").is_empty());
    }

    #[test]
    fn unfinished_work_is_found() {
        let path = "crates/rl/src/lib.rs";
        for name in UNDONE_MACROS {
            assert_eq!(lines(nothing_is_left_undone, path, &format!("fn a() {{\n    {name}!(1)\n}}\n")), [2]);
            assert!(
                lines(nothing_is_left_undone, path, &format!("// {name}!(1)\n\"{name}!()\"; my_{name}!()")).is_empty()
            );
        }
        for word in UNDONE_WORDS {
            assert_eq!(lines(nothing_is_left_undone, path, &format!("a();\n// {word}: later\n")), [2]);
            assert!(lines(nothing_is_left_undone, path, &format!("const A{word}: u8 = 1;\n")).is_empty());
        }
    }

    #[test]
    fn ignored_tests_are_found() {
        let path = "crates/rl/tests/it/main.rs";
        assert_eq!(lines(no_ignored_tests, path, "#[test]\n#[ignore]\nfn a() {}\n"), [2]);
        assert_eq!(lines(no_ignored_tests, path, "#[ignore = \"slow\"]\n"), [1]);
        assert_eq!(lines(no_ignored_tests, path, "#[cfg_attr(windows, ignore)]\n"), [1]);
        assert!(lines(no_ignored_tests, path, "// #[ignore]\n").is_empty());
    }

    #[test]
    fn libraries_that_read_the_environment_are_found() {
        let rule = environment_is_read_at_the_edge;
        for read in ["std::env::var(\"A\")", "env::var_os(\"A\")", "env::vars()", "use std::env::{self, var};"] {
            let text = format!("fn a() {{\n    {read};\n}}\n");
            assert_eq!(lines(rule, "crates/rl/src/lib.rs", &text), [2], "{read}");
            for path in ["crates/cli/src/main.rs", "xtask/src/main.rs", "tests/src/lib.rs", "crates/rl/build.rs"] {
                assert!(lines(rule, path, &text).is_empty(), "{path}");
            }
            let constructor = format!("pub fn from_env() -> Self {{\n    {read};\n}}\n");
            assert!(lines(rule, "crates/tracking/src/options.rs", &constructor).is_empty());
            let in_test = format!("#[cfg(test)]\nmod tests {{\n    fn a() {{ {read}; }}\n}}\n");
            assert!(lines(rule, "crates/rl/src/lib.rs", &in_test).is_empty());
        }
        assert!(lines(rule, "crates/rl/src/lib.rs", "env!(\"CARGO_PKG_VERSION\");\nenv::temp_dir();\n").is_empty());
        assert!(lines(rule, "crates/rl/src/lib.rs", "use photo_env::{PhotoEnv, variable};\n").is_empty());
    }
}
