//! Several jurors as one.

use std::sync::Arc;

use dodge_imaging::Photo;

use crate::error::Error;
use crate::judge::Juror;

/// The weighted mean of several jurors, some of which have a *veto*: no photo scores more than theirs and a little. What one juror
/// is talked into, another one does not let pass.
#[derive(Clone)]
pub struct Ensemble {
    members: Vec<Member>,
}

#[derive(Clone)]
struct Member {
    juror: Arc<dyn Juror>,
    /// How much it counts in the mean; 0 for one that only limits.
    weight: f64,
    /// How much more than its score the ensemble may give; none for as much as it likes.
    slack: Option<f64>,
}

/// What an ensemble gives at most above a juror with a veto.
const SLACK: f64 = 1.0;

impl Ensemble {
    /// An ensemble of one. `weight` is how much it counts beside others.
    ///
    /// # Panics
    /// When the weight is not a positive number.
    #[must_use]
    pub fn new(juror: Arc<dyn Juror>, weight: f64) -> Self {
        Self { members: Vec::new() }.with(juror, weight)
    }

    /// The same with another juror.
    ///
    /// # Panics
    /// When the weight is not a positive number.
    #[must_use]
    pub fn with(mut self, juror: Arc<dyn Juror>, weight: f64) -> Self {
        assert!(weight.is_finite() && weight > 0.0, "{weight} is no weight");
        self.members.push(Member { juror, weight, slack: None });
        self
    }

    /// The same; the juror that was named last has a veto.
    #[must_use]
    pub fn with_veto(mut self) -> Self {
        if let Some(member) = self.members.last_mut() {
            member.slack = Some(SLACK);
        }
        self
    }

    /// The same with a juror that does not count in the mean, and has a veto: no photo scores more than `slack` above its score.
    ///
    /// # Panics
    /// When the slack is not a number, or below 0.
    #[must_use]
    pub fn limited_by(mut self, juror: Arc<dyn Juror>, slack: f64) -> Self {
        assert!(slack.is_finite() && slack >= 0.0, "{slack} is no slack");
        self.members.push(Member { juror, weight: 0.0, slack: Some(slack) });
        self
    }
}

impl Juror for Ensemble {
    fn name(&self) -> String {
        let of = |member: &Member| {
            let veto = member.slack.map_or_else(String::new, |slack| format!(", at most +{slack}"));
            format!("{} x {}{veto}", member.weight, member.juror.name())
        };
        format!("ensemble({})", self.members.iter().map(of).collect::<Vec<_>>().join("; "))
    }

    fn files(&self) -> Vec<(String, String)> {
        self.members.iter().flat_map(|member| member.juror.files()).collect()
    }

    fn score(&self, photos: &[&Photo]) -> Result<Vec<f64>, Error> {
        let (mut sums, mut limits) = (vec![0.0; photos.len()], vec![f64::INFINITY; photos.len()]);
        for Member { juror, weight, slack } in &self.members {
            for ((sum, limit), score) in sums.iter_mut().zip(&mut limits).zip(juror.score_checked(photos)?) {
                *sum += weight * score;
                *limit = limit.min(slack.map_or(f64::INFINITY, |slack| score + slack));
            }
        }
        let weights: f64 = self.members.iter().map(|member| member.weight).sum();
        Ok(sums.into_iter().zip(limits).map(|(sum, limit)| (sum / weights).min(limit)).collect())
    }
}

impl std::fmt::Debug for Ensemble {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Ensemble({})", self.name())
    }
}
