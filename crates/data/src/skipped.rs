//! What looked like a photo and is left out, and why.

use std::collections::BTreeMap;
use std::path::PathBuf;

/// Shortest side in pixels of a photo that is used: on less there is nothing to see.
pub const MIN_SIDE: u32 = 16;

/// A file that looked like a photo and could not be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// The file or folder.
    pub path: PathBuf,
    /// Why it was left out.
    pub reason: SkipReason,
}

/// Why a file that looked like a photo is not used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SkipReason {
    /// There is nothing in it.
    #[error("the file is empty")]
    Empty,
    /// It has the extension of a photo and another content.
    #[error("the content is neither JPEG, PNG, TIFF nor WebP")]
    NotAPhoto,
    /// It begins like a photo and cannot be decoded.
    #[error("damaged: {0}")]
    Damaged(String),
    /// It cannot be read.
    #[error("cannot be read: {0}")]
    Unreadable(String),
    /// It is a folder, and its files cannot be listed.
    #[error("the folder cannot be read: {0}")]
    UnreadableFolder(String),
    /// It has too few pixels to see anything.
    #[error("{width}x{height} pixels, less than {} on a side", MIN_SIDE)]
    TooSmall {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
    },
    /// It has more pixels than fit into memory.
    #[error("{width}x{height} pixels, more than {limit} in all")]
    TooLarge {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
        /// Most pixels in all.
        limit: u64,
    },
    /// Another reason, in words: for loaders of your own.
    #[error("{0}")]
    Other(String),
}

impl Skipped {
    /// How many of `all` were left out for which reason, as `3 (the file is empty), 2 (...)`; empty where there are none.
    #[must_use]
    pub fn in_words(all: &[Self]) -> String {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for skipped in all {
            *counts.entry(skipped.reason.to_string()).or_default() += 1;
        }
        let words: Vec<String> = counts.into_iter().map(|(reason, count)| format!("{count} ({reason})")).collect();
        words.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_counted_by_reason() {
        let reasons = [SkipReason::NotAPhoto, SkipReason::Empty, SkipReason::NotAPhoto];
        let all = reasons.map(|reason| Skipped { path: PathBuf::from("a"), reason });
        let words = "2 (the content is neither JPEG, PNG, TIFF nor WebP), 1 (the file is empty)";
        assert_eq!(Skipped::in_words(&all), words);
        assert_eq!(Skipped::in_words(&[]), "");
    }
}
