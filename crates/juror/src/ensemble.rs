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
    /// How much more than a juror with a veto the ensemble may give.
    slack: f64,
}

#[derive(Clone)]
struct Member {
    juror: Arc<dyn Juror>,
    weight: f64,
    has_veto: bool,
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
        Self { members: Vec::new(), slack: SLACK }.with(juror, weight)
    }

    /// The same with another juror.
    ///
    /// # Panics
    /// When the weight is not a positive number.
    #[must_use]
    pub fn with(mut self, juror: Arc<dyn Juror>, weight: f64) -> Self {
        assert!(weight.is_finite() && weight > 0.0, "{weight} is no weight");
        self.members.push(Member { juror, weight, has_veto: false });
        self
    }

    /// The same; the juror that was named last has a veto.
    #[must_use]
    pub fn with_veto(mut self) -> Self {
        if let Some(member) = self.members.last_mut() {
            member.has_veto = true;
        }
        self
    }
}

impl Juror for Ensemble {
    fn name(&self) -> String {
        let of = |member: &Member| {
            let veto = if member.has_veto { format!(", at most +{}", self.slack) } else { String::new() };
            format!("{} x {}{veto}", member.weight, member.juror.name())
        };
        format!("ensemble({})", self.members.iter().map(of).collect::<Vec<_>>().join("; "))
    }

    fn files(&self) -> Vec<(String, String)> {
        self.members.iter().flat_map(|member| member.juror.files()).collect()
    }

    fn score(&self, photos: &[&Photo]) -> Result<Vec<f64>, Error> {
        let (mut sums, mut limits) = (vec![0.0; photos.len()], vec![f64::INFINITY; photos.len()]);
        for Member { juror, weight, has_veto } in &self.members {
            for ((sum, limit), score) in sums.iter_mut().zip(&mut limits).zip(juror.score_checked(photos)?) {
                *sum += weight * score;
                if *has_veto {
                    *limit = limit.min(score + self.slack);
                }
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
