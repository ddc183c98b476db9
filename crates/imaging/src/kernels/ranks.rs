//! Medians of squares of any size, at a cost that does not depend on it.
//!
//! Perreault and Hebert, *Median Filtering in Constant Time* (IEEE Transactions on Image Processing 16, 2007): every column of
//! the square keeps a histogram that moves down with the rows, and the histogram of the square moves across by adding one column and
//! taking another away. Its levels are digits of four bits, the lower ones brought up to date only where the median falls,
//! so that values may have eight bits (two digits) or twelve (three), which is the extension to deeper images in that paper.

use std::array::from_fn;

use super::vectorized;

/// Values of a digit.
const VALUES: usize = 16;

/// Columns that are worked on together, for each number of digits: their histograms stay in the cache.
const COLUMNS: [usize; 4] = [0, 0, 512, 64];

/// Medians of the three channels over the squares that reach `radius` pixels to every side, at most 16,000; beyond the border the edge
/// repeats. `codes` are rows of values below 16 to the power `DIGITS`, of which the first `radius` lie above and the last as many
/// below those whose medians go to `target`.
pub(crate) fn medians<const DIGITS: usize>(codes: &[u16], stride: usize, radius: usize, target: &mut [u16]) {
    let width = stride / 3;
    let step = COLUMNS[DIGITS].max(2 * radius);
    vectorized(
        #[inline(always)]
        || {
            let mut columns = Columns::<DIGITS>::new(step.min(width) + 2 * radius);
            for channel in 0..3 {
                for from in (0..width).step_by(step) {
                    columns.clear();
                    let place = |column: usize| 3 * (from + column).saturating_sub(radius).min(width - 1) + channel;
                    let count = step.min(width - from);
                    let change = |columns: &mut Columns<DIGITS>, row: usize, by: u16| {
                        let row = &codes[row * stride..][..stride];
                        (0..count + 2 * radius).for_each(|column| columns.change(column, row[place(column)], by));
                    };
                    (0..2 * radius).for_each(|row| change(&mut columns, row, 1));
                    for (y, target) in target.chunks_exact_mut(stride).enumerate() {
                        change(&mut columns, y + 2 * radius, 1);
                        let mut square = Square::new(&columns, radius);
                        for (x, pixel) in target.as_chunks_mut::<3>().0[from..from + count].iter_mut().enumerate() {
                            pixel[channel] = square.median(x);
                        }
                        change(&mut columns, y, u16::MAX);
                    }
                }
            }
        },
    );
}

/// Histograms of columns, `[digits][column][first digits]`.
struct Columns<const DIGITS: usize> {
    counts: [Vec<u16>; DIGITS],
}

/// Number of counts of a histogram by the first `digit + 1` digits.
const fn counts(digit: usize) -> usize {
    VALUES.pow(digit as u32 + 1)
}

impl<const DIGITS: usize> Columns<DIGITS> {
    fn new(columns: usize) -> Self {
        Self { counts: from_fn(|digit| vec![0; columns * counts(digit)]) }
    }

    fn clear(&mut self) {
        self.counts.iter_mut().for_each(|counts| counts.fill(0));
    }

    /// Counts a code once more; the largest number takes it away.
    #[inline(always)]
    fn change(&mut self, column: usize, code: u16, by: u16) {
        for (digit, histogram) in self.counts.iter_mut().enumerate() {
            let count = &mut histogram[column * counts(digit) + usize::from(code >> (4 * (DIGITS - 1 - digit)))];
            *count = count.wrapping_add(by);
        }
    }

    /// The counts of a column for all codes that begin with `prefix`, by the digit that follows.
    #[inline(always)]
    fn segment(&self, digit: usize, column: usize, prefix: usize) -> &[u16; VALUES] {
        let from = column * counts(digit) + prefix * VALUES;
        self.counts[digit][from..].first_chunk().expect("sixteen counts")
    }
}

