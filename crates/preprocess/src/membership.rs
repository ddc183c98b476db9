//! In which split photos were before: they keep it when others come.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use dodge_data::Dataset;
use serde::{Deserialize, Serialize};

use crate::copy_and_resize::{ResizeParams, copy_name};
use crate::error::{Error, file_error};
use crate::key::KeyBuilder;
use crate::split::{SPLITS, Splits};
use crate::whole_file::write_whole;

/// Most bytes of a memory that are read: room for a million photos.
const MOST_BYTES: u64 = 256 << 20;

/// Sets of photos of which a memory knows how they were dealt out; the oldest is forgotten first.
const GENERATIONS: usize = 8;

/// The split of each photo that was dealt out before, by file name.
///
/// Who adds photos to a folder tests on the same photos as before, and on none that the agent has learnt from meanwhile.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Membership(BTreeMap<String, usize>);

impl Membership {
    /// The place of the split among [`SPLITS`]; none of a photo that is new.
    pub(crate) fn split_of(&self, file_name: &str) -> Option<usize> {
        self.0.get(file_name).copied()
    }

    /// Adds what is known of these photos to a key; where nothing is, the key stays.
    pub(crate) fn key<'a>(&self, file_names: impl Iterator<Item = &'a str>, key: KeyBuilder) -> KeyBuilder {
        let mut known: Vec<_> = file_names.filter_map(|name| Some((name, self.split_of(name)?))).collect();
        known.sort_unstable();
        known.into_iter().fold(key, |key, (name, split)| key.with(name).with(split))
    }

    /// Of these photos, all that were dealt out; whoever is in no other split is trained on, or was left out of it.
    fn of(splits: &Splits, file_names: &[String]) -> Self {
        let mut membership: BTreeMap<String, usize> = file_names.iter().map(|name| (name.clone(), 0)).collect();
        for (place, split) in [(1, &splits.validation), (2, &splits.test)] {
            membership.extend(split.photos.iter().map(|photo| (photo.file_name.clone(), place)));
        }
        Self(membership)
    }

    fn is_of(&self, file_names: &[String]) -> bool {
        self.0.len() == file_names.len() && file_names.iter().all(|name| self.0.contains_key(name))
    }
}

/// What a volume remembers of how the photos of one folder were dealt out, by one seed and in these ratios.
///
/// A set of photos that was dealt out before is dealt out as then, so that its result is found in the cache; any other set keeps what is known
/// from the last time.
#[derive(Debug)]
pub struct SplitMemory {
    path: PathBuf,
    photos: Vec<String>,
    generations: Vec<Generation>,
}

/// A set of photos, and what was known when it was dealt out.
#[derive(Debug, Serialize, Deserialize)]
struct Generation {
    before: Membership,
    dealt: Membership,
}

impl SplitMemory {
    /// What the folder `volume` remembers of the photos of a dataset that `resize` takes; nothing where they were never dealt out by this seed
    /// and these ratios of training and validation photos.
    ///
    /// # Errors
    /// [`Error::File`] or [`Error::Annotations`] for a memory that cannot be read.
    pub fn open(
        volume: &Path,
        dataset: &Dataset,
        resize: &ResizeParams,
        ratios: [f64; 2],
        seed: u64,
    ) -> Result<Self, Error> {
        let root = |path: &Path| fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let mut key = KeyBuilder::new("split_memory", 1).with(root(dataset.root()).display());
        if let Some(after) = dataset.after_root() {
            key = key.with(root(after).display());
        }
        let key = key.with(dataset.has_lessons()).with(ratios[0]).with(ratios[1]).with(seed).build();
        let path = volume.join("splits").join(format!("{key}.json"));
        let photos = resize.chosen(dataset, seed).into_iter().map(|photo| copy_name(photo.name())).collect();
        let generations = read(&path)?;
        Ok(Self { path, photos, generations })
    }

    /// What is known of the photos.
    #[must_use]
    pub fn membership(&self) -> Membership {
        let again = self.generations.iter().find(|generation| generation.dealt.is_of(&self.photos));
        let known = again.map(|generation| &generation.before);
        known.or(self.generations.last().map(|generation| &generation.dealt)).cloned().unwrap_or_default()
    }

    /// Remembers how they were dealt out, for when others are added.
    ///
    /// # Errors
    /// [`Error::File`].
    pub fn remember(mut self, splits: &Splits) -> Result<(), Error> {
        let before = self.membership();
        let dealt = Membership::of(splits, &self.photos);
        if self.generations.last().is_some_and(|generation| generation.dealt == dealt) {
            return Ok(());
        }
        self.generations.retain(|generation| generation.dealt != dealt);
        self.generations.push(Generation { before, dealt });
        self.generations.drain(..self.generations.len().saturating_sub(GENERATIONS));
        let folder = self.path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder).map_err(|source| file_error("create", folder, source))?;
        let text = serde_json::to_vec(&self.generations).expect("names and numbers are always JSON");
        write_whole(&self.path, &text)
    }
}

fn read(path: &Path) -> Result<Vec<Generation>, Error> {
    let mut text = Vec::new();
    match fs::File::open(path) {
        Ok(file) => file.take(MOST_BYTES).read_to_end(&mut text).map_err(|source| file_error("read", path, source))?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(file_error("read", path, source)),
    };
    let wrong = |reason: String| Error::Annotations {
        path: path.to_owned(),
        reason: format!("{reason}: delete the file, and photos are dealt out as if they were new"),
    };
    let generations: Vec<Generation> = serde_json::from_slice(&text).map_err(|error| wrong(error.to_string()))?;
    let splits = generations.iter().flat_map(|it| it.before.0.values().chain(it.dealt.0.values()));
    match splits.max() {
        Some(&most) if most >= SPLITS.len() => Err(wrong(format!("there is no split {most}"))),
        _ => Ok(generations),
    }
}
