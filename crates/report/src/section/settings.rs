//! What was trained on what, and how.

use std::fmt::Write;

use crate::html::{Table, escaped, folded, name};
use crate::record::Record;
use crate::section::Section;
use crate::words;

/// How the run was set.
pub(crate) fn section(record: &Record) -> Option<Section> {
    let mut facts: Vec<(String, String)> = Vec::new();
    if let Some(photos) = &record.photos {
        facts.push(("photos".to_owned(), name(&photos.source)));
        if let Some([train, validation, test]) = photos.splits {
            let [train, validation, test] = [train, validation, test].map(|photos| words::count(photos as u64));
            let splits = format!("{train} to learn from, {validation} to choose the model by, {test} to test on");
            facts.push(("of these".to_owned(), splits));
        }
    }
    if let Some(results) = &record.results {
        facts.extend(results.damage.as_ref().map(|damage| ("damage".to_owned(), escaped(damage))));
        facts.extend(results.steps.map(|steps| ("environment steps".to_owned(), words::count(steps))));
        facts.extend(results.wall_seconds.map(|seconds| ("took".to_owned(), words::duration(Some(seconds)))));
    }
    facts.extend(record.settings.iter().map(|(name, value)| (name.clone(), escaped(value))));
    if facts.is_empty() {
        return None;
    }
    let mut html = String::from("<dl class=\"facts\">\n");
    for (name, value) in facts {
        let _ = writeln!(html, "<div><dt>{}</dt><dd>{value}</dd></div>", escaped(&name));
    }
    html.push_str("</dl>\n");
    if !record.hyperparameters.is_empty() {
        let rows = record.hyperparameters.iter().map(|(name, value)| vec![name.clone(), value.clone()]).collect();
        let table = Table { caption: "Hyperparameters", columns: &["name", "value"], rows, marked: None };
        html.push_str(&folded("All hyperparameters", &table.html()));
    }
    Some(Section { anchor: "settings", title: "What was trained on what", html })
}
