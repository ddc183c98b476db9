//! What the classical juror measures on a photo.

use dodge_imaging::{LabConverter, Photo};

/// Longest side up to which colour is measured on every pixel; beyond, on a regular grid of about this many columns.
const COLOUR_GRID: u32 = 160;

/// Edge of the square blocks in which noise is looked for, in pixels.
const NOISE_BLOCK: usize = 16;

/// Statistics of one photo, all finite.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Measurements {
    /// Mean of luma, 0 to 1.
    pub mean_luma: f64,
    /// Standard deviation of luma, 0 to 0.5.
    pub luma_deviation: f64,
    /// Luma below which 1 % of the pixels lie, 0 to 1.
    pub black_point: f64,
    /// Luma above which 1 % of the pixels lie, 0 to 1.
    pub white_point: f64,
    /// Median of luma between the black point (0) and the white point (1).
    pub relative_median: f64,
    /// Share of channel values that are 0, 1, 254 or 255.
    pub clipped: f64,
    /// Colourfulness M3 of Hasler and Süsstrunk (2003), on signed opponent channels as in the paper: 0 is grey, 15
    /// slightly, 33 moderately, 59 quite, 109 extremely colourful.
    pub colourfulness: f64,
    /// Mean a* of the nearly neutral pixels, shrunk towards 0 where these are few: green (-) to magenta (+).
    pub neutral_a: f64,
    /// Mean b* of the nearly neutral pixels, likewise: blue (-) to yellow (+).
    pub neutral_b: f64,
    /// Mean absolute difference of neighbouring pixels over the same between pixels three apart. About one half in
    /// photographs, whose amplitude spectrum falls with the frequency (Field 1987); less when blurred, up to 1 in noise.
    pub fine_detail: f64,
    /// Standard deviation of the noise in levels of 255, by Immerkær's (1996) operator in the quietest tenth of blocks.
    pub noise: f64,
}

impl Measurements {
    /// Measures a photo. One pass over luma and a second over a grid of at most about 160 x 160 pixels for colour.
    #[must_use]
    pub fn of(photo: &Photo, lab: &LabConverter) -> Self {
        let (width, height) = (photo.width() as usize, photo.height() as usize);
        let luma: Vec<i16> = photo
            .pixels()
            .chunks_exact(3)
            // Rec. 601 in 16-bit fixed point: 19595 + 38470 + 7471 = 65536.
            .map(|p| {
                ((19_595 * u32::from(p[0]) + 38_470 * u32::from(p[1]) + 7_471 * u32::from(p[2]) + 32_768) >> 16) as i16
            })
            .collect();
        let tones = Tones::of(&luma);
        let clipped = photo.pixels().iter().filter(|&&v| !(2..254).contains(&v)).count();
        let colour = Colour::of(photo, lab);
        Self {
            mean_luma: tones.mean,
            luma_deviation: tones.deviation,
            black_point: tones.black,
            white_point: tones.white,
            relative_median: tones.relative_median,
            clipped: clipped as f64 / photo.pixels().len() as f64,
            colourfulness: colour.colourfulness,
            neutral_a: colour.neutral_a,
            neutral_b: colour.neutral_b,
            fine_detail: fine_detail(&luma, width, height),
            noise: noise(&luma, width, height),
        }
    }
}

struct Tones {
    mean: f64,
    deviation: f64,
    black: f64,
    white: f64,
    relative_median: f64,
}

impl Tones {
    fn of(luma: &[i16]) -> Self {
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
        let mean = moment(1);
        let (black, white) = (quantile(0.01), quantile(0.99));
        Self {
            mean,
            deviation: (moment(2) - mean * mean).max(0.0).sqrt(),
            black,
            white,
            relative_median: if white > black { (quantile(0.5) - black) / (white - black) } else { 0.5 },
        }
    }
}

struct Colour {
    colourfulness: f64,
    neutral_a: f64,
    neutral_b: f64,
}

