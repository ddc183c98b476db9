//! `dodge params`

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use anyhow::{Context, Result};
use dodge_hparams::{Entry, Layer, Registry, SIZE_LIMIT_BYTES};

use crate::arguments::{ParamsArguments, ParamsCommand};
use crate::failure::usage;
use crate::sections::registry;
use crate::surroundings::Surroundings;
use crate::{command, configuration, runs, text};

/// Runs the command.
pub(crate) fn run(arguments: &ParamsArguments, surroundings: &Surroundings) -> Result<()> {
    let text = match &arguments.command {
        ParamsCommand::List(layers) => {
            let registry = configuration::layered(layers, &surroundings.hyperparameters)?;
            registry.validate()?;
            list(&registry)
        }
        ParamsCommand::Show { name, hyperparameters } => {
            show(&configuration::layered(hyperparameters, &surroundings.hyperparameters)?, name.as_deref())?
        }
        ParamsCommand::Schema => format!("{}\n", registry()?.json_schema()),
        ParamsCommand::Template => registry()?.template(),
        ParamsCommand::Diff { left, right } => {
            let volume = surroundings.volume();
            diff(left, &values(left, &volume)?, right, &values(right, &volume)?)
        }
    };
    command::print(&text)
}

fn list(registry: &Registry) -> String {
    let mut text = String::new();
    for entry in registry.entries() {
        let name = format!("{}.{}", entry.section, entry.key);
        let _ = writeln!(text, "{name:36} {:28} {}", shortened(&entry.shown()), entry.layer);
    }
    text
}

fn show(registry: &Registry, name: Option<&str>) -> Result<String> {
    let wanted = |entry: &Entry<'_>| {
        let full = format!("{}.{}", entry.section, entry.key);
        name.is_none_or(|name| name == full || name == entry.section || full.starts_with(&format!("{name}.")))
    };
    let text: String = registry.entries().filter(wanted).map(|entry| in_full(&entry)).collect();
    if text.is_empty() {
        let name = name.unwrap_or_default();
        return Err(usage(format!("there is no section or hyperparameter `{name}`: `dodge params list` shows all")));
    }
    Ok(text)
}

fn in_full(entry: &Entry<'_>) -> String {
    let field = entry.field;
    let mut text = format!("{}.{} = {}\n", entry.section, field.key, entry.shown());
    let _ = writeln!(text, "    {}", field.doc.replace('\n', "\n    "));
    let constraint = field.constraint();
    if !constraint.is_empty() {
        let _ = writeln!(text, "    accepted: {constraint}");
    }
    for option in field.kind.options().into_iter().flatten() {
        let _ = writeln!(text, "      {}: {}", option.name, option.doc);
        for datum in &option.data {
            let _ = writeln!(text, "        {} = {}: {} ({})", datum.key, datum.default, datum.doc, datum.constraint());
        }
    }
    let _ = writeln!(text, "    default: {}; this value: {}\n", field.default, entry.layer);
    text
}

/// What the configuration of a run, or the one in a file, sets. It is read as it is, so that runs of other versions, with
/// other hyperparameters, can be compared too.
fn values(run: &Path, volume: &Path) -> Result<BTreeMap<String, String>> {
    let path = if run.is_file() { run.to_owned() } else { runs::folder(run, volume)?.join("configuration.toml") };
    let text =
        text::read(&path, SIZE_LIMIT_BYTES + 1).with_context(|| format!("cannot read {}", text::shown(&path)))?;
    let values = dodge_hparams::assignments(&text, Layer::File(path))?;
    Ok(values.into_iter().map(|(name, value)| (name, value.to_string())).collect())
}

fn diff(
    left_name: &Path,
    left: &BTreeMap<String, String>,
    right_name: &Path,
    right: &BTreeMap<String, String>,
) -> String {
    let names: Vec<&String> = left.keys().chain(right.keys().filter(|name| !left.contains_key(*name))).collect();
    let unset = "-".to_owned();
    let mut text = String::new();
    for name in &names {
        let (left, right) = (left.get(*name).unwrap_or(&unset), right.get(*name).unwrap_or(&unset));
        if left != right {
            let _ = writeln!(text, "{name:36} {:28} {right}", shortened(left));
        }
    }
    if text.is_empty() {
        return format!("the {} values are equal\n", names.len());
    }
    let (left, right) = (text::shown(left_name), text::shown(right_name));
    format!("{:36} {:28} {right}\n{text}", "", shortened(&left))
}

fn shortened(text: &str) -> String {
    const MOST: usize = 28;
    if text.chars().count() <= MOST { text.to_owned() } else { text.chars().take(MOST - 3).collect::<String>() + "..." }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What people read of the whole registry: a change of a hyperparameter shows here, in review.
    #[test]
    fn the_whole_registry() {
        let registry = registry().unwrap();
        insta::assert_snapshot!("list", list(&registry));
        insta::assert_snapshot!("show", show(&registry, None).unwrap());
        insta::assert_snapshot!("schema", registry.json_schema());
        insta::assert_snapshot!("template", registry.template());
    }

    #[test]
    fn differences_are_told_of_what_both_or_one_set() {
        let values = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        let left = values(&[("ppo.discount", "0.9"), ("ppo.epochs", "6"), ("ppo.old", "1")]);
        let right = values(&[("ppo.discount", "0.97"), ("ppo.epochs", "6"), ("ppo.new", "2")]);
        insta::assert_snapshot!(diff(Path::new("a"), &left, Path::new("b"), &right), @"
                                             a                            b
        ppo.discount                         0.9                          0.97
        ppo.old                              1                            -
        ppo.new                              -                            2
        ");
        assert_eq!(diff(Path::new("a"), &left, Path::new("a"), &left), "the 3 values are equal\n");
    }
}
