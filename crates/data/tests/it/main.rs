//! Public behaviour of `dodge-data`.

#![expect(
    clippy::unwrap_used,
    reason = "in a test, a panic is the report; helpers outside of test functions need it too"
)]

#[cfg(feature = "service")]
mod acquisition;
mod archive_parts;
mod archives;
mod digest;
mod download;
mod fetch;
mod folder;
mod hash;
mod killed;
mod listing;
mod registry;
mod server;
mod synthetic;
mod synthetic_loader;
