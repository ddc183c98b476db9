//! Reading the attributes of structs, fields and variants.

use syn::{
    Attribute, Error, Expr, ExprLit, ExprRange, Lit, LitInt, LitStr, Meta, Path, Result, meta::ParseNestedMeta,
    spanned::Spanned,
};

/// `#[hparams(...)]` of a struct.
pub(crate) struct StructAttributes {
    pub(crate) section: LitStr,
    pub(crate) check: Option<Path>,
}

/// `#[hparam(...)]` of a field.
pub(crate) struct FieldAttributes {
    pub(crate) default: Expr,
    pub(crate) range: Option<ExprRange>,
    pub(crate) unit: Option<LitStr>,
    pub(crate) log_scale: bool,
    pub(crate) max_len: Option<LitInt>,
}

impl StructAttributes {
    pub(crate) fn read(name: &syn::Ident, attributes: &[Attribute]) -> Result<Self> {
        let mut section: Option<LitStr> = None;
        let mut check: Option<LitStr> = None;
        for attribute in attributes.iter().filter(|a| a.path().is_ident("hparams")) {
            attribute.parse_nested_meta(|meta| {
                if meta.path.is_ident("section") {
                    once(&mut section, &meta)
                } else if meta.path.is_ident("check") {
                    once(&mut check, &meta)
                } else {
                    Err(meta.error("unknown attribute: expected `section` or `check`"))
                }
            })?;
        }
        let section = section
            .ok_or_else(|| Error::new_spanned(name, "a section name is missing: add #[hparams(section = \"...\")]"))?;
        let text = section.value();
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-';
        if !text.starts_with(|c: char| c.is_ascii_lowercase()) || !text.chars().all(plain) {
            return Err(Error::new_spanned(
                section,
                "a section name is made of a-z, 0-9, `_` and `-`, and starts with a letter",
            ));
        }
        Ok(StructAttributes { section, check: check.map(|path| path.parse()).transpose()? })
    }
}

impl FieldAttributes {
    pub(crate) fn read(name: &syn::Ident, attributes: &[Attribute]) -> Result<Self> {
        let mut default: Option<Expr> = None;
        let mut range: Option<ExprRange> = None;
        let mut unit: Option<LitStr> = None;
        let mut scale: Option<LitStr> = None;
        let mut max_len: Option<LitInt> = None;
        for attribute in attributes.iter().filter(|a| a.path().is_ident("hparam")) {
            attribute.parse_nested_meta(|meta| {
                if meta.path.is_ident("default") {
                    once(&mut default, &meta)
                } else if meta.path.is_ident("range") {
                    let mut expression: Option<Expr> = None;
                    once(&mut expression, &meta)?;
                    match expression {
                        Some(Expr::Range(ends)) if range.is_none() => range = Some(ends),
                        Some(Expr::Range(_)) => return Err(meta.error("given twice")),
                        _ => return Err(meta.error("a range is written `a..=b`")),
                    }
                    Ok(())
                } else if meta.path.is_ident("unit") {
                    once(&mut unit, &meta)
                } else if meta.path.is_ident("scale") {
                    once(&mut scale, &meta)
                } else if meta.path.is_ident("max_len") {
                    once(&mut max_len, &meta)
                } else {
                    Err(meta.error("unknown attribute: expected `default`, `range`, `unit`, `scale` or `max_len`"))
                }
            })?;
        }
        let default = default.ok_or_else(|| {
            Error::new_spanned(name, format!("`{name}` has no default: add #[hparam(default = ...)]"))
        })?;
        let log_scale = match scale {
            None => false,
            Some(scale) => match scale.value().as_str() {
                "linear" => false,
                "log" => true,
                _ => {
                    return Err(Error::new_spanned(scale, "a scale is \"linear\" or \"log\""));
                }
            },
        };
        Ok(FieldAttributes { default, range, unit, log_scale, max_len })
    }
}

/// The doc comment among `attributes`, without the indentation that `///` leaves.
pub(crate) fn doc(what: &impl quote::ToTokens, attributes: &[Attribute]) -> Result<String> {
    let mut lines = Vec::new();
    for attribute in attributes.iter().filter(|a| a.path().is_ident("doc")) {
        let Meta::NameValue(meta) = &attribute.meta else {
            continue; // `#[doc(hidden)]` and the like say nothing about the meaning
        };
        let Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) = &meta.value else {
            return Err(Error::new(meta.value.span(), "the doc comment must be plain text here"));
        };
        // `lines` would lose the empty line between two paragraphs.
        lines.extend(text.value().split('\n').map(|line| line.trim().to_owned()));
    }
    let doc = lines.join("\n").trim().to_owned();
    if doc.is_empty() {
        let message = "a doc comment is missing: say what it means";
        return Err(Error::new_spanned(what, message));
    }
    Ok(doc)
}

fn once<T: syn::parse::Parse>(slot: &mut Option<T>, meta: &ParseNestedMeta<'_>) -> Result<()> {
    if slot.is_some() {
        return Err(meta.error("given twice"));
    }
    *slot = Some(meta.value()?.parse()?);
    Ok(())
}
