//! The sections of a program, and the layers of values on top of their defaults.

use std::{any::Any, fmt::Debug, fs::File, io::Read, path::Path};

use crate::{
    Error, Field, HParams, Hint, Layer, Place, Problem, Schema, Value, config, error::shortened, schema::Kind, text,
};

/// The largest configuration that is read, in bytes.
pub const SIZE_LIMIT_BYTES: u64 = 1024 * 1024;

/// The hyperparameters of a program: registered sections, each value with the layer it came from.
///
/// Layers are applied in order and later ones win. Each `apply_` method checks types and ranges
/// and applies all that it was given, or returns an error and changes nothing. Whether values fit
/// *together* is for [`Registry::validate`], after the last layer: of two assignments that belong
/// together, the first may not fit without the second.
#[derive(Debug, Clone, Default)]
pub struct Registry {
    sections: Vec<Section>,
}

/// One hyperparameter of a registry, as it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry<'a> {
    /// Its section.
    pub section: &'static str,
    /// Its name within the section.
    pub key: &'static str,
    /// Its value.
    pub value: Value,
    /// The value it has when nobody sets it.
    pub default: &'static Value,
    /// The layer that set the value.
    pub layer: &'a Layer,
    /// Its declaration.
    pub field: &'static Field,
}

impl Registry {
    /// A registry without sections.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the section of `P`, with its defaults.
    ///
    /// # Errors
    /// [`Error::DuplicateSection`]; [`Error::InvalidDeclaration`], [`Error::InvalidValue`] or
    /// [`Error::Inconsistent`] where the declaration or its defaults make no sense.
    pub fn register<P: HParams>(&mut self) -> Result<(), Error> {
        let schema = P::schema();
        if self.section(schema.section).is_some() {
            return Err(Error::DuplicateSection { section: schema.section.to_owned() });
        }
        for field in &schema.fields {
            field.check_declaration().map_err(|message| Error::InvalidDeclaration {
                section: schema.section.to_owned(),
                key: field.key.to_owned(),
                message,
            })?;
        }
        let params = P::default();
        params.validate().map_err(|error| error.at(&Layer::Default.into()))?;
        self.sections.push(Section {
            schema,
            params: Box::new(params),
            layers: vec![Layer::Default; schema.fields.len()],
        });
        Ok(())
    }

    /// The values of the section of `P`, as they stand.
    ///
    /// # Errors
    /// [`Error::NotRegistered`].
    pub fn get<P: HParams>(&self) -> Result<P, Error> {
        self.sections
            .iter()
            .find_map(|section| section.params.as_any().downcast_ref::<P>())
            .cloned()
            .ok_or_else(not_registered::<P>)
    }

    /// Applies a configuration, `[section]` and `key = value`, as one layer.
    ///
    /// # Errors
    /// [`Error::MalformedToml`], [`Error::TooLarge`], [`Error::FormatVersion`] and
    /// [`Error::OutsideSection`]; [`Error::UnknownSection`], [`Error::UnknownKey`] and
    /// [`Error::InvalidValue`] with the line.
    pub fn apply_toml(&mut self, text: &str, layer: impl Into<Layer>) -> Result<(), Error> {
        let layer = layer.into();
        if text.len() as u64 > SIZE_LIMIT_BYTES {
            return Err(too_large(layer));
        }
        let config = config::read(text, &layer)?;
        let mut next = self.clone();
        for (section, place) in &config.sections {
            next.section_mut(section, place)?;
        }
        for assignment in config.assignments {
            let place = assignment.place;
            let section = next.section_mut(&assignment.section, &place)?;
            let index = section.index(&assignment.key, &place)?;
            match assignment.value {
                Ok(value) => section.assign(index, &value, place)?,
                Err(got) => return Err(section.wrong_type(index, got, place)),
            }
        }
        *self = next;
        Ok(())
    }

    /// Applies the configuration file at `path` as one layer, named after the file.
    ///
    /// # Errors
    /// [`Error::Unreadable`], and those of [`Registry::apply_toml`].
    pub fn apply_toml_file(&mut self, path: impl AsRef<Path>) -> Result<(), Error> {
        let path = path.as_ref();
        let layer = Layer::File(path.to_owned());
        let unreadable = |source| Error::Unreadable { path: path.to_owned(), source };
        let mut bytes = Vec::new();
        File::open(path).map_err(unreadable)?.take(SIZE_LIMIT_BYTES + 1).read_to_end(&mut bytes).map_err(unreadable)?;
        if bytes.len() as u64 > SIZE_LIMIT_BYTES {
            return Err(too_large(layer));
        }
        let text = String::from_utf8(bytes).map_err(|error| {
            let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
            let valid = String::from_utf8_lossy(valid);
            let last_line = valid.rsplit('\n').next().unwrap_or_default();
            Error::MalformedToml {
                layer: layer.clone(),
                line: valid.matches('\n').count() + 1,
                column: last_line.chars().count() + 1,
                message: "not UTF-8 text".to_owned(),
            }
        })?;
        self.apply_toml(&text, layer)
    }

