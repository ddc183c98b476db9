//! The classical juror: measured statistics, each held against what is usual in photographs.

mod measure;

use dodge_imaging::{LabConverter, Photo};
use rayon::prelude::*;

use crate::error::Error;
use crate::judge::{BEST_SCORE, Juror};

pub use measure::Measurements;

/// Scores a photo by nine *sub-scores*, each 1 where the photo is as photographs usually are and falling towards 0 with
/// the distance from it.
///
/// A sub-score is `1 / (1 + z²)` of a distance `z` in units of the usual spread, and the score is ten times their
/// weighted geometric mean. So there is a best amount of everything: no edit can be piled up for ever, because beyond
/// the usual each measure falls again, and one ruined aspect cannot be paid for with the others.
///
/// Centres, spreads and weights were set from the 400 photographs of BSDS500 (scaled to 384 pixels, undamaged against
/// damaged; centres near the medians, weights near those of a logistic ranker on pairs, rounded). As any formula over
/// global statistics it knows nothing of content, and a picture that is unusual on purpose is scored low.
#[derive(Debug, Clone, Default)]
pub struct ClassicalJuror {
    lab: LabConverter,
}

/// The parts of a classical score, each from 0 (ruined) to 1 (as usual).
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct SubScores {
    /// Mean luma.
    pub exposure: f64,
    /// Spread of luma (RMS contrast, Peli 1990).
    pub contrast: f64,
    /// Whether the tones reach near-black and near-white.
    pub tonal_range: f64,
    /// Where the median lies between black and white point.
    pub midtones: f64,
    /// Few values at the ends of the range.
    pub clipping: f64,
    /// Colourfulness (Hasler and Süsstrunk 2003).
    pub colourfulness: f64,
    /// Nearly neutral pixels are neutral (grey-edge and grey-world reasoning; Buchsbaum 1980).
    pub colour_cast: f64,
    /// Fine against coarse detail: neither blurred nor over-sharpened (spectrum of natural images, Field 1987).
    pub sharpness: f64,
    /// Little noise in the quietest areas (Immerkær 1996).
    pub noise: f64,
}

impl SubScores {
    /// Judges measurements.
    #[must_use]
    pub fn of(m: &Measurements) -> Self {
        let kept = |squared_distance: f64| 1.0 / (1.0 + squared_distance);
        let square = |z: f64| z * z;
        // Ratios are compared by their logarithm: twice as much is as far as half as much.
        let ratio = |value: f64, usual: f64, spread: f64| square((value / usual).ln() / spread);
        Self {
            exposure: kept(square((m.mean_luma - 0.43) / 0.13)),
            contrast: kept(ratio(m.luma_deviation.max(0.001), 0.20, 0.33)),
            tonal_range: kept(
                square((m.black_point - 0.04).max(0.0) / 0.06) + square((0.88 - m.white_point).max(0.0) / 0.10),
            ),
            midtones: kept(square((m.relative_median - 0.42) / 0.17)),
            clipping: kept(square(m.clipped / 0.05)),
            // The 4 keeps greyscale at a finite distance.
            colourfulness: kept(ratio(m.colourfulness + 4.0, 36.0, 0.55)),
            // Usual light is a little warm: the centre is not exactly neutral.
            colour_cast: kept(square((m.neutral_a + 1.0) / 5.0) + square((m.neutral_b - 3.0) / 7.0)),
            sharpness: kept(ratio(m.fine_detail.max(0.05), 0.55, 0.25)),
            noise: kept(square(m.noise / 4.0)),
        }
    }

    /// The parts with their names, in the order of their declaration.
    #[must_use]
    pub fn named(&self) -> [(&'static str, f64); 9] {
        self.weighted().map(|(name, _, part)| (name, part))
    }

    /// The score: ten times the weighted geometric mean of the parts.
    #[must_use]
    pub fn score(&self) -> f64 {
        let logarithm: f64 = self.weighted().iter().map(|(_, weight, part)| weight * part.ln()).sum();
        BEST_SCORE * logarithm.exp()
    }

    /// Each part with its name and its weight in the geometric mean; the weights sum to 1. The parts are taken apart by
    /// name, so that none can be added without a weight of its own.
    fn weighted(&self) -> [(&'static str, f64, f64); 9] {
        let &Self { exposure, contrast, tonal_range, midtones, clipping, colourfulness, colour_cast, sharpness, noise } =
            self;
        [
            ("exposure", 0.06, exposure),
            ("contrast", 0.10, contrast),
            ("tonal range", 0.10, tonal_range),
            ("midtones", 0.12, midtones),
            ("clipping", 0.13, clipping),
            ("colourfulness", 0.15, colourfulness),
            ("colour cast", 0.10, colour_cast),
            ("sharpness", 0.18, sharpness),
            ("noise", 0.06, noise),
        ]
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
        "classical-1".to_owned()
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
    fn every_part_has_a_weight_and_they_sum_to_one() {
        let perfect = SubScores::of(&Measurements::of(
            &Photo::from_fn(20, 20, |x, y| [(x * 9) as u8, (y * 9) as u8, 90]).expect("a photo"),
            &LabConverter::default(),
        ));
        let weighted = perfect.weighted();
        assert!((weighted.iter().map(|(_, weight, _)| weight).sum::<f64>() - 1.0).abs() < 1e-12);
        // Ruining one part by half costs what its own weight says, and its name is its own.
        for (index, (name, weight, _)) in weighted.into_iter().enumerate() {
            let mut ruined = perfect;
            let part = match name {
                "exposure" => &mut ruined.exposure,
                "contrast" => &mut ruined.contrast,
                "tonal range" => &mut ruined.tonal_range,
                "midtones" => &mut ruined.midtones,
                "clipping" => &mut ruined.clipping,
                "colourfulness" => &mut ruined.colourfulness,
                "colour cast" => &mut ruined.colour_cast,
                "sharpness" => &mut ruined.sharpness,
                "noise" => &mut ruined.noise,
                other => panic!("nothing is called {other}"),
            };
            *part /= 2.0;
            assert!((ruined.score() / perfect.score() - 0.5_f64.powf(weight)).abs() < 1e-12, "{name}");
            assert_ne!(ruined.named()[index].1, perfect.named()[index].1, "{name}");
        }
    }
}
