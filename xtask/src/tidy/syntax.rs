//! A Rust file as `syn` reads it: what is code and what is comment or literal, and which lines belong to tests.

use std::ops::Range;
use std::str::FromStr;

use proc_macro2::{TokenStream, TokenTree};
use syn::spanned::Spanned;
use syn::visit::Visit;
use syn::{Attribute, Meta};

/// A Rust file, read once for all rules.
pub(super) struct Source {
    /// The text without comments and without the contents of literals, line for line, so that what is found in the code
    /// can be pointed at in the text. Numbers stay.
    pub(super) code: String,
    /// For each line, whether it belongs to an item under `#[cfg(test)]`.
    pub(super) test_lines: Vec<bool>,
    /// The items of the file, or why it is no Rust, with the line.
    pub(super) items: Result<syn::File, (usize, String)>,
}

// What `syn` makes of the items would fill pages.
impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Source").field("code", &self.code).finish_non_exhaustive()
    }
}

impl Source {
    /// Reads the text. Of a text that is no Rust nothing counts as code.
    pub(super) fn new(text: &str) -> Self {
        let code = TokenStream::from_str(text).map(|tokens| code_only(text, tokens)).unwrap_or_default();
        let items = syn::parse_file(text).map_err(|error| (error.span().start().line, error.to_string()));
        let mut tests = Tests(Vec::new());
        if let Ok(file) = &items {
            tests.visit_file(file);
        }
        let mut test_lines = vec![false; text.lines().count()];
        for lines in tests.0 {
            let end = lines.end.min(test_lines.len());
            test_lines[lines.start.min(end)..end].fill(true);
        }
        Self { code, test_lines, items }
    }
}

/// Whether the item with these attributes is there in tests only.
pub(super) fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && matches!(&attribute.meta, Meta::List(list) if needs_test(list.tokens.clone()))
    })
}

/// Whether the condition is `test`, or `all(…)` with a part that is.
fn needs_test(condition: TokenStream) -> bool {
    let mut tokens = condition.into_iter();
    let Some(TokenTree::Ident(name)) = tokens.next() else { return false };
    match tokens.next() {
        None => name == "test",
        Some(TokenTree::Group(parts)) if name == "all" => {
            let parts = parts.stream().into_iter().collect::<Vec<_>>();
            let is_comma = |token: &TokenTree| matches!(token, TokenTree::Punct(mark) if mark.as_char() == ',');
            parts.split(is_comma).any(|part| needs_test(part.iter().cloned().collect()))
        }
        _ => false,
    }
}

/// Lines, from 0, of what is there in tests only.
struct Tests(Vec<Range<usize>>);

impl Tests {
    fn add(&mut self, attributes: &[Attribute], node: &dyn Spanned) {
        if is_for_tests(attributes) {
            let span = node.span();
            self.0.push(span.start().line - 1..span.end().line);
        }
    }
}

impl<'ast> Visit<'ast> for Tests {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        self.add(attributes_of(item), item);
        syn::visit::visit_item(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.add(&item.attrs, item);
        syn::visit::visit_impl_item_fn(self, item);
    }

    fn visit_field(&mut self, field: &'ast syn::Field) {
        self.add(&field.attrs, field);
    }
}

