//! What a section of hyperparameters declares about itself.

use std::fmt;

use serde::Serialize;

use crate::duration;
use crate::problem::Problem;
use crate::range::{NumberRange, to_f64};
use crate::search_declaration::Search;
use crate::value::{KIND, Value};

/// One section: the hyperparameters of one struct.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Schema {
    /// The section's name, as in `[section]` of a configuration.
    pub section: &'static str,
    /// What the section is about.
    pub doc: &'static str,
    /// Its hyperparameters, in the order of declaration; those of a nested struct as `name.key`.
    pub fields: Vec<Field>,
    /// Keys of earlier versions that are still understood.
    pub renamed: Vec<Renamed>,
}

/// A deprecated key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Renamed {
    /// The key of earlier versions.
    pub old: &'static str,
    /// The key that replaced it.
    pub new: &'static str,
}

impl Schema {
    /// The hyperparameter called `key`.
    #[must_use]
    pub fn field(&self, key: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.key == key)
    }

    /// The key that `key` is called now: itself, unless it is deprecated.
    pub(crate) fn current<'a>(&'a self, key: &'a str) -> &'a str {
        self.renamed.iter().find(|renamed| renamed.old == key).map_or(key, |renamed| renamed.new)
    }

    /// Whether `key` is a nested struct: it has no value, its fields have.
    pub(crate) fn is_group(&self, key: &str) -> bool {
        self.fields.iter().any(|field| field.key.strip_prefix(key).is_some_and(|rest| rest.starts_with('.')))
    }
}

/// One hyperparameter.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Field {
    /// Its name within the section.
    pub key: &'static str,
    /// What it means and what it does.
    pub doc: &'static str,
    /// What values it takes.
    pub kind: Kind,
    /// The value it has when nobody sets it.
    pub default: Value,
    /// Where its numbers must lie; of a list, each of them. None: the whole range of the type.
    pub range: Option<NumberRange>,
    /// What its number counts or measures.
    pub unit: Option<&'static str>,
    /// On which scale its numbers are best varied.
    pub scale: Scale,
    /// The most elements of a list, the most characters of a text.
    pub max_len: Option<usize>,
    /// Whether its value is neither shown nor written anywhere.
    pub secret: bool,
    /// Which of its values a search tries, if any.
    pub search: Option<Search>,
}

impl Field {
    /// The same as a part of the nested struct `group`. A schema lives as long as the program, and so does its longer key.
    #[must_use]
    pub(crate) fn in_group(self, group: &str) -> Self {
        Field { key: format!("{group}.{}", self.key).leak(), ..self }
    }

    /// The same, never shown.
    #[must_use]
    pub fn with_secret(self) -> Self {
        Field { secret: true, ..self }
    }

    /// The same with values to search.
    #[must_use]
    pub fn with_search(self, search: Search) -> Self {
        Field { search: Some(search), ..self }
    }

    /// The same with a range.
    #[must_use]
    pub fn with_range(self, range: NumberRange) -> Self {
        Field { range: Some(range), ..self }
    }

    /// The same with a unit.
    #[must_use]
    pub fn with_unit(self, unit: &'static str) -> Self {
        Field { unit: Some(unit), ..self }
    }

    /// The same with a scale.
    #[must_use]
    pub fn with_scale(self, scale: Scale) -> Self {
        Field { scale, ..self }
    }

    /// The same with a limit of length.
    #[must_use]
    pub fn with_max_len(self, max_len: usize) -> Self {
        Field { max_len: Some(max_len), ..self }
    }

    /// The type, range and unit in one line of words.
    #[must_use]
    pub fn constraint(&self) -> String {
        let mut out = self.kind.to_string();
        if let Some(range) = &self.range {
            out.push_str(&format!(", {range}"));
        }
        if let Some(unit) = self.unit {
            out.push_str(&format!(" ({unit})"));
        }
        if let Some(max_len) = self.max_len {
            out.push_str(&format!(", at most {max_len} {}", self.counted()));
        }
        out
    }

