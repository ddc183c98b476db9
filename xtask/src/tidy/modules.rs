//! The modules of a crate and what each name in them stands for, as far as files alone can tell: enough to follow a path
//! through imports and re-exports to the file that defines the item.
//!
//! Methods, fields and what macros make are not followed; that needs the types, which only the compiler knows.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::Ident;
use syn::{Item, UseTree, Visibility};

use super::syntax::{attributes_of, is_for_tests};
use super::workspace::{File, Workspace};

/// A crate: its modules, the root first.
pub(super) struct Crate<'a> {
    pub(super) modules: Vec<Module<'a>>,
    /// Where macros are defined; they are seen below their definition without any import.
    macros: BTreeMap<String, &'a str>,
}

/// A module: a file, or a block inside one.
pub(super) struct Module<'a> {
    /// The path of its file.
    pub(super) file: &'a str,
    /// What stands in it, without what is for tests.
    pub(super) items: Vec<&'a Item>,
    parent: Option<usize>,
    /// What its names stand for; a module, a function and a type may share one.
    names: BTreeMap<String, Vec<Name>>,
    /// Paths whose names are names here, too.
    globs: Vec<Vec<String>>,
}

/// What a name stands for.
enum Name {
    /// An item of this file.
    Here,
    /// The module at this index.
    Module(usize),
    /// What this path leads to.
    Import(Vec<String>),
}

/// What a path leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Target<'a> {
    /// An item of this file.
    Item(&'a str),
    /// The module at this index.
    Module(usize),
}

/// Imports that are being followed: module, name, position among its meanings.
type Trail = BTreeSet<(usize, String, usize)>;

/// One name that a `use` brings in: the path, the name it gets (none for a glob), and where it stands.
pub(super) struct Import {
    pub(super) path: Vec<String>,
    pub(super) name: Option<String>,
    pub(super) line: usize,
}

impl<'a> Crate<'a> {
    /// The crates of the workspace's libraries and programs. Tests, benchmarks and examples are left out.
    pub(super) fn all(workspace: &'a Workspace) -> Vec<Self> {
        let is_root = |path: &str| {
            let (folder, name) = path.rsplit_once('/').unwrap_or_default();
            (folder.ends_with("/src") && ["lib.rs", "main.rs"].contains(&name)) || folder.ends_with("/src/bin")
        };
        let files = workspace.sources().map(|file| (&*file.path, file)).collect::<BTreeMap<_, _>>();
        let roots = workspace.sources().filter(|file| is_root(&file.path));
        roots.map(|root| Self::new(root, &files)).collect()
    }

    fn new(root: &'a File, files: &BTreeMap<&'a str, &'a File>) -> Self {
        let mut tree = Self { modules: Vec::new(), macros: BTreeMap::new() };
        let folder = root.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        tree.add(root, items_of(root), folder, None, files);
        tree
    }

    /// Adds the module and all below it; returns its index.
    fn add(
        &mut self,
        file: &'a File,
        items: &'a [Item],
        folder: &str,
        parent: Option<usize>,
        files: &BTreeMap<&'a str, &'a File>,
    ) -> usize {
        let index = self.modules.len();
        let items = items.iter().filter(|item| !is_for_tests(attributes_of(item))).collect::<Vec<_>>();
        let (names, globs) = (BTreeMap::new(), Vec::new());
        self.modules.push(Module { file: &file.path, items: items.clone(), parent, names, globs });
        for item in items {
            if let Item::Mod(module) = item {
                let name = text(&module.ident);
                let below = format!("{folder}/{name}");
                let child = match &module.content {
                    Some((_, items)) => Some(self.add(file, items, &below, Some(index), files)),
                    None => files
                        .get(&*format!("{below}.rs"))
                        .or_else(|| files.get(&*format!("{below}/mod.rs")))
                        .map(|file| self.add(file, items_of(file), &below, Some(index), files)),
                };
                if let Some(child) = child {
                    self.name(index, name, Name::Module(child));
                }
            } else if let Item::Use(item) = item {
                for import in imports(&item.tree) {
                    match import.name {
                        Some(name) => self.name(index, name, Name::Import(import.path)),
                        None => self.modules[index].globs.push(import.path),
                    }
                }
            } else if let Some(name) = name_of(item) {
                if matches!(item, Item::Macro(_)) {
                    self.macros.insert(text(name), &file.path);
                }
                self.name(index, text(name), Name::Here);
            }
        }
        index
    }

    fn name(&mut self, module: usize, name: String, meaning: Name) {
        self.modules[module].names.entry(name).or_default().push(meaning);
    }

