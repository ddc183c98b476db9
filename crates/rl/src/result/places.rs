//! Places for results: each photo's own name in another folder, never that of an input.

use std::collections::HashSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use dodge_imaging::{Encoding, is_raw_file};

use crate::error::Error;

/// Most bytes of a file's name, on every usual file system.
const LONGEST_NAME: usize = 255;

/// A photo that gets a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The file.
    pub path: PathBuf,
    /// The folder that it lies in, below the folder that was named; empty for a file that was named itself.
    pub below: PathBuf,
}

/// A place below `folder` for the result of each input, in the folder that the input has in its tree: under its own name, with a
/// number where another input has it, with the extension that `extension_for` has for it ([`result_extension`]), and shortened where the file system has no room for it.
/// A result has its place and those of the `companions`, which are other extensions. Nothing on the disk is looked at, see [`keep_inputs`].
///
/// # Errors
/// [`Error::Data`] for a path without a name.
pub fn result_places(
    inputs: &[Source],
    folder: &Path,
    companions: &[&str],
    extension_for: impl Fn(&Path) -> OsString,
) -> Result<Vec<PathBuf>, Error> {
    let mut taken: HashSet<String> = HashSet::new();
    let mut places = Vec::new();
    for input in inputs {
        let no_file = || Error::Data { reason: format!("{} is no file", input.path.display()) };
        let stem = input.path.file_stem().ok_or_else(no_file)?;
        let extension = extension_for(&input.path);
        let longest = companions.iter().map(|companion| companion.len()).chain([extension.len()]).max();
        let room = LONGEST_NAME - 1 - longest.unwrap_or_default();
        let mut number = 1;
        let place = loop {
            let suffix = if number == 1 { String::new() } else { format!("-{number}") };
            let mut name = shortened(stem.to_os_string(), room - suffix.len());
            name.push(suffix);
            name.push(".");
            name.push(&extension);
            let place = folder.join(&input.below).join(name);
            let bare = place.with_extension("");
            // The bare name counts, too: two results differ in more than their extension.
            let names: Vec<String> =
                with_companions(&place, companions).chain([bare]).map(|it| caseless(&it)).collect();
            if !names.iter().any(|name| taken.contains(name)) {
                taken.extend(names);
                break place;
            }
            number += 1;
        };
        places.push(place);
    }
    Ok(places)
}

/// Makes sure that no result, nor a companion, takes the place of any of the inputs. Looks at every input and every place on the disk.
///
/// # Errors
/// [`Error::ResultIsInput`] where one would.
pub fn keep_inputs(inputs: &[Source], places: &[PathBuf], companions: &[&str]) -> Result<(), Error> {
    let originals: HashSet<PathBuf> = inputs.iter().filter_map(|input| input.path.canonicalize().ok()).collect();
    let is_input = |result: &PathBuf| result.canonicalize().is_ok_and(|result| originals.contains(&result));
    match places.iter().flat_map(|place| with_companions(place, companions)).find(is_input) {
        Some(path) => Err(Error::ResultIsInput { path }),
        None => Ok(()),
    }
}

fn with_companions<'a>(place: &'a Path, companions: &'a [&str]) -> impl Iterator<Item = PathBuf> + 'a {
    let beside = companions.iter().map(|extension| place.with_extension(extension));
    std::iter::once(place.to_owned()).chain(beside)
}

/// Compared without case, as some file systems do.
fn caseless(path: &Path) -> String {
    match path.to_str() {
        Some(text) => text.to_lowercase(),
        // As bytes that are no text compare, whatever their case.
        None => path.as_os_str().as_encoded_bytes().escape_ascii().to_string(),
    }
}

/// The extension of the result of a file: its own where that can be written, else that of a TIFF for a raw file and of a PNG for all others.
#[must_use]
pub fn result_extension(file: &Path) -> OsString {
    match Encoding::for_path(file) {
        Ok(_) => file.extension().unwrap_or_default().to_os_string(),
        Err(_) if is_raw_file(file).unwrap_or(false) => OsString::from("tif"),
        Err(_) => OsString::from("png"),
    }
}

/// A name of at most `room` bytes: its beginning, and digits of the hash of all of it where it is longer.
fn shortened(name: OsString, room: usize) -> OsString {
    const DIGITS: usize = 8;
    if name.len() <= room {
        return name;
    }
    let hash = dodge_data::FileHash::of(name.as_encoded_bytes()).to_string();
    let text = name.to_string_lossy();
    let begin = text.floor_char_boundary(room - DIGITS - 1);
    OsString::from(format!("{}-{}", &text[..begin], &hash[..DIGITS]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources(files: &[&str]) -> Vec<Source> {
        files.iter().map(|file| Source { path: PathBuf::from(file), below: PathBuf::new() }).collect()
    }

    fn names(files: &[&str], companions: &[&str]) -> Vec<String> {
        let places = result_places(&sources(files), Path::new("out"), companions, result_extension).unwrap();
        places.iter().map(|place| place.display().to_string()).collect()
    }

    #[test]
    fn results_with_the_same_stem_are_kept_apart() {
        let files = ["a/x.jpg", "b/x.png", "b/X.JPG", "b/y.webp", "b/z.gif"];
        assert_eq!(names(&files, &[]), ["out/x.jpg", "out/x-2.png", "out/X-3.JPG", "out/y.webp", "out/z.png"]);
    }

    #[test]
    fn an_extension_of_two_parts_is_another_name() {
        let extension = |file: &Path| if file.ends_with("x.jpg") { "jpg.xmp".into() } else { "xmp".into() };
        let places = result_places(&sources(&["x.jpg", "x.dng"]), Path::new("out"), &[], extension).unwrap();
        assert_eq!(places, [Path::new("out/x.jpg.xmp"), Path::new("out/x.xmp")]);
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
}