    /// Whether `value`, as [`HParams::get`](crate::HParams::get) returns it, is finite, in range
    /// and not too long; its type is not looked at.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check(&self, value: &Value) -> Result<(), Problem> {
        match value {
            Value::None | Value::Bool(_) => Ok(()),
            Value::Float(number) if !number.is_finite() => Err(Problem::NotFinite),
            Value::Integer(_) | Value::Float(_) => match &self.range {
                Some(range) if !range.contains(value) => {
                    Err(Problem::OutOfRange { range: range.to_string(), unit: self.unit })
                }
                _ => Ok(()),
            },
            Value::Table(entries) => self.check_data(entries),
            Value::Text(text) if *self.kind.innermost() == Kind::Duration => match duration::parse(text) {
                Some(duration) => self.check(&Value::Float(duration.as_secs_f64())),
                None => Ok(()),
            },
            Value::Text(text) if text == NONE && matches!(self.kind, Kind::Optional(_)) => Err(Problem::ReservedText),
            // In a list the limit counts the elements; see `counted`.
            Value::Text(_) if matches!(self.kind, Kind::List(_)) => Ok(()),
            Value::Text(text) => self.check_len(text.chars().count()),
            Value::List(items) => {
                self.check_len(items.len())?;
                items
                    .iter()
                    .enumerate()
                    .try_for_each(|(index, item)| self.check(item).map_err(|problem| Problem::element(index, problem)))
            }
        }
    }

    /// The data of a choice, each against its own declaration.
    fn check_data(&self, entries: &[(String, Value)]) -> Result<(), Problem> {
        let name = entries.iter().find_map(|(key, value)| match value {
            Value::Text(name) if key == KIND => Some(name),
            _ => None,
        });
        let option = self.kind.options().into_iter().flatten().find(|option| Some(&option.name.to_owned()) == name);
        let data = option.map_or(&[][..], |option| &option.data);
        entries.iter().try_for_each(|(key, value)| match data.iter().find(|field| field.key == key) {
            Some(field) => field.check(value).map_err(|problem| Problem::datum(key, problem)),
            None => Ok(()),
        })
    }

    fn check_len(&self, len: usize) -> Result<(), Problem> {
        match self.max_len {
            Some(max_len) if len > max_len => Err(Problem::TooLong { max_len, len, items: self.counted() }),
            _ => Ok(()),
        }
    }

    fn counted(&self) -> &'static str {
        if matches!(self.kind, Kind::List(_)) { "elements" } else { "characters" }
    }

    /// Whether the declaration makes sense, whatever the value.
    pub(crate) fn check_declaration(&self) -> Result<(), String> {
        if self.doc.trim().is_empty() {
            return Err("it says nothing about its meaning".to_owned());
        }
        if let Kind::Optional(inner) = &self.kind
            && let Kind::Choice(options) = &**inner
            && options.iter().any(|option| option.name == NONE)
        {
            return Err("a choice called `none` cannot be optional".to_owned());
        }
        for datum in self.kind.options().into_iter().flatten().flat_map(|option| &option.data) {
            datum.check_declaration().map_err(|message| format!("{}: {message}", datum.key))?;
            datum.check(&datum.default).map_err(|problem| format!("{}: its default is {problem}", datum.key))?;
        }
        if let Some(search) = &self.search {
            search.check_declaration(self)?;
        }
        if self.max_len.is_some() && !self.kind.has_length() {
            return Err("max_len needs a list or a text".to_owned());
        }
        let Some(range) = &self.range else {
            return match self.scale {
                Scale::Linear => Ok(()),
                Scale::Log => Err("a logarithmic scale needs a range".to_owned()),
            };
        };
        if !self.kind.is_numeric() {
            return Err("a range needs a number".to_owned());
        }
        range.check_declaration()?;
        if self.scale == Scale::Log && !range.min().is_some_and(|min| to_f64(min) > 0.0) {
            return Err("a logarithmic scale needs a range above zero".to_owned());
        }
        Ok(())
    }
}

