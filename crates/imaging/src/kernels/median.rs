//! Medians of squares, channel by channel. Beyond the border the edge pixel repeats.
//!
//! Up to 5x5 by exchanges of smaller and larger that run over many pixels at once; above, by histograms that move along.

use super::block::{BLOCK, Block, at, block, blocks, with_pixels};
use super::mixed_photos;
use super::ranks;
use super::rows::{Rows, filtered, over_rows};
use crate::Photo;

/// Largest radius up to which what lies between whole numbers is a mixture. Wider medians of neighbouring radii hardly differ, and one
/// takes half as long as two.
const WIDEST_MIXED: f32 = 6.0;

/// The whole radii around this one, and how far from the first to the second it lies.
pub(crate) fn whole_radii(radius: f32) -> (usize, usize, f32) {
    let radius = if radius > WIDEST_MIXED { radius.round() } else { radius };
    (radius.floor() as usize, radius.ceil() as usize, radius.fract())
}

/// Median over the square that reaches `radius` pixels to every side; between whole numbers up to 6 the two are mixed, above it is that
/// of the nearest one.
pub(crate) fn blur(photo: &Photo, radius: f32) -> Photo {
    let (low, high, share) = whole_radii(radius);
    let medians_of_low = medians(photo, low);
    if share == 0.0 { medians_of_low } else { mixed_photos(&medians_of_low, medians(photo, high), share) }
}

pub(crate) fn medians(photo: &Photo, radius: usize) -> Photo {
    match radius {
        0 => photo.clone(),
        1 => of_nine(photo),
        2 => of_twenty_five(photo),
        _ => with_pixels(photo, by_ranks(photo, radius)),
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
                    median_of_three(a.most(d).most(g), median_of_three(b, e, h), c.least(f).least(k))
                },
            )
        },
    )
}

/// Values that are exchanged: bytes, and levels, which are never not a number.
pub(crate) trait Value: Copy + Default + PartialOrd {
    /// The smaller one.
    #[inline(always)]
    fn least(self, other: Self) -> Self {
        if self < other { self } else { other }
    }

    /// The larger one.
    #[inline(always)]
    fn most(self, other: Self) -> Self {
        if self > other { self } else { other }
    }
}

impl Value for u8 {}
impl Value for f32 {}

#[inline(always)]
fn sorted_three<T: Value>(a: T, b: T, c: T) -> [T; 3] {
    let (low, high) = (a.least(b), a.most(b));
    [low.least(c), low.most(high.least(c)), high.most(c)]
}

#[inline(always)]
fn median_of_three<T: Value>(a: T, b: T, c: T) -> T {
    a.least(b).most(a.most(b).least(c))
}

/// Sorts three or five.
#[inline(always)]
pub(crate) fn sort_column<T: Value, const N: usize>(column: &mut [T; N]) {
    match N {
        3 => exchange(column, [(0, 1), (1, 2), (0, 1)]),
        _ => exchange(column, SORT_FIVE),
    }
}

/// The median of a square of three or five sorted columns.
#[inline(always)]
pub(crate) fn of_sorted_columns<T: Value, const N: usize>(columns: &[[T; N]; N]) -> T {
    if N == 3 {
        let rank = |rank: usize| [columns[0][rank], columns[1][rank], columns[2][rank]];
        let ([a, d, g], [b, e, h], [c, f, k]) = (rank(0), rank(1), rank(2));
        return median_of_three(a.most(d).most(g), median_of_three(b, e, h), c.least(f).least(k));
    }
    let five = |column: usize| [0, 1, 2, 3, 4].map(|rank| columns[column][rank]);
    let middle = middle_six(&merged_fives(&five(0), &five(1)), &merged_fives(&five(2), &five(3)));
    of_middle_and_column(middle, five(4))
}

/// The median of 25, from the middle six of twenty and the last five, both sorted.
#[inline(always)]
fn of_middle_and_column<T: Value>([a, b, c, d, e, f]: [T; 6], [v, w, x, y, z]: [T; 5]) -> T {
    f.least(e.most(v)).least(d.most(w)).least(c.most(x)).least(b.most(y)).least(a.most(z))
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
                    let mut column = [0; 5];
                    lane(&last, i, &mut column);
                    of_middle_and_column(middle_six(&smaller, &larger), column)
                },
            )
        },
    )
}

