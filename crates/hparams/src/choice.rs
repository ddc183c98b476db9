//! Hyperparameters that are one of a few names.

use crate::parameter::{Parameter, Scalar};
use crate::problem::{Problem, shortened};
use crate::schema::{ChoiceOption, Field, Kind};
use crate::suggest::Hint;
use crate::text;
use crate::value::{KIND, Value};

/// A hyperparameter that is one of a few names, some of them with data of their own: derive it for an enum.
///
/// The name of a variant is its Rust name in kebab-case, its meaning the doc comment. The fields of a variant are declared
/// like those of a section and are its data. Someone who writes the name alone gets their defaults:
///
/// ```
/// use dodge_hparams::{Choice, Parameter, Value};
///
/// /// How a quantity changes.
/// #[derive(Debug, PartialEq, Choice)]
/// enum Schedule {
///     /// It keeps its value.
///     Constant,
///     /// It falls linearly.
///     Linear {
///         /// What is left at the end, as a share of the start.
///         #[hparam(default = 0.0, range = 0.0..=1.0)]
///         end: f64,
///     },
/// }
///
/// let read = |text: &str| Schedule::from_value(&Value::Text(text.to_owned()));
/// assert_eq!(read("constant"), Ok(Schedule::Constant));
/// assert_eq!(read("linear"), Ok(Schedule::Linear { end: 0.0 }));
/// assert_eq!(read("linear:end=0.1"), Ok(Schedule::Linear { end: 0.1 }));
/// assert_eq!(Schedule::Linear { end: 0.1 }.to_value().to_toml(), r#"{ kind = "linear", end = 0.1 }"#);
/// ```
pub trait Choice: Sized + 'static {
    /// All choices, in the order of declaration.
    fn options() -> &'static [ChoiceOption];

    /// The name of this one.
    fn name(&self) -> &'static str;

    /// The choice called `name`, its data at their defaults.
    fn from_name(name: &str) -> Option<Self>;

    /// The data of this one, in the order of declaration.
    fn data(&self) -> Vec<(&'static str, Value)> {
        Vec::new()
    }

    /// Sets the datum `key`; whether it lies in its range is not looked at.
    ///
    /// # Errors
    /// Why the value does not fit the type; [`Problem::UnknownDatum`].
    fn set_datum(&mut self, key: &str, _value: &Value) -> Result<(), Problem> {
        Err(Problem::unknown_datum(self.name(), key, &[]))
    }
}

impl Problem {
    /// The problem of a `key` that `choice` does not have.
    pub(crate) fn unknown_datum(choice: &'static str, key: &str, data: &[Field]) -> Self {
        let hint = Hint::new(key, data.iter().map(|field| field.key));
        Problem::UnknownDatum { choice, key: shortened(key), hint }
    }
}

impl<T: Choice> Parameter for T {
    fn kind() -> Kind {
        Kind::Choice(T::options().to_vec())
    }

    fn to_value(&self) -> Value {
        let (name, data) = (Value::Text(self.name().to_owned()), self.data());
        if data.is_empty() {
            return name;
        }
        let data = data.into_iter().map(|(key, value)| (key.to_owned(), value));
        Value::Table(std::iter::once((KIND.to_owned(), name)).chain(data).collect())
    }

    fn from_value(value: &Value) -> Result<Self, Problem> {
        let (name, data) = match value {
            Value::Text(text) => match text.split_once(':') {
                Some((name, data)) => (name.trim(), Data::Text(data)),
                None => (text.as_str(), Data::Table(&[])),
            },
            Value::Table(entries) => match entries.iter().find(|(key, _)| key == KIND) {
                Some((_, Value::Text(name))) => (name.as_str(), Data::Table(entries)),
                _ => return Err(Problem::wrong_type(&Self::kind(), value)),
            },
            other => return Err(Problem::wrong_type(&Self::kind(), other)),
        };
        let options = T::options();
        let option = options.iter().find(|option| option.name == name);
        let (Some(option), Some(mut choice)) = (option, T::from_name(name)) else {
            return Err(Problem::UnknownChoice { hint: Hint::new(name, options.iter().map(|option| option.name)) });
        };
        for (key, value) in data.read(option)? {
            if !option.data.iter().any(|field| field.key == key) {
                return Err(Problem::unknown_datum(option.name, &key, &option.data));
            }
            choice.set_datum(&key, &value).map_err(|problem| Problem::datum(&key, problem))?;
        }
        Ok(choice)
    }
}

/// The data of a choice as they are written.
enum Data<'a> {
    /// `key=value,key=value`
    Text(&'a str),
    /// The entries of a table, that of the name among them.
    Table(&'a [(String, Value)]),
}

impl Data<'_> {
    fn read(self, option: &ChoiceOption) -> Result<Vec<(String, Value)>, Problem> {
        match self {
            Data::Table(entries) => Ok(entries.iter().filter(|(key, _)| key != KIND).cloned().collect()),
            Data::Text(text) => text
                .split(',')
                .map(|pair| {
                    let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
                    let key = key.trim();
                    let field = option.data.iter().find(|field| field.key == key);
                    let field = field.ok_or_else(|| Problem::unknown_datum(option.name, key, &option.data))?;
                    Ok((key.to_owned(), text::parse(&field.kind, value)))
                })
                .collect(),
        }
    }
}

impl<T: Choice> Scalar for T {}
