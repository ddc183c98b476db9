//! Hyperparameters of the data sources.

use dodge_hparams::HParams;

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
}
