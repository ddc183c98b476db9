#![doc = include_str!("../README.md")]

mod assets;
mod by_bytes;
mod comparing;
mod darkroom;
mod decision;
mod decisions;
mod error;
mod exporting;
mod folder;
mod gate;
mod journal;
mod kinds;
mod lines;
mod models;
mod refusal;
mod routes;
mod session;
mod studio;
mod teaching;
mod thumbs;

pub use error::Error;
pub use models::KnownModel;
pub use studio::{Studio, StudioOptions};
pub use teaching::{Lessons, Progress, Teach};
