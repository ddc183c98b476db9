//! What says how good a learner is, and keeps the one to use.

use crate::algorithm::learner::Clock;
use crate::environment::vector::VectorEnvironment;
use crate::error::Error;

/// Measures a learner `L` between two rounds of a training in environments `E`, and keeps the one to use so far. Open for
/// implementation.
pub trait Judge<L, E> {
    /// Measures the learner, and keeps it when it is the one to use so far.
    ///
    /// # Errors
    /// Any; the training then ends.
    fn validate(&mut self, learner: &L, clock: Clock) -> Result<Validated, Error>;

    /// What the round did in the environments, by names in the record; nothing unless it is implemented.
    fn of_round(&mut self, environments: &mut VectorEnvironment<E>) -> Vec<(String, f64)> {
        let _ = environments;
        Vec::new()
    }

    /// What was kept, in bytes, for a checkpoint.
    ///
    /// # Errors
    /// As [`Judge::validate`].
    fn best(&self) -> Result<Option<Vec<u8>>, Error>;

    /// Goes back to what [`Judge::best`] gave.
    ///
    /// # Errors
    /// As [`Judge::validate`].
    fn restore_best(&mut self, best: &[u8]) -> Result<(), Error>;

    /// The training is over, and what is left of it can be put in its place; nothing unless it is implemented.
    ///
    /// # Errors
    /// As [`Judge::validate`].
    fn end(&mut self, learner: &L, clock: Clock, ending: Ending) -> Result<(), Error> {
        let _ = (learner, clock, ending);
        Ok(())
    }

    /// How it stands, in a few words for the progress display.
    fn in_words(&self) -> String {
        String::new()
    }
}

/// How a training ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// As planned, or as a callback wished.
    Whole,
    /// It was asked to stop, and can be resumed.
    Interrupted,
}

/// What a judge found.
#[derive(Debug, Clone, PartialEq)]
pub struct Validated {
    /// Its figures, by their names in the record.
    pub figures: Vec<(String, f64)>,
    /// Whether the learner was kept, as the one to use so far.
    pub is_kept: bool,
    /// Whether none before had better figures. One that has is kept; another one may be, where the difference says nothing.
    pub is_record: bool,
}
