//! Whole-program tests: what `dodge` does for its user, seen from outside.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop, helpers included")]

mod bad_input;
mod cameras;
mod consistent;
mod contact_sheet;
mod datasets;
mod doctor;
mod enhancing;
mod environment;
mod existing_files;
mod exporting;
#[cfg(target_os = "linux")]
mod full_disk;
mod help;
mod jurors;
mod learning;
#[cfg(unix)]
mod lessons;
mod measuring;
mod names;
mod one_crate_alone;
mod pairs;
mod photos;
mod preparing;
#[cfg(unix)]
mod real_mlflow;
mod reporting;
#[cfg(unix)]
mod resuming;
mod runs;
#[cfg(unix)]
mod shards;
#[cfg(unix)]
mod stopping;
#[cfg(unix)]
mod studio;
#[cfg(unix)]
mod teaching;
mod tracking;
mod training;
#[cfg(unix)]
mod tuning;
