//! How far a juror can be talked into liking a photo: what a learner that is paid by it alone would find.

use dodge_imaging::{Operation, OperationKind, Photo, mean_delta_e_2000};
use rayon::prelude::*;

use crate::error::Error;
use crate::judge::Juror;

/// Edits after which a climb ends.
const MOST_EDITS: usize = 20;

/// How far the edits to choose from go, as shares of the way from doing nothing to the end of their range: a touch, plain to see, strong.
const SHARES: [f32; 3] = [0.01, 0.05, 0.25];

/// Edits that have a word in place of a strength, one of each kind that leaves every pixel where it is (or moves a channel against the others).
const BY_WORD: &str = "invert:rgb channels:bgr greyscale:luminosity shift:left-r";

/// Climbs the scores of a juror: from a good photo on, the one edit that gains most of all operations in three strengths each, again and
/// again, until nothing gains or twenty were made. Edits that change the size are left out.
///
/// A juror that is no more than its own taste can be followed to gain little, and what comes of it is still the same photo.
#[derive(Debug, Clone)]
pub struct Climb {
    choices: Vec<Operation>,
}

/// Where a climb led.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Climbed {
    /// The edits, in their order.
    pub edits: Vec<Operation>,
    /// By how much the score rose, 0 or more.
    pub gain: f64,
    /// Mean CIEDE2000 difference of the result from the photo: about 1 is just noticeable, 5 plain to see.
    pub colour_difference: f64,
}

impl Climb {
    /// Over all operations.
    #[must_use]
    pub fn new() -> Self {
        let choices = OperationKind::ALL.iter().filter(|kind| !kind.changes_size()).flat_map(|&kind| strengths(kind));
        let by_word = BY_WORD.split_whitespace().map(|text| text.parse().expect("the list holds operations"));
        Self { choices: choices.chain(by_word).collect() }
    }

    /// The edits to choose from.
    #[must_use]
    pub fn choices(&self) -> &[Operation] {
        &self.choices
    }

    /// Climbs from a photo on.
    ///
    /// # Errors
    /// As [`Juror::score_checked`].
    pub fn from(&self, juror: &dyn Juror, photo: &Photo) -> Result<Climbed, Error> {
        let start = juror.score_checked(&[photo])?[0];
        let (mut current, mut score, mut edits) = (photo.clone(), start, Vec::new());
        while edits.len() < MOST_EDITS {
            let edited: Vec<Photo> = self.choices.par_iter().map(|edit| edit.apply(&current)).collect();
            let scores = juror.score_checked(&edited.iter().collect::<Vec<_>>())?;
            let best = scores.iter().enumerate().max_by(|one, other| one.1.total_cmp(other.1));
            let Some((index, &reached)) = best.filter(|&(_, &reached)| reached > score) else { break };
            edits.push(self.choices[index]);
            score = reached;
            current = edited.into_iter().nth(index).unwrap_or(current);
        }
        let colour_difference = mean_delta_e_2000(photo, &current).expect("no edit changes the size");
        Ok(Climbed { edits, gain: score - start, colour_difference })
    }
}

impl Default for Climb {
    fn default() -> Self {
        Self::new()
    }
}

/// A kind in several strengths to either side of doing nothing; none where it has a word.
fn strengths(kind: OperationKind) -> Vec<Operation> {
    let (low, neutral, high) = kind.range();
    let ends = [low, high].into_iter().filter(|&end| end != neutral);
    let strengths = ends.flat_map(|end| SHARES.map(|share| neutral + share * (end - neutral)));
    strengths.filter_map(|strength| Operation::new(kind, strength).ok()).collect()
}
