//! What looked like a photo and is left out, and why.

use std::collections::BTreeMap;
use std::path::PathBuf;

use dodge_imaging::LabelColour;

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
    /// Its photographer gave it fewer stars than asked for, or none.
    #[error("{}", in_stars(*rating, *least))]
    Rated {
        /// Stars, -1 for rejected; none where nobody rated it.
        rating: Option<i8>,
        /// Fewest stars asked for.
        least: u8,
    },
    /// Its photographer gave it another label than asked for, or none.
    #[error("{}", in_labels(labels, *wanted))]
    Labelled {
        /// What it has instead, in the words of the program that wrote it.
        labels: Vec<String>,
        /// The label asked for.
        wanted: LabelColour,
    },
    /// It is one side of a pair, and there is no photo of its name on the other side.
    #[error("no photo of this name in {}", folder.display())]
    NoPartner {
        /// The folder of the other side.
        folder: PathBuf,
    },
    /// It is one side of a pair, and several photos on this side have its name, extension apart.
    #[error("several photos have this name, so that its pair is not known: rename or remove the others")]
    SeveralOfOneName,
    /// It is the *before* of a pair whose *after* is not the same picture, larger or smaller.
    #[error("{}x{} pixels before and {}x{} after: cropped or turned, not only scaled", before.0, before.1, after.0, after.1)]
    OtherShape {
        /// Width and height of the *before* in pixels.
        before: (u32, u32),
        /// Width and height of the *after* in pixels.
        after: (u32, u32),
    },
    /// Another reason, in words: for loaders of your own.
    #[error("{0}")]
    Other(String),
}

fn in_stars(rating: Option<i8>, least: u8) -> String {
    match rating {
        None => "not rated".to_owned(),
        Some(-1) => "rejected by its photographer".to_owned(),
        Some(stars) => format!("{stars} of 5 stars, fewer than {least}"),
    }
}

fn in_labels(labels: &[String], wanted: LabelColour) -> String {
    let wanted = wanted.name();
    if labels.is_empty() { "no label".to_owned() } else { format!("labelled {}, not {wanted}", labels.join(" and ")) }
}

impl SkipReason {
    /// Why a photo cannot be used that cannot be read or decoded. The path of the file is left out: it stands beside.
    #[must_use]
    pub fn of(error: &dodge_imaging::Error) -> Self {
        use dodge_imaging::Error as E;
        match error {
            E::Decode { source, .. } => Self::Damaged(source.to_string()),
            E::Unsupported { reason, .. } => Self::Other(reason.clone()),
            E::Read { source, .. } => Self::Unreadable(source.to_string()),
            E::TooLarge { width, height, limit, .. } => {
                Self::TooLarge { width: *width, height: *height, limit: *limit }
            }
            other => Self::Other(other.to_string()),
        }
    }

    /// The reason without the sizes of the one photo, by which photos are counted.
    fn kind(&self) -> String {
        match self {
            Self::Rated { rating: Some(0..), least } => format!("fewer than {least} stars"),
            Self::Labelled { labels, wanted } if !labels.is_empty() => format!("labelled other than {}", wanted.name()),
            Self::OtherShape { .. } => "cropped or turned between before and after".to_owned(),
            other => other.to_string(),
        }
    }
}

impl Skipped {
    pub(crate) fn unreadable(path: PathBuf, error: &std::io::Error) -> Self {
        Self { path, reason: SkipReason::Unreadable(error.to_string()) }
    }

    /// How many of `all` were left out for which reason, as `3 (the file is empty), 2 (...)`; empty where there are none.
    #[must_use]
    pub fn in_words(all: &[Self]) -> String {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for skipped in all {
            *counts.entry(skipped.reason.kind()).or_default() += 1;
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
        let cropped = [(32, 20), (30, 24)].map(|after| SkipReason::OtherShape { before: (32, 24), after });
        let cropped = cropped.map(|reason| Skipped { path: PathBuf::from("a"), reason });
        assert_eq!(Skipped::in_words(&cropped), "2 (cropped or turned between before and after)");
        assert_eq!(Skipped::in_words(&[]), "");
    }
}
