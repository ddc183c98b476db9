//! What a model's foretold gains are worth on photos that it did not learn from.

use serde::{Deserialize, Serialize};

/// Brings the gains that a network foretells to what comes of them on other photos: expected = slope × foretold + offset.
///
/// *Expected* is the mean gain of photos that need something, of which this much is foretold. A network knows the photos that it
/// learnt from and is too sure of others. Slope and offset are fitted on validation photos, by least squares; linear, because a
/// hundred photos tell no more (Platt 1999 does the same for probabilities), and the slope half-way to 1, because they do not even
/// tell that well.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Expectation {
    /// Decibels expected more for each decibel foretold.
    pub slope: f32,
    /// Decibels expected where none is foretold.
    pub offset_db: f32,
}

/// Gains and losses beyond it are all alike, in decibels: no few photos decide the line.
const FURTHEST_DB: f32 = 15.0;

/// Fewer photos say nothing.
const FEWEST: usize = 10;

impl Expectation {
    /// Takes what is foretold as it is.
    pub const AS_FORETOLD: Self = Self { slope: 1.0, offset_db: 0.0 };

    /// Fitted to what was foretold and what came, in decibels, of each photo that would be touched. As it is where these are too few.
    #[must_use]
    pub fn fitted(foretold_and_gained: &[(f32, f32)]) -> Self {
        if foretold_and_gained.len() < FEWEST {
            return Self::AS_FORETOLD;
        }
        let pairs = || {
            let clipped = |(foretold, gained): &(f32, f32)| {
                (f64::from(*foretold), f64::from(gained.clamp(-FURTHEST_DB, FURTHEST_DB)))
            };
            foretold_and_gained.iter().map(clipped)
        };
        let count = foretold_and_gained.len() as f64;
        let (sum_x, sum_y) = pairs().fold((0.0, 0.0), |(x, y), pair| (x + pair.0, y + pair.1));
        let (mean_x, mean_y) = (sum_x / count, sum_y / count);
        let (spread, together) = pairs().fold((0.0, 0.0), |(spread, together), (x, y)| {
            (spread + (x - mean_x).powi(2), together + (x - mean_x) * (y - mean_y))
        });
        let found = together / spread;
        if !found.is_finite() {
            return Self::AS_FORETOLD;
        }
        let slope = f32::midpoint(found.max(0.0) as f32, 1.0);
        Self { slope, offset_db: (mean_y - f64::from(slope) * mean_x) as f32 }
    }

    /// What to expect where the network foretells neither gain nor loss: nobody acts on less.
    #[must_use]
    pub fn boldest_db(self) -> f32 {
        self.of(0.0)
    }

    /// What to expect, in decibels, where this much is foretold.
    #[must_use]
    pub fn of(self, foretold_db: f32) -> f32 {
        self.slope * foretold_db + self.offset_db
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_found() {
        let pairs: Vec<(f32, f32)> =
            (0..20).map(|index| (index as f32 / 2.0, 0.5 * index as f32 / 2.0 - 1.0)).collect();
        let expectation = Expectation::fitted(&pairs);
        assert!((expectation.slope - 0.75).abs() < 1e-5, "half-way from 1 to 0.5: {expectation:?}");
        // The mean of what was foretold is 4.75, of what came 1.375.
        assert!((expectation.of(4.75) - 1.375).abs() < 1e-5 && (expectation.boldest_db() + 2.1875).abs() < 1e-5);
    }

    #[test]
    fn a_single_disaster_does_not_decide() {
        let gained = |index: u16| if index == 19 { -200.0 } else { f32::from(index) / 4.0 };
        let pairs: Vec<(f32, f32)> = (0..20).map(|index| (f32::from(index) / 4.0, gained(index))).collect();
        let bounded: Vec<(f32, f32)> = pairs.iter().map(|&(foretold, gained)| (foretold, gained.max(-15.0))).collect();
        assert_eq!(Expectation::fitted(&pairs), Expectation::fitted(&bounded));
    }

    #[test]
    fn what_says_nothing_changes_nothing() {
        let few = [(1.0, 0.5); 9];
        let equal = [(1.0, 0.5); 30];
        for pairs in [&few[..], &equal, &[]] {
            assert_eq!(Expectation::fitted(pairs), Expectation::AS_FORETOLD);
        }
        let falling: Vec<(f32, f32)> = (0..30_u8).map(|index| (f32::from(index), -f32::from(index))).collect();
        assert_eq!(Expectation::fitted(&falling).slope, 0.5, "the order of photos stays");
    }
}
