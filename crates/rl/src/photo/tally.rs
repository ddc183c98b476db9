//! What became of the photos while an agent learnt, for the record of the run.

use crate::photo::actions::ActionSet;
use crate::photo::reward::Standing;

/// Counts over the episodes and edits of one round.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Tally {
    episodes: u64,
    /// Episodes that ended with a better photo than they began with.
    successes: u64,
    /// Sums over the episodes of the scores that they began and ended with.
    first_scores: f64,
    last_scores: f64,
    /// How often each action was taken, and the sum of the changes of the score.
    uses: Vec<(u64, f64)>,
}

impl Tally {
    pub(crate) fn count_action(&mut self, action: usize, score_change: f64) {
        if self.uses.len() <= action {
            self.uses.resize(action + 1, (0, 0.0));
        }
        let (uses, change) = &mut self.uses[action];
        *uses += 1;
        *change += score_change;
    }

    pub(crate) fn count_episode(&mut self, first: Standing, last: Standing, is_success: bool) {
        self.episodes += 1;
        self.successes += u64::from(is_success);
        self.first_scores += first.score;
        self.last_scores += last.score;
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.episodes += other.episodes;
        self.successes += other.successes;
        self.first_scores += other.first_scores;
        self.last_scores += other.last_scores;
        self.uses.resize(self.uses.len().max(other.uses.len()), (0, 0.0));
        for ((uses, change), (more_uses, more_change)) in self.uses.iter_mut().zip(&other.uses) {
            *uses += more_uses;
            *change += more_change;
        }
    }

    /// The figures by their names in the tracked run; those of scores only where a juror `is_asked` for them.
    pub(crate) fn metrics(&self, actions: &ActionSet, is_asked: bool) -> Vec<(String, f64)> {
        let mut metrics = Vec::new();
        let episodes = self.episodes as f64;
        if self.episodes > 0 {
            metrics.push(("train/images_with_success".to_owned(), self.successes as f64));
            metrics.push(("train/success_rate".to_owned(), self.successes as f64 / episodes));
        }
        if self.episodes > 0 && is_asked {
            metrics.push(("train/mean_initial_score".to_owned(), self.first_scores / episodes));
            metrics.push(("train/mean_score".to_owned(), self.last_scores / episodes));
        }
        let total: u64 = self.uses.iter().map(|(uses, _)| uses).sum();
        metrics.push(("train_transformer_usage/total".to_owned(), total as f64));
        for (action, &(uses, change)) in self.uses.iter().enumerate() {
            // Windows' MLflow refuses colons in names, as they end up in paths.
            let label = actions.label(action).replace(':', "_");
            metrics.push((format!("train_transformer_usage/{label}"), uses as f64));
            if action != actions.stop() && uses > 0 && is_asked {
                metrics.push((format!("train_transformer_avg_score_delta/{label}"), change / uses as f64));
            }
        }
        metrics
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing(score: f64) -> Standing {
        Standing { error: 0.0, score }
    }

    fn tally() -> Tally {
        let mut tally = Tally::default();
        tally.count_action(0, 1.0);
        tally.count_action(0, -0.5);
        tally.count_action(2, 0.0);
        tally.count_episode(standing(4.0), standing(4.5), true);
        let mut other = Tally::default();
        other.count_action(1, 0.25);
        other.count_episode(standing(6.0), standing(5.5), false);
        tally.add(&other);
        tally
    }

    fn actions() -> ActionSet {
        ActionSet::parse(&["lightness:-10", "gamma:1.127"]).unwrap()
    }

    #[test]
    fn figures_by_hand() {
        let expected = [
            ("train/images_with_success", 1.0),
            ("train/success_rate", 0.5),
            ("train/mean_initial_score", 5.0),
            ("train/mean_score", 5.0),
            ("train_transformer_usage/total", 4.0),
            ("train_transformer_usage/lightness_-10", 2.0),
            ("train_transformer_avg_score_delta/lightness_-10", 0.25),
            ("train_transformer_usage/gamma_1.127", 1.0),
            ("train_transformer_avg_score_delta/gamma_1.127", 0.25),
            ("train_transformer_usage/stop", 1.0),
        ];
        assert_eq!(tally().metrics(&actions(), true), expected.map(|(name, value)| (name.to_owned(), value)));
    }

    #[test]
    fn what_nobody_measured_is_not_recorded() {
        let names: Vec<String> = tally().metrics(&actions(), false).into_iter().map(|(name, _)| name).collect();
        assert!(names.iter().all(|name| !name.contains("score")), "{names:?}");
        let nothing = Tally::default().metrics(&actions(), true);
        assert_eq!(nothing, [("train_transformer_usage/total".to_owned(), 0.0)]);
    }
}
