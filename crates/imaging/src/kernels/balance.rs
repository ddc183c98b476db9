//! White balance and tone from statistics of the whole photo.

use super::shuffle::Mix;
use super::{apply_tables, factors, table, vectorized};
use crate::Photo;

/// Norm of shades-of-grey; six is what its authors found best.
pub(crate) const NORM: i32 = 6;

/// Moves the means of the channels towards their common mean, by the share `amount`.
pub(crate) fn grey_world(photo: &mut Photo, amount: f32) {
    let gains = gains(channel_means(photo), amount);
    apply_tables(photo, &factors(gains));
}

/// The same with the sixth root of the mean sixth power.
pub(crate) fn shades_of_grey(photo: &mut Photo, amount: f32) {
    let count = (photo.pixels().len() / 3) as f64;
    let norm = |histogram: [u64; 256]| {
        let total: f64 = (0_u32..).zip(histogram).map(|(v, n)| f64::from(v).powi(NORM) * n as f64).sum();
        root(total / count) as f32
    };
    let gains = gains(channel_histograms(photo).map(norm), amount);
    apply_tables(photo, &factors(gains));
}

/// The root that takes the mean of powers back.
pub(crate) fn root(mean: f64) -> f64 {
    mean.powf(1.0 / f64::from(NORM))
}

/// What the channels are multiplied with so that lights of these levels become one grey, by the share `amount`.
pub(crate) fn gains(lights: [f32; 3], amount: f32) -> [f32; 3] {
    // A channel without any light cannot be balanced by a factor.
    if lights.iter().any(|&light| light < 1.0) {
        return [1.0; 3];
    }
    let grey = (lights[0] + lights[1] + lights[2]) / 3.0;
    lights.map(|light| 1.0 + amount * (grey / light - 1.0))
}

/// Stretches luma to the full range, leaving `percent` of the pixels out at either end.
pub(crate) fn auto_contrast(photo: &mut Photo, percent: f32) {
    if let Some((low, factor)) = stretch(&luma_histogram(photo), percent) {
        apply_tables(photo, &[table(|v| (v - low) * factor); 3]);
    }
}

/// The level that becomes black, and the factor that makes another one white; none where there is nothing to stretch.
pub(crate) fn stretch(histogram: &[u64; 256], percent: f32) -> Option<(f32, f32)> {
    let ignored = histogram.iter().sum::<u64>() as f32 * percent / 100.0;
    let below = |level: usize| histogram[..=level].iter().sum::<u64>() as f32;
    let above = |level: usize| histogram[level..].iter().sum::<u64>() as f32;
    let low = (0..256).find(|&level| below(level) > ignored)?;
    let high = (0..256).rev().find(|&level| above(level) > ignored)?;
    (high > low).then(|| (low as f32, 255.0 / (high - low) as f32))
}

/// Takes the mean of all values to a half, by the share `amount` of the way (in logarithms of the exponent).
pub(crate) fn auto_gamma(photo: &mut Photo, amount: f32) {
    if let Some(exponent) = gamma_exponent(channel_means(photo), amount) {
        apply_tables(photo, &[table(|v| 255.0 * (v / 255.0).powf(exponent)); 3]);
    }
}

/// The exponent for channels with these means; none where they say nothing.
pub(crate) fn gamma_exponent([red, green, blue]: [f32; 3], amount: f32) -> Option<f32> {
    let mean = (red + green + blue) / (3.0 * 255.0);
    (0.01..=0.99).contains(&mean).then(|| (0.5_f32.ln() / mean.ln()).powf(amount))
}

/// Mean of red, green and blue, 0 to 255.
fn channel_means(photo: &Photo) -> [f32; 3] {
    let mut sums = [0_u64; 3];
    for pixel in photo.pixels().chunks_exact(3) {
        for (sum, &value) in sums.iter_mut().zip(pixel) {
            *sum += u64::from(value);
        }
    }
    let count = (photo.pixels().len() / 3) as f64;
    sums.map(|sum| (sum as f64 / count) as f32)
}

/// Number of pixels at each value of red, green and blue.
fn channel_histograms(photo: &Photo) -> [[u64; 256]; 3] {
    let mut histograms = [[0; 256]; 3];
    for pixel in photo.pixels().chunks_exact(3) {
        for (histogram, &value) in histograms.iter_mut().zip(pixel) {
            histogram[usize::from(value)] += 1;
        }
    }
    histograms
}

/// Number of pixels at each rounded luma.
fn luma_histogram(photo: &Photo) -> [u64; 256] {
    let luma = Mix::luma();
    let (groups, rest) = photo.pixels().as_chunks();
    // Neighbours are often equal, and a count that was just written has to be waited for: four take turns.
    let mut counts = [[0_u64; 256]; 4];
    vectorized(
        #[inline(always)]
        || {
            for group in groups {
                for values in luma.values(group).as_chunks::<4>().0 {
                    for (counts, &value) in counts.iter_mut().zip(values) {
                        counts[usize::from(value)] += 1;
                    }
                }
            }
        },
    );
    for pixel in rest.as_chunks().0 {
        counts[0][usize::from(luma.of(*pixel))] += 1;
    }
    std::array::from_fn(|value| counts.iter().map(|counts| counts[value]).sum())
}
