//! The documents whose samples are compiled, as documentation tests. Those of the crates' own pages are compiled there.

#[doc = include_str!("../../docs/hyperparameters.md")]
pub struct Hyperparameters;

#[doc = include_str!("../../docs/training.md")]
pub struct Training;

#[doc = include_str!("../../docs/extending.md")]
pub struct Extending;