/// The histogram of a square that moves from left to right.
struct Square<'a, const DIGITS: usize> {
    columns: &'a Columns<DIGITS>,
    radius: usize,
    /// For each digit, segments of counts by what the digits before are.
    segments: [Vec<Segment>; DIGITS],
}

#[derive(Clone, Copy)]
struct Segment {
    counts: [u32; VALUES],
    /// The place of the square at which the counts were right.
    at: usize,
}

/// Where no square was counted yet.
const NOWHERE: usize = usize::MAX;

impl<'a, const DIGITS: usize> Square<'a, DIGITS> {
    fn new(columns: &'a Columns<DIGITS>, radius: usize) -> Self {
        let empty = Segment { counts: [0; VALUES], at: NOWHERE };
        Self { columns, radius, segments: from_fn(|digit| vec![empty; counts(digit) / VALUES]) }
    }

    /// The median of the square of columns from `x` to `x + 2 radius`.
    #[inline(always)]
    fn median(&mut self, x: usize) -> u16 {
        let side = 2 * self.radius + 1;
        let mut left = (side * side / 2) as u32;
        let mut code = 0;
        for digit in 0..DIGITS {
            let segment = &mut self.segments[digit][code];
            segment.move_to(x, side, |column| self.columns.segment(digit, column, code));
            code = VALUES * code + find(&segment.counts, &mut left);
        }
        code as u16
    }
}

impl Segment {
    #[inline(always)]
    fn move_to<'a>(&mut self, x: usize, side: usize, column: impl Fn(usize) -> &'a [u16; VALUES]) {
        let mut counts = self.counts;
        if self.at == NOWHERE || 2 * (x - self.at) >= side {
            counts = [0; VALUES];
            for place in x..x + side {
                let enters = column(place);
                (0..VALUES).for_each(|value| counts[value] += u32::from(enters[value]));
            }
        } else {
            for place in self.at..x {
                let (enters, leaves) = (column(place + side), column(place));
                for value in 0..VALUES {
                    counts[value] = counts[value] + u32::from(enters[value]) - u32::from(leaves[value]);
                }
            }
        }
        (self.counts, self.at) = (counts, x);
    }
}

/// The value below which at most `left` are counted and which itself reaches beyond; what was counted below is taken from `left`.
#[inline(always)]
fn find(counts: &[u32; VALUES], left: &mut u32) -> usize {
    let (mut sum, mut below, mut place) = (0, 0, 0);
    for count in counts {
        sum += count;
        let under = sum <= *left;
        place += usize::from(under);
        below = if under { sum } else { below };
    }
    *left -= below;
    place
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check<const DIGITS: usize>(width: usize, height: usize, radius: usize) {
        let mut state = 7_u32;
        let mut random = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 20) as u16 & ((1 << (4 * DIGITS)) - 1)
        };
        let codes: Vec<u16> = (0..3 * width * (height + 2 * radius)).map(|_| random()).collect();
        let mut result = vec![0; 3 * width * height];
        medians::<DIGITS>(&codes, 3 * width, radius, &mut result);
        for (place, &median) in result.iter().enumerate() {
            let (y, x, channel) = (place / (3 * width), place / 3 % width, place % 3);
            let mut values = Vec::new();
            for row in y..=y + 2 * radius {
                for column in x..=x + 2 * radius {
                    let column = column.saturating_sub(radius).min(width - 1);
                    values.push(codes[3 * (row * width + column) + channel]);
                }
            }
            values.sort_unstable();
            assert_eq!(median, values[values.len() / 2], "{width}x{height}, {radius}, at {x}, {y}");
        }
    }

    #[test]
    fn medians_are_those_of_sorting() {
        for (width, height, radius) in [(1, 1, 3), (2, 7, 4), (40, 3, 2), (150, 4, 3), (9, 2, 20)] {
            check::<2>(width, height, radius);
            check::<3>(width, height, radius);
        }
    }
}
