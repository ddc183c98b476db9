//! No circle of files: what a file needs can be read before it, and taken out of the crate with it.
//!
//! An arrow goes from a file to the file that *defines* an item which the first one names: through imports and re-exports
//! to where it stands. These are no arrows:
//! - a `mod` line and a re-export (`pub use`, `pub(crate) use`), so that a crate root or a parent that only collects its
//!   children is in no circle;
//! - what a child names of the modules around it: a parent and its children are one room, and `super::Error` is how
//!   Rust says so. Two children that need each other, and rooms that do, are circles;
//! - what tests alone name, and calls of methods, which need the compiler to be followed.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use super::Violation;
use super::modules::Crate;
use super::names::mentions;
use super::workspace::Workspace;

/// Circles that are left for now, and told as notes: the folder, and the files in it. One that has another file is refused.
const KNOWN: &[(&str, &[&str])] = &[];

/// From each file, the files that it needs, with the lines and names of the first mentions.
type Arrows<'a> = BTreeMap<&'a str, BTreeMap<&'a str, Vec<(usize, String)>>>;

/// Names shown of one arrow.
const NAMES_SHOWN: usize = 3;

/// No file needs itself through others.
pub(super) fn no_circles_of_files(workspace: &Workspace) -> Vec<Violation> {
    circles(workspace).into_iter().filter(|circle| !is_known(circle)).map(|circle| circle.violation()).collect()
}

/// The circles that are left for now, one line each.
pub(super) fn known(workspace: &Workspace) -> Vec<String> {
    circles(workspace).iter().filter(|circle| is_known(circle)).map(|circle| circle.violation().to_string()).collect()
}

fn is_known(circle: &Circle) -> bool {
    KNOWN.iter().any(|(folder, files)| is_part(circle, folder, files))
}

/// Whether all files of the circle are among these of the folder.
fn is_part(circle: &Circle, folder: &str, files: &[&str]) -> bool {
    circle.files.iter().all(|file| file.strip_prefix(folder).is_some_and(|name| files.contains(&name)))
}

/// Files of which each needs each other one.
#[derive(Debug, PartialEq, Eq)]
struct Circle {
    files: Vec<String>,
    /// The arrows among them, one line each.
    arrows: Vec<String>,
}

impl Circle {
    fn violation(&self) -> Violation {
        let mut message =
            format!("a circle of {} files; move what they share into one that needs none:", self.files.len());
        for arrow in &self.arrows {
            let _ = write!(message, "\n    {arrow}");
        }
        Violation::new(&*self.files[0], 1, message)
    }
}

fn circles(workspace: &Workspace) -> Vec<Circle> {
    Crate::all(workspace).iter().flat_map(|tree| circles_of(&arrows(tree))).collect()
}

fn arrows<'a>(tree: &Crate<'a>) -> Arrows<'a> {
    let mut arrows = Arrows::new();
    for (index, module) in tree.modules.iter().enumerate() {
        let from = arrows.entry(module.file).or_default();
        let above = tree.files_above(index);
        for mention in mentions(tree, index).into_iter().filter(|mention| !above.contains(mention.file)) {
            from.entry(mention.file).or_default().push((mention.line, mention.path));
        }
    }
    for names in arrows.values_mut().flat_map(BTreeMap::values_mut) {
        names.sort();
    }
    arrows
}

/// Strongly connected files, those in no circle left out.
fn circles_of(arrows: &Arrows<'_>) -> Vec<Circle> {
    let reached = arrows.keys().map(|file| (*file, reached_from(file, arrows))).collect::<BTreeMap<_, _>>();
    let mut told = BTreeSet::new();
    let mut circles = Vec::new();
    for (file, others) in &reached {
        if !told.contains(file) && others.contains(file) {
            let files = others.iter().copied().filter(|other| reached[other].contains(file)).collect::<BTreeSet<_>>();
            circles.push(circle(&files, arrows));
            told.extend(files);
        }
    }
    circles
}

fn reached_from<'a>(file: &'a str, arrows: &Arrows<'a>) -> BTreeSet<&'a str> {
    let mut reached = BTreeSet::new();
    let mut open = vec![file];
    while let Some(file) = open.pop() {
        open.extend(arrows.get(file).into_iter().flatten().map(|(next, _)| *next).filter(|next| reached.insert(*next)));
    }
    reached
}