/// The word for no value of an optional hyperparameter.
pub(crate) const NONE: &str = "none";

/// What values a hyperparameter takes.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// True or false.
    Bool,
    /// An integer from 0 to 2³² − 1.
    U32,
    /// An integer from 0 to 2⁶⁴ − 1.
    U64,
    /// An integer from 0 to the largest size of the machine.
    Usize,
    /// An integer from −2⁶³ to 2⁶³ − 1.
    I64,
    /// A finite number in single precision.
    F32,
    /// A finite number in double precision.
    F64,
    /// Any text.
    Text,
    /// A file or folder; a relative one counts from where the program is started.
    Path,
    /// A length of time, such as `90s`, `250ms` or `1.5h`; its range and a bare number count seconds.
    Duration,
    /// One of a few names.
    Choice(Vec<ChoiceOption>),
    /// A value, or none.
    Optional(Box<Kind>),
    /// A list of values.
    List(Box<Kind>),
}

impl Kind {
    /// What is expected, in words with an article, for a message.
    pub(crate) fn expected(&self) -> String {
        match self {
            Kind::Bool => "true or false".to_owned(),
            Kind::U32 | Kind::U64 | Kind::Usize | Kind::I64 => "an integer".to_owned(),
            Kind::F32 | Kind::F64 => "a number".to_owned(),
            Kind::Text => "text".to_owned(),
            Kind::Path => "a path".to_owned(),
            Kind::Duration => "a duration such as 90s or 1.5h".to_owned(),
            Kind::Choice(_) => self.to_string(),
            Kind::Optional(inner) => format!("{} or none", inner.expected()),
            Kind::List(inner) => format!("a list (each {})", inner.expected()),
        }
    }

    /// The choices, of a choice or of an optional or repeated one.
    #[must_use]
    pub fn options(&self) -> Option<&[ChoiceOption]> {
        match self {
            Kind::Choice(options) => Some(options),
            Kind::Optional(inner) | Kind::List(inner) => inner.options(),
            _ => None,
        }
    }

    /// The kind of one value, without option and list around it.
    pub(crate) fn innermost(&self) -> &Kind {
        match self {
            Kind::Optional(inner) | Kind::List(inner) => inner.innermost(),
            kind => kind,
        }
    }

    fn is_numeric(&self) -> bool {
        match self {
            Kind::Bool | Kind::Text | Kind::Path | Kind::Choice(_) => false,
            Kind::Duration => true,
            Kind::Optional(inner) | Kind::List(inner) => inner.is_numeric(),
            Kind::U32 | Kind::U64 | Kind::Usize | Kind::I64 | Kind::F32 | Kind::F64 => true,
        }
    }

    fn has_length(&self) -> bool {
        match self {
            Kind::Text | Kind::Path | Kind::List(_) => true,
            Kind::Optional(inner) => inner.has_length(),
            _ => false,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Kind::Bool => f.write_str("true or false"),
            Kind::U32 | Kind::U64 | Kind::Usize | Kind::I64 => f.write_str("integer"),
            Kind::F32 | Kind::F64 => f.write_str("number"),
            Kind::Text => f.write_str("text"),
            Kind::Path => f.write_str("path"),
            Kind::Duration => f.write_str("duration"),
            Kind::Choice(options) => {
                let names: Vec<&str> = options.iter().map(|option| option.name).collect();
                write!(f, "one of {}", names.join(", "))
            }
            Kind::Optional(inner) => write!(f, "{inner} or none"),
            Kind::List(inner) => write!(f, "list (each {inner})"),
        }
    }
}

/// On which scale a number is best drawn on a plot or varied in a search.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Scale {
    /// Equal differences matter equally.
    #[default]
    Linear,
    /// Equal ratios matter equally; the range must lie above zero.
    Log,
}

/// One choice: its name, meaning and data.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ChoiceOption {
    /// The name that users write.
    pub name: &'static str,
    /// What it means.
    pub doc: &'static str,
    /// The declarations of its data.
    pub data: Vec<Field>,
}
