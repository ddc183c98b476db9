//! Lists of photos: a path on each line.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Component, Path, PathBuf};

use crate::error::Error;
use crate::result::places::Source;

/// Most bytes of a line: as long as paths of the usual systems get.
const LONGEST: u64 = 4096;

/// Reads a list of photos; whether they are there is seen when it is their turn. `-` is stdin, with paths from the working folder.
///
/// A path from the folder of the list keeps its folders in those of the results; of whole paths the folder that all of them have in common is
/// left out. A photo that is listed twice counts once. Memory is that of the paths.
///
/// # Errors
/// [`Error::File`] where it cannot be read, and [`Error::Data`] for what is no list.
pub fn read_manifest(file: &Path) -> Result<Vec<Source>, Error> {
    let failed = |source| Error::File { action: "read the list", path: file.to_owned(), source };
    let (lines, folder): (Box<dyn BufRead>, _) = if file == Path::new("-") {
        (Box::new(io::stdin().lock()), Path::new(""))
    } else {
        (Box::new(BufReader::new(File::open(file).map_err(failed)?)), file.parent().unwrap_or(Path::new("")))
    };
    let no_list = |reason: String| Error::Data { reason: format!("the list {}: {reason}", file.display()) };
    let photos = photos(lines, folder).map_err(|problem| match problem {
        Problem::Unreadable(source) => failed(source),
        Problem::NoList(reason) => no_list(reason),
    })?;
    if photos.is_empty() {
        return Err(no_list("has no line: each is the path of a photo".to_owned()));
    }
    Ok(photos)
}

/// Why lines are no list.
enum Problem {
    Unreadable(io::Error),
    NoList(String),
}

impl From<io::Error> for Problem {
    fn from(error: io::Error) -> Self {
        Self::Unreadable(error)
    }
}

fn photos(mut lines: impl BufRead, folder: &Path) -> Result<Vec<Source>, Problem> {
    let (mut photos, mut seen, mut line) = (Vec::<Source>::new(), HashSet::new(), Vec::new());
    let no_list = |number: usize, reason: String| Err(Problem::NoList(format!("line {number}{reason}")));
    let mut common: Option<PathBuf> = None;
    for number in 1.. {
        line.clear();
        if lines.by_ref().take(LONGEST + 2).read_until(b'\n', &mut line)? == 0 {
            break;
        }
        let bytes = line.strip_suffix(b"\n").unwrap_or(&line);
        let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
        if bytes.len() as u64 > LONGEST {
            return no_list(
                number,
                " is longer than any path: it is to have the path of a photo on each line".to_owned(),
            );
        }
        if bytes.is_empty() {
            continue;
        }
        let Some(path) = path(bytes) else { return no_list(number, " is no UTF-8 text".to_owned()) };
        if !seen.insert(path.clone()) {
            continue;
        }
        let parent = path.parent().unwrap_or(Path::new("")).to_owned();
        if path.is_absolute() {
            common = Some(common.map_or_else(|| parent.clone(), |common| in_common(&common, &parent)));
            photos.push(Source { path, below: parent });
        } else if path.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir)) {
            let below = parent.components().filter(|part| *part != Component::CurDir).collect();
            photos.push(Source { path: folder.join(path), below });
        } else {
            let reason = format!(": {} leads out of the folder of the list: give the whole path", path.display());
            return no_list(number, reason);
        }
    }
    for photo in photos.iter_mut().filter(|photo| photo.below.is_absolute()) {
        let common = common.as_deref().unwrap_or(Path::new(""));
        photo.below = photo.below.strip_prefix(common).unwrap_or(Path::new("")).to_owned();
    }
    Ok(photos)
}

#[cfg(unix)]
fn path(bytes: &[u8]) -> Option<PathBuf> {
    use std::os::unix::ffi::OsStrExt;
    Some(PathBuf::from(std::ffi::OsStr::from_bytes(bytes)))
}

#[cfg(not(unix))]
fn path(bytes: &[u8]) -> Option<PathBuf> {
    std::str::from_utf8(bytes).ok().map(PathBuf::from)
}

/// The folders with which both begin.
fn in_common(one: &Path, other: &Path) -> PathBuf {
    one.components().zip(other.components()).take_while(|(one, other)| one == other).map(|(part, _)| part).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lines: &str) -> Result<Vec<(String, String)>, String> {
        let photos = photos(lines.as_bytes(), Path::new("lists")).map_err(|problem| match problem {
            Problem::Unreadable(error) => error.to_string(),
            Problem::NoList(reason) => reason,
        })?;
        Ok(photos.into_iter().map(|it| (it.path.display().to_string(), it.below.display().to_string())).collect())
    }

    fn of(photos: &[(&str, &str)]) -> Result<Vec<(String, String)>, String> {
        Ok(photos.iter().map(|(path, below)| ((*path).to_owned(), (*below).to_owned())).collect())
    }

    #[cfg(unix)]
    #[test]
    fn folders_are_kept() {
        assert_eq!(
            read("a.jpg\r\n\nb/c.jpg\n./b/./d.jpg\na.jpg"),
            of(&[("lists/a.jpg", ""), ("lists/b/c.jpg", "b"), ("lists/./b/./d.jpg", "b"),])
        );
        assert_eq!(
            read("/p/x/1.jpg\nq.jpg\n/p/x/y/1.jpg\n"),
            of(&[("/p/x/1.jpg", ""), ("lists/q.jpg", ""), ("/p/x/y/1.jpg", "y")])
        );
        assert_eq!(read("/p/x/1.jpg\n/o/x/1.jpg\n"), of(&[("/p/x/1.jpg", "p/x"), ("/o/x/1.jpg", "o/x")]));
        assert_eq!(read(""), Ok(Vec::new()));
    }

    #[test]
    fn what_is_no_list_is_told() {
        assert!(read("a.jpg\n../b.jpg").unwrap_err().contains("line 2: ../b.jpg leads out"));
        assert!(
            read_manifest(Path::new("no-such-list.txt"))
                .unwrap_err()
                .to_string()
                .contains("cannot read the list no-such")
        );
        assert!(read(&"x".repeat(9000)).unwrap_err().contains("line 1 is longer"));
        assert_eq!(read(&"x".repeat(4096)).unwrap().len(), 1);
    }
}
