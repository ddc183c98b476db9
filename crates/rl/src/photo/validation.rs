//! Selecting the best model: fidelity on the validation split, at working size, without any juror.

use std::ops::Range;
use std::sync::Arc;

use dodge_imaging::{PSNR_CAP_DB, Photo, psnr_db};
use dodge_learn::Policy;
use dodge_preprocess::RandomStream;
use rayon::prelude::*;

use crate::error::Error;
use crate::photo::actions::ActionSet;
use crate::photo::agent::{Rules, retouch_all};
use crate::photo::environment::{Material, TrainingPhoto};
use crate::photo::expectation::Expectation;
use crate::photo::observation::Observe;

/// Fixed episodes for comparing policies during a training.
#[derive(Debug)]
pub(crate) struct Validation {
    /// Working photos: those to gain on, and those to be left alone. The two may overlap.
    episodes: Vec<TrainingPhoto>,
    gained_on: Range<usize>,
    left_alone: Range<usize>,
    most_looks: usize,
    observer: Arc<dyn Observe>,
}

/// How a policy did.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fidelity {
    /// Mean PSNR gained on damaged photos, or on all pairs, in decibels.
    pub gain_db: f64,
    /// Mean PSNR at which undamaged photos come out, or pairs that were not edited, in decibels; 60 is untouched, and stands
    /// where there are none.
    pub undamaged_db: f64,
    /// Where the policy foretells gains, what they are worth on these photos.
    pub expectation: Expectation,
    /// Where the policy foretells gains, how much has to be expected so that this much comes of it, in decibels; else 0.
    pub least_gain_db: f32,
}

/// How a policy did, and on which episodes.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Measured {
    pub(crate) fidelity: Fidelity,
    /// PSNR gained in each episode, in decibels.
    pub(crate) gains: Vec<f64>,
}

impl Measured {
    /// Whether this later model may take the place of the one with the best figures: the difference is no larger than its own standard error.
    /// The figures of a training that goes on for longer rise and fall by chance, and their highest point says more about
    /// the validation photos than about the model; the later ones have learnt more (the one-standard-error rule of Breiman,
    /// Friedman, Olshen and Stone 1984, with *later* in place of *simpler*).
    pub(crate) fn is_as_good_as(&self, record: &Self, least_undamaged_db: f64) -> bool {
        let harmless = |measured: &Self| measured.fidelity.undamaged_db >= least_undamaged_db;
        // After a resume with other validation episodes there is nothing to compare one by one.
        if !(harmless(self) && harmless(record)) || self.gains.len() != record.gains.len() {
            return self.fidelity.is_better_than(&record.fidelity, least_undamaged_db);
        }
        let differences: Vec<f64> = self.gains.iter().zip(&record.gains).map(|(later, best)| later - best).collect();
        mean(&differences) + standard_error(&differences) >= 0.0
    }
}

