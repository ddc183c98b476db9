//! The second step: an annotation file over the resized photos.

use std::path::PathBuf;

use crate::cache::{KeyBuilder, cached};
use crate::{CocoDocument, Context, Error, Preprocessor, ResizedPhotos};

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

const VERSION: u32 = 1;

impl Preprocessor for AnnotationFile {
    type Input = ResizedPhotos;
    type Output = AnnotatedPhotos;

    fn name(&self) -> &'static str {
        "annotation_file"
    }

    fn run(&self, input: &ResizedPhotos, context: &Context) -> Result<AnnotatedPhotos, Error> {
        let key = KeyBuilder::new(self.name(), VERSION).with(&input.key).build();
        let folder = cached(context, self.name(), &key, |folder| {
            let mut document = CocoDocument::new("photographs, resized");
            for photo in &input.photos {
                document.add_image(&photo.file_name, photo.width, photo.height);
            }
            document.save(&folder.join("annotations.json"))
        })?;
        let path = folder.join("annotations.json");
        let document = CocoDocument::load(&path)?;
        context.run().log_metric("total_number_of_images", document.images.len() as f64, 0)?;
        Ok(AnnotatedPhotos { images: input.folder.join("images"), path, key, document })
    }
}
