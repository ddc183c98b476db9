//! One field of a struct or variant: its default and declaration.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{Error, Expr, Field, GenericArgument, Ident, PathArguments, Result, Type, ext::IdentExt};

use crate::{
    attributes::{FieldAttributes, Search, doc},
    literal::{Number, as_float, may_contain},
};

/// What one field contributes.
pub(crate) struct Parameter<'a> {
    pub(crate) ident: &'a Ident,
    pub(crate) key: String,
    pub(crate) ty: &'a Type,
    /// The expression of its default.
    pub(crate) default: TokenStream,
    pub(crate) kind: ParameterKind,
}

pub(crate) enum ParameterKind {
    /// A value, with the expression of its declaration.
    Value(TokenStream),
    /// A struct of further hyperparameters.
    Nested,
    /// An old name of the field with this key.
    Deprecated(String),
}

/// All fields, or all mistakes in them at once.
pub(crate) fn parameters<'a>(fields: impl Iterator<Item = (&'a Ident, &'a Field)>) -> Result<Vec<Parameter<'a>>> {
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
    let attributes = FieldAttributes::read(ident, &field.attrs)?;
    let (ty, key) = (&field.ty, ident.unraw().to_string());
    if let Some(new) = attributes.deprecated {
        if !matches!(ty, Type::Tuple(tuple) if tuple.elems.is_empty()) {
            return Err(Error::new_spanned(ty, "a deprecated name holds no value of its own: give it the type `()`"));
        }
        return Ok(Parameter { ident, key, ty, default: quote! { () }, kind: ParameterKind::Deprecated(new.value()) });
    }
    let doc = doc(ident, &field.attrs)?;
    if attributes.nested {
        let default = quote! { <#ty as ::core::default::Default>::default() };
        return Ok(Parameter { ident, key, ty, default, kind: ParameterKind::Nested });
    }
    let Some(written) = &attributes.default else {
        return Err(Error::new_spanned(ident, format!("`{ident}` has no default: add #[hparam(default = ...)]")));
    };
    let shape = Shape::of(ty);
    let scalar = shape.scalar();
    let number = NumberType::of(scalar);
    let default = default_value(written, &shape)?;

    let range = |range: &syn::ExprRange| {
        let ends = Expr::Range(range.clone());
        match number {
            Some(NumberType::Integer) => Ok(quote! { ::dodge_hparams::NumberRange::of::<#scalar>(#ends) }),
            Some(NumberType::Float) => {
                let ends = as_float(&ends);
                Ok(quote! { ::dodge_hparams::NumberRange::of::<#scalar>(#ends) })
            }
            Some(NumberType::Duration) => {
                let ends = as_float(&ends);
                Ok(quote! { ::dodge_hparams::NumberRange::of::<f64>(#ends) })
            }
            None => {
                let message = "a range needs a number: u32, u64, usize, i64, f32, f64 or, in seconds, Duration";
                Err(Error::new_spanned(range, message))
            }
        }
    };
    let mut declaration =
        quote! { ::dodge_hparams::Field::new::<#ty>(#key, #doc, &{ let default: #ty = #default; default }) };
    if let Some(ends) = &attributes.range {
        let range = range(ends)?;
        check_default(ends, written, &shape)?;
        declaration.extend(quote! { .with_range(#range) });
    }
    if let Some(unit) = &attributes.unit {
        declaration.extend(quote! { .with_unit(#unit) });
    } else if number == Some(NumberType::Duration) && attributes.range.is_some() {
        declaration.extend(quote! { .with_unit("seconds") });
    }
    if attributes.log_scale {
        declaration.extend(quote! { .with_scale(::dodge_hparams::Scale::Log) });
    }
    if let Some(max_len) = &attributes.max_len {
        declaration.extend(quote! { .with_max_len(#max_len) });
    }
    if attributes.secret {
        declaration.extend(quote! { .with_secret() });
    }
    if let Some(search) = &attributes.search {
        let search = match search {
            Search::All => quote! { ::dodge_hparams::Search::all() },
            Search::Range(ends) => {
                let range = range(ends)?;
                quote! { ::dodge_hparams::Search::range(#range) }
            }
            Search::List(array) => {
                let values =
                    array.elems.iter().map(|value| default_value(value, &shape)).collect::<Result<Vec<_>>>()?;
                quote! { ::dodge_hparams::Search::list::<#ty>(&[#(#values),*]) }
            }
        };
        let when = attributes.search_when.map(|(name, value)| quote! { .when(#name, #value) });
        declaration.extend(quote! { .with_search(#search #when) });
    }
    Ok(Parameter { ident, key, ty, default, kind: ParameterKind::Value(declaration) })
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
    /// Of its seconds.
    Duration,
}

impl NumberType {
    fn of(ty: &Type) -> Option<Self> {
        match last_name(ty)?.as_str() {
            "u32" | "u64" | "usize" | "i64" => Some(NumberType::Integer),
            "f32" | "f64" => Some(NumberType::Float),
            "Duration" => Some(NumberType::Duration),
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
        expression.to_token_stream()
    } else if last_name(ty).as_deref() == Some("String") {
        quote! { ::std::string::String::from(#expression) }
    } else if last_name(ty).as_deref() == Some("PathBuf") {
        quote! { ::std::path::PathBuf::from(#expression) }
    } else {
        expression.to_token_stream()
    }
}

fn is_none(expression: &Expr) -> bool {
    matches!(expression, Expr::Path(path) if path.path.is_ident("none"))
}

/// Refuses a default that is visibly outside of its range. What cannot be seen here, such as a
/// constant, is checked when the section is registered.
fn check_default(range: &syn::ExprRange, default: &Expr, shape: &Shape<'_>) -> Result<()> {
    let visible: Vec<&Expr> = match (shape, default) {
        (Shape::List(_), Expr::Array(array)) => array.elems.iter().collect(),
        _ => vec![default],
    };
    for expression in visible {
        if Number::of(expression).is_some_and(|number| !may_contain(range, number)) {
            return Err(Error::new_spanned(expression, "the default lies outside of its range"));
        }
    }
    Ok(())
}
