//! What can go wrong, and where.

use std::{fmt, path::PathBuf};

use crate::position::Position;
use crate::problem::{Problem, shortened};
use crate::schema::Field;
use crate::suggest::Hint;
use crate::value::Value;

/// Where a value comes from. Later layers win over earlier ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Layer {
    /// The default that the hyperparameter declares.
    Default,
    /// A named preset of the program.
    Preset(String),
    /// A configuration file.
    File(PathBuf),
    /// The environment variable of this name.
    Environment(String),
    /// An assignment `section.key=value` of the command line.
    Set,
    /// A value made by the program, outside of any registry.
    Code,
    /// Anything else, named by the caller: a command-line option such as `--steps`, a
    /// checkpoint.
    Other(String),
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Layer::Default => f.write_str("default"),
            Layer::Preset(name) => write!(f, "preset {name}"),
            Layer::File(path) => write!(f, "config file {}", path.display()),
            Layer::Environment(name) => write!(f, "environment variable {name}"),
            Layer::Set => f.write_str("--set"),
            Layer::Code => f.write_str("set in code"),
            Layer::Other(name) => f.write_str(name),
        }
    }
}

impl From<&str> for Layer {
    fn from(name: &str) -> Self {
        Layer::Other(name.to_owned())
    }
}

impl From<String> for Layer {
    fn from(name: String) -> Self {
        Layer::Other(name)
    }
}

/// A layer and, in a text of several lines, where in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The layer.
    pub layer: Layer,
    /// Where in the text of the layer, if it is one.
    pub position: Option<Box<Position>>,
}

impl From<Layer> for Place {
    fn from(layer: Layer) -> Self {
        Place { layer, position: None }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.position {
            Some(position) => write!(f, "{}, line {}, column {}", self.layer, position.line, position.column),
            None => write!(f, "{}", self.layer),
        }
    }
}

/// Every failure of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A section that nothing registered.
    #[error("unknown section `{section}` ({place}): {hint}")]
    UnknownSection {
        /// The section as typed.
        section: String,
        /// Where it was typed.
        place: Place,
        /// What to write instead.
        hint: Hint,
    },
    /// A key that its section does not have.
    #[error("unknown hyperparameter {section}.{key} ({place}): {hint}")]
    UnknownKey {
        /// The section, which exists.
        section: &'static str,
        /// The key as typed.
        key: String,
        /// Where it was typed.
        place: Place,
        /// What to write instead.
        hint: Hint,
    },
    /// A value that does not fit its hyperparameter.
    #[error("{section}.{key} = {value} ({place}): {problem}")]
    InvalidValue {
        /// The section.
        section: &'static str,
        /// The key.
        key: &'static str,
        /// The value as TOML, shortened where it is long.
        value: String,
        /// Where it was given.
        place: Place,
        /// What is wrong with it.
        problem: Box<Problem>,
    },
    /// Values that fit on their own and not together: the section's `check` refused them.
    #[error("section `{section}`: {message}")]
    Inconsistent {
        /// The section.
        section: String,
        /// What the check said.
        message: String,
    },
    /// A text that is no TOML.
    #[error("malformed TOML ({place}): {message}")]
    MalformedToml {
        /// Where the parser gave up.
        place: Place,
        /// What the parser found.
        message: String,
    },
    /// A top-level value in a configuration, where only sections belong.
    #[error("`{key}` is no [section] ({place}): values go below a [section] header")]
    OutsideSection {
        /// The key as typed.
        key: String,
        /// Where it was typed.
        place: Place,
    },
    /// A configuration written in a format that this version does not read.
    #[error("format_version = {found} ({place}) cannot be read: this version reads {supported}")]
    FormatVersion {
        /// The version as typed.
        found: String,
        /// Where it was typed.
        place: Place,
        /// The version that can be read.
        supported: u32,
    },
    /// An assignment that is not of the form `section.key=value`.
    #[error("malformed assignment `{text}` ({place}): {advice}")]
    MalformedAssignment {
        /// The assignment, shortened where it is long.
        text: String,
        /// Where it was typed.
        place: Place,
        /// What to write instead.
        advice: String,
    },
    /// A configuration larger than any real one.
    #[error("{layer} is larger than {limit_bytes} bytes: is it a configuration?")]
    TooLarge {
        /// The configuration's layer.
        layer: Layer,
        /// The largest size read, in bytes.
        limit_bytes: u64,
    },
    /// A file that cannot be read.
    #[error("cannot read config file {}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Two types registered under one section.
    #[error("section `{section}` is registered twice: give one of the two another section name")]
    DuplicateSection {
        /// The section.
        section: String,
    },
    /// A type that was never registered.
    #[error("section `{section}` ({type_name}) is not registered: register it before use")]
    NotRegistered {
        /// The section of the type.
        section: String,
        /// The Rust type.
        type_name: &'static str,
    },
    /// Several problems at once, each of them one of the other variants.
    #[error("{}", in_one_line(problems))]
    Several {
        /// The problems, in the order in which they were found; at most [`Error::MOST_PROBLEMS`].
        problems: Vec<Error>,
    },
    /// A declaration that contradicts itself; a mistake of the programmer.
    #[error("invalid declaration of {section}.{key}: {message}")]
    InvalidDeclaration {
        /// The section.
        section: String,
        /// The key.
        key: String,
        /// What is wrong with it.
        message: String,
    },
}

