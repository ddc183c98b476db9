//! The training, the validation and the test split: what they are, and how photos are dealt out.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use dodge_imaging::Photo;
use rand::RngExt;
use rayon::prelude::*;

use crate::coco::{CocoDocument, CocoImage};
use crate::context::Context;
use crate::error::Error;
use crate::likeness::{Impression, groups};
use crate::preprocessor::StepArtifact;
use crate::random::RandomStream;
use crate::score::ScoredPhotos;

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
    /// Who scored them; none where the file does not say.
    pub juror: Option<String>,
}

/// A photo with its original.
#[derive(Debug, Clone, PartialEq)]
pub struct SplitPhoto {
    /// File name, unique in the split.
    pub file_name: String,
    /// What the agent is given; of a pair the *before*.
    pub degraded: PathBuf,
    /// The undamaged photo, of the same size; of a pair the *after*.
    pub original: PathBuf,
    /// Score of the damaged photo.
    pub degraded_score: f64,
    /// Score of the original.
    pub original_score: f64,
    /// The damage in its text form, step by step; empty where there is none. Of a pair [`EDITED`](crate::EDITED), or nothing
    /// where the *after* equals the *before*.
    pub damage: Vec<String>,
}

impl SplitPhoto {
    /// Whether the photo was damaged at all; of a pair, whether it was edited.
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
        let left_out = document.info.left_out.unwrap_or(0);
        Ok(Self { path: path.to_owned(), photos, left_out, juror: document.info.juror.clone() })
    }
}

