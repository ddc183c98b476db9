//! The training, the validation and the test split: what they are, and how photos are dealt out.

use std::path::{Path, PathBuf};

use rand::RngExt;

use crate::coco::CocoDocument;
use crate::error::Error;
use crate::preprocessor::StepArtifact;
use crate::random::RandomStream;

/// Names of the splits, in the order in which photos are dealt out.
pub(crate) const SPLITS: [&str; 3] = ["train", "validation", "test"];

/// Name of the annotation file of a split, in its folder.
pub(crate) const ANNOTATIONS: &str = "annotations.json";

/// Fewest photos in each split.
const MIN_SPLIT: usize = 1;

/// The three splits.
#[derive(Debug, Clone)]
pub struct Splits {
    /// What is learnt from.
    pub train: SplitPhotos,
    /// What selects the best model.
    pub validation: SplitPhotos,
    /// What is reported on, never looked at before.
    pub test: SplitPhotos,
    /// What they depend on; for the key of a step that works on them.
    pub key: String,
}

/// The photos of one split.
#[derive(Debug, Clone)]
pub struct SplitPhotos {
    /// The annotation file.
    pub path: PathBuf,
    /// The photos, in the order of the annotation file.
    pub photos: Vec<SplitPhoto>,
    /// Photos left out because the juror did not notice their damage.
    pub left_out: usize,
}

/// A photo with its original.
#[derive(Debug, Clone, PartialEq)]
pub struct SplitPhoto {
    /// File name, unique in the split.
    pub file_name: String,
    /// What the agent is given.
    pub degraded: PathBuf,
    /// The undamaged photo, of the same size.
    pub original: PathBuf,
    /// Score of the damaged photo.
    pub degraded_score: f64,
    /// Score of the original.
    pub original_score: f64,
    /// The damage in its text form, step by step; empty where there is none.
    pub damage: Vec<String>,
}

impl SplitPhoto {
    /// Whether the photo was damaged at all.
    #[must_use]
    pub fn is_damaged(&self) -> bool {
        !self.damage.is_empty()
    }
}

impl Splits {
    /// Reads the splits in the folders of a step's result.
    pub(crate) fn load(folder: &Path, key: &str) -> Result<Self, Error> {
        let read = |name: &str| SplitPhotos::load(&folder.join(name).join(ANNOTATIONS));
        let [train, validation, test] = SPLITS;
        Ok(Self { train: read(train)?, validation: read(validation)?, test: read(test)?, key: key.to_owned() })
    }

    /// How many photos there are, by the names of the metrics.
    pub(crate) fn figures(&self) -> Vec<(String, f64)> {
        let splits = SPLITS.into_iter().zip([&self.train, &self.validation, &self.test]);
        let mut figures: Vec<_> =
            splits.map(|(name, split)| (format!("{name}_num_images"), split.photos.len() as f64)).collect();
        figures.push(("train_left_out".to_owned(), self.train.left_out as f64));
        figures
    }

    /// The annotation files of the splits, as `preprocess/<split>.json`.
    pub(crate) fn artifacts() -> Vec<StepArtifact> {
        let artifact = |name: &str| StepArtifact::new(Path::new(name).join(ANNOTATIONS), &format!("{name}.json"));
        SPLITS.map(artifact).into()
    }
}

impl SplitPhotos {
    /// Reads a split back from its annotation file.
    ///
    /// # Errors
    /// [`Error::File`] or [`Error::Annotations`].
    pub fn load(path: &Path) -> Result<Self, Error> {
        let document = CocoDocument::load(path)?;
        let folder = path.parent().unwrap_or(Path::new("."));
        let edits = document.transformations();
        let photos = document.images.iter().zip(edits).map(|(image, damage)| {
            let missing = |what: &str| Error::Annotations {
                path: path.to_owned(),
                reason: format!("image `{}` has no {what}", image.file_name),
            };
            let original = image.original.as_ref().ok_or_else(|| missing("original"))?;
            Ok(SplitPhoto {
                file_name: image.file_name.clone(),
                degraded: folder.join("images").join(&image.file_name),
                original: folder.join(original),
                degraded_score: image.score.ok_or_else(|| missing("score"))?,
                original_score: image.initial_score.ok_or_else(|| missing("initial_score"))?,
                damage: damage.into_iter().map(str::to_owned).collect(),
            })
        });
        let photos = photos.collect::<Result<Vec<_>, Error>>()?;
        Ok(Self { path: path.to_owned(), photos, left_out: document.info.left_out.unwrap_or(0) })
    }
}

/// How many photos of `total` go into each split: rounded down, the test split takes the rest.
///
/// # Errors
/// [`Error::TooFewPhotos`] where one would be empty.
pub(crate) fn sizes(total: usize, train_ratio: f64, validation_ratio: f64) -> Result<[usize; 3], Error> {
    let part = |total: usize, ratio: f64| (total as f64 * ratio + 1e-9) as usize;
    let sizes = |total: usize| {
        let (train, validation) = (part(total, train_ratio), part(total, validation_ratio));
        [train, validation, total - train - validation]
    };
    let enough = |total: usize| sizes(total).iter().all(|&size| size >= MIN_SPLIT);
    if enough(total) {
        return Ok(sizes(total));
    }
    let needed = (total + 1..=1000).find(|&total| enough(total)).unwrap_or(1000);
    Err(Error::TooFewPhotos { got: total, needed })
}

/// The numbers of the photos with these names in an order that depends on the seed and the set of names only.
pub(crate) fn shuffled(names: &[&str], seed: u64) -> Vec<usize> {
    let mut order: Vec<usize> = (0..names.len()).collect();
    // By name, so that the order in which photos were found does not matter.
    order.sort_by_key(|&index| names[index]);
    let mut rng = RandomStream::Split.generator(seed);
    for i in (1..order.len()).rev() {
        order.swap(i, rng.random_range(0..=i));
    }
    order
}

/// Deals photos out in the given order, so many to each split.
pub(crate) fn deal(order: &[usize], sizes: [usize; 3]) -> [Vec<usize>; 3] {
    let (train, rest) = order.split_at(sizes[0]);
    let (validation, test) = rest.split_at(sizes[1]);
    [train, validation, test].map(<[usize]>::to_vec)
}
