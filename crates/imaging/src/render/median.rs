//! Medians of squares, channel by channel.

use super::Stage;
use super::around::{Neighbourhood, around};

/// Largest radius whose squares are sorted; above, a histogram slides along.
const SORTED: usize = 2;

/// Rows between the medians of two radii, `share` of the way from the lower one. A radius of 0 is the photo itself.
pub(super) fn stage(rows: Stage<'_>, low: usize, high: usize, share: f32) -> Stage<'_> {
    around(rows, Medians { low, high, share, other: Vec::new() })
}

struct Medians {
    low: usize,
    high: usize,
    share: f32,
    other: Vec<f32>,
}

impl Neighbourhood for Medians {
    /// The edge row repeats, as with 8 bit.
    const BORDER: fn(isize, usize) -> usize = |y, height| y.clamp(0, height as isize - 1) as usize;

    fn reach(&self) -> usize {
        self.high
    }

    fn compute<'r>(&mut self, first: isize, row: &dyn Fn(isize) -> &'r [f32], target: &mut [f32]) {
        medians(self.low, first, row, target);
        if self.share > 0.0 {
            self.other.resize(target.len(), 0.0);
            medians(self.high, first, row, &mut self.other);
            target.iter_mut().zip(&self.other).for_each(|(low, high)| *low += self.share * (high - *low));
        }
    }
}

fn medians<'r>(radius: usize, first: isize, row: &dyn Fn(isize) -> &'r [f32], target: &mut [f32]) {
    let stride = row(first).len();
    let reach = radius as isize;
    for (y, target) in (first..).zip(target.chunks_exact_mut(stride)) {
        let rows: Vec<&[[f32; 3]]> = (y - reach..=y + reach).map(|y| row(y).as_chunks().0).collect();
        match radius {
            0 => target.copy_from_slice(row(y)),
            1..=SORTED => by_sorting(radius, &rows, target),
            _ => by_histogram(radius, &rows, target),
        }
    }
}

/// The column that stands for one beyond the border: the edge column repeats.
fn inside(column: usize, radius: usize, width: usize) -> usize {
    column.saturating_sub(radius).min(width - 1)
}

fn by_sorting(radius: usize, rows: &[&[[f32; 3]]], target: &mut [f32]) {
    let width = rows[0].len();
    let mut values = Vec::with_capacity(rows.len() * rows.len());
    for (x, pixel) in target.as_chunks_mut::<3>().0.iter_mut().enumerate() {
        for (channel, value) in pixel.iter_mut().enumerate() {
            values.clear();
            for column in (x..=x + 2 * radius).map(|column| inside(column, radius, width)) {
                values.extend(rows.iter().map(|row| row[column][channel]));
            }
            let middle = values.len() / 2;
            *value = *values.select_nth_unstable_by(middle, f32::total_cmp).1;
        }
    }
}

/// Huang's algorithm, on values of 16 bit.
fn by_histogram(radius: usize, rows: &[&[[f32; 3]]], target: &mut [f32]) {
    let width = rows[0].len();
    let half = (rows.len() * rows.len() / 2) as u32;
    for channel in 0..3 {
        let mut histogram = Histogram::new();
        let change = |column: usize, step: u32, histogram: &mut Histogram| {
            let column = inside(column, radius, width);
            rows.iter().for_each(|row| histogram.add((row[column][channel] * 257.0 + 0.5) as u16, step));
        };
        (0..2 * radius).for_each(|column| change(column, 1, &mut histogram));
        for (x, pixel) in target.as_chunks_mut::<3>().0.iter_mut().enumerate() {
            change(x + 2 * radius, 1, &mut histogram);
            pixel[channel] = f32::from(histogram.value_above(half)) / 257.0;
            change(x, u32::MAX, &mut histogram);
        }
    }
}

/// Counts of values, and of all that share their upper byte.
struct Histogram {
    coarse: [u32; 256],
    fine: Vec<u32>,
}

impl Histogram {
    fn new() -> Self {
        Self { coarse: [0; 256], fine: vec![0; 65_536] }
    }

    /// Adds `step` to the count of a value; the largest number subtracts one.
    fn add(&mut self, value: u16, step: u32) {
        let counts = [&mut self.coarse[usize::from(value >> 8)], &mut self.fine[usize::from(value)]];
        counts.into_iter().for_each(|count| *count = count.wrapping_add(step));
    }

    /// The value that has at most `rank` values below it and itself reaches beyond.
    fn value_above(&self, rank: u32) -> u16 {
        let mut left = rank;
        let find = |counts: &[u32], left: &mut u32| {
            let mut place = 0;
            while counts[place] <= *left {
                *left -= counts[place];
                place += 1;
            }
            place
        };
        let coarse = find(&self.coarse, &mut left);
        let fine = find(&self.fine[256 * coarse..256 * coarse + 256], &mut left);
        (256 * coarse + fine) as u16
    }
}
