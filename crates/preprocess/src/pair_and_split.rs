//! Pairs of photos, before and after somebody edited them, in a training, a validation and a test split.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use dodge_data::{Dataset, PhotoFile, Skipped};
use dodge_hparams::HParams;
use dodge_imaging::{DECODER_VERSION, RESAMPLER_VERSION};
use dodge_juror::Juror;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::coco::CocoDocument;
use crate::context::Context;
use crate::copy_and_resize::{ResizeParams, copy_name};
use crate::error::{Error, file_error};
use crate::key::KeyBuilder;
use crate::likeness::{Impression, groups};
use crate::membership::Membership;
use crate::photo_pair::PhotoPair;
use crate::preprocessor::{Preprocessor, StepArtifact, StepResult};
use crate::split::{ANNOTATIONS, SPLITS, Splits, check_ratios, deal_named, sizes};
use crate::unusable::{self, Side, UNUSABLE, Unusable, tell_of_skipped};
use crate::whole_file::write_whole;

/// What stands for the edits of a pair: what a person did is not known.
pub const EDITED: &str = "edited";

/// Name of the list of pairs that were left out, in the folder of the result.
const LEFT_OUT: &str = "left-out.json";

/// Pairs that are told one by one where they are left out; where there are more, all are counted.
const TOLD: usize = 5;

/// Learning from photos before and after somebody edited them.
#[derive(Debug, Clone, Copy, PartialEq, HParams)]
#[hparams(section = "pairs", check = "ratios_leave_a_test_split")]
pub struct PairParams {
    /// Share of the pairs that is trained on. Larger than that of photos that are damaged: nothing is left out of it, and every
    /// pair took somebody's time.
    #[hparam(default = 0.8, range = 0.01..=0.98)]
    pub train_ratio: f64,
    /// Share of the pairs by which the best model is selected; the rest is the test split.
    #[hparam(default = 0.1, range = 0.01..=0.98)]
    pub validation_ratio: f64,
    /// How alike the structure of *before* and *after* has to be, from -1 to 1; pairs below are left out as shifted, cropped or
    /// of different photos.
    #[hparam(default = 0.4, range = -1.0..=1.0)]
    pub min_alignment: f64,
}

fn ratios_leave_a_test_split(params: &PairParams) -> Result<(), String> {
    check_ratios(params.train_ratio, params.validation_ratio)
}

/// Brings both sides of every pair to one size, of a lesson makes the other side by its recipe, leaves out what is not aligned or cannot be decoded, scores both sides, and deals the pairs out.
///
/// There is no damage: *degraded* is the *before*, *original* the *after*. A pair whose *after* equals its *before* but for
/// rounding is an undamaged photo, and its *after* is replaced by the *before*, so that to leave it alone is exactly right. Which pair goes where depends on the seed and the set of names; photos of one scene go into one split.
#[derive(Clone)]
pub struct PairAndSplit {
    params: PairParams,
    resize: ResizeParams,
    juror: Arc<dyn Juror>,
    known: Membership,
    seed: u64,
}

/// Pairs in three splits.
#[derive(Debug, Clone)]
pub struct PairedPhotos {
    /// The splits.
    pub splits: Splits,
    /// Pairs that were left out because their sides do not lie on each other, with the measured likeness.
    pub misaligned: Vec<Misaligned>,
    /// Files of pairs that cannot be decoded, with reasons; their pairs are left out.
    pub left_out: Vec<Skipped>,
}

/// A pair whose sides do not lie on each other.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Misaligned {
    /// Name of the pair.
    pub name: String,
    /// How alike the structure of both sides is, from -1 to 1.
    pub alignment: f64,
}

/// What is known of a pair while the splits are made.
struct Pair {
    file_name: String,
    size: (u32, u32),
    edited: bool,
    before_score: f64,
    after_score: f64,
    impression: Impression,
}

/// Why a pair is left out.
enum Problem {
    Misaligned(Misaligned),
    /// One side, or both.
    Unusable(Vec<Unusable>),
}

impl PairAndSplit {
    /// The step with its parameters, the juror that scores both sides, and the seed of the split.
    #[must_use]
    pub fn new(params: PairParams, resize: ResizeParams, juror: Arc<dyn Juror>, seed: u64) -> Self {
        Self { params, resize, juror, known: Membership::default(), seed }
    }

