//! `dodge datasets`

use std::fmt::Write;

use anyhow::Result;
use dodge_data::{Extracted, Fetched, Fetcher};
use serde_json::{Value, json};

use crate::arguments::{DatasetsArguments, DatasetsCommand, RegistryArguments};
use crate::fetching::{self, Display};
use crate::surroundings::Surroundings;
use crate::{command, interruption, progress, text};

/// Entries of an archive that were left out, told one by one; the others are counted.
const TOLD: usize = 5;

/// Runs the command.
pub(crate) fn run(arguments: &DatasetsArguments, surroundings: &Surroundings) -> Result<()> {
    match &arguments.command {
        DatasetsCommand::List(arguments) => list(arguments, surroundings),
        DatasetsCommand::Fetch { id, registry } => {
            one(id, registry, surroundings, |fetcher, display| fetcher.fetch(id, display))
        }
        DatasetsCommand::Verify { id, registry } => {
            one(id, registry, surroundings, |fetcher, display| fetcher.verify(id, display))
        }
    }
}

fn list(arguments: &RegistryArguments, surroundings: &Surroundings) -> Result<()> {
    let registry = fetching::registry(arguments.registry.as_deref(), surroundings)?;
    let fetcher = Fetcher::new(surroundings.volume(), registry)?;
    let (mut text, mut objects) = (String::new(), Vec::new());
    for entry in fetcher.registry().entries() {
        let here = fetcher.is_there(&entry.id)?;
        let _ = writeln!(text, "{:24} {:5} {}", entry.id, if here { "here" } else { "-" }, entry.description);
        let _ = writeln!(text, "{:30} from {}; {}", "", entry.source, or_unknown(&entry.licence));
        objects.push(json!({
            "id": entry.id,
            "here": here,
            "images": text::lossy(&fetcher.images(&entry.id)?),
            "source": entry.source.to_string(),
            "description": entry.description,
            "licence": entry.licence,
            "content_hash": entry.content_hash.map(|hash| hash.to_string()),
            "directory_hash": entry.directory_hash.map(|hash| hash.to_string()),
            "defined_in": entry.defined_in,
        }));
    }
    if arguments.json { command::print_json(&json!({ "datasets": objects })) } else { command::print(&text) }
}

fn or_unknown(licence: &str) -> &str {
    if licence.is_empty() { "no licence is known" } else { licence }
}

fn one(
    id: &str,
    arguments: &RegistryArguments,
    surroundings: &Surroundings,
    work: impl Fn(&Fetcher, &Display) -> Result<Fetched, dodge_data::Error>,
) -> Result<()> {
    let fetcher = fetching::fetcher(arguments.registry.as_deref(), id, surroundings)?;
    let display = Display::new(progress::display(surroundings), interruption::stop_on_ctrl_c()?);
    let fetched = work(&fetcher, &display);
    display.end();
    let fetched = fetched?;
    if let Some(extracted) = &fetched.extracted {
        warn_of_what_was_left_out(extracted);
    }
    if arguments.json { command::print_json(&object(&fetched)) } else { command::print(&in_words(&fetched)) }
}

fn warn_of_what_was_left_out(extracted: &Extracted) {
    for entry in extracted.skipped.iter().take(TOLD) {
        tracing::warn!("left out {}: {}", entry.name, entry.reason);
    }
    let more = extracted.skipped_count.saturating_sub(TOLD as u64);
    if more > 0 {
        tracing::warn!("left out {more} more entries of the archive");
    }
}

fn object(fetched: &Fetched) -> Value {
    json!({
        "id": fetched.id,
        "images": text::lossy(&fetched.images),
        "files": fetched.digest.files,
        "bytes": fetched.digest.bytes,
        "content_hash": fetched.digest.content_hash.to_string(),
        "directory_hash": fetched.digest.directory_hash.to_string(),
        "verified": fetched.verified,
        "fetched_now": fetched.extracted.is_some(),
        "left_out": fetched.extracted.as_ref().map_or(0, |extracted| extracted.skipped_count),
    })
}

fn in_words(fetched: &Fetched) -> String {
    let digest = &fetched.digest;
    let megabytes = digest.bytes as f64 / 1e6;
    let verdict = if fetched.verified {
        "verified: the hash is that of the list of datasets"
    } else {
        "not verified: the list of datasets has no hash; put content_hash into yours"
    };
    format!(
        "{}: {} files, {megabytes:.1} MB\nfolder:         {}\ncontent_hash:   {}\ndirectory_hash: {}\n{verdict}\n",
        fetched.id,
        digest.files,
        text::shown(&fetched.images),
        digest.content_hash,
        digest.directory_hash,
    )
}