    /// Applies one assignment `section.key=value` of the command line.
    ///
    /// The value is read according to the type: text needs no quotes, a list is `64,64` or
    /// `[64,64]`, no value is `none`.
    ///
    /// # Errors
    /// [`Error::MalformedAssignment`], [`Error::UnknownSection`], [`Error::UnknownKey`] or
    /// [`Error::InvalidValue`].
    pub fn apply_set(&mut self, assignment: &str) -> Result<(), Error> {
        let malformed = |advice: String| Error::MalformedAssignment {
            text: shortened(assignment),
            place: Layer::Set.into(),
            advice,
        };
        let Some((name, text)) = assignment.split_once('=') else {
            return Err(malformed("write section.key=value".to_owned()));
        };
        let name = name.trim();
        match name.split_once('.') {
            Some((section, key)) if !section.is_empty() && !key.is_empty() => {
                self.apply_text(section, key, text, Layer::Set)
            }
            _ => {
                let owner = self.sections.iter().find(|s| s.schema.field(name).is_some());
                Err(malformed(match owner {
                    Some(section) => format!("did you mean `{}.{name}`?", section.schema.section),
                    None => "write section.key=value".to_owned(),
                }))
            }
        }
    }

    /// Sets one hyperparameter from text, read as by [`Registry::apply_set`]; for command-line
    /// options that stand for a hyperparameter, with the option as the layer.
    ///
    /// # Errors
    /// Those of [`Registry::apply_set`].
    pub fn apply_text(&mut self, section: &str, key: &str, text: &str, layer: impl Into<Layer>) -> Result<(), Error> {
        let place = Place::from(layer.into());
        let section = self.section_mut(section, &place)?;
        let index = section.index(key, &place)?;
        let field = &section.schema.fields[index];
        if text.trim().is_empty() && !field.kind.takes_empty_text() {
            return Err(Error::MalformedAssignment {
                text: format!("{}.{}=", section.schema.section, field.key),
                place,
                advice: format!("it has no value, expected {}", field.kind.expected()),
            });
        }
        section.assign(index, &text::parse(&field.kind, text), place)
    }

    /// Replaces the values of the section of `P`; those that differ get the `layer`.
    ///
    /// # Errors
    /// [`Error::NotRegistered`], or that of [`HParams::validate`].
    pub fn apply_params<P: HParams>(&mut self, params: P, layer: impl Into<Layer>) -> Result<(), Error> {
        let layer = layer.into();
        let section = self
            .sections
            .iter_mut()
            .find(|section| section.params.as_any().is::<P>())
            .ok_or_else(not_registered::<P>)?;
        params.validate().map_err(|error| error.at(&layer.clone().into()))?;
        for (field, old) in section.schema.fields.iter().zip(&mut section.layers) {
            if section.params.get(field.key) != params.get(field.key) {
                old.clone_from(&layer);
            }
        }
        section.params = Box::new(params);
        Ok(())
    }

    /// Whether all values fit their declarations and, within each section, one another. Call it
    /// after the last layer.
    ///
    /// # Errors
    /// [`Error::InvalidValue`] or [`Error::Inconsistent`] of the first section that does not.
    pub fn validate(&self) -> Result<(), Error> {
        self.sections.iter().try_for_each(|section| section.params.validate())
    }

