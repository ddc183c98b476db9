//! The fourth step: damaged photos in a training, a validation and a test split.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use dodge_hparams::HParams;
use dodge_imaging::{Damage, Photo};
use dodge_juror::Juror;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use sha2::{Digest, Sha256};

use crate::cache::{KeyBuilder, cached, file_error};
use crate::{CocoDocument, Context, Error, Preprocessor, ScoredPhotos};

/// Damaging and splitting of photos.
#[derive(Debug, Clone, Copy, PartialEq, HParams)]
#[hparams(section = "degrade", check = "ratios_leave_a_test_split")]
pub struct DegradeParams {
    /// Share of the photos that is trained on.
    #[hparam(default = 0.6, range = 0.01..=0.98)]
    pub train_ratio: f64,
    /// Share of the photos by which the best model is selected; the rest is the test split.
    #[hparam(default = 0.2, range = 0.01..=0.98)]
    pub validation_ratio: f64,
    /// Share of the photos of each split that stays undamaged, so that stopping at once is learnt and tested.
    #[hparam(default = 0.15, range = 0.0..=0.9)]
    pub undamaged_share: f64,
    /// How many damages are tried on a training photo until the juror notices one; then the photo is left out.
    #[hparam(default = 4, range = 1..=100, unit = "damages")]
    pub attempts: u32,
}

fn ratios_leave_a_test_split(params: &DegradeParams) -> Result<(), String> {
    let left = 1.0 - params.train_ratio - params.validation_ratio;
    if left >= 0.01 - 1e-9 {
        return Ok(());
    }
    Err(format!("train_ratio and validation_ratio leave {left:.3} for the test split; at least 0.01 is needed"))
}

/// Damages each photo with the standard damage ([`Damage::standard`]), scores it, and deals the photos out.
///
/// Which photo goes where depends on the seed and the set of names only, the damage of a photo on the seed and its own
/// name. A training photo whose score is not lower after any of the attempts is left out and counted; validation and
/// test keep every photo.
#[derive(Clone)]
pub struct DegradeAndSplit {
    params: DegradeParams,
    juror: Arc<dyn Juror>,
    seed: u64,
}

/// The three splits.
#[derive(Debug, Clone)]
pub struct Splits {
    /// What is learnt from.
    pub train: SplitPhotos,
    /// What selects the best model.
    pub validation: SplitPhotos,
    /// What is reported on, never looked at before.
    pub test: SplitPhotos,
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
    /// Damage in its text form; empty where there is none.
    pub damage: Vec<String>,
}

impl SplitPhoto {
    /// Whether the photo was damaged at all.
    #[must_use]
    pub fn is_damaged(&self) -> bool {
        !self.damage.is_empty()
    }
}

const VERSION: u32 = 1;
const SPLITS: [&str; 3] = ["train", "validation", "test"];

/// Fewest photos in each split.
const MIN_SPLIT: usize = 1;

/// The generator that draws the damage of one photo: its stream depends on the seed and the name, not on other photos.
#[must_use]
pub fn damage_rng(seed: u64, file_name: &str) -> ChaCha8Rng {
    let digest = Sha256::new().chain_update(seed.to_le_bytes()).chain_update(file_name).finalize();
    ChaCha8Rng::from_seed(digest.into())
}

impl DegradeAndSplit {
    /// The step with its parameters, the juror that judges the damage, and the seed of damage and split.
    #[must_use]
    pub fn new(params: DegradeParams, juror: Arc<dyn Juror>, seed: u64) -> Self {
        Self { params, juror, seed }
    }

    /// How many photos of `total` go into each split: rounded down, the test split takes the rest.
    fn sizes(&self, total: usize) -> Result<[usize; 3], Error> {
        let part = |total: usize, ratio: f64| (total as f64 * ratio + 1e-9) as usize;
        let sizes = |total: usize| {
            let (train, validation) = (part(total, self.params.train_ratio), part(total, self.params.validation_ratio));
            [train, validation, total - train - validation]
        };
        let enough = |total: usize| sizes(total).iter().all(|&size| size >= MIN_SPLIT);
        if enough(total) {
            return Ok(sizes(total));
        }
        let needed = (total + 1..=1000).find(|&total| enough(total)).unwrap_or(1000);
        Err(Error::TooFewPhotos { got: total, needed })
    }

    fn make(&self, input: &ScoredPhotos, folder: &Path, context: &Context) -> Result<(), Error> {
        let total = input.document.images.len();
        let sizes = self.sizes(total)?;
        let mut order: Vec<usize> = (0..total).collect();
        // By name, so that the order in which photos were found does not matter.
        order.sort_by(|&a, &b| input.document.images[a].file_name.cmp(&input.document.images[b].file_name));
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        for i in (1..total).rev() {
            order.swap(i, rng.random_range(0..=i));
        }
        context.progress().begin("damaging", total as u64);
        let mut rest = &order[..];
        for (name, size) in SPLITS.into_iter().zip(sizes) {
            let (members, others) = rest.split_at(size);
            rest = others;
            self.make_split(input, members, name, &folder.join(name), context)?;
        }
        context.progress().end();
        Ok(())
    }

