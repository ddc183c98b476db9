//! The files of a dataset's folder, in the order in which the directory hash takes them.

use std::fs;
use std::path::{Path, PathBuf};
#[cfg(feature = "fetch")]
use std::time::SystemTime;

use crate::Error;

/// A file below the root.
#[derive(Debug, Clone)]
pub(crate) struct FoundFile {
    /// Its path from the root.
    pub(crate) path: PathBuf,
    /// Its length in bytes.
    pub(crate) length: u64,
    /// When it was written last.
    #[cfg(feature = "fetch")]
    pub(crate) modified: SystemTime,
}

/// All regular files whose name does not begin with a dot, in folders of any name: a folder's own files by name, then
/// its folders by name. Links are passed over, to files and to folders alike.
///
/// # Errors
/// [`Error::Read`] for a folder or file that cannot be looked at: a hash must not quietly leave something out.
pub(crate) fn files(root: &Path) -> Result<Vec<FoundFile>, Error> {
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        let path = root.join(&folder);
        let failed = |source| Error::Read { path: path.clone(), source };
        let mut entries = fs::read_dir(&path).and_then(Iterator::collect::<Result<Vec<_>, _>>).map_err(failed)?;
        // The order of the bytes of UTF-8 is the order of the characters' numbers.
        entries.sort_by(|a, b| a.file_name().as_encoded_bytes().cmp(b.file_name().as_encoded_bytes()));
        let mut inside = Vec::new();
        for entry in entries {
            let failed = |source| Error::Read { path: entry.path(), source };
            let kind = entry.file_type().map_err(failed)?;
            let name = entry.file_name();
            if kind.is_dir() {
                inside.push(folder.join(name));
            } else if kind.is_file() && !name.as_encoded_bytes().starts_with(b".") {
                let metadata = entry.metadata().map_err(failed)?;
                found.push(FoundFile {
                    path: folder.join(name),
                    length: metadata.len(),
                    #[cfg(feature = "fetch")]
                    modified: metadata.modified().map_err(failed)?,
                });
            }
        }
        // Taken from the end.
        folders.extend(inside.into_iter().rev());
    }
    Ok(found)
}
