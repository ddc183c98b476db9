//! Names of entries as safe relative paths.

use super::EntryProblem;

/// Longest name of a file or folder, in bytes: what common file systems allow.
const MAX_PART: usize = 255;
/// Longest path, in bytes.
const MAX_PATH: usize = 1024;
/// Most folders in each other.
const MAX_DEPTH: usize = 64;

/// The folders and the name of an entry; nothing for the root itself. `\` is taken for `/`, as some archivers of Windows
/// write it.
pub(super) fn parts(name: &[u8]) -> Result<Vec<&str>, EntryProblem> {
    let name = std::str::from_utf8(name).map_err(|_| EntryProblem::BadName)?;
    let has_drive = name.as_bytes().get(1) == Some(&b':') && name.as_bytes()[0].is_ascii_alphabetic();
    if name.starts_with(['/', '\\']) || has_drive {
        return Err(EntryProblem::Absolute);
    }
    let parts: Vec<&str> = name.split(['/', '\\']).filter(|part| !part.is_empty() && *part != ".").collect();
    if parts.contains(&"..") {
        return Err(EntryProblem::Outside);
    }
    if parts.iter().any(|part| part.len() > MAX_PART) || name.len() > MAX_PATH || parts.len() > MAX_DEPTH {
        return Err(EntryProblem::TooLong);
    }
    if name.chars().any(char::is_control) || (cfg!(windows) && parts.iter().any(|part| !is_windows_name(part))) {
        return Err(EntryProblem::BadName);
    }
    Ok(parts)
}

/// Whether Windows takes the name for that of a plain file.
fn is_windows_name(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default().trim_end().to_ascii_uppercase();
    let device = ["CON", "PRN", "AUX", "NUL"].contains(&&*stem)
        || (stem.len() == 4
            && (stem.starts_with("COM") || stem.starts_with("LPT"))
            && stem.ends_with(|last: char| last.is_ascii_digit()));
    !device && !name.ends_with(['.', ' ']) && !name.contains(['<', '>', ':', '"', '|', '?', '*'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &[u8], expected: Result<&[&str], EntryProblem>) {
        assert_eq!(parts(name).as_deref(), expected.as_ref().copied(), "{}", String::from_utf8_lossy(name));
    }

    #[test]
    fn plain_names_become_parts() {
        check(b"a/b.jpg", Ok(&["a", "b.jpg"]));
        check(b"./a//./b.jpg", Ok(&["a", "b.jpg"]));
        check(b"a\\b.jpg", Ok(&["a", "b.jpg"]));
        check(b"..a/b..", Ok(&["..a", "b.."]));
        check(b"./", Ok(&[]));
        check("größe/写真.jpg".as_bytes(), Ok(&["größe", "写真.jpg"]));
    }

    #[test]
    fn what_leaves_or_does_not_fit_is_refused() {
        use EntryProblem::{Absolute, BadName, Outside, TooLong};
        check(b"/etc/passwd", Err(Absolute));
        check(b"\\\\server\\share", Err(Absolute));
        check(b"C:\\x", Err(Absolute));
        check(b"c:x", Err(Absolute));
        check(b"a/../../b", Err(Outside));
        check(b"a\\..\\b", Err(Outside));
        check(b"..", Err(Outside));
        check(b"a\0b", Err(BadName));
        check(b"a\nb", Err(BadName));
        check(b"\xff.jpg", Err(BadName));
        check("x".repeat(256).as_bytes(), Err(TooLong));
        check("x/".repeat(65).as_bytes(), Err(TooLong));
        check(["y".repeat(200).as_str(); 6].join("/").as_bytes(), Err(TooLong));
    }

    #[test]
    fn names_that_windows_gives_a_meaning() {
        for name in ["con", "NUL.jpg", "com1", "LPT9.txt", "a.", "a ", "a:b", "x?.jpg"] {
            assert!(!is_windows_name(name), "{name}");
        }
        for name in ["console", "com10", "a.b", "größe"] {
            assert!(is_windows_name(name), "{name}");
        }
    }
}
