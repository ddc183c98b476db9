//! The public behaviour of dodge-imaging.

mod codec;
mod operations;
mod recipes;
mod resizing;
