//! Sharpening and Gaussian blur.

use super::{mirrored, round, vectorized};
use crate::Photo;

/// Adds `amount` times the difference of each pixel from its four neighbours.
pub(crate) fn add_laplacian(photo: &mut Photo, amount: f32) {
    from_neighbours(
        photo,
        #[inline(always)]
        |[_, up, _, left, here, right, _, down, _]| {
            let laplacian = 4 * here - up - down - left - right;
            round(here as f32 + amount * laplacian as f32)
        },
    );
}

/// Adds `amount` times the difference of each pixel from all eight around it.
pub(crate) fn add_laplacian_of_eight(photo: &mut Photo, amount: f32) {
    from_neighbours(
        photo,
        #[inline(always)]
        |around| {
            let here = around[4];
            let laplacian = 9 * here - around.iter().sum::<i16>();
            round(here as f32 + amount * laplacian as f32)
        },
    );
}

/// Computes every value from the 3x3 around it, row by row.
fn from_neighbours(photo: &mut Photo, work: impl Fn([i16; 9]) -> u8) {
    let (stride, height) = (photo.width() as usize * 3, photo.height() as usize);
    let mut padded = [vec![0; stride + 6], vec![0; stride + 6], vec![0; stride + 6]];
    let mut result = vec![0; stride * height];
    vectorized(
        #[inline(always)]
        || {
            for (y, target) in result.chunks_exact_mut(stride).enumerate() {
                for (offset, row) in (-1..).zip(&mut padded) {
                    let from = mirrored(y as isize + offset, height) * stride;
                    row[3..stride + 3].copy_from_slice(&photo.pixels()[from..from + stride]);
                    fill_margins(row, 1);
                }
                // Slices of one length, so that the loop over them needs no checks.
                let [[a, b, c], [d, e, f], [g, h, k]] =
                    padded.each_ref().map(|row| [0, 3, 6].map(|from| &row[from..from + stride]));
                let target = &mut target[..stride];
                for i in 0..stride {
                    let around = [a[i], b[i], c[i], d[i], e[i], f[i], g[i], h[i], k[i]];
                    target[i] = work(around.map(i16::from));
                }
            }
        },
    );
    replace_pixels(photo, result);
}

/// Adds `amount` times the difference of each pixel from a Gaussian blur of `sigma` pixels.
pub(crate) fn add_detail(photo: &mut Photo, sigma: f32, amount: f32) {
    blurred(
        photo,
        sigma,
        #[inline(always)]
        |value, soft| {
            let here = f32::from(value);
            round(here + amount * (here - soft))
        },
    );
}

/// Gaussian blur of `sigma` pixels; below 0.05 nothing changes.
pub(crate) fn gaussian_blur(photo: &mut Photo, sigma: f32) {
    if sigma >= 0.05 {
        blurred(photo, sigma, |_, soft| round(soft));
    }
}

/// Replaces each value by what `finish` makes of it and its blurred self: first down, then across, one row at a time.
fn blurred(photo: &mut Photo, sigma: f32, finish: impl Fn(u8, f32) -> u8) {
    let (stride, height) = (photo.width() as usize * 3, photo.height() as usize);
    let weights = gaussian_weights(sigma);
    let reach = weights.len() - 1;
    let mut padded = vec![0.0_f32; stride + 6 * reach];
    let mut soft = vec![0.0_f32; stride];
    let mut result = vec![0; stride * height];
    let source = photo.pixels();
    vectorized(
        #[inline(always)]
        || {
            for (y, target) in result.chunks_exact_mut(stride).enumerate() {
                let row = |offset: isize| {
                    let from = mirrored(y as isize + offset, height) * stride;
                    &source[from..from + stride]
                };
                weighted_sum(&mut padded[3 * reach..][..stride], &weights, row, f32::from);
                fill_margins(&mut padded, reach);
                let moved = |offset: isize| {
                    let from = 3 * (reach as isize + offset) as usize;
                    &padded[from..from + stride]
                };
                weighted_sum(&mut soft, &weights, moved, |value| value);
                for ((target, &value), &soft) in target.iter_mut().zip(row(0)).zip(&soft) {
                    *target = finish(value, soft);
                }
            }
        },
    );
    replace_pixels(photo, result);
}

