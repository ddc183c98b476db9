//! The values of one section, each with the layer it came from.

use std::{any::Any, fmt};

use crate::{Entry, Error, HParams, Layer, Place, Problem, Schema, Value, error::SECRET, value::KIND};

/// The hyperparameters of one type: always valid one by one, each with the layer that set it.
///
/// ```
/// use dodge_hparams::{HParams, HyperparameterStore};
///
/// /// A section.
/// #[derive(Debug, Clone, HParams)]
/// #[hparams(section = "section")]
/// struct Section {
///     /// A share.
///     #[hparam(default = 0.5, range = 0.0..=1.0)]
///     share: f64,
/// }
///
/// let mut store = HyperparameterStore::<Section>::new()?;
/// store.update("a test", |section| section.share = 0.25)?;
/// assert_eq!(store.get().share, 0.25);
/// assert!(store.update("a test", |section| section.share = 2.0).is_err());
/// assert_eq!(store.get().share, 0.25);
/// # Ok::<(), dodge_hparams::Error>(())
/// ```
#[derive(Clone)]
pub struct HyperparameterStore<T> {
    params: T,
    /// The layer of each field's value, in the order of the schema.
    layers: Vec<Layer>,
}

impl<T: HParams> HyperparameterStore<T> {
    /// The defaults.
    ///
    /// # Errors
    /// [`Error::InvalidDeclaration`], [`Error::InvalidValue`] or [`Error::Inconsistent`] where the declaration or its
    /// defaults make no sense.
    pub fn new() -> Result<Self, Error> {
        let schema = T::schema();
        let invalid = |key: &str, message: String| Error::InvalidDeclaration {
            section: schema.section.to_owned(),
            key: key.to_owned(),
            message,
        };
        if schema.section.is_empty() {
            return Err(Error::InvalidDeclaration {
                section: std::any::type_name::<T>().to_owned(),
                key: "section".to_owned(),
                message: "it has none, to be part of another struct: mark the field there #[hparam(nested)]".to_owned(),
            });
        }
        for field in &schema.fields {
            field.check_declaration().map_err(|message| invalid(field.key, message))?;
        }
        for renamed in &schema.renamed {
            if schema.field(renamed.new).is_none() {
                return Err(invalid(renamed.old, format!("`{}`, which is to replace it, does not exist", renamed.new)));
            }
        }
        let params = T::default();
        params.validate().map_err(|error| error.at(&Layer::Default.into()))?;
        Ok(Self { params, layers: vec![Layer::Default; schema.fields.len()] })
    }

    /// The values as they stand.
    #[must_use]
    pub fn get(&self) -> &T {
        &self.params
    }

    /// Replaces all values; those that differ get the `layer`.
    ///
    /// # Errors
    /// That of [`HParams::validate`]; then nothing changes.
    pub fn set(&mut self, params: T, layer: impl Into<Layer>) -> Result<(), Error> {
        let layer = layer.into();
        params.validate().map_err(|error| error.at(&layer.clone().into()))?;
        for (field, old) in T::schema().fields.iter().zip(&mut self.layers) {
            if self.params.get(field.key) != params.get(field.key) {
                old.clone_from(&layer);
            }
        }
        self.params = params;
        Ok(())
    }

    /// Changes some values; those that differ afterwards get the `layer`.
    ///
    /// # Errors
    /// That of [`HParams::validate`]; then nothing changes.
    pub fn update(&mut self, layer: impl Into<Layer>, change: impl FnOnce(&mut T)) -> Result<(), Error> {
        let mut params = self.params.clone();
        change(&mut params);
        self.set(params, layer)
    }
}

/// Secrets are not shown.
impl<T: HParams> fmt::Debug for HyperparameterStore<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("HyperparameterStore");
        for entry in entries(self) {
            shown.field(entry.key, &entry.shown());
        }
        shown.finish()
    }
}

/// A [`HyperparameterStore`] of an unknown type.
pub(crate) trait AnyStore: fmt::Debug + Send + Sync {
    fn schema(&self) -> &'static Schema;
    fn value(&self, key: &str) -> Option<Value>;
    fn layers(&self) -> &[Layer];
    /// Sets one value, of the field at `index`.
    fn put(&mut self, index: usize, value: &Value, layer: Layer) -> Result<(), Error>;
    fn validate(&self) -> Result<(), Error>;
    fn as_any(&self) -> &dyn Any;
    fn as_any_mut(&mut self) -> &mut dyn Any;
    fn boxed_clone(&self) -> Box<dyn AnyStore>;
}

