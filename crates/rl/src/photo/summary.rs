//! What became of photos whose originals are known, and the figures of a set of them.

use dodge_imaging::{PSNR_CAP_DB, Photo, Recipe, mean_delta_e_2000, psnr_db, ssim};
use dodge_juror::Juror;
use dodge_preprocess::Context;
use rayon::prelude::*;
use serde::Serialize;

use crate::error::Error;
use crate::photo::frontier::NOTICED_DB;
use crate::photo::test_photo::TestPhoto;

/// What became of one photo.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// What was done.
    pub recipe: Recipe,
    /// The result, of the size of the test photo.
    pub result: Photo,
    /// The juror's score of the result.
    pub final_score: f64,
    /// PSNR of the damaged photo to the original, in decibels.
    pub psnr_degraded_db: f64,
    /// PSNR of the result to the original, in decibels.
    pub psnr_final_db: f64,
    /// What the agent expected of its edits, or would have expected, in decibels; none where it expects nothing of that kind.
    pub expected_gain_db: Option<f32>,
    /// How like the original the photo is before and after, where that was measured ([`measure_likeness`]).
    pub likeness: Option<[Likeness; 2]>,
}

/// How like another a photo is, beside its PSNR.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Likeness {
    /// Structural similarity of luma: 1 for equal photos.
    pub ssim: f64,
    /// Mean colour difference by CIEDE2000: 0 for equal photos, about 1 is just noticeable.
    pub delta_e: f64,
}

impl Likeness {
    fn of(photo: &Photo, original: &Photo) -> Result<Self, Error> {
        if photo == original {
            return Ok(Self { ssim: 1.0, delta_e: 0.0 });
        }
        Ok(Self { ssim: ssim(original, photo)?, delta_e: mean_delta_e_2000(original, photo)? })
    }
}

impl Outcome {
    /// Of a photo that nothing was done to, whose PSNR to the original is this.
    pub(crate) fn untouched(photo: &TestPhoto, psnr_db: f64) -> Self {
        Self {
            recipe: Recipe::default(),
            result: photo.degraded.clone(),
            final_score: photo.degraded_score,
            psnr_degraded_db: psnr_db,
            psnr_final_db: psnr_db,
            expected_gain_db: None,
            likeness: None,
        }
    }
}

/// The figures of a set of photos. Shares and means are over the damaged photos, except in `undamaged`. Of pairs, *original* is
/// the *after*, *degraded* the *before*, and *undamaged* are those that were not edited.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Summary {
    /// Damaged photos.
    pub photos: usize,
    /// Mean score of the originals.
    pub mean_original_score: f64,
    /// Mean score before.
    pub mean_degraded_score: f64,
    /// Mean score after.
    pub mean_final_score: f64,
    /// Σ(final − degraded) / Σ(original − degraded) of the scores: 1 is as good as the originals.
    pub recovered: f64,
    /// Share whose final score reaches the original's.
    pub success_rate: f64,
    /// Mean PSNR to the original before, in decibels.
    pub mean_psnr_degraded_db: f64,
    /// Mean PSNR to the original after, in decibels.
    pub mean_psnr_final_db: f64,
    /// Mean SSIM to the original before; none where it was not measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mean_ssim_degraded: Option<f64>,
    /// Mean SSIM to the original after.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mean_ssim_final: Option<f64>,
    /// Mean colour difference (CIEDE2000) from the original before; none where it was not measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mean_delta_e_degraded: Option<f64>,
    /// Mean colour difference from the original after.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mean_delta_e_final: Option<f64>,
    /// Share whose PSNR rose by more than 0.1 dB.
    pub improved: f64,
    /// Share whose PSNR fell by more than 0.1 dB.
    pub worsened: f64,
    /// Mean number of edits.
    pub mean_steps: f64,
    /// The photos that were not damaged.
    pub undamaged: UndamagedSummary,
}

/// The figures of the undamaged photos.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct UndamagedSummary {
    /// Undamaged photos.
    pub photos: usize,
    /// Mean PSNR of the result to the photo itself; 60 dB is unchanged.
    pub mean_psnr_db: f64,
    /// Share that was left exactly as it was.
    pub left_alone: f64,
}

/// Applies recipes to test photos and scores the results.
///
/// # Errors
/// [`Error::Interrupted`], or an error of the juror.
pub fn outcomes(
    photos: &[TestPhoto],
    recipes: Vec<Recipe>,
    juror: &dyn Juror,
    context: &Context,
) -> Result<Vec<Outcome>, Error> {
    photos
        .par_iter()
        .zip(recipes)
        .map(|(photo, recipe)| {
            context.check_interrupted()?;
            let result = recipe.apply(&photo.degraded);
            Ok(Outcome {
                final_score: if recipe.operations().is_empty() {
                    photo.degraded_score
                } else {
                    juror.score_one(&result)?
                },
                psnr_degraded_db: psnr_db(&photo.original, &photo.degraded)?,
                psnr_final_db: psnr_db(&photo.original, &result)?,
                expected_gain_db: None,
                likeness: None,
                recipe,
                result,
            })
        })
        .collect()
}

/// Measures how like their originals photos are before and after.
///
/// # Errors
/// [`Error::Interrupted`].
pub fn measure_likeness(photos: &[TestPhoto], outcomes: &mut [Outcome], context: &Context) -> Result<(), Error> {
    photos.par_iter().zip(outcomes).try_for_each(|(photo, outcome)| {
        context.check_interrupted()?;
        let before = Likeness::of(&photo.degraded, &photo.original)?;
        let is_untouched = outcome.result == photo.degraded;
        let after = if is_untouched { before } else { Likeness::of(&outcome.result, &photo.original)? };
        outcome.likeness = Some([before, after]);
        Ok(())
    })
}