/// The attributes of the item.
pub(super) fn attributes_of(item: &syn::Item) -> &[Attribute] {
    match item {
        syn::Item::Const(item) => &item.attrs,
        syn::Item::Enum(item) => &item.attrs,
        syn::Item::ExternCrate(item) => &item.attrs,
        syn::Item::Fn(item) => &item.attrs,
        syn::Item::ForeignMod(item) => &item.attrs,
        syn::Item::Impl(item) => &item.attrs,
        syn::Item::Macro(item) => &item.attrs,
        syn::Item::Mod(item) => &item.attrs,
        syn::Item::Static(item) => &item.attrs,
        syn::Item::Struct(item) => &item.attrs,
        syn::Item::Trait(item) => &item.attrs,
        syn::Item::TraitAlias(item) => &item.attrs,
        syn::Item::Type(item) => &item.attrs,
        syn::Item::Union(item) => &item.attrs,
        syn::Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

/// The text with everything but tokens replaced by spaces, and literals that may hold words, too.
fn code_only(text: &str, tokens: TokenStream) -> String {
    let mut code = text.bytes().map(|byte| if byte == b'\n' { b'\n' } else { b' ' }).collect::<Vec<_>>();
    let mut kept = Vec::new();
    leaves(text, tokens, &mut kept);
    for range in kept {
        code[range.clone()].copy_from_slice(&text.as_bytes()[range]);
    }
    // Tokens are whole characters, and the rest is ASCII.
    String::from_utf8_lossy(&code).into_owned()
}

fn leaves(text: &str, tokens: TokenStream, kept: &mut Vec<Range<usize>>) {
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Group(group) => {
                let bracket = |span: proc_macro2::Span| Some(span.byte_range()).filter(|range| range.len() == 1);
                kept.extend(bracket(group.span_open()));
                leaves(text, group.stream(), kept);
                kept.extend(bracket(group.span_close()));
            }
            TokenTree::Literal(literal) => {
                let range = literal.span().byte_range();
                let is_number = text[range.clone()].starts_with(|c: char| c.is_ascii_digit());
                kept.extend(is_number.then_some(range));
            }
            TokenTree::Punct(mark)
                if text[mark.span().byte_range()].starts_with("//")
                    || text[mark.span().byte_range()].starts_with("/*") =>
            {
                // A comment for documentation is an attribute to the lexer, with the comment as the place of each token:
                // `#`, for comments on the file `!`, and a group.
                while tokens.next_if(|token| matches!(token, TokenTree::Punct(_))).is_some() {}
                tokens.next();
            }
            TokenTree::Punct(mark) => kept.push(mark.span().byte_range()),
            TokenTree::Ident(name) => kept.push(name.span().byte_range()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_code(text: &str, expected: &str) {
        let code = Source::new(text).code;
        assert_eq!(code.lines().count(), text.lines().count(), "lines moved: {code:?}");
        assert_eq!(code.split_whitespace().collect::<Vec<_>>().join(" "), expected);
    }

    #[test]
    fn comments_are_no_code() {
        check_code("a // b\nc /* d /* e */ f */ g\n// h", "a c g");
        check_code("//! a\n/*! b */\n/// c\n/** d\ne */\nf!();", "f!();");
        check_code("#[doc = \"a\"] b", "#[doc = ] b");
    }

    #[test]
    fn literals_are_no_code() {
        check_code(r#"a "b \" // c" d"#, "a d");
        check_code("a r#\"b \" c\"# d br\"e\" f", "a d f");
        check_code("a 'b' '\\'' '\"' c b'd' c\"e\"", "a c");
        check_code("a(1.5, 0x1f, -2) \"é\" b", "a(1.5, 0x1f, -2) b");
    }

    #[test]
    fn lifetimes_and_raw_identifiers_are_code() {
        check_code("fn f<'a>(x: &'a str) 'y' z", "fn f<'a>(x: &'a str) z");
        check_code("r#type = for_r", "r#type = for_r");
    }

    #[test]
    fn what_is_no_rust_is_told_with_its_line() {
        assert_eq!(Source::new("fn a() {}\nfn b( {}\n").items.err().map(|(line, _)| line), Some(2));
        assert!(Source::new("fn a() {}\n\"never closed").items.is_err());
        assert!(Source::new("#!/usr/bin/env run\nfn a() {}\n").items.is_ok());
    }

    #[track_caller]
    fn check_tests(text: &str, expected: &[usize]) {
        let marks = Source::new(text).test_lines;
        let marked = marks.iter().enumerate().filter(|(_, mark)| **mark).map(|(index, _)| index + 1);
        assert_eq!(marked.collect::<Vec<_>>(), expected, "{text}");
    }

    #[test]
    fn a_test_module_ends_with_its_last_bracket() {
        check_tests("a!();\n#[cfg(test)]\nmod tests {\n  a!(\"}\");\n  mod b { }\n}\nb!();", &[2, 3, 4, 5, 6]);
    }

    #[test]
    fn test_items_without_a_body_end_with_a_semicolon() {
        check_tests("#[cfg(test)]\nmod tests;\nb!();", &[1, 2]);
        check_tests("#[cfg(test)]\nfn f(a: [u8; 3]) {\n}\nb!();", &[1, 2, 3]);
        check_tests("#[cfg(test)] use a::b;\nb!();", &[1]);
    }

    #[test]
    fn test_items_lie_in_blocks_and_modules_too() {
        check_tests("impl A {\n#[cfg(test)]\nfn f() {}\nfn g() {}\n}", &[2, 3]);
        check_tests("mod a {\n/// Docs.\n#[inline]\n#[cfg(test)]\nfn f() {}\n}", &[2, 3, 4, 5]);
        check_tests("#[cfg(all(unix, test))]\nfn f() {}", &[1, 2]);
        check_tests("#[cfg(not(test))]\nfn f() {}\n#[cfg(any(test, unix))]\nfn g() {}", &[]);
    }
}
