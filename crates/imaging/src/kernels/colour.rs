//! Colour against grey, on each pixel alone.

use super::round;
use crate::{Grey, Photo, luma};

/// Scales the distance of every channel from the pixel's luma. The factor is asked for with the pixel's saturation:
/// the spread of its channels over the largest, 0 for grey and 1 for a pure colour.
pub(crate) fn scale_chroma(photo: &mut Photo, factor: impl Fn(f32) -> f32) {
    for pixel in photo.pixels_mut().chunks_exact_mut(3) {
        let (high, low) = (pixel[0].max(pixel[1]).max(pixel[2]), pixel[0].min(pixel[1]).min(pixel[2]));
        let saturation = if high == 0 { 0.0 } else { f32::from(high - low) / f32::from(high) };
        let grey = luma([pixel[0], pixel[1], pixel[2]]);
        let factor = factor(saturation);
        for value in pixel {
            *value = round(grey + factor * (f32::from(*value) - grey));
        }
    }
}

/// Makes the three channels equal.
pub(crate) fn greyscale(photo: &mut Photo, grey: Grey) {
    let mix: fn([u32; 3]) -> u32 = match grey {
        // The weights of Rec. 601 in 15 bits, which sum to 2^15: grey stays as it is.
        Grey::Luminosity => |[r, g, b]| (9798 * r + 19235 * g + 3735 * b + (1 << 14)) >> 15,
        // Rounded: a sum of 3 k + 2 is nearest to k + 1.
        Grey::Average => |[r, g, b]| (r + g + b + 1) / 3,
    };
    for pixel in photo.pixels_mut().chunks_exact_mut(3) {
        let value = mix([pixel[0], pixel[1], pixel[2]].map(u32::from));
        pixel.fill(value as u8);
    }
}
