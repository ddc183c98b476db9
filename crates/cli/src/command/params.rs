//! `dodge params`

use std::fmt::Write;

use anyhow::Result;
use dodge_hparams::Entry;

use crate::arguments::{ParamsArguments, ParamsCommand};
use crate::failure::usage;
use crate::{command, configuration};

/// Runs the command.
pub(crate) fn run(arguments: &ParamsArguments) -> Result<()> {
    match &arguments.command {
        ParamsCommand::List(layers) => {
            let registry = configuration::layered(layers)?;
            registry.validate()?;
            let mut text = String::new();
            for entry in registry.entries() {
                let name = format!("{}.{}", entry.section, entry.field.key);
                let _ = writeln!(text, "{name:36} {:28} {}", shortened(&entry.value.to_string()), entry.layer);
            }
            command::print(&text)
        }
        ParamsCommand::Show { name, hyperparameters } => {
            let registry = configuration::layered(hyperparameters)?;
            let wanted = |entry: &Entry<'_>| {
                let full = format!("{}.{}", entry.section, entry.field.key);
                name.as_ref().is_none_or(|name| *name == full || *name == entry.section)
            };
            let text: String = registry.entries().filter(wanted).map(|entry| in_full(&entry)).collect();
            if text.is_empty() {
                let name = name.as_deref().unwrap_or_default();
                return Err(usage(format!(
                    "there is no section or hyperparameter `{name}`: `dodge params list` shows all"
                )));
            }
            command::print(&text)
        }
        ParamsCommand::Schema => command::print(&format!("{}\n", configuration::registry()?.json_schema())),
        ParamsCommand::Template => command::print(&configuration::registry()?.template()),
    }
}

fn in_full(entry: &Entry<'_>) -> String {
    let field = entry.field;
    let mut text = format!("{}.{} = {}\n", entry.section, field.key, entry.value);
    let _ = writeln!(text, "    {}", field.doc);
    let constraint = field.constraint();
    if !constraint.is_empty() {
        let _ = writeln!(text, "    accepted: {constraint}");
    }
    let _ = writeln!(text, "    default: {}; this value: {}\n", field.default, entry.layer);
    text
}

fn shortened(text: &str) -> String {
    const MOST: usize = 28;
    if text.chars().count() <= MOST { text.to_owned() } else { text.chars().take(MOST - 3).collect::<String>() + "..." }
}
