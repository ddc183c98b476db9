//! Medians of squares of any size, at a cost that hardly depends on it.
//!
//! Perreault and Hebert, *Median Filtering in Constant Time* (IEEE Transactions on Image Processing 16, 2007): every column of
//! the square keeps a histogram that moves down with the rows, and the histogram of the square moves across by adding one column and
//! taking another away. Other than there the histograms are cumulative: to count a value adds one to all levels from it on, and the
//! median is the number of levels whose count does not reach the middle. That is more to count than in the two tiers of the paper,
//! but without a branch, and without a step that waits for the one before: with wide vectors it takes less time.
//!
//! Values of 12 bits are a level of eight and a digit of four. Digits are counted by level, and those of the square brought up to
//! date only where the median falls, which is the extension to deeper images in that paper.

use std::ops::{Add, AddAssign, Sub, SubAssign};

use super::vectorized;

/// Values of the eight higher bits.
const LEVELS: usize = 256;

/// Values of the four lower bits.
const DIGITS: usize = 16;

/// Columns that are worked on together, without and with digits: their histograms stay in the cache.
const COLUMNS: usize = 512;
const FINE_COLUMNS: usize = 64;

/// Largest radius of a square that counts in bytes.
const NARROWEST: usize = 7;

/// Largest radius of columns that count in bytes, so that two of them differ by less than 128.
const NARROW: usize = 63;

/// Medians of the three channels over the squares that reach `radius` pixels to every side, at most 16,000; beyond the border the edge
/// repeats. `codes` are rows of values of `BITS` bits, eight or twelve, of which the first `radius` lie above and the last as many
/// below those whose medians go to `target`.
pub(crate) fn medians<const BITS: u32>(codes: &[u16], stride: usize, radius: usize, target: &mut [u16]) {
    const { assert!(BITS == 8 || BITS == 12) }
    vectorized(
        #[inline(always)]
        || {
            if radius <= NARROWEST {
                counted::<u8, u8, BITS>(codes, stride, radius, target);
            } else if radius <= NARROW {
                counted::<u8, u16, BITS>(codes, stride, radius, target);
            } else {
                counted::<u16, u32, BITS>(codes, stride, radius, target);
            }
        },
    );
}

/// The medians, with columns that count in `C` and squares in `S`.
#[inline(always)]
fn counted<C: Count, S: Total<C>, const BITS: u32>(codes: &[u16], stride: usize, radius: usize, target: &mut [u16]) {
    let width = stride / 3;
    let step = if BITS == 8 { COLUMNS } else { FINE_COLUMNS }.max(2 * radius).min(width);
    let mut columns = Columns::<C, BITS>::new(step + 2 * radius);
    let mut square = Square::<S, BITS>::new(radius);
    for channel in 0..3 {
        for from in (0..width).step_by(step) {
            let count = step.min(width - from);
            let code = |y: usize, column: usize| {
                codes[y * stride + 3 * (from + column).saturating_sub(radius).min(width - 1) + channel]
            };
            columns.clear();
            for y in 0..2 * radius {
                (0..count + 2 * radius).for_each(|x| columns.move_down(x, code(y, x), None));
            }
            for (y, target) in target.chunks_exact_mut(stride).enumerate() {
                square.clear();
                for x in 0..2 * radius {
                    columns.move_down(x, code(y + 2 * radius, x), y.checked_sub(1).map(|y| code(y, x)));
                    square.enter(&columns, x);
                }
                for (x, pixel) in target.as_chunks_mut::<3>().0[from..from + count].iter_mut().enumerate() {
                    let last = x + 2 * radius;
                    columns.move_down(last, code(y + 2 * radius, last), y.checked_sub(1).map(|y| code(y, last)));
                    pixel[channel] = square.median(&columns, x);
                }
            }
        }
    }
}

/// What columns count in.
trait Count: Copy + Default + From<u8> + Add<Output = Self> + AddAssign + Sub<Output = Self> + SubAssign {}

impl Count for u8 {}
impl Count for u16 {}

