//! What the agent is paid for.

use std::fmt;

use dodge_hparams::{Choice, HParams};

/// What the agent is paid for.
#[derive(Debug, Clone, Copy, PartialEq, HParams)]
#[hparams(section = "reward")]
pub struct RewardParams {
    /// What is paid and when. Only `fidelity` looks at the original; the others pay for the juror's score alone, which is
    /// gamed the more, the longer the training.
    #[hparam(default = RewardStrategy::Fidelity)]
    pub strategy: RewardStrategy,
    /// Reward per decrease of the logarithm of the distance to the original, which is the root mean squared error (full
    /// range = 1) plus `error_floor`; 1 stands for 8.7 dB of PSNR. It should lead: a juror's score alone is gamed. Only
    /// for the strategy `fidelity`.
    #[hparam(default = 1.8, range = 0.0..=1000.0)]
    pub fidelity: f64,
    /// Error that hardly matters any more. A smaller one makes it dearer to touch a good photo and pays more for the last
    /// corrections, a larger one pays more for the first.
    #[hparam(default = 0.02, range = 0.0001..=1.0)]
    pub error_floor: f64,
    /// Reward per point of score gained, for the strategy `fidelity`; the others count a point as 1.
    #[hparam(default = 0.05, range = 0.0..=100.0)]
    pub score: f64,
    /// Cost of every edit, so that useless ones are not worth it. The strategies `score-difference` and
    /// `clipped-difference` have none.
    #[hparam(default = 0.02, range = 0.0..=10.0)]
    pub edit_cost: f64,
    /// What is paid on top when an episode ends with a score strictly above that of the photo it began with: never for
    /// stopping at once.
    #[hparam(default = Bonus::None)]
    pub bonus: Bonus,
    /// How much the bonus is.
    #[hparam(default = 1.0, range = 0.0..=1000.0)]
    pub bonus_size: f64,
}

/// What is paid and when. The last allowed edit is paid as an edit and as stopping after it. The scores, 0 to 10: `s0` of the photo that the episode began with, `s` before an edit, `s'` after
/// it or at the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Choice)]
pub enum RewardStrategy {
    /// An edit pays `fidelity` x ln((e + `error_floor`) / (e' + `error_floor`)) + `score` x (s' - s) - `edit_cost`, where e
    /// and e' are the errors before and after it; stopping pays nothing.
    Fidelity,
    /// An edit pays s' - s; stopping pays nothing. Without a cost of edits, whatever `edit_cost` says.
    ScoreDifference,
    /// As `score-difference`, but no less than -0.5 and no more than 0.5. A larger loss is forgiven in part, so that to lose
    /// at once and win back slowly pays.
    ClippedDifference,
    /// An edit pays s' - s - `edit_cost`; stopping pays nothing.
    StepPenalized,
    /// An edit pays -`edit_cost`; stopping pays s' - s0.
    StopOnlyPlain,
    /// An edit pays -`edit_cost`; stopping pays s'^2 - s0^2: a point counts the more, the higher it is.
    StopOnlyQuadratic,
}

/// What is paid on top for a gain of score.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Choice)]
pub enum Bonus {
    /// Nothing.
    None,
    /// `bonus_size`.
    Fixed,
    /// `bonus_size` x (0.5 + 1 / (1 + e^(5 - s0))), where s0 is the score that the episode began with: more for photos
    /// that were good already.
    Sigmoid,
}

/// How a photo stands at some moment of an episode.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Standing {
    /// Root mean squared error to the original, 0 to 1.
    pub error: f64,
    /// The juror's score; 0 where nobody asks for it.
    pub score: f64,
}

/// What an agent is paid for. Open for implementation: [`PhotoTrainer::with_reward`](crate::PhotoTrainer::with_reward) takes
/// another than the [`RewardParams`] that the program uses. Rewards are finite.
pub trait Reward: fmt::Debug + Send + Sync {
    /// What a change of the photo is worth, its cost left aside.
    fn of_change(&self, before: Standing, after: Standing) -> f64;

    /// What an edit costs, at least 0.
    fn cost_of_edit(&self) -> f64 {
        0.0
    }