    /// What the path leads to when it is written in the module; nothing when it leads out of the crate.
    pub(super) fn resolve(&self, module: usize, path: &[String]) -> BTreeSet<Target<'a>> {
        self.follow(module, path, &mut Trail::new())
    }

    /// The files of the modules around this one.
    pub(super) fn files_above(&self, module: usize) -> BTreeSet<&'a str> {
        let parents = std::iter::successors(self.modules[module].parent, |above| self.modules[*above].parent);
        parents.map(|above| self.modules[above].file).collect()
    }

    /// The file that defines the macro.
    pub(super) fn macro_file(&self, name: &str) -> Option<&'a str> {
        self.macros.get(name).copied()
    }

    fn follow(&self, module: usize, path: &[String], trail: &mut Trail) -> BTreeSet<Target<'a>> {
        let mut found = BTreeSet::from([Target::Module(module)]);
        for (position, name) in path.iter().enumerate() {
            found = match &**name {
                "crate" if position == 0 => BTreeSet::from([Target::Module(0)]),
                "self" => found,
                "super" => found.into_iter().filter_map(|target| self.above(target)).collect(),
                _ => found.into_iter().flat_map(|target| self.step(target, name, trail)).collect(),
            };
        }
        found
    }

    fn above(&self, target: Target<'a>) -> Option<Target<'a>> {
        match target {
            Target::Module(module) => self.modules[module].parent.map(Target::Module),
            Target::Item(_) => None,
        }
    }

    /// What the name is below the target. A variant, a method or a constant of an item belongs to the item.
    fn step(&self, target: Target<'a>, name: &str, trail: &mut Trail) -> BTreeSet<Target<'a>> {
        match target {
            Target::Module(module) => self.look_up(module, name, trail),
            Target::Item(_) => BTreeSet::from([target]),
        }
    }

    fn look_up(&self, module: usize, name: &str, trail: &mut Trail) -> BTreeSet<Target<'a>> {
        let mut found = BTreeSet::new();
        let here = &self.modules[module];
        for (position, meaning) in here.names.get(name).into_iter().flatten().enumerate() {
            match meaning {
                Name::Here => {
                    found.insert(Target::Item(here.file));
                }
                Name::Module(child) => {
                    found.insert(Target::Module(*child));
                }
                Name::Import(path) => {
                    let step = (module, name.to_owned(), position);
                    if trail.insert(step.clone()) {
                        found.extend(self.follow(module, path, trail));
                        trail.remove(&step);
                    }
                }
            }
        }
        if found.is_empty() {
            for (position, path) in here.globs.iter().enumerate() {
                let step = (module, "*".to_owned(), position);
                if trail.insert(step.clone()) {
                    for target in self.follow(module, path, trail) {
                        if let Target::Module(other) = target {
                            found.extend(self.look_up(other, name, trail));
                        }
                    }
                    trail.remove(&step);
                }
            }
        }
        found
    }
}

fn items_of(file: &File) -> &[Item] {
    let file = file.source.as_ref().and_then(|source| source.items.as_ref().ok());
    file.filter(|file| !is_for_tests(&file.attrs)).map_or(&[], |file| &file.items)
}

/// The name of an item that is defined where it stands.
fn name_of(item: &Item) -> Option<&Ident> {
    match item {
        Item::Const(item) => Some(&item.ident),
        Item::Enum(item) => Some(&item.ident),
        Item::Fn(item) => Some(&item.sig.ident),
        Item::Macro(item) => item.ident.as_ref(),
        Item::Static(item) => Some(&item.ident),
        Item::Struct(item) => Some(&item.ident),
        Item::Trait(item) => Some(&item.ident),
        Item::TraitAlias(item) => Some(&item.ident),
        Item::Type(item) => Some(&item.ident),
        Item::Union(item) => Some(&item.ident),
        _ => None,
    }
}

/// The names that a `use` brings in.
pub(super) fn imports(tree: &UseTree) -> Vec<Import> {
    let mut found = Vec::new();
    add_imports(tree, &mut Vec::new(), &mut found);
    found
}

fn add_imports(tree: &UseTree, before: &mut Vec<String>, found: &mut Vec<Import>) {
    let mut add = |ident: &Ident, name: Option<String>| {
        let mut path = before.clone();
        if ident != "self" || path.is_empty() {
            path.push(text(ident));
        }
        let name = name.or_else(|| path.last().cloned());
        found.push(Import { path, name, line: ident.span().start().line });
    };
    match tree {
        UseTree::Path(path) => {
            before.push(text(&path.ident));
            add_imports(&path.tree, before, found);
            before.pop();
        }
        UseTree::Name(name) => add(&name.ident, None),
        UseTree::Rename(name) => add(&name.ident, Some(text(&name.rename))),
        UseTree::Glob(glob) => {
            let line = glob.star_token.spans[0].start().line;
            found.push(Import { path: before.clone(), name: None, line });
        }
        UseTree::Group(group) => group.items.iter().for_each(|tree| add_imports(tree, before, found)),
    }
}

/// Whether a `use` of this visibility shows names to others, and is no use of them by itself.
pub(super) fn is_re_export(visibility: &Visibility) -> bool {
    !matches!(visibility, Visibility::Inherited)
}

/// The name without the mark of a raw one.
pub(super) fn text(ident: &Ident) -> String {
    let name = ident.to_string();
    name.strip_prefix("r#").map_or(name.clone(), str::to_owned)
}