/// What squares count in. All of it wraps around; what is counted in the end fits.
trait Total<C>: Copy + Default + PartialOrd + Sub<Output = Self> {
    /// As a number of values.
    fn of(count: usize) -> Self;

    /// Adds what enters and takes away what leaves, whose difference fits half of what `C` holds.
    fn moved(self, enters: C, leaves: C) -> Self;
}

macro_rules! total {
    ($total:ty, $count:ty, $difference:ty) => {
        impl Total<$count> for $total {
            #[inline(always)]
            fn of(count: usize) -> Self {
                count as Self
            }

            #[inline(always)]
            fn moved(self, enters: $count, leaves: $count) -> Self {
                self.wrapping_add(enters.wrapping_sub(leaves) as $difference as Self)
            }
        }
    };
}

total!(u8, u8, i8);
total!(u16, u8, i8);
total!(u32, u16, i16);

/// Which of the levels, or digits, is which.
const PLACES: [u8; LEVELS] = {
    let mut places = [0; LEVELS];
    let mut place = 0;
    while place < LEVELS {
        places[place] = place as u8;
        place += 1;
    }
    places
};

/// One for each place from this one on, where a value is counted.
#[inline(always)]
fn counts<C: Count>(place: usize, value: u16) -> C {
    C::from(u8::from(PLACES[place] >= value as u8))
}

/// How many values have this level or a smaller one, where vectors of them begin as the processor likes it: elsewhere it takes half as long
/// again.
#[derive(Clone, Copy)]
#[repr(align(64))]
struct Levels<C>([C; LEVELS]);

impl<C: Copy + Default> Default for Levels<C> {
    fn default() -> Self {
        Self([C::default(); LEVELS])
    }
}

/// Cumulative histograms of columns.
struct Columns<C, const BITS: u32> {
    /// The first one stays empty: the column before the others.
    levels: Vec<Levels<C>>,
    /// By column and level: how many values of this level have this digit or a smaller one.
    digits: Vec<[C; DIGITS]>,
}

impl<C: Count, const BITS: u32> Columns<C, BITS> {
    fn new(columns: usize) -> Self {
        let digits = if BITS == 8 { 0 } else { columns * LEVELS };
        Self { levels: vec![Levels::default(); columns + 1], digits: vec![[C::default(); DIGITS]; digits] }
    }

    fn clear(&mut self) {
        self.levels.fill(Levels::default());
        self.digits.fill([C::default(); DIGITS]);
    }

    /// A value enters below, and one leaves above.
    #[inline(always)]
    fn move_down(&mut self, column: usize, enters: u16, leaves: Option<u16>) {
        let levels = &mut self.levels[column + 1].0;
        let enter = enters >> (BITS - 8);
        match leaves.map(|leaves| leaves >> (BITS - 8)) {
            None => (0..LEVELS).for_each(|place| levels[place] += counts(place, enter)),
            Some(leave) => {
                for (place, count) in levels.iter_mut().enumerate() {
                    *count = *count + counts(place, enter) - counts(place, leave);
                }
            }
        }
        if BITS > 8 {
            let digits = |code: u16| (column * LEVELS + usize::from(code) / DIGITS, code % DIGITS as u16);
            let (level, digit) = digits(enters);
            self.digits[level].iter_mut().enumerate().for_each(|(place, count)| *count += counts(place, digit));
            if let Some((level, digit)) = leaves.map(digits) {
                self.digits[level].iter_mut().enumerate().for_each(|(place, count)| *count -= counts(place, digit));
            }
        }
    }
}

/// The cumulative histogram of a square that moves from left to right.
struct Square<S, const BITS: u32> {
    radius: usize,
    levels: Levels<S>,
    /// By level.
    digits: Vec<Segment<S>>,
}

/// Counts of the digits of one level.
#[derive(Clone, Copy)]
struct Segment<S> {
    counts: [S; DIGITS],
    /// The place of the square at which the counts were right.
    at: usize,
}

