//! Reading the attributes of structs, fields and variants.

use syn::{
    Attribute, Error, Expr, ExprArray, ExprLit, ExprRange, Lit, LitInt, LitStr, Meta, Path, Result,
    meta::ParseNestedMeta, spanned::Spanned,
};

/// `#[hparams(...)]` of a struct.
pub(crate) struct StructAttributes {
    /// Empty where the struct is made to be part of another one.
    pub(crate) section: LitStr,
    pub(crate) check: Option<Path>,
}

/// `#[hparam(...)]` of a field.
pub(crate) struct FieldAttributes {
    pub(crate) default: Option<Expr>,
    pub(crate) range: Option<ExprRange>,
    pub(crate) unit: Option<LitStr>,
    pub(crate) log_scale: bool,
    pub(crate) max_len: Option<LitInt>,
    pub(crate) search: Option<Search>,
    /// The hyperparameter, and the value that it must have.
    pub(crate) search_when: Option<(String, String)>,
    pub(crate) secret: bool,
    pub(crate) nested: bool,
    pub(crate) deprecated: Option<LitStr>,
}

/// Which values a search tries.
pub(crate) enum Search {
    All,
    Range(ExprRange),
    List(ExprArray),
}

impl StructAttributes {
    pub(crate) fn read(name: &syn::Ident, attributes: &[Attribute]) -> Result<Self> {
        let mut section: Option<LitStr> = None;
        let mut check: Option<LitStr> = None;
        let mut nested: Option<LitStr> = None;
        for attribute in attributes.iter().filter(|a| a.path().is_ident("hparams")) {
            attribute.parse_nested_meta(|meta| {
                if meta.path.is_ident("section") {
                    once(&mut section, &meta)
                } else if meta.path.is_ident("check") {
                    once(&mut check, &meta)
                } else if meta.path.is_ident("nested") {
                    nested = Some(LitStr::new("", meta.path.span()));
                    Ok(())
                } else {
                    Err(meta.error("unknown attribute: expected `section`, `nested` or `check`"))
                }
            })?;
        }
        let check = check.map(|path| path.parse()).transpose()?;
        let section = match (section, nested) {
            (Some(section), Some(_)) => {
                return Err(Error::new_spanned(section, "a nested struct has no section: leave one of the two out"));
            }
            (None, Some(section)) => return Ok(StructAttributes { section, check }),
            (Some(section), None) => section,
            (None, None) => {
                let message = "a section name is missing: add #[hparams(section = \"...\")], or #[hparams(nested)] where \
                               another struct holds this one";
                return Err(Error::new_spanned(name, message));
            }
        };
        let text = section.value();
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-';
        if !text.starts_with(|c: char| c.is_ascii_lowercase()) || !text.chars().all(plain) {
            return Err(Error::new_spanned(
                section,
                "a section name is made of a-z, 0-9, `_` and `-`, and starts with a letter",
            ));
        }
        Ok(StructAttributes { section, check })
    }
}

impl FieldAttributes {
    pub(crate) fn read(name: &syn::Ident, attributes: &[Attribute]) -> Result<Self> {
        let mut default: Option<Expr> = None;
        let mut range: Option<ExprRange> = None;
        let mut unit: Option<LitStr> = None;
        let mut scale: Option<LitStr> = None;
        let mut max_len: Option<LitInt> = None;
        let mut search: Option<Search> = None;
        let mut search_when: Option<LitStr> = None;
        let mut deprecated: Option<LitStr> = None;
        let (mut secret, mut nested) = (false, false);
        for attribute in attributes.iter().filter(|a| a.path().is_ident("hparam")) {
            attribute.parse_nested_meta(|meta| {
                let Some(attribute) = meta.path.get_ident().map(ToString::to_string) else {
                    return Err(meta.error(UNKNOWN));
                };
                match attribute.as_str() {
                    "default" => once(&mut default, &meta)?,
                    "range" => {
                        let mut expression: Option<Expr> = None;
                        once(&mut expression, &meta)?;
                        match expression {
                            Some(Expr::Range(ends)) if range.is_none() => range = Some(ends),
                            Some(Expr::Range(_)) => return Err(meta.error("given twice")),
                            _ => return Err(meta.error("a range is written `a..=b`")),
                        }
                    }
                    "unit" => once(&mut unit, &meta)?,
                    "scale" => once(&mut scale, &meta)?,
                    "max_len" => once(&mut max_len, &meta)?,
                    "search" if search.is_some() => return Err(meta.error("given twice")),
                    "search" => search = Some(Search::read(&meta)?),
                    "search_when" => once(&mut search_when, &meta)?,
                    "deprecated" => once(&mut deprecated, &meta)?,
                    "secret" => secret = true,
                    "nested" => nested = true,
                    _ => return Err(meta.error(UNKNOWN)),
                }
                Ok(())
            })?;
        }
        let log_scale = match &scale {
            None => false,
            Some(text) => match text.value().as_str() {
                "linear" => false,
                "log" => true,
                _ => return Err(Error::new_spanned(text, "a scale is \"linear\" or \"log\"")),
            },
        };
        let search_when = search_when.map(|text| match text.value().split_once('=') {
            Some((name, value)) if search.is_some() => Ok((name.trim().to_owned(), value.trim().to_owned())),
            Some(_) => Err(Error::new_spanned(text, "there is no search to which this condition belongs")),
            None => Err(Error::new_spanned(text, "a condition is written \"key = value\"")),
        });
        let has_other = default.is_some()
            || range.is_some()
            || unit.is_some()
            || scale.is_some()
            || max_len.is_some()
            || search.is_some()
            || secret;
        if (nested && (has_other || deprecated.is_some())) || (deprecated.is_some() && has_other) {
            let message = format!("`{name}` has no value of its own: `nested` and `deprecated` stand alone");
            return Err(Error::new_spanned(name, message));
        }
        let search_when = search_when.transpose()?;
        Ok(FieldAttributes {
            default,
            range,
            unit,
            log_scale,
            max_len,
            search,
            search_when,
            secret,
            nested,
            deprecated,
        })
    }
}

const UNKNOWN: &str = "unknown attribute: expected `default`, `range`, `unit`, `scale`, `max_len`, `search`, `search_when`, \
                       `secret`, `nested` or `deprecated`";

impl Search {
    fn read(meta: &ParseNestedMeta<'_>) -> Result<Self> {
        if !meta.input.peek(syn::Token![=]) {
            return Ok(Search::All);
        }
        match meta.value()?.parse()? {
            Expr::Range(ends) => Ok(Search::Range(ends)),
            Expr::Array(values) => Ok(Search::List(values)),
            _ => Err(meta.error("what a search tries is written `a..=b` or `[a, b]`")),
        }
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
