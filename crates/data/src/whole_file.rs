//! Files and folders that are there whole or not at all, also after a power cut: the one way in which this crate puts something in its
//! place.

#[cfg(feature = "fetch")]
use std::fs;
use std::path::Path;

use dodge_imaging::write_whole;
#[cfg(feature = "fetch")]
use dodge_imaging::{folder_of, synchronise_folder};
use serde::Serialize;

use crate::{Error, write_error};

/// Writes a value as JSON, whole or not at all.
pub(crate) fn write_json(path: &Path, value: &impl Serialize) -> Result<(), Error> {
    let text = serde_json::to_string_pretty(value).map_err(|source| write_error(path, source))?;
    write_whole(path, text.as_bytes()).map_err(|source| write_error(path, source))
}

/// Gives a file or a folder, whose content is on the disk, its name, in place of a file that has it.
#[cfg(feature = "fetch")]
pub(crate) fn put(from: &Path, to: &Path) -> Result<(), Error> {
    fs::rename(from, to).and_then(|()| synchronise_folder(folder_of(to))).map_err(|source| write_error(to, source))
}

/// Waits until a folder is on the disk, with all that is in it. `check` is asked before each file whether to go on.
#[cfg(feature = "fetch")]
pub(crate) fn settle(folder: &Path, check: &(dyn Fn() -> Result<(), Error> + Sync)) -> Result<(), Error> {
    use rayon::prelude::*;

    let (mut files, mut folders, mut next) = (Vec::new(), Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = next.pop() {
        let failed = |source| Error::Read { path: folder.clone(), source };
        for entry in fs::read_dir(&folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let kind = entry.file_type().map_err(failed)?;
            if kind.is_dir() {
                next.push(entry.path());
            } else if kind.is_file() {
                files.push(entry.path());
            }
        }
        folders.push(folder);
    }
    // Many at a time: a file system with a journal forces them out together.
    files.par_iter().try_for_each(|path| {
        check()?;
        // Windows forces out only what may be written.
        let open = fs::OpenOptions::new().read(true).write(cfg!(windows)).open(path);
        open.and_then(|file| file.sync_all()).map_err(|source| write_error(path, source))
    })?;
    folders.iter().try_for_each(|folder| synchronise_folder(folder).map_err(|source| write_error(folder, source)))
}

#[cfg(all(test, feature = "fetch"))]
mod tests {
    use super::*;

    #[test]
    fn a_value_that_has_no_place_is_told() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(write_json(&folder.path().join("none/a"), &1), Err(Error::Write { .. })));
    }

    #[test]
    fn a_folder_is_settled_and_put_in_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("from"), folder.path().join("to"));
        fs::create_dir_all(from.join("a/b")).unwrap();
        fs::write(from.join("a/b/c"), "c").unwrap();
        assert!(matches!(settle(&from, &|| Err(Error::Cancelled)), Err(Error::Cancelled)));
        settle(&from, &|| Ok(())).unwrap();
        put(&from, &to).unwrap();
        assert_eq!(fs::read_to_string(to.join("a/b/c")).unwrap(), "c");
        assert!(matches!(settle(&from, &|| Ok(())), Err(Error::Read { .. })));
        assert!(matches!(put(&from, &to), Err(Error::Write { .. })));
    }
}
