//! The sections of a program, and the layers of values on top of their defaults.

use std::{fs::File, io::Read, path::Path};

use crate::{
    Entry, Error, HParams, Hint, HyperparameterStore, Layer, Place, SIZE_LIMIT_BYTES, Schema, Value, config,
    json_schema,
    position::{Lines, Position},
    problem::shortened,
    schema::Kind,
    store::{self, AnyStore, Target},
    text,
};

/// The hyperparameters of a program: registered sections, each value with the layer it came from.
///
/// Layers are applied in order and later ones win. Each `apply_` method checks types and ranges
/// and applies all that it was given, or returns an error with every problem that it found and changes nothing. Whether values fit
/// *together* is for [`Registry::validate`], after the last layer: of two assignments that belong
/// together, the first may not fit without the second.
#[derive(Debug, Clone, Default)]
pub struct Registry {
    sections: Vec<Box<dyn AnyStore>>,
    deprecations: Vec<Deprecation>,
}

/// The full name of [`Registry`].
pub type HyperparameterRegistry = Registry;

/// A value that was set by a name of an earlier version. It counts; whoever set it should be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deprecation {
    /// The section.
    pub section: &'static str,
    /// The name as typed.
    pub old: &'static str,
    /// What to write instead.
    pub new: &'static str,
    /// Where it was typed.
    pub place: Place,
}

