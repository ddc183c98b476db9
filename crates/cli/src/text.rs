//! Paths in text. A path is bytes on Unix and need not be Unicode; what is printed of it is. And text files of people, whatever editor
//! wrote them.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::fmt::Write;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// A path for people: as it is where it is plain text, else in the form in which a shell reads it, so that no two paths look the
/// same and no name can move the cursor or begin a line of its own.
pub(crate) fn shown(path: &Path) -> Cow<'_, str> {
    match path.to_str() {
        Some(text) if !text.chars().any(char::is_control) => Cow::Borrowed(text),
        _ => Cow::Owned(escaped(path.as_os_str())),
    }
}

/// Bytes for people.
pub(crate) fn size(bytes: u64) -> String {
    match bytes {
        0..1_000_000 => format!("{:.1} kB", bytes as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", bytes as f64 / 1e6),
        _ => format!("{:.1} GB", bytes as f64 / 1e9),
    }
}

/// The text of a file of which at most `most` bytes are read; see [`dodge_imaging::text_of`].
pub(crate) fn read(path: &Path, most: u64) -> io::Result<String> {
    let mut bytes = Vec::new();
    File::open(path)?.take(most).read_to_end(&mut bytes)?;
    dodge_imaging::text_of(bytes).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

/// A path in JSON, which is Unicode: with a replacement character for what is not.
pub(crate) fn lossy(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// [`lossy`], for a field that is serialised.
pub(crate) fn serialize_lossy<S: serde::Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&path.to_string_lossy())
}

/// [`serialize_lossy`], for a path that may be missing.
pub(crate) fn serialize_lossy_if_some<S: serde::Serializer>(
    path: &Option<PathBuf>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match path {
        Some(path) => serialize_lossy(path, serializer),
        None => serializer.serialize_none(),
    }
}

/// A path as an argument of a command line that can be copied into a shell of POSIX; one with bytes that are no plain text needs
/// `bash`, `zsh` or another one that knows `$'...'`.
pub(crate) fn argument(path: &Path) -> String {
    // A name that begins with a dash would be taken for an option.
    if path.as_os_str().as_encoded_bytes().starts_with(b"-") {
        return word(Path::new(".").join(path).as_os_str());
    }
    word(path.as_os_str())
}

/// One word of a command line.
pub(crate) fn word(text: &OsStr) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./,:+@%=".contains(c);
    match text.to_str() {
        Some(text) if !text.is_empty() && text.chars().all(plain) => text.to_owned(),
        Some(text) if !text.chars().any(char::is_control) => format!("'{}'", text.replace('\'', r"'\''")),
        _ => escaped(text),
    }
}

/// The form `$'...'`.
fn escaped(text: &OsStr) -> String {
    let mut escaped = String::from("$'");
    for chunk in text.as_encoded_bytes().utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '\\' | '\'' => escaped.extend(['\\', c]),
                '\n' => escaped.push_str(r"\n"),
                '\t' => escaped.push_str(r"\t"),
                c if c.is_control() => c.encode_utf8(&mut [0; 4]).bytes().for_each(|byte| push(&mut escaped, byte)),
                c => escaped.push(c),
            }
        }
        chunk.invalid().iter().for_each(|&byte| push(&mut escaped, byte));
    }
    escaped.push('\'');
    escaped
}

/// In octal: three digits at most, so that a digit that follows is not taken for a part of it, as with `\x`.
fn push(text: &mut String, byte: u8) {
    let _ = write!(text, "\\{byte:03o}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_for_a_shell() {
        let word = |text: &str| word(OsStr::new(text));
        assert_eq!(word("a/b-1.jpg"), "a/b-1.jpg");
        assert_eq!(word("夕焼け.jpg"), "夕焼け.jpg");
        assert_eq!(word(""), "''");
        assert_eq!(word("my photo.jpg"), "'my photo.jpg'");
        assert_eq!(word("it's.jpg"), r"'it'\''s.jpg'");
        assert_eq!(word("a\nb'c\\.jpg"), r"$'a\nb\'c\\.jpg'");
        assert_eq!(word("~/a"), "'~/a'");
        assert_eq!(argument(Path::new("-x.png")), "./-x.png");
    }

    #[test]
    fn text_is_shown_as_it_is_and_nothing_else() {
        assert_eq!(shown(Path::new("my photo.jpg")), "my photo.jpg");
        assert_eq!(shown(Path::new("a\u{1b}[2Jb")), r"$'a\033[2Jb'");
    }

    #[test]
    fn files_of_any_editor_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        std::fs::write(&path, "\u{feff}a\r\n").unwrap();
        assert_eq!(read(&path, 100).unwrap(), "a\r\n");
        std::fs::write(&path, b"\xe9").unwrap();
        assert!(read(&path, 100).unwrap_err().to_string().contains("line 1 is no text in UTF-8"));
        assert_eq!(read(&folder.path().join("b"), 100).unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    #[cfg(unix)]
    #[test]
    fn bytes_that_are_no_text_are_kept_apart() {
        use std::os::unix::ffi::OsStrExt;

        let path = |bytes| Path::new(OsStr::from_bytes(bytes));
        assert_eq!(shown(path(b"caf\xe9.png")), r"$'caf\351.png'");
        assert_ne!(shown(path(b"caf\xe9.png")), shown(path(b"caf\xe8.png")));
        assert_eq!(lossy(path(b"caf\xe9.png")), "caf\u{fffd}.png");
    }
}
