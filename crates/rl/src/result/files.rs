//! Writing results: whole or not at all, and never over a file that is no result of the same work.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use dodge_imaging::{folder_of, synchronise_folder, temporary_beside};

use crate::error::Error;

/// Whether a file that is there already, and holds something else, is replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// It stays, and the work fails.
    Keep,
    /// It is replaced: the user said so, or it is known to be a result of the same work.
    Replace,
}

/// What became of the files of a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// They were written.
    Now,
    /// All of them were there already, the same to the byte.
    Before,
}

/// Writes the files of one result, each whole or not at all, and none where one of them would replace something else.
///
/// # Errors
/// [`Error::InTheWay`] where something else is there, [`Error::File`] where it cannot be written.
pub fn write_results(files: &[(PathBuf, Vec<u8>)], existing: Existing) -> Result<Written, Error> {
    let mut missing = Vec::new();
    for (path, bytes) in files {
        match fs::symlink_metadata(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => missing.push((path, bytes)),
            Ok(metadata) if metadata.len() == bytes.len() as u64 && fs::read(path).is_ok_and(|it| it == *bytes) => {}
            // What cannot be looked at is not ours either.
            Ok(_) | Err(_) if existing == Existing::Keep => return Err(Error::InTheWay { path: path.clone() }),
            Ok(_) | Err(_) => missing.push((path, bytes)),
        }
    }
    for (index, (path, bytes)) in missing.iter().enumerate() {
        if let Err(error) = write_whole(path, bytes, existing) {
            // Half a result would be in the way of the next try. What replaced something stays: it is whole, too.
            if existing == Existing::Keep {
                for (path, _) in &missing[..index] {
                    let _ = fs::remove_file(path);
                }
            }
            return Err(error);
        }
    }
    Ok(if missing.is_empty() { Written::Before } else { Written::Now })
}

/// Writes a file whole or not at all: under a temporary name beside its place, onto the disk, and then under its own name. With
/// [`Existing::Keep`], a file that appears meanwhile stays as well.
fn write_whole(path: &Path, bytes: &[u8], existing: Existing) -> Result<(), Error> {
    let folder = folder_of(path);
    let failed = |action, path: &Path| {
        let path = path.to_owned();
        move |source| Error::File { action, path, source }
    };
    fs::create_dir_all(folder).map_err(failed("create the folder", folder))?;
    let mut temporary = temporary_beside(path).map_err(failed("write", path))?;
    let on_disk = temporary.write_all(bytes).and_then(|()| temporary.as_file().sync_all());
    on_disk.map_err(failed("write", path))?;
    let named = match existing {
        Existing::Replace => temporary.persist(path).map_err(|error| error.error),
        Existing::Keep => match temporary.persist_noclobber(path) {
            Err(error) if error.error.kind() == ErrorKind::AlreadyExists => {
                return Err(Error::InTheWay { path: path.to_owned() });
            }
            // File systems such as those of memory cards can neither link nor refuse a rename: the name is reserved first.
            Err(error) => match OpenOptions::new().write(true).create_new(true).open(path) {
                Err(taken) if taken.kind() == ErrorKind::AlreadyExists => {
                    return Err(Error::InTheWay { path: path.to_owned() });
                }
                Err(failed) => Err(failed),
                Ok(_reserved) => error.file.persist(path).map_err(|error| {
                    let _ = fs::remove_file(path);
                    error.error
                }),
            },
            Ok(file) => Ok(file),
        },
    };
    named.map_err(failed("write", path))?;
    // The file itself is there, and on the disk already.
    let _ = synchronise_folder(folder);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_stays_unless_it_is_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, bytes: &[u8]| (folder.path().join(name), bytes.to_owned());
        let read = |name: &str| fs::read(folder.path().join(name)).unwrap();
        let result = [file("new/a", b"1"), file("b", b"2")];
        assert_eq!(write_results(&result, Existing::Keep).unwrap(), Written::Now);
        assert_eq!(write_results(&result, Existing::Keep).unwrap(), Written::Before);
        // Neither the first nor the second file of another result is written.
        let other = [file("c", b"3"), file("b", b"4")];
        assert!(write_results(&other, Existing::Keep).unwrap_err().to_string().contains("no result of the same work"));
        assert!(!folder.path().join("c").exists());
        assert_eq!(read("b"), b"2");
        // Of a result of which a part is missing, that part is written.
        fs::remove_file(folder.path().join("b")).unwrap();
        assert_eq!(write_results(&result, Existing::Keep).unwrap(), Written::Now);
        assert_eq!(write_results(&other, Existing::Replace).unwrap(), Written::Now);
        assert_eq!(read("b"), b"4");
        let left = fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(left, 3, "no temporary file is left");
    }

    #[test]
    fn a_file_that_appears_in_the_last_moment_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        fs::write(&path, b"theirs").unwrap();
        assert!(write_whole(&path, b"ours", Existing::Keep).is_err());
        assert_eq!(fs::read(&path).unwrap(), b"theirs");
    }
}