impl Error {
    /// So many problems are reported at once: whoever has more has another file in hand than a configuration.
    pub const MOST_PROBLEMS: usize = 100;

    /// No error where there are no problems, the problem itself where there is one, else [`Error::Several`].
    ///
    /// # Errors
    /// The problems.
    pub fn all(problems: impl IntoIterator<Item = Error>) -> Result<(), Error> {
        let flat = problems.into_iter().flat_map(|problem| match problem {
            Error::Several { problems } => problems,
            one => vec![one],
        });
        let mut problems: Vec<Error> = flat.take(Self::MOST_PROBLEMS).collect();
        match problems.len() {
            0 => Ok(()),
            1 => Err(problems.remove(0)),
            _ => Err(Error::Several { problems }),
        }
    }

    /// Each problem of its own: those of [`Error::Several`], else this error alone.
    #[must_use]
    pub fn problems(&self) -> &[Error] {
        match self {
            Error::Several { problems } => problems,
            one => std::slice::from_ref(one),
        }
    }

    /// Where the mistake was made; none of [`Error::Several`] and of errors that concern no single place.
    #[must_use]
    pub fn place(&self) -> Option<&Place> {
        match self {
            Error::UnknownSection { place, .. }
            | Error::UnknownKey { place, .. }
            | Error::InvalidValue { place, .. }
            | Error::MalformedToml { place, .. }
            | Error::OutsideSection { place, .. }
            | Error::FormatVersion { place, .. }
            | Error::MalformedAssignment { place, .. } => Some(place),
            _ => None,
        }
    }

    /// The line with the mistake in it, underlined, on three lines; none where the mistake stands in no text of several
    /// lines, or in one that holds a secret.
    #[must_use]
    pub fn underlined(&self) -> Option<String> {
        self.place()?.position.as_ref()?.underlined()
    }

    pub(crate) fn invalid_value(
        section: &'static str,
        field: &'static Field,
        value: &Value,
        place: Place,
        problem: Problem,
    ) -> Self {
        let value = if field.secret { SECRET.to_owned() } else { shortened(&value.to_toml()) };
        Error::InvalidValue { section, key: field.key, value, place, problem: Box::new(problem) }
    }

    /// The same error, found at another place.
    pub(crate) fn at(mut self, new_place: &Place) -> Self {
        if let Error::UnknownKey { place, .. } | Error::InvalidValue { place, .. } = &mut self {
            place.clone_from(new_place);
        }
        if let Error::Several { problems } = &mut self {
            let moved = std::mem::take(problems).into_iter().map(|problem| problem.at(new_place));
            *problems = moved.collect();
        }
        self
    }
}

/// What is shown in place of a secret.
pub(crate) const SECRET: &str = "(secret)";

fn in_one_line(problems: &[Error]) -> String {
    let words: Vec<String> = problems.iter().map(ToString::to_string).collect();
    format!("{} problems: {}", problems.len(), words.join("; "))
}

#[cfg(test)]
mod tests {
    use super::Layer;

    #[test]
    fn layers_have_names() {
        assert_eq!(Layer::Default.to_string(), "default");
        assert_eq!(Layer::Preset("quick".to_owned()).to_string(), "preset quick");
        assert_eq!(Layer::File("a/b.toml".into()).to_string(), "config file a/b.toml");
        assert_eq!(Layer::Set.to_string(), "--set");
        assert_eq!(Layer::from("--steps").to_string(), "--steps");
        assert_eq!(Layer::Environment("A".to_owned()).to_string(), "environment variable A");
    }
}
