//! Lists of photos: a path on each line.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};

use crate::input::{Input, Inputs};
use crate::text;

/// Most bytes of a line: as long as paths of the usual systems get.
const LONGEST: u64 = 4096;

/// Reads a list; whether its photos are there is seen when it is their turn. `-` is stdin, with paths from the working folder.
///
/// A path from the folder of the list keeps its folders in those of the results; of whole paths the folder that all of them have in common is
/// left out. Memory is that of the paths.
pub(super) fn read(file: &Path) -> Result<Inputs> {
    let shown = || format!("the list {}", text::shown(file));
    let (lines, folder): (Box<dyn BufRead>, _) = if file == Path::new("-") {
        (Box::new(io::stdin().lock()), Path::new(""))
    } else {
        let opened = File::open(file).with_context(|| format!("cannot read {}", shown()))?;
        (Box::new(BufReader::new(opened)), file.parent().unwrap_or(Path::new("")))
    };
    let photos = photos(lines, folder).with_context(shown)?;
    if photos.is_empty() {
        bail!("{} has no line: each is the path of a photo", shown());
    }
    Ok(Inputs { photos, skipped: Vec::new() })
}

fn photos(mut lines: impl BufRead, folder: &Path) -> Result<Vec<Input>> {
    let (mut photos, mut seen, mut line) = (Vec::<Input>::new(), HashSet::new(), Vec::new());
    let mut common: Option<PathBuf> = None;
    for number in 1.. {
        line.clear();
        if lines.by_ref().take(LONGEST + 2).read_until(b'\n', &mut line)? == 0 {
            break;
        }
        let bytes = line.strip_suffix(b"\n").unwrap_or(&line);
        let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
        if bytes.len() as u64 > LONGEST {
            bail!("line {number} is longer than any path: it is to have the path of a photo on each line");
        }
        if bytes.is_empty() {
            continue;
        }
        let path = path(bytes).ok_or_else(|| anyhow!("line {number} is no UTF-8 text"))?;
        if !seen.insert(path.clone()) {
            continue;
        }
        let parent = path.parent().unwrap_or(Path::new("")).to_owned();
        if path.is_absolute() {
            common = Some(common.map_or_else(|| parent.clone(), |common| in_common(&common, &parent)));
            photos.push(Input { path, below: parent });
        } else if path.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir)) {
            let below = parent.components().filter(|part| *part != Component::CurDir).collect();
            photos.push(Input { path: folder.join(path), below });
        } else {
            bail!("line {number}: {} leads out of the folder of the list: give the whole path", text::shown(&path));
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
        let photos = photos(lines.as_bytes(), Path::new("lists")).map_err(|error| error.to_string())?;
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
        assert!(read(&"x".repeat(9000)).unwrap_err().contains("line 1 is longer"));
        assert_eq!(read(&"x".repeat(4096)).unwrap().len(), 1);
    }
}
