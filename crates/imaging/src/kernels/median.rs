//! Medians of squares, channel by channel. Beyond the border the edge pixel repeats.
//!
//! Up to 5x5 by exchanges of smaller and larger that run over many pixels at once; above, by a histogram that slides.

use super::block::{BLOCK, Block, at, block, blocks, with_pixels};
use super::mixed_photos;
use super::rows::{Rows, filtered, over_rows};
use crate::Photo;

/// Median over the square that reaches `radius` pixels to every side; between whole numbers the two are mixed.
pub(crate) fn blur(photo: &Photo, radius: f32) -> Photo {
    let (whole, share) = (radius.floor() as usize, radius.fract());
    let low = medians(photo, whole);
    if share == 0.0 { low } else { mixed_photos(&low, medians(photo, whole + 1), share) }
}

fn medians(photo: &Photo, radius: usize) -> Photo {
    match radius {
        0 => photo.clone(),
        1 => of_nine(photo),
        2 => of_twenty_five(photo),
        _ => with_pixels(photo, by_histogram(photo, radius)),
    }
}

/// Beyond the border the edge pixel repeats.
fn clamped(place: isize, side: usize) -> usize {
    (place.max(0) as usize).min(side - 1)
}

/// The median of nine is that of the largest smallest, the middle middle and the smallest largest one of three threes.
fn of_nine(photo: &Photo) -> Photo {
    over_rows::<1, 3>(
        photo,
        clamped,
        #[inline(always)]
        |rows, from| {
            let three = |row: usize| [at(rows[row], from), at(rows[row], from + 3), at(rows[row], from + 6)];
            let (above, here, below) = (three(0), three(1), three(2));
            block(
                #[inline(always)]
                |i| {
                    let [a, b, c] = sorted_three(above[0][i], above[1][i], above[2][i]);
                    let [d, e, f] = sorted_three(here[0][i], here[1][i], here[2][i]);
                    let [g, h, k] = sorted_three(below[0][i], below[1][i], below[2][i]);
                    median_of_three(a.max(d).max(g), median_of_three(b, e, h), c.min(f).min(k))
                },
            )
        },
    )
}

#[inline(always)]
fn sorted_three(a: u8, b: u8, c: u8) -> [u8; 3] {
    let (low, high) = (a.min(b), a.max(b));
    [low.min(c), low.max(high.min(c)), high.max(c)]
}

#[inline(always)]
fn median_of_three(a: u8, b: u8, c: u8) -> u8 {
    a.min(b).max(a.max(b).min(c))
}

/// Five columns are sorted once for all squares in which they lie, and so are pairs of them merged.
fn of_twenty_five(photo: &Photo) -> Photo {
    let mut pairs = Pairs::default();
    filtered(
        photo,
        2,
        clamped,
        #[inline(always)]
        |around| {
            let rows = [around.row(-2), around.row(-1), around.row(0), around.row(1), around.row(2)];
            blocks(
                #[inline(always)]
                |i, column| {
                    lane(&rows, i, column);
                    exchange(column, SORT_FIVE);
                },
            )
        },
        #[inline(always)]
        |ranks, around| {
            let from = around.from();
            if from == 0 {
                pairs.merge(ranks);
            }
            let (left, right) = (pairs.at(from), pairs.at(from + 6));
            let last = |rank: usize| at(&ranks[rank], from + 12);
            let last = [last(0), last(1), last(2), last(3), last(4)];
            block(
                #[inline(always)]
                |i| {
                    let (mut smaller, mut larger) = ([0; 10], [0; 10]);
                    lane(&left, i, &mut smaller);
                    lane(&right, i, &mut larger);
                    let [a, b, c, d, e, f] = middle_six(&smaller, &larger);
                    let mut column = [0; 5];
                    lane(&last, i, &mut column);
                    let [v, w, x, y, z] = column;
                    f.min(e.max(v)).min(d.max(w)).min(c.max(x)).min(b.max(y)).min(a.max(z))
                },
            )
        },
    )
}

