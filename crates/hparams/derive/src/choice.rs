//! `#[derive(Choice)]`.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Data, DeriveInput, Error, Fields, Result, ext::IdentExt};

use crate::attributes::doc;

pub(crate) fn expand(input: &DeriveInput) -> Result<TokenStream> {
    let name = &input.ident;
    let Data::Enum(data) = &input.data else {
        return Err(Error::new_spanned(name, "Choice can only be derived for an enum"));
    };
    if !input.generics.params.is_empty() {
        return Err(Error::new_spanned(&input.generics, "a choice cannot be generic"));
    }
    if data.variants.is_empty() {
        return Err(Error::new_spanned(name, "a choice needs a variant"));
    }
    let mut texts: Vec<String> = Vec::new();
    let mut docs = Vec::new();
    let mut variants = Vec::new();
    for variant in &data.variants {
        if !matches!(variant.fields, Fields::Unit) {
            return Err(Error::new_spanned(variant, "a variant of a choice cannot have fields"));
        }
        let text = kebab_case(&variant.ident.unraw().to_string());
        if texts.contains(&text) {
            let message = format!("two variants are called `{text}` in text");
            return Err(Error::new_spanned(variant, message));
        }
        texts.push(text);
        docs.push(doc(&variant.ident, &variant.attrs)?);
        variants.push(&variant.ident);
    }
    Ok(quote! {
        #[automatically_derived]
        impl ::dodge_hparams::Choice for #name {
            fn options() -> &'static [::dodge_hparams::ChoiceOption] {
                &[#(::dodge_hparams::ChoiceOption { name: #texts, doc: #docs }),*]
            }

            fn name(&self) -> &'static str {
                match self {
                    #(Self::#variants => #texts,)*
                }
            }

            fn from_name(name: &str) -> ::core::option::Option<Self> {
                match name {
                    #(#texts => ::core::option::Option::Some(Self::#variants),)*
                    _ => ::core::option::Option::None,
                }
            }
        }
    })
}

/// `LinearDecay` becomes `linear-decay`, `HTTPServer` `http-server`, `Resnet18` `resnet18`.
fn kebab_case(name: &str) -> String {
    let chars: Vec<char> = name.chars().collect();
    let mut out = String::new();
    for (index, c) in chars.iter().enumerate() {
        if *c == '_' {
            out.push('-');
            continue;
        }
        let after_lower = index > 0 && !chars[index - 1].is_uppercase() && chars[index - 1] != '_';
        let ends_acronym = index > 0
            && chars[index - 1].is_uppercase()
            && chars.get(index + 1).is_some_and(|next| next.is_lowercase());
        if c.is_uppercase() && (after_lower || ends_acronym) {
            out.push('-');
        }
        out.extend(c.to_lowercase());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{expand, kebab_case};

    #[test]
    fn names_become_kebab_case() {
        for (name, text) in [
            ("Linear", "linear"),
            ("LinearDecay", "linear-decay"),
            ("HTTPServer", "http-server"),
            ("Resnet18", "resnet18"),
            ("Adam8Bit", "adam8-bit"),
            ("Snake_Case", "snake-case"),
            ("A", "a"),
        ] {
            assert_eq!(kebab_case(name), text);
        }
    }

    #[track_caller]
    fn check(source: &str, expected: &str) {
        let error = expand(&syn::parse_str(source).unwrap()).unwrap_err();
        assert_eq!(error.to_string(), expected);
    }

    #[test]
    fn mistakes_are_explained() {
        check("struct A;", "Choice can only be derived for an enum");
        check("enum A {}", "a choice needs a variant");
        check("enum A<T> { /// b\n B }", "a choice cannot be generic");
        check("enum A { B }", "a doc comment is missing: say what it means");
        check("enum A { /// b\n B(u32) }", "a variant of a choice cannot have fields");
        check("enum A { /// 1\n FooBar, /// 2\n Foo_Bar }", "two variants are called `foo-bar` in text");
    }
}