    /// What is paid on top when an episode ends that began as `first` and has come to `last`.
    fn of_end(&self, first: Standing, last: Standing) -> f64 {
        let _ = (first, last);
        0.0
    }

    /// Whether a photo that stands like `one` is better than `other`.
    fn is_better(&self, one: Standing, other: Standing) -> bool {
        self.of_change(other, one) > 0.0
    }

    /// Whether any of this depends on the score: a juror that nobody listens to is not asked.
    fn needs_score(&self) -> bool {
        true
    }
}

/// Largest reward of an edit by [`RewardStrategy::ClippedDifference`].
const CLIPPED: f64 = 0.5;

impl RewardParams {
    /// Fidelity alone, for what is learnt without a juror.
    #[must_use]
    pub fn of_fidelity() -> Self {
        Self { score: 0.0, ..Self::default() }
    }
}

impl Reward for RewardParams {
    fn needs_score(&self) -> bool {
        self.strategy != RewardStrategy::Fidelity || self.score != 0.0 || self.bonus != Bonus::None
    }

    fn of_change(&self, before: Standing, after: Standing) -> f64 {
        let gain = after.score - before.score;
        match self.strategy {
            RewardStrategy::Fidelity => {
                let nearer = ((before.error + self.error_floor) / (after.error + self.error_floor)).ln();
                self.fidelity * nearer + self.score * gain
            }
            RewardStrategy::ScoreDifference | RewardStrategy::StepPenalized => gain,
            RewardStrategy::ClippedDifference => gain.clamp(-CLIPPED, CLIPPED),
            RewardStrategy::StopOnlyPlain | RewardStrategy::StopOnlyQuadratic => 0.0,
        }
    }

    fn cost_of_edit(&self) -> f64 {
        match self.strategy {
            RewardStrategy::ScoreDifference | RewardStrategy::ClippedDifference => 0.0,
            RewardStrategy::Fidelity
            | RewardStrategy::StepPenalized
            | RewardStrategy::StopOnlyPlain
            | RewardStrategy::StopOnlyQuadratic => self.edit_cost,
        }
    }

    fn of_end(&self, first: Standing, last: Standing) -> f64 {
        let result = match self.strategy {
            RewardStrategy::StopOnlyPlain => last.score - first.score,
            RewardStrategy::StopOnlyQuadratic => last.score.powi(2) - first.score.powi(2),
            RewardStrategy::Fidelity
            | RewardStrategy::ScoreDifference
            | RewardStrategy::ClippedDifference
            | RewardStrategy::StepPenalized => 0.0,
        };
        let share = match self.bonus {
            Bonus::None => 0.0,
            Bonus::Fixed => 1.0,
            Bonus::Sigmoid => 0.5 + 1.0 / (1.0 + (5.0 - first.score).exp()),
        };
        if last.score > first.score { result + self.bonus_size * share } else { result }
    }