/// Gains that a policy may have to expect before it touches a photo, in decibels: multiples of the step, up to the most.
const LEAST_GAIN_STEP: f32 = 0.05;
const MOST_LEAST_GAIN: f32 = 4.0;

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
    /// Of damaged photos, each once with its stored damage, with `damages - 1` fresh ones, and once undamaged: more episodes than
    /// photos, because the choice between models should not hang on a single draw of damage.
    ///
    /// Of pairs, each once as it is. That an *after* needs nothing is not known: whoever edited it might edit it again. So
    /// restraint is measured on the pairs that were not edited, and not at all where there are none. The gain is that of all
    /// pairs, these included: what harms one of them lowers it, too.
    pub(crate) fn new(
        material: Material,
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
        let (edited, whole): (Vec<_>, Vec<_>) = photos.iter().partition(|photo| photo.degraded != photo.original);
        let (gained_on, left_alone);
        match material {
            Material::Pairs => {
                episodes.extend(edited.iter().chain(&whole).map(|photo| episode(&photo.original, &photo.degraded)));
                (gained_on, left_alone) = (0..photos.len(), edited.len()..photos.len());
            }
            Material::Damaged(protocol) => {
                for photo in photos {
                    if photo.degraded != photo.original {
                        episodes.push(episode(&photo.original, &photo.degraded));
                    }
                    for _ in 1..damages {
                        episodes.push(episode(&photo.original, &protocol.draw(&mut rng).apply(&photo.original)));
                    }
                }
                gained_on = 0..episodes.len();
                episodes.extend(photos.iter().map(|photo| episode(&photo.original, &photo.original)));
                left_alone = gained_on.end..episodes.len();
            }
        }
        Ok(Self { episodes, gained_on, left_alone, most_looks: material.most_looks(), observer })
    }

    /// Lets a policy act on all episodes. One that expects gains acts where it expects more than the least gain for which
    /// undamaged photos come out at `least_undamaged_db`, as far as there is such a one.
    pub(crate) fn measure<P: Policy>(
        &self,
        policy: &P,
        actions: &ActionSet,
        max_steps: usize,
        least_undamaged_db: f64,
    ) -> Result<Measured, Error> {
        let photos: Vec<&Photo> = self.episodes.iter().map(|episode| &episode.degraded).collect();
        let rules = Rules {
            actions,
            max_steps,
            limit: usize::MAX,
            most_looks: self.most_looks,
            observer: &*self.observer,
            expectation: Expectation::AS_FORETOLD,
            least_gain_db: 0.0,
        };
        let retouched = retouch_all(policy, &rules, &photos);
        let results: Vec<&Photo> = retouched.iter().map(|r| &r.photo).collect();
        let (before, after) = (psnrs(&self.episodes, &photos)?, psnrs(&self.episodes, &results)?);
        // On photos that need nothing there is nothing to be gained: how many of these a user has, nobody knows.
        let of_photos = retouched.iter().zip(before.iter().zip(&after)).skip(self.gained_on.start);
        let touched = of_photos.take(self.gained_on.len()).filter(|(retouched, _)| !retouched.operations.is_empty());
        let foretold: Vec<(f32, f32)> = touched
            .filter_map(|(retouched, (before, after))| Some((retouched.expected_gain_db?, (after - before) as f32)))
            .collect();
        let expectation = Expectation::fitted(&foretold);
        let left_alone = &self.left_alone;
        let fidelity = |least_gain_db: f32| {
            let expected = |index: usize| retouched[index].expected_gain_db.map(|gain| expectation.of(gain));
            let acts = |index: usize| expected(index).is_none_or(|gain| gain > least_gain_db);
            let values = (0..before.len()).map(|index| if acts(index) { after[index] } else { before[index] });
            let values: Vec<f64> = values.collect();
            let gains: Vec<f64> = self.gained_on.clone().map(|index| values[index] - before[index]).collect();
            let undamaged_db = if left_alone.is_empty() { PSNR_CAP_DB } else { mean(&values[left_alone.clone()]) };
            Measured { fidelity: Fidelity { gain_db: mean(&gains), undamaged_db, expectation, least_gain_db }, gains }
        };
        if retouched.iter().all(|r| r.expected_gain_db.is_none()) {
            return Ok(fidelity(0.0));
        }
        let boldest = expectation.boldest_db();
        let steps = ((MOST_LEAST_GAIN - boldest) / LEAST_GAIN_STEP) as u16;
        let mut candidates = (0..=steps).map(|step| fidelity(boldest + f32::from(step) * LEAST_GAIN_STEP));
        let harmless = candidates.find(|measured| measured.fidelity.undamaged_db >= least_undamaged_db);
        Ok(harmless.unwrap_or_else(|| fidelity(MOST_LEAST_GAIN)))
    }
}

fn psnrs(episodes: &[TrainingPhoto], results: &[&Photo]) -> Result<Vec<f64>, Error> {
    let psnr = |(episode, result): (&TrainingPhoto, &&Photo)| psnr_db(&episode.original, result);
    Ok(episodes.par_iter().zip(results).map(psnr).collect::<Result<Vec<f64>, _>>()?)
}

/// Of the mean of these values.
fn standard_error(values: &[f64]) -> f64 {
    let (mean, count) = (mean(values), values.len().max(2) as f64);
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (count - 1.0);
    (variance / count).sqrt()
}

