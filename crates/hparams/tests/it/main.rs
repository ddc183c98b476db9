//! Public behaviour of the registry and of the derive macros.

#![expect(clippy::unwrap_used, reason = "a helper of a test fails the test by panicking")]

mod declaration;
mod environment;
mod features;
mod hostile;
mod json_schema;
mod layers;
mod messages;
mod report;
mod round_trip;
mod search;
mod sections;
mod text;
