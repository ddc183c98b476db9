//! The fourth step: damaged photos in a training, a validation and a test split.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use dodge_hparams::HParams;
use dodge_imaging::{Damage, Photo};
use dodge_juror::Juror;
use rayon::prelude::*;

use crate::coco::{CocoDocument, CocoImage};
use crate::context::Context;
use crate::damage_protocol::DamageProtocol;
use crate::error::{Error, file_error};
use crate::key::KeyBuilder;
use crate::membership::Membership;
use crate::preprocessor::{Preprocessor, StepArtifact, StepResult};
use crate::random::{damage_rng, undamaged_photos};
use crate::score::ScoredPhotos;
use crate::split::{ANNOTATIONS, SPLITS, Splits, check_ratios, deal_scored, sizes};

/// Damaging and splitting of photos.
#[derive(Debug, Clone, Copy, PartialEq, HParams)]
#[hparams(section = "degrade", check = "ratios_leave_a_test_split")]
pub struct DegradeParams {
    /// Share of the photos that is trained on.
    #[hparam(default = 0.8, range = 0.01..=0.98)]
    pub train_ratio: f64,
    /// Share of the photos by which the best model is selected; the rest is the test split.
    #[hparam(default = 0.1, range = 0.01..=0.98)]
    pub validation_ratio: f64,
    /// Share of the photos of each split that stays undamaged, so that stopping at once is learnt and tested.
    #[hparam(default = 0.1, range = 0.0..=0.9)]
    pub undamaged_share: f64,
    /// By which protocol photos are damaged: in preprocessing, in training (`environment.fresh_damage`), in validation and in the
    /// test split.
    #[hparam(default = DamageProtocol::Standard)]
    pub damage: DamageProtocol,
    /// How many damages are tried on a training photo until the juror notices one; then the photo is left out.
    #[hparam(default = 4, range = 1..=100, unit = "damages")]
    pub attempts: u32,
}

fn ratios_leave_a_test_split(params: &DegradeParams) -> Result<(), String> {
    check_ratios(params.train_ratio, params.validation_ratio)
}

/// Damages each photo by a protocol ([`DamageProtocol`]), scores it, and deals the photos out.
///
/// Which photo goes where depends on the seed, the set of names, what is known of them ([`SplitMemory`](crate::SplitMemory)), and which photos are nearly the same: a
/// burst is in one split, so that none is tested on what it learnt from. The damage of a photo depends on the seed and its own name. A training photo whose score is not lower after any of the attempts is left out and counted; validation and
/// test keep every photo.
#[derive(Clone)]
pub struct DegradeAndSplit {
    params: DegradeParams,
    juror: Arc<dyn Juror>,
    known: Membership,
    seed: u64,
}

impl DegradeAndSplit {
    /// The step with its parameters, the juror that judges the damage, and the seed of damage and split.
    #[must_use]
    pub fn new(params: DegradeParams, juror: Arc<dyn Juror>, seed: u64) -> Self {
        Self { params, juror, known: Membership::default(), seed }
    }

    /// Leaves photos where they are known to be. Without it, all are dealt out anew.
    #[must_use]
    pub fn keeping(self, known: Membership) -> Self {
        Self { known, ..self }
    }

    fn sizes(&self, total: usize) -> Result<[usize; 3], Error> {
        sizes(total, self.params.train_ratio, self.params.validation_ratio)
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
        let names: Vec<&str> = members.iter().map(|&index| &*input.document.images[index].file_name).collect();
        let undamaged = undamaged_photos(&names, self.params.undamaged_share, self.seed);
        let judged = members
            .par_iter()
            .enumerate()
            .map(|(place, &index)| {
                context.check_interrupted()?;
                let image = &input.document.images[index];
                let original = Photo::open(&input.images.join(&image.file_name))?;
                let found = self.damaged(&original, image, undamaged[place], name == "train")?;
                if let Some((degraded, ..)) = &found {
                    degraded.save(&images.join(&image.file_name))?;
                }
                context.progress().advance(1);
                Ok(found.map(|(_, damage, score)| (damage, score)))
            })
            .collect::<Result<Vec<_>, Error>>()?;

        let mut document =
            CocoDocument::new(&format!("photographs, damaged: {name} split")).scored_by(self.juror.name());
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
        document.save(&folder.join(ANNOTATIONS))
    }

    /// The damaged photo, its damage and score; none where the juror noticed no damage although it has to.
    fn damaged(
        &self,
        original: &Photo,
        image: &CocoImage,
        keep_undamaged: bool,
        must_be_noticed: bool,
    ) -> Result<Option<(Photo, Damage, f64)>, Error> {
        let original_score = image.score.unwrap_or_default();
        if keep_undamaged {
            return Ok(Some((original.clone(), Damage::default(), original_score)));
        }
        let mut rng = damage_rng(self.seed, &image.file_name);
        for _ in 0..self.params.attempts {
            let damage = self.params.damage.draw(&mut rng);
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

    fn version(&self) -> u32 {
        6
    }

    fn key(&self, input: &ScoredPhotos, key: KeyBuilder) -> KeyBuilder {
        let DegradeParams { train_ratio, validation_ratio, undamaged_share, damage, attempts } = self.params;
        let names = input.document.images.iter().map(|image| &*image.file_name);
        let key = self.known.key(names, key.with(&input.key));
        key.with(damage.key())
            .with(self.juror.name())
            .with(train_ratio)
            .with(validation_ratio)
            .with(undamaged_share)
            .with(attempts)
            .with(self.seed)
    }

    fn check(&self, input: &ScoredPhotos) -> Result<(), Error> {
        self.sizes(input.document.images.len()).map(drop)
    }

    fn make(&self, input: &ScoredPhotos, folder: &Path, context: &Context) -> Result<(), Error> {
        let total = input.document.images.len();
        context.progress().begin("damaging", total as u64);
        let dealt = deal_scored(input, self.sizes(total)?, &|name| self.known.split_of(name), self.seed, context)?;
        for (name, members) in SPLITS.into_iter().zip(&dealt) {
            self.make_split(input, members, name, &folder.join(name), context)?;
        }
        context.progress().end();
        Ok(())
    }

    fn load(&self, _: &ScoredPhotos, result: &StepResult) -> Result<Splits, Error> {
        let splits = Splits::load(&result.folder, &result.key)?;
        if splits.train.photos.is_empty() {
            let reason = "the juror noticed no damage on any training photo".to_owned();
            return Err(Error::Annotations { path: splits.train.path, reason });
        }
        Ok(splits)
    }

    fn figures(&self, splits: &Splits) -> Vec<(String, f64)> {
        splits.figures()
    }

    fn artifacts(&self) -> Vec<StepArtifact> {
        Splits::artifacts()
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
