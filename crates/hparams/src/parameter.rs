//! The types a hyperparameter can have.

use std::ops;
use std::path::PathBuf;
use std::time::Duration;

use crate::duration;
use crate::problem::Problem;
use crate::range::NumberRange;
use crate::schema::{Field, Kind, NONE, Scale};
use crate::search_declaration::{Search, Values};
use crate::value::Value;

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

impl Problem {
    pub(crate) fn wrong_type(kind: &Kind, got: &Value) -> Self {
        Problem::WrongType { expected: kind.expected(), got: got.type_name().to_owned() }
    }
}

impl Field {
    /// A hyperparameter of type `T`, without range, unit or limit of length.
    #[must_use]
    pub fn new<T: Parameter>(key: &'static str, doc: &'static str, default: &T) -> Self {
        Field {
            key,
            doc,
            kind: T::kind(),
            default: default.to_value(),
            range: None,
            unit: None,
            scale: Scale::Linear,
            max_len: None,
            secret: false,
            search: None,
        }
    }
}

impl NumberRange {
    /// The range that `bounds` spans, for example `0.0..=1.0`, `1..` or `0.0..1.0`.
    #[must_use]
    pub fn of<T: Number>(bounds: impl ops::RangeBounds<T>) -> Self {
        let end = |bound: ops::Bound<&T>| match bound {
            ops::Bound::Included(value) | ops::Bound::Excluded(value) => Some(value.to_value()),
            ops::Bound::Unbounded => None,
        };
        let max_excluded = matches!(bounds.end_bound(), ops::Bound::Excluded(_));
        NumberRange::new(end(bounds.start_bound()), end(bounds.end_bound()), max_excluded)
    }
}

impl Search {
    /// One of these values.
    #[must_use]
    pub fn list<T: Parameter>(values: &[T]) -> Self {
        Self { values: Values::List(values.iter().map(T::to_value).collect()), when: None }
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
