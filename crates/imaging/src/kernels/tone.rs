//! Tone curves on single levels.

use crate::lab::{decode_srgb, encode_srgb};

/// Colour of the veil: grey, a little below white.
const AIR: f32 = 230.0;

/// A quarter of the range: what shadows and highlights move at most.
const QUARTER: f32 = 63.75;

/// Scales linear light by two to the power of `stops`.
pub(crate) fn exposure(level: f32, stops: f32) -> f32 {
    if stops == 0.0 { level } else { 255.0 * encode_srgb(decode_srgb(level / 255.0) * stops.exp2()) }
}

// 27/4 x (1-x)^2 has its peak of 1 at x = 1/3 and is flat at white; mirrored for the highlights.
pub(crate) fn shadows(level: f32, amount: f32) -> f32 {
    let x = level / 255.0;
    level + amount * QUARTER * 6.75 * x * (1.0 - x) * (1.0 - x)
}

pub(crate) fn highlights(level: f32, amount: f32) -> f32 {
    let x = level / 255.0;
    level + amount * QUARTER * 6.75 * x * x * (1.0 - x)
}

/// Mixes with the air; below 0 the same mixing is undone.
pub(crate) fn haze(level: f32, amount: f32) -> f32 {
    let veil = amount.abs();
    if amount < 0.0 { (level - veil * AIR) / (1.0 - veil) } else { level + veil * (AIR - level) }
}
