//! The third step: the juror's score of every undamaged photo.

use std::path::PathBuf;
use std::sync::Arc;

use dodge_imaging::Photo;
use dodge_juror::Juror;
use rayon::prelude::*;

use crate::cache::{KeyBuilder, cached};
use crate::{AnnotatedPhotos, CocoDocument, Context, Error, Preprocessor};

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

const VERSION: u32 = 1;

/// Photos that are decoded and handed to the juror together.
pub(crate) const BATCH: usize = 64;

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

    fn run(&self, input: &AnnotatedPhotos, context: &Context) -> Result<ScoredPhotos, Error> {
        let key = KeyBuilder::new(self.name(), VERSION).with(&input.key).with(&self.juror.name()).build();
        let folder = cached(context, self.name(), &key, |folder| {
            let mut document = input.document.clone();
            context.progress().begin("scoring", document.images.len() as u64);
            let files: Vec<PathBuf> = document.images.iter().map(|image| input.images.join(&image.file_name)).collect();
            let mut image_id = 0;
            for files in files.chunks(BATCH) {
                context.check_interrupted()?;
                let photos = files.par_iter().map(|file| Photo::open(file)).collect::<Result<Vec<_>, _>>()?;
                for score in self.juror.score_checked(&photos.iter().collect::<Vec<_>>())? {
                    image_id += 1;
                    document.add_score(image_id, score, score);
                }
                context.progress().advance(files.len() as u64);
            }
            context.progress().end();
            document.save(&folder.join("annotations.json"))
        })?;
        let path = folder.join("annotations.json");
        let document = CocoDocument::load(&path)?;
        let scores: Vec<f64> = document.images.iter().filter_map(|image| image.score).collect();
        let count = scores.len() as f64;
        context.run().log_metrics(
            &[
                ("total_number_of_images_scored", count),
                ("average_score", scores.iter().sum::<f64>() / count.max(1.0)),
                ("min_score", scores.iter().copied().fold(f64::INFINITY, f64::min)),
                ("max_score", scores.iter().copied().fold(f64::NEG_INFINITY, f64::max)),
            ],
            0,
        )?;
        Ok(ScoredPhotos { images: input.images.clone(), path, key, document })
    }
}
