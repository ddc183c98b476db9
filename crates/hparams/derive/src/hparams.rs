//! `#[derive(HParams)]`.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{
    Data, DeriveInput, Error, Expr, Field, Fields, GenericArgument, Ident, PathArguments, Result, Type, ext::IdentExt,
};

use crate::{
    attributes::{FieldAttributes, StructAttributes, doc},
    literal::{Number, as_float, may_contain},
};

pub(crate) fn expand(input: &DeriveInput) -> Result<TokenStream> {
    let name = &input.ident;
    let fields = named_fields(input)?;
    let StructAttributes { section, check } = StructAttributes::read(name, &input.attrs)?;
    let section_doc = doc(name, &input.attrs)?;
    let parameters = parameters(fields)?;

    let idents: Vec<&Ident> = parameters.iter().map(|p| p.ident).collect();
    let keys: Vec<&str> = parameters.iter().map(|p| p.key.as_str()).collect();
    let defaults = parameters.iter().map(|p| &p.default);
    let declarations = parameters.iter().map(|p| &p.declaration);
    let check = check.map(|path| {
        quote! {
            fn check(&self) -> ::core::result::Result<(), ::std::string::String> {
                #path(self)
            }
        }
    });

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
                        let defaults = <#name as ::core::default::Default>::default();
                        ::dodge_hparams::Schema {
                            section: #section,
                            doc: #section_doc,
                            fields: ::std::vec![
                                #(::dodge_hparams::Field::#declarations),*
                            ],
                        }
                    });
                &SCHEMA
            }

            fn get(&self, key: &str) -> ::core::option::Option<::dodge_hparams::Value> {
                match key {
                    #(#keys => ::core::option::Option::Some(
                        ::dodge_hparams::Parameter::to_value(&self.#idents)
                    ),)*
                    _ => ::core::option::Option::None,
                }
            }

            fn set(
                &mut self,
                key: &str,
                value: &::dodge_hparams::Value,
            ) -> ::core::result::Result<(), ::dodge_hparams::Error> {
                let schema = <Self as ::dodge_hparams::HParams>::schema();
                match key {
                    #(#keys => {
                        self.#idents = ::dodge_hparams::__private::assigned(schema, #keys, value)?;
                    })*
                    _ => return ::core::result::Result::Err(
                        ::dodge_hparams::__private::unknown_key(schema, key)
                    ),
                }
                ::core::result::Result::Ok(())
            }

            #check
        }
    })
}

/// What one field contributes.
struct Parameter<'a> {
    ident: &'a Ident,
    key: String,
    /// The expression of its default.
    default: TokenStream,
    /// The call that makes its declaration, after `Field::`.
    declaration: TokenStream,
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

/// All fields, or all mistakes in them at once.
fn parameters<'a>(fields: impl Iterator<Item = (&'a Ident, &'a Field)>) -> Result<Vec<Parameter<'a>>> {
    let mut parameters = Vec::new();
    let mut errors: Option<Error> = None;
    for (ident, field) in fields {
        match parameter(ident, field) {
            Ok(parameter) => parameters.push(parameter),
            Err(error) => match &mut errors {
                Some(errors) => errors.combine(error),
                None => errors = Some(error),
            },
        }
    }
    errors.map_or(Ok(parameters), Err)
}

