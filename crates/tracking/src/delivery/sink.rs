//! Where records go, and why they may not get there.

use std::time::Duration;

use crate::{Rejection, record::Record, spool::Ledger};

/// Where records go.
pub(crate) trait Sink: Send {
    /// Delivers records from the front of `records` (never empty), in order, and says how many
    /// (at least one). After an error nothing of this call counts as delivered; delivering a
    /// record twice must do no harm.
    fn deliver(&mut self, records: &[Record], ledger: &mut Ledger) -> Result<Delivered, SinkError>;

    /// Whether the destination answers at all, so that a failure concerned this run alone. Others need not wait then.
    fn answers(&mut self) -> bool;

    /// The ledger says that `records` have been delivered and none refused: what they needed may go.
    fn acknowledged(&mut self, _records: &[Record]) {}
}

#[derive(Debug, Default)]
pub(crate) struct Delivered {
    pub(crate) records: usize,
    pub(crate) rejected: Vec<Rejection>,
}

/// Why a sink took nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SinkError {
    /// It may work later, after the time the server asked for.
    Retry { reason: String, after: Option<Duration> },
    /// What answers is no MLflow server, at least not now: a proxy's page, for example. Worth repeating while a run goes
    /// on, a mistake in the address where one starts.
    Strange { reason: String },
    /// The destination works; this run waits for another one to arrive there.
    Waiting { reason: String },
    /// It will not work until a person does something (credentials).
    Denied { reason: String },
    /// It will never work (the run was deleted on the server).
    Stopped { reason: String },
}

impl SinkError {
    pub(crate) fn retry(reason: impl Into<String>) -> Self {
        Self::Retry { reason: reason.into(), after: None }
    }

    pub(crate) fn reason(&self) -> &str {
        match self {
            Self::Retry { reason, .. }
            | Self::Strange { reason }
            | Self::Waiting { reason }
            | Self::Denied { reason }
            | Self::Stopped { reason } => reason,
        }
    }
}

/// Puts on the disk what a sink has learnt, before it does what must not be done twice.
pub(crate) fn note(ledger: &Ledger) -> Result<(), SinkError> {
    ledger.save().map_err(|error| SinkError::retry(error.to_string()))
}
