//! A whole run: the skeleton of its stages, what they get, and the trainer of `dodge train`.

pub(crate) mod context;
pub(crate) mod fitting;
pub(crate) mod params;
pub(crate) mod photo_trainer;
mod refitting;
pub(crate) mod skeleton;
mod tracked_run;
