//! What the code of a module names: every path that leads to an item, with its line.

use std::collections::BTreeSet;

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};
use syn::{Attribute, Item, Meta};

use super::modules::{Crate, Target, imports, is_re_export, text};
use super::syntax::is_for_tests;

/// A name in one file that leads to an item of another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mention<'a> {
    /// The file that defines the item.
    pub(super) file: &'a str,
    /// The line, from 1, where the name stands.
    pub(super) line: usize,
    /// The path as written.
    pub(super) path: String,
}

/// The mentions in the module, without those of its own file. What is for tests is left out, and so are re-exports: a
/// module that shows a name uses the item only where its code says the name.
pub(super) fn mentions<'a>(tree: &Crate<'a>, module: usize) -> Vec<Mention<'a>> {
    let mut names = Names { tree, module, locals: Vec::new(), found: Vec::new() };
    for item in &tree.modules[module].items {
        match item {
            Item::Mod(_) => {} // a module of its own
            Item::Use(item) if is_re_export(&item.vis) => {}
            item => names.visit_item(item),
        }
    }
    names.found
}

struct Names<'t, 'a> {
    tree: &'t Crate<'a>,
    module: usize,
    /// Variables of the functions around the place; one of them hides an item of its name.
    locals: Vec<BTreeSet<String>>,
    found: Vec<Mention<'a>>,
}

impl Names<'_, '_> {
    fn name(&mut self, path: &[String], line: usize) {
        if let [name] = path
            && self.locals.iter().any(|locals| locals.contains(name))
        {
            return;
        }
        let here = self.tree.modules[self.module].file;
        for target in self.tree.resolve(self.module, path) {
            if let Target::Item(file) = target
                && file != here
            {
                self.found.push(Mention { file, line, path: path.join("::") });
            }
        }
    }

    /// The paths among tokens that nobody has parsed.
    fn tokens(&mut self, tokens: TokenStream, counts: fn(&[String]) -> bool) {
        let tokens = tokens.into_iter().collect::<Vec<_>>();
        let is_mark =
            |at: usize, mark| matches!(tokens.get(at), Some(TokenTree::Punct(punct)) if punct.as_char() == mark);
        let mut at = 0;
        while at < tokens.len() {
            match &tokens[at] {
                TokenTree::Group(group) => self.tokens(group.stream(), counts),
                TokenTree::Ident(first) => {
                    // A field or method, a lifetime, a variable of a macro, or a path that began outside of the crate.
                    let is_no_item = at > 0 && ['.', '\'', ':', '$'].into_iter().any(|mark| is_mark(at - 1, mark));
                    // `a..b` and `name: Type` do name items.
                    let is_no_item = is_no_item
                        && !(at > 1 && is_mark(at - 1, '.') && is_mark(at - 2, '.'))
                        && !(is_mark(at - 1, ':') && !(at > 1 && is_mark(at - 2, ':')))
                        && first != "crate";
                    let mut path = vec![text(first)];
                    while is_mark(at + 1, ':')
                        && is_mark(at + 2, ':')
                        && let Some(TokenTree::Ident(next)) = tokens.get(at + 3)
                    {
                        path.push(text(next));
                        at += 3;
                    }
                    if !is_no_item && counts(&path) {
                        self.name(&path, first.span().start().line);
                    }
                }
                _ => {}
            }
            at += 1;
        }
    }

    fn with_locals(&mut self, locals: Locals, visit: impl FnOnce(&mut Self)) {
        self.locals.push(locals.0);
        visit(self);
        self.locals.pop();
    }
}

impl<'ast> Visit<'ast> for Names<'_, '_> {
    fn visit_path(&mut self, path: &'ast syn::Path) {
        if path.leading_colon.is_none() {
            let names = path.segments.iter().map(|segment| text(&segment.ident)).collect::<Vec<_>>();
            if let Some(first) = path.segments.first() {
                self.name(&names, first.ident.span().start().line);
            }
        }
        visit::visit_path(self, path);
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        if item.leading_colon.is_none() && !is_for_tests(&item.attrs) {
            for import in imports(&item.tree) {
                self.name(&import.path, import.line);
            }
        }
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        let name = call.path.segments.last().map(|segment| &segment.ident);
        if let Some(name) = name
            && let Some(file) = self.tree.macro_file(&text(name))
            && file != self.tree.modules[self.module].file
        {
            self.found.push(Mention { file, line: name.span().start().line, path: format!("{}!", text(name)) });
        }
        self.tokens(call.tokens.clone(), |_| true);
    }

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        if let Meta::List(list) = &attribute.meta {
            // Other names in an attribute are keys of its own.
            self.tokens(list.tokens.clone(), |path| path.len() > 1 || path[0].starts_with(char::is_uppercase));
        }
    }

    fn visit_visibility(&mut self, _: &'ast syn::Visibility) {}

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        let mut locals = Locals::default();
        locals.visit_item_fn(item);
        self.with_locals(locals, |names| visit::visit_item_fn(names, item));
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        if is_for_tests(&item.attrs) {
            return;
        }
        let mut locals = Locals::default();
        locals.visit_impl_item_fn(item);
        self.with_locals(locals, |names| visit::visit_impl_item_fn(names, item));
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        let mut locals = Locals::default();
        locals.visit_trait_item_fn(item);
        self.with_locals(locals, |names| visit::visit_trait_item_fn(names, item));
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if !is_for_tests(&item.attrs) {
            visit::visit_item_mod(self, item);
        }
    }
}

/// Names of variables.
#[derive(Default)]
struct Locals(BTreeSet<String>);

impl<'ast> Visit<'ast> for Locals {
    fn visit_pat_ident(&mut self, pattern: &'ast syn::PatIdent) {
        // A pattern in capitals is a constant or a variant.
        let name = text(&pattern.ident);
        if !name.starts_with(char::is_uppercase) {
            self.0.insert(name);
        }
        visit::visit_pat_ident(self, pattern);
    }
}
