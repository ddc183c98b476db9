//! Names of folders, and paths in JSON.

use std::path::{Path, PathBuf};

use serde::{Serialize, Serializer};
use serde_json::Value;

/// Most bytes that a name takes of the 255 that file systems give it: what is added to it has to fit, too.
const LONGEST: usize = 200;

/// A name of a run or experiment as one plain path component: other characters than letters, digits, `-`, `_` and `.` become `_`,
/// and of a name of more than 200 bytes the end becomes digits of its checksum.
#[must_use]
pub fn folder_name(name: &str) -> String {
    let safe = |c: char| if c.is_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '_' };
    let mut folder: String = name.chars().map(safe).collect();
    // No hidden folders, and neither `.` nor `..`.
    if folder.starts_with('.') || folder.is_empty() {
        folder.insert(0, '_');
    }
    if folder.len() > LONGEST {
        let digits = format!("-{:08x}", crc32fast::hash(name.as_bytes()));
        folder.truncate(folder.floor_char_boundary(LONGEST - digits.len()));
        folder.push_str(&digits);
    }
    folder
}

/// A path in JSON for people: what is no Unicode is replaced.
pub(crate) fn lossy<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&path.to_string_lossy())
}

/// The same for a path that may be missing.
pub(crate) fn lossy_if_some<S: Serializer>(path: &Option<PathBuf>, serializer: S) -> Result<S::Ok, S::Error> {
    path.as_ref().map(|path| path.to_string_lossy()).serialize(serializer)
}

/// A path in JSON that [`path_in`] reads again: text, or the bytes of a path that is no Unicode.
pub(crate) fn in_json(path: &Path) -> Value {
    match path.to_str() {
        Some(text) => text.into(),
        None => path.as_os_str().as_encoded_bytes().into(),
    }
}

/// What [`in_json`] wrote.
pub(crate) fn path_in(value: &Value) -> Option<PathBuf> {
    match value {
        Value::String(text) => Some(PathBuf::from(text)),
        #[cfg(unix)]
        Value::Array(bytes) => {
            use std::os::unix::ffi::OsStringExt;

            let byte = |value: &Value| value.as_u64().and_then(|byte| u8::try_from(byte).ok());
            let bytes: Option<Vec<u8>> = bytes.iter().map(byte).collect();
            Some(std::ffi::OsString::from_vec(bytes?).into())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_plain_folders() {
        assert_eq!(folder_name("my run/1"), "my_run_1");
        assert_eq!(folder_name("../x"), "_.._x");
        assert_eq!(folder_name(""), "_");
    }

    #[test]
    fn long_names_are_shortened_and_stay_apart() {
        for name in ["x".repeat(248), "夕".repeat(90)] {
            let folder = folder_name(&name);
            assert!((190..=LONGEST).contains(&folder.len()), "{folder}");
            assert_eq!(folder, folder_name(&name));
            assert_ne!(folder, folder_name(&format!("{name}b")));
        }
        assert_eq!(folder_name(&"x".repeat(LONGEST)), "x".repeat(LONGEST));
    }

    #[cfg(unix)]
    #[test]
    fn every_path_comes_back_from_json() {
        use std::os::unix::ffi::OsStrExt;

        for bytes in [&b"/photos/a b"[..], b"/caf\xe9", b""] {
            let path = Path::new(std::ffi::OsStr::from_bytes(bytes));
            let text = in_json(path).to_string();
            assert_eq!(path_in(&serde_json::from_str(&text).unwrap()).as_deref(), Some(path));
        }
        assert_eq!(path_in(&Value::from(vec![256])), None);
    }
}
