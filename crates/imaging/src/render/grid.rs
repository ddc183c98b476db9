//! Wide Gaussian blurs, on a photo scaled down: their cost does not grow with their width.

use std::sync::Arc;

use super::Stage;
use super::each::{each, looked};
use super::parallel::gathered;
use super::weighted::weighted_sum;
use crate::kernels::gaussian::gaussian_weights;
use crate::kernels::{mirrored, vectorized};

/// Standard deviation that is left for the blur of the small photo, in its pixels.
const LEFT: f32 = 4.0;

/// Replaces each level by what `finish` makes of it and its blurred self.
pub(super) fn blurred<'a>(
    rows: Stage<'a>,
    sigma: f32,
    finish: impl Fn(f32, f32) -> f32 + Clone + Send + 'a,
) -> Stage<'a> {
    let side = (sigma / LEFT).floor().max(1.0);
    // What the means of squares and the straight lines between them blur by themselves.
    let own = (side * side - 1.0) / 12.0 + side * side / 6.0;
    let weights = gaussian_weights((sigma * sigma - own).sqrt() / side);
    let grid = Arc::new(Grid::of_means(&rows, side as usize, weights.len()).blurred(&weights));
    let across: Arc<[_]> = (0..rows.shape().width).map(|x| grid.split(x)).collect();
    let mut line = Vec::new();
    each(looked(rows), move |y, row| {
        grid.mix_rows(y, &mut line);
        let squares = line.as_chunks::<3>().0;
        for (pixel, &(low, high, share)) in row.as_chunks_mut::<3>().0.iter_mut().zip(&*across) {
            let (low, high) = (squares[low], squares[high]);
            for channel in 0..3 {
                let soft = low[channel] + share * (high[channel] - low[channel]);
                pixel[channel] = finish(pixel[channel], soft);
            }
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
    fn of_means(rows: &Stage<'_>, side: usize, margin: usize) -> Self {
        let shape = rows.shape();
        let squares = |length: usize| length.div_ceil(side) + 2 * margin;
        let (width, height) = (squares(shape.width), squares(shape.height));
        let down = mirror_images(shape.height, margin * side, height * side);
        // Whole numbers, so that the sums do not depend on which thread had which rows: as many units of a level as there is
        // room for in 32 bits, and in the digits of a float.
        let area = (side * side) as u64;
        let unit = ((1_u64 << 32) / (256 * area.next_power_of_two())).clamp(1, 1 << 15) as f32;
        let start = || (vec![0_u32; width * height * 3], vec![0_u32; width * 3], vec![0_u32; shape.stride()]);
        let parts = gathered(rows, start, |(sums, line, units), y, row| {
            vectorized(
                #[inline(always)]
                || units.iter_mut().zip(row).for_each(|(unit_of, level)| *unit_of = (level * unit + 0.5) as i32 as u32),
            );
            sum_across(units, side, margin, line);
            for square in down[y].iter().map(|place| place / side) {
                let target = &mut sums[square * 3 * width..][..3 * width];
                target.iter_mut().zip(&*line).for_each(|(sum, part)| *sum += part);
            }
        });
        let total = parts.into_iter().map(|(sums, ..)| sums).reduce(|mut total, sums| {
            total.iter_mut().zip(sums).for_each(|(total, sum)| *total += sum);
            total
        });
        let reciprocal = 1.0 / (area as f64 * f64::from(unit));
        let levels = total.unwrap_or_default().into_iter().map(|sum| (f64::from(sum) * reciprocal) as f32).collect();
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
}

/// Sums of `side` pixels each of a row that is mirrored, `margin` sums beyond its borders.
fn sum_across(row: &[u32], side: usize, margin: usize, sums: &mut [u32]) {
    let pixels = row.as_chunks::<3>().0;
    for (place, sum) in sums.as_chunks_mut::<3>().0.iter_mut().enumerate() {
        let first = (place * side) as isize - (margin * side) as isize;
        *sum = [0; 3];
        let mut add = |pixel: &[u32; 3]| sum.iter_mut().zip(pixel).for_each(|(sum, unit)| *sum += unit);
        match usize::try_from(first).ok().and_then(|first| pixels.get(first..first + side)) {
            Some(inside) => inside.iter().for_each(add),
            None => (first..first + side as isize).for_each(|x| add(&pixels[mirrored(x, pixels.len())])),
        }
    }
}

/// Where each of `length` elements stands in a longer line of `total` elements, whose element `before` is the first one, and which
/// is mirrored beyond them.
pub(super) fn mirror_images(length: usize, before: usize, total: usize) -> Vec<Vec<usize>> {
    let mut images = vec![Vec::new(); length];
    (0..total).for_each(|place| images[mirrored(place as isize - before as isize, length)].push(place));
    images
}
