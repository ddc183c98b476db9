//! Colours: which, how strong, on which tones, and where in the photo.

use dodge_imaging::{LabConverter, Photo};

use super::tones::Tones;

/// Longer side of the small picture that colours are taken from, in pixels: each of its pixels is the mean of a square, without noise.
const SMALL: usize = 96;

/// Columns and rows of the grid that tells where colours are.
const GRID: usize = 4;

/// What is told of a cell of the grid: L*, a*, b*, chroma, and the deviation of L*.
const OF_CELL: usize = 5;

/// L* at which one range of tones ends and the next begins.
const TONE_BORDERS: [f32; 5] = [15.0, 30.0, 50.0, 70.0, 85.0];

/// Ranges of hue.
const HUES: usize = 12;

/// Shares of the pixels below which the quantiles of chroma lie.
const CHROMA_SHARES: [f32; 6] = [0.1, 0.3, 0.5, 0.7, 0.9, 0.98];

/// The same of a* and b*.
const AXIS_SHARES: [f32; 3] = [0.05, 0.5, 0.95];

/// Chroma below which a pixel may be a grey one with a cast; nearer to grey counts more.
const NEARLY_NEUTRAL: [f32; 2] = [12.0, 24.0];

const OF_RANGES: usize = 4;
const OF_HUES: usize = 3;
const OF_LIGHT: usize = 4;

pub(super) const GRID_LENGTH: usize = GRID * GRID * OF_CELL;

pub(super) const LENGTH: usize = CHROMA_SHARES.len()
    + 2 * (2 + AXIS_SHARES.len())
    + 3
    + OF_RANGES * (TONE_BORDERS.len() + 1)
    + OF_HUES * HUES
    + 2 * NEARLY_NEUTRAL.len()
    + 2 * OF_LIGHT
    + GRID_LENGTH;

/// A small picture: encoded channels from 0 to 1; and L*, a*, b* and chroma in units of 100.
pub(super) struct Colours {
    width: usize,
    rgb: Vec<[f32; 3]>,
    lab: Vec<[f32; 4]>,
}

impl Colours {
    pub(super) fn of(photo: &Photo, converter: &LabConverter) -> Self {
        let (width, rgb) = small(photo);
        let of_pixel = |pixel: &[f32; 3]| {
            let [lightness, a, b] = converter.convert(pixel.map(|value| (255.0 * value + 0.5) as u8));
            [lightness, a, b, (a * a + b * b).sqrt()].map(|value| 0.01 * value)
        };
        let lab = rgb.iter().map(of_pixel).collect();
        Self { width, rgb, lab }
    }

    pub(super) fn tell(&self, tones: &Tones, numbers: &mut Vec<f32>) {
        numbers.extend(self.quantiles(3, CHROMA_SHARES));
        self.tell_axes(numbers);
        self.tell_by_tone(numbers);
        self.tell_by_hue(numbers);
        for radius in NEARLY_NEUTRAL {
            numbers.extend(self.nearly_neutral(radius / 100.0));
        }
        self.tell_light(tones, numbers);
        self.tell_grid(numbers);
    }

    /// a* and b* for themselves, and how the three axes go together.
    fn tell_axes(&self, numbers: &mut Vec<f32>) {
        let count = self.lab.len() as f32;
        let means: [f32; 3] = std::array::from_fn(|axis| self.lab.iter().map(|lab| lab[axis]).sum::<f32>() / count);
        let covariance = |one: usize, other: usize| {
            self.lab.iter().map(|lab| (lab[one] - means[one]) * (lab[other] - means[other])).sum::<f32>() / count
        };
        let deviations: [f32; 3] = std::array::from_fn(|axis| covariance(axis, axis).max(0.0).sqrt());
        for axis in [1, 2] {
            numbers.extend([means[axis], deviations[axis]]);
            numbers.extend(self.quantiles(axis, AXIS_SHARES));
        }
        for (one, other) in [(0, 1), (0, 2), (1, 2)] {
            // The small number keeps greys from having a colour.
            numbers.push(covariance(one, other) / (deviations[one] * deviations[other] + 1e-3));
        }
    }

    /// The values of one axis below which these shares of the pixels lie.
    fn quantiles<const COUNT: usize>(&self, axis: usize, shares: [f32; COUNT]) -> [f32; COUNT] {
        let mut values: Vec<f32> = self.lab.iter().map(|lab| lab[axis]).collect();
        values.sort_unstable_by(f32::total_cmp);
        shares.map(|share| values[((values.len() - 1) as f32 * share) as usize])
    }

