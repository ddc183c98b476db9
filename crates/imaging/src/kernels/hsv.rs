//! HSV with hue in 180 steps and S and V in 256, as 8-bit OpenCV images have it.

use std::array::from_fn;

use super::{round, vectorized};
use crate::Photo;

/// Pixels that are worked on together, so that loops over them become wide instructions.
const BLOCK: usize = 64;

/// Division by V and by the spread is multiplication with these, in 12 bits behind the point.
struct Reciprocals {
    saturation: [i32; 256],
    hue: [i32; 256],
}

impl Reciprocals {
    fn new() -> Self {
        let rounded = |numerator: f64, value: usize| (numerator / value.max(1) as f64).round() as i32;
        Self {
            saturation: from_fn(|value| rounded(f64::from(255 << 12), value)),
            hue: from_fn(|value| rounded(f64::from(30 << 12), value)),
        }
    }
}

/// Multiplies S by `factor`, to at most 255, and keeps H and V. At 1 nothing changes, although the way through HSV loses up to
/// six levels.
pub(crate) fn scale_saturation(photo: &mut Photo, factor: f32) {
    if factor == 1.0 {
        return;
    }
    let reciprocals = Reciprocals::new();
    vectorized(
        #[inline(always)]
        || {
            let (blocks, rest) = photo.pixels_mut().as_chunks_mut();
            for block in blocks {
                scale_block(block, factor, &reciprocals);
            }
            // The last pixels are padded with black to a block.
            let mut block = [0; 3 * BLOCK];
            block[..rest.len()].copy_from_slice(rest);
            scale_block(&mut block, factor, &reciprocals);
            rest.copy_from_slice(&block[..rest.len()]);
        },
    );
}

/// The same for levels of any depth, without steps: V stays, and the distance of every channel from it is scaled with S.
#[inline(always)]
pub(crate) fn saturation_scaled(pixel: [f32; 3], factor: f32) -> [f32; 3] {
    let [high, low] = [pixel[0].max(pixel[1]).max(pixel[2]), pixel[0].min(pixel[1]).min(pixel[2])];
    // S is (high - low) / high, and ends at 1, where the lowest channel is 0.
    let most = if high > low { high / (high - low) } else { 1.0 };
    let factor = factor.min(most);
    pixel.map(|value| high - factor * (high - value))
}

#[inline(always)]
fn scale_block(block: &mut [u8; 3 * BLOCK], factor: f32, reciprocals: &Reciprocals) {
    let mut channels = [[0_i32; BLOCK]; 3];
    let mut divisors = [[0_i32; BLOCK]; 2];
    for (i, pixel) in block.as_chunks::<3>().0.iter().enumerate() {
        let (high, low) = (pixel[0].max(pixel[1]).max(pixel[2]), pixel[0].min(pixel[1]).min(pixel[2]));
        for (channel, &value) in channels.iter_mut().zip(pixel) {
            channel[i] = i32::from(value);
        }
        divisors[0][i] = reciprocals.saturation[usize::from(high)];
        divisors[1][i] = reciprocals.hue[usize::from(high - low)];
    }
    let mut results = [[0_u8; BLOCK]; 3];
    for i in 0..BLOCK {
        let [r, g, b] = [channels[0][i], channels[1][i], channels[2][i]];
        let (high, low) = (r.max(g).max(b), r.min(g).min(b));
        let spread = high - low;
        let saturation = (spread * divisors[0][i] + (1 << 11)) >> 12;
        // Sixths of the circle, times the spread, counted from the largest channel.
        let sixths = if high == r {
            g - b
        } else if high == g {
            b - r + 2 * spread
        } else {
            r - g + 4 * spread
        };
        let hue = (sixths * divisors[1][i] + (1 << 11)) >> 12;
        let hue = if hue < 0 { hue + 180 } else { hue };
        let scaled = nearest((saturation as f32 * factor).min(255.0));
        let colour = to_rgb(hue as f32, scaled / 255.0, high as f32);
        for (result, value) in results.iter_mut().zip(colour) {
            result[i] = round(value);
        }
    }
    for (i, pixel) in block.as_chunks_mut::<3>().0.iter_mut().enumerate() {
        *pixel = [results[0][i], results[1][i], results[2][i]];
    }
}

/// The nearest whole number, halves to the even one, for values from 0 to 255: where a float counts in ones.
#[inline(always)]
fn nearest(value: f32) -> f32 {
    const ONES: f32 = 8_388_608.0;
    (value + ONES) - ONES
}

/// Each channel is V where the hue is near to its own, V (1 - S) where it is far, and between them straight lines.
#[inline(always)]
fn to_rgb(hue: f32, saturation: f32, value: f32) -> [f32; 3] {
    let sixths = hue / 30.0;
    let channel = |offset: f32| {
        let turned = sixths + offset;
        let turned = if turned >= 6.0 { turned - 6.0 } else { turned };
        let away = turned.min(4.0 - turned).clamp(0.0, 1.0);
        value * (1.0 - saturation * away)
    };
    [channel(5.0), channel(3.0), channel(1.0)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pixel: [u8; 3], factor: f32, expected: [u8; 3]) {
        let mut photo = Photo::from_fn(67, 1, |_, _| pixel).unwrap();
        scale_saturation(&mut photo, factor);
        assert!(photo.pixels().chunks_exact(3).all(|p| p == expected), "{pixel:?} became {:?}", photo.pixel(66, 0));
    }

    #[test]
    fn by_hand() {
        // S = 255 (200 - 100) / 200 = 128 of 255 becomes 64, hue 0: green and blue are 200 (1 - 64 / 255).
        check([200, 100, 100], 0.5, [200, 150, 150]);
        check([100, 200, 100], 0.5, [150, 200, 150]);
        check([100, 100, 200], 0.5, [150, 150, 200]);
        // S is already at its end.
        check([200, 0, 0], 2.0, [200, 0, 0]);
        check([10, 20, 30], 0.0, [30, 30, 30]);
        check([77, 77, 77], 8.0, [77, 77, 77]);
        check([0, 0, 0], 3.0, [0, 0, 0]);
        check([255, 255, 0], 0.5, [255, 255, 127]);
    }
}
