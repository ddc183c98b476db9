//! The training loop: collect, learn, validate, record.

use std::time::{Duration, Instant};

use crate::algorithm::learner::{Advance, Clock, Learner};
use crate::environment::contract::{Environment, Episode};
use crate::environment::vector::VectorEnvironment;
use crate::error::Error;
use crate::state::{StateReader, StateWriter};
use crate::training::callback::{Callback, Moment, Verdict};
use crate::training::checkpoint::{Checkpoint, Checkpointer, MAX_BYTES, Occasion, too_large};
use crate::training::journal::{Journal, Progress};
use crate::training::judge::{Ending, Judge, Validated};

/// How long a training is, and how often what happens, in environment steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// How long to train; rounded up to whole rounds of the learner.
    pub steps: u64,
    /// How often the judge is asked.
    pub validation_interval: u64,
    /// How often a checkpoint is written.
    pub checkpoint_interval: u64,
}

/// A training, put together from its parts.
pub struct Training<'a, L, E> {
    /// What learns.
    pub learner: L,
    /// The name of its algorithm, for checkpoints.
    pub algorithm: &'static str,
    /// What the training is about, by name: with other values the learnt numbers would mean something else although they fit,
    /// such as with other actions. A resumed training needs the same.
    pub constants: Vec<(String, String)>,
    /// What it learns in.
    pub environments: VectorEnvironment<E>,
    /// What says how good it is.
    pub judge: &'a mut dyn Judge<L, E>,
    /// Where it is kept.
    pub checkpointer: &'a dyn Checkpointer,
    /// Who hears of every round.
    pub callbacks: &'a mut [Box<dyn Callback>],
    /// Where it is written down.
    pub journal: &'a dyn Journal,
}

/// What came of a training.
#[derive(Debug)]
pub struct Finished<L> {
    /// What learnt.
    pub learner: L,
    /// Environment steps taken.
    pub environment_steps: u64,
    /// Environment steps per second over the whole loop, validation included.
    pub steps_per_second: f64,
}