    fn is_better(&self, one: Standing, other: Standing) -> bool {
        match self.strategy {
            RewardStrategy::Fidelity => one.error < other.error,
            _ => one.score > other.score,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [RewardStrategy; 6] = [
        RewardStrategy::Fidelity,
        RewardStrategy::ScoreDifference,
        RewardStrategy::ClippedDifference,
        RewardStrategy::StepPenalized,
        RewardStrategy::StopOnlyPlain,
        RewardStrategy::StopOnlyQuadratic,
    ];
    const BONUSES: [Bonus; 3] = [Bonus::None, Bonus::Fixed, Bonus::Sigmoid];

    fn standing(error: f64, score: f64) -> Standing {
        Standing { error, score }
    }

    fn params(strategy: RewardStrategy, bonus: Bonus) -> RewardParams {
        RewardParams { strategy, bonus, edit_cost: 0.03, bonus_size: 2.0, ..RewardParams::default() }
    }

    /// What one edit from `first` to `last` and a stop pay together.
    fn episode(params: RewardParams, first: Standing, last: Standing) -> f64 {
        params.of_change(first, last) - params.cost_of_edit() + params.of_end(first, last)
    }

    #[track_caller]
    fn check(strategy: RewardStrategy, edit: f64, end: f64) {
        let (first, last) = (standing(0.10, 4.0), standing(0.04, 4.7));
        let params = params(strategy, Bonus::None);
        let of_edit = params.of_change(first, last) - params.cost_of_edit();
        assert!((of_edit - edit).abs() < 1e-12, "{strategy:?}: {of_edit} instead of {edit}");
        let of_end = params.of_end(first, last);
        assert!((of_end - end).abs() < 1e-12, "{strategy:?}: {of_end} instead of {end}");
    }

    #[test]
    fn rewards_by_hand() {
        // 0.12 / 0.06 = 2.
        check(RewardStrategy::Fidelity, 1.8 * 2.0_f64.ln() + 0.05 * 0.7 - 0.03, 0.0);
        check(RewardStrategy::ScoreDifference, 0.7, 0.0);
        check(RewardStrategy::ClippedDifference, 0.5, 0.0);
        check(RewardStrategy::StepPenalized, 0.67, 0.0);
        check(RewardStrategy::StopOnlyPlain, -0.03, 0.7);
        // 22.09 - 16.
        check(RewardStrategy::StopOnlyQuadratic, -0.03, 6.09);
    }

    #[test]
    fn small_differences_are_not_clipped_and_large_losses_are() {
        let params = params(RewardStrategy::ClippedDifference, Bonus::None);
        let of = |after: f64| params.of_change(standing(0.1, 4.0), standing(0.1, after));
        assert_eq!((of(4.25), of(3.75), of(1.0)), (0.25, -0.25, -0.5));
    }

    #[test]
    fn bonuses_by_hand() {
        let end = |bonus, first: f64, last: f64| {
            params(RewardStrategy::Fidelity, bonus).of_end(standing(0.1, first), standing(0.1, last))
        };
        assert_eq!(end(Bonus::Fixed, 4.0, 4.1), 2.0);
        assert_eq!(end(Bonus::Fixed, 4.0, 4.0), 0.0, "no gain");
        assert_eq!(end(Bonus::Fixed, 4.0, 3.9), 0.0);
        assert_eq!(end(Bonus::None, 4.0, 9.0), 0.0);
        // Half, and half of the curve.
        assert_eq!(end(Bonus::Sigmoid, 5.0, 5.1), 2.0);
        assert!((end(Bonus::Sigmoid, 7.0, 7.1) - 2.0 * (0.5 + 0.880_797_077_977_882_4)).abs() < 1e-12);
        assert!((end(Bonus::Sigmoid, 0.0, 1.0) - 2.0 * (0.5 + 0.006_692_850_924_284_856)).abs() < 1e-12);
        assert_eq!(end(Bonus::Sigmoid, 7.0, 7.0), 0.0);
    }

    #[test]
    fn an_immediate_stop_pays_nothing() {
        for strategy in ALL {
            for bonus in BONUSES {
                let start = standing(0.1, 6.3);
                assert_eq!(params(strategy, bonus).of_end(start, start), 0.0, "{strategy:?} {bonus:?}");
            }
        }
    }

    #[test]
    fn a_better_end_never_pays_less() {
        // From ruined to perfect in the eyes of juror and original alike.
        let ends: Vec<Standing> = (0..=40).map(|i| standing(0.4 - 0.01 * f64::from(i), 0.25 * f64::from(i))).collect();
        for strategy in ALL {
            for bonus in BONUSES {
                let paid = |last: Standing| episode(params(strategy, bonus), standing(0.2, 5.0), last);
                assert!(ends.windows(2).all(|pair| paid(pair[1]) >= paid(pair[0])), "{strategy:?} {bonus:?}");
                let (worse, same, better) = (paid(ends[19]), paid(ends[20]), paid(ends[21]));
                assert!(worse < same && same < better, "{strategy:?} {bonus:?}: {worse} {same} {better}");
            }
        }
    }

    #[test]
    fn a_juror_is_needed_where_a_score_counts() {
        for strategy in ALL {
            for bonus in BONUSES {
                let unweighted = RewardParams { score: 0.0, ..params(strategy, bonus) };
                let unneeded = strategy == RewardStrategy::Fidelity && bonus == Bonus::None;
                assert_eq!(unweighted.needs_score(), !unneeded, "{strategy:?} {bonus:?}");
            }
        }
        assert!(RewardParams::default().needs_score());
    }
}