fn circle(files: &BTreeSet<&str>, arrows: &Arrows<'_>) -> Circle {
    // All lie in one crate; its folder is said once.
    let folder = files.first().map_or(0, |file| file.find("/src/").map_or(0, |at| at + "/src/".len()));
    let mut lines = Vec::new();
    for from in files {
        for (to, names) in arrows[from].iter().filter(|(to, _)| files.contains(**to)) {
            let mut shown = names.clone();
            shown.dedup_by(|a, b| a.1 == b.1);
            let more = if shown.len() > NAMES_SHOWN { ", …" } else { "" };
            let shown = shown.iter().take(NAMES_SHOWN).map(|(line, name)| format!("`{name}` (line {line})"));
            let shown = shown.collect::<Vec<_>>().join(", ");
            lines.push(format!("{} → {}: {shown}{more}", &from[folder..], &to[folder..]));
        }
    }
    Circle { files: files.iter().map(|&file| file.to_owned()).collect(), arrows: lines }
}

#[cfg(test)]
mod tests {
    use super::super::workspace::sample::files;
    use super::*;

    /// The files of each circle among these, which lie in `crates/a/src/`.
    fn found(texts: &[(&str, &str)]) -> Vec<Vec<String>> {
        let texts = texts.iter().map(|(path, text)| (format!("crates/a/src/{path}"), *text)).collect::<Vec<_>>();
        let workspace = files(&texts.iter().map(|(path, text)| (&**path, *text)).collect::<Vec<_>>());
        let short = |file: &String| file.trim_start_matches("crates/a/src/").to_owned();
        circles(&workspace).iter().map(|circle| circle.files.iter().map(short).collect()).collect()
    }

    /// Two modules `b` and `c` below a root that has nothing else.
    #[track_caller]
    fn check(b: &str, c: &str, is_circle: bool) {
        let root = ("lib.rs", "mod b;\nmod c;\npub use b::*;\npub use c::C;");
        let expected = if is_circle { vec![vec!["b.rs".to_owned(), "c.rs".to_owned()]] } else { Vec::new() };
        assert_eq!(found(&[root, ("b.rs", b), ("c.rs", c)]), expected, "b:\n{b}\nc:\n{c}");
    }

    const USES_B: &str = "use crate::b::B;\npub struct C(B);";

    #[test]
    fn files_that_import_each_other_are_a_circle() {
        check("pub struct B;", USES_B, false);
        check("use crate::c::C;\npub struct B(C);", USES_B, true);
        check("use super::c::{C as Other, D};\npub struct B;", USES_B, true);
        check("pub struct B;\nfn f() { use crate::c::C; }", USES_B, true);
    }

    #[test]
    fn paths_without_imports_are_arrows() {
        check("pub struct B(Option<Box<crate::c::C>>);", USES_B, true);
        check("pub struct B;\nfn f() -> usize { super::c::C::new(3).size }", USES_B, true);
        check("pub struct B;\nfn f() { println!(\"{}\", crate::c::C::SIZE); }", USES_B, true);
        check("pub struct B;\nimpl From<crate::c::C> for B {}", USES_B, true);
        check("#[derive(crate::c::C)]\npub struct B;", USES_B, true);
    }

    #[test]
    fn names_are_followed_to_their_definition() {
        // Through re-exports of the root, by name and by star.
        check("use crate::C;\npub struct B(C);", "use crate::B;\npub struct C(B);", true);
        // Through the parent, where the two stand side by side.
        let children = [("a.rs", "mod b;\nmod c;\nuse b::B;\nuse c::C;\npub struct A(B, C);"), ("lib.rs", "mod a;")];
        let [b, c] = [("a/b.rs", "use super::C;\npub struct B(C);"), ("a/c.rs", "use super::B;\npub struct C(B);")];
        assert_eq!(found(&[children[0], children[1], b, c]), [["a/b.rs", "a/c.rs"]]);
        assert!(found(&[children[0], children[1], b, ("a/c.rs", "pub struct C;")]).is_empty());
        // A name may be a module and a function.
        let root = ("lib.rs", "mod b;\nmod fit;\npub use fit::fit;");
        let fit = ("fit.rs", "pub fn fit() { crate::b::b() }");
        assert_eq!(found(&[root, ("b.rs", "pub fn b() { crate::fit() }"), fit]), [["b.rs", "fit.rs"]]);
        // Imports that lead nowhere, and to themselves, end.
        check(
            "use crate::c::Missing;\npub use crate::c::*;\npub struct B;",
            "pub use crate::b::*;\npub struct C;",
            false,
        );
    }

