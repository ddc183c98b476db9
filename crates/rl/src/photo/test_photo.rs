//! Photos whose originals are known, to measure on.

use std::path::PathBuf;

use dodge_imaging::{Damage, Photo};
use dodge_juror::Juror;
use dodge_preprocess::{DamageProtocol, PhotoPair, SplitPhoto, damage_rng, undamaged_photos};
use rayon::prelude::*;

use crate::error::Error;

/// A photo to evaluate on.
#[derive(Debug, Clone)]
pub struct TestPhoto {
    /// Its name.
    pub name: String,
    /// The undamaged original; of a pair the *after*.
    pub original: Photo,
    /// What is to be retouched, of the same size; of a pair the *before*.
    pub degraded: Photo,
    /// Whether it was damaged at all; of a pair, whether it was edited.
    pub damaged: bool,
    /// The juror's score of the original.
    pub original_score: f64,
    /// The juror's score of what is to be retouched.
    pub degraded_score: f64,
}

impl TestPhoto {
    /// Reads the photos of a split, in parallel. Memory: two decoded photos of the resized size each.
    ///
    /// # Errors
    /// [`Error::Part`] naming a photo that cannot be read.
    pub fn load_all(photos: &[SplitPhoto]) -> Result<Vec<Self>, Error> {
        let open = |path: &PathBuf| Photo::open(path);
        photos
            .par_iter()
            .map(|photo| {
                Ok(Self {
                    name: photo.file_name.clone(),
                    original: open(&photo.original)?,
                    degraded: open(&photo.degraded)?,
                    damaged: photo.is_damaged(),
                    original_score: photo.original_score,
                    degraded_score: photo.degraded_score,
                })
            })
            .collect()
    }
}

impl TestPhoto {
    /// Pairs with their names, as they are.
    ///
    /// # Errors
    /// An error of the juror.
    pub fn of_pairs(pairs: Vec<(String, PhotoPair)>, juror: &dyn Juror) -> Result<Vec<Self>, Error> {
        let of_pair = |(name, pair): (String, PhotoPair)| {
            Ok(Self {
                name,
                original_score: juror.score_one(&pair.after)?,
                degraded_score: juror.score_one(&pair.before)?,
                damaged: pair.edited,
                original: pair.after,
                degraded: pair.before,
            })
        };
        pairs.into_par_iter().map(of_pair).collect()
    }

    /// Damages photos as the test split of a training is: a share of them, drawn by their names and the seed, stay as they are,
    /// each other one gets the damage of the protocol that its name and the seed stand for.
    ///
    /// # Errors
    /// An error of the juror.
    pub fn damage_all(
        photos: Vec<(String, Photo)>,
        protocol: DamageProtocol,
        undamaged_share: f64,
        juror: &dyn Juror,
        seed: u64,
    ) -> Result<Vec<Self>, Error> {
        let names: Vec<&str> = photos.iter().map(|(name, _)| &**name).collect();
        let undamaged = undamaged_photos(&names, undamaged_share, seed);
        photos
            .into_par_iter()
            .enumerate()
            .map(|(index, (name, original))| {
                let damage =
                    if undamaged[index] { Damage::default() } else { protocol.draw(&mut damage_rng(seed, &name)) };
                let degraded = damage.apply(&original);
                Ok(Self {
                    original_score: juror.score_one(&original)?,
                    degraded_score: juror.score_one(&degraded)?,
                    damaged: !damage.steps().is_empty(),
                    name,
                    original,
                    degraded,
                })
            })
            .collect()
    }

    /// Adds further tests of the same photos, because a figure should not hang on a single draw of damage: afterwards each photo
    /// is there once as it is and `damages` times with different damages, of which the first is the one that its name and the seed
    /// stand for. The given ones come first. Where that would be more than 400 damaged tests, each has fewer damages.
    ///
    /// # Errors
    /// An error of the juror.
    pub fn with_further_damages(
        photos: Vec<Self>,
        protocol: DamageProtocol,
        damages: usize,
        juror: &dyn Juror,
        seed: u64,
    ) -> Result<Vec<Self>, Error> {
        let damages = damages.min(MOST_TESTS / photos.len().max(1));
        if damages < 2 {
            return Ok(photos);
        }
        let further = |photo: &Self| -> Result<Vec<Self>, Error> {
            let mut rng = damage_rng(seed, &photo.name);
            let drawn: Vec<Damage> = (0..damages).map(|_| protocol.draw(&mut rng)).collect();
            let wanted = if photo.damaged { &drawn[1..] } else { &drawn[..] };
            let whole = photo.damaged.then(Damage::default);
            let degraded = wanted.iter().chain(&whole).map(|damage| {
                let degraded = damage.apply(&photo.original);
                let damaged = !damage.steps().is_empty();
                Ok(Self { degraded_score: juror.score_one(&degraded)?, damaged, degraded, ..photo.clone() })
            });
            degraded.collect()
        };
        let added = photos.par_iter().map(further).collect::<Result<Vec<_>, Error>>()?;
        Ok(photos.into_iter().chain(added.into_iter().flatten()).collect())
    }
}

/// Damaged tests up to which photos are damaged in several ways: many photos need no repetition, and each test is held in memory.
const MOST_TESTS: usize = 400;
