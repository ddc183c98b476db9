//! The second step: an annotation file over the resized photos.

use std::path::{Path, PathBuf};

use crate::coco::CocoDocument;
use crate::context::Context;
use crate::copy_and_resize::ResizedPhotos;
use crate::error::Error;
use crate::key::KeyBuilder;
use crate::preprocessor::{Preprocessor, StepArtifact, StepResult};

/// Lists the photos in an annotation file.
#[derive(Debug, Clone, Copy, Default)]
pub struct AnnotationFile;

/// Photos with an annotation file.
#[derive(Debug, Clone)]
pub struct AnnotatedPhotos {
    /// Folder of the photos.
    pub images: PathBuf,
    /// The annotation file.
    pub path: PathBuf,
    /// What the result depends on.
    pub key: String,
    /// Content of the file.
    pub document: CocoDocument,
}

/// Name of the annotation file in the folder of the result.
const ANNOTATIONS: &str = "annotations.json";

impl Preprocessor for AnnotationFile {
    type Input = ResizedPhotos;
    type Output = AnnotatedPhotos;

    fn name(&self) -> &'static str {
        "annotation_file"
    }

    fn version(&self) -> u32 {
        2
    }

    fn key(&self, input: &ResizedPhotos, key: KeyBuilder) -> KeyBuilder {
        key.with(&input.key)
    }

    fn make(&self, input: &ResizedPhotos, folder: &Path, _: &Context) -> Result<(), Error> {
        let mut document = CocoDocument::new("photographs, resized");
        for photo in &input.photos {
            document.add_image(&photo.file_name, photo.width, photo.height);
        }
        document.save(&folder.join(ANNOTATIONS))
    }

    fn load(&self, input: &ResizedPhotos, result: &StepResult) -> Result<AnnotatedPhotos, Error> {
        let path = result.folder.join(ANNOTATIONS);
        let document = CocoDocument::load(&path)?;
        Ok(AnnotatedPhotos { images: input.folder.join("images"), path, key: result.key.clone(), document })
    }

    fn figures(&self, output: &AnnotatedPhotos) -> Vec<(String, f64)> {
        vec![("total_number_of_images".to_owned(), output.document.images.len() as f64)]
    }

    fn artifacts(&self) -> Vec<StepArtifact> {
        vec![StepArtifact::new(ANNOTATIONS, ANNOTATIONS)]
    }
}
