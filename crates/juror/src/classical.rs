//! The classical juror: measured statistics, each held against what is usual in photographs.

mod aspects;
mod measure;
mod usual;

use dodge_imaging::{LabConverter, Photo};
use rayon::prelude::*;

use crate::error::Error;
use crate::judge::{BEST_SCORE, Juror};

use aspects::ASPECTS;
use usual::USUAL;

pub use measure::Measurements;

/// Scores a photo by some twenty *sub-scores*, each 1 where the photo is as photographs usually are and falling towards 0 with
/// the distance from it.
///
/// A sub-score is `1 / (1 + z²)` of a distance `z` in units of a spread, and the score is ten times their
/// weighted geometric mean. So there is a best amount of everything: no edit can be piled up for ever, because beyond
/// the usual each measure falls again, and one ruined aspect cannot be paid for with the others.
///
/// What is usual, how far from it photographs are and how much each aspect counts was fitted on one half of the 400 photographs of
/// BSDS500, scaled to 384 pixels, and on parts of them: `examples/fit_classical.rs`. As any formula over
/// global statistics it knows nothing of content, and a picture that is unusual on purpose is scored low.
#[derive(Debug, Clone, Default)]
pub struct ClassicalJuror {
    lab: LabConverter,
}

/// The parts of a classical score, one for each aspect of [`Measurements::aspects`], from 0 (ruined) to 1 (as usual).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SubScores([f64; ASPECTS]);

impl SubScores {
    /// Judges measurements.
    #[must_use]
    pub fn of(measurements: &Measurements) -> Self {
        Self::of_aspects(&measurements.aspects())
    }

    fn of_aspects(aspects: &[(&'static str, f64); ASPECTS]) -> Self {
        Self(std::array::from_fn(|index| {
            let z = (aspects[index].1 - USUAL[index].centre) / USUAL[index].spread;
            1.0 / (1.0 + z * z)
        }))
    }

    /// The parts with their names.
    #[must_use]
    pub fn named(&self) -> [(&'static str, f64); ASPECTS] {
        std::array::from_fn(|index| (USUAL[index].aspect, self.0[index]))
    }

    /// The score: ten times the weighted geometric mean of the parts.
    #[must_use]
    pub fn score(&self) -> f64 {
        let logarithms = self.0.iter().zip(&USUAL).map(|(part, usual)| usual.weight * part.ln());
        (BEST_SCORE * logarithms.sum::<f64>().exp()).min(BEST_SCORE)
    }
}

impl ClassicalJuror {
    /// Makes the juror; it has no parameters.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The parts of a photo's score.
    #[must_use]
    pub fn sub_scores(&self, photo: &Photo) -> SubScores {
        SubScores::of(&Measurements::of(photo, &self.lab))
    }
}

impl Juror for ClassicalJuror {
    fn name(&self) -> String {
        "classical-2".to_owned()
    }

    fn score(&self, photos: &[&Photo]) -> Result<Vec<f64>, Error> {
        Ok(photos.par_iter().map(|photo| self.sub_scores(photo).score()).collect())
    }

    fn score_one(&self, photo: &Photo) -> Result<f64, Error> {
        Ok(self.sub_scores(photo).score())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_aspect_counts_by_its_own_weight() {
        let names = Measurements::of(&photo(), &LabConverter::default()).aspects().map(|(name, _)| name);
        assert_eq!(names, USUAL.map(|usual| usual.aspect), "constants are told apart by their place");
        assert!((USUAL.iter().map(|usual| usual.weight).sum::<f64>() - 1.0).abs() < 1e-3);
        for (index, usual) in USUAL.iter().enumerate() {
            assert!(usual.weight >= 0.01 && usual.spread > 0.0, "{}", usual.aspect);
            let (mut perfect, mut ruined) = ([1.0; ASPECTS], [1.0; ASPECTS]);
            perfect[index] = 1.0;
            ruined[index] = 0.5;
            let lost = SubScores(ruined).score() / SubScores(perfect).score();
            assert!((lost - 0.5_f64.powf(usual.weight)).abs() < 1e-12, "{}", usual.aspect);
        }
    }

    #[test]
    fn what_is_usual_in_every_aspect_scores_ten() {
        let usual = USUAL.map(|usual| (usual.aspect, usual.centre));
        assert!((SubScores::of_aspects(&usual).score() - BEST_SCORE).abs() < 1e-9);
        for index in 0..ASPECTS {
            for way in [-1.0, 1.0] {
                let at = |spreads: f64| {
                    let mut aspects = usual;
                    aspects[index].1 += way * spreads * USUAL[index].spread;
                    SubScores::of_aspects(&aspects).score()
                };
                assert!(at(0.0) > at(0.5) && at(0.5) > at(2.0) && at(2.0) > at(9.0), "{}", USUAL[index].aspect);
            }
        }
    }

    fn photo() -> Photo {
        Photo::from_fn(20, 20, |x, y| [(x * 9) as u8, (y * 9) as u8, 90]).expect("a photo")
    }
}