impl<L: Learner, E: Environment> Training<'_, L, E> {
    /// Trains from the beginning, or where it `is_resumed` goes on from the latest checkpoint.
    ///
    /// # Errors
    /// [`Error::Interrupted`] after a checkpoint was written, [`Error::Diverged`], [`Error::NoCheckpoint`], or an error of
    /// environment, judge, callback or file.
    pub fn run(mut self, plan: Plan, is_resumed: bool) -> Result<Finished<L>, Error> {
        let size = self.learner.state_size();
        if size > MAX_BYTES {
            return Err(Error::State { reason: format!("a checkpoint {}", too_large(size, MAX_BYTES)) });
        }
        let mut clock = Clock { taken: 0, total: plan.steps };
        let (mut updates, mut is_validated) = (0, false);
        if is_resumed {
            (clock.taken, updates, is_validated) = self.go_on()?;
        }
        self.journal.show(Progress::Begun { total: plan.steps });
        self.journal.show(Progress::Advanced { steps: clock.taken.min(plan.steps) });
        let (started, taken_before) = (Instant::now(), clock.taken);
        let mut is_last = clock.taken >= plan.steps;
        while !is_last {
            if self.journal.is_interrupted() {
                self.save(clock, updates, Occasion::Interrupted)?;
                self.judge.end(&self.learner, clock, Ending::Interrupted)?;
                return Err(Error::Interrupted);
            }
            let (before, began) = (clock.taken, Instant::now());
            let advance = match self.learner.advance(&mut self.environments, clock) {
                Ok(advance) => advance,
                Err(error) => {
                    // What went wrong first is what matters.
                    if let Err(unsaved) = self.save(clock, updates, Occasion::Failed) {
                        tracing::warn!("no checkpoint of the failed training: {unsaved}");
                    }
                    return Err(error.in_round_after(before));
                }
            };
            clock.taken += advance.steps;
            updates += 1;
            let (taken, episodes) = (clock.taken, self.environments.take_episodes());
            let mut metrics = of_round(&advance, &episodes, began.elapsed());
            metrics.extend(self.judge.of_round(&mut self.environments));
            let steps_per_second = (taken - taken_before) as f64 / started.elapsed().as_secs_f64();
            metrics.push(("perf/steps_per_second".to_owned(), steps_per_second));
            self.journal.record(&metrics, taken)?;

            let is_due = |interval: u64| taken / interval > before / interval;
            is_last = taken >= plan.steps;
            let is_wanted = is_due(plan.validation_interval) || is_last;
            let validation = if is_wanted { Some(self.validate(clock)?) } else { None };
            let mut is_kept = validation.as_ref().is_some_and(|validated| validated.is_kept);
            let journal = self.journal;
            let moment = Moment { clock, updates, metrics: &metrics, episodes: &episodes, validation, journal };
            is_last |= self.ask_callbacks(&moment)?;
            // The last round is always validated, also when a callback says so only now.
            if is_last && moment.validation.is_none() {
                is_kept = self.validate(clock)?.is_kept;
            }
            is_validated |= is_wanted || is_last;

            if is_kept {
                self.save(clock, updates, Occasion::Best)?;
            }
            if is_due(plan.checkpoint_interval) || is_last {
                self.save(clock, updates, Occasion::Periodic)?;
            }
            self.journal.show(Progress::Advanced { steps: advance.steps });
            self.journal.show(Progress::Stands(&self.judge.in_words()));
        }
        // A training that is resumed for no more steps than it had, and was stopped before its first validation.
        if !is_validated {
            self.validate(clock)?;
        }
        self.journal.show(Progress::Ended);
        let steps_per_second = (clock.taken - taken_before) as f64 / started.elapsed().as_secs_f64();
        self.journal.record(&[("perf/steps_per_second".to_owned(), steps_per_second)], clock.taken)?;
        self.judge.end(&self.learner, clock, Ending::Whole)?;
        Ok(Finished { learner: self.learner, environment_steps: clock.taken, steps_per_second })
    }

    fn validate(&mut self, clock: Clock) -> Result<Validated, Error> {
        let validated = self.judge.validate(&self.learner, clock)?;
        self.journal.record(&validated.figures, clock.taken)?;
        Ok(validated)
    }

    /// Whether one of the callbacks ends the training; all of them see every round.
    fn ask_callbacks(&mut self, moment: &Moment<'_>) -> Result<bool, Error> {
        let mut stops = false;
        for callback in self.callbacks.iter_mut() {
            stops |= callback.after_update(moment)? == Verdict::Stop;
        }
        Ok(stops)
    }

    fn save(&self, clock: Clock, updates: u64, occasion: Occasion) -> Result<(), Error> {
        // The best is kept often, and beside the latest.
        let mut writer = if occasion == Occasion::Best { StateWriter::brief() } else { StateWriter::new() };
        self.learner.save_state(&mut writer)?;
        self.environments.save_state(&mut writer)?;
        self.callbacks.iter().try_for_each(|callback| callback.save_state(&mut writer))?;
        let checkpoint = Checkpoint {
            algorithm: self.algorithm.to_owned(),
            constants: self.constants.clone(),
            environment_steps: clock.taken,
            updates,
            best: self.judge.best()?,
            state: writer.into_bytes(),
        };
        let file = self.checkpointer.save(&checkpoint, occasion)?;
        file.map_or(Ok(()), |file| self.journal.keep_checkpoint(&file))
    }

    /// Goes back to the latest checkpoint, and tells the environment steps and rounds of learning until then, and whether
    /// there was a best so far.
    fn go_on(&mut self) -> Result<(u64, u64, bool), Error> {
        let checkpoint = self.checkpointer.latest()?.ok_or(Error::NoCheckpoint)?;
        if checkpoint.algorithm != self.algorithm {
            let (theirs, ours) = (checkpoint.algorithm, self.algorithm);
            return Err(Error::State {
                reason: format!("the checkpoint was written by {theirs}, this run uses {ours}"),
            });
        }
        for (name, ours) in &self.constants {
            let theirs = checkpoint.constants.iter().find_map(|(other, value)| (other == name).then_some(&**value));
            if theirs != Some(ours) {
                return Err(Error::State {
                    reason: format!(
                        "the checkpoint was written with {name} = {}, this run has {ours}: resume it as it began, or start \
                         anew",
                        theirs.unwrap_or("nothing")
                    ),
                });
            }
        }
        let mut reader = StateReader::new(&checkpoint.state);
        self.learner.restore_state(&mut reader)?;
        self.environments.restore_state(&mut reader)?;
        self.callbacks.iter_mut().try_for_each(|callback| callback.restore_state(&mut reader))?;
        reader.finish()?;
        if let Some(best) = &checkpoint.best {
            self.judge.restore_best(best)?;
        }
        Ok((checkpoint.environment_steps, checkpoint.updates, checkpoint.best.is_some()))
    }
}

/// What the learner says of itself, how the episodes went that ended meanwhile, and how fast it was.
fn of_round(advance: &Advance, episodes: &[Episode], took: Duration) -> Vec<(String, f64)> {
    let (seconds, steps) = (took.as_secs_f64(), advance.steps as f64);
    let mut metrics = advance.metrics.clone();
    metrics.extend([
        ("train/episodes", episodes.len() as f64),
        ("perf/rollout_duration_s", seconds),
        ("perf/fps_current_rollout", steps / seconds),
        ("perf/time_per_step_s", seconds / steps),
    ]);
    if !episodes.is_empty() {
        let mean = |of: fn(&Episode) -> f64| episodes.iter().map(of).sum::<f64>() / episodes.len() as f64;
        metrics.extend([
            ("train/mean_reward", mean(|episode| episode.total_reward)),
            ("train/mean_episodes_len", mean(|episode| episode.steps as f64)),
            ("train/truncated_share", mean(|episode| f64::from(u8::from(episode.truncated)))),
        ]);
    }
    metrics.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

impl<L, E> std::fmt::Debug for Training<'_, L, E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Training({} in {:?})", self.algorithm, self.environments)
    }
}
