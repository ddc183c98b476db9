//! The pixel loops behind the operations.
//!
//! Tone and colour work on one 256-entry table per channel; blurs are separable and carried in `f32`, with the border
//! mirrored around the edge pixel (OpenCV's `REFLECT_101`).

use crate::{Photo, luma};

/// What each of the 256 values of a channel becomes.
pub(crate) type Table = [u8; 256];

/// Tabulates a tone curve over 0..=255; the result is rounded and clamped.
pub(crate) fn table(curve: impl Fn(f32) -> f32) -> Table {
    std::array::from_fn(|value| round(curve(value as f32)))
}

/// Looks every value up in the table of its channel.
pub(crate) fn apply_tables(photo: &mut Photo, tables: &[Table; 3]) {
    for pixel in photo.pixels_mut().chunks_exact_mut(3) {
        pixel[0] = tables[0][usize::from(pixel[0])];
        pixel[1] = tables[1][usize::from(pixel[1])];
        pixel[2] = tables[2][usize::from(pixel[2])];
    }
}

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

/// Mean of red, green and blue, 0 to 255.
pub(crate) fn channel_means(photo: &Photo) -> [f32; 3] {
    let mut sums = [0_u64; 3];
    for pixel in photo.pixels().chunks_exact(3) {
        for (sum, &value) in sums.iter_mut().zip(pixel) {
            *sum += u64::from(value);
        }
    }
    let count = (photo.pixels().len() / 3) as f64;
    sums.map(|sum| (sum as f64 / count) as f32)
}

/// Number of pixels at each rounded luma.
pub(crate) fn luma_histogram(photo: &Photo) -> [u64; 256] {
    let mut histogram = [0; 256];
    for pixel in photo.pixels().chunks_exact(3) {
        histogram[usize::from(round(luma([pixel[0], pixel[1], pixel[2]])))] += 1;
    }
    histogram
}

/// Adds `amount` times the difference of each pixel from its four neighbours.
pub(crate) fn add_laplacian(photo: &mut Photo, amount: f32) {
    let (width, height) = (photo.width() as usize, photo.height() as usize);
    let source = photo.clone();
    let source = source.pixels();
    for (y, row) in photo.pixels_mut().chunks_exact_mut(width * 3).enumerate() {
        let above = mirrored(y as isize - 1, height) * width;
        let below = mirrored(y as isize + 1, height) * width;
        for x in 0..width {
            let left = y * width + mirrored(x as isize - 1, width);
            let right = y * width + mirrored(x as isize + 1, width);
            for channel in 0..3 {
                let at = |pixel: usize| f32::from(source[pixel * 3 + channel]);
                let here = at(y * width + x);
                let laplacian = 4.0 * here - at(above + x) - at(below + x) - at(left) - at(right);
                row[x * 3 + channel] = round(here + amount * laplacian);
            }
        }
    }
}

/// Adds `amount` times the difference of each pixel from a Gaussian blur of `sigma` pixels.
pub(crate) fn add_detail(photo: &mut Photo, sigma: f32, amount: f32) {
    let blurred = blurred(photo, sigma);
    for (value, soft) in photo.pixels_mut().iter_mut().zip(blurred) {
        let here = f32::from(*value);
        *value = round(here + amount * (here - soft));
    }
}

/// Gaussian blur of `sigma` pixels; below 0.05 nothing changes.
pub(crate) fn gaussian_blur(photo: &mut Photo, sigma: f32) {
    if sigma < 0.05 {
        return;
    }
    let blurred = blurred(photo, sigma);
    for (value, soft) in photo.pixels_mut().iter_mut().zip(blurred) {
        *value = round(soft);
    }
}

/// Moves each value by `amount` (0 to 1) of the way to the median of its 3x3 neighbourhood.
pub(crate) fn blend_median(photo: &mut Photo, amount: f32) {
    let (width, height) = (photo.width() as usize, photo.height() as usize);
    let source = photo.clone();
    let source = source.pixels();
    for (y, row) in photo.pixels_mut().chunks_exact_mut(width * 3).enumerate() {
        for x in 0..width {
            for channel in 0..3 {
                let mut around = [0_u8; 9];
                for (slot, value) in around.iter_mut().enumerate() {
                    let neighbour_y = mirrored(y as isize + (slot / 3) as isize - 1, height);
                    let neighbour_x = mirrored(x as isize + (slot % 3) as isize - 1, width);
                    *value = source[(neighbour_y * width + neighbour_x) * 3 + channel];
                }
                around.sort_unstable();
                let here = f32::from(row[x * 3 + channel]);
                row[x * 3 + channel] = round(here + amount * (f32::from(around[4]) - here));
            }
        }
    }
}