/// One value of each block.
#[inline(always)]
fn lane<const N: usize>(blocks: &[&Block; N], i: usize, values: &mut [u8; N]) {
    for n in 0..N {
        values[n] = blocks[n][i];
    }
}

/// Puts the smaller of each pair first, one pair after the other.
#[inline(always)]
fn exchange<const N: usize, const M: usize>(values: &mut [u8; N], pairs: [(usize, usize); M]) {
    for (low, high) in pairs {
        (values[low], values[high]) = (values[low].min(values[high]), values[low].max(values[high]));
    }
}

const SORT_FIVE: [(usize, usize); 9] = [(0, 3), (1, 4), (0, 2), (1, 3), (0, 1), (2, 4), (1, 2), (3, 4), (2, 3)];

/// Each column of a row of squares together with the one to its right: sorted tens, `[rank][column]`.
#[derive(Default)]
struct Pairs([Vec<u8>; 10]);

impl Pairs {
    #[inline(always)]
    fn merge(&mut self, ranks: &Rows<u8, 5>) {
        let length = ranks[0].len() - 3;
        self.0.iter_mut().for_each(|rank| rank.resize(length, 0));
        // The last block overlaps the one before.
        for from in (0..length - BLOCK).step_by(BLOCK).chain([length - BLOCK]) {
            let tens = merged(ranks, from);
            for (rank, values) in self.0.iter_mut().zip(&tens) {
                rank[from..][..BLOCK].copy_from_slice(values);
            }
        }
    }

    #[inline(always)]
    fn at(&self, from: usize) -> [&Block; 10] {
        let at = |rank: usize| at(&self.0[rank], from);
        [at(0), at(1), at(2), at(3), at(4), at(5), at(6), at(7), at(8), at(9)]
    }
}

/// Batcher's odd-even merge of two sorted columns.
#[inline(always)]
fn merged(ranks: &Rows<u8, 5>, from: usize) -> [Block; 10] {
    let at = |rank: usize, column: usize| at(&ranks[rank], from + 3 * column);
    let even = [at(0, 0), at(2, 0), at(4, 0), at(0, 1), at(2, 1), at(4, 1)];
    let odd = [at(1, 0), at(3, 0), at(1, 1), at(3, 1)];
    blocks(
        #[inline(always)]
        |i, ten| {
            let (mut evens, mut odds) = ([0; 6], [0; 4]);
            lane(&even, i, &mut evens);
            lane(&odd, i, &mut odds);
            exchange(&mut evens, [(0, 3), (2, 5), (2, 3), (1, 4), (1, 2), (3, 4)]);
            exchange(&mut odds, [(0, 2), (1, 3), (1, 2)]);
            *ten = [evens[0], odds[0], evens[1], odds[1], evens[2], odds[2], evens[3], odds[3], evens[4], evens[5]];
            exchange(ten, [(1, 2), (3, 4), (5, 6), (7, 8)]);
        },
    )
}

/// The sorted middle six of two sorted tens: of the smaller half the largest three and of the larger half the smallest three.
#[inline(always)]
fn middle_six(left: &[u8; 10], right: &[u8; 10]) -> [u8; 6] {
    // Each half first rises and then falls, or the other way around, so that its own larger and smaller half are found by
    // comparing values that lie five apart.
    let (mut low, mut high) = ([0; 5], [0; 5]);
    for i in 0..5 {
        low[i] = left[i].min(right[9 - i]).max(left[i + 5].min(right[4 - i]));
        high[i] = left[i].max(right[9 - i]).min(left[i + 5].max(right[4 - i]));
    }
    exchange(&mut low, [(0, 1), (0, 2), (0, 3), (1, 3), (2, 4), (1, 2), (3, 4)]);
    exchange(&mut high, [(1, 0), (2, 0), (3, 0), (3, 1), (4, 2), (2, 1), (4, 3)]);
    [low[2], low[3], low[4], high[4], high[3], high[2]]
}

