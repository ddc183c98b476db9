//! The trait that `#[derive(HParams)]` implements.

use std::fmt::Debug;

use crate::{Error, Field, Hint, Layer, Parameter, Place, Schema, Value, error::shortened};

/// The hyperparameters of one section, as a struct: derive it.
///
/// Values set through [`HParams::set`] and through a [`Registry`](crate::Registry) are checked on
/// the way in. The fields are plain, so a struct filled in code should be checked with
/// [`HParams::validate`].
///
/// A hyperparameter without a meaning does not compile, nor does one without a default or with
/// one outside of its range:
///
/// ```compile_fail
/// /// A section.
/// #[derive(Debug, Clone, dodge_hparams::HParams)]
/// #[hparams(section = "section")]
/// struct Section {
///     #[hparam(default = 1)]
///     undocumented: u32,
/// }
/// ```
///
/// ```compile_fail
/// /// A section.
/// #[derive(Debug, Clone, dodge_hparams::HParams)]
/// #[hparams(section = "section")]
/// struct Section {
///     /// Without a default.
///     value: u32,
/// }
/// ```
///
/// ```compile_fail
/// /// A section.
/// #[derive(Debug, Clone, dodge_hparams::HParams)]
/// #[hparams(section = "section")]
/// struct Section {
///     /// Outside.
///     #[hparam(default = 2, range = 0..=1)]
///     value: u32,
/// }
/// ```
pub trait HParams: Default + Clone + Debug + Send + Sync + 'static {
    /// What the section declares.
    fn schema() -> &'static Schema;

    /// The value of the hyperparameter `key`; `None` where there is no such key.
    fn get(&self, key: &str) -> Option<Value>;

    /// Sets the hyperparameter `key`; on an error nothing changes.
    ///
    /// # Errors
    /// [`Error::UnknownKey`] or [`Error::InvalidValue`].
    fn set(&mut self, key: &str, value: &Value) -> Result<(), Error>;

    /// Whether the values fit together; the function named by `check = "..."`, if any.
    ///
    /// # Errors
    /// What does not fit, in words.
    fn check(&self) -> Result<(), String> {
        Ok(())
    }

    /// Whether each value fits its declaration, and all fit together.
    ///
    /// # Errors
    /// [`Error::InvalidValue`] of the first that does not fit, or [`Error::Inconsistent`].
    fn validate(&self) -> Result<(), Error> {
        let schema = Self::schema();
        for field in &schema.fields {
            let value = self.get(field.key).unwrap_or(Value::None);
            field.check(&value).map_err(|problem| {
                Error::invalid_value(schema.section, field.key, &value, Layer::Code.into(), problem)
            })?;
        }
        self.check().map_err(|message| Error::Inconsistent { section: schema.section.to_owned(), message })
    }
}

/// `value` as the type of the field `key`, checked against the declaration in `schema`.
pub fn assigned<T: Parameter>(schema: &Schema, key: &str, value: &Value) -> Result<T, Error> {
    let Some(field) = schema.field(key) else {
        return Err(unknown_key(schema, key));
    };
    let checked = || {
        // The declared range goes first: it says more than the range of the type. A fraction
        // where an integer belongs is a wrong type before it is out of range.
        if !is_fraction(value) {
            check_range_only(field, value)?;
        }
        let typed = T::from_value(value)?;
        field.check(&typed.to_value())?;
        Ok(typed)
    };
    checked().map_err(|problem| Error::invalid_value(schema.section, field.key, value, Layer::Code.into(), problem))
}

/// The error for a `key` that `schema` does not have.
pub fn unknown_key(schema: &Schema, key: &str) -> Error {
    Error::UnknownKey {
        section: schema.section,
        key: shortened(key),
        place: Place::from(Layer::Code),
        hint: Hint::new(key, schema.fields.iter().map(|field| field.key)),
    }
}

fn check_range_only(field: &Field, value: &Value) -> Result<(), crate::Problem> {
    match value {
        Value::Integer(_) | Value::Float(_) => field.check(value),
        _ => Ok(()),
    }
}

fn is_fraction(value: &Value) -> bool {
    matches!(value, Value::Float(number) if number.fract() != 0.0)
}
