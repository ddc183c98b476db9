//! Whether the disk has room.

use std::path::Path;

use crate::Error;

/// Bytes that are free on the disk of a folder, or of the nearest one above it that exists; none where the system does not tell.
#[must_use]
pub fn free_space(folder: &Path) -> Option<u64> {
    let folder = std::path::absolute(folder).ok()?;
    let there = folder.ancestors().find(|folder| folder.exists())?;
    fs4::available_space(there).ok()
}

/// Makes sure that `needed` bytes fit on the disk of the folder `path` and `keep_free` stay free. Where the system does
/// not tell, this is no obstacle: a full disk is noticed when writing, too.
pub(crate) fn ensure(path: &Path, needed: u64, keep_free: u64) -> Result<(), Error> {
    let needed = needed.saturating_add(keep_free);
    match fs4::available_space(path) {
        Ok(available) if available < needed => Err(Error::NoSpace { path: path.to_owned(), needed, available }),
        _ => Ok(()),
    }
}
