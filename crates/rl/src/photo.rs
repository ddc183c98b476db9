//! The agent for photographs: what it may do, what it sees and is paid, its model, and how it is measured. It knows no run.

pub(crate) mod actions;
pub(crate) mod agent;
pub(crate) mod baselines;
pub(crate) mod environment;
pub(crate) mod evaluation;
pub(crate) mod expectation;
pub(crate) mod frontier;
pub(crate) mod juror_search;
pub(crate) mod known_edits;
pub(crate) mod levels;
pub(crate) mod model;
pub(crate) mod mosaic;
pub(crate) mod observation;
pub(crate) mod opponents;
pub(crate) mod pair_baselines;
pub(crate) mod palette;
pub(crate) mod reward;
pub(crate) mod shoot;
pub(crate) mod shown;
pub(crate) mod summary;
pub(crate) mod tally;
pub(crate) mod test_photo;
pub(crate) mod validation;
