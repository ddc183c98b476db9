//! Configurations as TOML: two levels, `[section]` and `key = value`.

use toml::de::{DeTable, DeValue};

use crate::{Entry, Error, Layer, Place, Schema, Value, error::shortened, text};

/// The version of the configuration format, written into each configuration as
/// `format_version`. A configuration without it is read as this version.
pub const FORMAT_VERSION: u32 = 1;

const VERSION_KEY: &str = "format_version";

/// One `key = value` of a configuration.
#[derive(Debug)]
pub(crate) struct Assignment {
    pub(crate) section: String,
    pub(crate) key: String,
    /// The value, or the name of a TOML type that no hyperparameter has.
    pub(crate) value: Result<Value, &'static str>,
    pub(crate) place: Place,
}

/// What a configuration holds, in the order in which it is written.
#[derive(Debug)]
pub(crate) struct Config {
    /// Each section's name and place, so that an unknown one is refused though it be empty.
    pub(crate) sections: Vec<(String, Place)>,
    pub(crate) assignments: Vec<Assignment>,
}

/// Reads a configuration; the names in it are not looked at.
pub(crate) fn read(text: &str, layer: &Layer) -> Result<Config, Error> {
    let lines = Lines::new(text);
    let document = DeTable::parse(text).map_err(|error| {
        let start = error.span().map_or(text.len(), |span| span.start);
        let (line, column) = lines.position(start);
        Error::MalformedToml {
            layer: layer.clone(),
            line,
            column,
            message: shortened(&error.message().replace('\n', ", ")),
        }
    })?;
    let place = |start: usize| Place { layer: layer.clone(), line: Some(lines.position(start).0) };

    let mut found: Vec<(usize, Assignment)> = Vec::new();
    let mut sections: Vec<(usize, String)> = Vec::new();
    for (name, value) in document.get_ref() {
        let start = name.span().start;
        match value.get_ref() {
            DeValue::Table(table) => {
                sections.push((start, name.get_ref().to_string()));
                found.extend(table.iter().map(|(key, value)| {
                    let start = key.span().start;
                    let assignment = Assignment {
                        section: name.get_ref().to_string(),
                        key: key.get_ref().to_string(),
                        value: text::from_toml(value.get_ref()),
                        place: place(start),
                    };
                    (start, assignment)
                }));
            }
            other if name.get_ref() == VERSION_KEY => check_version(other, &place(start))?,
            _ => {
                return Err(Error::OutsideSection { key: shortened(name.get_ref()), place: place(start) });
            }
        }
    }
    sections.sort_by_key(|(start, _)| *start);
    found.sort_by_key(|(start, _)| *start);
    Ok(Config {
        sections: sections.into_iter().map(|(start, name)| (name, place(start))).collect(),
        assignments: found.into_iter().map(|(_, assignment)| assignment).collect(),
    })
}

/// A configuration with the values of `entries`, each with its meaning, range and origin.
pub(crate) fn resolved<'a>(
    schemas: impl Iterator<Item = &'static Schema>,
    entries: impl Fn(&'static Schema) -> Vec<Entry<'a>>,
) -> String {
    let mut out = header("Resolved hyperparameters: each value with the layer it came from.");
    for schema in schemas {
        section_header(&mut out, schema);
        for entry in entries(schema) {
            comment(&mut out, entry.field.doc);
            let mut facts = format!("{}; from {}", entry.field.constraint(), entry.layer);
            if entry.value != *entry.default {
                facts.push_str(&format!("; default {}", entry.default.to_toml()));
            }
            comment(&mut out, &facts);
            out.push_str(&format!("{} = {}\n", entry.key, entry.value.to_toml()));
        }
    }
    out
}

/// A configuration that sets nothing: every default stands in a comment, to be uncommented and
/// changed.
pub(crate) fn template(schemas: impl Iterator<Item = &'static Schema>) -> String {
    let mut out = header("Every hyperparameter with its default. Uncomment what you change.");
    for schema in schemas {
        section_header(&mut out, schema);
        for field in &schema.fields {
            comment(&mut out, field.doc);
            comment(&mut out, &field.constraint());
            if let Some(options) = field.kind.options() {
                for option in options {
                    comment(&mut out, &format!("  {}: {}", option.name, option.doc));
                }
            }
            out.push_str(&format!("#{} = {}\n", field.key, field.default.to_toml()));
        }
    }
    out
}

fn header(title: &str) -> String {
    format!("# {title}\n{VERSION_KEY} = {FORMAT_VERSION}\n")
}

fn section_header(out: &mut String, schema: &Schema) {
    out.push('\n');
    comment(out, schema.doc);
    out.push_str(&format!("[{}]\n", schema.section));
}

/// Control characters would make the comment, and with it the configuration, no TOML.
fn comment(out: &mut String, text: &str) {
    for line in text.lines() {
        let line = line.replace(|c: char| c.is_control(), " ");
        out.push_str(format!("# {line}").trim_end());
        out.push('\n');
    }
}

fn check_version(value: &DeValue<'_>, place: &Place) -> Result<(), Error> {
    let found = text::from_toml(value);
    if found == Ok(Value::Integer(FORMAT_VERSION.into())) {
        return Ok(());
    }
    Err(Error::FormatVersion {
        found: found.map_or_else(str::to_owned, |value| shortened(&value.to_toml())),
        place: place.clone(),
        supported: FORMAT_VERSION,
    })
}

/// Where the lines of a text start, so that each of many positions is found quickly.
struct Lines<'a> {
    text: &'a str,
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    fn new(text: &'a str) -> Self {
        let starts = text.match_indices('\n').map(|(index, _)| index + 1);
        Lines { text, starts: std::iter::once(0).chain(starts).collect() }
    }

    /// Line and column, both counted from 1, of the byte `offset`.
    fn position(&self, offset: usize) -> (usize, usize) {
        let line = self.starts.partition_point(|start| *start <= offset).max(1);
        let start = self.starts[line - 1];
        let before = self.text.get(start..offset).unwrap_or_default();
        (line, before.chars().count() + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::Lines;

    #[test]
    fn positions_count_lines_and_characters_from_one() {
        let lines = Lines::new("ab\né=1\n");
        assert_eq!(lines.position(0), (1, 1));
        assert_eq!(lines.position(3), (2, 1));
        assert_eq!(lines.position(5), (2, 2));
        assert_eq!(lines.position(7), (2, 4));
        assert_eq!(lines.position(8), (3, 1));
        assert_eq!(lines.position(99), (3, 1));
        assert_eq!(Lines::new("").position(0), (1, 1));
    }
}