/// `target[i] = sum over offsets of weight * source(offset)[i]`, the weights being symmetric and indexed by distance.
#[inline(always)]
pub(crate) fn weighted_sum<'a, T: Copy + 'a>(
    target: &mut [f32],
    weights: &[f32],
    source: impl Fn(isize) -> &'a [T],
    number: impl Fn(T) -> f32,
) {
    for (value, &centre) in target.iter_mut().zip(source(0)) {
        *value = weights[0] * number(centre);
    }
    for (distance, &weight) in weights.iter().enumerate().skip(1) {
        let (before, after) = (source(-(distance as isize)), source(distance as isize));
        for ((value, &before), &after) in target.iter_mut().zip(before).zip(after) {
            *value += weight * (number(before) + number(after));
        }
    }
}

/// Gaussian weights by distance from the centre out to three standard deviations, summing to 1 over both sides.
pub(crate) fn gaussian_weights(sigma: f32) -> Vec<f32> {
    let reach = (3.0 * sigma).ceil().max(1.0) as usize;
    let mut weights: Vec<f32> = (0..=reach).map(|d| (-0.5 * (d as f32 / sigma).powi(2)).exp()).collect();
    let total = weights[0] + 2.0 * weights[1..].iter().sum::<f32>();
    for weight in &mut weights {
        *weight /= total;
    }
    weights
}

/// Mirrors the pixels of a row into its margins, each `reach` pixels wide.
pub(crate) fn fill_margins<T: Copy>(row: &mut [T], reach: usize) {
    let width = row.len() / 3 - 2 * reach;
    for step in 1..=reach {
        let sides = [(reach - step, -(step as isize)), (reach + width + step - 1, (width + step - 1) as isize)];
        for (to, from) in sides {
            let from = reach + mirrored(from, width);
            row.copy_within(3 * from..3 * from + 3, 3 * to);
        }
    }
}

/// Puts new pixels of the same size into the photo.
pub(super) fn replace_pixels(photo: &mut Photo, pixels: Vec<u8>) {
    *photo = Photo::new(photo.width(), photo.height(), pixels).expect("the size stays");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blur_keeps_a_flat_photo_and_spreads_a_point_evenly() {
        let mut flat = Photo::from_fn(7, 5, |_, _| [40, 50, 60]).unwrap();
        let before = flat.clone();
        gaussian_blur(&mut flat, 3.0);
        assert_eq!(flat, before);

        let mut point = Photo::from_fn(41, 41, |x, y| if (x, y) == (20, 20) { [255; 3] } else { [0; 3] }).unwrap();
        gaussian_blur(&mut point, 2.0);
        for distance in 0..7 {
            let around = [(20 - distance, 20), (20 + distance, 20), (20, 20 - distance), (20, 20 + distance)];
            let values = around.map(|(x, y)| point.pixel(x, y)[0]);
            assert!(values.iter().all(|value| *value == values[0]), "{values:?}");
        }
        // 255 / (2 pi sigma^2) at the centre.
        assert_eq!(point.pixel(20, 20)[0], 10);
    }

    #[test]
    fn laplacian_by_hand() {
        // A single column: the neighbours left and right are the pixel itself.
        let mut photo = Photo::new(1, 3, vec![10, 10, 10, 20, 20, 20, 40, 40, 40]).unwrap();
        add_laplacian(&mut photo, 0.5);
        // Middle: 20 + 0.5 (80 - 10 - 40 - 20 - 20) = 15. Top: 10 + 0.5 (40 - 20 - 20 - 10 - 10) = 0.
        assert_eq!(photo.pixels()[..6], [0, 0, 0, 15, 15, 15]);
    }

    #[test]
    fn laplacian_of_eight_by_hand() {
        let mut photo = Photo::from_fn(3, 3, |x, y| if (x, y) == (1, 1) { [20; 3] } else { [18; 3] }).unwrap();
        add_laplacian_of_eight(&mut photo, 1.0);
        // Middle: 20 + 8 * 2. The corner sees the middle four times, by the mirror: 18 - 4 * 2.
        assert_eq!((photo.pixel(1, 1), photo.pixel(0, 0)), ([36; 3], [10; 3]));
    }

    #[test]
    fn margins_mirror_around_the_edge_pixel() {
        let mut row = vec![0, 0, 0, 0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3, 0, 0, 0, 0, 0, 0];
        fill_margins(&mut row, 2);
        assert_eq!(row.iter().step_by(3).copied().collect::<Vec<_>>(), [3, 2, 1, 2, 3, 2, 1]);
    }
}
