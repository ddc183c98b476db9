//! Hyperparameters of the data sources.

use dodge_hparams::{Choice, HParams};
use dodge_imaging::LabelColour;

/// Where photographs come from when the user names none.
#[derive(Debug, Clone, PartialEq, HParams)]
#[hparams(section = "data")]
pub struct DataParams {
    /// How many synthetic photos are made when no folder or dataset is named.
    /// More photos generalise better; training needs about 100 at least.
    #[hparam(default = 160, range = 1..=100_000, unit = "photos")]
    pub synthetic_photos: usize,
    /// Length of the longer side of a synthetic photo.
    #[hparam(default = 384, range = 16..=4096, unit = "px")]
    pub synthetic_size: u32,
    /// Fewest stars of the photos of a folder that are taken, as their photographer gave them, in a sidecar (XMP) or in the file; 0 takes all.
    #[hparam(default = 0, range = 0..=5, unit = "stars")]
    pub least_rating: u32,
    /// The label of the photos of a folder that are taken, looked for in the same places.
    #[hparam(default = Label::Any)]
    pub label: Label,
}

/// A label by which photos are chosen: those of Lightroom, Bridge, Capture One, digiKam and darktable, by colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Choice)]
pub enum Label {
    /// With a label or without.
    Any,
    /// Red, or what Bridge calls Select.
    Red,
    /// Yellow, or Second.
    Yellow,
    /// Green, or Approved.
    Green,
    /// Blue, or Review.
    Blue,
    /// Purple, or To Do.
    Purple,
}

impl Label {
    /// The colour; none for any.
    #[must_use]
    pub fn colour(self) -> Option<LabelColour> {
        Some(match self {
            Self::Any => return None,
            Self::Red => LabelColour::Red,
            Self::Yellow => LabelColour::Yellow,
            Self::Green => LabelColour::Green,
            Self::Blue => LabelColour::Blue,
            Self::Purple => LabelColour::Purple,
        })
    }
}
