#![doc = include_str!("../README.md")]

mod annotation_file;
mod cache;
mod coco;
mod context;
mod copy_and_resize;
mod degrade_and_split;
mod error;
mod score;

pub use annotation_file::{AnnotatedPhotos, AnnotationFile};
pub use coco::{
    ANNOTATION_FORMAT, Annotation, Category, CocoDocument, CocoImage, Info, SCORE_CATEGORY, TRANSFORMER_CATEGORY,
};
pub use context::{Context, NoProgress, Progress};
pub use copy_and_resize::{CopyAndResize, ResizeParams, ResizedPhoto, ResizedPhotos};
pub use degrade_and_split::{DegradeAndSplit, DegradeParams, SplitPhoto, SplitPhotos, Splits, damage_rng};
pub use error::Error;
pub use score::{Score, ScoredPhotos};

/// One step of preprocessing: a small value that turns a typed input into a typed result on disk.
///
/// Open for implementation. A step is pure up to its folder: the same input, parameters and version give the same
/// result, which is kept under `cache/<name>/<key>/` of the volume and used again.
pub trait Preprocessor {
    /// What the step works on.
    type Input;
    /// What it leaves behind.
    type Output;

    /// Name of the step: the folder under `cache/` and the middle of `perf/<name>_duration_seconds`.
    fn name(&self) -> &'static str;

    /// Runs the step, or finds its earlier result.
    ///
    /// # Errors
    /// [`Error`], naming the file; nothing half-done stays in the cache.
    fn run(&self, input: &Self::Input, context: &Context) -> Result<Self::Output, Error>;
}
