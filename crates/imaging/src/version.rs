//! Versions of what shifts pixel values. Whoever keeps results of this crate puts them into the key.

/// Version of what decoding a file gives. Raised when a decoder, or the way in which orientation and depth are applied,
/// gives other values.
pub const DECODER_VERSION: u32 = 3;

/// Version of [`Photo::thumbnail`](crate::Photo::thumbnail) and [`Photo::resized`](crate::Photo::resized). Raised when the
/// same photo is scaled to other values.
pub const RESAMPLER_VERSION: u32 = 1;

/// Version of [`Damage::standard`](crate::Damage::standard) and of what [`Damage::apply`](crate::Damage::apply) makes of a
/// photo with its kinds. Raised when the same generator draws another damage, or the same damage gives other values.
pub const STANDARD_DAMAGE_VERSION: u32 = 1;

/// The same of [`Damage::camera`](crate::Damage::camera) and its kinds.
pub const CAMERA_DAMAGE_VERSION: u32 = 1;