impl Colour {
    fn of(photo: &Photo, lab: &LabConverter) -> Self {
        let step = photo.width().max(photo.height()).div_ceil(COLOUR_GRID).max(1) as usize;
        let row_bytes = photo.width() as usize * 3;
        let (mut count, mut weights) = (0.0_f64, 0.0_f64);
        // Red-green and yellow-blue: sums and sums of squares; then the weighted sums of a* and b*.
        let (mut opponent, mut squares, mut neutral) = ([0.0_f64; 2], [0.0_f64; 2], [0.0_f64; 2]);
        for row in photo.pixels().chunks_exact(row_bytes).step_by(step) {
            for pixel in row.chunks_exact(3).step_by(step) {
                let [r, g, b] = [pixel[0], pixel[1], pixel[2]].map(f64::from);
                for (i, value) in [r - g, 0.5 * (r + g) - b].into_iter().enumerate() {
                    opponent[i] += value;
                    squares[i] += value * value;
                }
                count += 1.0;
                let [lightness, a, b] = lab.convert([pixel[0], pixel[1], pixel[2]]).map(f64::from);
                let chroma = (a * a + b * b).sqrt();
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
        Self {
            colourfulness: (variance(0) + variance(1)).sqrt() + 0.3 * means[0].hypot(means[1]),
            neutral_a: neutral[0] / shrunk,
            neutral_b: neutral[1] / shrunk,
        }
    }
}

fn fine_detail(luma: &[i16], width: usize, height: usize) -> f64 {
    let difference = |apart: usize| {
        let (mut total, mut pairs) = (0_u64, 0_u64);
        for row in luma.chunks_exact(width) {
            let later = row.get(apart..).unwrap_or(&[]);
            total += u64::from(row.iter().zip(later).map(|(&a, &b)| u32::from(a.abs_diff(b))).sum::<u32>());
            pairs += later.len() as u64;
        }
        if height > apart {
            let below = &luma[apart * width..];
            for (row, below) in luma.chunks_exact(width).zip(below.chunks_exact(width)) {
                total += u64::from(row.iter().zip(below).map(|(&a, &b)| u32::from(a.abs_diff(b))).sum::<u32>());
                pairs += width as u64;
            }
        }
        if pairs == 0 { 0.0 } else { total as f64 / pairs as f64 }
    };
    let coarse = difference(3);
    // A flat photo has no detail of any kind; one half is what is usual.
    if coarse < 0.05 { 0.5 } else { (difference(1) / coarse).min(2.0) }
}

fn noise(luma: &[i16], width: usize, height: usize) -> f64 {
    if width < NOISE_BLOCK + 2 || height < NOISE_BLOCK + 2 {
        return 0.0;
    }
    let mut blocks = Vec::with_capacity((width / NOISE_BLOCK) * (height / NOISE_BLOCK));
    for top in (1..height - NOISE_BLOCK).step_by(NOISE_BLOCK) {
        for left in (1..width - NOISE_BLOCK).step_by(NOISE_BLOCK) {
            let (mut response, mut sum) = (0_u32, 0_u32);
            for y in top..top + NOISE_BLOCK {
                let start = y * width + left - 1;
                let (above, here, below) = (
                    &luma[start - width..start - width + NOISE_BLOCK + 2],
                    &luma[start..start + NOISE_BLOCK + 2],
                    &luma[start + width..start + width + NOISE_BLOCK + 2],
                );
                for x in 1..=NOISE_BLOCK {
                    let corners = above[x - 1] + above[x + 1] + below[x - 1] + below[x + 1];
                    let sides = above[x] + below[x] + here[x - 1] + here[x + 1];
                    response += u32::from((corners - 2 * sides + 4 * here[x]).unsigned_abs());
                    sum += here[x] as u32;
                }
            }
            let pixels = (NOISE_BLOCK * NOISE_BLOCK) as f64;
            // Clipped areas hide their noise and say nothing.
            if (8.0..247.0).contains(&(f64::from(sum) / pixels)) {
                blocks.push((std::f64::consts::FRAC_PI_2.sqrt() / 6.0) * f64::from(response) / pixels);
            }
        }
    }
    if blocks.is_empty() {
        return 0.0;
    }
    let tenth = blocks.len() / 10;
    *blocks.select_nth_unstable_by(tenth, f64::total_cmp).1
}
