//! One value of a hyperparameter, whatever its type.

use std::fmt;

use serde::{Serialize, Serializer};

/// A value of a hyperparameter, detached from its Rust type.
///
/// `Display` writes it for people and for tracking: text without quotes, `none` for no value, a choice with data as
/// `exponential:end=0.1`.
/// [`Value::to_toml`] writes the form that a configuration file takes.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// No value, of an optional hyperparameter.
    None,
    /// True or false.
    Bool(bool),
    /// A whole number; wide enough for every integer type that a field can have.
    Integer(i128),
    /// A number with a fraction.
    Float(f64),
    /// Text, and the name of a choice.
    Text(String),
    /// Several values of one type.
    List(Vec<Value>),
    /// A choice with data: first its name as `kind`, then the data.
    Table(Vec<(String, Value)>),
}

/// The key that names the choice in a [`Value::Table`].
pub(crate) const KIND: &str = "kind";

impl Value {
    /// The value as the right-hand side of a TOML assignment, on one line.
    ///
    /// TOML has no null, so no value is written as the string `"none"`, which an optional
    /// hyperparameter reads back as no value.
    #[must_use]
    pub fn to_toml(&self) -> String {
        match self {
            Value::None => "\"none\"".to_owned(),
            Value::Bool(value) => value.to_string(),
            Value::Integer(value) => value.to_string(),
            // `{:?}` is the shortest text that reads back to the same number, and always has
            // a point or an exponent, so that it stays a float.
            Value::Float(value) => format!("{value:?}"),
            Value::Text(text) => quoted(text),
            Value::List(items) => {
                let items: Vec<String> = items.iter().map(Value::to_toml).collect();
                format!("[{}]", items.join(", "))
            }
            Value::Table(entries) if entries.is_empty() => "{}".to_owned(),
            Value::Table(entries) => {
                let pairs: Vec<String> = entries
                    .iter()
                    .map(|(key, value)| format!("{} = {}", bare_or_quoted(key), value.to_toml()))
                    .collect();
                format!("{{ {} }}", pairs.join(", "))
            }
        }
    }

    /// The name of the choice, of a choice with data.
    pub(crate) fn choice(&self) -> Option<Self> {
        let Value::Table(entries) = self else { return None };
        entries.iter().find_map(|(key, value)| (key == KIND).then(|| value.clone()))
    }

    /// The kind of value in words, with its article.
    pub(crate) fn type_name(&self) -> &'static str {
        match self {
            Value::None => "none",
            Value::Bool(_) => "a boolean",
            Value::Integer(_) => "an integer",
            Value::Float(_) => "a number with a fraction",
            Value::Text(_) => "text",
            Value::List(_) => "a list",
            Value::Table(_) => "a table",
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::None => f.write_str("none"),
            Value::Text(text) => f.write_str(text),
            Value::Table(entries) => match &entries[..] {
                [(kind, Value::Text(name)), data @ ..] if kind == KIND => {
                    let data: Vec<String> = data.iter().map(|(key, value)| format!("{key}={value}")).collect();
                    write!(f, "{name}{}{}", if data.is_empty() { "" } else { ":" }, data.join(","))
                }
                _ => f.write_str(&self.to_toml()),
            },
            other => f.write_str(&other.to_toml()),
        }
    }
}

/// `none` becomes JSON's null, the others their JSON counterparts.
impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Value::None => serializer.serialize_none(),
            Value::Bool(value) => serializer.serialize_bool(*value),
            Value::Integer(value) => match (i64::try_from(*value), u64::try_from(*value)) {
                (Ok(value), _) => serializer.serialize_i64(value),
                (_, Ok(value)) => serializer.serialize_u64(value),
                _ => serializer.serialize_i128(*value),
            },
            Value::Float(value) => serializer.serialize_f64(*value),
            Value::Text(text) => serializer.serialize_str(text),
            Value::List(items) => serializer.collect_seq(items),
            Value::Table(entries) => serializer.collect_map(entries.iter().map(|(key, value)| (key, value))),
        }
    }
}

fn bare_or_quoted(key: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !key.is_empty() && key.chars().all(bare) { key.to_owned() } else { quoted(key) }
}

/// A TOML basic string. Written here and not by the `toml` crate because that one chooses
/// multi-line strings, which could not be commented out as one line in a template.
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if c.is_control() => out.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::Value;

    #[track_caller]
    fn check(value: &Value, people: &str, toml: &str) {
        assert_eq!(value.to_string(), people);
        assert_eq!(value.to_toml(), toml);
    }

    #[test]
    fn text_forms() {
        check(&Value::None, "none", "\"none\"");
        check(&Value::Float(1.0), "1.0", "1.0");
        check(&Value::Float(5e-4), "0.0005", "0.0005");
        check(&Value::Float(1e-8), "1e-8", "1e-8");
        check(&Value::Integer(u64::MAX.into()), "18446744073709551615", "18446744073709551615");
        check(&Value::Text("a \"b\"\n\u{1}".to_owned()), "a \"b\"\n\u{1}", "\"a \\\"b\\\"\\n\\u0001\"");
        let names = Value::List(vec![Value::Text("a".to_owned()), Value::Text("b, c".to_owned())]);
        check(&names, "[\"a\", \"b, c\"]", "[\"a\", \"b, c\"]");
        let kind = ("kind".to_owned(), Value::Text("linear".to_owned()));
        let choice = Value::Table(vec![kind, ("end".to_owned(), Value::Float(0.1))]);
        check(&choice, "linear:end=0.1", "{ kind = \"linear\", end = 0.1 }");
        let odd = Value::Table(vec![("a b".to_owned(), Value::None)]);
        check(&odd, "{ \"a b\" = \"none\" }", "{ \"a b\" = \"none\" }");
    }

    #[test]
    fn json_forms() {
        let value = Value::List(vec![
            Value::None,
            Value::Bool(true),
            Value::Integer(u64::MAX.into()),
            Value::Integer(-3),
            Value::Float(0.5),
            Value::Text("x".to_owned()),
        ]);
        let json = serde_json::to_string(&value).unwrap();
        assert_eq!(json, "[null,true,18446744073709551615,-3,0.5,\"x\"]");
    }
}
