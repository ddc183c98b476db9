//! A whole run: the skeleton of its stages, what they get, and the trainer of `dodge train`.

mod beginning;
pub(crate) mod context;
mod curves;
pub(crate) mod fitting;
pub(crate) mod inputs;
pub(crate) mod logged_model;
mod outcomes;
pub(crate) mod params;
pub(crate) mod photo_trainer;
pub(crate) mod preparation;
mod refitting;
pub(crate) mod run_page;
pub(crate) mod skeleton;
mod timeline;
mod tracked_run;
