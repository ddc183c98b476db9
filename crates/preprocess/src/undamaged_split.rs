//! Photos as they are in a training, a validation and a test split.

use std::fs;
use std::path::Path;

use crate::coco::CocoDocument;
use crate::context::Context;
use crate::degrade_and_split::DegradeParams;
use crate::error::{Error, file_error};
use crate::key::KeyBuilder;
use crate::membership::Membership;
use crate::preprocessor::{Preprocessor, StepArtifact, StepResult};
use crate::score::ScoredPhotos;
use crate::split::{ANNOTATIONS, SPLITS, Splits, deal_scored, sizes};

/// Deals scored photos out as [`DegradeAndSplit`](crate::DegradeAndSplit) does, and damages none: for trainers that damage photos
/// themselves, or learn from good ones alone. With the same ratios and seed, each photo is in the same split as there.
///
/// Of the parameters the two ratios count. The copies of the first step are linked where the file system can, else copied.
#[derive(Debug, Clone)]
pub struct Split {
    params: DegradeParams,
    known: Membership,
    seed: u64,
}

impl Split {
    /// The step with its parameters and the seed.
    #[must_use]
    pub fn new(params: DegradeParams, seed: u64) -> Self {
        Self { params, known: Membership::default(), seed }
    }

    /// Leaves photos where they are known to be. Without it, all are dealt out anew.
    #[must_use]
    pub fn keeping(self, known: Membership) -> Self {
        Self { known, ..self }
    }

    fn sizes(&self, total: usize) -> Result<[usize; 3], Error> {
        sizes(total, self.params.train_ratio, self.params.validation_ratio)
    }

    fn make_split(&self, input: &ScoredPhotos, members: &[usize], name: &str, folder: &Path) -> Result<(), Error> {
        let images = folder.join("images");
        fs::create_dir_all(&images).map_err(|source| file_error("create", &images, source))?;
        let mut document = CocoDocument::new(&format!("photographs: {name} split"));
        document.info.juror.clone_from(&input.document.info.juror);
        for &member in members {
            let image = &input.document.images[member];
            let (from, to) = (input.images.join(&image.file_name), images.join(&image.file_name));
            let linked = fs::hard_link(&from, &to).or_else(|_| fs::copy(&from, &to).map(drop));
            linked.map_err(|source| file_error("create", &to, source))?;
            let id = document.add_image(&image.file_name, image.width, image.height);
            document.images[id as usize - 1].original = Some(format!("images/{}", image.file_name));
            let score = image.score.ok_or_else(|| Error::Annotations {
                path: input.path.clone(),
                reason: format!("image `{}` has no score", image.file_name),
            })?;
            document.add_score(id, score, score);
        }
        document.save(&folder.join(ANNOTATIONS))
    }
}

impl Preprocessor for Split {
    type Input = ScoredPhotos;
    type Output = Splits;

    fn name(&self) -> &'static str {
        "split"
    }

    fn version(&self) -> u32 {
        2
    }

    fn key(&self, input: &ScoredPhotos, key: KeyBuilder) -> KeyBuilder {
        let names = input.document.images.iter().map(|image| &*image.file_name);
        self.known
            .key(names, key.with(&input.key))
            .with(self.params.train_ratio)
            .with(self.params.validation_ratio)
            .with(self.seed)
    }

    fn check(&self, input: &ScoredPhotos) -> Result<(), Error> {
        self.sizes(input.document.images.len()).map(drop)
    }

    fn make(&self, input: &ScoredPhotos, folder: &Path, context: &Context) -> Result<(), Error> {
        let total = input.document.images.len();
        context.progress().begin("splitting", total as u64);
        let dealt = deal_scored(input, self.sizes(total)?, &|name| self.known.split_of(name), self.seed, context)?;
        for (name, members) in SPLITS.into_iter().zip(&dealt) {
            self.make_split(input, members, name, &folder.join(name))?;
            context.progress().advance(members.len() as u64);
        }
        context.progress().end();
        Ok(())
    }

    fn load(&self, _: &ScoredPhotos, result: &StepResult) -> Result<Splits, Error> {
        Splits::load(&result.folder, &result.key)
    }

    fn figures(&self, splits: &Splits) -> Vec<(String, f64)> {
        splits.figures()
    }

    fn artifacts(&self) -> Vec<StepArtifact> {
        Splits::artifacts()
    }
}