    /// Leaves photos where they are known to be. Without it, all are dealt out anew.
    #[must_use]
    pub fn keeping(self, known: Membership) -> Self {
        Self { known, ..self }
    }

    fn sizes(&self, total: usize) -> Result<[usize; 3], Error> {
        sizes(total, self.params.train_ratio, self.params.validation_ratio)
    }

    /// Writes both sides of a pair into `folder`, or says why it is left out.
    fn prepare(&self, photo: &PhotoFile, folder: &Path) -> Result<Result<Pair, Problem>, Error> {
        let (name, size) = (photo.name(), self.resize.max_size);
        let before = unusable::decoded(photo, Side::Before)?;
        let pair = match photo.recipe() {
            Some(recipe) => before.map(|before| PhotoPair::by_recipe(&before, recipe, size)).map_err(|it| vec![it]),
            None => match (before, unusable::decoded(photo, Side::After)?) {
                (Ok(before), Ok(after)) => Ok(PhotoPair::of(&before, &after, size)),
                (before, after) => Err(before.err().into_iter().chain(after.err()).collect()),
            },
        };
        let pair = match pair {
            Ok(pair) => pair?,
            Err(unusable) => return Ok(Err(Problem::Unusable(unusable))),
        };
        if let (false, Some(alignment)) = (pair.is_aligned(self.params.min_alignment), pair.alignment) {
            return Ok(Err(Problem::Misaligned(Misaligned { name: name.to_owned(), alignment })));
        }
        let file_name = copy_name(name);
        pair.before.save(&folder.join("before").join(&file_name))?;
        pair.after.save(&folder.join("after").join(&file_name))?;
        let scores = self.juror.score_checked(&[&pair.before, &pair.after])?;
        Ok(Ok(Pair {
            file_name,
            size: (pair.before.width(), pair.before.height()),
            edited: pair.edited,
            before_score: scores[0],
            after_score: scores[1],
            impression: Impression::of(&pair.before),
        }))
    }

    fn tell(&self, misaligned: &[Misaligned]) {
        for Misaligned { name, alignment } in misaligned.iter().take(TOLD) {
            tracing::warn!(
                "left out the pair {name}: before and after do not lie on each other (likeness {alignment:.2}, at least {} is \
                 needed)",
                self.params.min_alignment
            );
        }
        if misaligned.len() > TOLD {
            tracing::warn!("left out {} pairs in all whose sides do not lie on each other", misaligned.len());
        }
    }
}

/// The annotation file of some pairs, with the *before* in `images` and the *after* in `originals` beside it.
fn document(description: &str, pairs: &[&Pair], juror: String) -> CocoDocument {
    let mut document = CocoDocument::new(description).scored_by(juror);
    for pair in pairs {
        let id = document.add_image(&pair.file_name, pair.size.0, pair.size.1);
        document.images[id as usize - 1].original = Some(format!("originals/{}", pair.file_name));
        document.add_score(id, pair.before_score, pair.after_score);
        if pair.edited {
            document.add_transformation(id, EDITED, EDITED);
        }
    }
    document
}

impl Preprocessor for PairAndSplit {
    type Input = Dataset;
    type Output = PairedPhotos;

