//! What a juror is.

use dodge_imaging::Photo;

use crate::error::Error;

/// Best score that a juror gives.
pub const BEST_SCORE: f64 = 10.0;

/// Scores photographs from 0 (worst) to 10 (best).
///
/// Open for implementation: a juror of one's own only needs [`Juror::score`]. Implementations are deterministic (equal
/// pixels, equal score) and take a photo of any size.
pub trait Juror: Send + Sync {
    /// Name and version, as recorded with a run; another name means that scores do not compare.
    fn name(&self) -> String;

    /// Names of the files that the juror was read from, each with its SHA-256 in hexadecimal digits; recorded with a run beside
    /// [`Juror::name`]. A juror that was not read from files has none.
    fn files(&self) -> Vec<(String, String)> {
        Vec::new()
    }

    /// One score from 0 to 10 for each photo, in order.
    ///
    /// # Errors
    /// [`Error`] when the juror cannot judge, for example because its service does not answer. No score is made up.
    fn score(&self, photos: &[&Photo]) -> Result<Vec<f64>, Error>;

    /// As [`Juror::score`], with a check of what a juror of someone else's answers: one finite score for each photo.
    ///
    /// # Errors
    /// As [`Juror::score`], and when the answer is not of that kind.
    fn score_checked(&self, photos: &[&Photo]) -> Result<Vec<f64>, Error> {
        let scores = self.score(photos)?;
        if scores.len() != photos.len() {
            return Err(Error::WrongCount { juror: self.name(), expected: photos.len(), got: scores.len() });
        }
        match scores.iter().find(|score| !score.is_finite()) {
            Some(score) => Err(Error::Unavailable { juror: self.name(), reason: format!("it answered {score}") }),
            None => Ok(scores),
        }
    }

    /// The score of a single photo.
    ///
    /// # Errors
    /// As [`Juror::score`].
    fn score_one(&self, photo: &Photo) -> Result<f64, Error> {
        Ok(self.score_checked(&[photo])?[0])
    }
}
