//! Tone curves on single values, tabulated.

use super::{Table, table};
use crate::lab::{decode_srgb, encode_srgb};

/// Colour of the veil: grey, a little below white.
const AIR: f32 = 230.0;

/// A quarter of the range: what shadows and highlights move at most.
const QUARTER: f32 = 63.75;

/// Scales linear light by two to the power of `stops`.
pub(crate) fn exposure(stops: f32) -> Table {
    if stops == 0.0 {
        return table(|v| v);
    }
    table(|v| 255.0 * encode_srgb(decode_srgb(v / 255.0) * stops.exp2()))
}

// 27/4 x (1-x)^2 has its peak of 1 at x = 1/3 and is flat at white; mirrored for the highlights.
pub(crate) fn shadows(amount: f32) -> Table {
    table(|v| {
        let x = v / 255.0;
        v + amount * QUARTER * 6.75 * x * (1.0 - x) * (1.0 - x)
    })
}

pub(crate) fn highlights(amount: f32) -> Table {
    table(|v| {
        let x = v / 255.0;
        v + amount * QUARTER * 6.75 * x * x * (1.0 - x)
    })
}

/// Mixes with the air; below 0 the same mixing is undone.
pub(crate) fn haze(amount: f32) -> Table {
    let veil = amount.abs();
    if amount < 0.0 { table(|v| (v - veil * AIR) / (1.0 - veil)) } else { table(|v| v + veil * (AIR - v)) }
}

/// The negative, or for channels that stay the identity.
pub(crate) fn inversion(inverted: bool) -> Table {
    std::array::from_fn(|value| if inverted { 255 - value as u8 } else { value as u8 })
}
