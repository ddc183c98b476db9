//! Tests that are looked at one by one: what each edit did to the photo.

use dodge_imaging::{Photo, Recipe, psnr_db};
use dodge_juror::Juror;
use rayon::prelude::*;

use crate::error::Error;
use crate::photo::mosaic::chosen;
use crate::photo::summary::Outcome;
use crate::photo::test_photo::TestPhoto;

/// A test with what each edit of the agent did to it.
#[derive(Debug, Clone)]
pub struct Shown {
    /// Which test, counted from 0.
    pub test: usize,
    /// The photo after each edit, in order.
    pub edits: Vec<AfterEdit>,
}

/// A photo after one edit of several.
#[derive(Debug, Clone)]
pub struct AfterEdit {
    /// The photo, of the size of the test photo unless it was cropped.
    pub photo: Photo,
    /// The juror's score of it.
    pub score: f64,
    /// PSNR to the original in decibels; none where its size is another.
    pub psnr_db: Option<f64>,
}

impl Shown {
    /// Looks at the tests that [`mosaic`](crate::mosaic) draws in so many rows.
    ///
    /// # Errors
    /// An error of the juror.
    pub fn of_mosaic(
        photos: &[TestPhoto],
        outcomes: &[Outcome],
        rows: usize,
        juror: &dyn Juror,
    ) -> Result<Vec<Self>, Error> {
        let pairs: Vec<usize> = chosen(&photos[..photos.len().min(outcomes.len())], rows);
        pairs.into_par_iter().map(|test| Self::of(test, &photos[test], &outcomes[test], juror)).collect()
    }

    fn of(test: usize, photo: &TestPhoto, outcome: &Outcome, juror: &dyn Juror) -> Result<Self, Error> {
        let operations = outcome.recipe.operations();
        let after = |count: usize| -> Result<AfterEdit, Error> {
            if count == operations.len() {
                let (photo, score) = (outcome.result.clone(), outcome.final_score);
                return Ok(AfterEdit { photo, score, psnr_db: Some(outcome.psnr_final_db) });
            }
            // Not one edit on the rounded result of another: a recipe is computed as a whole.
            let begin = Recipe::new(operations[..count].to_vec());
            let begin = match outcome.recipe.longer_side() {
                Some(side) => begin.with_longer_side(side),
                None => begin,
            };
            let edited = begin.apply(&photo.degraded);
            let psnr_db = psnr_db(&photo.original, &edited).ok();
            Ok(AfterEdit { score: juror.score_one(&edited)?, psnr_db, photo: edited })
        };
        Ok(Self { test, edits: (1..=operations.len()).map(after).collect::<Result<_, _>>()? })
    }
}
