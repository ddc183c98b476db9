//! Files and folders that are there whole or not at all, also after a loss of power.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use crate::error::{Error, file_error};

/// How names end of what is not whole yet.
pub(crate) const PART: &str = ".part";

/// Writes a file whole or not at all: under another name beside it, synchronised with the disk, then renamed.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let write = |source| file_error("write", path, source);
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut options = tempfile::Builder::new();
    options.prefix(".").suffix(PART);
    #[cfg(unix)]
    options.permissions(unix_mode(0o666));
    let mut file = options.tempfile_in(folder).map_err(write)?;
    file.write_all(bytes).and_then(|()| file.as_file().sync_all()).map_err(write)?;
    file.persist(path).map_err(|error| write(error.error))?;
    synchronise_folder(folder).map_err(write)
}

/// A folder to be filled, in the folder of its final place; it goes away where it is not kept.
pub(crate) fn part_folder(parent: &Path, prefix: &str) -> std::io::Result<tempfile::TempDir> {
    let mut options = tempfile::Builder::new();
    options.prefix(prefix).suffix(PART);
    #[cfg(unix)]
    options.permissions(unix_mode(0o777));
    options.tempdir_in(parent)
}

/// Temporary files are for the user alone by default; a result may be read by whom the umask allows, which still applies.
#[cfg(unix)]
fn unix_mode(mode: u32) -> fs::Permissions {
    std::os::unix::fs::PermissionsExt::from_mode(mode)
}

/// Gives a folder whose content is on the disk its final name, and makes sure that it keeps it.
pub(crate) fn rename_folder(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::rename(from, to)?;
    to.parent().map_or(Ok(()), synchronise_folder)
}

/// Waits until the names in a folder are on the disk. Systems other than Unix cannot open folders, and need not.
pub(crate) fn synchronise_folder(folder: &Path) -> std::io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}
