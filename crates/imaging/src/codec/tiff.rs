//! TIFF: which of its pictures is the photo, its values, and writing one.

pub(super) mod pages;
mod read;
mod write;

pub(super) use read::decode;
pub(super) use write::encode;
