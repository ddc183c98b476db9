//! What a program of one's own may do while an agent learns.

use crate::algorithm::learner::Clock;
use crate::environment::contract::Episode;
use crate::error::Error;
use crate::state::{StateReader, StateWriter};
use crate::training::journal::Journal;
use crate::training::judge::Validated;

/// A training just after a round of learning.
#[non_exhaustive]
pub struct Moment<'a> {
    /// Environment steps taken, and how many there will be.
    pub clock: Clock,
    /// Rounds of learning so far.
    pub updates: u64,
    /// What the round was recorded with, by the names in the tracked run.
    pub metrics: &'a [(String, f64)],
    /// The episodes that ended in the round.
    pub episodes: &'a [Episode],
    /// What the judge found, where it was asked in this round.
    pub validation: Option<Validated>,
    /// Where the training is written down: record more with it.
    pub journal: &'a dyn Journal,
}

impl std::fmt::Debug for Moment<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Moment({:?}, {} updates, {:?})", self.clock, self.updates, self.validation)
    }
}

/// Whether a training goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It goes on.
    GoOn,
    /// It ends here as if it had been planned so: the best model is evaluated.
    Stop,
}

/// Called after every round of learning. Validation, checkpoints, progress and tracking are part of the training loop itself;
/// this is for what else is wanted. Open for implementation.
pub trait Callback: Send + Sync {
    /// Looks at the training, and may end it.
    ///
    /// # Errors
    /// Any; the run is then marked as failed.
    fn after_update(&mut self, moment: &Moment<'_>) -> Result<Verdict, Error>;

    /// Takes down what a resumed training has to know; nothing unless it is implemented.
    ///
    /// # Errors
    /// [`Error::State`].
    fn save_state(&self, writer: &mut StateWriter) -> Result<(), Error> {
        let _ = writer;
        Ok(())
    }

    /// Goes back to what [`Callback::save_state`] took down.
    ///
    /// # Errors
    /// [`Error::State`].
    fn restore_state(&mut self, reader: &mut StateReader<'_>) -> Result<(), Error> {
        let _ = reader;
        Ok(())
    }
}

/// Ends a training whose model has not become better for a number of validations in a row.
#[derive(Debug, Clone)]
pub struct EarlyStop {
    patience: u64,
    since_best: u64,
}

impl EarlyStop {
    /// Ends after `patience` validations without a better model; 0 never ends.
    #[must_use]
    pub fn new(patience: u64) -> Self {
        Self { patience, since_best: 0 }
    }
}

impl Callback for EarlyStop {
    fn after_update(&mut self, moment: &Moment<'_>) -> Result<Verdict, Error> {
        let Some(validated) = &moment.validation else { return Ok(Verdict::GoOn) };
        self.since_best = if validated.is_record { 0 } else { self.since_best + 1 };
        if self.patience == 0 || self.since_best < self.patience {
            return Ok(Verdict::GoOn);
        }
        tracing::info!(
            "no better model in {} validations: training ends after {} steps",
            self.patience,
            moment.clock.taken
        );
        Ok(Verdict::Stop)
    }

    fn save_state(&self, writer: &mut StateWriter) -> Result<(), Error> {
        writer.write(&self.since_best)
    }

    fn restore_state(&mut self, reader: &mut StateReader<'_>) -> Result<(), Error> {
        self.since_best = reader.read()?;
        Ok(())
    }
}