    /// All hyperparameters, in the order of registration and declaration.
    pub fn entries(&self) -> impl Iterator<Item = Entry<'_>> {
        self.sections.iter().flat_map(Section::entries)
    }

    /// The declarations of all sections, in the order of registration.
    pub fn schemas(&self) -> impl Iterator<Item = &'static Schema> {
        self.sections.iter().map(|section| section.schema)
    }

    /// The declarations of all sections as JSON, for programs.
    #[must_use]
    pub fn schema_json(&self) -> String {
        let schemas: Vec<&Schema> = self.schemas().collect();
        // Writing strings and finite numbers into memory cannot fail.
        serde_json::to_string_pretty(&schemas).unwrap_or_default()
    }

    /// All values as a configuration that [`Registry::apply_toml`] reads back to the same values.
    #[must_use]
    pub fn to_toml(&self) -> String {
        let entries = |schema: &Schema| {
            let section = self.section(schema.section);
            section.into_iter().flat_map(Section::entries).collect()
        };
        config::resolved(self.schemas(), entries)
    }

    /// A configuration to start from: every hyperparameter with its meaning, and its default in a
    /// comment. As it stands it sets nothing.
    #[must_use]
    pub fn template(&self) -> String {
        config::template(self.schemas())
    }

    /// All values as pairs of `section/key` and text, for tracking.
    #[must_use]
    pub fn flatten(&self) -> Vec<(String, String)> {
        self.entries().map(|entry| (format!("{}/{}", entry.section, entry.key), entry.value.to_string())).collect()
    }

    fn section(&self, name: &str) -> Option<&Section> {
        self.sections.iter().find(|section| section.schema.section == name)
    }

    fn section_mut(&mut self, name: &str, place: &Place) -> Result<&mut Section, Error> {
        let Some(index) = self.sections.iter().position(|section| section.schema.section == name) else {
            return Err(Error::UnknownSection {
                section: shortened(name),
                place: place.clone(),
                hint: Hint::new(name, self.schemas().map(|schema| schema.section)),
            });
        };
        Ok(&mut self.sections[index])
    }
}

/// One registered section.
#[derive(Debug, Clone)]
struct Section {
    schema: &'static Schema,
    params: Box<dyn ErasedParams>,
    /// The layer of each field's value, in the order of the schema.
    layers: Vec<Layer>,
}

impl Section {
    fn index(&self, key: &str, place: &Place) -> Result<usize, Error> {
        self.schema
            .fields
            .iter()
            .position(|field| field.key == key)
            .ok_or_else(|| crate::params::unknown_key(self.schema, key).at(place))
    }

    fn assign(&mut self, index: usize, value: &Value, place: Place) -> Result<(), Error> {
        let key = self.schema.fields[index].key;
        self.params.set(key, value).map_err(|error| error.at(&place))?;
        self.layers[index] = place.layer;
        Ok(())
    }

    fn wrong_type(&self, index: usize, got: &str, place: Place) -> Error {
        let field = &self.schema.fields[index];
        Error::InvalidValue {
            section: self.schema.section,
            key: field.key,
            value: format!("({got})"),
            place,
            problem: Box::new(Problem::WrongType { expected: field.kind.expected(), got: got.to_owned() }),
        }
    }

    fn entries(&self) -> impl Iterator<Item = Entry<'_>> {
        self.schema.fields.iter().zip(&self.layers).map(|(field, layer)| Entry {
            section: self.schema.section,
            key: field.key,
            value: self.params.get(field.key).unwrap_or(Value::None),
            default: &field.default,
            layer,
            field,
        })
    }
}

/// [`HParams`] of an unknown type.
trait ErasedParams: Debug + Send + Sync {
    fn get(&self, key: &str) -> Option<Value>;
    fn set(&mut self, key: &str, value: &Value) -> Result<(), Error>;
    fn validate(&self) -> Result<(), Error>;
    fn as_any(&self) -> &dyn Any;
    fn boxed_clone(&self) -> Box<dyn ErasedParams>;
}

impl<P: HParams> ErasedParams for P {
    fn get(&self, key: &str) -> Option<Value> {
        HParams::get(self, key)
    }

    fn set(&mut self, key: &str, value: &Value) -> Result<(), Error> {
        HParams::set(self, key, value)
    }

    fn validate(&self) -> Result<(), Error> {
        HParams::validate(self)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn boxed_clone(&self) -> Box<dyn ErasedParams> {
        Box::new(self.clone())
    }
}

impl Clone for Box<dyn ErasedParams> {
    fn clone(&self) -> Self {
        (**self).boxed_clone()
    }
}

fn too_large(layer: Layer) -> Error {
    Error::TooLarge { layer, limit_bytes: SIZE_LIMIT_BYTES }
}

fn not_registered<P: HParams>() -> Error {
    Error::NotRegistered { section: P::schema().section.to_owned(), type_name: std::any::type_name::<P>() }
}

impl Kind {
    fn takes_empty_text(&self) -> bool {
        match self {
            Kind::Text => true,
            Kind::Optional(inner) => inner.takes_empty_text(),
            _ => false,
        }
    }
}
