//! `cargo xtask` as its user meets it.
#![cfg(unix)]

mod train;
