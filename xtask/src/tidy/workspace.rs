//! What the rules look at: the members with their declared dependencies, and the text files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::syntax::Source;
use crate::metadata::{DependencyKind, Package};
use crate::project::Project;
use anyhow::{Context, Result};

/// Members and text files of a workspace.
#[derive(Debug, Default)]
pub(super) struct Workspace {
    pub(super) members: Vec<Member>,
    pub(super) files: Vec<File>,
}

/// A package of the workspace.
#[derive(Debug)]
pub(super) struct Member {
    /// The package's name.
    pub(super) name: String,
    /// Its folder from the root, with forward slashes.
    pub(super) folder: String,
    /// Every dependency that its manifest declares: optional, platform, build and dev ones too.
    pub(super) dependencies: Vec<Dependency>,
    /// Its features with what each turns on.
    pub(super) features: BTreeMap<String, Vec<String>>,
}

/// A declared dependency.
#[derive(Debug, Clone)]
pub(super) struct Dependency {
    /// Name of the package depended upon.
    pub(super) name: String,
    /// Name it goes by in the manifest, which is another where it is renamed.
    pub(super) key: String,
    pub(super) kind: DependencyKind,
    pub(super) optional: bool,
}

/// A text file.
#[derive(Debug)]
pub(super) struct File {
    /// Path from the root, with forward slashes.
    pub(super) path: String,
    pub(super) text: String,
    /// What the text says, where it is Rust.
    pub(super) source: Option<Source>,
}

impl Workspace {
    /// Reads the workspace from disk.
    ///
    /// # Errors
    /// When a folder or file cannot be read.
    pub(super) fn load(project: &Project) -> Result<Self> {
        let root = project.root();
        let members = project.metadata().packages.iter().map(|package| Member::new(root, package));
        let ignored = std::fs::read_to_string(root.join(".gitignore")).unwrap_or_default();
        let ignored = ignored.lines().filter_map(|line| line.strip_prefix('/')).collect::<Vec<_>>();
        let mut files = Vec::new();
        for path in walk(root, &ignored)? {
            let bytes = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
            // What is not text is a picture or the like.
            if let Ok(text) = String::from_utf8(bytes) {
                files.push(File::new(&relative(root, &path), &text));
            }
        }
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(Self { members: members.collect(), files })
    }

    /// The file at this path.
    pub(super) fn file(&self, path: &str) -> Option<&File> {
        self.files.iter().find(|file| file.path == path)
    }

    /// The Rust files.
    pub(super) fn sources(&self) -> impl Iterator<Item = &File> {
        self.files.iter().filter(|file| file.path.ends_with(".rs"))
    }
}

impl Member {
    fn new(root: &Path, package: &Package) -> Self {
        let folder = package.folder();
        let dependencies = package.dependencies.iter().map(|dependency| Dependency {
            name: dependency.name.clone(),
            key: dependency.rename.clone().unwrap_or_else(|| dependency.name.clone()),
            kind: dependency.kind,
            optional: dependency.optional,
        });
        Self {
            name: package.name.clone(),
            folder: relative(root, folder),
            dependencies: dependencies.collect(),
            features: package.features.clone(),
        }
    }

    /// The path of its manifest.
    pub(super) fn manifest(&self) -> String {
        format!("{}/Cargo.toml", self.folder)
    }

    /// The short name that documents use: `data` for `crates/data`, `hparams/derive` for `crates/hparams/derive`.
    pub(super) fn short_name(&self) -> &str {
        self.folder.strip_prefix("crates/").unwrap_or(&self.folder)
    }
}

impl File {
    /// A file with this content.
    pub(super) fn new(path: &str, text: &str) -> Self {
        let source = path.ends_with(".rs").then(|| Source::new(text));
        Self { path: path.to_owned(), text: text.to_owned(), source }
    }

    /// Whether the whole file belongs to tests.
    pub(super) fn is_test(&self) -> bool {
        is_test_path(&self.path)
    }

    /// The text without comments and without the contents of literals, line for line; empty for other than Rust files.
    pub(super) fn code(&self) -> &str {
        self.source.as_ref().map_or("", |source| &source.code)
    }

