//! Synthetic photos as a source.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::synthetic::{self, SYNTHETIC_VERSION};
use crate::{DataLoader, Dataset, Error, whole_file, write_error};

/// Makes synthetic photos and keeps them as PNG files, in a folder of their own below the one given, whose name says
/// what is in it. Photos that are there already, complete and unchanged, are used again.
#[derive(Debug, Clone)]
pub struct SyntheticLoader {
    count: usize,
    size: u32,
    seed: u64,
    root: PathBuf,
}

/// Least and most length of the longer side of a synthetic photo, in pixels.
const SIZES: std::ops::RangeInclusive<u32> = 16..=4096;

/// Hidden, so that a folder loader passes it over.
const MANIFEST: &str = ".dodge-synthetic.json";
const MANIFEST_FORMAT: u32 = 1;

/// Only one loader of a process writes at a time: two that make the same photos would use the same temporary files.
static WRITING: Mutex<()> = Mutex::new(());

/// Written last: its presence says that all photos were written.
#[derive(Debug, Serialize, Deserialize, PartialEq)]
struct Manifest {
    format: u32,
    generator_version: u32,
    seed: u64,
    size: u32,
    count: usize,
    content_hash: String,
}

impl SyntheticLoader {
    /// Will make `count` photos with `size` pixels on the longer side from `seed`, below `root`.
    ///
    /// # Errors
    /// [`Error::InvalidSynthetic`] when `count` is zero or `size` is not in 16..=4096.
    pub fn new(count: usize, size: u32, seed: u64, root: impl Into<PathBuf>) -> Result<Self, Error> {
        if count == 0 {
            return Err(Error::InvalidSynthetic { reason: "the count must be at least 1".to_owned() });
        }
        if !SIZES.contains(&size) {
            let reason = format!("the size must be {}..={} pixels, got {size}", SIZES.start(), SIZES.end());
            return Err(Error::InvalidSynthetic { reason });
        }
        Ok(Self { count, size, seed, root: root.into() })
    }

    /// The folder that the photos are kept in.
    #[must_use]
    pub fn folder(&self) -> PathBuf {
        let Self { count, size, seed, .. } = self;
        self.root.join(format!("synthetic-v{SYNTHETIC_VERSION}-seed{seed}-{size}px-{count}"))
    }

    fn dataset(&self, folder: &Path) -> Result<Dataset, Error> {
        Dataset::new(folder.to_owned(), (0..self.count).map(file_name).collect(), Vec::new())
    }

    fn manifest(&self, dataset: &Dataset) -> Manifest {
        Manifest {
            format: MANIFEST_FORMAT,
            generator_version: SYNTHETIC_VERSION,
            seed: self.seed,
            size: self.size,
            count: self.count,
            content_hash: dataset.content_hash().to_string(),
        }
    }

    /// The photos that are there, if they are all there and as they were written.
    fn finished(&self, folder: &Path) -> Option<Dataset> {
        let text = fs::read_to_string(folder.join(MANIFEST)).ok()?;
        let manifest: Manifest = serde_json::from_str(&text).ok()?;
        let dataset = self.dataset(folder).ok()?;
        (self.manifest(&dataset) == manifest).then_some(dataset)
    }

    fn write(&self, folder: &Path) -> Result<Dataset, Error> {
        fs::create_dir_all(folder).map_err(|source| write_error(folder, source))?;
        (0..self.count).into_par_iter().try_for_each(|index| {
            let (width, height) = synthetic::frame(self.seed, index as u64, self.size);
            let path = folder.join(file_name(index));
            let photo = synthetic::photo(self.seed, index as u64, width, height);
            photo.save(&path).map_err(|source| write_error(&path, source))
        })?;
        let dataset = self.dataset(folder)?;
        whole_file::write_json(&folder.join(MANIFEST), &self.manifest(&dataset))?;
        Ok(dataset)
    }
}

impl DataLoader for SyntheticLoader {
    fn load(&self) -> Result<Dataset, Error> {
        let folder = self.folder();
        // A panic elsewhere leaves nothing half done that the manifest would not show.
        let _one_at_a_time = WRITING.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(dataset) = self.finished(&folder) {
            tracing::debug!(folder = %folder.display(), "synthetic photos used again");
            return Ok(dataset);
        }
        tracing::info!(count = self.count, folder = %folder.display(), "making synthetic photos");
        self.write(&folder)
    }

    fn describe(&self) -> String {
        "synthetic".to_owned()
    }
}

fn file_name(index: usize) -> PathBuf {
    PathBuf::from(format!("photo-{index:06}.png"))
}
