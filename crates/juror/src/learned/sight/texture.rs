//! Detail: how values differ from those beside them. It tells blur, sharpening, noise and compression, and, by where it is in the
//! range of tones, the bending of tone curves.

use dodge_imaging::Photo;

/// Distances at which differences are taken, in pixels.
const DISTANCES: [usize; 4] = [1, 2, 4, 8];

/// Distances at which differences of colour are taken.
const CHROMA_DISTANCES: [usize; 3] = [1, 2, 4];

/// Equal parts of the range of luma in which detail is measured for itself.
const TONE_BINS: usize = 8;

/// Edge of the square blocks in which noise is looked for, in pixels.
const NOISE_BLOCK: usize = 8;

/// Distance between the borders of the blocks of a JPEG file, in pixels.
const JPEG_BLOCK: usize = 8;

pub(super) const LENGTH: usize = DISTANCES.len() + 1 + TONE_BINS + 3 + 2 + 2 * (CHROMA_DISTANCES.len() + 2);

/// Rows that are looked at where differences are summed up; of a higher photo every second, every third: so many tell as much.
const ROWS: usize = 128;

/// A photo's luma, and how far blue and red are from it, in levels of 255.
pub(super) struct Texture {
    width: usize,
    height: usize,
    /// From one row that is looked at to the next.
    step: usize,
    luma: Vec<i16>,
    chroma: [Vec<i16>; 2],
}

impl Texture {
    /// Of a photo and its luma.
    pub(super) fn of(photo: &Photo, luma: Vec<i16>) -> Self {
        let less_luma = |channel: usize| {
            let pixels = photo.pixels().chunks_exact(3);
            pixels.zip(&luma).map(|(pixel, &luma)| i16::from(pixel[channel]) - luma).collect()
        };
        let chroma = [less_luma(2), less_luma(0)];
        let (width, height) = (photo.width() as usize, photo.height() as usize);
        Self { width, height, step: (height / ROWS).max(1), luma, chroma }
    }

    pub(super) fn tell(&self, numbers: &mut Vec<f32>) {
        let bands = DISTANCES.map(|apart| self.difference(&self.luma, apart));
        tell_bands(&bands, numbers);
        let (laplacian, noise) = self.laplacian();
        numbers.push(logarithm(laplacian) - logarithm(bands[0]));
        self.tell_by_tone(bands[0], numbers);
        numbers.extend(noise);
        numbers.extend([false, true].map(|upright| self.blockiness(upright) / (bands[0] + 0.5)));
        for plane in &self.chroma {
            let of_colour = CHROMA_DISTANCES.map(|apart| self.difference(plane, apart));
            tell_bands(&of_colour, numbers);
            // Of the finest and the coarsest: how much of the detail is of colour.
            numbers.extend([0, 2].map(|band: usize| logarithm(of_colour[band]) - logarithm(bands[band])));
        }
    }

    /// Mean absolute difference of values `apart` pixels from each other, beside and below, in levels.
    fn difference(&self, plane: &[i16], apart: usize) -> f32 {
        let (mut total, mut pairs) = (0_u64, 0_usize);
        let mut add = |values: &[i16], later: &[i16]| {
            total += u64::from(values.iter().zip(later).map(|(&a, &b)| u32::from(a.abs_diff(b))).sum::<u32>());
            pairs += later.len().min(values.len());
        };
        for row in plane.chunks_exact(self.width).step_by(self.step) {
            add(row, row.get(apart..).unwrap_or(&[]));
        }
        if let Some(below) = plane.get(apart * self.width..) {
            for (row, below) in plane.chunks_exact(self.width).zip(below.chunks_exact(self.width)).step_by(self.step) {
                add(row, below);
            }
        }
        total as f32 / pairs.max(1) as f32
    }

    /// Detail in each part of the range of luma against that of the whole photo: a tone curve that is bent takes from some what it
    /// gives to others.
    fn tell_by_tone(&self, whole: f32, numbers: &mut Vec<f32>) {
        let (mut totals, mut counts) = ([0_u32; TONE_BINS], [0_u32; TONE_BINS]);
        for row in self.luma.chunks_exact(self.width).step_by(self.step) {
            for pair in row.windows(2) {
                let bin = (pair[0] + pair[1]) as usize * TONE_BINS / 512;
                totals[bin] += u32::from(pair[0].abs_diff(pair[1]));
                counts[bin] += 1;
            }
        }
        // As if one pixel in a hundred of each part were as all are.
        let prior = 0.01 * (self.luma.len() / self.step) as f32;
        for (total, count) in totals.into_iter().zip(counts) {
            let mean = (total as f32 + prior * whole) / (count as f32 + prior);
            numbers.push(logarithm(mean) - logarithm(whole));
        }
    }

