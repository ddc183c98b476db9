//! What a reader should know of a picture that was read, though nothing failed.

use std::fmt;

/// What becomes of a file that is damaged or cut off.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Tolerance {
    /// It is an error.
    #[default]
    Refuse,
    /// What can be read of a JPEG or a PNG is taken, the rest is grey or black, and a note tells it. Other formats are an error.
    Keep,
}

/// What was left out or decided while a picture was read.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Note {
    /// Some pixels are transparent; the transparency was dropped.
    AlphaDropped,
    /// The file is an animation; its first picture was taken.
    FirstFrame,
    /// The file has other pages, that were left out.
    OtherPages {
        /// How many.
        count: usize,
    },
    /// The file holds only pictures that are marked as reduced copies; the largest was taken.
    OnlyReduced,
    /// Floats above 1 were cut to white.
    Clipped,
    /// The file is damaged or cut off; what could be read was taken, as [`Tolerance::Keep`] asks for.
    Damaged {
        /// What is wrong with it, in words.
        reason: String,
    },
    /// The file breaks rules of its format, though the picture could be read whole.
    Irregular {
        /// The decoder's words.
        reason: String,
    },
    /// Something of what the file says beside its pixels cannot be carried on.
    MetadataLeftOut {
        /// What, in words.
        what: &'static str,
    },
    /// The format that is written has no place for something.
    NoRoom {
        /// What, in words.
        what: String,
        /// The format, with its article.
        format: &'static str,
    },
    /// The colour profile cannot be read, so that the values were taken for sRGB; it is carried on.
    ProfileNotApplied,
    /// The colour profile says what values look like and not which values to write, so that the picture is in sRGB now.
    BecameSrgb,
    /// It is a raw file of a camera whose colours are not known; they were taken for those of sRGB.
    UnknownCamera,
    /// The file is a WebP with losses; WebP is written without any, so the result is many times as large.
    LossyWebP,
}

impl fmt::Display for Note {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AlphaDropped => formatter.write_str("its transparency was dropped"),
            Self::FirstFrame => formatter.write_str("it is an animation, of which the first picture was taken"),
            Self::OtherPages { count: 1 } => formatter.write_str("one more page was left out"),
            Self::OtherPages { count } => write!(formatter, "{count} more pages were left out"),
            Self::OnlyReduced => {
                formatter.write_str("it holds only pictures that are marked as reduced copies; the largest was taken")
            }
            Self::Clipped => formatter.write_str("values brighter than white were cut"),
            Self::Damaged { reason } => write!(formatter, "it is damaged ({reason}); what could be read was taken"),
            Self::Irregular { reason } => write!(formatter, "it breaks the rules of its format ({reason})"),
            Self::MetadataLeftOut { what } => write!(formatter, "{what} was left out"),
            Self::NoRoom { what, format } => write!(formatter, "{what} has no place in {format} and was left out"),
            Self::ProfileNotApplied => {
                formatter.write_str("its colour profile cannot be read; its values were taken for sRGB")
            }
            Self::BecameSrgb => {
                formatter.write_str("its colour profile has no way back to its values, so that the result is in sRGB")
            }
            Self::UnknownCamera => {
                formatter.write_str("the colours of its camera are not known and were taken for those of sRGB")
            }
            Self::LossyWebP => {
                formatter.write_str("it is a WebP with losses; WebP is written without any, and many times as large")
            }
        }
    }
}
