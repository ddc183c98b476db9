//! Structural similarity.

use super::check_sizes;
use crate::kernels::{mirrored, vectorized};
use crate::{Error, Photo, luma};

/// Pixels on either side of the centre of the window, and its standard deviation.
const REACH: usize = 5;
const SIGMA: f64 = 1.5;

/// What keeps the ratios finite where there is no light and no contrast: (0.01 L)^2 and (0.03 L)^2, L being 255.
const LIGHT: f64 = 6.5025;
const CONTRAST: f64 = 58.5225;

/// What is averaged within the window: both values, their squares and their product.
const MOMENTS: usize = 5;

/// Mean structural similarity of luma (SSIM; Wang, Bovik, Sheikh and Simoncelli 2004): 1 for equal photos, near 0 for unrelated
/// ones, below 0 for opposite ones.
///
/// The window is a Gaussian of 11x11 pixels with a standard deviation of 1.5, the constants are K1 = 0.01 and K2 = 0.03. As in the
/// paper only windows count that lie within the photo; along a side of less than 11 pixels the photo is mirrored instead.
///
/// # Errors
/// [`Error::SizeMismatch`] when the sizes differ.
pub fn ssim(a: &Photo, b: &Photo) -> Result<f64, Error> {
    check_sizes(a, b)?;
    let (width, height) = (a.width() as usize, a.height() as usize);
    let planes = [a, b].map(|photo| -> Vec<f64> {
        photo.pixels().as_chunks().0.iter().map(|&pixel| f64::from(luma(pixel))).collect()
    });
    let weights = weights();
    let inside = |side: usize| if side > 2 * REACH { REACH..side - REACH } else { 0..side };
    let (rows, columns) = (inside(height), inside(width));
    let count = rows.len() * columns.len();
    let mut lines: [Vec<f64>; MOMENTS] = std::array::from_fn(|_| vec![0.0; width + 2 * REACH]);
    let mut total = 0.0;
    for y in rows {
        lines.iter_mut().for_each(|line| line.fill(0.0));
        for (offset, weight) in weights.iter().enumerate() {
            let from = mirrored((y + offset) as isize - REACH as isize, height) * width;
            let row = |plane: usize| &planes[plane][from..from + width];
            add_moments(&mut lines, *weight, row(0), row(1));
        }
        for line in &mut lines {
            for x in (0..REACH).chain(width + REACH..width + 2 * REACH) {
                line[x] = line[REACH + mirrored(x as isize - REACH as isize, width)];
            }
        }
        for x in columns.clone() {
            let moments = lines.each_ref().map(|line| -> f64 {
                line[x..x + weights.len()].iter().zip(&weights).map(|(value, weight)| value * weight).sum()
            });
            total += similarity(moments);
        }
    }
    Ok(total / count as f64)
}

fn add_moments(lines: &mut [Vec<f64>; MOMENTS], weight: f64, a: &[f64], b: &[f64]) {
    let [means_a, means_b, squares_a, squares_b, products] = lines.each_mut().map(|line| &mut line[REACH..][..a.len()]);
    vectorized(
        #[inline(always)]
        || {
            for i in 0..a.len() {
                means_a[i] += weight * a[i];
                means_b[i] += weight * b[i];
                squares_a[i] += weight * a[i] * a[i];
                squares_b[i] += weight * b[i] * b[i];
                products[i] += weight * a[i] * b[i];
            }
        },
    );
}

fn similarity([mean_a, mean_b, square_a, square_b, product]: [f64; MOMENTS]) -> f64 {
    let (variance_a, variance_b) = (square_a - mean_a * mean_a, square_b - mean_b * mean_b);
    let covariance = product - mean_a * mean_b;
    let light = (2.0 * mean_a * mean_b + LIGHT) / (mean_a * mean_a + mean_b * mean_b + LIGHT);
    light * (2.0 * covariance + CONTRAST) / (variance_a + variance_b + CONTRAST)
}

fn weights() -> [f64; 2 * REACH + 1] {
    let weights: [f64; 2 * REACH + 1] =
        std::array::from_fn(|place| (-0.5 * ((place as f64 - REACH as f64) / SIGMA).powi(2)).exp());
    let total: f64 = weights.iter().sum();
    weights.map(|weight| weight / total)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Operation;

    fn photo(width: u32, height: u32) -> Photo {
        Photo::from_fn(width, height, |x, y| [(x * 7 + y * 3) as u8, (x * y) as u8, (255 - x * 2) as u8]).unwrap()
    }

    #[test]
    fn equal_opposite_and_small_photos() {
        for (width, height) in [(40, 30), (11, 11), (10, 40), (3, 2), (1, 1)] {
            let photo = photo(width, height);
            assert!((ssim(&photo, &photo).unwrap() - 1.0).abs() < 1e-9, "{width}x{height}");
        }
        let negative = "invert:rgb".parse::<Operation>().unwrap().apply(&photo(40, 30));
        assert!(ssim(&photo(40, 30), &negative).unwrap() < 0.0);
        assert!(ssim(&photo(40, 30), &photo(30, 40)).is_err());
    }

    #[test]
    fn agrees_with_an_independent_computation() {
        // By NumPy and OpenCV's GaussianBlur in double precision; `tests/golden/make.py` prints these numbers.
        for (text, expected) in [("invert:rgb", -0.846_480), ("lightness:30", 0.977_044), ("channels:bgr", 0.971_008)] {
            let edited = text.parse::<Operation>().unwrap().apply(&photo(48, 40));
            let got = ssim(&photo(48, 40), &edited).unwrap();
            assert!((got - expected).abs() < 1e-5, "{text}: {got}");
        }
    }
}