/// One value of each block.
#[inline(always)]
fn lane<T: Copy, const N: usize>(blocks: &[&Block<T>; N], i: usize, values: &mut [T; N]) {
    for n in 0..N {
        values[n] = blocks[n][i];
    }
}

/// Puts the smaller of each pair first, one pair after the other.
#[inline(always)]
fn exchange<T: Value, const N: usize, const M: usize>(values: &mut [T; N], pairs: [(usize, usize); M]) {
    for (low, high) in pairs {
        (values[low], values[high]) = (values[low].least(values[high]), values[low].most(values[high]));
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

/// The columns of a block merged with those to their right.
#[inline(always)]
fn merged(ranks: &Rows<u8, 5>, from: usize) -> [Block; 10] {
    let at = |rank: usize, column: usize| at(&ranks[rank], from + 3 * column);
    let left = [at(0, 0), at(1, 0), at(2, 0), at(3, 0), at(4, 0)];
    let right = [at(0, 1), at(1, 1), at(2, 1), at(3, 1), at(4, 1)];
    blocks(
        #[inline(always)]
        |i, ten| {
            let (mut lefts, mut rights) = ([0; 5], [0; 5]);
            lane(&left, i, &mut lefts);
            lane(&right, i, &mut rights);
            *ten = merged_fives(&lefts, &rights);
        },
    )
}

/// Batcher's odd-even merge of two sorted columns.
#[inline(always)]
fn merged_fives<T: Value>(left: &[T; 5], right: &[T; 5]) -> [T; 10] {
    let mut evens = [left[0], left[2], left[4], right[0], right[2], right[4]];
    let mut odds = [left[1], left[3], right[1], right[3]];
    exchange(&mut evens, [(0, 3), (2, 5), (2, 3), (1, 4), (1, 2), (3, 4)]);
    exchange(&mut odds, [(0, 2), (1, 3), (1, 2)]);
    let mut ten = [evens[0], odds[0], evens[1], odds[1], evens[2], odds[2], evens[3], odds[3], evens[4], evens[5]];
    exchange(&mut ten, [(1, 2), (3, 4), (5, 6), (7, 8)]);
    ten
}

/// The sorted middle six of two sorted tens: of the smaller half the largest three and of the larger half the smallest three.
#[inline(always)]
fn middle_six<T: Value>(left: &[T; 10], right: &[T; 10]) -> [T; 6] {
    // Each half first rises and then falls, or the other way around, so that its own larger and smaller half are found by
    // comparing values that lie five apart.
    let (mut low, mut high) = ([T::default(); 5], [T::default(); 5]);
    for i in 0..5 {
        low[i] = left[i].least(right[9 - i]).most(left[i + 5].least(right[4 - i]));
        high[i] = left[i].most(right[9 - i]).least(left[i + 5].most(right[4 - i]));
    }
    exchange(&mut low, [(0, 1), (0, 2), (0, 3), (1, 3), (2, 4), (1, 2), (3, 4)]);
    exchange(&mut high, [(1, 0), (2, 0), (3, 0), (3, 1), (4, 2), (2, 1), (4, 3)]);
    [low[2], low[3], low[4], high[4], high[3], high[2]]
}

/// The value at a rank of histograms that move along.
fn by_ranks(photo: &Photo, radius: usize) -> Vec<u8> {
    let (stride, height) = (photo.width() as usize * 3, photo.height() as usize);
    let mut codes = Vec::with_capacity((height + 2 * radius) * stride);
    for y in 0..height + 2 * radius {
        let row = &photo.pixels()[y.saturating_sub(radius).min(height - 1) * stride..][..stride];
        codes.extend(row.iter().map(|&value| u16::from(value)));
    }
    let mut medians = vec![0; photo.pixels().len()];
    ranks::medians::<8>(&codes, stride, radius, &mut medians);
    medians.into_iter().map(|code| code as u8).collect()
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
