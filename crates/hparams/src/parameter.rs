//! The types a hyperparameter can have.

use std::{path::PathBuf, time::Duration};

use serde::Serialize;

use crate::{
    Field, Hint, Problem, Value, duration,
    error::shortened,
    schema::{Kind, NONE, NumberRange},
    text,
    value::KIND,
};

/// A type that a hyperparameter can have.
///
/// `bool`, `u32`, `u64`, `usize`, `i64`, `f32`, `f64`, `String`, `PathBuf`, `Duration`, enums that derive
/// [`Choice`](macro@crate::Choice), and `Option` and `Vec` of those. Others do not compile:
///
/// ```compile_fail,E0277
/// /// A section.
/// #[derive(Debug, Clone, dodge_hparams::HParams)]
/// #[hparams(section = "section")]
/// struct Section {
///     /// A type without a text form.
///     #[hparam(default = std::sync::Mutex::new(1))]
///     value: std::sync::Mutex<u32>,
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "a hyperparameter cannot be of type `{Self}`",
    label = "not a type for a hyperparameter",
    note = "use bool, u32, u64, usize, i64, f32, f64, String, PathBuf, Duration, an enum that derives `Choice`, or an Option or Vec of those; a struct is marked #[hparam(nested)]"
)]
pub trait Parameter: Sized {
    /// What values the type takes.
    fn kind() -> Kind;

    /// The value without its Rust type.
    fn to_value(&self) -> Value;

    /// The value with its Rust type. An integer is taken for a float and a float without a
    /// fraction for an integer; nothing wraps or is cut off.
    ///
    /// # Errors
    /// [`Problem::WrongType`], [`Problem::OutOfRange`] of the type, [`Problem::NotFinite`] or
    /// [`Problem::UnknownChoice`].
    fn from_value(value: &Value) -> Result<Self, Problem>;
}

/// A [`Parameter`] that is neither optional nor a list, so that it can stand inside of one.
///
/// ```compile_fail,E0277
/// /// A section.
/// #[derive(Debug, Clone, dodge_hparams::HParams)]
/// #[hparams(section = "section")]
/// struct Section {
///     /// None, or none, or a number.
///     #[hparam(default = none)]
///     value: Option<Option<u32>>,
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "a hyperparameter cannot be an Option or Vec of `{Self}`",
    label = "not a type for one value of a hyperparameter",
    note = "use bool, u32, u64, usize, i64, f32, f64, String, PathBuf, Duration or an enum that derives `Choice`"
)]
pub trait Scalar: Parameter {}

/// A [`Scalar`] that can have a range.
pub trait Number: Scalar {}

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

impl Problem {
    pub(crate) fn wrong_type(kind: &Kind, got: &Value) -> Self {
        Problem::WrongType { expected: kind.expected(), got: got.type_name().to_owned() }
    }

    /// The problem of a `key` that `choice` does not have.
    pub(crate) fn unknown_datum(choice: &'static str, key: &str, data: &[Field]) -> Self {
        let hint = Hint::new(key, data.iter().map(|field| field.key));
        Problem::UnknownDatum { choice, key: shortened(key), hint }
    }

    pub(crate) fn datum(key: &str, problem: Problem) -> Self {
        Problem::Datum { key: key.to_owned(), problem: Box::new(problem) }
    }

    pub(crate) fn element(index: usize, problem: Problem) -> Self {
        Problem::Element { number: index + 1, problem: Box::new(problem) }
    }
}

impl Parameter for bool {
    fn kind() -> Kind {
        Kind::Bool
    }

    fn to_value(&self) -> Value {
        Value::Bool(*self)
    }

    fn from_value(value: &Value) -> Result<Self, Problem> {
        match value {
            Value::Bool(value) => Ok(*value),
            other => Err(Problem::wrong_type(&Kind::Bool, other)),
        }
    }
}

impl Scalar for bool {}

macro_rules! integer {
    ($type:ty, $kind:expr) => {
        impl Parameter for $type {
            fn kind() -> Kind {
                $kind
            }

            fn to_value(&self) -> Value {
                // `usize` has no `From` into a wider type; the cast widens on every machine.
                Value::Integer(*self as i128)
            }

            fn from_value(value: &Value) -> Result<Self, Problem> {
                let out_of_range = || Problem::OutOfRange {
                    range: NumberRange::of(<$type>::MIN..=<$type>::MAX).to_string(),
                    unit: None,
                };
                match value {
                    Value::Integer(number) => <$type>::try_from(*number).map_err(|_| out_of_range()),
                    Value::Float(number) if !number.is_finite() => Err(Problem::NotFinite),
                    Value::Float(number) if number.fract() == 0.0 => {
                        if number.abs() > LARGEST_EXACT_FLOAT {
                            return Err(out_of_range());
                        }
                        <$type>::try_from(*number as i128).map_err(|_| out_of_range())
                    }
                    other => Err(Problem::wrong_type(&$kind, other)),
                }
            }
        }

        impl Scalar for $type {}
        impl Number for $type {}
    };
}

