//! How much colour a photo has, and of which hue what should be grey is.

use dodge_imaging::{LabConverter, Photo};

/// Longest side up to which colour is measured on every pixel; beyond, on a regular grid of about this many columns.
const GRID: u32 = 160;

/// Statistics of colours.
pub(super) struct Colour {
    pub(super) colourfulness: f64,
    pub(super) vividness: f64,
    pub(super) shadow_colour: f64,
    pub(super) neutral_a: f64,
    pub(super) neutral_b: f64,
}

impl Colour {
    /// Of a photo with its luma, of which half of the pixels are at most `median`.
    pub(super) fn of(photo: &Photo, luma: &[i16], median: i16, lab: &LabConverter) -> Self {
        let step = photo.width().max(photo.height()).div_ceil(GRID).max(1) as usize;
        let width = photo.width() as usize;
        let (mut count, mut weights) = (0.0_f64, 0.0_f64);
        // Red-green and yellow-blue: sums and sums of squares; then the weighted sums of a* and b*.
        let (mut opponent, mut squares, mut neutral) = ([0.0_f64; 2], [0.0_f64; 2], [0.0_f64; 2]);
        let mut saturations = [0_u32; 256];
        // Sums of chroma and numbers of pixels in the darker and in the brighter half.
        let mut halves = [(0.0_f64, 0.0_f64); 2];
        for (row, lumas) in photo.pixels().chunks_exact(3 * width).zip(luma.chunks_exact(width)).step_by(step) {
            for (pixel, &luma) in row.chunks_exact(3).zip(lumas).step_by(step) {
                let [r, g, b] = [pixel[0], pixel[1], pixel[2]].map(f64::from);
                for (i, value) in [r - g, 0.5 * (r + g) - b].into_iter().enumerate() {
                    opponent[i] += value;
                    squares[i] += value * value;
                }
                count += 1.0;
                let (most, least) = (r.max(g).max(b), r.min(g).min(b));
                // Of nearly black pixels rounding makes the saturation.
                if most >= 16.0 {
                    saturations[(255.0 * (most - least) / most) as usize] += 1;
                }
                let [lightness, a, b] = lab.convert([pixel[0], pixel[1], pixel[2]]).map(f64::from);
                let chroma = (a * a + b * b).sqrt();
                let half = &mut halves[usize::from(luma > median)];
                *half = (half.0 + chroma, half.1 + 1.0);
                // Very dark and very bright pixels have no reliable colour.
                if chroma < 24.0 && (10.0..97.0).contains(&lightness) {
                    let weight = (1.0 - chroma / 24.0).powi(2);
                    weights += weight;
                    neutral[0] += weight * a;
                    neutral[1] += weight * b;
                }
            }
        }
        let means = opponent.map(|sum| sum / count);
        let variance = |i: usize| (squares[i] / count - means[i] * means[i]).max(0.0);
        // As if 2 % of the pixels were neutral without a cast.
        let shrunk = weights + 0.02 * count;
        // As if each half had one pixel of a chroma of 1, which nobody sees.
        let [darker, brighter] = halves.map(|(chroma, pixels)| (chroma / f64::max(pixels, 1.0)) + 1.0);
        Self {
            colourfulness: (variance(0) + variance(1)).sqrt() + 0.3 * means[0].hypot(means[1]),
            vividness: highest(&saturations),
            shadow_colour: darker / brighter,
            neutral_a: neutral[0] / shrunk,
            neutral_b: neutral[1] / shrunk,
        }
    }
}

/// The share of 255 above which 2 % of the pixels lie.
fn highest(histogram: &[u32; 256]) -> f64 {
    let most = 0.02 * f64::from(histogram.iter().sum::<u32>());
    let mut above = 0.0;
    let level = histogram.iter().rposition(|&n| {
        above += f64::from(n);
        above > most
    });
    level.unwrap_or(0) as f64 / 255.0
}
