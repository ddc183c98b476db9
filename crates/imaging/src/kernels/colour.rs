//! Colour against grey, on each pixel alone.

use super::shuffle::{Mix, mapped_groups};
use super::{round, vectorized};
use crate::lab::luma_of_levels;
use crate::{Grey, Photo};

/// Pixels that are taken apart together.
const BLOCK: usize = 64;

/// Scales the distance of every channel from the pixel's luma, see [`chroma_scaled`].
pub(crate) fn scale_chroma(photo: &mut Photo, factor: impl Fn(f32) -> f32) {
    in_planes(
        photo,
        #[inline(always)]
        |pixel| chroma_scaled(pixel, &factor).map(round),
    );
}

/// The pixel with the distance of every channel from its luma scaled. The factor is asked for with the pixel's saturation:
/// the spread of its channels over the largest, 0 for grey and 1 for a pure colour.
#[inline(always)]
pub(crate) fn chroma_scaled(pixel: [f32; 3], factor: impl Fn(f32) -> f32) -> [f32; 3] {
    let [high, low] = [pixel[0].max(pixel[1]).max(pixel[2]), pixel[0].min(pixel[1]).min(pixel[2])];
    let saturation = if high == 0.0 { 0.0 } else { (high - low) / high };
    let grey = luma_of_levels(pixel);
    let factor = factor(saturation);
    pixel.map(|value| grey + factor * (value - grey))
}

/// Computes pixels from pixels, in blocks that are taken apart into channels, so that the loop over a block becomes wide
/// instructions.
fn in_planes(photo: &mut Photo, work: impl Fn([f32; 3]) -> [u8; 3]) {
    vectorized(
        #[inline(always)]
        || {
            for block in photo.pixels_mut().as_chunks_mut().0.chunks_mut(BLOCK) {
                let mut planes = [[0.0_f32; BLOCK]; 3];
                for (i, pixel) in block.iter().enumerate() {
                    for (plane, value) in planes.iter_mut().zip(pixel) {
                        plane[i] = f32::from(*value);
                    }
                }
                let mut results = [[0_u8; BLOCK]; 3];
                for i in 0..BLOCK {
                    let pixel = work([planes[0][i], planes[1][i], planes[2][i]]);
                    for (result, value) in results.iter_mut().zip(pixel) {
                        result[i] = value;
                    }
                }
                for (i, pixel) in block.iter_mut().enumerate() {
                    *pixel = [results[0][i], results[1][i], results[2][i]];
                }
            }
        },
    );
}

/// Makes the three channels equal.
pub(crate) fn greyscale(photo: &Photo, grey: Grey) -> Photo {
    let mix = match grey {
        Grey::Luminosity => Mix::luma(),
        // A third, rounded up. A sum of 3 k + 2 is nearest to k + 1.
        Grey::Average => Mix::new([10923; 3], 10923),
    };
    mapped_groups(
        photo,
        #[inline(always)]
        |[first, second]| [mix.apply(first), mix.apply(second)],
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn averages_are_rounded_to_the_nearest() {
        let sums = Photo::from_fn(766, 1, |x, _| {
            [x.min(255), x.saturating_sub(255).min(255), x.saturating_sub(510)].map(|v| v as u8)
        });
        let grey = greyscale(&sums.unwrap(), Grey::Average);
        for (sum, &value) in grey.pixels().iter().step_by(3).enumerate() {
            assert_eq!(value, (sum as f64 / 3.0).round() as u8, "{sum}");
        }
    }
}
