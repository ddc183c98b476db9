//! Where results go, and how they are written: whole or not at all, and never over a file that is no result of the same work.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use dodge_rl::Error;
pub(crate) use dodge_rl::{Existing, Written};

use crate::input::Input;
use crate::text;

/// What `--overwrite` says.
pub(crate) fn existing(overwrite: bool) -> Existing {
    if overwrite { Existing::Replace } else { Existing::Keep }
}

/// A place below `folder` for the result of each input, see [`dodge_rl::result_places`].
pub(crate) fn places(inputs: &[Input], folder: &Path, companions: &[&str]) -> Result<Vec<PathBuf>> {
    dodge_rl::result_places(inputs, folder, companions).map_err(|error| match error {
        Error::ResultIsInput { path } => {
            let result = text::shown(&path);
            anyhow!("a result would take the place of the input {result}: choose another folder with -o")
        }
        other => other.into(),
    })
}

/// SHA-256 in hexadecimal digits.
pub(crate) fn hash(bytes: &[u8]) -> String {
    dodge_data::FileHash::of(bytes).to_string()
}

/// Writes the files of one result, each whole or not at all, and none where one of them would replace something else.
pub(crate) fn write_all(files: &[(PathBuf, Vec<u8>)], existing: Existing) -> Result<Written> {
    match dodge_rl::write_results(files, existing) {
        Ok(written) => Ok(written),
        Err(Error::InTheWay { path }) => Err(in_the_way(&path)),
        // The path as a shell reads it, and the system's reason where hints look for it.
        Err(Error::File { action, path, source }) => {
            Err(source).with_context(|| format!("cannot {action} {}", text::shown(&path)))
        }
        Err(other) => Err(other.into()),
    }
}

/// The refusal to replace what is no result of the same work.
pub(crate) fn in_the_way(path: &Path) -> anyhow::Error {
    anyhow!(
        "{} is there already and is no result of the same work: choose another place for the result, or replace it with --overwrite",
        text::shown(path)
    )
}