/// Whether the ratios of a section of hyperparameters leave photos to test on.
///
/// # Errors
/// What is wrong with them.
pub(crate) fn check_ratios(train_ratio: f64, validation_ratio: f64) -> Result<(), String> {
    let left = 1.0 - train_ratio - validation_ratio;
    if left >= 0.01 - 1e-9 {
        return Ok(());
    }
    Err(format!("train_ratio and validation_ratio leave {left:.3} for the test split; at least 0.01 is needed"))
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

/// Deals scored photos out by the seed, the set of their names and in which split they are known to be, nearly equal ones into one split. Opens
/// each photo for that.
pub(crate) fn deal_scored(
    input: &ScoredPhotos,
    sizes: [usize; 3],
    known: &dyn Fn(&str) -> Option<usize>,
    seed: u64,
    context: &Context,
) -> Result<[Vec<usize>; 3], Error> {
    let images = &input.document.images;
    let names: Vec<&str> = images.iter().map(|image| image.file_name.as_str()).collect();
    let impression = |image: &CocoImage| {
        context.check_interrupted()?;
        Ok(Impression::of(&Photo::open(&input.images.join(&image.file_name))?))
    };
    let impressions = images.par_iter().map(impression).collect::<Result<Vec<_>, Error>>()?;
    let groups = groups(&impressions.iter().collect::<Vec<_>>());
    Ok(deal_named(&names, known, &groups, sizes, seed))
}

/// Deals photos out by the seed, the set of their names and in which split they are known to be, those of one group (`group[photo]`) into one split.
pub(crate) fn deal_named(
    names: &[&str],
    known: &dyn Fn(&str) -> Option<usize>,
    group: &[usize],
    sizes: [usize; 3],
    seed: u64,
) -> [Vec<usize>; 3] {
    let order = shuffled(names, seed);
    let known: Vec<Option<usize>> = names.iter().map(|name| known(name)).collect();
    let (kept, total) = (known.iter().flatten().count(), names.len());
    let dealt = deal_new(&order, &known, group, sizes);
    // Also where nobody is left in a split of those who were in it.
    if kept == 0 || dealt.iter().any(Vec::is_empty) {
        return deal_groups(&order, group, sizes);
    }
    tracing::info!("{kept} photos stay in the split that they were in before, {} are new", total - kept);
    dealt
}

/// Deals photos out in the given order, so many to each split.
fn deal(order: &[usize], sizes: [usize; 3]) -> [Vec<usize>; 3] {
    let (train, rest) = order.split_at(sizes[0]);
    let (validation, test) = rest.split_at(sizes[1]);
    [train, validation, test].map(<[usize]>::to_vec)
}

/// As [`deal`], but photos of one group (`group[photo]`) go into one split, so that none is tested on what it learnt from.
/// The splits are larger or smaller than asked for by as little as that costs. Where a group is so large that a split
/// would lose more than half of its photos, it is dealt out as if its photos were strangers.
pub(crate) fn deal_groups(order: &[usize], group: &[usize], sizes: [usize; 3]) -> [Vec<usize>; 3] {
    // The members follow the first of them.
    let mut together: Vec<Vec<usize>> = Vec::new();
    let mut place = HashMap::new();
    for &photo in order {
        let at = *place.entry(group[photo]).or_insert_with(|| {
            together.push(Vec::new());
            together.len() - 1
        });
        together[at].push(photo);
    }
    let total = order.len();
    let mut borders = vec![0];
    borders.extend(together.iter().scan(0, |end, members| {
        *end += members.len();
        Some(*end)
    }));
    // Photos are left for the splits before and behind each border.
    let nearest = |wanted: usize, above: usize| {
        let inside = borders.iter().copied().filter(|&border| border > above && border < total);
        inside.min_by_key(|border| border.abs_diff(wanted)).unwrap_or(wanted)
    };
    let first = nearest(sizes[0], 0);
    let second = nearest(sizes[0] + sizes[1], first);
    let got = [first, second.saturating_sub(first), total - second];
    let enough = got.iter().zip(sizes).all(|(&got, wanted)| got >= wanted.div_ceil(2));
    let order: Vec<usize> = together.into_iter().flatten().collect();
    deal(&order, if enough { got } else { sizes })
}

/// Leaves photos in the split where they are known to be. A new one goes to those of its group, the first of them where they are apart; any
/// other group of new ones goes where most photos are missing.
fn deal_new(order: &[usize], known: &[Option<usize>], group: &[usize], sizes: [usize; 3]) -> [Vec<usize>; 3] {
    let mut splits: [Vec<usize>; 3] = Default::default();
    let mut split_of_group = HashMap::new();
    for (&photo, split) in order.iter().filter_map(|photo| Some((photo, known[*photo]?))) {
        splits[split].push(photo);
        split_of_group.entry(group[photo]).or_insert(split);
    }
    for &photo in order.iter().filter(|photo| known[**photo].is_none()) {
        let missing = |split: usize| sizes[split].saturating_sub(splits[split].len());
        let neediest = (0..splits.len()).rev().max_by_key(|&split| missing(split)).unwrap_or_default();
        let split = *split_of_group.entry(group[photo]).or_insert(neediest);
        splits[split].push(photo);
    }
    splits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_was_dealt_out_stays_and_the_new_go_where_photos_are_missing() {
        // 0 to 4 were in training, 5 was validated on, 6 tested on; 7 is like 6, and 8, 9 and 10 are new.
        let known = [0, 0, 0, 0, 0, 1, 2].map(Some).into_iter().chain([None; 4]).collect::<Vec<_>>();
        let group = [0, 1, 2, 3, 4, 5, 6, 6, 8, 9, 10];
        for seed in 0..20 {
            let names: Vec<String> = (0..11).map(|index| index.to_string()).collect();
            let order = shuffled(&names.iter().map(String::as_str).collect::<Vec<_>>(), seed);
            let splits = deal_new(&order, &known, &group, [7, 2, 2]);
            assert!(known.iter().enumerate().all(|(photo, split)| split.is_none_or(|it| splits[it].contains(&photo))));
            assert!(splits[2].contains(&7), "it goes to the one that it is like");
            assert_eq!(splits.map(|split| split.len()), [7, 2, 2]);
        }
    }

    #[test]
    fn without_groups_everybody_is_dealt_out_as_before() {
        let order = [3, 0, 4, 1, 2];
        let strangers = [0, 1, 2, 3, 4];
        assert_eq!(deal_groups(&order, &strangers, [3, 1, 1]), deal(&order, [3, 1, 1]));
    }

    #[test]
    fn a_group_is_in_one_split() {
        // 0 and 5 are alike, 2, 3 and 7 are.
        let group = [0, 1, 2, 2, 4, 0, 6, 2, 8, 9];
        for seed in 0..50 {
            let names: Vec<String> = (0..10).map(|index| index.to_string()).collect();
            let order = shuffled(&names.iter().map(String::as_str).collect::<Vec<_>>(), seed);
            let splits = deal_groups(&order, &group, [6, 2, 2]);
            assert_eq!(splits.iter().map(Vec::len).sum::<usize>(), 10);
            assert!(splits.iter().all(|split| !split.is_empty()), "{splits:?}");
            let whole =
                |members: &[usize]| splits.iter().any(|split| members.iter().all(|member| split.contains(member)));
            // Three of ten do not always fit; then a split is not left without photos.
            assert!(whole(&[0, 5]) || !whole(&[2, 3, 7]) || splits.iter().any(|split| split.len() == 1), "{splits:?}");
        }
    }

    #[test]
    fn a_group_of_nearly_all_leaves_no_split_empty() {
        let order = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
        assert_eq!(deal_groups(&order, &[7; 10], [6, 2, 2]).map(|split| split.len()), [6, 2, 2]);
        let most = [7, 7, 7, 7, 7, 7, 7, 7, 8, 9];
        assert_eq!(deal_groups(&order, &most, [6, 2, 2]).map(|split| split.len()), [8, 1, 1]);
    }
}
