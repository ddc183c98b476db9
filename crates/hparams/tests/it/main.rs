//! Public behaviour of the registry and of the derive macros.

#![expect(clippy::unwrap_used, reason = "a helper of a test fails the test by panicking")]

mod declaration;
mod hostile;
mod layers;
mod messages;
mod round_trip;
mod sections;
mod text;
