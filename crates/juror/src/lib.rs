#![doc = include_str!("../README.md")]

mod classical;
mod error;
mod judge;

pub use classical::{ClassicalJuror, Measurements, SubScores};
pub use error::Error;
pub use judge::{BEST_SCORE, Juror};