    /// How much of each range of tones there is, and its colour.
    fn tell_by_tone(&self, numbers: &mut Vec<f32>) {
        let range = |lab: &[f32; 4]| TONE_BORDERS.iter().filter(|&&border| 100.0 * lab[0] >= border).count();
        let of_pixel = |lab: &[f32; 4]| [lab[1], lab[2], lab[3]];
        for (share, means) in self.means_by::<{ TONE_BORDERS.len() + 1 }, 3>(range, |_| 1.0, of_pixel) {
            numbers.push(share);
            numbers.extend(means);
        }
    }

    /// How much of each hue there is, weighted by chroma, and how strong and how bright it is.
    fn tell_by_hue(&self, numbers: &mut Vec<f32>) {
        let turn = std::f32::consts::TAU;
        let hue = |lab: &[f32; 4]| (((lab[2].atan2(lab[1]) / turn + 1.0) * HUES as f32) as usize) % HUES;
        for (share, means) in self.means_by::<HUES, 2>(hue, |lab| lab[3], |lab| [lab[3], lab[0]]) {
            numbers.push(share.sqrt());
            numbers.extend(means);
        }
    }

    /// The share of the weight in each of `BINS` bins, and the means of some values there, each as if one part in two hundred of the
    /// photo were added that is as the whole: what is rare is not believed.
    fn means_by<const BINS: usize, const VALUES: usize>(
        &self,
        bin: impl Fn(&[f32; 4]) -> usize,
        weight: impl Fn(&[f32; 4]) -> f32,
        values: impl Fn(&[f32; 4]) -> [f32; VALUES],
    ) -> [(f32, [f32; VALUES]); BINS] {
        let mut sums = [(0.0_f32, [0.0_f32; VALUES]); BINS];
        let mut whole = (0.0_f32, [0.0_f32; VALUES]);
        for lab in &self.lab {
            let (weight, values) = (weight(lab), values(lab));
            for (total, sum) in [&mut sums[bin(lab)], &mut whole].map(|(total, sum)| (total, sum)) {
                *total += weight;
                sum.iter_mut().zip(values).for_each(|(sum, value)| *sum += weight * value);
            }
        }
        let (total, whole) = whole;
        let means = whole.map(|sum| sum / total.max(1e-6));
        let prior = 0.005 * total.max(1e-6);
        sums.map(|(in_bin, sum)| {
            let shrunk = std::array::from_fn(|value| (sum[value] + prior * means[value]) / (in_bin + prior));
            (in_bin / total.max(1e-6), shrunk)
        })
    }

    /// Mean a* and b* of pixels of little chroma, shrunk towards 0 where there are few.
    fn nearly_neutral(&self, radius: f32) -> [f32; 2] {
        // As if 2 % of the pixels were neutral without a cast.
        let (mut weights, mut sums) = (0.02 * self.lab.len() as f32, [0.0; 2]);
        for lab in &self.lab {
            let chroma = lab[3];
            // Very dark and very bright pixels have no reliable colour.
            if chroma < radius && (0.10..0.97).contains(&lab[0]) {
                let weight = (1.0 - chroma / radius).powi(2);
                weights += weight;
                sums[0] += weight * lab[1];
                sums[1] += weight * lab[2];
            }
        }
        sums.map(|sum| sum / weights)
    }

    /// What colour the light has by four assumptions, each as the logarithms of red and blue over green: the mean is grey (Buchsbaum
    /// 1980), a mean that bright pixels dominate is (Finlayson and Trezzi 2004), the brightest of each channel is white, and the
    /// mean of differences is grey (van de Weijer 2007).
    fn tell_light(&self, tones: &Tones, numbers: &mut Vec<f32>) {
        let count = self.rgb.len() as f32;
        let mean = |of: &dyn Fn(f32) -> f32| -> [f32; 3] {
            std::array::from_fn(|channel| self.rgb.iter().map(|pixel| of(pixel[channel])).sum::<f32>() / count)
        };
        let edges: [f32; 3] = std::array::from_fn(|channel| {
            let rows = self.rgb.chunks_exact(self.width);
            let steps =
                rows.map(|row| row.windows(2).map(|pair| (pair[0][channel] - pair[1][channel]).abs()).sum::<f32>());
            steps.sum::<f32>() / count
        });
        let bright = mean(&|value| value.powi(6)).map(|mean| mean.powf(1.0 / 6.0));
        for [red, green, blue] in [mean(&|value| value), bright, tones.channel_quantiles(0.99), edges] {
            numbers.extend([red, blue].map(|channel| ((channel + 0.004) / (green + 0.004)).ln()));
        }
    }

