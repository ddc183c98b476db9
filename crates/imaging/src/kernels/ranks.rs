//! Medians of squares of any size, at a cost that does not depend on it.
//!
//! Perreault and Hebert, *Median Filtering in Constant Time* (IEEE Transactions on Image Processing 16, 2007): every column of
//! the square keeps a histogram that moves down with the rows, and the histogram of the square moves across by adding one column and
//! taking another away. Its levels are digits of four bits, the lower ones brought up to date only where the median falls,
//! so that values may have eight bits (two digits) or twelve (three), which is the extension to deeper images in that paper.
//!
//! Other than there the histograms are cumulative: sixteen counts are one vector, to count a value adds a row of a table to it, and the
//! digit of the median is the number of counts that do not reach it, without a loop in which each step waits for the last.

use std::array::from_fn;
use std::ops::{Add, AddAssign, Sub, SubAssign};

use super::vectorized;

/// Values of a digit.
const VALUES: usize = 16;

/// Columns that are worked on together, for each number of digits: their histograms stay in the cache.
const COLUMNS: [usize; 4] = [0, 0, 512, 64];

/// Largest radius whose columns count in bytes: 255 values, and 65,025 in a square.
const NARROW: usize = 127;

/// Medians of the three channels over the squares that reach `radius` pixels to every side, at most 16,000; beyond the border the edge
/// repeats. `codes` are rows of values below 16 to the power `DIGITS`, of which the first `radius` lie above and the last as many
/// below those whose medians go to `target`.
pub(crate) fn medians<const DIGITS: usize>(codes: &[u16], stride: usize, radius: usize, target: &mut [u16]) {
    vectorized(
        #[inline(always)]
        || match radius {
            0..=NARROW => counted::<u8, u16, DIGITS>(codes, stride, radius, target),
            _ => counted::<u16, u32, DIGITS>(codes, stride, radius, target),
        },
    );
}

/// The medians, with columns that count in `C` and squares in `S`.
#[inline(always)]
fn counted<C: Count, S: Count + From<C>, const DIGITS: usize>(
    codes: &[u16],
    stride: usize,
    radius: usize,
    target: &mut [u16],
) {
    let width = stride / 3;
    let step = COLUMNS[DIGITS].max(2 * radius).min(width);
    let mut columns = Columns::<C, DIGITS>::new(step + 2 * radius);
    let mut square = Square::<S, DIGITS>::new(radius);
    for channel in 0..3 {
        for from in (0..width).step_by(step) {
            let count = step.min(width - from);
            let part = Part { first: from as isize - radius as isize, columns: count + 2 * radius, channel };
            let row = |y: usize| &codes[y * stride..][..stride];
            columns.clear();
            (0..2 * radius).for_each(|y| columns.enter(part, row(y)));
            for (y, target) in target.chunks_exact_mut(stride).enumerate() {
                columns.enter(part, row(y + 2 * radius));
                square.clear();
                for (x, pixel) in target.as_chunks_mut::<3>().0[from..from + count].iter_mut().enumerate() {
                    pixel[channel] = square.median(&columns, x);
                }
                columns.leave(part, row(y));
            }
        }
    }
}

/// Which columns of which channel are worked on. The first ones may lie before the row, the last ones behind it.
#[derive(Clone, Copy)]
struct Part {
    first: isize,
    columns: usize,
    channel: usize,
}

impl Part {
    /// Calls `each` with the code of every column; beyond the border the edge repeats.
    #[inline(always)]
    fn for_each(self, row: &[u16], mut each: impl FnMut(usize, u16)) {
        let pixels = row.as_chunks::<3>().0;
        let last = pixels.len() as isize - 1;
        for column in 0..self.columns {
            let place = (self.first + column as isize).clamp(0, last);
            each(column, pixels[place as usize][self.channel]);
        }
    }
}

/// What is counted in.
trait Count:
    Copy + Default + From<u8> + PartialOrd + Add<Output = Self> + Sub<Output = Self> + AddAssign + SubAssign
{
    /// As a number of values.
    fn of(count: usize) -> Self;

    fn place(self) -> usize;
}

impl Count for u8 {
    #[inline(always)]
    fn of(count: usize) -> Self {
        count as Self
    }

    #[inline(always)]
    fn place(self) -> usize {
        usize::from(self)
    }
}

impl Count for u16 {
    #[inline(always)]
    fn of(count: usize) -> Self {
        count as Self
    }

    #[inline(always)]
    fn place(self) -> usize {
        usize::from(self)
    }
}

impl Count for u32 {
    #[inline(always)]
    fn of(count: usize) -> Self {
        count as Self
    }

    #[inline(always)]
    fn place(self) -> usize {
        self as usize
    }
}

/// Cumulative counts by one digit: how many values have this digit or a smaller one.
type Counts<C> = [C; VALUES];

/// What one value adds to the counts, by its digit.
const ONE: [Counts<u8>; VALUES] = {
    let mut one = [[0; VALUES]; VALUES];
    let mut digit = 0;
    while digit < VALUES {
        let mut place = digit;
        while place < VALUES {
            one[digit][place] = 1;
            place += 1;
        }
        digit += 1;
    }
    one
};

