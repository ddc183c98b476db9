//! A question that somebody has asked already.

use std::sync::{Condvar, Mutex, PoisonError};

use crate::error::Error;

/// A score on its way: one thread asks for it, any number wait.
#[derive(Default)]
pub(super) struct Flight {
    landed: Mutex<Option<Result<f64, Error>>>,
    arrival: Condvar,
}

impl Flight {
    /// Tells all who wait.
    pub(super) fn land(&self, outcome: Result<f64, Error>) {
        *self.landed.lock().unwrap_or_else(PoisonError::into_inner) = Some(outcome);
        self.arrival.notify_all();
    }

    /// The score, or why there is none, as soon as that is known.
    pub(super) fn wait(&self) -> Result<f64, Error> {
        let mut landed = self.landed.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(outcome) = &*landed {
                return outcome.clone();
            }
            landed = self.arrival.wait(landed).unwrap_or_else(PoisonError::into_inner);
        }
    }
}