/// Rounds to the nearest 8-bit value, halves upwards, and clamps.
pub(crate) fn round(value: f32) -> u8 {
    // `as` truncates and saturates, so adding a half rounds and both ends are clamped.
    (value + 0.5) as u8
}

/// All values blurred, `[height][width][3]`, 0 to 255.
fn blurred(photo: &Photo, sigma: f32) -> Vec<f32> {
    let (width, height) = (photo.width() as usize, photo.height() as usize);
    let weights = gaussian_weights(sigma);
    let reach = (weights.len() - 1) as isize;
    let stride = width * 3;
    // Across: each row is first copied with its mirrored margins, so that the inner loop runs over plain slices.
    let mut across = vec![0.0_f32; stride * height];
    let mut padded = vec![0.0_f32; (width + 2 * reach as usize) * 3];
    for (row, target) in photo.pixels().chunks_exact(stride).zip(across.chunks_exact_mut(stride)) {
        for (x, pixel) in padded.chunks_exact_mut(3).enumerate() {
            let from = mirrored(x as isize - reach, width) * 3;
            for (value, &source) in pixel.iter_mut().zip(&row[from..from + 3]) {
                *value = f32::from(source);
            }
        }
        weighted_sum(target, &weights, |offset| {
            let start = ((reach + offset) * 3) as usize;
            &padded[start..start + stride]
        });
    }
    // Down: the same over whole rows.
    let mut down = vec![0.0_f32; stride * height];
    for (y, target) in down.chunks_exact_mut(stride).enumerate() {
        weighted_sum(target, &weights, |offset| {
            let start = mirrored(y as isize + offset, height) * stride;
            &across[start..start + stride]
        });
    }
    down
}

/// `target[i] = sum over offsets of weight * source(offset)[i]`, the weights being symmetric and indexed by distance.
fn weighted_sum<'a>(target: &mut [f32], weights: &[f32], source: impl Fn(isize) -> &'a [f32]) {
    for (value, &centre) in target.iter_mut().zip(source(0)) {
        *value = weights[0] * centre;
    }
    for (distance, &weight) in weights.iter().enumerate().skip(1) {
        let (before, after) = (source(-(distance as isize)), source(distance as isize));
        for ((value, &before), &after) in target.iter_mut().zip(before).zip(after) {
            *value += weight * (before + after);
        }
    }
}

/// Gaussian weights by distance from the centre out to three standard deviations, summing to 1 over both sides.
fn gaussian_weights(sigma: f32) -> Vec<f32> {
    let reach = (3.0 * sigma).ceil().max(1.0) as usize;
    let mut weights: Vec<f32> = (0..=reach).map(|d| (-0.5 * (d as f32 / sigma).powi(2)).exp()).collect();
    let total = weights[0] + 2.0 * weights[1..].iter().sum::<f32>();
    for weight in &mut weights {
        *weight /= total;
    }
    weights
}

/// Index inside `0..length` for a position beyond the border, mirrored around the edge element.
fn mirrored(position: isize, length: usize) -> usize {
    let length = length as isize;
    if length == 1 {
        return 0;
    }
    let period = 2 * (length - 1);
    let wrapped = position.rem_euclid(period);
    wrapped.min(period - wrapped) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mirroring_repeats_without_the_edge() {
        let seen: Vec<usize> = (-4..8).map(|i| mirrored(i, 4)).collect();
        assert_eq!(seen, [2, 3, 2, 1, 0, 1, 2, 3, 2, 1, 0, 1]);
        assert_eq!(mirrored(-7, 1), 0);
    }

    #[test]
    fn a_blur_keeps_a_flat_photo_and_the_mean_of_a_point() {
        let mut flat = Photo::from_fn(7, 5, |_, _| [40, 50, 60]).unwrap();
        let before = flat.clone();
        gaussian_blur(&mut flat, 3.0);
        assert_eq!(flat, before);

        let point = Photo::from_fn(41, 41, |x, y| if (x, y) == (20, 20) { [255; 3] } else { [0; 3] }).unwrap();
        let total: f32 = blurred(&point, 2.0).iter().sum();
        assert!((total - 3.0 * 255.0).abs() < 0.1, "{total}");
    }

    #[test]
    fn laplacian_by_hand() {
        // A single column: the neighbours left and right are the pixel itself.
        let mut photo = Photo::new(1, 3, vec![10, 10, 10, 20, 20, 20, 40, 40, 40]).unwrap();
        add_laplacian(&mut photo, 0.5);
        // Middle: 20 + 0.5 (80 - 10 - 40 - 20 - 20) = 15. Top: 10 + 0.5 (40 - 20 - 20 - 10 - 10) = 0.
        assert_eq!(photo.pixels()[..6], [0, 0, 0, 15, 15, 15]);
    }
}
