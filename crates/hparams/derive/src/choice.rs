//! `#[derive(Choice)]`.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Data, DeriveInput, Error, Fields, Ident, Result, ext::IdentExt};

use crate::{
    attributes::doc,
    field::{Parameter, ParameterKind, parameters},
};

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
    let variants = data.variants.iter().map(Variant::read).collect::<Result<Vec<_>>>()?;
    for (index, variant) in variants.iter().enumerate() {
        if variants[..index].iter().any(|earlier| earlier.text == variant.text) {
            let message = format!("two variants are called `{}` in text", variant.text);
            return Err(Error::new_spanned(variant.ident, message));
        }
    }
    let options = variants.iter().map(|Variant { text, doc, data, .. }| {
        let declarations = data.iter().filter_map(|datum| match &datum.kind {
            ParameterKind::Value(declaration) => Some(declaration),
            _ => None,
        });
        quote! { ::dodge_hparams::ChoiceOption { name: #text, doc: #doc, data: ::std::vec![#(#declarations),*] } }
    });
    let names = variants.iter().map(|Variant { ident, text, .. }| quote! { Self::#ident { .. } => #text, });
    let constructors = variants.iter().map(|Variant { ident, text, data, .. }| {
        let (idents, defaults) = (data.iter().map(|datum| datum.ident), data.iter().map(|datum| &datum.default));
        quote! { #text => ::core::option::Option::Some(Self::#ident { #(#idents: #defaults),* }), }
    });
    let getters = variants.iter().map(|Variant { ident, data, .. }| {
        let idents: Vec<_> = data.iter().map(|datum| datum.ident).collect();
        let keys = data.iter().map(|datum| &datum.key);
        quote! {
            Self::#ident { #(#idents),* } => ::std::vec![#((#keys, ::dodge_hparams::Parameter::to_value(#idents))),*],
        }
    });
    let setters = variants.iter().flat_map(|Variant { ident, data, .. }| {
        data.iter().map(move |Parameter { ident: datum, key, .. }| {
            quote! {
                (Self::#ident { #datum, .. }, #key) => *#datum = ::dodge_hparams::Parameter::from_value(value)?,
            }
        })
    });
    Ok(quote! {
        #[automatically_derived]
        impl ::dodge_hparams::Choice for #name {
            fn options() -> &'static [::dodge_hparams::ChoiceOption] {
                static OPTIONS: ::std::sync::LazyLock<::std::vec::Vec<::dodge_hparams::ChoiceOption>> =
                    ::std::sync::LazyLock::new(|| ::std::vec![#(#options),*]);
                &OPTIONS
            }

            fn name(&self) -> &'static str {
                match self {
                    #(#names)*
                }
            }

            fn from_name(name: &str) -> ::core::option::Option<Self> {
                match name {
                    #(#constructors)*
                    _ => ::core::option::Option::None,
                }
            }

            fn data(&self) -> ::std::vec::Vec<(&'static str, ::dodge_hparams::Value)> {
                match self {
                    #(#getters)*
                }
            }

            fn set_datum(
                &mut self,
                key: &str,
                value: &::dodge_hparams::Value,
            ) -> ::core::result::Result<(), ::dodge_hparams::Problem> {
                match (self, key) {
                    #(#setters)*
                    (choice, key) => return ::core::result::Result::Err(
                        ::dodge_hparams::__private::unknown_datum(choice, key)
                    ),
                }
                #[allow(unreachable_code)]
                ::core::result::Result::Ok(())
            }
        }
    })
}

/// One variant.
struct Variant<'a> {
    ident: &'a Ident,
    /// Its name in text.
    text: String,
    doc: String,
    data: Vec<Parameter<'a>>,
}

impl<'a> Variant<'a> {
    fn read(variant: &'a syn::Variant) -> Result<Self> {
        let ident = &variant.ident;
        let data = match &variant.fields {
            Fields::Unit => Vec::new(),
            Fields::Named(fields) => {
                parameters(fields.named.iter().filter_map(|field| Some((field.ident.as_ref()?, field))))?
            }
            Fields::Unnamed(_) => {
                return Err(Error::new_spanned(variant, "the data of a choice need names: write `{ name: type }`"));
            }
        };
        for datum in &data {
            if !matches!(datum.kind, ParameterKind::Value(_)) {
                return Err(Error::new_spanned(datum.ident, "data of a choice are neither `nested` nor `deprecated`"));
            }
            if datum.key == "kind" {
                return Err(Error::new_spanned(datum.ident, "`kind` is where the name of the choice stands"));
            }
        }
        let text = kebab_case(&ident.unraw().to_string());
        Ok(Self { ident, text, doc: doc(ident, &variant.attrs)?, data })
    }
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
        check("enum A { /// b\n B(u32) }", "the data of a choice need names: write `{ name: type }`");
        check(
            "enum A { /// b\n B { /// c\n #[hparam(nested)] c: C } }",
            "data of a choice are neither `nested` nor `deprecated`",
        );
        check(
            "enum A { /// b\n B { /// c\n #[hparam(default = 1)] kind: u32 } }",
            "`kind` is where the name of the choice stands",
        );
        check("enum A { /// 1\n FooBar, /// 2\n Foo_Bar }", "two variants are called `foo-bar` in text");
    }
}
