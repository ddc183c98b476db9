//! How often a juror scores an original above a damaged copy of it.

use dodge_imaging::Photo;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::error::Error;
use crate::fault::{self, Fault};
use crate::judge::Juror;

/// Asks a juror, photo by photo, which one is the original: it or a copy with one of a fixed list of damages. The share of right
/// answers is its *pair accuracy*: one half is what tossing a coin gives.
///
/// The list: lightness ±40/255, contrast 0.6 and 1.5, saturation 0.4 and 1.8, warmth ±0.2, gamma 0.6 and 1.6 (exponents), blur of
/// 2 pixels, noise of 15 levels, JPEG of quality 10, and of what cameras do haze 0.2, white balance ±80 mireds, tint ±0.5 stops,
/// exposure ±1 stop, tone curves of the slopes 1.65 and 0.6, each with the meaning that `dodge-imaging` gives it; besides the
/// standard damage and the damage of cameras, which are drawn.
#[derive(Debug)]
pub struct PairCheck {
    faults: Vec<(&'static str, Fault)>,
    seed: u64,
}

/// By how much the score of one photo falls with each damage, in the order of the list.
#[derive(Debug, Clone, PartialEq)]
pub struct ScoreDrops(Vec<f64>);

/// What came of a check.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct CheckResult {
    /// Number of photos.
    pub photos: usize,
    /// Mean of the pair accuracies of all damages, 0 to 1.
    pub overall: f64,
    /// Each damage.
    pub by_damage: Vec<DamageCheck>,
}

/// What came of a check with one damage.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct DamageCheck {
    /// The damage with its strength.
    pub damage: &'static str,
    /// Share of the photos whose original scored higher, 0 to 1; equal scores are wrong answers.
    pub accuracy: f64,
    /// Mean drop of the score, original less damaged.
    pub mean_drop: f64,
}

impl PairCheck {
    /// The check whose drawn damages depend on `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { faults: fault::fixed(), seed }
    }

    /// The damages with their strengths, in the order of the list.
    #[must_use]
    pub fn names(&self) -> Vec<&'static str> {
        self.faults.iter().map(|&(name, _)| name).collect()
    }

    /// Asks about one photo; `number` tells the photos of a check apart, for what is drawn.
    ///
    /// # Errors
    /// As [`Juror::score_checked`].
    pub fn ask(&self, juror: &dyn Juror, photo: &Photo, number: u64) -> Result<ScoreDrops, Error> {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        rng.set_stream(number);
        let damaged: Vec<Photo> = self.faults.iter().map(|(_, fault)| fault.apply(photo, &mut rng)).collect();
        let asked: Vec<&Photo> = std::iter::once(photo).chain(&damaged).collect();
        let scores = juror.score_checked(&asked)?;
        Ok(ScoreDrops(scores[1..].iter().map(|score| scores[0] - score).collect()))
    }

    /// Sums the answers about all photos up; without any, nothing is right.
    #[must_use]
    pub fn result(&self, answers: &[ScoreDrops]) -> CheckResult {
        let count = answers.len().max(1) as f64;
        let of = |index: usize, damage: &'static str| DamageCheck {
            damage,
            accuracy: answers.iter().filter(|drops| drops.0[index] > 0.0).count() as f64 / count,
            mean_drop: answers.iter().map(|drops| drops.0[index]).sum::<f64>() / count,
        };
        let by_damage: Vec<_> = self.faults.iter().enumerate().map(|(index, &(damage, _))| of(index, damage)).collect();
        let overall = by_damage.iter().map(|it| it.accuracy).sum::<f64>() / by_damage.len() as f64;
        CheckResult { photos: answers.len(), overall, by_damage }
    }
}
