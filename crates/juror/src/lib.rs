#![doc = include_str!("../README.md")]

mod cached;
mod check;
mod classical;
mod climb;
mod ensemble;
mod error;
mod fault;
#[cfg(feature = "neural")]
mod files;
#[cfg(feature = "http")]
mod http;
mod judge;
#[cfg(feature = "neural")]
mod learned;
#[cfg(any(feature = "http", feature = "service"))]
mod messages;
#[cfg(any(feature = "http", feature = "service"))]
mod npy;
#[cfg(feature = "service")]
mod service;
#[cfg(feature = "neural")]
mod siglip;

pub use cached::{CacheCounts, CacheOptions, CachedJuror};
pub use check::{CheckResult, DamageCheck, PairCheck, ScoreDrops};
pub use classical::{ClassicalJuror, Measurements, SubScores};
pub use climb::{Climb, Climbed};
pub use ensemble::Ensemble;
pub use error::Error;
#[cfg(feature = "http")]
pub use http::{HttpJuror, HttpJurorOptions};
pub use judge::{BEST_SCORE, Juror};
#[cfg(feature = "neural")]
pub use learned::{FEWEST_PHOTOS, LearnedJuror, TrainedOn, Versions};
#[cfg(feature = "service")]
pub use service::{JurorService, JurorServiceOptions};
#[cfg(feature = "neural")]
pub use siglip::SiglipJuror;
