//! A step of one's own: it adds the mirrored copy of every training photo to the training split.
//!
//! ```text
//! cargo run -p dodge-preprocess --example own_step
//! ```
//!
//! `PhotoTrainer::with_step(MirrorTraining)` has a training learn from it. Cache, lock, whole files, duration, figures and artifacts are not its business: [`Preprocessor::run`] does that for
//! every step.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use dodge_data::{DataLoader, SyntheticLoader};
use dodge_imaging::{Axis, Operation, Photo};
use dodge_juror::ClassicalJuror;
use dodge_preprocess::{
    AnnotationFile, CocoDocument, Context, CopyAndResize, DegradeAndSplit, DegradeParams, Error, KeyBuilder,
    NoProgress, Preprocessor, ResizeParams, Score, SplitPhotos, Splits, StepArtifact, StepResult,
};
use dodge_tracking::{RunOptions, Tracking};

/// Doubles the training split; validation and test stay as they are.
pub(crate) struct MirrorTraining;

impl Preprocessor for MirrorTraining {
    type Input = Splits;
    type Output = Splits;

    fn name(&self) -> &'static str {
        "mirror_training"
    }

    fn version(&self) -> u32 {
        1
    }

    fn key(&self, splits: &Splits, key: KeyBuilder) -> KeyBuilder {
        key.with(&splits.key)
    }

    fn make(&self, splits: &Splits, folder: &Path, context: &Context) -> Result<(), Error> {
        let mut document = CocoDocument::new("training photographs and their mirror images");
        for name in ["images", "originals"] {
            let path = folder.join(name);
            fs::create_dir(&path).map_err(|source| Error::File { action: "create", path, source })?;
        }
        for photo in &splits.train.photos {
            context.check_interrupted()?;
            let (degraded, original) = (Photo::open(&photo.degraded)?, Photo::open(&photo.original)?);
            for mirrored in [false, true] {
                let turn = |photo: &Photo| {
                    if mirrored { Operation::flip(Axis::Horizontal).apply(photo) } else { photo.clone() }
                };
                let name = format!("{}-{}", u8::from(mirrored), photo.file_name);
                turn(&degraded).save(&folder.join("images").join(&name))?;
                turn(&original).save(&folder.join("originals").join(&name))?;
                let id = document.add_image(&name, original.width(), original.height());
                document.images[id as usize - 1].original = Some(format!("originals/{name}"));
                document.add_score(id, photo.degraded_score, photo.original_score);
                for edit in &photo.damage {
                    document.add_transformation(id, edit.split(':').next().unwrap_or(edit), edit);
                }
            }
        }
        document.save(&folder.join("annotations.json"))
    }

    fn load(&self, splits: &Splits, result: &StepResult) -> Result<Splits, Error> {
        let train = SplitPhotos::load(&result.folder.join("annotations.json"))?;
        Ok(Splits { train, key: result.key.clone(), ..splits.clone() })
    }

    fn figures(&self, splits: &Splits) -> Vec<(String, f64)> {
        vec![("train_num_images_mirrored".to_owned(), splits.train.photos.len() as f64)]
    }

    fn artifacts(&self) -> Vec<StepArtifact> {
        vec![StepArtifact::new("annotations.json", "train-mirrored.json")]
    }
}

/// The standard steps with one of one's own at the end: the splits before it and after it.
pub(crate) fn prepare(volume: &Path, context: &Context) -> Result<(Splits, Splits), Box<dyn std::error::Error>> {
    let dataset = SyntheticLoader::new(12, 64, 1, volume)?.load()?;
    let juror = Arc::new(ClassicalJuror::new());
    let resized = CopyAndResize::new(ResizeParams::default(), 1).run(&dataset, context)?;
    let scored = Score::new(juror.clone()).run(&AnnotationFile.run(&resized, context)?, context)?;
    let splits = DegradeAndSplit::new(DegradeParams::default(), juror, 1).run(&scored, context)?;
    let mirrored = MirrorTraining.run(&splits, context)?;
    Ok((splits, mirrored))
}

#[allow(dead_code, reason = "the tests include this file and call `prepare`")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let volume = std::env::temp_dir().join("dodge-own-step");
    let run = Tracking::in_memory().start_run(&RunOptions::new("own step"))?;
    let context = Context::new(&volume, run, Arc::new(NoProgress), Arc::default());
    let (splits, mirrored) = prepare(&volume, &context)?;
    assert_eq!(mirrored.train.photos.len(), 2 * splits.train.photos.len());
    Ok(())
}
