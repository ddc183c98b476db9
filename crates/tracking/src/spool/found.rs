//! What a new spool needs to go on with a run that the destination has and we do not.

use std::collections::BTreeMap;

use super::ledger::Progress;
use crate::record::Start;

/// A run that was found at the destination.
pub(crate) struct FoundRun {
    pub(crate) start: Start,
    pub(crate) params: BTreeMap<String, String>,
    pub(crate) progress: Progress,
}