    #[test]
    fn macros_are_items() {
        let root = ("lib.rs", "#[macro_use]\nmod c;\nmod b;");
        let c = ("c.rs", "macro_rules! made { () => { $crate::b::B } }\nfn f() { crate::b::b() }");
        assert_eq!(found(&[root, c, ("b.rs", "pub fn b() { made!(); }")]), [["b.rs", "c.rs"]]);
    }

    #[test]
    fn a_parent_and_its_children_are_one_room() {
        let parent = ("lib.rs", "mod b;\npub struct Error;\npub fn run() { b::run() }");
        assert!(found(&[parent, ("b.rs", "use super::Error;\npub fn run() -> Error { crate::Error }")]).is_empty());
        // Rooms that need each other are a circle, whichever of their files says so.
        let root = ("lib.rs", "mod b;\nmod c;");
        let (b, child) = (("b.rs", "mod d;\nuse d::D;\npub struct B(D);"), ("b/d.rs", "pub struct D(crate::c::C);"));
        assert_eq!(found(&[root, b, child, ("c.rs", USES_B)]), [["b.rs", "b/d.rs", "c.rs"]]);
    }

    #[test]
    fn what_only_looks_like_an_arrow_is_none() {
        // Re-exports, tests, comments, words in quotes.
        check("pub use crate::c::C;\npub struct B;", USES_B, false);
        check("pub struct B;\n#[cfg(test)]\nmod tests { use crate::c::C; }", USES_B, false);
        check("pub struct B;\n#[cfg(test)]\nuse crate::c::C;", USES_B, false);
        check(
            "//! See [`crate::c::C`].\npub struct B; // crate::c::C\nconst D: &str = \"crate::c::C\";",
            USES_B,
            false,
        );
        // Another crate's module, a field, a variable and a lifetime of the name.
        check("pub struct B;\nuse other::c::C;\nfn f() { ::c::C::new() }", USES_B, false);
        check("pub use crate::c::c;\npub struct B;\nfn f(c: u8) -> u8 { print!(\"\", c); c }", USES_B, false);
        check(
            "pub use crate::c::c;\npub struct B;\nfn f<'c>(b: &'c B) -> u8 { print!(\"\", b.c); b.c }",
            USES_B,
            false,
        );
    }

    #[test]
    fn longer_circles_are_told_with_their_arrows() {
        let root = ("crates/a/src/lib.rs", "mod b;\nmod c;\nmod d;");
        let ring = |name: &'static str, text: &'static str| (name, text);
        let workspace = files(&[
            root,
            ring("crates/a/src/b.rs", "use crate::c::C;\npub struct B(C);"),
            ring("crates/a/src/c.rs", "use crate::d::D;\npub struct C(D);"),
            ring("crates/a/src/d.rs", "\npub struct D(crate::b::B);"),
        ]);
        let found = no_circles_of_files(&workspace);
        assert_eq!(found.len(), 1, "{found:?}");
        let text = found[0].to_string();
        assert!(text.starts_with("crates/a/src/b.rs:1: a circle of 3 files"), "{text}");
        for arrow in ["b.rs → c.rs: `crate::c::C` (line 1), `C` (line 2)", "d.rs → b.rs: `crate::b::B` (line 2)"] {
            assert!(text.contains(arrow), "{text}");
        }
    }

    #[test]
    fn a_known_circle_takes_in_no_file_more() {
        let known = |files: &[&str]| {
            let files = files.iter().map(|&file| file.to_owned()).collect();
            is_part(&Circle { files, arrows: Vec::new() }, "crates/a/src/", &["b.rs", "c.rs", "d/e.rs"])
        };
        assert!(known(&["crates/a/src/b.rs", "crates/a/src/d/e.rs"]));
        assert!(!known(&["crates/a/src/b.rs", "crates/a/src/c.rs", "crates/a/src/new.rs"]));
        assert!(!known(&["crates/other/src/b.rs", "crates/other/src/c.rs"]));
    }

    #[test]
    fn tests_and_benchmarks_are_no_crates_of_ours() {
        let text = "mod b;\npub fn f() { b::f() }";
        assert!(Crate::all(&files(&[("crates/a/tests/it/main.rs", text), ("crates/a/benches/b.rs", text)])).is_empty());
        assert_eq!(Crate::all(&files(&[("crates/a/src/main.rs", text), ("crates/a/src/lib.rs", text)])).len(), 2);
    }
}
