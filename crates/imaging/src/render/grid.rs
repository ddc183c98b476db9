//! Wide Gaussian blurs, on a photo scaled down: their cost does not grow with their width.

use super::each::each;
use super::weighted::weighted_sum;
use super::{Stage, for_each_row};
use crate::kernels::gaussian::gaussian_weights;
use crate::kernels::mirrored;

/// Standard deviation that is left for the blur of the small photo, in its pixels.
const LEFT: f32 = 4.0;

/// Replaces each level by what `finish` makes of it and its blurred self.
pub(super) fn blurred<'a>(mut rows: Stage<'a>, sigma: f32, finish: impl Fn(f32, f32) -> f32 + 'a) -> Stage<'a> {
    let side = (sigma / LEFT).floor().max(1.0);
    // What the means of squares and the straight lines between them blur by themselves.
    let own = (side * side - 1.0) / 12.0 + side * side / 6.0;
    let weights = gaussian_weights((sigma * sigma - own).sqrt() / side);
    let grid = Grid::of_means(&mut rows, side as usize, weights.len()).blurred(&weights);
    let mut line = Vec::new();
    each(rows, move |y, row| {
        grid.mix_rows(y, &mut line);
        for (x, pixel) in row.as_chunks_mut::<3>().0.iter_mut().enumerate() {
            let soft = grid.between(x, &line);
            *pixel = std::array::from_fn(|channel| finish(pixel[channel], soft[channel]));
        }
    })
}

/// Means of squares, `[row][column][channel]`.
struct Grid {
    side: usize,
    /// Squares that lie beyond each border of the mirrored photo.
    margin: usize,
    width: usize,
    height: usize,
    levels: Vec<f32>,
}

impl Grid {
    fn of_means(rows: &mut Stage<'_>, side: usize, margin: usize) -> Self {
        let squares = |length: usize| length.div_ceil(side) + 2 * margin;
        let (width, height) = (squares(rows.width()), squares(rows.height()));
        let places = |length: usize| mirror_images(length, margin * side, squares(length) * side);
        let (across, down) = (places(rows.width()), places(rows.height()));
        let mut sums = vec![0.0_f64; width * height * 3];
        let mut line = vec![0.0_f64; width * 3];
        for_each_row(rows.as_mut(), |y, row| {
            line.fill(0.0);
            for (pixel, places) in row.as_chunks::<3>().0.iter().zip(&across) {
                for square in places.iter().map(|place| place / side) {
                    let sums = line[3 * square..][..3].iter_mut();
                    sums.zip(pixel).for_each(|(sum, &level)| *sum += f64::from(level));
                }
            }
            for square in down[y].iter().map(|place| place / side) {
                let target = &mut sums[square * 3 * width..][..3 * width];
                target.iter_mut().zip(&line).for_each(|(sum, part)| *sum += part);
            }
        });
        let area = (side * side) as f64;
        let levels = sums.into_iter().map(|sum| (sum / area) as f32).collect();
        Self { side, margin, width, height, levels }
    }

    /// Blurred, with a margin of one square.
    fn blurred(&self, weights: &[f32]) -> Self {
        let (stride, reach) = (3 * self.width, weights.len() - 1);
        let cut = self.margin - 1;
        let (width, height) = (self.width - 2 * cut, self.height - 2 * cut);
        let mut levels = vec![0.0; 3 * width * height];
        let mut down = vec![0.0; stride];
        for (y, target) in (cut..).zip(levels.chunks_exact_mut(3 * width)) {
            let row = |offset: isize| &self.levels[y.strict_add_signed(offset) * stride..][..stride];
            weighted_sum(&mut down, weights, row);
            let moved = |offset: isize| &down[3 * reach.strict_add_signed(offset)..][..3 * width];
            weighted_sum(target, weights, moved);
        }
        Self { side: self.side, margin: 1, width, height, levels }
    }

    /// The two squares between whose centres a place lies, and how near it is to the second.
    fn split(&self, place: usize) -> (usize, usize, f32) {
        let position = (place as f32 + 0.5) / self.side as f32 + self.margin as f32 - 0.5;
        let low = position as usize;
        (low, low + 1, position - low as f32)
    }

    /// The row of the grid at the height of a row of the photo.
    fn mix_rows(&self, y: usize, line: &mut Vec<f32>) {
        let (low, high, share) = self.split(y);
        let row = |y: usize| &self.levels[y * 3 * self.width..][..3 * self.width];
        line.clear();
        line.extend(row(low).iter().zip(row(high)).map(|(low, high)| low + share * (high - low)));
    }

    fn between(&self, x: usize, line: &[f32]) -> [f32; 3] {
        let (low, high, share) = self.split(x);
        let pixels = line.as_chunks::<3>().0;
        std::array::from_fn(|channel| pixels[low][channel] + share * (pixels[high][channel] - pixels[low][channel]))
    }
}

/// Where each of `length` elements stands in a longer line of `total` elements, whose element `before` is the first one, and which
/// is mirrored beyond them.
pub(super) fn mirror_images(length: usize, before: usize, total: usize) -> Vec<Vec<usize>> {
    let mut images = vec![Vec::new(); length];
    (0..total).for_each(|place| images[mirrored(place as isize - before as isize, length)].push(place));
    images
}
