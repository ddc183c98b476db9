//! The first step: every photo as a PNG of bounded size.

use std::fs;
use std::path::{Path, PathBuf};

use dodge_data::Dataset;
use dodge_hparams::HParams;
use dodge_imaging::{DECODER_VERSION, Photo, RESAMPLER_VERSION};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::context::Context;
use crate::error::{Error, file_error};
use crate::key::KeyBuilder;
use crate::preprocessor::{Preprocessor, StepResult};
use crate::whole_file::write_whole;

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

/// Name of the list of photos in the folder of the result.
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

    fn version(&self) -> u32 {
        2
    }

    fn key(&self, dataset: &Dataset, key: KeyBuilder) -> KeyBuilder {
        key.with(dataset.content_hash()).with(DECODER_VERSION).with(RESAMPLER_VERSION).with(self.params.max_size)
    }

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
        let text = serde_json::to_vec_pretty(&photos).expect("names and sizes are always JSON");
        write_whole(&folder.join(LISTING), &text)
    }

    fn load(&self, _: &Dataset, result: &StepResult) -> Result<ResizedPhotos, Error> {
        let photos = read_listing(&result.folder.join(LISTING))?;
        Ok(ResizedPhotos { folder: result.folder.clone(), key: result.key.clone(), photos })
    }
}

fn read_listing(path: &Path) -> Result<Vec<ResizedPhoto>, Error> {
    let text = fs::read(path).map_err(|source| file_error("read", path, source))?;
    serde_json::from_slice(&text).map_err(|e| Error::Annotations {
        path: path.to_owned(),
        reason: format!("{e}: delete its folder to remake it"),
    })
}
