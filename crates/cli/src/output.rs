//! Where results go, and how they are written: whole or not at all, and never over a file that is no result of the same work.

use std::collections::HashSet;
use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use dodge_imaging::{Encoding, folder_of, is_raw_file, synchronise_folder, temporary_beside};

use crate::arguments::Format;
use crate::input::Input;
use crate::text;

/// Most bytes of a file's name, on every usual file system.
const LONGEST_NAME: usize = 255;

/// Whether a file that is there already, and holds something else, is replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Existing {
    /// It stays, and the work fails.
    Keep,
    /// It is replaced: the user said so.
    Replace,
}

impl Existing {
    /// What `--overwrite` says.
    pub(crate) fn from_flag(overwrite: bool) -> Self {
        if overwrite { Self::Replace } else { Self::Keep }
    }
}

/// What became of the files of a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Written {
    /// They were written.
    Now,
    /// All of them were there already, the same to the byte.
    Before,
}

/// A place below `folder` for the result of each input, in the folder that the input has in its tree: under its own name, with a
/// number where another input has it, and shortened where the file system has no room for it.
///
/// Fails where a result, or a file that stands beside it under one of the `companions` extensions, would take the place
/// of any of the inputs.
pub(crate) fn places(inputs: &[Input], folder: &Path, companions: &[&str], kind: Kind) -> Result<Vec<PathBuf>> {
    let originals: HashSet<PathBuf> = inputs.iter().filter_map(|input| input.path.canonicalize().ok()).collect();
    let mut taken: HashSet<String> = HashSet::new();
    let mut places = Vec::new();
    for input in inputs {
        let stem = input.path.file_stem().with_context(|| format!("{} is no file", text::shown(&input.path)))?;
        let extension = extension_for(&input.path, kind);
        let longest = companions.iter().map(|companion| companion.len()).chain([extension.len()]).max();
        let room = LONGEST_NAME - 1 - longest.unwrap_or_default();
        let mut number = 1;
        let place = loop {
            let suffix = if number == 1 { String::new() } else { format!("-{number}") };
            let mut name = shortened(stem.to_os_string(), room - suffix.len());
            name.push(suffix);
            let bare = folder.join(&input.below).join(&name);
            name.push(".");
            name.push(&extension);
            let place = bare.with_file_name(name);
            // The bare name counts, too: two results differ in more than their extension.
            let names: Vec<String> =
                with_companions(&place, companions).chain([bare]).map(|it| caseless(&it)).collect();
            if !names.iter().any(|name| taken.contains(name)) {
                taken.extend(names);
                break place;
            }
            number += 1;
        };
        for result in with_companions(&place, companions) {
            if result.canonicalize().is_ok_and(|result| originals.contains(&result)) {
                let result = text::shown(&result);
                bail!("a result would take the place of the input {result}: choose another folder with -o");
            }
        }
        places.push(place);
    }
    Ok(places)
}

fn with_companions<'a>(place: &'a Path, companions: &'a [&str]) -> impl Iterator<Item = PathBuf> + 'a {
    let beside = companions.iter().map(|extension| place.with_extension(extension));
    std::iter::once(place.to_owned()).chain(beside)
}

/// Compared without case, as some file systems do.
fn caseless(path: &Path) -> String {
    match path.to_str() {
        Some(text) => text.to_lowercase(),
        None => text::shown(path).into_owned(),
    }
}

/// What results are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Pictures, in the format of their input or in one that was asked for.
    Pictures(Option<Format>),
    /// Settings of another program.
    Sidecars,
}

/// The input's own extension where it can be written, else that of a TIFF for a raw file and of a PNG for all others.
fn extension_for(file: &Path, kind: Kind) -> OsString {
    let own = || file.extension().unwrap_or_default().to_os_string();
    match kind {
        Kind::Sidecars => OsString::from("xmp"),
        Kind::Pictures(Some(format)) if format.is_of(file) => own(),
        Kind::Pictures(Some(format)) => OsString::from(format.extension()),
        Kind::Pictures(None) if Encoding::for_path(file).is_ok() => own(),
        Kind::Pictures(None) if is_raw_file(file).unwrap_or(false) => OsString::from(Format::Tiff.extension()),
        Kind::Pictures(None) => OsString::from("png"),
    }
}

/// A name of at most `room` bytes: its beginning, and digits of the hash of all of it where it is longer.
fn shortened(name: OsString, room: usize) -> OsString {
    const DIGITS: usize = 8;
    if name.len() <= room {
        return name;
    }
    let hash = hash(name.as_encoded_bytes());
    let text = name.to_string_lossy();
    let begin = text.floor_char_boundary(room - DIGITS - 1);
    OsString::from(format!("{}-{}", &text[..begin], &hash[..DIGITS]))
}

/// SHA-256 in hexadecimal digits.
pub(crate) fn hash(bytes: &[u8]) -> String {
    dodge_data::FileHash::of(bytes).to_string()
}

