//! Copies within the volume.

use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use super::JobWatch;
use crate::{Error, whole_file, write_error};

/// The path of a folder inside of the volume, relative to it; none for a path that leaves it, or is the volume itself.
///
/// A link on the way may lead outside, too: [`copy_folder`] looks at what the path leads to.
pub(super) fn inside(path: &str, volume: &Path) -> Option<PathBuf> {
    let path = Path::new(path);
    // Clients that share the volume may name a place by its whole path.
    let path = path.strip_prefix(volume).unwrap_or(path);
    let mut result = PathBuf::new();
    for part in path.components() {
        match part {
            Component::Normal(name) => result.push(name),
            Component::CurDir => {}
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    (!result.as_os_str().is_empty()).then_some(result)
}

/// Copies the files of a folder and the folders in it. Links are left out. The destination appears whole or not at all, and
/// must not be there yet.
pub(super) fn copy_folder(volume: &Path, source: &Path, destination: &Path, watch: &JobWatch) -> Result<(), Error> {
    let refused = |path: &Path, reason: &'static str| Error::InvalidPhotoPath { path: path.to_owned(), reason };
    let from = real(volume, source).ok_or_else(|| refused(source, "it is no folder of the volume"))?;
    let to = volume.join(destination);
    if to.symlink_metadata().is_ok() {
        return Err(refused(destination, "something is there already; name another destination"));
    }
    if to.starts_with(&from) {
        return Err(refused(destination, "it lies inside of the source"));
    }
    let parent = to.parent().unwrap_or(volume);
    fs::create_dir_all(parent).map_err(|error| write_error(parent, error))?;
    // A link may have been on the way to it.
    if !parent.canonicalize().is_ok_and(|real| real.starts_with(volume)) {
        return Err(refused(destination, "it leads out of the volume"));
    }
    // Not the name with something added to it, which may be too long.
    let temporary = parent.join(format!(".{}.part", watch.uuid()));
    let mut copied = 0;
    let result = copy_into(&from, &temporary, watch, &mut copied)
        .and_then(|()| {
            whole_file::settle(&temporary, &|| if watch.is_cancelled() { Err(Error::Cancelled) } else { Ok(()) })
        })
        .and_then(|()| whole_file::put(&temporary, &to));
    if result.is_err() {
        // The first error is the one that matters.
        let _ = fs::remove_dir_all(&temporary);
    }
    result
}

fn real(volume: &Path, folder: &Path) -> Option<PathBuf> {
    let real = volume.join(folder).canonicalize().ok()?;
    (real.starts_with(volume) && real != volume && real.is_dir()).then_some(real)
}

fn copy_into(from: &Path, to: &Path, watch: &JobWatch, copied: &mut u64) -> Result<(), Error> {
    let mut folders = vec![(from.to_owned(), to.to_owned())];
    while let Some((from, to)) = folders.pop() {
        let read_error = |source: io::Error| Error::Read { path: from.clone(), source };
        fs::create_dir_all(&to).map_err(|error| write_error(&to, error))?;
        for entry in fs::read_dir(&from).map_err(read_error)? {
            let entry = entry.map_err(read_error)?;
            let kind = entry.file_type().map_err(read_error)?;
            let target = to.join(entry.file_name());
            if watch.is_cancelled() {
                return Err(write_error(&target, io::Error::other("cancelled")));
            }
            if kind.is_dir() {
                folders.push((entry.path(), target));
            } else if kind.is_file() {
                *copied += fs::copy(entry.path(), &target).map_err(|error| write_error(&target, error))?;
                watch.progress(*copied, None);
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_that_leave_the_volume_are_none() {
        let volume = Path::new("/data/volume");
        let check = |path: &str, expected: Option<&str>| {
            assert_eq!(inside(path, volume), expected.map(PathBuf::from), "{path}");
        };
        check("a/b", Some("a/b"));
        check("./a//b/.", Some("a/b"));
        check("/data/volume/a", Some("a"));
        for path in
            ["", ".", "/", "..", "a/../../b", "a/..", "/etc", "/data/volume", "/data/volume2/a", "/data/volume/../x"]
        {
            check(path, None);
        }
    }
}
