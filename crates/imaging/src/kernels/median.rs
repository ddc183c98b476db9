//! Medians of squares, channel by channel. Beyond the border the edge pixel repeats.
//!
//! Up to 5x5 by exchanges of smaller and larger that run over many pixels at once; above, by a histogram that slides.

use super::{mixed, vectorized};
use crate::Photo;

/// Median over the square that reaches `radius` pixels to every side; between whole numbers the two are mixed.
pub(crate) fn blur(photo: &Photo, radius: f32) -> Photo {
    let (whole, share) = (radius.floor() as usize, radius.fract());
    let low = medians(photo, whole);
    let whole_photo = |pixels| Photo::new(photo.width(), photo.height(), pixels).expect("the size stays");
    if share == 0.0 {
        return whole_photo(low);
    }
    let mut result = medians(photo, whole + 1);
    result.iter_mut().zip(low).for_each(|(high, low)| *high = mixed(low, *high, share));
    whole_photo(result)
}

fn medians(photo: &Photo, radius: usize) -> Vec<u8> {
    match radius {
        0 => photo.pixels().to_vec(),
        1 => by_exchanges(photo, of_three_sorted),
        2 => by_exchanges(photo, of_five_sorted),
        _ => by_histogram(photo, radius),
    }
}

/// Values that are worked on together.
const LANES: usize = 32;

type Lanes = [u8; LANES];

/// Each median from `SIDE` columns that were sorted once for all squares in which they lie: `median[rank][column]`.
fn by_exchanges<const SIDE: usize>(photo: &Photo, median: impl Fn([[Lanes; SIDE]; SIDE]) -> Lanes) -> Vec<u8> {
    let (stride, height) = (photo.width() as usize * 3, photo.height() as usize);
    let reach = SIDE / 2;
    let blocks = stride.div_ceil(LANES);
    // Ranks of the columns, with margins, filled up to whole blocks.
    let mut ranks: [Vec<u8>; SIDE] = std::array::from_fn(|_| vec![0; blocks * LANES + 6 * reach]);
    let mut result = vec![0; stride * height];
    vectorized(
        #[inline(always)]
        || {
            for (y, target) in result.chunks_exact_mut(stride).enumerate() {
                let row = |offset: usize| {
                    let y = (y + offset).saturating_sub(reach).min(height - 1);
                    &photo.pixels()[y * stride..(y + 1) * stride]
                };
                let rows: [&[u8]; SIDE] = std::array::from_fn(row);
                for block in 0..blocks {
                    let from = block * LANES;
                    let mut column = rows.map(|row| lanes(&row[from..]));
                    sort(&mut column);
                    for (rank, values) in ranks.iter_mut().zip(column) {
                        rank[3 * reach + from..][..LANES].copy_from_slice(&values);
                    }
                }
                ranks.iter_mut().for_each(|rank| repeat_edges(rank, stride, reach));
                for (block, target) in target.chunks_mut(LANES).enumerate() {
                    let at = |rank: usize, column: usize| lanes(&ranks[rank][block * LANES + 3 * column..]);
                    let square = std::array::from_fn(|rank| std::array::from_fn(|column| at(rank, column)));
                    target.copy_from_slice(&median(square)[..target.len()]);
                }
            }
        },
    );
    result
}

/// The first values, filled up with zeros.
#[inline(always)]
fn lanes(values: &[u8]) -> Lanes {
    match values.first_chunk() {
        Some(whole) => *whole,
        None => {
            let mut filled = [0; LANES];
            filled[..values.len()].copy_from_slice(values);
            filled
        }
    }
}

fn repeat_edges(row: &mut [u8], stride: usize, reach: usize) {
    for step in 0..reach {
        row.copy_within(3 * reach..3 * reach + 3, 3 * step);
        row.copy_within(3 * reach + stride - 3..3 * reach + stride, 3 * reach + stride + 3 * step);
    }
}

/// Puts the smaller one first, in each lane.
#[inline(always)]
fn exchange(values: &mut [Lanes], first: usize, second: usize) {
    let (head, tail) = values.split_at_mut(second);
    for (low, high) in head[first].iter_mut().zip(&mut tail[0]) {
        (*low, *high) = ((*low).min(*high), (*low).max(*high));
    }
}

#[inline(always)]
fn sort<const N: usize>(values: &mut [Lanes; N]) {
    for end in (1..N).rev() {
        for i in 0..end {
            exchange(values, i, i + 1);
        }
    }
}

/// The median of nine is that of the largest smallest, the middle middle and the smallest largest one.
#[inline(always)]
fn of_three_sorted([mut low, mut middle, mut high]: [[Lanes; 3]; 3]) -> Lanes {
    sort(&mut low);
    sort(&mut middle);
    sort(&mut high);
    let mut three = [low[2], middle[1], high[0]];
    sort(&mut three);
    three[1]
}

/// With columns and rows sorted, the value of rank i in its column and j in its row has (i + 1) (j + 1) - 1 others that are
/// not above it. Where these are 13 or more it is not the median, nor where as many are not below it; 13 remain.
#[inline(always)]
fn of_five_sorted(mut square: [[Lanes; 5]; 5]) -> Lanes {
    square.iter_mut().for_each(sort);
    let [a, b, c, d, e] = square;
    median([a[3], a[4], b[2], b[3], b[4], c[1], c[2], c[3], d[0], d[1], d[2], e[0], e[1]])
}

/// Forgets the smallest and the largest of just over half of the values, takes one more in, and so on.
#[inline(always)]
fn median<const N: usize>(mut values: [Lanes; N]) -> Lanes {
    let (mut first, last) = (0, N / 2 + 1);
    for next in last + 1..=N {
        for i in first..last {
            exchange(&mut values, i, i + 1);
        }
        for i in (first..last - 1).rev() {
            exchange(&mut values, i, i + 1);
        }
        first += 1;
        if next < N {
            values[last] = values[next];
        }
    }
    values[first]
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