/// Writes the files of one result, each whole or not at all, and none where one of them would replace something else.
pub(crate) fn write_all(files: &[(PathBuf, Vec<u8>)], existing: Existing) -> Result<Written> {
    let mut missing = Vec::new();
    for (path, bytes) in files {
        match fs::symlink_metadata(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => missing.push((path, bytes)),
            Ok(metadata) if metadata.len() == bytes.len() as u64 && fs::read(path).is_ok_and(|it| it == *bytes) => {}
            // What cannot be looked at is not ours either.
            Ok(_) | Err(_) if existing == Existing::Keep => return Err(in_the_way(path)),
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

/// The refusal to replace what is no result of the same work.
pub(crate) fn in_the_way(path: &Path) -> anyhow::Error {
    anyhow::anyhow!(
        "{} is there already and is no result of the same work: choose another place for the result, or replace it with --overwrite",
        text::shown(path)
    )
}

/// Writes a file whole or not at all: under a temporary name beside its place, onto the disk, and then under its own name. With
/// [`Existing::Keep`], a file that appears meanwhile stays as well.
fn write_whole(path: &Path, bytes: &[u8], existing: Existing) -> Result<()> {
    let folder = folder_of(path);
    fs::create_dir_all(folder).with_context(|| format!("cannot create the folder {}", text::shown(folder)))?;
    let cannot_write = || format!("cannot write {}", text::shown(path));
    let mut temporary = temporary_beside(path).with_context(cannot_write)?;
    let on_disk = temporary.write_all(bytes).and_then(|()| temporary.as_file().sync_all());
    on_disk.with_context(cannot_write)?;
    let named = match existing {
        Existing::Replace => temporary.persist(path).map_err(|error| error.error),
        Existing::Keep => match temporary.persist_noclobber(path) {
            Err(error) if error.error.kind() == ErrorKind::AlreadyExists => return Err(in_the_way(path)),
            // File systems such as those of memory cards can neither link nor refuse a rename: the name is reserved first.
            Err(error) => match OpenOptions::new().write(true).create_new(true).open(path) {
                Err(taken) if taken.kind() == ErrorKind::AlreadyExists => return Err(in_the_way(path)),
                Err(failed) => Err(failed),
                Ok(_reserved) => error.file.persist(path).map_err(|error| {
                    let _ = fs::remove_file(path);
                    error.error
                }),
            },
            Ok(file) => Ok(file),
        },
    };
    named.with_context(cannot_write)?;
    // The file itself is there, and on the disk already.
    let _ = synchronise_folder(folder);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inputs(files: &[&str]) -> Vec<Input> {
        files.iter().map(|file| Input { path: PathBuf::from(file), below: PathBuf::new() }).collect()
    }

    fn names(files: &[&str], companions: &[&str]) -> Vec<String> {
        let places = places(&inputs(files), Path::new("out"), companions, Kind::Pictures(None)).unwrap();
        places.iter().map(|place| place.display().to_string()).collect()
    }

    #[test]
    fn results_with_the_same_stem_are_kept_apart() {
        let files = ["a/x.jpg", "b/x.png", "b/X.JPG", "b/y.webp", "b/z.gif"];
        assert_eq!(names(&files, &[]), ["out/x.jpg", "out/x-2.png", "out/X-3.JPG", "out/y.webp", "out/z.png"]);
    }

    #[test]
    fn a_result_does_not_take_the_place_of_a_companion() {
        let files = ["a/x.png", "a/x.preview.png", "a/y.preview.png", "a/y.png"];
        let companions = ["recipe.json", "preview.png"];
        assert_eq!(
            names(&files, &companions),
            ["out/x.png", "out/x.preview-2.png", "out/y.preview.png", "out/y-2.png"]
        );
    }

    #[test]
    fn a_format_gives_its_extension() {
        let name = |file: &str, kind| extension_for(Path::new(file), kind).into_string().unwrap();
        let format = |format| Kind::Pictures(Some(format));
        assert_eq!(name("a.JPEG", format(Format::Jpeg)), "JPEG");
        assert_eq!(name("a.png", format(Format::Jpeg)), "jpg");
        assert_eq!(name("a.NEF", format(Format::Tiff)), "tif");
        assert_eq!(name("a.jpg", Kind::Sidecars), "xmp");
    }

    #[test]
    fn names_are_shortened_to_what_fits_and_stay_apart() {
        for stem in ["a".repeat(251), "夕".repeat(83)] {
            let files = [format!("{stem}.png"), format!("b/{stem}.png"), format!("{stem}b.png")];
            let files: Vec<&str> = files.iter().map(String::as_str).collect();
            let names = names(&files, &["recipe.json"]);
            let longest =
                names.iter().map(|name| name.len() - "out/".len() - ".png".len() + ".recipe.json".len()).max();
            assert!(longest.unwrap() <= 255 && longest.unwrap() > 240, "{names:?}");
            assert_eq!(HashSet::<&String>::from_iter(&names).len(), 3);
        }
        assert_eq!(shortened("a".repeat(9).into(), 9), "a".repeat(9).as_str());
        assert_eq!(shortened("a".repeat(20).into(), 12), "aaa-42492da0");
    }

    #[test]
    fn what_is_there_stays_unless_it_is_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, bytes: &[u8]| (folder.path().join(name), bytes.to_owned());
        let read = |name: &str| fs::read(folder.path().join(name)).unwrap();
        let result = [file("new/a", b"1"), file("b", b"2")];
        assert_eq!(write_all(&result, Existing::Keep).unwrap(), Written::Now);
        assert_eq!(write_all(&result, Existing::Keep).unwrap(), Written::Before);
        // Neither the first nor the second file of another result is written.
        let other = [file("c", b"3"), file("b", b"4")];
        assert!(write_all(&other, Existing::Keep).unwrap_err().to_string().contains("--overwrite"));
        assert!(!folder.path().join("c").exists());
        assert_eq!(read("b"), b"2");
        // Of a result of which a part is missing, that part is written.
        fs::remove_file(folder.path().join("b")).unwrap();
        assert_eq!(write_all(&result, Existing::Keep).unwrap(), Written::Now);
        assert_eq!(write_all(&other, Existing::Replace).unwrap(), Written::Now);
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
