//! Public behaviour of `dodge-data`.

#![expect(
    clippy::unwrap_used,
    reason = "in a test, a panic is the report; helpers outside of test functions need it too"
)]

#[cfg(all(feature = "service", feature = "synthetic"))]
mod acquisition;
#[cfg(feature = "fetch")]
mod archive_parts;
#[cfg(feature = "fetch")]
mod archives;
mod digest;
#[cfg(feature = "fetch")]
mod download;
#[cfg(feature = "fetch")]
mod fetch;
mod folder;
mod hash;
#[cfg(feature = "fetch")]
mod killed;
mod listing;
mod pairs;
#[cfg(feature = "fetch")]
mod registry;
#[cfg(feature = "fetch")]
mod server;
#[cfg(feature = "synthetic")]
mod synthetic;
#[cfg(feature = "synthetic")]
mod synthetic_loader;