/// Summed in order, so that it does not depend on the threads.
pub(crate) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use dodge_learn::Proposals;

    use super::*;
    use crate::photo::observation::Observer;

    #[test]
    fn a_model_that_harms_good_photos_never_wins_by_its_gain() {
        let fidelity = |gain_db, undamaged_db| Fidelity {
            gain_db,
            undamaged_db,
            expectation: Expectation::AS_FORETOLD,
            least_gain_db: 0.0,
        };
        let better = |a: Fidelity, b: Fidelity| a.is_better_than(&b, 48.0);
        assert!(better(fidelity(2.0, 50.0), fidelity(1.5, 59.0)), "both are harmless: the gain counts");
        assert!(better(fidelity(1.0, 48.0), fidelity(4.0, 47.9)));
        assert!(!better(fidelity(4.0, 47.9), fidelity(1.0, 48.0)));
        assert!(better(fidelity(1.0, 45.0), fidelity(2.0, 40.0)), "both harm: the lesser harm counts");
        assert!(!better(fidelity(2.0, 50.0), fidelity(2.0, 50.0)), "the earlier of two equal ones stays");
    }

    fn stopped() -> Fidelity {
        Fidelity { gain_db: 0.0, undamaged_db: 60.0, expectation: Expectation::AS_FORETOLD, least_gain_db: 0.0 }
    }

    /// Always prefers one action.
    struct Stubborn(usize);

    impl Policy for Stubborn {
        fn preferences(&self, observations: &[f32]) -> Vec<f32> {
            let rows = observations.len() / Observer::new().observation_len(3);
            (0..3).map(|action| f32::from(u8::from(action == self.0))).collect::<Vec<f32>>().repeat(rows)
        }
    }

    fn photo(index: u32) -> Photo {
        Photo::from_fn(40, 30, |x, y| [(40 + 3 * x + index) as u8, (60 + 4 * y) as u8, (90 + x + y) as u8]).unwrap()
    }

    /// Two photos that are 20 levels too dark, and one that is as it was.
    fn validation(damages: usize) -> Validation {
        validation_of(Material::default(), damages)
    }

    fn validation_of(material: Material, damages: usize) -> Validation {
        let darker: dodge_imaging::Operation = "lightness:-20".parse().unwrap();
        let pair = |index: u32, is_damaged: bool| {
            let original = photo(index);
            TrainingPhoto { degraded: if is_damaged { darker.apply(&original) } else { original.clone() }, original }
        };
        let photos = [pair(0, true), pair(1, true), pair(2, false)];
        Validation::new(material, &photos, damages, 24, Arc::new(Observer::new()), 5).unwrap()
    }

    fn measured(validation: &Validation, action: usize) -> Fidelity {
        let actions = ActionSet::parse(&["lightness:20", "lightness:-20"]).unwrap();
        validation.measure(&Stubborn(action), &actions, 1, 45.0).unwrap().fidelity
    }

    #[test]
    fn a_later_model_is_taken_where_the_difference_says_nothing() {
        let measured = |gains: [f64; 2], undamaged_db| Measured {
            fidelity: Fidelity {
                gain_db: mean(&gains),
                undamaged_db,
                expectation: Expectation::AS_FORETOLD,
                least_gain_db: 0.0,
            },
            gains: gains.to_vec(),
        };
        let record = measured([1.0, 3.0], 50.0);
        let later = |gains, undamaged_db| measured(gains, undamaged_db).is_as_good_as(&record, 48.0);
        assert!(later([1.0, 3.0], 50.0) && later([2.0, 3.0], 49.0));
        // The mean of the differences is -0.05, its standard error 0.15.
        assert!(later([1.1, 2.8], 50.0));
        // -0.55, and 0.05.
        assert!(!later([0.5, 2.4], 50.0));
        assert!(!later([9.0, 9.0], 47.0), "harm is no matter of chance");
        assert!(record.is_as_good_as(&measured([9.0, 9.0], 47.0), 48.0));
    }

    #[test]
    fn what_a_policy_did_is_measured_by_hand() {
        let validation = validation(1);
        assert_eq!(
            (validation.gained_on.clone(), validation.left_alone.clone()),
            (0..2, 2..5),
            "stored damages, and every photo undamaged"
        );
        assert_eq!(measured(&validation, 2), stopped(), "it stops at once");
        // 20 levels of 255.
        let apart = -20.0 * (20.0_f64 / 255.0).log10();
        let brighter = measured(&validation, 0);
        assert!((brighter.gain_db - (60.0 - apart)).abs() < 1.0, "{brighter:?}: the damage is undone");
        assert!((brighter.undamaged_db - apart).abs() < 0.5, "{brighter:?}: {apart}");
        let darker = measured(&validation, 1);
        assert!((darker.gain_db + 20.0 * 2.0_f64.log10()).abs() < 0.7, "{darker:?}: twice the error");
    }

    /// Brightens everything, and expects as much of it as the first number that it sees says.
    struct Hopeful;

    impl Policy for Hopeful {
        fn preferences(&self, _: &[f32]) -> Vec<f32> {
            unreachable!("it moves all sliders at once")
        }

        fn proposals(&self, observations: &[f32]) -> Option<Proposals> {
            let rows = observations.len() / Observer::new().observation_len(2);
            // The darkest pixel is what the photos differ in.
            let dark = |row: usize| -observations[row * observations.len() / rows];
            let gains = (0..rows).flat_map(|row| [0.0, 0.0, 3.0 * dark(row)]).collect();
            Some(Proposals { strengths: vec![20.0 / 255.0 / 0.6; rows], gains })
        }
    }

    #[test]
    fn the_least_gain_is_the_one_that_leaves_good_photos_alone() {
        let actions = ActionSet::parse(&["lightness"]).unwrap();
        let measured =
            |least_undamaged_db| validation(1).measure(&Hopeful, &actions, 9, least_undamaged_db).unwrap().fidelity;
        let bold = measured(0.0);
        assert_eq!(bold.least_gain_db, 0.0);
        assert!(bold.undamaged_db < 25.0, "{bold:?}");
        let careful = measured(59.0);
        assert!(careful.least_gain_db > 0.0 && careful.undamaged_db > 59.0, "{careful:?}");
        assert!((careful.gain_db - bold.gain_db).abs() < 1e-9, "damaged photos are darker: {careful:?}, {bold:?}");
    }

    #[test]
    fn pairs_are_taken_as_they_are() {
        let validation = validation_of(Material::Pairs, 4);
        assert_eq!((validation.gained_on.clone(), validation.left_alone.clone()), (0..3, 2..3));
        assert_eq!(measured(&validation, 2), stopped(), "it stops at once");
        let apart = -20.0 * (20.0_f64 / 255.0).log10();
        let brighter = measured(&validation, 0);
        assert!((brighter.undamaged_db - apart).abs() < 0.5, "the one that was not edited: {brighter:?}");
        // Two pairs gain what the third loses.
        assert!((brighter.gain_db - (60.0 - apart) / 3.0).abs() < 1.0, "{brighter:?}");

        let all_edited = [TrainingPhoto { original: photo(0), degraded: photo(1) }];
        let validation = Validation::new(Material::Pairs, &all_edited, 4, 24, Arc::new(Observer::new()), 5).unwrap();
        assert_eq!(measured(&validation, 0).undamaged_db, 60.0, "there is nothing to be left alone");
    }

    #[test]
    fn fresh_damages_are_the_same_for_every_measurement_and_any_number_of_threads() {
        let validation = validation(4);
        assert_eq!(validation.gained_on, 0..2 + 3 * 3);
        let on = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| measured(&validation, 0))
        };
        assert_eq!(on(1), on(3));
        let other = |seed| {
            let photos = [TrainingPhoto { original: photo(0), degraded: photo(0) }];
            let validation = Validation::new(Material::default(), &photos, 4, 24, Arc::new(Observer::new()), seed);
            validation.unwrap().episodes[0].degraded.clone()
        };
        assert_eq!(other(1), other(1));
        assert_ne!(other(1), other(2));
    }
}
