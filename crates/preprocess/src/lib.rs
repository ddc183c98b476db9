#![doc = include_str!("../README.md")]

mod annotation_file;
mod cache;
mod coco;
mod context;
mod copy_and_resize;
mod damage_protocol;
mod degrade_and_split;
mod entries;
mod error;
mod key;
mod likeness;
mod lock;
mod membership;
mod pair_and_split;
mod photo_pair;
mod preprocessor;
mod progress;
mod random;
mod score;
mod split;
mod undamaged_split;
mod unusable;
mod whole_file;

pub use annotation_file::{AnnotatedPhotos, AnnotationFile};
pub use coco::{
    ANNOTATION_FORMAT, Annotation, Category, CocoDocument, CocoImage, Info, SCORE_CATEGORY, TRANSFORMER_CATEGORY,
};
pub use context::{Context, UsedResult};
pub use copy_and_resize::{CopyAndResize, ResizeParams, ResizedPhoto, ResizedPhotos};
pub use damage_protocol::DamageProtocol;
pub use degrade_and_split::{DegradeAndSplit, DegradeParams};
pub use entries::CacheEntry;
pub use error::Error;
pub use key::KeyBuilder;
pub use membership::{Membership, SplitMemory};
pub use pair_and_split::{EDITED, Misaligned, PairAndSplit, PairParams, PairedPhotos};
pub use photo_pair::PhotoPair;
pub use preprocessor::{Preprocessor, StepArtifact, StepResult};
pub use progress::{NoProgress, Progress};
pub use random::{RandomStream, damage_rng, undamaged_photos};
pub use score::{Score, ScoredPhotos};
pub use split::{SplitPhoto, SplitPhotos, Splits};
pub use undamaged_split::Split;
pub use unusable::tell_of_skipped;
