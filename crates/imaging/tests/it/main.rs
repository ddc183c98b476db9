//! The public behaviour of dodge-imaging.

#![allow(clippy::unwrap_used, reason = "a failing unwrap is a failing test")]

mod byte_for_byte;
mod codec;
mod colour;
mod colour_tables;
mod containers;
mod documents;
mod files;
mod golden;
mod hostile;
mod metadata;
mod odd;
mod operations;
mod recipes;
mod resizing;
mod unchanged;
