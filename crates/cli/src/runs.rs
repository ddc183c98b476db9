//! Finding runs by what users call them, the same in every command: a name, an id or the first digits of it, a folder.

use std::fmt::Write;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::Result;
use dodge_tracking::{Destination, RunQuery, SystemClock, Tracking, TrackingOptions};

use crate::failure::usage;
use crate::text;

/// The fewest digits of an id that name a run.
const FEWEST_DIGITS: usize = 4;
/// Digits of an id that tell runs apart, and that end the name of a run's folder.
const DIGITS: usize = 8;
/// Digits of a whole id.
const ALL_DIGITS: usize = 32;
/// The file in a run's folder that holds the id of its tracked run.
const ID_FILE: &str = "tracked-run-id";
/// The tag of a run whose folder is not below the volume.
pub(crate) const FOLDER_TAG: &str = "dodge.run_dir";
/// Candidates that are told where a name means several runs.
const TOLD: usize = 10;

/// A run as far as it is known here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KnownRun {
    /// Its id, where it has one.
    pub(crate) id: Option<String>,
    /// The name that it was given.
    pub(crate) name: Option<String>,
    /// Its folder on this machine.
    pub(crate) folder: Option<PathBuf>,
}

/// The folder of a run: of what is a folder already, or of what is recorded here under a name or an id.
pub(crate) fn folder(run: &Path, volume: &Path) -> Result<PathBuf> {
    if run.is_dir() {
        return Ok(run.to_owned());
    }
    let mut runs = below(volume);
    if let Some(tracking) = local_store(volume) {
        add_records(&mut runs, &tracking)?;
    }
    runs.retain(|run| run.folder.as_deref().is_some_and(Path::is_dir));
    let found = one_of(run, &runs)?;
    Ok(found.folder.clone().unwrap_or_default())
}

/// The id of a run that `tracking` holds.
pub(crate) fn id(run: &Path, tracking: &Tracking, volume: &Path) -> Result<String> {
    if let Some(id) = id_in(run) {
        return Ok(id);
    }
    if let Some(id) = run.to_str().filter(|id| id.len() == ALL_DIGITS && are_digits(id)) {
        return Ok(id.to_lowercase());
    }
    let mut runs = Vec::new();
    add_records(&mut runs, tracking)?;
    // A folder's name is no other name of the run than this: its own, made fit for a file system, and digits of its id.
    for known in below(volume) {
        if let Some(run) = runs.iter_mut().find(|run| run.id.is_some() && run.id == known.id) {
            run.folder = known.folder;
        }
    }
    let found = one_of(run, &runs)?;
    Ok(found.id.clone().unwrap_or_default())
}

/// The runs with a folder below the volume.
fn below(volume: &Path) -> Vec<KnownRun> {
    let mut runs = Vec::new();
    for experiment in folders(&volume.join("runs")) {
        for folder in folders(&experiment) {
            runs.push(KnownRun { id: id_in(&folder), name: None, folder: Some(folder) });
        }
    }
    runs
}

/// The folders of all runs that are known here: below the volume, of its studies, and elsewhere where the store of this machine has
/// their names.
pub(crate) fn all_folders(volume: &Path) -> Result<Vec<PathBuf>> {
    let mut runs = below(volume);
    if let Some(tracking) = local_store(volume) {
        add_records(&mut runs, &tracking)?;
    }
    let mut all: Vec<PathBuf> = runs.into_iter().filter_map(|run| run.folder).collect();
    for study in folders(&volume.join("studies")) {
        all.extend(folders(&study.join("trials")));
    }
    all.sort();
    all.dedup();
    Ok(all)
}

/// Adds what is recorded: names, and runs whose folder is elsewhere.
fn add_records(runs: &mut Vec<KnownRun>, tracking: &Tracking) -> Result<()> {
    for record in tracking.search_runs(&RunQuery::default().with_limit(usize::MAX))? {
        let folder =
            record.tags.iter().find(|(key, _)| key.as_str() == FOLDER_TAG).map(|(_, value)| PathBuf::from(value));
        let (id, name) = (Some(record.run_id), Some(record.run_name));
        match runs.iter_mut().find(|run| run.id == id) {
            Some(run) => run.name = name,
            None => runs.push(KnownRun { id, name, folder }),
        }
    }
    Ok(())
}

/// The store of this machine, where there is one that can be read.
fn local_store(volume: &Path) -> Option<Tracking> {
    let folder = volume.join("tracking");
    if !folder.join("mlflow.db").exists() {
        return None;
    }
    let options = TrackingOptions::new(Destination::Local, folder, std::sync::Arc::new(SystemClock));
    // Folders can be found without it.
    Tracking::open(options).inspect_err(|error| tracing::warn!("names of runs are not known: {error}")).ok()
}

