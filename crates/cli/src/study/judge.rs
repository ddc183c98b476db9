//! Looks at a trial while it is trained: takes its figures down, and ends it where others were better.

use std::sync::{Arc, Mutex};

use dodge_hparams::Halving;
use dodge_learn::{Callback, Error, Moment, Verdict};

use crate::study::{State, Study, rounded};
use crate::terminal::lock;

/// Judges one trial of a study.
pub(crate) struct Judge {
    pub(crate) study: Arc<Mutex<Study>>,
    pub(crate) number: usize,
    pub(crate) halving: Option<Halving>,
    /// The environment steps at which it is looked at, ascending.
    pub(crate) rungs: Vec<u64>,
}

impl Callback for Judge {
    fn after_update(&mut self, moment: &Moment<'_>) -> Result<Verdict, Error> {
        let Some(validated) = &moment.validation else { return Ok(Verdict::GoOn) };
        let mut study = lock(&self.study);
        let metric = &study.plan.metric;
        let Some(value) = validated.figures.iter().find_map(|(name, value)| (name == metric).then_some(*value)) else {
            let known: Vec<&str> = validated.figures.iter().map(|(name, _)| name.as_str()).collect();
            let reason = format!("a training has no figure `{metric}`: choose one of {}", known.join(", "));
            return Err(Error::Configuration { section: "--metric", reason });
        };
        let (value, taken) = (rounded(value), moment.clock.taken);
        let goes_on = self.take_down(&mut study, value, taken);
        study.save().map_err(|error| Error::other(format!("{error:#}")))?;
        // An end of its own would be evaluated as if the training were done.
        if goes_on { Ok(Verdict::GoOn) } else { Err(Error::Interrupted) }
    }
}

impl Judge {
    /// Takes a figure down, and says whether the trial goes on.
    fn take_down(&self, study: &mut Study, value: f64, taken: u64) -> bool {
        let number = self.number;
        let others = |rung: u64| -> Vec<f64> {
            study.trials[..number].iter().filter_map(|trial| trial.rungs.get(&rung).copied()).collect()
        };
        // A validation far behind a rung stands for it all the same; one that was looked at before is not again.
        let due = |rung: &&u64| **rung <= taken && !study.trials[number].rungs.contains_key(*rung);
        let reached: Vec<u64> = self.rungs.iter().filter(due).copied().collect();
        let goes_on =
            reached.iter().all(|rung| self.halving.is_none_or(|halving| halving.goes_on(value, &others(*rung))));
        let trial = &mut study.trials[number];
        (trial.value, trial.steps) = (Some(value), taken);
        trial.rungs.extend(reached.into_iter().map(|rung| (rung, value)));
        if !goes_on {
            trial.state = State::Pruned;
        }
        goes_on
    }
}

impl std::fmt::Debug for Judge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Judge({}, {:?})", self.number, self.rungs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::study::tests::{plan, trial};

    #[test]
    fn a_trial_ends_where_others_were_better() {
        let folder = tempfile::tempdir().unwrap();
        let mut study = Study::open(folder.path(), plan()).unwrap();
        study.trials = (0..4).map(|number| trial(number, State::Running, None)).collect();
        study.trials.iter_mut().for_each(|trial| trial.rungs.clear());
        let study = Arc::new(Mutex::new(study));
        let look = |number: usize, value: f64, taken: u64| {
            let judge = Judge { study: Arc::clone(&study), number, halving: Halving::new(3), rungs: vec![10, 30] };
            judge.take_down(&mut lock(&study), value, taken)
        };
        // The first goes on whatever it is; both rungs have passed at its second validation.
        assert!(look(0, 1.0, 5) && look(0, 2.0, 35) && look(0, 0.5, 90));
        // At the first rung, worse: it ends. Better: it goes on, until a rung that was not looked at yet.
        assert!(!look(1, 1.5, 12));
        assert!(look(2, 2.5, 12) && look(2, 0.1, 20) && !look(2, 1.9, 31));
        // One of three goes on, and two of four.
        assert!(look(3, 2.1, 10));
        // Gone on with from an earlier checkpoint, it comes to the same rung again.
        assert!(look(3, 0.0, 10));
        let study = lock(&study);
        let told: Vec<_> = study.trials.iter().map(|it| (it.state, it.value, it.steps)).collect();
        assert_eq!(told[0], (State::Running, Some(0.5), 90));
        assert_eq!(told[1], (State::Pruned, Some(1.5), 12));
        assert_eq!(told[2], (State::Pruned, Some(1.9), 31));
        assert_eq!(study.trials[0].rungs.iter().collect::<Vec<_>>(), [(&10, &2.0), (&30, &2.0)]);
    }
}