impl<T: HParams> AnyStore for HyperparameterStore<T> {
    fn schema(&self) -> &'static Schema {
        T::schema()
    }

    fn value(&self, key: &str) -> Option<Value> {
        self.params.get(key)
    }

    fn layers(&self) -> &[Layer] {
        &self.layers
    }

    fn put(&mut self, index: usize, value: &Value, layer: Layer) -> Result<(), Error> {
        self.params.set(T::schema().fields[index].key, value)?;
        self.layers[index] = layer;
        Ok(())
    }

    fn validate(&self) -> Result<(), Error> {
        self.params.validate()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }

    fn boxed_clone(&self) -> Box<dyn AnyStore> {
        Box::new(self.clone())
    }
}

impl Clone for Box<dyn AnyStore> {
    fn clone(&self) -> Self {
        (**self).boxed_clone()
    }
}

/// All values of a store.
pub(crate) fn entries(store: &dyn AnyStore) -> impl Iterator<Item = Entry<'_>> {
    let schema = store.schema();
    schema.fields.iter().zip(store.layers()).map(move |(field, layer)| Entry {
        section: schema.section,
        key: field.key,
        value: store.value(field.key).unwrap_or(Value::None),
        default: &field.default,
        layer,
        field,
    })
}

impl Entry<'_> {
    /// The value for people and for tracking; a word in its place where it is secret.
    #[must_use]
    pub fn shown(&self) -> String {
        if self.field.secret { SECRET.to_owned() } else { self.value.to_string() }
    }
}

/// What a key of a section leads to.
pub(crate) struct Target<'a> {
    /// The field.
    pub(crate) index: usize,
    /// The datum of its choice, if not the whole value is meant.
    pub(crate) datum: Option<&'a str>,
}

/// Finds `key`: a field, an old name of one, or a datum of a choice.
pub(crate) fn find<'a>(schema: &'static Schema, key: &'a str, place: &Place) -> Result<Target<'a>, Error> {
    let position = |key: &str| schema.fields.iter().position(|field| field.key == key);
    if let Some(index) = position(schema.current(key)) {
        return Ok(Target { index, datum: None });
    }
    let of_choice = key.rsplit_once('.').and_then(|(choice, datum)| Some((position(schema.current(choice))?, datum)));
    match of_choice {
        Some((index, datum)) if schema.fields[index].kind.options().is_some() => {
            Ok(Target { index, datum: Some(datum) })
        }
        _ => Err(crate::params::unknown_key(schema, key).at(place)),
    }
}

/// Sets what `target` names to `value`.
pub(crate) fn assign(
    store: &mut dyn AnyStore,
    target: &Target<'_>,
    value: &Value,
    mut place: Place,
) -> Result<(), Error> {
    let field = &store.schema().fields[target.index];
    let whole = match target.datum {
        None => None,
        Some(datum) => {
            // The choice that stands, with one datum changed.
            let mut entries = match store.value(field.key) {
                Some(Value::Table(entries)) => entries,
                Some(name) => vec![(KIND.to_owned(), name)],
                None => Vec::new(),
            };
            entries.retain(|(key, _)| key != datum);
            entries.push((datum.to_owned(), value.clone()));
            Some(Value::Table(entries))
        }
    };
    let layer = place.layer.clone();
    store.put(target.index, whole.as_ref().unwrap_or(value), layer).map_err(|error| {
        if let Some(position) = place.position.as_mut().filter(|_| field.secret) {
            position.hide();
        }
        error.at(&place)
    })
}

/// The error of a value whose TOML type `got` no hyperparameter has.
pub(crate) fn wrong_type(schema: &'static Schema, index: usize, got: &str, place: Place) -> Error {
    let field = &schema.fields[index];
    Error::InvalidValue {
        section: schema.section,
        key: field.key,
        value: format!("({got})"),
        place,
        problem: Box::new(Problem::WrongType { expected: field.kind.expected(), got: got.to_owned() }),
    }
}