/// Where no square was counted yet.
const NOWHERE: usize = usize::MAX;

impl<S: Copy + Default, const BITS: u32> Square<S, BITS> {
    fn new(radius: usize) -> Self {
        let empty = Segment { counts: [S::default(); DIGITS], at: NOWHERE };
        Self { radius, levels: Levels::default(), digits: vec![empty; if BITS == 8 { 0 } else { LEVELS }] }
    }

    /// Back to the beginning of a row.
    #[inline(always)]
    fn clear(&mut self) {
        self.levels = Levels::default();
        self.digits.iter_mut().for_each(|segment| segment.at = NOWHERE);
    }

    #[inline(always)]
    fn enter<C: Count>(&mut self, columns: &Columns<C, BITS>, column: usize)
    where
        S: Total<C>,
    {
        let (levels, enters) = (&mut self.levels.0, &columns.levels[column + 1].0);
        (0..LEVELS).for_each(|place| levels[place] = levels[place].moved(enters[place], C::default()));
    }

    /// The median of the square of columns from `x` to `x + 2 radius`, of which the last one has not entered yet.
    #[inline(always)]
    fn median<C: Count>(&mut self, columns: &Columns<C, BITS>, x: usize) -> u16
    where
        S: Total<C>,
    {
        let side = 2 * self.radius + 1;
        let middle = S::of(side * side / 2);
        let levels = &mut self.levels.0;
        let (enters, leaves) = (&columns.levels[x + side].0, &columns.levels[x].0);
        // Few enough places for each sum to fit a byte, and as many as the widest vectors have.
        let mut below = [0_u8; 64];
        for from in (0..LEVELS).step_by(below.len()) {
            for (lane, below) in below.iter_mut().enumerate() {
                let place = from + lane;
                levels[place] = levels[place].moved(enters[place], leaves[place]);
                *below += u8::from(levels[place] <= middle);
            }
        }
        let level = below.iter().map(|&count| u16::from(count)).sum();
        if BITS == 8 {
            return level;
        }
        let place = usize::from(level);
        let left = if place == 0 { middle } else { middle - levels[place - 1] };
        let segment = &mut self.digits[place];
        segment.move_to(
            x,
            side,
            #[inline(always)]
            |column| &columns.digits[column * LEVELS + place],
        );
        let digit: u16 = segment.counts.iter().map(|&count| u16::from(count <= left)).sum();
        DIGITS as u16 * level + digit
    }
}

impl<S: Copy + Default> Segment<S> {
    #[inline(always)]
    fn move_to<'a, C: Count + 'a>(&mut self, x: usize, side: usize, column: impl Fn(usize) -> &'a [C; DIGITS])
    where
        S: Total<C>,
    {
        let mut counts = self.counts;
        if self.at == NOWHERE || 2 * (x - self.at) >= side {
            counts = [S::default(); DIGITS];
            for place in x..x + side {
                let enters = column(place);
                (0..DIGITS).for_each(|value| counts[value] = counts[value].moved(enters[value], C::default()));
            }
        } else {
            for place in self.at..x {
                let (enters, leaves) = (column(place + side), column(place));
                (0..DIGITS).for_each(|value| counts[value] = counts[value].moved(enters[value], leaves[value]));
            }
        }
        (self.counts, self.at) = (counts, x);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check<const BITS: u32>(width: usize, height: usize, radius: usize) {
        let mut state = 7_u32;
        let mut random = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 20) as u16 & ((1 << BITS) - 1)
        };
        let codes: Vec<u16> = (0..3 * width * (height + 2 * radius)).map(|_| random()).collect();
        let mut result = vec![0; 3 * width * height];
        medians::<BITS>(&codes, 3 * width, radius, &mut result);
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
        for (width, height, radius) in
            [(1, 1, 3), (2, 7, 4), (40, 3, 2), (150, 4, 3), (9, 2, 20), (80, 2, 8), (4, 1, 140)]
        {
            check::<8>(width, height, radius);
            check::<12>(width, height, radius);
        }
    }
}
