//! Selecting the best model: fidelity on the validation split, at working size, without any juror.

use std::sync::Arc;

use dodge_imaging::{Damage, Photo, psnr_db};
use dodge_learn::Policy;
use dodge_preprocess::RandomStream;
use rayon::prelude::*;

use crate::error::Error;
use crate::photo::actions::ActionSet;
use crate::photo::agent::retouch_all;
use crate::photo::environment::TrainingPhoto;
use crate::photo::observation::Observe;

/// Fixed episodes for comparing policies during a training.
#[derive(Debug)]
pub(crate) struct Validation {
    /// Damaged working photos, then undamaged ones.
    episodes: Vec<TrainingPhoto>,
    damaged: usize,
    mean_degraded_db: f64,
    observer: Arc<dyn Observe>,
}

/// How a policy did.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fidelity {
    /// Mean PSNR gained on damaged photos, in decibels.
    pub gain_db: f64,
    /// Mean PSNR at which undamaged photos come out, in decibels; 60 is untouched.
    pub undamaged_db: f64,
}

impl Fidelity {
    /// Whether this is the better model: one that leaves undamaged photos above `least_undamaged_db` goes before one
    /// that does not, whatever it gains; among those that do the gain counts, among the others the harm.
    #[must_use]
    pub fn is_better_than(&self, other: &Self, least_undamaged_db: f64) -> bool {
        let harmless = |fidelity: &Self| fidelity.undamaged_db >= least_undamaged_db;
        match (harmless(self), harmless(other)) {
            (true, true) => self.gain_db > other.gain_db,
            (false, false) => self.undamaged_db > other.undamaged_db,
            (harmless, _) => harmless,
        }
    }
}

impl Validation {
    /// Each photo once with its stored damage, with `damages - 1` fresh ones, and once undamaged: more episodes than
    /// photos, because the choice between models should not hang on a single draw of damage.
    pub(crate) fn new(
        photos: &[TrainingPhoto],
        damages: usize,
        working_size: u32,
        observer: Arc<dyn Observe>,
        seed: u64,
    ) -> Result<Self, Error> {
        let mut rng = RandomStream::Validation.generator(seed);
        let mut episodes = Vec::new();
        let episode = |original: &Photo, degraded: &Photo| TrainingPhoto {
            original: original.thumbnail(working_size),
            degraded: degraded.thumbnail(working_size),
        };
        for photo in photos {
            if photo.degraded != photo.original {
                episodes.push(episode(&photo.original, &photo.degraded));
            }
            for _ in 1..damages {
                episodes.push(episode(&photo.original, &Damage::standard(&mut rng).apply(&photo.original)));
            }
        }
        let damaged = episodes.len();
        episodes.extend(photos.iter().map(|photo| episode(&photo.original, &photo.original)));
        let degraded: Vec<&Photo> = episodes[..damaged].iter().map(|episode| &episode.degraded).collect();
        let mean_degraded_db = mean_psnr(&episodes[..damaged], &degraded)?;
        Ok(Self { episodes, damaged, mean_degraded_db, observer })
    }

    /// Lets a policy act on all episodes.
    pub(crate) fn measure<P: Policy>(
        &self,
        policy: &P,
        actions: &ActionSet,
        max_steps: usize,
    ) -> Result<Fidelity, Error> {
        let photos: Vec<&Photo> = self.episodes.iter().map(|episode| &episode.degraded).collect();
        let retouched = retouch_all(policy, actions, max_steps, max_steps, &*self.observer, &photos);
        let results: Vec<&Photo> = retouched.iter().map(|r| &r.photo).collect();
        let damaged_db = mean_psnr(&self.episodes[..self.damaged], &results[..self.damaged])?;
        let undamaged_db = mean_psnr(&self.episodes[self.damaged..], &results[self.damaged..])?;
        Ok(Fidelity { gain_db: damaged_db - self.mean_degraded_db, undamaged_db })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_that_harms_good_photos_never_wins_by_its_gain() {
        let fidelity = |gain_db, undamaged_db| Fidelity { gain_db, undamaged_db };
        let better = |a: Fidelity, b: Fidelity| a.is_better_than(&b, 48.0);
        assert!(better(fidelity(2.0, 50.0), fidelity(1.5, 59.0)), "both are harmless: the gain counts");
        assert!(better(fidelity(1.0, 48.0), fidelity(4.0, 47.9)));
        assert!(!better(fidelity(4.0, 47.9), fidelity(1.0, 48.0)));
        assert!(better(fidelity(1.0, 45.0), fidelity(2.0, 40.0)), "both harm: the lesser harm counts");
        assert!(!better(fidelity(2.0, 50.0), fidelity(2.0, 50.0)), "the earlier of two equal ones stays");
    }
}
