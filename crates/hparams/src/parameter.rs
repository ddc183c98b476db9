//! The types a hyperparameter can have.

use serde::Serialize;

use crate::{
    Hint, Problem, Value,
    schema::{Kind, NONE, NumberRange},
};

/// A type that a hyperparameter can have.
///
/// `bool`, `u32`, `u64`, `usize`, `i64`, `f32`, `f64`, `String`, enums that derive
/// [`Choice`](macro@crate::Choice), and `Option` and `Vec` of those. Others do not compile:
///
/// ```compile_fail,E0277
/// /// A section.
/// #[derive(Debug, Clone, dodge_hparams::HParams)]
/// #[hparams(section = "section")]
/// struct Section {
///     /// A type without a text form.
///     #[hparam(default = std::time::Duration::ZERO)]
///     value: std::time::Duration,
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "a hyperparameter cannot be of type `{Self}`",
    label = "not a type for a hyperparameter",
    note = "use bool, u32, u64, usize, i64, f32, f64, String, an enum that derives `Choice`, or an Option or Vec of those"
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
    note = "use bool, u32, u64, usize, i64, f32, f64, String or an enum that derives `Choice`"
)]
pub trait Scalar: Parameter {}

/// A [`Scalar`] that can have a range.
pub trait Number: Scalar {}

/// A hyperparameter that is one of a few names: derive it for an enum without fields.
///
/// The name of a variant is its Rust name in kebab-case, its meaning the doc comment.
pub trait Choice: Sized + 'static {
    /// All choices, in the order of declaration.
    fn options() -> &'static [ChoiceOption];

    /// The name of this one.
    fn name(&self) -> &'static str;

    /// The choice called `name`.
    fn from_name(name: &str) -> Option<Self>;
}

/// One choice: its name and meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct ChoiceOption {
    /// The name that users write.
    pub name: &'static str,
    /// What it means.
    pub doc: &'static str,
}

impl Problem {
    pub(crate) fn wrong_type(kind: &Kind, got: &Value) -> Self {
        Problem::WrongType { expected: kind.expected(), got: got.type_name().to_owned() }
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

impl<T: Choice> Parameter for T {
    fn kind() -> Kind {
        Kind::Choice(T::options().to_vec())
    }

    fn to_value(&self) -> Value {
        Value::Text(self.name().to_owned())
    }

    fn from_value(value: &Value) -> Result<Self, Problem> {
        match value {
            Value::Text(name) => T::from_name(name).ok_or_else(|| Problem::UnknownChoice {
                hint: Hint::new(name, T::options().iter().map(|option| option.name)),
            }),
            other => Err(Problem::wrong_type(&Self::kind(), other)),
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