    fn tell_grid(&self, numbers: &mut Vec<f32>) {
        let height = self.lab.len() / self.width;
        // Every cell has a pixel, in a photo that is narrower than the grid too.
        let part = |index: usize, length: usize| {
            let start = index * length / GRID;
            start.min(length - 1)
                ..((index + 1) * length / GRID).max(start + 1).min(length).max(start.min(length - 1) + 1)
        };
        for row in 0..GRID {
            for column in 0..GRID {
                let (mut sums, mut squares, mut count) = ([0.0; 4], 0.0, 0.0);
                for y in part(row, height) {
                    for lab in &self.lab[y * self.width..][part(column, self.width)] {
                        for (sum, value) in sums.iter_mut().zip(lab) {
                            *sum += value;
                        }
                        squares += lab[0] * lab[0];
                        count += 1.0;
                    }
                }
                let means = sums.map(|sum| sum / count);
                numbers.extend(means);
                numbers.push((squares / count - means[0] * means[0]).max(0.0).sqrt());
            }
        }
    }
}

/// Exchanges left and right in the numbers of a grid.
pub(super) fn mirror_grid(grid: &mut [f32]) {
    for row in grid.chunks_exact_mut(GRID * OF_CELL) {
        for column in 0..GRID / 2 {
            let other = GRID - 1 - column;
            for value in 0..OF_CELL {
                row.swap(column * OF_CELL + value, other * OF_CELL + value);
            }
        }
    }
}

/// The width of a small picture, and its pixels from 0 to 1, each the mean of a square of the photo; what is left over at the right and
/// the lower border of a larger photo is not looked at.
fn small(photo: &Photo) -> (usize, Vec<[f32; 3]>) {
    let (width, height) = (photo.width() as usize, photo.height() as usize);
    let edge = width.max(height).div_ceil(SMALL);
    // A photo may be narrower than a square.
    let (across, down) = (edge.min(width), edge.min(height));
    let (columns, rows) = (width / across, height / down);
    let scale = 1.0 / (255 * across * down) as f32;
    let mut pixels = Vec::with_capacity(columns * rows);
    let mut sums = vec![0_u32; columns * 3];
    for lines in photo.pixels().chunks_exact(width * 3 * down) {
        sums.fill(0);
        for line in lines.chunks_exact(width * 3) {
            for (sum, square) in sums.chunks_exact_mut(3).zip(line.chunks_exact(3 * across)) {
                for pixel in square.chunks_exact(3) {
                    sum.iter_mut().zip(pixel).for_each(|(sum, &value)| *sum += u32::from(value));
                }
            }
        }
        pixels.extend(sums.chunks_exact(3).map(|sum| [sum[0], sum[1], sum[2]].map(|sum| sum as f32 * scale)));
    }
    (columns, pixels)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_pictures_are_means() {
        let photo = Photo::from_fn(200, 100, |x, y| [if x % 3 == 1 { 90 } else { 0 }, y as u8, 255]).expect("a photo");
        let (width, pixels) = small(&photo);
        assert_eq!((width, pixels.len()), (66, 66 * 33));
        for (pixel, expected) in pixels[66].iter().zip([30.0, 4.0, 255.0]) {
            assert!((pixel * 255.0 - expected).abs() < 1e-3, "{pixel}");
        }
    }

    #[test]
    fn the_grid_tells_where_colours_are() {
        let photo = Photo::from_fn(40, 40, |x, y| if x < 10 && y >= 30 { [255, 0, 0] } else { [128; 3] });
        let colours = Colours::of(&photo.expect("a photo"), &LabConverter::new());
        let mut grid = Vec::new();
        colours.tell_grid(&mut grid);
        let red: Vec<usize> = (0..GRID * GRID).filter(|cell| grid[cell * OF_CELL + 1] > 0.5).collect();
        assert_eq!(red, [12], "below, on the left");
        mirror_grid(&mut grid);
        let red: Vec<usize> = (0..GRID * GRID).filter(|cell| grid[cell * OF_CELL + 1] > 0.5).collect();
        assert_eq!(red, [15]);
    }
}
