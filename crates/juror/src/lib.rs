#![doc = include_str!("../README.md")]

mod check;
mod classical;
mod ensemble;
mod error;
mod fault;
mod judge;

pub use check::{CheckResult, DamageCheck, PairCheck, ScoreDrops};
pub use classical::{ClassicalJuror, Measurements, SubScores};
pub use ensemble::Ensemble;
pub use error::Error;
pub use judge::{BEST_SCORE, Juror};