    /// The lines that belong to no test, numbered from 1.
    pub(super) fn non_test_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.outside_tests(&self.text)
    }

    /// The code of the lines that belong to no test, numbered from 1.
    pub(super) fn non_test_code(&self) -> impl Iterator<Item = (usize, &str)> {
        self.outside_tests(self.code())
    }

    /// The number, from 1, of the first line that satisfies the predicate; 1 when none does.
    pub(super) fn line_where(&self, predicate: impl FnMut(&str) -> bool) -> usize {
        self.text.lines().position(predicate).map_or(1, |index| index + 1)
    }

    fn outside_tests<'a>(&'a self, text: &'a str) -> impl Iterator<Item = (usize, &'a str)> {
        let whole = self.is_test();
        let tests = self.source.as_ref().map_or(&[][..], |source| &source.test_lines);
        let tests = tests.iter().copied().chain(std::iter::repeat(false)).map(move |test| test || whole);
        text.lines().zip(tests).enumerate().filter(|(_, (_, test))| !test).map(|(index, (line, _))| (index + 1, line))
    }
}

/// Whether the path lies in a folder `tests`, or is the file of a `mod tests;`.
fn is_test_path(path: &str) -> bool {
    path.split('/').any(|part| part == "tests" || part == "tests.rs")
}

/// The files under the root, without those that git ignores, folders of caches and hidden folders of other tools.
fn walk(root: &Path, ignored: &[&str]) -> Result<Vec<PathBuf>> {
    const HIDDEN_BUT_OURS: [&str; 4] = [".cargo", ".ci", ".config", ".github"];
    let mut files = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = std::fs::read_dir(&folder).with_context(|| format!("cannot list {}", folder.display()))?;
        for entry in entries {
            let entry = entry.with_context(|| format!("cannot list {}", folder.display()))?;
            let (path, name) = (entry.path(), entry.file_name());
            let name = name.to_string_lossy();
            if ignored.contains(&&*relative(root, &path)) {
                continue;
            }
            let kind = entry.file_type().with_context(|| format!("cannot read {}", path.display()))?;
            if kind.is_file() {
                files.push(path);
            } else if kind.is_dir()
                && (!name.starts_with('.') || HIDDEN_BUT_OURS.contains(&&*name))
                && !path.join("CACHEDIR.TAG").exists()
            {
                folders.push(path);
            }
        }
    }
    Ok(files)
}

fn relative(root: &Path, path: &Path) -> String {
    let path = path.strip_prefix(root).unwrap_or(path);
    path.components().map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/")
}

/// Workspaces for the tests of the rules.
#[cfg(test)]
pub(super) mod sample {
    use super::*;

    /// A workspace of these files only.
    pub(in crate::tidy) fn files(files: &[(&str, &str)]) -> Workspace {
        let files = files.iter().map(|(path, text)| File::new(path, text));
        Workspace { members: Vec::new(), files: files.collect() }
    }

    /// A package without dependencies.
    pub(in crate::tidy) fn member(name: &str, folder: &str) -> Member {
        Member { name: name.to_owned(), folder: folder.to_owned(), dependencies: Vec::new(), features: BTreeMap::new() }
    }

    impl Member {
        /// The package with a dependency more.
        pub(in crate::tidy) fn uses(mut self, name: &str, kind: DependencyKind, optional: bool) -> Self {
            self.dependencies.push(Dependency { name: name.to_owned(), key: name.to_owned(), kind, optional });
            self
        }

        /// The package with a feature more.
        pub(in crate::tidy) fn feature(mut self, name: &str, turns_on: &[&str]) -> Self {
            self.features.insert(name.to_owned(), turns_on.iter().map(|&value| value.to_owned()).collect());
            self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn caches_and_ignored_folders_are_not_ours() {
        let root = tempfile::tempdir().expect("a folder");
        for file in ["a.rs", ".ci/run", ".venv/b.py", "out/c.txt", "cache/CACHEDIR.TAG", "cache/d.txt", "deep/out/e.md"]
        {
            let path = root.path().join(file);
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("made");
            std::fs::write(path, "text").expect("written");
        }
        let files = walk(root.path(), &["out"]).expect("the folder is readable");
        let mut files = files.iter().map(|path| relative(root.path(), path)).collect::<Vec<_>>();
        files.sort();
        assert_eq!(files, [".ci/run", "a.rs", "deep/out/e.md"]);
    }

    #[test]
    fn test_code_is_told_from_the_rest() {
        let file = File::new("crates/rl/src/lib.rs", "fn a() {}\n#[cfg(test)]\nmod tests {\n}\nfn b() {}\n");
        assert_eq!(file.non_test_lines().collect::<Vec<_>>(), [(1, "fn a() {}"), (5, "fn b() {}")]);
        assert!(File::new("crates/rl/tests/it/main.rs", "fn a() {}\n").non_test_lines().next().is_none());
        assert!(File::new("crates/rl/src/spool/tests.rs", "").is_test());
        assert!(!File::new("crates/rl/src/contests.rs", "").is_test());
    }
}