/// Sums outcomes up.
#[must_use]
pub fn summarize(photos: &[TestPhoto], outcomes: &[Outcome]) -> Summary {
    let of = |damaged: bool| -> Vec<(&TestPhoto, &Outcome)> {
        photos.iter().zip(outcomes).filter(|(photo, _)| photo.damaged == damaged).collect()
    };
    let (damaged, undamaged) = (of(true), of(false));
    let mean = |pairs: &[(&TestPhoto, &Outcome)], value: &dyn Fn(&TestPhoto, &Outcome) -> f64| {
        // Not `sum`, which is -0 for nothing.
        let total = pairs.iter().fold(0.0, |total, (photo, outcome)| total + value(photo, outcome));
        total / pairs.len().max(1) as f64
    };
    let share = |condition: bool| f64::from(u8::from(condition));
    let mean_likeness = |value: &dyn Fn([Likeness; 2]) -> f64| -> Option<f64> {
        let of_damaged: Option<Vec<f64>> = damaged.iter().map(|(_, outcome)| outcome.likeness.map(value)).collect();
        let of_damaged = of_damaged.filter(|values| !values.is_empty())?;
        Some(of_damaged.iter().sum::<f64>() / of_damaged.len() as f64)
    };
    let (original, degraded, last) = (
        mean(&damaged, &|p, _| p.original_score),
        mean(&damaged, &|p, _| p.degraded_score),
        mean(&damaged, &|_, o| o.final_score),
    );
    Summary {
        photos: damaged.len(),
        mean_original_score: original,
        mean_degraded_score: degraded,
        mean_final_score: last,
        // Adding 0 turns -0 into 0.
        recovered: if original == degraded { 0.0 } else { (last - degraded) / (original - degraded) + 0.0 },
        success_rate: mean(&damaged, &|p, o| share(o.final_score >= p.original_score)),
        mean_psnr_degraded_db: mean(&damaged, &|_, o| o.psnr_degraded_db),
        mean_psnr_final_db: mean(&damaged, &|_, o| o.psnr_final_db),
        mean_ssim_degraded: mean_likeness(&|[before, _]| before.ssim),
        mean_ssim_final: mean_likeness(&|[_, after]| after.ssim),
        mean_delta_e_degraded: mean_likeness(&|[before, _]| before.delta_e),
        mean_delta_e_final: mean_likeness(&|[_, after]| after.delta_e),
        improved: mean(&damaged, &|_, o| share(o.psnr_final_db > o.psnr_degraded_db + NOTICED_DB)),
        worsened: mean(&damaged, &|_, o| share(o.psnr_final_db < o.psnr_degraded_db - NOTICED_DB)),
        mean_steps: mean(&damaged, &|_, o| o.recipe.operations().len() as f64),
        undamaged: UndamagedSummary {
            photos: undamaged.len(),
            mean_psnr_db: mean(&undamaged, &|_, o| o.psnr_final_db),
            left_alone: mean(&undamaged, &|_, o| share(o.psnr_final_db >= PSNR_CAP_DB)),
        },
    }
}
#[cfg(test)]
mod tests {
    use super::*;

    fn photo(value: u8) -> Photo {
        Photo::from_fn(4, 4, |_, _| [value; 3]).unwrap()
    }

    fn pair(damaged: bool, scores: [f64; 3], values: [u8; 3]) -> (TestPhoto, Outcome) {
        let [original, degraded, result] = values.map(photo);
        let psnr = |other: &Photo| psnr_db(&original, other).unwrap();
        let outcome = Outcome {
            recipe: Recipe::new(vec!["lightness:10".parse().unwrap(); 2]),
            final_score: scores[2],
            psnr_degraded_db: psnr(&degraded),
            psnr_final_db: psnr(&result),
            expected_gain_db: None,
            likeness: None,
            result,
        };
        let test = TestPhoto {
            name: String::new(),
            original,
            degraded,
            damaged,
            original_score: scores[0],
            degraded_score: scores[1],
        };
        (test, outcome)
    }

    #[test]
    fn a_summary_by_hand() {
        let (photos, outcomes): (Vec<_>, Vec<_>) = [
            // Restored fully, score above the original's.
            pair(true, [7.0, 5.0, 7.5], [100, 120, 100]),
            // Left as it was.
            pair(true, [6.0, 4.0, 4.0], [100, 120, 120]),
            // Made worse.
            pair(true, [5.0, 5.5, 5.0], [100, 110, 130]),
            pair(false, [6.0, 6.0, 6.0], [100, 100, 100]),
            pair(false, [6.0, 6.0, 5.0], [100, 100, 110]),
        ]
        .into_iter()
        .unzip();
        let summary = summarize(&photos, &outcomes);
        assert_eq!(summary.photos, 3);
        // (2.5 + 0 - 0.5) / (2 + 2 - 0.5).
        assert!((summary.recovered - 2.0 / 3.5).abs() < 1e-12);
        assert!((summary.success_rate - 2.0 / 3.0).abs() < 1e-12, "the third reaches its original's score");
        assert!((summary.improved - 1.0 / 3.0).abs() < 1e-12);
        assert!((summary.worsened - 1.0 / 3.0).abs() < 1e-12);
        assert_eq!(summary.mean_steps, 2.0);
        assert_eq!(summary.undamaged.photos, 2);
        assert_eq!(summary.undamaged.left_alone, 0.5);
        let changed = psnr_db(&photo(100), &photo(110)).unwrap();
        assert!((summary.undamaged.mean_psnr_db - (60.0 + changed) / 2.0).abs() < 1e-12);
    }

    #[test]
    fn nothing_to_sum_up_is_zero_and_not_nan() {
        assert_eq!(summarize(&[], &[]), Summary::default());
    }
}
