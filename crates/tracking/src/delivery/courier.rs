//! Moves the records of one spool into a sink.

use super::sink::{Sink, SinkError};
use crate::{
    Rejection,
    record::Record,
    spool::{Frame, Ledger, SpoolReader},
};

/// How many records are read from the spool at a time.
const READ_AHEAD: usize = 8192;

/// A spool, its ledger and the sink it is delivered to.
pub(crate) struct Courier {
    reader: SpoolReader,
    ledger: Ledger,
    sink: Box<dyn Sink>,
}

#[derive(Debug, Default)]
pub(crate) struct Moved {
    pub(crate) records: u64,
    pub(crate) rejected: Vec<Rejection>,
}

impl Courier {
    /// `reader` may stand anywhere; it is moved to where the ledger says.
    pub(crate) fn new(mut reader: SpoolReader, ledger: Ledger, sink: Box<dyn Sink>) -> Self {
        reader.seek(ledger.progress.delivered);
        Self { reader, ledger, sink }
    }

    pub(crate) fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Whether the destination answers at all.
    pub(crate) fn destination_answers(&mut self) -> bool {
        self.sink.answers()
    }

    pub(crate) fn skipped_bytes(&self) -> u64 {
        self.reader.skipped()
    }

    /// Delivers everything before the offset `limit`, calling `moved` after each step; `moved`
    /// returns whether to go on. False: it did not go on to the end.
    pub(crate) fn deliver_until(
        &mut self,
        limit: u64,
        moved: &mut dyn FnMut(Moved) -> bool,
    ) -> Result<bool, SinkError> {
        self.reader.seek(self.ledger.progress.delivered);
        loop {
            let frames = self.reader.read(limit, READ_AHEAD).map_err(|error| SinkError::retry(error.to_string()))?;
            if frames.is_empty() {
                return Ok(true);
            }
            let (records, ends): (Vec<Record>, Vec<u64>) =
                frames.into_iter().map(|Frame { record, end }| (record, end)).unzip();
            let mut done = 0;
            while done < records.len() {
                let delivered = self.sink.deliver(&records[done..], &mut self.ledger)?;
                let next = (done + delivered.records.max(1)).min(records.len());
                self.ledger.progress.delivered = ends[next - 1];
                self.ledger.progress.ended = ended(self.ledger.progress.ended, &records[done..next]);
                for rejection in &delivered.rejected {
                    tracing::warn!(item = %rejection.item, reason = %rejection.reason,
                        "the tracking server refused an item; it stays in the spool");
                    self.ledger.note_rejected(&rejection.item, &rejection.reason);
                }
                // An unsaved ledger only means that this part may be delivered again.
                if let Err(error) = self.ledger.save() {
                    tracing::warn!(%error, "cannot note the progress of tracking");
                } else if delivered.rejected.is_empty() {
                    self.sink.acknowledged(&records[done..next]);
                }
                let go_on = moved(Moved { records: (next - done) as u64, rejected: delivered.rejected });
                done = next;
                if !go_on {
                    return Ok(false);
                }
            }
        }
    }
}

/// Whether a run has ended behind `records`, where it had `before` them or not: a run may go on after its end.
pub(crate) fn ended(before: bool, records: &[Record]) -> bool {
    records.iter().fold(before, |ended, record| match record {
        Record::End { .. } => true,
        Record::Resume => false,
        _ => ended,
    })
}
