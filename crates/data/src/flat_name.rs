//! Flat, portable and unique names for files in folders.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::FileHash;
use crate::relative_name::relative_name;

/// Longest part of a name that comes from the path. With the longest suffix (65 bytes) and what callers append, a name
/// stays below the 255 bytes that file systems allow.
const MAX_STEM: usize = 100;

/// Hexadecimal digits of the path's hash that are tried in turn until all names differ.
const SUFFIX_DIGITS: [usize; 4] = [0, 8, 16, 64];

/// One name for each of the distinct relative `paths`; see [`PhotoFile::name`](crate::PhotoFile::name).
///
/// The names depend on the set of paths only, not on their order.
pub(crate) fn unique_names(paths: &[PathBuf]) -> Vec<String> {
    let mut levels = vec![0; paths.len()];
    loop {
        let names: Vec<String> =
            paths.iter().zip(&levels).map(|(path, &level)| with_suffix(path, SUFFIX_DIGITS[level])).collect();
        // Names are ASCII, so this is all there is to "the same where case does not count".
        let mut users = HashMap::<String, usize>::new();
        for name in &names {
            *users.entry(name.to_ascii_lowercase()).or_default() += 1;
        }
        // All that share a name get a longer suffix, so that none is preferred for being listed first. Two names with
        // the whole hash differ, hence this ends.
        let mut changed = false;
        for (name, level) in names.iter().zip(&mut levels) {
            if users[&name.to_ascii_lowercase()] > 1 && *level + 1 < SUFFIX_DIGITS.len() {
                *level += 1;
                changed = true;
            }
        }
        if !changed {
            return names;
        }
    }
}

fn with_suffix(path: &Path, digits: usize) -> String {
    let mut name = stem(path);
    if digits > 0 {
        let hash = FileHash::of(&relative_name(path)).to_string();
        name.push('-');
        name.push_str(&hash[..digits]);
    }
    name
}

fn stem(path: &Path) -> String {
    let parts: Vec<String> = path
        .with_extension("")
        .components()
        .map(|part| {
            let text = part.as_os_str().to_string_lossy();
            text.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' }).collect()
        })
        .collect();
    let mut stem = parts.join("-");
    stem.truncate(MAX_STEM);
    if is_reserved(&stem) {
        stem.push('_');
    }
    stem
}

/// Names that Windows keeps for devices, whatever the extension.
fn is_reserved(stem: &str) -> bool {
    let lower = stem.to_ascii_lowercase();
    let port = |prefix: &str| lower.strip_prefix(prefix).is_some_and(|n| n.len() == 1 && n != "0");
    matches!(lower.as_str(), "con" | "prn" | "aux" | "nul") || port("com") || port("lpt")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(paths: &[&str], expected: &[&str]) {
        let paths: Vec<PathBuf> = paths.iter().map(PathBuf::from).collect();
        assert_eq!(unique_names(&paths), expected);
    }

    #[test]
    fn plain_names_are_kept() {
        check(&["a.jpg", "b/c.png", "x.y.JPG", "my photo.jpg"], &["a", "b-c", "x_y", "my_photo"]);
    }

    #[test]
    fn device_names_are_avoided() {
        check(&["CON.jpg", "com1.png", "com10.png"], &["CON_", "com1_", "com10"]);
    }

    #[test]
    fn equal_names_get_the_hash_of_their_path() {
        let paths = ["a.jpg", "a.png", "A.JPG", "other.jpg"].map(PathBuf::from);
        let names = unique_names(&paths);
        assert!(names[0].starts_with("a-") && names[1].starts_with("a-") && names[2].starts_with("A-"), "{names:?}");
        assert_eq!(names[3], "other");
        let mut reversed = paths.to_vec();
        reversed.reverse();
        let mut again = unique_names(&reversed);
        again.reverse();
        assert_eq!(names, again);
    }

    #[test]
    fn a_file_named_like_a_suffixed_one_is_kept_apart() {
        let suffixed = with_suffix(Path::new("a.jpg"), 8);
        let paths = [PathBuf::from("a.jpg"), PathBuf::from("a.png"), PathBuf::from(format!("{suffixed}.jpg"))];
        let names = unique_names(&paths);
        let distinct: std::collections::HashSet<_> = names.iter().map(|n| n.to_ascii_lowercase()).collect();
        assert_eq!(distinct.len(), 3, "{names:?}");
    }

    #[test]
    fn long_and_foreign_names_fit() {
        let paths = [PathBuf::from(format!("{}.jpg", "x".repeat(250))), "写真.jpg".into(), "写生.jpg".into()];
        let names = unique_names(&paths);
        assert!(names.iter().all(|n| n.is_ascii() && !n.is_empty() && n.len() <= 170), "{names:?}");
        assert_ne!(names[1], names[2]);
    }
}