/// Histograms of columns.
struct Columns<C, const DIGITS: usize> {
    /// For each digit, `[column][what the digits before are]`.
    counts: [Vec<Counts<C>>; DIGITS],
}

/// In how many ways the digits before this one can be.
const fn prefixes(digit: usize) -> usize {
    VALUES.pow(digit as u32)
}

impl<C: Count, const DIGITS: usize> Columns<C, DIGITS> {
    fn new(columns: usize) -> Self {
        let empty = [C::default(); VALUES];
        Self { counts: from_fn(|digit| vec![empty; columns * prefixes(digit)]) }
    }

    fn clear(&mut self) {
        self.counts.iter_mut().for_each(|counts| counts.fill([C::default(); VALUES]));
    }

    #[inline(always)]
    fn enter(&mut self, part: Part, row: &[u16]) {
        part.for_each(
            row,
            #[inline(always)]
            |column, code| {
                self.change(
                    column,
                    code,
                    #[inline(always)]
                    |count, one| *count += one,
                );
            },
        );
    }

    #[inline(always)]
    fn leave(&mut self, part: Part, row: &[u16]) {
        part.for_each(
            row,
            #[inline(always)]
            |column, code| {
                self.change(
                    column,
                    code,
                    #[inline(always)]
                    |count, one| *count -= one,
                );
            },
        );
    }

    #[inline(always)]
    fn change(&mut self, column: usize, code: u16, by: impl Fn(&mut C, C)) {
        for (digit, histograms) in self.counts.iter_mut().enumerate() {
            let digits = usize::from(code) >> (4 * (DIGITS - 1 - digit));
            let place = &mut histograms[column * prefixes(digit) + digits / VALUES];
            // Copied, so that the compiler sees that nothing overlaps, and takes all counts at once.
            let (mut counts, one) = (*place, ONE[digits % VALUES]);
            for value in 0..VALUES {
                by(&mut counts[value], C::from(one[value]));
            }
            *place = counts;
        }
    }
}

/// The histogram of a square that moves from left to right.
struct Square<S, const DIGITS: usize> {
    radius: usize,
    /// For each digit, counts by what the digits before are.
    segments: [Vec<Segment<S>>; DIGITS],
}

#[derive(Clone, Copy)]
struct Segment<S> {
    counts: Counts<S>,
    /// The place of the square at which the counts were right.
    at: usize,
}

/// Where no square was counted yet.
const NOWHERE: usize = usize::MAX;

impl<S: Count, const DIGITS: usize> Square<S, DIGITS> {
    fn new(radius: usize) -> Self {
        let empty = Segment { counts: [S::default(); VALUES], at: NOWHERE };
        Self { radius, segments: from_fn(|digit| vec![empty; prefixes(digit)]) }
    }

    /// Back to the beginning of a row.
    fn clear(&mut self) {
        self.segments.iter_mut().flatten().for_each(|segment| segment.at = NOWHERE);
    }

    /// The median of the square of columns from `x` to `x + 2 radius`.
    #[inline(always)]
    fn median<C: Count>(&mut self, columns: &Columns<C, DIGITS>, x: usize) -> u16
    where
        S: From<C>,
    {
        let side = 2 * self.radius + 1;
        let mut left = S::of(side * side / 2);
        let mut code = 0;
        for digit in 0..DIGITS {
            let segment = &mut self.segments[digit][code];
            segment.move_to(
                x,
                side,
                #[inline(always)]
                |column| &columns.counts[digit][column * prefixes(digit) + code],
            );
            let mut place = S::default();
            segment.counts.iter().for_each(|&count| place += S::from(u8::from(count <= left)));
            let place = place.place();
            if place > 0 {
                left -= segment.counts[place - 1];
            }
            code = VALUES * code + place;
        }
        code as u16
    }
}

impl<S: Count> Segment<S> {
    #[inline(always)]
    fn move_to<'a, C: Count + 'a>(&mut self, x: usize, side: usize, column: impl Fn(usize) -> &'a Counts<C>)
    where
        S: From<C>,
    {
        let mut counts = self.counts;
        if self.at == NOWHERE || 2 * (x - self.at) >= side {
            counts = [S::default(); VALUES];
            for place in x..x + side {
                let enters = column(place);
                (0..VALUES).for_each(|value| counts[value] += S::from(enters[value]));
            }
        } else {
            for place in self.at..x {
                let (enters, leaves) = (column(place + side), column(place));
                for value in 0..VALUES {
                    counts[value] = counts[value] + S::from(enters[value]) - S::from(leaves[value]);
                }
            }
        }
        (self.counts, self.at) = (counts, x);
    }
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
        for (width, height, radius) in [(1, 1, 3), (2, 7, 4), (40, 3, 2), (150, 4, 3), (9, 2, 20), (4, 1, 140)] {
            check::<2>(width, height, radius);
            check::<3>(width, height, radius);
        }
    }
}