    fn make_split(
        &self,
        input: &ScoredPhotos,
        members: &[usize],
        name: &str,
        folder: &Path,
        context: &Context,
    ) -> Result<(), Error> {
        let images = folder.join("images");
        fs::create_dir_all(&images).map_err(|source| file_error("create", &images, source))?;
        let undamaged = (members.len() as f64 * self.params.undamaged_share).round() as usize;
        let judged = members
            .par_iter()
            .enumerate()
            .map(|(place, &index)| {
                context.check_interrupted()?;
                let image = &input.document.images[index];
                let original = Photo::open(&input.images.join(&image.file_name))?;
                let found = self.damaged(&original, image, place < undamaged, name == "train")?;
                if let Some((degraded, ..)) = &found {
                    degraded.save(&images.join(&image.file_name))?;
                }
                context.progress().advance(1);
                Ok(found.map(|(_, damage, score)| (damage, score)))
            })
            .collect::<Result<Vec<_>, Error>>()?;

        let mut document = CocoDocument::new(&format!("photographs, damaged: {name} split"));
        document.info.left_out = Some(judged.iter().filter(|found| found.is_none()).count());
        // Originals stay in the result of the first step, three folders up and then down again.
        let resized = input.images.parent().and_then(Path::file_name).unwrap_or_default().to_string_lossy();
        for (&index, found) in members.iter().zip(judged) {
            let Some((damage, score)) = found else { continue };
            let image = &input.document.images[index];
            let id = document.add_image(&image.file_name, image.width, image.height);
            document.images[id as usize - 1].original =
                Some(format!("../../../copy_and_resize/{resized}/images/{}", image.file_name));
            document.add_score(id, score, image.score.unwrap_or_default());
            for step in damage.steps() {
                document.add_transformation(id, step.kind.name(), &step.to_string());
            }
        }
        document.save(&folder.join("annotations.json"))
    }

    /// The damaged photo, its damage and score; none where the juror noticed no damage although it has to.
    fn damaged(
        &self,
        original: &Photo,
        image: &crate::CocoImage,
        keep_undamaged: bool,
        must_be_noticed: bool,
    ) -> Result<Option<(Photo, Damage, f64)>, Error> {
        let original_score = image.score.unwrap_or_default();
        if keep_undamaged {
            return Ok(Some((original.clone(), Damage::default(), original_score)));
        }
        let mut rng = damage_rng(self.seed, &image.file_name);
        for _ in 0..self.params.attempts {
            let damage = Damage::standard(&mut rng);
            let degraded = damage.apply(original);
            let score = self.juror.score_one(&degraded)?;
            if !must_be_noticed || score < original_score {
                return Ok(Some((degraded, damage, score)));
            }
        }
        Ok(None)
    }
}

impl Preprocessor for DegradeAndSplit {
    type Input = ScoredPhotos;
    type Output = Splits;

    fn name(&self) -> &'static str {
        "degrade_and_split"
    }

    fn run(&self, input: &ScoredPhotos, context: &Context) -> Result<Splits, Error> {
        // Asked first, so that a hopeless count is an error before any work.
        self.sizes(input.document.images.len())?;
        let DegradeParams { train_ratio, validation_ratio, undamaged_share, attempts } = self.params;
        let key = KeyBuilder::new(self.name(), VERSION)
            .with(&input.key)
            .with(&self.juror.name())
            .with(&format!("{train_ratio} {validation_ratio} {undamaged_share} {attempts} {}", self.seed))
            .build();
        let folder = cached(context, self.name(), &key, |folder| self.make(input, folder, context))?;
        let read = |name: &str| {
            let split = SplitPhotos::load(&folder.join(name).join("annotations.json"))?;
            context.run().log_metric(&format!("{name}_num_images"), split.photos.len() as f64, 0)?;
            Ok::<_, Error>(split)
        };
        let splits = Splits { train: read(SPLITS[0])?, validation: read(SPLITS[1])?, test: read(SPLITS[2])? };
        context.run().log_metric("train_left_out", splits.train.left_out as f64, 0)?;
        if splits.train.photos.is_empty() {
            let reason = "the juror noticed no damage on any training photo".to_owned();
            return Err(Error::Annotations { path: splits.train.path, reason });
        }
        Ok(splits)
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

impl std::fmt::Debug for DegradeAndSplit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DegradeAndSplit")
            .field("params", &self.params)
            .field("seed", &self.seed)
            .finish_non_exhaustive()
    }
}
