//! Reading values from text: TOML values and the right-hand side of `--set`.

use toml::{
    Spanned,
    de::{DeInteger, DeString, DeTable, DeValue},
};

use crate::{
    Value,
    schema::{Kind, NONE},
};

/// A TOML value; an error is the name of a TOML type that no hyperparameter has.
pub(crate) fn from_toml(value: &DeValue<'_>) -> Result<Value, &'static str> {
    Ok(match value {
        DeValue::String(text) => Value::Text(text.clone().into_owned()),
        DeValue::Integer(integer) => from_integer(integer),
        DeValue::Float(float) => Value::Float(float.as_str().parse().unwrap_or(f64::NAN)),
        DeValue::Boolean(value) => Value::Bool(*value),
        DeValue::Array(items) => {
            Value::List(items.iter().map(|item| from_toml(item.get_ref())).collect::<Result<_, _>>()?)
        }
        DeValue::Datetime(_) => return Err("a date or time"),
        DeValue::Table(table) => Value::Table(
            in_order(table)
                .into_iter()
                .map(|(key, value)| Ok((key.get_ref().to_string(), from_toml(value.get_ref())?)))
                .collect::<Result<_, &'static str>>()?,
        ),
    })
}

/// The entries of a table as they are written; the table itself sorts them by name.
pub(crate) fn in_order<'a, 'i>(table: &'a DeTable<'i>) -> Vec<(&'a Spanned<DeString<'i>>, &'a Spanned<DeValue<'i>>)> {
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    entries
}

/// The value that `text` means for a hyperparameter of this `kind`. Text that means nothing for
/// the kind comes back as [`Value::Text`], which its check then refuses.
pub(crate) fn parse(kind: &Kind, text: &str) -> Value {
    let text = text.trim();
    match kind {
        Kind::Optional(_) if text == NONE => Value::None,
        Kind::Optional(inner) => parse(inner, text),
        Kind::List(inner) => parse_list(inner, text),
        Kind::Text | Kind::Path => Value::Text(unquoted(text)),
        Kind::Duration => match parse_toml(text) {
            Some(number @ (Value::Integer(_) | Value::Float(_))) => number,
            _ => Value::Text(unquoted(text)),
        },
        Kind::Choice(_) => match parse_toml(text) {
            Some(table @ Value::Table(_)) => table,
            _ => Value::Text(unquoted(text)),
        },
        Kind::F32 | Kind::F64 => parse_toml(text)
            // `.5` and `5.` are numbers to people, though not to TOML.
            .or_else(|| text.parse().ok().map(Value::Float))
            .unwrap_or_else(|| Value::Text(text.to_owned())),
        Kind::Bool | Kind::U32 | Kind::U64 | Kind::Usize | Kind::I64 => {
            parse_toml(text).unwrap_or_else(|| Value::Text(text.to_owned()))
        }
    }
}

/// `[64, 64]` as TOML reads it, or elements between commas, with or without brackets.
fn parse_list(inner: &Kind, text: &str) -> Value {
    if let Some(list @ Value::List(_)) = parse_toml(text) {
        return list;
    }
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let bare = bare.trim().strip_suffix(',').unwrap_or(bare);
    Value::List(bare.split(',').map(|item| parse(inner, item)).collect())
}

/// Strings need no quotes, but who writes them is understood.
fn unquoted(text: &str) -> String {
    let quoted = text.starts_with(['"', '\'']);
    match parse_toml(text) {
        Some(Value::Text(inner)) if quoted => inner,
        _ => text.to_owned(),
    }
}

fn parse_toml(text: &str) -> Option<Value> {
    let value = DeValue::parse(text).ok()?;
    from_toml(value.get_ref()).ok()
}

/// An integer too large for 128 bits becomes a float of its size: too large for any integer
/// field, and right for a float field.
fn from_integer(integer: &DeInteger<'_>) -> Value {
    match i128::from_str_radix(integer.as_str(), integer.radix()) {
        Ok(integer) => Value::Integer(integer),
        Err(_) if integer.radix() == 10 => Value::Float(integer.as_str().parse().unwrap_or(f64::INFINITY)),
        Err(_) => Value::Float(f64::INFINITY),
    }
}