/// Huang's algorithm: the histogram of the square changes by one column at each side.
fn by_histogram(photo: &Photo, radius: usize) -> Vec<u8> {
    let (width, height) = (photo.width() as usize, photo.height() as usize);
    let mut result = vec![0; width * height * 3];
    let half = (2 * radius + 1).pow(2) / 2;
    let inside = |place: usize, side: usize| place.saturating_sub(radius).min(side - 1);
    for (y, row) in result.chunks_exact_mut(width * 3).enumerate() {
        for channel in 0..3 {
            let mut histogram = Histogram::default();
            let change = |column: usize, step: u16, histogram: &mut Histogram| {
                for offset in 0..=2 * radius {
                    let at = (inside(y + offset, height) * width + inside(column, width)) * 3 + channel;
                    histogram.add(photo.pixels()[at], step);
                }
            };
            (0..2 * radius).for_each(|column| change(column, 1, &mut histogram));
            for (x, pixel) in row.chunks_exact_mut(3).enumerate() {
                change(x + 2 * radius, 1, &mut histogram);
                pixel[channel] = histogram.value_above(half);
                change(x, u16::MAX, &mut histogram);
            }
        }
    }
    result
}

/// Counts of values, and of their sixteenths, so that a rank is found in at most 32 steps.
struct Histogram {
    coarse: [u16; 16],
    fine: [u16; 256],
}

impl Default for Histogram {
    fn default() -> Self {
        Self { coarse: [0; 16], fine: [0; 256] }
    }
}

impl Histogram {
    /// Adds `step` to the count of a value; 65,535 subtracts one.
    fn add(&mut self, value: u8, step: u16) {
        let counts = [&mut self.coarse[usize::from(value >> 4)], &mut self.fine[usize::from(value)]];
        counts.into_iter().for_each(|count| *count = count.wrapping_add(step));
    }

    /// The value that has at most `rank` values below it and itself reaches beyond.
    fn value_above(&self, rank: usize) -> u8 {
        let mut left = rank as u16;
        let find = |counts: &[u16], left: &mut u16| {
            let mut place = 0;
            while counts[place] <= *left {
                *left -= counts[place];
                place += 1;
            }
            place
        };
        let coarse = find(&self.coarse, &mut left);
        let fine = find(&self.fine[16 * coarse..16 * coarse + 16], &mut left);
        (16 * coarse + fine) as u8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The definition.
    fn sorted_median(photo: &Photo, x: u32, y: u32, radius: i64) -> [u8; 3] {
        std::array::from_fn(|channel| {
            let mut values = Vec::new();
            for v in -radius..=radius {
                for u in -radius..=radius {
                    let place =
                        |at: u32, offset: i64, side: u32| (i64::from(at) + offset).clamp(0, i64::from(side) - 1);
                    let (x, y) = (place(x, u, photo.width()), place(y, v, photo.height()));
                    values.push(photo.pixel(x as u32, y as u32)[channel]);
                }
            }
            values.sort_unstable();
            values[values.len() / 2]
        })
    }

    #[test]
    fn every_radius_agrees_with_sorting() {
        let mut state = 1_u32;
        let mut random = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        };
        for (width, height) in [(1, 1), (2, 5), (11, 3), (23, 17)] {
            let photo = Photo::from_fn(width, height, |_, _| [random(), random() / 32, random()]).unwrap();
            for radius in [1, 2, 3, 5] {
                let result = blur(&photo, radius as f32);
                for y in 0..height {
                    for x in 0..width {
                        let expected = sorted_median(&photo, x, y, radius);
                        assert_eq!(result.pixel(x, y), expected, "{radius} at {x}, {y} of {width}x{height}");
                    }
                }
            }
        }
    }
}
