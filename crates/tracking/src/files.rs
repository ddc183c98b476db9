//! Files that are there whole or not at all.

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use crate::{Error, record::Fingerprint};

/// Writes a file so that it is there whole or not at all.
pub(crate) fn write_atomic(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let temporary = temporary_beside(path);
    fs::write(&temporary, bytes)
        .and_then(|()| fs::rename(&temporary, path))
        .inspect_err(|_| {
            let _ = fs::remove_file(&temporary);
        })
        .map_err(Error::file("write", path))
}

/// Copies a file so that the copy is there whole or not at all, and says what is in it.
pub(crate) fn copy_atomic(from: &Path, to: &Path) -> Result<Fingerprint, Error> {
    let mut source = open_file(from)?;
    let temporary = temporary_beside(to);
    // Not a hard link: a caller that rewrites its file in place would rewrite the artifact.
    File::create(&temporary)
        .and_then(|mut target| copy(&mut source, &mut target))
        .and_then(|fingerprint| fs::rename(&temporary, to).map(|()| fingerprint))
        .inspect_err(|_| {
            let _ = fs::remove_file(&temporary);
        })
        .map_err(Error::file("write", to))
}

/// Copies a file to a name that nobody knows yet, so that there is no need for another one while it is made.
pub(crate) fn copy_new(from: &Path, to: &Path) -> Result<Fingerprint, Error> {
    let mut source = open_file(from)?;
    File::create(to)
        .and_then(|mut target| copy(&mut source, &mut target))
        .inspect_err(|_| {
            let _ = fs::remove_file(to);
        })
        .map_err(Error::file("write", to))
}

/// Writes a file to a name that nobody knows yet.
pub(crate) fn write_new(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    fs::write(path, bytes)
        .inspect_err(|_| {
            let _ = fs::remove_file(path);
        })
        .map_err(Error::file("write", path))
}

fn open_file(path: &Path) -> Result<File, Error> {
    let file = File::open(path).map_err(Error::file("read", path))?;
    if file.metadata().is_ok_and(|metadata| metadata.is_dir()) {
        let error = io::Error::new(io::ErrorKind::IsADirectory, "is a folder, not a file");
        return Err(Error::file("read", path)(error));
    }
    Ok(file)
}

fn copy(from: &mut impl Read, to: &mut impl Write) -> io::Result<Fingerprint> {
    let mut buffer = vec![0; 1 << 16];
    let mut hasher = crc32fast::Hasher::new();
    let mut len = 0;
    loop {
        let read = match from.read(&mut buffer) {
            Ok(0) => return Ok(Fingerprint { len, crc: hasher.finalize() }),
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        hasher.update(&buffer[..read]);
        to.write_all(&buffer[..read])?;
        len += read as u64;
    }
}

fn temporary_beside(path: &Path) -> PathBuf {
    path.with_file_name(format!(".{}.tmp", uuid::Uuid::new_v4().simple()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_is_whole_or_not_there() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("copy");
        let missing = folder.path().join("missing");
        let message = copy_atomic(&missing, &target).unwrap_err().to_string();
        assert!(message.contains("missing"), "{message}");
        assert!(copy_atomic(folder.path(), &target).is_err());
        assert!(!target.exists());
        fs::write(&missing, "now it is there").unwrap();
        copy_atomic(&missing, &target).unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"now it is there");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }
}
