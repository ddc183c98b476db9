//! The aesthetic predictor v2.5: a SigLIP vision encoder and a head, whose numbers the user brings.

mod checkpoint;
mod configuration;
mod head;
mod pixels;
#[cfg(test)]
mod tests;
mod tower;
mod worker;

use std::path::{Path, PathBuf};

use burn::tensor::Device;
use dodge_imaging::Photo;

use crate::error::Error;
use crate::files::{self, unusable};
use crate::judge::{BEST_SCORE, Juror};
use crate::siglip::configuration::Configuration;
use crate::siglip::head::Head;
use crate::siglip::tower::Tower;
use crate::siglip::worker::Worker;

/// Version of what is computed with the same files; another one gives other scores.
const VERSION: u32 = 1;

/// Digits of each file's hash in the juror's name.
const DIGITS: usize = 12;

const CONFIGURATION: &str = "config.json";
const ENCODER: &str = "model.safetensors";
const HEAD: &str = "aesthetic_predictor_v2_5.pth";
const HEAD_IN_SAFETENSORS: &str = "aesthetic_predictor_v2_5.safetensors";

/// The aesthetic predictor v2.5: what people find beautiful, learnt from their votes, by an encoder of 428 million numbers.
///
/// A photo costs 0.67 TFLOP, seconds on a processor: it is a juror for photos that are scored once, and not for each edit that
/// an agent tries. Photos are scored in batches; memory is that of the model, 1.7 GB for so400m, and some hundred megabytes.
///
/// A photo is squeezed into a square of 384 pixels, whatever its ratio, by bicubic resampling. The predictor scores from 1 to
/// 10 (good photos from about 5.5, most about 5), and can leave that range; scores are cut off at 0 and 10. On the processor
/// a score depends on nothing but the photo; a graphics card rounds its sums otherwise.
#[derive(Debug)]
pub struct SiglipJuror {
    name: String,
    files: Vec<(String, String)>,
    tower: Configuration,
    worker: Worker,
}

impl SiglipJuror {
    /// Loads the model of a folder onto a device. The folder holds
    ///
    /// - `config.json` and `model.safetensors` of `google/siglip-so400m-patch14-384`, or of another SigLIP that the head was
    ///   trained with, whole or the vision tower alone, in 32-bit or 16-bit floats;
    /// - `aesthetic_predictor_v2_5.pth`, the head, or its tensors as `aesthetic_predictor_v2_5.safetensors`, which is taken
    ///   where both are there.
    ///
    /// The encoder is read once, tensor by tensor. Numbers are computed with in 32 bits whatever the file has.
    ///
    /// # Errors
    /// [`Error::Model`] when a file is missing, cut off, of another model or absurdly large.
    pub fn open(folder: &Path, device: &Device) -> Result<Self, Error> {
        let configuration = present(folder, CONFIGURATION, ENCODER_SOURCE)?;
        let encoder = present(folder, ENCODER, ENCODER_SOURCE)?;
        let head = match folder.join(HEAD_IN_SAFETENSORS) {
            path if path.exists() => path,
            _ => present(folder, HEAD, HEAD_SOURCE)?,
        };
        // No gradient is ever asked for.
        let device = device.clone().inner();
        let (tower, configuration_hash) = Configuration::read(&configuration)?;
        let (head_read, head_hash) = Head::read(&head, tower.hidden_size)?;
        let (encoder_read, encoder_hash) = Tower::read(&encoder, tower.clone(), &device)?;
        let short = |hash: &str| hash[..DIGITS].to_owned();
        let hashes = [&encoder_hash, &head_hash, &configuration_hash].map(|hash| short(hash)).join(" ");
        let worker = Worker::start(encoder_read, head_read).map_err(|error| Error::Unavailable {
            juror: folder.display().to_string(),
            reason: format!("no thread can be started: {error}"),
        })?;
        let files = [(encoder, encoder_hash), (head, head_hash), (configuration, configuration_hash)];
        let named = |(path, hash): (PathBuf, String)| {
            (path.file_name().unwrap_or_default().to_string_lossy().into_owned(), hash)
        };
        Ok(Self { name: format!("siglip-{VERSION} ({hashes})"), files: files.map(named).into(), tower, worker })
    }
}

const ENCODER_SOURCE: &str = "the model google/siglip-so400m-patch14-384 of the Hugging Face Hub has it";
const HEAD_SOURCE: &str = "the repository aesthetic-predictor-v2-5 of discus0434 has it in its folder models";

/// The path of a file that has to be there.
fn present(folder: &Path, name: &str, source: &str) -> Result<PathBuf, Error> {
    let path = folder.join(name);
    match path.try_exists() {
        Ok(true) => Ok(path),
        Ok(false) => Err(unusable(&path, format!("it is not there; {source}"))),
        Err(error) => Err(files::unreadable(&path, &error)),
    }
}

impl Juror for SiglipJuror {
    /// The version, and the first digits of the SHA-256 of encoder, head and configuration.
    fn name(&self) -> String {
        self.name.clone()
    }

    fn files(&self) -> Vec<(String, String)> {
        self.files.clone()
    }

    fn score(&self, photos: &[&Photo]) -> Result<Vec<f64>, Error> {
        let mut scores = Vec::with_capacity(photos.len());
        for photos in photos.chunks(self.worker.at_a_time()) {
            let patches = photos.iter().map(|photo| pixels::patches(photo, &self.tower)).collect();
            let unavailable = |reason| Error::Unavailable { juror: self.name(), reason };
            scores.extend(self.worker.ask(patches).map_err(unavailable)?);
        }
        Ok(scores.into_iter().map(|score| score.clamp(0.0, BEST_SCORE)).collect())
    }
}
