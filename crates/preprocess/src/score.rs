//! The third step: the juror's score of every undamaged photo.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use dodge_imaging::Photo;
use dodge_juror::Juror;
use rayon::prelude::*;

use crate::annotation_file::AnnotatedPhotos;
use crate::coco::CocoDocument;
use crate::context::Context;
use crate::error::Error;
use crate::key::KeyBuilder;
use crate::preprocessor::{Preprocessor, StepArtifact, StepResult};

/// Scores every photo with a juror and adds the scores to a copy of the annotation file.
#[derive(Clone)]
pub struct Score {
    juror: Arc<dyn Juror>,
}

/// Photos with their scores.
#[derive(Debug, Clone)]
pub struct ScoredPhotos {
    /// Folder of the photos.
    pub images: PathBuf,
    /// The annotation file with scores.
    pub path: PathBuf,
    /// What the result depends on.
    pub key: String,
    /// Content of the file; every image has a score.
    pub document: CocoDocument,
}

/// Name of the annotation file in the folder of the result.
const ANNOTATIONS: &str = "annotations.json";

/// Photos that are decoded and handed to the juror together, at first and at most.
const FIRST: usize = 8;
const MOST: usize = 64;

/// Whoever wants to stop waits for about as long: a batch holds as many photos as are judged in it, and one at least.
const PATIENCE: Duration = Duration::from_secs(1);

impl Score {
    /// The step with its juror.
    #[must_use]
    pub fn new(juror: Arc<dyn Juror>) -> Self {
        Self { juror }
    }
}

impl std::fmt::Debug for Score {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Score({})", self.juror.name())
    }
}

impl Preprocessor for Score {
    type Input = AnnotatedPhotos;
    type Output = ScoredPhotos;

    fn name(&self) -> &'static str {
        "score"
    }

    fn version(&self) -> u32 {
        4
    }

    fn key(&self, input: &AnnotatedPhotos, key: KeyBuilder) -> KeyBuilder {
        key.with(&input.key).with(self.juror.name())
    }

    fn make(&self, input: &AnnotatedPhotos, folder: &Path, context: &Context) -> Result<(), Error> {
        let mut document = input.document.clone().scored_by(self.juror.name());
        context.progress().begin("scoring", document.images.len() as u64);
        let files: Vec<PathBuf> = document.images.iter().map(|image| input.images.join(&image.file_name)).collect();
        let mut image_id = 0;
        let (mut rest, mut batch) = (&files[..], FIRST);
        while !rest.is_empty() {
            context.check_interrupted()?;
            let begun = Instant::now();
            let (files, later) = rest.split_at(batch.min(rest.len()));
            let photos = files.par_iter().map(|file| Photo::open(file)).collect::<Result<Vec<_>, _>>()?;
            for score in self.juror.score_checked(&photos.iter().collect::<Vec<_>>())? {
                image_id += 1;
                document.add_score(image_id, score, score);
            }
            context.progress().advance(files.len() as u64);
            rest = later;
            batch = match begun.elapsed() {
                taken if taken > PATIENCE => (batch / 2).max(1),
                taken if taken < PATIENCE / 2 => (2 * batch).min(MOST),
                _ => batch,
            };
        }
        context.progress().end();
        document.save(&folder.join(ANNOTATIONS))
    }

    fn load(&self, input: &AnnotatedPhotos, result: &StepResult) -> Result<ScoredPhotos, Error> {
        let path = result.folder.join(ANNOTATIONS);
        let document = CocoDocument::load(&path)?;
        Ok(ScoredPhotos { images: input.images.clone(), path, key: result.key.clone(), document })
    }

    fn figures(&self, output: &ScoredPhotos) -> Vec<(String, f64)> {
        let scores: Vec<f64> = output.document.images.iter().filter_map(|image| image.score).collect();
        let count = scores.len() as f64;
        let figures = [
            ("total_number_of_images_scored", count),
            ("average_score", scores.iter().sum::<f64>() / count.max(1.0)),
            ("min_score", scores.iter().copied().fold(f64::INFINITY, f64::min)),
            ("max_score", scores.iter().copied().fold(f64::NEG_INFINITY, f64::max)),
        ];
        figures.map(|(name, value)| (name.to_owned(), value)).into()
    }

    fn artifacts(&self) -> Vec<StepArtifact> {
        vec![StepArtifact::new(ANNOTATIONS, "scores.json")]
    }
}
