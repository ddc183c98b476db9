//! A whole training: the loop, what judges it, what hears of it, and its checkpoints.

pub(crate) mod callback;
pub(crate) mod checkpoint;
pub(crate) mod course;
pub(crate) mod journal;
pub(crate) mod judge;