    fn name(&self) -> &'static str {
        "pair_and_split"
    }

    fn version(&self) -> u32 {
        3
    }

    fn key(&self, input: &Dataset, key: KeyBuilder) -> KeyBuilder {
        let key = key.with(input.content_hash()).with(DECODER_VERSION).with(RESAMPLER_VERSION);
        let names: Vec<String> = input.photos().iter().map(|photo| copy_name(photo.name())).collect();
        let key = self.known.key(names.iter().map(String::as_str), key);
        self.resize
            .key(input, self.seed, key)
            .with(self.params.min_alignment)
            .with(self.params.train_ratio)
            .with(self.params.validation_ratio)
            .with(self.juror.name())
            .with(self.seed)
    }

    fn check(&self, input: &Dataset) -> Result<(), Error> {
        if input.after_root().is_none() && !input.has_lessons() {
            let reason = "needs pairs or lessons: load the photos before and after with a loader of pairs".to_owned();
            return Err(Error::Input { step: self.name(), reason });
        }
        self.sizes(self.resize.chosen(input, self.seed).len()).map(drop)
    }

    fn make(&self, input: &Dataset, folder: &Path, context: &Context) -> Result<(), Error> {
        let create = |path: &Path| fs::create_dir_all(path).map_err(|source| file_error("create", path, source));
        let sides = folder.join("pairs");
        create(&sides.join("before"))?;
        create(&sides.join("after"))?;
        let chosen = self.resize.chosen(input, self.seed);
        context.progress().begin("pairing", chosen.len() as u64);
        let prepared = chosen
            .par_iter()
            .map(|photo| {
                context.check_interrupted()?;
                let prepared = self.prepare(photo, &sides)?;
                context.progress().advance(1);
                Ok(prepared)
            })
            .collect::<Result<Vec<_>, Error>>()?;
        context.progress().end();
        // In the order of the dataset, whatever thread was faster.
        let (mut pairs, mut misaligned, mut unusable) = (Vec::new(), Vec::new(), Vec::new());
        for result in prepared {
            match result {
                Ok(pair) => pairs.push(pair),
                Err(Problem::Misaligned(problem)) => misaligned.push(problem),
                Err(Problem::Unusable(sides)) => unusable.extend(sides),
            }
        }
        unusable::save(&unusable, folder)?;
        let text = serde_json::to_vec_pretty(&misaligned).expect("names and numbers are always JSON");
        write_whole(&folder.join(LEFT_OUT), &text)?;

        // Else nobody would hear why there are too few.
        let sizes = self.sizes(pairs.len()).inspect_err(|_| {
            tell_of_skipped(&unusable::skipped(&unusable, input));
            self.tell(&misaligned);
        })?;
        let names: Vec<&str> = pairs.iter().map(|pair| pair.file_name.as_str()).collect();
        let impressions: Vec<&Impression> = pairs.iter().map(|pair| &pair.impression).collect();
        let dealt = deal_named(&names, &|name| self.known.split_of(name), &groups(&impressions), sizes, self.seed);
        for (name, members) in SPLITS.into_iter().zip(dealt) {
            let split = folder.join(name);
            create(&split.join("images"))?;
            create(&split.join("originals"))?;
            let members: Vec<&Pair> = members.into_iter().map(|index| &pairs[index]).collect();
            for pair in &members {
                for (side, target) in [("before", "images"), ("after", "originals")] {
                    let (from, to) = (sides.join(side).join(&pair.file_name), split.join(target).join(&pair.file_name));
                    fs::rename(from, &to).map_err(|source| file_error("create", &to, source))?;
                }
            }
            let description = format!("photographs before and after: {name} split");
            document(&description, &members, self.juror.name()).save(&split.join(ANNOTATIONS))?;
        }
        fs::remove_dir_all(&sides).map_err(|source| file_error("remove", &sides, source))
    }

    fn load(&self, input: &Dataset, result: &StepResult) -> Result<PairedPhotos, Error> {
        let path = result.folder.join(LEFT_OUT);
        let text = fs::read(&path).map_err(|source| file_error("read", &path, source))?;
        let misaligned: Vec<Misaligned> = serde_json::from_slice(&text)
            .map_err(|error| Error::Annotations { path, reason: format!("{error}: delete its folder to remake it") })?;
        self.tell(&misaligned);
        let splits = Splits::load(&result.folder, &result.key)?;
        Ok(PairedPhotos { splits, misaligned, left_out: unusable::load(&result.folder, input)? })
    }

    fn left_out<'a>(&self, output: &'a PairedPhotos) -> &'a [Skipped] {
        &output.left_out
    }

    fn figures(&self, output: &PairedPhotos) -> Vec<(String, f64)> {
        let mut figures = output.splits.figures();
        figures.push(("misaligned_pairs".to_owned(), output.misaligned.len() as f64));
        figures
    }

    fn artifacts(&self) -> Vec<StepArtifact> {
        let mut artifacts = Splits::artifacts();
        artifacts.extend([LEFT_OUT, UNUSABLE].map(|name| StepArtifact::new(name, name)));
        artifacts
    }
}

impl std::fmt::Debug for PairAndSplit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PairAndSplit").field("params", &self.params).field("seed", &self.seed).finish_non_exhaustive()
    }
}