/// The one run that is called so.
fn one_of<'a>(called: &Path, runs: &'a [KnownRun]) -> Result<&'a KnownRun> {
    let found: Vec<&KnownRun> = runs.iter().filter(|run| run.is_called(called)).collect();
    let called = text::shown(called);
    match &found[..] {
        [run] => Ok(run),
        [] => Err(usage(format!(
            "no run is called {called} and no id begins so: `dodge runs list` shows those that are recorded; or give a folder"
        ))),
        several => {
            let mut message =
                format!("{} runs are called {called}: give the first digits of an id, or a folder:", found.len());
            for run in several.iter().take(TOLD) {
                let _ = write!(message, " {};", run.in_words());
            }
            let more = several.len().saturating_sub(TOLD);
            let message =
                if more > 0 { format!("{message} and {more} more") } else { message.trim_end_matches(';').to_owned() };
            Err(usage(message))
        }
    }
}

impl KnownRun {
    fn is_called(&self, called: &Path) -> bool {
        let folder = self.folder.as_deref().and_then(Path::file_name);
        let Some(called) = called.to_str() else { return folder == Some(called.as_os_str()) };
        let folder = folder.and_then(|name| name.to_str()).unwrap_or_default();
        let digits = called.to_lowercase();
        let by_digits = (FEWEST_DIGITS..=ALL_DIGITS).contains(&digits.len())
            && are_digits(&digits)
            && match &self.id {
                Some(id) => id.starts_with(&digits),
                // Recorded nowhere: the folder's name ends in the first digits of the id.
                None => folder.rsplit_once('-').is_some_and(|(_, id)| id.len() == DIGITS && digits.starts_with(id)),
            };
        let own_name =
            || folder.rsplit_once('-').filter(|(_, id)| id.len() == DIGITS && are_digits(id)).map(|(name, _)| name);
        by_digits
            || folder == called
            || self.name.as_deref() == Some(called)
            // Without a record of the name, the one that the folder shows.
            || (self.name.is_none() && own_name() == Some(&*dodge_rl::folder_name(called)))
    }

    fn in_words(&self) -> String {
        let id = self.id.as_deref().map(|id| id.get(..DIGITS).unwrap_or(id));
        let name = self.name.as_ref().map(|name| format!("`{name}`"));
        let folder = self.folder.as_ref().map(|folder| text::shown(folder).into_owned());
        let words: Vec<String> = [id.map(str::to_owned), name, folder].into_iter().flatten().collect();
        words.join(" ")
    }
}

/// The id that a run's folder names.
pub(crate) fn id_in(folder: &Path) -> Option<String> {
    let mut id = String::new();
    fs::File::open(folder.join(ID_FILE)).ok()?.take(1000).read_to_string(&mut id).ok()?;
    Some(id.trim().to_owned()).filter(|id| id.len() == ALL_DIGITS && are_digits(id))
}

fn are_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn folders(parent: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(parent).into_iter().flatten().flatten();
    let mut folders: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
    folders.sort();
    folders
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(id: Option<&str>, name: Option<&str>, folder: &str) -> KnownRun {
        KnownRun { id: id.map(str::to_owned), name: name.map(str::to_owned), folder: Some(PathBuf::from(folder)) }
    }

    #[test]
    fn a_run_has_several_names() {
        let id = "0123abcd0123abcd0123abcd0123abcd";
        let recorded = run(Some(id), Some("my first"), "volume/runs/dodge/my_first-0123abcd");
        for name in ["my first", "my_first-0123abcd", "0123", "0123ABCD", id] {
            assert!(recorded.is_called(Path::new(name)), "{name}");
        }
        for name in ["my", "my_first", "012", "1234", "", "my first "] {
            assert!(!recorded.is_called(Path::new(name)), "{name}");
        }
        let folder_only = run(None, None, "volume/runs/dodge/my_first-0123abcd");
        for name in ["my first", "my_first", "my_first-0123abcd", "0123abcd", id] {
            assert!(folder_only.is_called(Path::new(name)), "{name}");
        }
    }

    #[test]
    fn a_name_of_several_runs_is_told_with_all_of_them() {
        let runs = [
            run(Some("0123abcd0123abcd0123abcd0123abcd"), Some("same"), "a"),
            run(Some("4567abcd0123abcd0123abcd0123abcd"), Some("same"), "b"),
        ];
        let error = one_of(Path::new("same"), &runs).unwrap_err().to_string();
        assert!(
            error.contains("2 runs are called same") && error.ends_with("0123abcd `same` a; 4567abcd `same` b"),
            "{error}"
        );
        assert_eq!(one_of(Path::new("4567"), &runs).unwrap(), &runs[1]);
    }
}
