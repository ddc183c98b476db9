//! Files and folders that are there whole or not at all, also after a loss of power.

use std::fs;
use std::path::Path;

use dodge_imaging::synchronise_folder;

use crate::error::{Error, file_error};

/// How names end of what is not whole yet.
pub(crate) const PART: &str = ".part";

/// Writes a file whole or not at all.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    dodge_imaging::write_whole(path, bytes).map_err(|source| file_error("write", path, source))
}

/// A folder to be filled, in the folder of its final place; it goes away where it is not kept.
pub(crate) fn part_folder(parent: &Path, prefix: &str) -> std::io::Result<tempfile::TempDir> {
    let mut options = tempfile::Builder::new();
    options.prefix(prefix).suffix(PART);
    #[cfg(unix)]
    // Those of tempfile are for the user alone; the umask still takes away what it shall.
    options.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o777));
    options.tempdir_in(parent)
}

/// Gives a folder whose content is on the disk its final name, and makes sure that it keeps it.
pub(crate) fn rename_folder(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::rename(from, to)?;
    to.parent().map_or(Ok(()), synchronise_folder)
}