    /// The mean of Immerkær's (1996) operator, which takes smooth slopes away and leaves noise and fine detail, and logarithms of its
    /// means in the quietest blocks: of the twentieth, the fourth, and half of them.
    fn laplacian(&self) -> (f32, [f32; 3]) {
        let (width, height) = (self.width, self.height);
        let (mut blocks, mut total) = (Vec::new(), 0.0);
        for top in (1..height.saturating_sub(NOISE_BLOCK)).step_by(NOISE_BLOCK) {
            for left in (1..width.saturating_sub(NOISE_BLOCK)).step_by(NOISE_BLOCK) {
                let mut response = 0_u32;
                for y in top..top + NOISE_BLOCK {
                    let row = |y: usize| &self.luma[y * width + left - 1..y * width + left + NOISE_BLOCK + 1];
                    let (above, here, below) = (row(y - 1), row(y), row(y + 1));
                    for x in 1..=NOISE_BLOCK {
                        let corners = above[x - 1] + above[x + 1] + below[x - 1] + below[x + 1];
                        let sides = above[x] + below[x] + here[x - 1] + here[x + 1];
                        response += u32::from((corners - 2 * sides + 4 * here[x]).unsigned_abs());
                    }
                }
                let mean = response as f32 / (NOISE_BLOCK * NOISE_BLOCK) as f32;
                total += mean;
                blocks.push(mean);
            }
        }
        blocks.sort_unstable_by(f32::total_cmp);
        let quietest = |share: usize| logarithm(blocks.get(blocks.len() / share).copied().unwrap_or(0.0));
        (total / blocks.len().max(1) as f32, [20, 4, 2].map(quietest))
    }

    /// By how much the steps at the borders of blocks of eight pixels exceed those within them, in levels, wherever the first border
    /// is: a photo may have been cropped since it was compressed.
    fn blockiness(&self, upright: bool) -> f32 {
        let (mut totals, mut counts) = ([0_i32; JPEG_BLOCK], [0_i32; JPEG_BLOCK]);
        let excess = |[before, left, right, after]: [i16; 4]| {
            i32::from(2 * (right - left).abs() - (left - before).abs() - (after - right).abs())
        };
        let (along, across) = if upright { (self.height, self.width) } else { (self.width, self.height) };
        let step = if upright { self.width } else { 1 };
        for line in (0..across).step_by(self.step + 1) {
            let start = if upright { line } else { line * self.width };
            for at in 1..along.saturating_sub(2) {
                let value = |offset: usize| self.luma[start + (at + offset - 1) * step];
                totals[at % JPEG_BLOCK] += excess([value(0), value(1), value(2), value(3)]);
                counts[at % JPEG_BLOCK] += 1;
            }
        }
        let means: [f32; JPEG_BLOCK] =
            std::array::from_fn(|phase| totals[phase] as f32 / (2 * counts[phase].max(1)) as f32);
        let most = means.iter().copied().fold(f32::MIN, f32::max);
        let others = (means.iter().sum::<f32>() - most) / (JPEG_BLOCK - 1) as f32;
        most - others
    }
}

/// How much detail there is, and how much of it is finer than what comes next.
fn tell_bands(bands: &[f32], numbers: &mut Vec<f32>) {
    numbers.push(logarithm(bands[0]));
    numbers.extend(bands.windows(2).map(|pair| logarithm(pair[0]) - logarithm(pair[1])));
}

/// Of a mean difference in levels, finite where there is none.
fn logarithm(levels: f32) -> f32 {
    (levels + 0.1).ln()
}

#[cfg(test)]
mod tests {
    use super::super::tones::luma;
    use super::*;

    fn texture(photo: &Photo) -> Texture {
        Texture::of(photo, luma(photo))
    }

    fn told(photo: &Photo) -> Vec<f32> {
        let mut numbers = Vec::new();
        texture(photo).tell(&mut numbers);
        assert_eq!(numbers.len(), LENGTH);
        numbers
    }

    fn grey(value: impl Fn(u32, u32) -> u32) -> Photo {
        Photo::from_fn(64, 48, |x, y| [value(x, y) as u8; 3]).expect("a photo")
    }

    #[test]
    fn steps_of_eight_pixels_are_blocks_wherever_they_begin() {
        for shift in 0..8 {
            let blocks = texture(&grey(|x, _| 60 + 20 * ((x + shift) / 8 % 2)));
            assert!(blocks.blockiness(false) > 15.0, "{shift}: {}", blocks.blockiness(false));
            assert_eq!(blocks.blockiness(true), 0.0);
        }
        let slope = texture(&grey(|x, y| 2 * x + y));
        assert!(slope.blockiness(false).abs() < 0.1 && slope.blockiness(true).abs() < 0.1);
    }

    #[test]
    fn a_slope_by_hand() {
        let numbers = told(&grey(|x, _| 3 * x));
        // Three levels beside and none below, in nearly equal numbers; twice as much twice as far.
        assert!((numbers[0] - 1.6_f32.ln()).abs() < 0.05, "{}", numbers[0]);
        assert!(numbers[1] < -0.5 && numbers[2] < -0.5, "{numbers:?}");
    }
}
