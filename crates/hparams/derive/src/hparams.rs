//! `#[derive(HParams)]`.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Data, DeriveInput, Error, Field, Fields, Ident, Result};

use crate::{
    attributes::{StructAttributes, doc},
    field::{Parameter, ParameterKind, parameters},
};

pub(crate) fn expand(input: &DeriveInput) -> Result<TokenStream> {
    let name = &input.ident;
    let fields = named_fields(input)?;
    let StructAttributes { section, check } = StructAttributes::read(name, &input.attrs)?;
    let section_doc = doc(name, &input.attrs)?;
    let parameters = parameters(fields)?;

    let idents = parameters.iter().map(|parameter| parameter.ident);
    let defaults = parameters.iter().map(|parameter| &parameter.default);
    let declarations = parameters.iter().map(declare);
    let getters = parameters.iter().map(getter);
    let setters = parameters.iter().map(setter);
    let nested_checks = parameters.iter().filter(|parameter| matches!(parameter.kind, ParameterKind::Nested)).map(
        |Parameter { ident, key, .. }| {
            quote! {
                ::dodge_hparams::HParams::check(&self.#ident).map_err(|message| ::std::format!("{}: {}", #key, message))?;
            }
        },
    );
    let own_check = check.map_or_else(|| quote! { ::core::result::Result::Ok(()) }, |path| quote! { #path(self) });

    Ok(quote! {
        #[automatically_derived]
        impl ::core::default::Default for #name {
            fn default() -> Self {
                Self { #(#idents: #defaults),* }
            }
        }

        #[automatically_derived]
        impl ::dodge_hparams::HParams for #name {
            fn schema() -> &'static ::dodge_hparams::Schema {
                static SCHEMA: ::std::sync::LazyLock<::dodge_hparams::Schema> =
                    ::std::sync::LazyLock::new(|| {
                        let mut schema = ::dodge_hparams::Schema {
                            section: #section,
                            doc: #section_doc,
                            fields: ::std::vec::Vec::new(),
                            renamed: ::std::vec::Vec::new(),
                        };
                        #(#declarations)*
                        schema
                    });
                &SCHEMA
            }

            fn get(&self, key: &str) -> ::core::option::Option<::dodge_hparams::Value> {
                #(#getters)*
                ::core::option::Option::None
            }

            fn set(
                &mut self,
                key: &str,
                value: &::dodge_hparams::Value,
            ) -> ::core::result::Result<(), ::dodge_hparams::Error> {
                let schema = <Self as ::dodge_hparams::HParams>::schema();
                #(#setters)*
                ::core::result::Result::Err(::dodge_hparams::__private::unknown_key(schema, key))
            }

            fn check(&self) -> ::core::result::Result<(), ::std::string::String> {
                #(#nested_checks)*
                #own_check
            }
        }
    })
}

fn declare(Parameter { key, ty, kind, .. }: &Parameter<'_>) -> TokenStream {
    match kind {
        ParameterKind::Value(declaration) => quote! { schema.fields.push(#declaration); },
        ParameterKind::Nested => quote! {
            schema.fields.extend(::dodge_hparams::__private::nested::<#ty>(#key));
            schema.renamed.extend(::dodge_hparams::__private::nested_renamed::<#ty>(#key));
        },
        ParameterKind::Deprecated(new) => quote! {
            schema.renamed.push(::dodge_hparams::Renamed { old: #key, new: #new });
        },
    }
}

fn getter(Parameter { ident, key, kind, .. }: &Parameter<'_>) -> TokenStream {
    let prefix = format!("{key}.");
    match kind {
        ParameterKind::Value(_) => quote! {
            if key == #key {
                return ::core::option::Option::Some(::dodge_hparams::Parameter::to_value(&self.#ident));
            }
        },
        ParameterKind::Nested => quote! {
            if let ::core::option::Option::Some(rest) = key.strip_prefix(#prefix) {
                return ::dodge_hparams::HParams::get(&self.#ident, rest);
            }
        },
        ParameterKind::Deprecated(new) => quote! {
            if key == #key {
                return ::dodge_hparams::HParams::get(self, #new);
            }
        },
    }
}

fn setter(Parameter { ident, key, kind, .. }: &Parameter<'_>) -> TokenStream {
    let prefix = format!("{key}.");
    match kind {
        ParameterKind::Value(_) => quote! {
            if key == #key {
                self.#ident = ::dodge_hparams::__private::assigned(schema, #key, value)?;
                return ::core::result::Result::Ok(());
            }
        },
        ParameterKind::Nested => quote! {
            if let ::core::option::Option::Some(rest) = key.strip_prefix(#prefix) {
                return ::dodge_hparams::HParams::set(&mut self.#ident, rest, value)
                    .map_err(|error| ::dodge_hparams::__private::from_group(schema, #key, error));
            }
        },
        ParameterKind::Deprecated(new) => quote! {
            if key == #key {
                return ::dodge_hparams::HParams::set(self, #new, value);
            }
        },
    }
}

fn named_fields(input: &DeriveInput) -> Result<impl Iterator<Item = (&Ident, &Field)>> {
    let name = &input.ident;
    let Data::Struct(data) = &input.data else {
        return Err(Error::new_spanned(name, "HParams can only be derived for a struct"));
    };
    if !input.generics.params.is_empty() {
        let message = "a struct of hyperparameters cannot be generic";
        return Err(Error::new_spanned(&input.generics, message));
    }
    let Fields::Named(fields) = &data.fields else {
        return Err(Error::new_spanned(name, "HParams needs a struct with named fields"));
    };
    Ok(fields.named.iter().filter_map(|field| Some((field.ident.as_ref()?, field))))
}

#[cfg(test)]
mod tests {
    use super::expand;

    #[track_caller]
    fn check(source: &str, expected: &[&str]) {
        let error = expand(&syn::parse_str(source).unwrap()).unwrap_err();
        let messages: Vec<String> = error.into_iter().map(|error| error.to_string()).collect();
        assert_eq!(messages, expected);
    }

    /// Checks a section whose only field is `field`.
    #[track_caller]
    fn check_field(field: &str, expected: &str) {
        let source = format!("/// A.\n #[hparams(section = \"a\")] struct A {{ {field} }}");
        check(&source, &[expected]);
    }

    #[test]
    fn mistaken_structs_are_explained() {
        check("enum A {}", &["HParams can only be derived for a struct"]);
        check("struct A(u32);", &["HParams needs a struct with named fields"]);
        check("struct A<T> { a: T }", &["a struct of hyperparameters cannot be generic"]);
        check(
            "struct A {}",
            &[
                "a section name is missing: add #[hparams(section = \"...\")], or #[hparams(nested)] where another struct holds this one",
            ],
        );
        check(
            "#[hparams(section = \"a.b\")] struct A {}",
            &["a section name is made of a-z, 0-9, `_` and `-`, and starts with a letter"],
        );
        check("#[hparams(section = \"a\", section = \"b\")] struct A {}", &["given twice"]);
        check("#[hparams(name = \"a\")] struct A {}", &["unknown attribute: expected `section`, `nested` or `check`"]);
        check("#[hparams(section = \"a\")] struct A {}", &["a doc comment is missing: say what it means"]);
    }

    #[test]
    fn mistaken_fields_are_explained() {
        check_field("#[hparam(default = 1)] x: u32", "a doc comment is missing: say what it means");
        check_field("/// X.\n x: u32", "`x` has no default: add #[hparam(default = ...)]");
        check_field(
            "/// X.\n #[hparam(default = 1, step = 2)] x: u32",
            "unknown attribute: expected `default`, `range`, `unit`, `scale`, `max_len`, `search`, `search_when`, `secret`, \
             `nested` or `deprecated`",
        );
        check_field("/// X.\n #[hparam(default = 1, default = 2)] x: u32", "given twice");
        check_field("/// X.\n #[hparam(default = 1, range = 0..2, range = 0..2)] x: u32", "given twice");
        check_field("/// X.\n #[hparam(default = 1, range = 2)] x: u32", "a range is written `a..=b`");
        check_field(
            "/// X.\n #[hparam(default = true, range = 0..=1)] x: bool",
            "a range needs a number: u32, u64, usize, i64, f32, f64 or, in seconds, Duration",
        );
        check_field("/// X.\n #[hparam(default = 1, scale = \"square\")] x: u32", "a scale is \"linear\" or \"log\"");
        check_field("/// X.\n #[hparam(default = 1)] x: Vec<u32>", "the default of a list is written `[a, b]`");
    }

    #[test]
    fn defaults_visibly_outside_of_their_range_are_refused() {
        let outside = "the default lies outside of its range";
        for field in [
            "/// X.\n #[hparam(default = 2, range = 0..=1)] x: u32",
            "/// X.\n #[hparam(default = -0.5, range = 0..=1)] x: f64",
            "/// X.\n #[hparam(default = 1.0, range = 0.0..1.0)] x: f64",
            "/// X.\n #[hparam(default = 0, range = 1..)] x: Option<u32>",
            "/// X.\n #[hparam(default = [1, 9], range = ..=8)] x: Vec<u32>",
            "/// X.\n #[hparam(default = 9, range = LOW..=8)] x: u32",
        ] {
            check_field(field, outside);
        }
        for field in [
            "/// X.\n #[hparam(default = HIGH, range = 0..=1)] x: u32",
            "/// X.\n #[hparam(default = none, range = 1..)] x: Option<u32>",
            "/// X.\n #[hparam(default = -1, range = -1..=1)] x: f64",
        ] {
            let source = format!("/// A.\n #[hparams(section = \"a\")] struct A {{ {field} }}");
            assert!(expand(&syn::parse_str(&source).unwrap()).is_ok(), "{field}");
        }
    }

    #[test]
    fn all_mistaken_fields_are_named_at_once() {
        check(
            "/// A.\n #[hparams(section = \"a\")] struct A { x: u32, /// Y.\n y: u32 }",
            &["a doc comment is missing: say what it means", "`y` has no default: add #[hparam(default = ...)]"],
        );
    }
}