fn parameter<'a>(ident: &'a Ident, field: &'a Field) -> Result<Parameter<'a>> {
    let doc = doc(ident, &field.attrs)?;
    let attributes = FieldAttributes::read(ident, &field.attrs)?;
    let shape = Shape::of(&field.ty);
    let number = NumberType::of(shape.scalar());
    let ty = &field.ty;
    let key = ident.unraw().to_string();

    let mut declaration = quote! { new::<#ty>(#key, #doc, &defaults.#ident) };
    if let Some(range) = &attributes.range {
        let Some(number) = number else {
            return Err(Error::new_spanned(range, "a range needs a number: u32, u64, usize, i64, f32 or f64"));
        };
        check_default(&attributes, &shape)?;
        let scalar = shape.scalar();
        let ends = Expr::Range(range.clone());
        let ends = if number == NumberType::Float { as_float(&ends) } else { ends };
        declaration.extend(quote! {
            .with_range(::dodge_hparams::NumberRange::of::<#scalar>(#ends))
        });
    }
    if let Some(unit) = &attributes.unit {
        declaration.extend(quote! { .with_unit(#unit) });
    }
    if attributes.log_scale {
        declaration.extend(quote! { .with_scale(::dodge_hparams::Scale::Log) });
    }
    if let Some(max_len) = &attributes.max_len {
        declaration.extend(quote! { .with_max_len(#max_len) });
    }
    Ok(Parameter { ident, key, default: default_value(&attributes.default, &shape)?, declaration })
}

/// A field's type as far as its spelling tells.
enum Shape<'a> {
    Scalar(&'a Type),
    Optional(&'a Type),
    List(&'a Type),
}

impl<'a> Shape<'a> {
    fn of(ty: &'a Type) -> Self {
        let inner = |name: &str| {
            let Type::Path(path) = ty else { return None };
            let last = path.path.segments.last()?;
            let PathArguments::AngleBracketed(arguments) = &last.arguments else {
                return None;
            };
            match arguments.args.first()? {
                GenericArgument::Type(inner) if last.ident == name => Some(inner),
                _ => None,
            }
        };
        match (inner("Option"), inner("Vec")) {
            (Some(inner), _) => Shape::Optional(inner),
            (_, Some(inner)) => Shape::List(inner),
            _ => Shape::Scalar(ty),
        }
    }

    fn scalar(&self) -> &'a Type {
        match self {
            Shape::Scalar(ty) | Shape::Optional(ty) | Shape::List(ty) => ty,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum NumberType {
    Integer,
    Float,
}

impl NumberType {
    fn of(ty: &Type) -> Option<Self> {
        match last_name(ty)?.as_str() {
            "u32" | "u64" | "usize" | "i64" => Some(NumberType::Integer),
            "f32" | "f64" => Some(NumberType::Float),
            _ => None,
        }
    }
}

fn last_name(ty: &Type) -> Option<String> {
    let Type::Path(path) = ty else { return None };
    Some(path.path.segments.last()?.ident.to_string())
}

fn default_value(default: &Expr, shape: &Shape<'_>) -> Result<TokenStream> {
    Ok(match shape {
        Shape::Scalar(ty) => scalar_value(default, ty),
        Shape::Optional(_) if is_none(default) => quote! { ::core::option::Option::None },
        Shape::Optional(ty) => {
            let value = scalar_value(default, ty);
            quote! { ::core::option::Option::Some(#value) }
        }
        Shape::List(ty) => {
            let Expr::Array(array) = default else {
                let message = "the default of a list is written `[a, b]`";
                return Err(Error::new_spanned(default, message));
            };
            let values = array.elems.iter().map(|element| scalar_value(element, ty));
            quote! { ::std::vec![#(#values),*] }
        }
    })
}

fn scalar_value(expression: &Expr, ty: &Type) -> TokenStream {
    if NumberType::of(ty) == Some(NumberType::Float) {
        let expression = as_float(expression);
        quote! { #expression }
    } else if last_name(ty).as_deref() == Some("String") {
        quote! { ::std::string::String::from(#expression) }
    } else {
        quote! { #expression }
    }
}

fn is_none(expression: &Expr) -> bool {
    matches!(expression, Expr::Path(path) if path.path.is_ident("none"))
}

/// Refuses a default that is visibly outside of its range. What cannot be seen here, such as a
/// constant, is checked when the section is registered.
fn check_default(attributes: &FieldAttributes, shape: &Shape<'_>) -> Result<()> {
    let Some(range) = &attributes.range else {
        return Ok(());
    };
    let visible: Vec<&Expr> = match (shape, &attributes.default) {
        (Shape::List(_), Expr::Array(array)) => array.elems.iter().collect(),
        (_, default) => vec![default],
    };
    for expression in visible {
        if Number::of(expression).is_some_and(|number| !may_contain(range, number)) {
            return Err(Error::new_spanned(expression, "the default lies outside of its range"));
        }
    }
    Ok(())
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
        check("struct A {}", &["a section name is missing: add #[hparams(section = \"...\")]"]);
        check(
            "#[hparams(section = \"a.b\")] struct A {}",
            &["a section name is made of a-z, 0-9, `_` and `-`, and starts with a letter"],
        );
        check("#[hparams(section = \"a\", section = \"b\")] struct A {}", &["given twice"]);
        check("#[hparams(name = \"a\")] struct A {}", &["unknown attribute: expected `section` or `check`"]);
        check("#[hparams(section = \"a\")] struct A {}", &["a doc comment is missing: say what it means"]);
    }

    #[test]
    fn mistaken_fields_are_explained() {
        check_field("#[hparam(default = 1)] x: u32", "a doc comment is missing: say what it means");
        check_field("/// X.\n x: u32", "`x` has no default: add #[hparam(default = ...)]");
        check_field(
            "/// X.\n #[hparam(default = 1, step = 2)] x: u32",
            "unknown attribute: expected `default`, `range`, `unit`, `scale` or `max_len`",
        );
        check_field("/// X.\n #[hparam(default = 1, default = 2)] x: u32", "given twice");
        check_field("/// X.\n #[hparam(default = 1, range = 0..2, range = 0..2)] x: u32", "given twice");
        check_field("/// X.\n #[hparam(default = 1, range = 2)] x: u32", "a range is written `a..=b`");
        check_field(
            "/// X.\n #[hparam(default = true, range = 0..=1)] x: bool",
            "a range needs a number: u32, u64, usize, i64, f32 or f64",
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
