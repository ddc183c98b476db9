//! The trait that `#[derive(HParams)]` implements.

use std::fmt::Debug;

use crate::{Choice, Error, Field, Hint, Layer, Parameter, Place, Problem, Renamed, Schema, Value, problem::shortened};

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

    /// The value of the hyperparameter `key`, of a nested struct `name.key`; `None` where there is no such key.
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
    /// [`Error::InvalidValue`] of each that does not fit; where all do, [`Error::Inconsistent`].
    fn validate(&self) -> Result<(), Error> {
        let schema = Self::schema();
        Error::all(schema.fields.iter().filter_map(|field| {
            let value = self.get(field.key).unwrap_or(Value::None);
            let problem = field.check(&value).err()?;
            Some(Error::invalid_value(schema.section, field, &value, Layer::Code.into(), problem))
        }))?;
        self.check().map_err(|message| Error::Inconsistent { section: schema.section.to_owned(), message })
    }
}

/// `value` as the type of the field `key`, checked against the declaration in `schema`.
pub fn assigned<T: Parameter>(schema: &'static Schema, key: &str, value: &Value) -> Result<T, Error> {
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
    checked().map_err(|problem| Error::invalid_value(schema.section, field, value, Layer::Code.into(), problem))
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

/// The problem of a datum that `choice` does not have.
pub fn unknown_datum<C: Choice>(choice: &C, key: &str) -> Problem {
    let option = C::options().iter().find(|option| option.name == choice.name());
    Problem::unknown_datum(choice.name(), key, option.map_or(&[], |option| &option.data))
}

/// The fields of a nested struct of type `P`.
pub fn nested<P: HParams>(group: &str) -> impl Iterator<Item = Field> {
    P::schema().fields.iter().map(move |field| field.clone().in_group(group))
}

/// The old keys of a nested struct of type `P`.
pub fn nested_renamed<P: HParams>(group: &str) -> impl Iterator<Item = Renamed> {
    let full = move |key: &str| -> &'static str { format!("{group}.{key}").leak() };
    P::schema().renamed.iter().map(move |renamed| Renamed { old: full(renamed.old), new: full(renamed.new) })
}

/// An error of the nested struct `group` as one of the struct around it.
pub fn from_group(schema: &'static Schema, group: &str, error: Error) -> Error {
    match error {
        Error::InvalidValue { key, value, place, problem, .. } => {
            let full = format!("{group}.{key}");
            let key = schema.field(&full).map_or(key, |field| field.key);
            Error::InvalidValue { section: schema.section, key, value, place, problem }
        }
        Error::UnknownKey { key, .. } => unknown_key(schema, &format!("{group}.{key}")),
        other => other,
    }
}

fn check_range_only(field: &Field, value: &Value) -> Result<(), Problem> {
    match value {
        Value::Integer(_) | Value::Float(_) => field.check(value),
        _ => Ok(()),
    }
}

fn is_fraction(value: &Value) -> bool {
    matches!(value, Value::Float(number) if number.fract() != 0.0)
}
