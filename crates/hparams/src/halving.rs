//! Successive halving: most trials end early.

/// Which trials of a search go on to their end.
///
/// A trial is looked at when a share of its steps is done, 1/N, 1/N² and so on, and goes on if it is among the best N-th of those that were
/// looked at there so far (Li et al. 2020, *A System for Massively Parallel Hyperparameter Tuning*). One trial after the other is looked at, so
/// that the first always goes on.
///
/// ```
/// use dodge_hparams::Halving;
///
/// let halving = Halving::new(3).unwrap();
/// assert_eq!(halving.rungs(90_000, 10_000), [10_000, 30_000]);
/// assert!(halving.goes_on(2.5, &[1.0, 2.0, 3.0]), "second of four");
/// assert!(!halving.goes_on(1.5, &[1.0, 2.0, 3.0]));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Halving {
    reduction: u64,
}

impl Halving {
    /// One of `reduction` trials goes on at each rung, rounded up; none for less than 2.
    #[must_use]
    pub fn new(reduction: u64) -> Option<Self> {
        (reduction >= 2).then_some(Self { reduction })
    }

    /// After how many steps trials of `total` steps are looked at, ascending, none before `least`: earlier there is nothing to go by.
    #[must_use]
    pub fn rungs(self, total: u64, least: u64) -> Vec<u64> {
        let next = |rung: &u64| Some(rung / self.reduction).filter(|rung| *rung >= least.max(1));
        let mut rungs: Vec<u64> = std::iter::successors(next(&total), next).collect();
        rungs.reverse();
        rungs
    }

    /// Whether a trial with this `score` goes on at a rung where `others` were looked at before it: the higher the better. One that
    /// is not a number never does.
    #[must_use]
    pub fn goes_on(self, score: f64, others: &[f64]) -> bool {
        let kept = (others.len() as u64 + 1).div_ceil(self.reduction);
        let better = others.iter().filter(|other| **other > score).count() as u64;
        !score.is_nan() && better < kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rungs_are_shares_of_the_steps() {
        let halving = Halving::new(3).unwrap();
        assert_eq!(halving.rungs(60_000, 13_652), [20_000]);
        assert_eq!(halving.rungs(300_000, 20_480), [33_333, 100_000]);
        assert!(halving.rungs(10, 20_480).is_empty() && halving.rungs(0, 0).is_empty());
        assert_eq!(Halving::new(2).unwrap().rungs(8, 0), [1, 2, 4]);
        assert_eq!(Halving::new(1), None);
    }

    #[test]
    fn the_first_goes_on_and_then_the_best_third() {
        let halving = Halving::new(3).unwrap();
        let (mut seen, mut went_on) = (Vec::new(), Vec::new());
        for score in [1.0, 0.5, 2.0, 1.5, f64::NAN, 3.0, 2.0] {
            if halving.goes_on(score, &seen) {
                went_on.push(score);
            }
            seen.push(score);
        }
        // Of four two go on, of seven three.
        assert_eq!(went_on, [1.0, 2.0, 1.5, 3.0, 2.0]);
        assert!(halving.goes_on(2.0, &[2.0, 2.0]), "none of equal ones is better");
    }
}
