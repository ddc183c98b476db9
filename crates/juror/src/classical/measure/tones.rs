//! How light a photo is, and how its tones are spread.

/// Statistics of luma.
pub(super) struct Tones {
    pub(super) mean: f64,
    pub(super) deviation: f64,
    pub(super) black: f64,
    pub(super) white: f64,
    pub(super) relative_median: f64,
    pub(super) upper_midtones: f64,
    pub(super) middle_share: f64,
    /// Level from 0 to 255 that parts the darker half from the brighter one.
    pub(super) median_level: i16,
}

impl Tones {
    /// Of luma from 0 to 255.
    pub(super) fn of(luma: &[i16]) -> Self {
        let mut histogram = [0_u32; 256];
        for &value in luma {
            histogram[value as usize] += 1;
        }
        let count = luma.len() as f64;
        let moment = |power: i32| {
            let terms = histogram.iter().enumerate().map(|(v, &n)| f64::from(n) * (v as f64 / 255.0).powi(power));
            terms.sum::<f64>() / count
        };
        let quantile = |share: f64| {
            let mut below = 0.0;
            let level = histogram.iter().position(|&n| {
                below += f64::from(n);
                below >= share * count
            });
            level.unwrap_or(255) as f64 / 255.0
        };
        // Where a number lies between two others; in the middle where these are one.
        let between = |low: f64, number: f64, high: f64| if high > low { (number - low) / (high - low) } else { 0.5 };
        let (mean, median) = (moment(1), quantile(0.5));
        let nine_tenths = [quantile(0.05), quantile(0.95)];
        let quarter = |share| between(nine_tenths[0], quantile(share), nine_tenths[1]);
        Self {
            mean,
            deviation: (moment(2) - mean * mean).max(0.0).sqrt(),
            black: quantile(0.01),
            white: quantile(0.999),
            relative_median: between(quantile(0.01), median, quantile(0.99)),
            upper_midtones: quantile(0.7),
            middle_share: quarter(0.75) - quarter(0.25),
            median_level: (255.0 * median).round() as i16,
        }
    }
}

/// How bright the corners are beside all of a photo.
pub(super) fn corners(luma: &[i16], width: usize) -> f64 {
    let (across, down) = (width.div_ceil(8), (luma.len() / width).div_ceil(8));
    let sum = |values: &[i16]| values.iter().map(|&value| u64::from(value.unsigned_abs())).sum::<u64>();
    let ends = |row: &[i16]| sum(&row[..across]) + sum(&row[width - across..]);
    let rows = || luma.chunks_exact(width);
    let in_corners = rows().take(down).map(ends).sum::<u64>() + rows().rev().take(down).map(ends).sum::<u64>();
    // A level more on both sides: black says nothing.
    let mean = |sum: u64, pixels: usize| sum as f64 / pixels as f64 + 1.0;
    mean(in_corners, 4 * across * down) / mean(sum(luma), luma.len())
}
