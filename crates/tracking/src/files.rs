//! Files that are there whole or not at all, also after a power cut: the one way in which this crate replaces a file.

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use crate::{Error, record::Fingerprint};

/// How deep a folder of artifacts may go.
const MAX_DEPTH: usize = 32;
/// How a file is called until it is whole: `.<random>.tmp`, hidden, beside its place.
const TEMPORARY_START: &str = ".";
const TEMPORARY_END: &str = ".tmp";

/// Writes a file so that it is there whole or not at all.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    make_whole(path, |file| file.write_all(bytes).map_err(Error::file("write", path)))
}

/// Copies a file so that the copy is there whole or not at all, and says what is in it.
pub(crate) fn copy_whole(from: &Path, to: &Path) -> Result<Fingerprint, Error> {
    let mut source = open_file(from)?;
    // Not a hard link: a caller that rewrites its file in place would rewrite the artifact.
    make_whole(to, |target| copy(&mut source, target).map_err(Error::file("write", to)))
}

/// Makes the file at `path` of what `fill` writes: under a name of its own, so that two processes never write into each
/// other's, on the disk before it gets its name, and its name on the disk before this returns.
pub(crate) fn make_whole<T>(path: &Path, fill: impl FnOnce(&mut File) -> Result<T, Error>) -> Result<T, Error> {
    let refuse = |error| Error::file("write", path)(error);
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    builder.prefix(TEMPORARY_START).suffix(TEMPORARY_END);
    // As of any file that is created, which others may read where the umask allows it: a server may be somebody else.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut temporary = builder.tempfile_in(folder).map_err(refuse)?;
    let filled = fill(temporary.as_file_mut())?;
    temporary.as_file().sync_all().map_err(refuse)?;
    temporary.persist(path).map_err(|error| refuse(error.error))?;
    sync_folder(folder);
    Ok(filled)
}

/// Whether this is the name of a file that is being made.
pub(crate) fn is_temporary(name: &str) -> bool {
    name.starts_with(TEMPORARY_START) && name.ends_with(TEMPORARY_END)
}

/// Makes the names in a folder outlast a power cut.
pub(crate) fn sync_folder(folder: &Path) {
    // Some systems cannot open a folder, or force it out; there is nothing better to do there.
    if let Ok(folder) = File::open(folder) {
        let _ = folder.sync_all();
    }
}

/// Whether something is at `path`; that it cannot be looked at does not mean that nothing is there.
pub(crate) fn exists(path: &Path) -> Result<bool, Error> {
    path.try_exists().map_err(Error::file("look at", path))
}

/// The files in `folder` and below, each as its path inside, with `/`, and its path; sorted.
pub(crate) fn files_below(folder: &Path) -> Result<Vec<(String, PathBuf)>, Error> {
    let mut found = Vec::new();
    let mut folders = vec![(String::new(), folder.to_owned(), 0)];
    while let Some((prefix, path, depth)) = folders.pop() {
        if depth > MAX_DEPTH {
            let reason = "lies deeper than 32 folders";
            return Err(Error::ArtifactPath { path: path.display().to_string(), reason });
        }
        let read = Error::file("read", &path);
        let entries = fs::read_dir(&path).and_then(Iterator::collect::<Result<Vec<_>, _>>).map_err(read)?;
        for entry in entries {
            let path = entry.path();
            let Ok(name) = entry.file_name().into_string() else {
                let reason = "has no file name in UTF-8";
                return Err(Error::ArtifactPath { path: path.display().to_string(), reason });
            };
            let inside = format!("{prefix}{name}");
            let kind = entry.file_type().map_err(Error::file("read", &path))?;
            if kind.is_dir() {
                folders.push((format!("{inside}/"), path, depth + 1));
                continue;
            }
            match fs::metadata(&path) {
                Ok(metadata) if metadata.is_file() => found.push((inside, path)),
                // A pipe, a device, or a link to a folder.
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    tracing::warn!(path = %path.display(), "a link to nothing, or a file that is gone by now, is left out");
                }
                Err(error) => return Err(Error::file("read", path)(error)),
            }
        }
    }
    found.sort();
    Ok(found)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_is_whole_or_not_there() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("copy");
        let missing = folder.path().join("missing");
        let message = copy_whole(&missing, &target).unwrap_err().to_string();
        assert!(message.contains("missing"), "{message}");
        assert!(copy_whole(folder.path(), &target).is_err());
        assert!(!target.exists());
        fs::write(&missing, "now it is there").unwrap();
        copy_whole(&missing, &target).unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"now it is there");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn what_fails_half_way_leaves_the_old_file_and_nothing_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        write_whole(&path, b"old").unwrap();
        let failed: Result<(), Error> = make_whole(&path, |file| {
            file.write_all(b"half of the n").unwrap();
            Err(Error::file("write", "it")(io::Error::other("on purpose")))
        });
        failed.unwrap_err();
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn two_that_write_one_file_never_mix_their_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::thread::scope(|scope| {
            for letter in [b'a', b'b'] {
                let path = &path;
                scope.spawn(move || (0..10).for_each(|_| write_whole(path, &vec![letter; 100_000]).unwrap()));
            }
        });
        let bytes = fs::read(&path).unwrap();
        assert!(bytes.len() == 100_000 && bytes.iter().all(|byte| *byte == bytes[0]));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    #[cfg(unix)]
    fn others_may_read_what_the_umask_lets_them_read() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
        fs::write(folder.path().join("plain"), "x").unwrap();
        write_whole(&folder.path().join("whole"), b"x").unwrap();
        assert_eq!(mode(&folder.path().join("plain")), mode(&folder.path().join("whole")));
    }
}
