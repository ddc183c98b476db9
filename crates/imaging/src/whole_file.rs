//! Files that are there whole or not at all, also after a loss of power.
//!
//! It belongs here because pictures and recipes are the lowest files that are written, and who writes others can use it.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use tempfile::NamedTempFile;

/// Writes a file whole or not at all, in place of a file that has its name: under a name of its own beside its place, so that two
/// processes never write into each other's, and on the disk before it gets its name.
///
/// # Errors
/// That of the file system; nothing is left behind then, and a file that was there stays.
pub fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = temporary_beside(path)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    synchronise_folder(folder_of(path))
}

/// A file without content, to be written and then persisted as `path`; it goes away where it is not. Its name is short whatever that of
/// `path` is, and its permissions are those of any file that is created.
///
/// # Errors
/// That of the file system.
pub fn temporary_beside(path: &Path) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".").suffix(".part");
    // Those of tempfile are for the user alone; the umask still takes away what it shall.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(folder_of(path))
}

/// Waits until the names in a folder are on the disk. Systems other than Unix cannot open folders, and some network file systems cannot
/// force them out; there is nothing better to do there.
///
/// # Errors
/// That of the file system.
pub fn synchronise_folder(folder: &Path) -> io::Result<()> {
    if cfg!(not(unix)) {
        return Ok(());
    }
    match File::open(folder)?.sync_all() {
        Err(error) if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => Ok(()),
        done => done,
    }
}

/// The folder that a file lies in.
#[must_use]
pub fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_file_is_replaced_and_nothing_else_left_or_touched() {
        let folder = tempfile::tempdir().unwrap();
        // As long as a name may be; and what a temporary file might be called by whoever has no imagination.
        let path = folder.path().join(format!("{}.json", "n".repeat(250)));
        let bystander = path.with_extension("part");
        fs::write(&bystander, "somebody's").unwrap();
        for value in ["1", "2"] {
            write_whole(&path, value.as_bytes()).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), value);
        }
        assert_eq!(fs::read_to_string(&bystander).unwrap(), "somebody's");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
            assert_eq!(mode(&path), mode(&bystander), "readable for whom the umask allows");
        }
    }

    #[test]
    fn what_cannot_be_written_leaves_nothing_and_takes_nothing_away() {
        let folder = tempfile::tempdir().unwrap();
        assert!(write_whole(&folder.path().join("none/a"), b"1").is_err());
        let taken = folder.path().join("taken");
        fs::create_dir_all(taken.join("inside")).unwrap();
        assert!(write_whole(&taken, b"1").is_err(), "a folder is no file to replace");
        assert!(taken.join("inside").is_dir());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
