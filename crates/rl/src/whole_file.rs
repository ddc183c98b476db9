//! Files that are there whole or not at all.

use std::path::Path;

use crate::error::Error;

/// Writes a file whole or not at all.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    dodge_imaging::write_whole(path, bytes).map_err(|source| Error::File {
        action: "write",
        path: path.to_owned(),
        source,
    })
}