impl std::fmt::Display for Deprecation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Deprecation { section, old, new, place } = self;
        write!(f, "{section}.{old} ({place}) is called {section}.{new} now")
    }
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
        let section = P::schema().section;
        if self.any_store(section).is_some() {
            return Err(Error::DuplicateSection { section: section.to_owned() });
        }
        self.sections.push(Box::new(HyperparameterStore::<P>::new()?));
        Ok(())
    }

    /// The values of the section of `P`, as they stand.
    ///
    /// # Errors
    /// [`Error::NotRegistered`].
    pub fn get<P: HParams>(&self) -> Result<P, Error> {
        self.store::<P>().map(|store| store.get().clone())
    }

    /// The store of the section of `P`.
    ///
    /// # Errors
    /// [`Error::NotRegistered`].
    pub fn store<P: HParams>(&self) -> Result<&HyperparameterStore<P>, Error> {
        self.sections.iter().find_map(|section| section.as_any().downcast_ref()).ok_or_else(not_registered::<P>)
    }

    /// The store of the section of `P`, to change it.
    ///
    /// # Errors
    /// [`Error::NotRegistered`].
    pub fn store_mut<P: HParams>(&mut self) -> Result<&mut HyperparameterStore<P>, Error> {
        let mut sections = self.sections.iter_mut();
        sections.find_map(|section| section.as_any_mut().downcast_mut()).ok_or_else(not_registered::<P>)
    }

    /// The hyperparameters of the section called `section`, in the order of declaration; none where nothing registered it.
    #[must_use]
    pub fn section(&self, section: &str) -> Option<impl Iterator<Item = Entry<'_>>> {
        self.any_store(section).map(store::entries)
    }

    /// The hyperparameter `key` of the section `section`, as it stands.
    #[must_use]
    pub fn entry(&self, section: &str, key: &str) -> Option<Entry<'_>> {
        self.section(section)?.find(|entry| entry.key == key)
    }

    /// Applies a configuration, `[section]` and `key = value`, as one layer.
    ///
    /// # Errors
    /// [`Error::MalformedToml`], [`Error::TooLarge`], [`Error::FormatVersion`] and
    /// [`Error::OutsideSection`]; [`Error::UnknownSection`], [`Error::UnknownKey`] and
    /// [`Error::InvalidValue`]; of several, [`Error::Several`]. Each knows line and column.
    pub fn apply_toml(&mut self, text: &str, layer: impl Into<Layer>) -> Result<(), Error> {
        let layer = layer.into();
        config::check_size(text, &layer)?;
        let is_group =
            |section: &str, key: &str| self.any_store(section).is_some_and(|store| store.schema().is_group(key));
        let read = config::read(text, &layer, is_group).map_err(|error| self.without_secrets(error));
        let config::Config { sections, assignments, mut problems } = read?;
        let mut next = self.clone();
        let unknown = sections.iter().filter_map(|(section, place)| next.index(section, place).err());
        problems.extend(unknown.take(Error::MOST_PROBLEMS));
        for assignment in assignments {
            if problems.len() >= Error::MOST_PROBLEMS {
                break;
            }
            if next.any_store(&assignment.section).is_some() {
                problems.extend(next.assign(assignment).err());
            }
        }
        problems.sort_by_key(|problem| problem.place().and_then(|place| Some(place.position.as_ref()?.line)));
        Error::all(problems)?;
        *self = next;
        Ok(())
    }

    /// The error without lines that name a secret: one that is malformed may hold its value all the same.
    fn without_secrets(&self, mut error: Error) -> Error {
        let secrets: Vec<&str> = self.entries().filter(|entry| entry.field.secret).map(|entry| entry.key).collect();
        let names_one =
            |position: &Position| secrets.iter().any(|key| position.shows(key.rsplit('.').next().unwrap_or_default()));
        let problems = match &mut error {
            Error::Several { problems } => &mut problems[..],
            one => std::slice::from_mut(one),
        };
        for problem in problems {
            if let Error::MalformedToml { place, .. } = problem
                && let Some(position) = place.position.as_mut().filter(|position| names_one(position))
            {
                position.hide();
            }
        }
        error
    }

    fn assign(&mut self, assignment: config::Assignment) -> Result<(), Error> {
        let config::Assignment { section, key, value, key_place, value_place } = assignment;
        let section = self.index(&section, &key_place)?;
        let target = self.target(section, &key, &key_place)?;
        match value {
            Ok(value) => store::assign(self.sections[section].as_mut(), &target, &value, value_place),
            Err(got) => Err(store::wrong_type(self.sections[section].schema(), target.index, got, value_place)),
        }
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
            return Err(Error::TooLarge { layer, limit_bytes: SIZE_LIMIT_BYTES });
        }
        let text = String::from_utf8(bytes).map_err(|error| {
            let valid = error.utf8_error().valid_up_to();
            let text = String::from_utf8_lossy(error.as_bytes());
            let position = Lines::new(&text).position(valid..valid + 1);
            Error::MalformedToml {
                place: Place { layer: layer.clone(), position: Some(Box::new(position)) },
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
                let owner = self.schemas().find(|schema| schema.field(name).is_some());
                Err(malformed(match owner {
                    Some(schema) => format!("did you mean `{}.{name}`?", schema.section),
                    None => "write section.key=value".to_owned(),
                }))
            }
        }
    }

    /// Applies environment variables: of `variables`, pairs of name and value, those called `PREFIX` `SECTION` `__` `KEY`,
    /// in capitals and with `_` for `-`. `DODGE_PPO__LEARNING_RATE` with the prefix `DODGE_` is `ppo.learning_rate`; a
    /// further `__` stands for the point in the key of a nested struct. Others are none of ours, and an empty value counts
    /// as not set. This crate does not read the environment: whoever does hands it in.
    ///
    /// # Errors
    /// Those of [`Registry::apply_set`], or several.
    pub fn apply_environment<'a>(
        &mut self,
        prefix: &str,
        variables: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<(), Error> {
        let mut next = self.clone();
        let mut problems = Vec::new();
        for (variable, text) in variables {
            let Some((section, key)) = variable.strip_prefix(prefix).and_then(|name| name.split_once("__")) else {
                continue;
            };
            if text.trim().is_empty() {
                continue;
            }
            let section = section.to_lowercase();
            let known = self.schemas().map(|schema| schema.section).find(|name| name.replace('-', "_") == section);
            let key = key.to_lowercase().replace("__", ".");
            let layer = Layer::Environment(variable.to_owned());
            problems.extend(next.apply_text(known.unwrap_or(&section), &key, text, layer).err());
        }
        Error::all(problems)?;
        *self = next;
        Ok(())
    }

    /// Sets one hyperparameter from text, read as by [`Registry::apply_set`]; for command-line
    /// options that stand for a hyperparameter, with the option as the layer. Of a choice with data, `key` may go on to one
    /// datum: `schedule.end`.
    ///
    /// # Errors
    /// Those of [`Registry::apply_set`].
    pub fn apply_text(&mut self, section: &str, key: &str, text: &str, layer: impl Into<Layer>) -> Result<(), Error> {
        let place = Place::from(layer.into());
        let section = self.index(section, &place)?;
        let target = self.target(section, key, &place)?;
        let schema = self.sections[section].schema();
        let field = &schema.fields[target.index];
        if text.trim().is_empty() && !field.kind.takes_empty_text() {
            return Err(Error::MalformedAssignment {
                text: format!("{}.{}=", schema.section, field.key),
                place,
                advice: format!("it has no value, expected {}", field.kind.expected()),
            });
        }
        let options = field.kind.options().into_iter().flatten();
        let datum = options.flat_map(|option| &option.data).find(|datum| Some(datum.key) == target.datum);
        let value = text::parse(datum.map_or(&field.kind, |datum| &datum.kind), text);
        store::assign(self.sections[section].as_mut(), &target, &value, place)
    }

    /// Sets one hyperparameter, or one datum of a choice, to `value`.
    ///
    /// # Errors
    /// [`Error::UnknownSection`], [`Error::UnknownKey`] or [`Error::InvalidValue`].
    pub fn apply_value(
        &mut self,
        section: &str,
        key: &str,
        value: &Value,
        layer: impl Into<Layer>,
    ) -> Result<(), Error> {
        let place = Place::from(layer.into());
        let section = self.index(section, &place)?;
        let target = self.target(section, key, &place)?;
        store::assign(self.sections[section].as_mut(), &target, value, place)
    }

    /// Replaces the values of the section of `P`; those that differ get the `layer`.
    ///
    /// # Errors
    /// [`Error::NotRegistered`], or that of [`HParams::validate`].
    pub fn apply_params<P: HParams>(&mut self, params: P, layer: impl Into<Layer>) -> Result<(), Error> {
        self.store_mut::<P>()?.set(params, layer)
    }

    /// The old names by which values were set, in the order of the layers.
    #[must_use]
    pub fn deprecations(&self) -> &[Deprecation] {
        &self.deprecations
    }

    /// Whether all values fit their declarations and, within each section, one another. Call it
    /// after the last layer.
    ///
    /// # Errors
    /// [`Error::InvalidValue`] or [`Error::Inconsistent`] of every section that does not.
    pub fn validate(&self) -> Result<(), Error> {
        Error::all(self.sections.iter().filter_map(|section| section.validate().err()))
    }

    /// All hyperparameters, in the order of registration and declaration.
    pub fn entries(&self) -> impl Iterator<Item = Entry<'_>> {
        self.sections.iter().flat_map(|section| store::entries(section.as_ref()))
    }

    /// The declarations of all sections, in the order of registration.
    pub fn schemas(&self) -> impl Iterator<Item = &'static Schema> {
        self.sections.iter().map(|section| section.schema())
    }

    /// A JSON Schema (draft 7) of the configuration, with which an editor completes and checks the TOML file.
    #[must_use]
    pub fn json_schema(&self) -> String {
        // Writing strings and finite numbers into memory cannot fail.
        serde_json::to_string_pretty(&json_schema::of(self.schemas())).unwrap_or_default()
    }

    /// All values as a configuration that [`Registry::apply_toml`] reads back to the same values, except for secrets,
    /// which are left out.
    #[must_use]
    pub fn to_toml(&self) -> String {
        let entries = |schema: &Schema| self.any_store(schema.section).into_iter().flat_map(store::entries).collect();
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
        self.entries().map(|entry| (format!("{}/{}", entry.section, entry.key), entry.shown())).collect()
    }

    fn any_store(&self, name: &str) -> Option<&dyn AnyStore> {
        self.sections.iter().find(|section| section.schema().section == name).map(AsRef::as_ref)
    }

    fn index(&self, name: &str, place: &Place) -> Result<usize, Error> {
        self.sections.iter().position(|section| section.schema().section == name).ok_or_else(|| Error::UnknownSection {
            section: shortened(name),
            place: place.clone(),
            hint: Hint::new(name, self.schemas().map(|schema| schema.section)),
        })
    }

    /// What `key` of the section at the index `section` leads to; an old name is written down.
    fn target<'a>(&mut self, section: usize, key: &'a str, place: &Place) -> Result<Target<'a>, Error> {
        let schema = self.sections[section].schema();
        let target = store::find(schema, key, place)?;
        if let Some(renamed) = schema.renamed.iter().find(|renamed| key == renamed.old) {
            let (section, place) = (schema.section, place.clone());
            self.deprecations.push(Deprecation { section, old: renamed.old, new: renamed.new, place });
        }
        Ok(target)
    }
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
