//! Selecting the best model: fidelity on the validation split, at working size, without any juror.

use dodge_imaging::{Damage, Photo, psnr_db};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use crate::agent::{Policy, retouch_all};
use crate::observation::Observer;
use crate::photo_env::TrainingPhoto;
use crate::{ActionSet, Error};

/// Fixed episodes for comparing policies during a training.
#[derive(Debug)]
pub(crate) struct Validation {
    /// Damaged working photos, then undamaged ones.
    episodes: Vec<TrainingPhoto>,
    damaged: usize,
    mean_degraded_db: f64,
    undamaged_share: f64,
    observer: Observer,
}

/// How a policy did.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Fidelity {
    /// Mean PSNR gained on damaged photos, in decibels.
    pub(crate) gain_db: f64,
    /// Mean PSNR at which undamaged photos come out, in decibels.
    pub(crate) undamaged_db: f64,
    /// What selects a model: mean PSNR over both, weighted as photos come, in decibels.
    pub(crate) selection_db: f64,
}

impl Validation {
    /// Each photo once with its stored damage, with `damages - 1` fresh ones, and once undamaged: more episodes than
    /// photos, because the choice between models should not hang on a single draw of damage.
    pub(crate) fn new(
        photos: &[TrainingPhoto],
        damages: usize,
        undamaged_share: f64,
        seed: u64,
    ) -> Result<Self, Error> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut episodes = Vec::new();
        for photo in photos {
            if photo.degraded != photo.original {
                episodes.push(photo.clone());
            }
            for _ in 1..damages {
                let degraded = Damage::standard(&mut rng).apply(&photo.original);
                episodes.push(TrainingPhoto { original: photo.original.clone(), degraded });
            }
        }
        let damaged = episodes.len();
        let undamaged = |photo: &TrainingPhoto| TrainingPhoto {
            original: photo.original.clone(),
            degraded: photo.original.clone(),
        };
        episodes.extend(photos.iter().map(undamaged));
        let degraded: Vec<&Photo> = episodes[..damaged].iter().map(|episode| &episode.degraded).collect();
        let mean_degraded_db = mean_psnr(&episodes[..damaged], &degraded)?;
        Ok(Self { episodes, damaged, mean_degraded_db, undamaged_share, observer: Observer::new() })
    }

    /// Lets a policy act on all episodes.
    pub(crate) fn measure<P: Policy>(
        &self,
        policy: &P,
        actions: &ActionSet,
        max_steps: usize,
    ) -> Result<Fidelity, Error> {
        let photos: Vec<&Photo> = self.episodes.iter().map(|episode| &episode.degraded).collect();
        let retouched = retouch_all(policy, actions, max_steps, &self.observer, &photos);
        let results: Vec<&Photo> = retouched.iter().map(|r| &r.photo).collect();
        let damaged_db = mean_psnr(&self.episodes[..self.damaged], &results[..self.damaged])?;
        let undamaged_db = mean_psnr(&self.episodes[self.damaged..], &results[self.damaged..])?;
        Ok(Fidelity {
            gain_db: damaged_db - self.mean_degraded_db,
            undamaged_db,
            selection_db: (1.0 - self.undamaged_share) * damaged_db + self.undamaged_share * undamaged_db,
        })
    }
}

fn mean_psnr(episodes: &[TrainingPhoto], results: &[&Photo]) -> Result<f64, Error> {
    let values = episodes
        .par_iter()
        .zip(results)
        .map(|(episode, result)| psnr_db(&episode.original, result))
        .collect::<Result<Vec<f64>, _>>()?;
    // Summed in order, so that the mean does not depend on the threads.
    Ok(values.iter().sum::<f64>() / values.len().max(1) as f64)
}
