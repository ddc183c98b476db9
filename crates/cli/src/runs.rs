//! Finding runs by what users call them.

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::failure::usage;

/// The folder of a run: the path itself, or the folder below the volume whose name is the run's name or ends in
/// the first digits of its id.
pub(crate) fn folder(run: &Path, volume: &Path) -> Result<PathBuf> {
    if run.is_dir() {
        return Ok(run.to_owned());
    }
    let name = run.to_string_lossy().into_owned();
    let id = name.get(..8).filter(|_| name.len() == 32).map(|digits| format!("-{digits}"));
    let mut found = Vec::new();
    for experiment in folders(&volume.join("runs")) {
        for folder in folders(&experiment) {
            let folder_name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if folder_name == name || id.as_ref().is_some_and(|id| folder_name.ends_with(id)) {
                found.push(folder);
            }
        }
    }
    match &found[..] {
        [folder] => Ok(folder.clone()),
        [] => Err(usage(format!("no run is called {name} below {}: give its folder", volume.join("runs").display()))),
        _ => Err(usage(format!("{} runs are called {name}: give the folder of one", found.len()))),
    }
}

fn folders(parent: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(parent).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).filter(|path| path.is_dir()).collect()
}
