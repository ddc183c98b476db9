//! The first step: every photo as a PNG of bounded size.

use std::fs;
use std::path::{Path, PathBuf};

use dodge_data::{Dataset, PhotoFile, Skipped};
use dodge_hparams::HParams;
use dodge_imaging::{DECODER_VERSION, RESAMPLER_VERSION};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::context::Context;
use crate::error::{Error, file_error};
use crate::key::KeyBuilder;
use crate::preprocessor::{Preprocessor, StepArtifact, StepResult};
use crate::random::sampled;
use crate::unusable::{self, Side, UNUSABLE, Unusable};
use crate::whole_file::write_whole;

/// Copying and resizing of photos.
#[derive(Debug, Clone, Copy, PartialEq, Eq, HParams)]
#[hparams(section = "resize")]
pub struct ResizeParams {
    /// Longer side of the copies; smaller photos keep their size.
    #[hparam(default = 384, range = 32..=8192, unit = "pixels")]
    pub max_size: u32,
    /// Most photos that are used, drawn by the seed and their names; 0 for all.
    #[hparam(default = 0, range = 0..=10_000_000, unit = "photos")]
    pub max_images: u32,
}

impl ResizeParams {
    /// The photos of the dataset that are used.
    pub(crate) fn chosen<'a>(&self, dataset: &'a Dataset, seed: u64) -> Vec<&'a PhotoFile> {
        let photos = dataset.photos();
        if !self.leaves_out(dataset) {
            return photos.iter().collect();
        }
        let names: Vec<&str> = photos.iter().map(PhotoFile::name).collect();
        let chosen = sampled(&names, self.max_images as usize, seed);
        photos.iter().zip(chosen).filter_map(|(photo, chosen)| chosen.then_some(photo)).collect()
    }

    fn leaves_out(&self, dataset: &Dataset) -> bool {
        self.max_images > 0 && (self.max_images as usize) < dataset.photos().len()
    }

    /// Adds all that the choice depends on to a key. Without one, the seed changes nothing.
    pub(crate) fn key(&self, dataset: &Dataset, seed: u64, key: KeyBuilder) -> KeyBuilder {
        let key = key.with(self.max_size);
        if self.leaves_out(dataset) { key.with(self.max_images).with(seed) } else { key }
    }
}

/// Copies every photo as a PNG whose longer side is at most [`ResizeParams::max_size`], in parallel. Memory: one
/// decoded photo per thread. It is the step that finds out which photos are damaged: those are left out, and told.
#[derive(Debug, Clone, Copy)]
pub struct CopyAndResize {
    params: ResizeParams,
    seed: u64,
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
    /// Photos that cannot be decoded, with reasons.
    pub left_out: Vec<Skipped>,
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
    /// The step with its parameters, and the seed that draws [`ResizeParams::max_images`].
    #[must_use]
    pub fn new(params: ResizeParams, seed: u64) -> Self {
        Self { params, seed }
    }
}

/// What the copy of a photo is called.
pub(crate) fn copy_name(name: &str) -> String {
    format!("{name}.png")
}

impl CopyAndResize {
    /// Writes the copy of a photo into the folder `images`.
    fn resized(&self, file: &PhotoFile, images: &Path) -> Result<Result<ResizedPhoto, Unusable>, Error> {
        let photo = match unusable::decoded(file, Side::Before)? {
            Ok(photo) => photo.thumbnail(self.params.max_size),
            Err(problem) => return Ok(Err(problem)),
        };
        let file_name = copy_name(file.name());
        photo.save(&images.join(&file_name))?;
        Ok(Ok(ResizedPhoto { file_name, width: photo.width(), height: photo.height() }))
    }
}

impl Preprocessor for CopyAndResize {
    type Input = Dataset;
    type Output = ResizedPhotos;

    fn name(&self) -> &'static str {
        "copy_and_resize"
    }

    fn version(&self) -> u32 {
        3
    }

    fn key(&self, dataset: &Dataset, key: KeyBuilder) -> KeyBuilder {
        let key = key.with(dataset.content_hash()).with(DECODER_VERSION).with(RESAMPLER_VERSION);
        self.params.key(dataset, self.seed, key)
    }

    fn make(&self, dataset: &Dataset, folder: &Path, context: &Context) -> Result<(), Error> {
        let images = folder.join("images");
        fs::create_dir(&images).map_err(|source| file_error("create", &images, source))?;
        let chosen = self.params.chosen(dataset, self.seed);
        context.progress().begin("resizing", chosen.len() as u64);
        let resized = chosen
            .par_iter()
            .map(|file| {
                context.check_interrupted()?;
                let resized = self.resized(file, &images);
                context.progress().advance(1);
                resized
            })
            .collect::<Result<Vec<_>, Error>>()?;
        context.progress().end();
        let (mut photos, mut unusable) = (Vec::new(), Vec::new());
        for result in resized {
            match result {
                Ok(photo) => photos.push(photo),
                Err(problem) => unusable.push(problem),
            }
        }
        if photos.is_empty() {
            let mut skipped = dataset.skipped().to_vec();
            skipped.extend(unusable::skipped(&unusable, dataset));
            return Err(dodge_data::Error::NoPhotos { path: dataset.root().to_owned(), skipped }.into());
        }
        unusable::save(&unusable, folder)?;
        photos.sort_by(|a, b| a.file_name.cmp(&b.file_name));
        let text = serde_json::to_vec_pretty(&photos).expect("names and sizes are always JSON");
        write_whole(&folder.join(LISTING), &text)
    }

    fn load(&self, dataset: &Dataset, result: &StepResult) -> Result<ResizedPhotos, Error> {
        let (folder, key) = (result.folder.clone(), result.key.clone());
        let (photos, left_out) = (read_listing(&folder.join(LISTING))?, unusable::load(&folder, dataset)?);
        Ok(ResizedPhotos { folder, key, photos, left_out })
    }

    fn left_out<'a>(&self, output: &'a ResizedPhotos) -> &'a [Skipped] {
        &output.left_out
    }

    fn artifacts(&self) -> Vec<StepArtifact> {
        vec![StepArtifact::new(UNUSABLE, UNUSABLE)]
    }
}

fn read_listing(path: &Path) -> Result<Vec<ResizedPhoto>, Error> {
    let text = fs::read(path).map_err(|source| file_error("read", path, source))?;
    serde_json::from_slice(&text).map_err(|e| Error::Annotations {
        path: path.to_owned(),
        reason: format!("{e}: delete its folder to remake it"),
    })
}