/// 2⁵³: above it, neighbouring integers share one float, and what was typed is lost.
const LARGEST_EXACT_FLOAT: f64 = 9_007_199_254_740_992.0;

integer!(u32, Kind::U32);
integer!(u64, Kind::U64);
integer!(usize, Kind::Usize);
integer!(i64, Kind::I64);

impl Parameter for f64 {
    fn kind() -> Kind {
        Kind::F64
    }

    fn to_value(&self) -> Value {
        Value::Float(*self)
    }

    fn from_value(value: &Value) -> Result<Self, Problem> {
        match value {
            Value::Integer(number) => Ok(*number as f64),
            Value::Float(number) if number.is_finite() => Ok(*number),
            Value::Float(_) => Err(Problem::NotFinite),
            other => Err(Problem::wrong_type(&Kind::F64, other)),
        }
    }
}

impl Scalar for f64 {}
impl Number for f64 {}

impl Parameter for f32 {
    fn kind() -> Kind {
        Kind::F32
    }

    fn to_value(&self) -> Value {
        // By way of the shortest decimal, so that 0.1 stays 0.1 and not 0.10000000149.
        Value::Float(self.to_string().parse().unwrap_or(f64::from(*self)))
    }

    fn from_value(value: &Value) -> Result<Self, Problem> {
        let wide = f64::from_value(value)?;
        let narrow = wide as f32;
        if narrow.is_finite() {
            Ok(narrow)
        } else {
            Err(Problem::OutOfRange { range: NumberRange::of(f32::MIN..=f32::MAX).to_string(), unit: None })
        }
    }
}

impl Scalar for f32 {}
impl Number for f32 {}

impl Parameter for String {
    fn kind() -> Kind {
        Kind::Text
    }

    fn to_value(&self) -> Value {
        Value::Text(self.clone())
    }

    fn from_value(value: &Value) -> Result<Self, Problem> {
        match value {
            Value::Text(text) => Ok(text.clone()),
            other => Err(Problem::wrong_type(&Kind::Text, other)),
        }
    }
}

impl Scalar for String {}

impl Parameter for PathBuf {
    fn kind() -> Kind {
        Kind::Path
    }

    /// A path that is not Unicode loses what is not: it could not be written into a configuration.
    fn to_value(&self) -> Value {
        Value::Text(self.to_string_lossy().into_owned())
    }

    fn from_value(value: &Value) -> Result<Self, Problem> {
        match value {
            Value::Text(text) if !text.is_empty() => Ok(PathBuf::from(text)),
            other => Err(Problem::wrong_type(&Kind::Path, other)),
        }
    }
}

impl Scalar for PathBuf {}

impl Parameter for Duration {
    fn kind() -> Kind {
        Kind::Duration
    }

    fn to_value(&self) -> Value {
        Value::Text(duration::to_text(*self))
    }

    /// A bare number counts seconds.
    fn from_value(value: &Value) -> Result<Self, Problem> {
        let seconds = match value {
            Value::Text(text) => {
                return duration::parse(text).ok_or_else(|| Problem::wrong_type(&Kind::Duration, value));
            }
            Value::Integer(_) | Value::Float(_) => f64::from_value(value)?,
            other => return Err(Problem::wrong_type(&Kind::Duration, other)),
        };
        Duration::try_from_secs_f64(seconds)
            .map_err(|_| Problem::OutOfRange { range: "no less than 0 s".to_owned(), unit: None })
    }
}

impl Scalar for Duration {}

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

impl<T: Scalar> Parameter for Option<T> {
    fn kind() -> Kind {
        Kind::Optional(Box::new(T::kind()))
    }

    fn to_value(&self) -> Value {
        self.as_ref().map_or(Value::None, T::to_value)
    }

    fn from_value(value: &Value) -> Result<Self, Problem> {
        match value {
            Value::None => Ok(None),
            // TOML has no null.
            Value::Text(text) if text == NONE => Ok(None),
            other => T::from_value(other).map(Some).map_err(|problem| match problem {
                Problem::WrongType { .. } => Problem::wrong_type(&Self::kind(), other),
                problem => problem,
            }),
        }
    }
}

impl<T: Scalar> Parameter for Vec<T> {
    fn kind() -> Kind {
        Kind::List(Box::new(T::kind()))
    }

    fn to_value(&self) -> Value {
        Value::List(self.iter().map(T::to_value).collect())
    }

    fn from_value(value: &Value) -> Result<Self, Problem> {
        match value {
            Value::List(items) => items
                .iter()
                .enumerate()
                .map(|(index, item)| T::from_value(item).map_err(|problem| Problem::element(index, problem)))
                .collect(),
            other => Err(Problem::wrong_type(&Self::kind(), other)),
        }
    }
}
