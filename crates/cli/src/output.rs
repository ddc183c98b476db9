//! Where results go, and how they are written: whole or not at all, and never over a file that is no result of the same work.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow};
use dodge_rl::Error;
pub(crate) use dodge_rl::{Existing, Written};

use crate::arguments::Format;
use crate::failure::in_our_words;
use crate::input::Input;
use crate::text;

/// What `--overwrite` says.
pub(crate) fn existing(overwrite: bool) -> Existing {
    if overwrite { Existing::Replace } else { Existing::Keep }
}

/// What results are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Pictures, in the format of their input or in one that was asked for.
    Pictures(Option<Format>),
    /// Settings of another program.
    Sidecars,
}

/// A place below `folder` for the result of each input, see [`dodge_rl::result_places`].
pub(crate) fn places(inputs: &[Input], folder: &Path, companions: &[&str], kind: Kind) -> Result<Vec<PathBuf>> {
    Ok(dodge_rl::result_places(inputs, folder, companions, |file| extension_for(file, kind))?)
}

/// Makes sure that no result takes the place of an input, see [`dodge_rl::keep_inputs`].
pub(crate) fn keep_inputs(inputs: &[Input], places: &[PathBuf], companions: &[&str]) -> Result<()> {
    dodge_rl::keep_inputs(inputs, places, companions).map_err(|error| match error {
        Error::ResultIsInput { path } => {
            let result = text::shown(&path);
            anyhow!("a result would take the place of the input {result}: choose another folder with -o")
        }
        other => other.into(),
    })
}

/// The input's own extension where it has the format that is written.
fn extension_for(file: &Path, kind: Kind) -> OsString {
    match kind {
        Kind::Sidecars => sidecar_extension(file),
        Kind::Pictures(Some(format)) if format.is_of(file) => file.extension().unwrap_or_default().to_os_string(),
        Kind::Pictures(Some(format)) => OsString::from(format.extension()),
        Kind::Pictures(None) => dodge_rl::result_extension(file),
    }
}

/// That of a file with settings: `NAME.xmp` belongs to a raw file of this name, so that a picture of the same name beside it, such as the
/// JPEG that the camera wrote with it, has its own extension in front.
fn sidecar_extension(file: &Path) -> OsString {
    let raw_beside = || {
        RAW_EXTENSIONS
            .iter()
            .any(|raw| [raw.to_uppercase(), (*raw).to_owned()].iter().any(|it| file.with_extension(it).is_file()))
    };
    let own = file.extension().unwrap_or_default();
    if own.is_empty() || dodge_imaging::is_raw_file(file).unwrap_or(false) || !raw_beside() {
        return OsString::from("xmp");
    }
    let mut extension = own.to_os_string();
    extension.push(".xmp");
    extension
}

/// Extensions of the raw files that cameras write beside a JPEG.
const RAW_EXTENSIONS: [&str; 11] = ["arw", "cr2", "cr3", "dng", "nef", "nrw", "orf", "pef", "raf", "rw2", "srw"];

/// SHA-256 in hexadecimal digits.
pub(crate) fn hash(bytes: &[u8]) -> String {
    dodge_data::FileHash::of(bytes).to_string()
}

/// Writes the files of one result, each whole or not at all, and none where one of them would replace something else.
pub(crate) fn write_all(files: &[(PathBuf, Vec<u8>)], existing: Existing) -> Result<Written> {
    dodge_rl::write_results(files, existing).map_err(in_our_words)
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn settings_of_a_picture_beside_a_raw_file_leave_its_name_to_that() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a.JPG", "a.NEF", "b.jpg"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        let extension = |name: &str| extension_for(&folder.path().join(name), Kind::Sidecars);
        assert_eq!(extension("a.JPG"), "JPG.xmp");
        assert_eq!(extension("a.NEF"), "NEF.xmp", "it holds nothing of a raw file");
        assert_eq!(extension("b.jpg"), "xmp");
        let raw = Path::new(env!("CARGO_MANIFEST_DIR")).join("../imaging/tests/golden/raw/rggb.dng");
        std::fs::copy(raw, folder.path().join("b.dng")).unwrap();
        assert_eq!((extension("b.dng"), extension("b.jpg")), ("xmp".into(), "jpg.xmp".into()));
    }
}
