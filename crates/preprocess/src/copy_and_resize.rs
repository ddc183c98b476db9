//! The first step: every photo as a PNG of bounded size.

use std::fs;
use std::path::{Path, PathBuf};

use dodge_data::Dataset;
use dodge_hparams::HParams;
use dodge_imaging::Photo;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::cache::{KeyBuilder, cached, file_error};
use crate::{Context, Error, Preprocessor};

/// Copying and resizing of photos.
#[derive(Debug, Clone, Copy, PartialEq, Eq, HParams)]
#[hparams(section = "resize")]
pub struct ResizeParams {
    /// Longer side of the copies; smaller photos keep their size.
    #[hparam(default = 384, range = 32..=8192, unit = "pixels")]
    pub max_size: u32,
}

/// Copies every photo as a PNG whose longer side is at most [`ResizeParams::max_size`], in parallel. Memory: one
/// decoded photo per thread.
#[derive(Debug, Clone, Copy)]
pub struct CopyAndResize {
    params: ResizeParams,
}

/// The resized copies.
#[derive(Debug, Clone)]
pub struct ResizedPhotos {
    /// The folder of the result; the photos are in `images` below.
    pub folder: PathBuf,
    /// What the result depends on.
    pub key: String,
    /// The photos, sorted by name.
    pub photos: Vec<ResizedPhoto>,
}

/// One resized copy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResizedPhoto {
    /// File name in `images`.
    pub file_name: String,
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
}

const VERSION: u32 = 1;
const LISTING: &str = "photos.json";

impl CopyAndResize {
    /// The step with its parameters.
    #[must_use]
    pub fn new(params: ResizeParams) -> Self {
        Self { params }
    }
}

impl Preprocessor for CopyAndResize {
    type Input = Dataset;
    type Output = ResizedPhotos;

    fn name(&self) -> &'static str {
        "copy_and_resize"
    }

    fn run(&self, dataset: &Dataset, context: &Context) -> Result<ResizedPhotos, Error> {
        let key = KeyBuilder::new(self.name(), VERSION)
            .with(&dataset.content_hash().to_string())
            .with(&self.params.max_size.to_string())
            .build();
        let folder = cached(context, self.name(), &key, |folder| self.make(dataset, folder, context))?;
        let photos = read_listing(&folder.join(LISTING))?;
        Ok(ResizedPhotos { folder, key, photos })
    }
}

impl CopyAndResize {
    fn make(&self, dataset: &Dataset, folder: &Path, context: &Context) -> Result<(), Error> {
        let images = folder.join("images");
        fs::create_dir(&images).map_err(|source| file_error("create", &images, source))?;
        context.progress().begin("resizing", dataset.photos().len() as u64);
        let mut photos = dataset
            .photos()
            .par_iter()
            .map(|file| {
                context.check_interrupted()?;
                let small = Photo::open(file.path())?.thumbnail(self.params.max_size);
                let file_name = format!("{}.png", file.name());
                small.save(&images.join(&file_name))?;
                context.progress().advance(1);
                Ok(ResizedPhoto { file_name, width: small.width(), height: small.height() })
            })
            .collect::<Result<Vec<_>, Error>>()?;
        context.progress().end();
        photos.sort_by(|a, b| a.file_name.cmp(&b.file_name));
        let listing = folder.join(LISTING);
        let text = serde_json::to_vec_pretty(&photos).expect("names and sizes are always JSON");
        fs::write(&listing, text).map_err(|source| file_error("write", &listing, source))
    }
}

fn read_listing(path: &Path) -> Result<Vec<ResizedPhoto>, Error> {
    let text = fs::read(path).map_err(|source| file_error("read", path, source))?;
    serde_json::from_slice(&text).map_err(|e| Error::Annotations {
        path: path.to_owned(),
        reason: format!("{e}: delete its folder to remake it"),
    })
}
