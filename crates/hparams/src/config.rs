//! Configurations as TOML: two levels, `[section]` and `key = value`.

use std::ops::Range;

use toml::{
    Spanned,
    de::{DeString, DeTable, DeValue},
};

use crate::{Entry, Error, Layer, Place, Schema, Value, position::Lines, problem::shortened, text};

/// The largest configuration that is read, in bytes.
pub const SIZE_LIMIT_BYTES: u64 = 1024 * 1024;

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
    pub(crate) key_place: Place,
    pub(crate) value_place: Place,
}

/// What a configuration holds, in the order in which it is written.
#[derive(Debug)]
pub(crate) struct Config {
    /// Each section's name and place, so that an unknown one is refused though it be empty.
    pub(crate) sections: Vec<(String, Place)>,
    pub(crate) assignments: Vec<Assignment>,
    /// What belongs to no section.
    pub(crate) problems: Vec<Error>,
}

/// Reads a configuration. `is_group` tells of a section and a key whether they name a nested struct, whose table holds
/// hyperparameters; all other tables are values.
pub(crate) fn read(text: &str, layer: &Layer, is_group: impl Fn(&str, &str) -> bool) -> Result<Config, Error> {
    let lines = Lines::new(text);
    let place = |span: Range<usize>| Place { layer: layer.clone(), position: Some(Box::new(lines.position(span))) };
    let (document, mistakes) = DeTable::parse_recoverable(text);
    let malformed = |error: toml::de::Error| Error::MalformedToml {
        place: place(error.span().unwrap_or(text.len()..text.len())),
        message: shortened(&error.message().replace('\n', ", ")),
    };
    // One mistake often is a hundred to the parser.
    let line = |error: &Error| error.place().and_then(|place| Some(place.position.as_ref()?.line));
    let mut malformed: Vec<Error> = mistakes.into_iter().take(Error::MOST_PROBLEMS).map(malformed).collect();
    malformed.sort_by_key(line);
    malformed.dedup_by_key(|error| line(error));
    Error::all(malformed)?;

    let mut config = Config { sections: Vec::new(), assignments: Vec::new(), problems: Vec::new() };
    for (name, value) in in_order(document.get_ref()) {
        match value.get_ref() {
            DeValue::Table(table) => {
                let section = name.get_ref().to_string();
                config.sections.push((section.clone(), place(name.span())));
                collect(&mut config.assignments, &section, "", table, &place, &is_group);
            }
            other if name.get_ref() == VERSION_KEY => check_version(other, &place(value.span()))?,
            _ if config.problems.len() < Error::MOST_PROBLEMS => {
                config
                    .problems
                    .push(Error::OutsideSection { key: shortened(name.get_ref()), place: place(name.span()) });
            }
            _ => {}
        }
    }
    Ok(config)
}

type Written<'a, 'i> = (&'a Spanned<DeString<'i>>, &'a Spanned<DeValue<'i>>);

/// The entries as they are written; a table sorts them by name.
fn in_order<'a, 'i>(table: &'a DeTable<'i>) -> Vec<Written<'a, 'i>> {
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    entries
}

/// The assignments of a table, whose keys go on from `prefix`.
fn collect(
    assignments: &mut Vec<Assignment>,
    section: &str,
    prefix: &str,
    table: &DeTable<'_>,
    place: &impl Fn(Range<usize>) -> Place,
    is_group: &impl Fn(&str, &str) -> bool,
) {
    for (name, value) in in_order(table) {
        let key = format!("{prefix}{}", name.get_ref());
        match value.get_ref() {
            DeValue::Table(inner) if is_group(section, &key) => {
                collect(assignments, section, &format!("{key}."), inner, place, is_group);
            }
            other => assignments.push(Assignment {
                section: section.to_owned(),
                key,
                value: text::from_toml(other),
                key_place: place(name.span()),
                // The table of a `[header]` has no place of its own.
                value_place: place(if value.span().is_empty() { name.span() } else { value.span() }),
            }),
        }
    }
}

/// The assignments of a configuration as pairs of `section.key` and value, whether or not anything is registered by these
/// names: for comparing configurations of several versions.
///
/// # Errors
/// [`Error::TooLarge`], [`Error::MalformedToml`], [`Error::FormatVersion`], [`Error::OutsideSection`], or several.
pub fn assignments(text: &str, layer: impl Into<Layer>) -> Result<Vec<(String, Value)>, Error> {
    let layer = layer.into();
    check_size(text, &layer)?;
    let config = read(text, &layer, |_, _| false)?;
    Error::all(config.problems)?;
    let named = config
        .assignments
        .into_iter()
        .filter_map(|assignment| Some((format!("{}.{}", assignment.section, assignment.key), assignment.value.ok()?)));
    Ok(named.collect())
}

/// Refuses what is too large to be a configuration.
pub(crate) fn check_size(text: &str, layer: &Layer) -> Result<(), Error> {
    if text.len() as u64 > SIZE_LIMIT_BYTES {
        return Err(Error::TooLarge { layer: layer.clone(), limit_bytes: SIZE_LIMIT_BYTES });
    }
    Ok(())
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
            if entry.value != *entry.default && !entry.field.secret {
                facts.push_str(&format!("; default {}", entry.default.to_toml()));
            }
            comment(&mut out, &facts);
            if entry.field.secret {
                comment(&mut out, &format!("{} is secret and not written here", entry.key));
            } else {
                out.push_str(&format!("{} = {}\n", entry.key, entry.value.to_toml()));
            }
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
                    for datum in &option.data {
                        let default = datum.default.to_toml();
                        let doc = format!("    {} = {default}: {} ({})", datum.key, datum.doc, datum.constraint());
                        comment(&mut out, &doc);
                    }
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
