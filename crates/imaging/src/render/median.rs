//! Medians of squares, channel by channel.
//!
//! Up to 5x5 they are exact. Larger ones are those of whole levels for photos of 8 bits, and of sixteenths of a level for deeper ones
//! ([`ranks`]): histograms of more digits would not stay in the cache.

use super::around::{Neighbourhood, around};
use super::length::{WIDEST_MEDIAN, scaled};
use super::{Rows, Shape, Stage};
use crate::kernels::{median, ranks, vectorized};
use crate::operation::Argument;
use crate::{Operation, OperationKind, Photo, Sample};

/// Largest radius whose squares are sorted; above, histograms move along.
const SORTED: usize = 2;

/// Steps of a level in the histograms of photos that are deeper than 8 bits.
const STEPS: f32 = 16.0;

/// Fewest rows that are computed together: what the first of them costs is shared.
const ROWS: usize = 64;

/// Two radii and how far the result lies from the median of the first one to that of the second. A radius of 0 is the photo itself.
#[derive(Clone, Copy)]
struct Radii {
    low: usize,
    high: usize,
    share: f32,
}

impl Radii {
    /// Of an operation on a photo with this longer side, which is `scale` times as large as the one for which it was chosen.
    fn of(operation: &Operation, scale: f32, longer_side: usize) -> Option<Self> {
        let Argument::Amount(strength) = operation.argument() else { return None };
        match operation.kind() {
            OperationKind::Median => {
                let radius = scaled(1.0, scale, longer_side, WIDEST_MEDIAN).round().max(1.0) as usize;
                Some(if strength == 1.0 {
                    Self { low: radius, high: radius, share: 0.0 }
                } else {
                    Self { low: 0, high: radius, share: strength }
                })
            }
            OperationKind::MedianBlur => {
                let (low, high, share) = median::whole_radii(scaled(strength, scale, longer_side, WIDEST_MEDIAN));
                Some(Self { low, high, share })
            }
            _ => None,
        }
    }

    /// Rows that are computed together.
    fn rows(self) -> usize {
        if self.high > SORTED { ROWS.max(8 * self.high) } else { 1 }
    }

    /// `medians` fills the target with the medians of a radius.
    fn mix(self, target: &mut [f32], mut medians: impl FnMut(usize, &mut [f32])) {
        medians(self.low, target);
        if self.share > 0.0 {
            let mut other = vec![0.0; target.len()];
            medians(self.high, &mut other);
            vectorized(
                #[inline(always)]
                || target.iter_mut().zip(&other).for_each(|(low, high)| *low += self.share * (high - *low)),
            );
        }
    }
}

/// Rows between the medians of two radii.
pub(super) fn stage<'a>(rows: Stage<'a>, operation: &Operation, scale: f32) -> Stage<'a> {
    let Some(radii) = Radii::of(operation, scale, rows.shape().longer_side()) else { return rows };
    let deep = rows.shape().deep;
    let medians = around(rows, Medians { radii, deep });
    if radii.high > SORTED { Box::new(Together::new(medians, radii.rows())) } else { medians }
}

#[derive(Clone)]
struct Medians {
    radii: Radii,
    deep: bool,
}

impl Neighbourhood for Medians {
    /// The edge row repeats, as with 8 bit.
    const BORDER: fn(isize, usize) -> usize = |y, height| y.clamp(0, height as isize - 1) as usize;

    fn reach(&self) -> usize {
        self.radii.high
    }

    fn compute<'r>(&mut self, first: isize, row: &dyn Fn(isize) -> &'r [f32], target: &mut [f32]) {
        self.radii.mix(target, |radius, target| match radius {
            0 => {
                let stride = row(first).len();
                let rows = (first..).zip(target.chunks_exact_mut(stride));
                rows.for_each(|(y, target)| target.copy_from_slice(row(y)));
            }
            1 => by_sorting::<1, 3>(first, row, target),
            2 => by_sorting::<2, 5>(first, row, target),
            _ if self.deep => by_ranks::<12>(radius, first, row, target),
            _ => by_ranks::<8>(radius, first, row, target),
        });
    }
}

/// By histograms of values of `BITS` bits.
fn by_ranks<'r, const BITS: u32>(radius: usize, first: isize, row: &dyn Fn(isize) -> &'r [f32], target: &mut [f32]) {
    let steps = if BITS == 8 { 1.0 } else { STEPS };
    let (stride, reach) = (row(first).len(), radius as isize);
    let count = (target.len() / stride) as isize;
    let mut codes = vec![0; (target.len() / stride + 2 * radius) * stride];
    let mut medians = vec![0; target.len()];
    let rows = first - reach..first + count + reach;
    vectorized(
        #[inline(always)]
        || {
            for (y, codes) in rows.zip(codes.chunks_exact_mut(stride)) {
                codes.iter_mut().zip(row(y)).for_each(|(code, level)| *code = (level * steps + 0.5) as i32 as u16);
            }
        },
    );
    ranks::medians::<BITS>(&codes, stride, radius, &mut medians);
    target.iter_mut().zip(&medians).for_each(|(level, &code)| *level = f32::from(code) / steps);
}

/// Values that are sorted side by side.
const BLOCK: usize = 64;

/// Sorts the columns once for all squares in which they lie.
fn by_sorting<'r, const RADIUS: usize, const SIDE: usize>(
    first: isize,
    row: &dyn Fn(isize) -> &'r [f32],
    target: &mut [f32],
) {
    let stride = row(first).len();
    let (margin, length) = (3 * RADIUS, stride.next_multiple_of(BLOCK));
    let mut columns: [Vec<f32>; SIDE] = std::array::from_fn(|_| vec![0.0; length + 2 * margin]);
    vectorized(
        #[inline(always)]
        || {
            for (y, target) in (first..).zip(target.chunks_exact_mut(stride)) {
                let rows: [&[f32]; SIDE] = std::array::from_fn(|place| row(y + place as isize - RADIUS as isize));
                for from in (0..stride).step_by(BLOCK) {
                    let count = BLOCK.min(stride - from);
                    let mut block = [[0.0; BLOCK]; SIDE];
                    block
                        .iter_mut()
                        .zip(&rows)
                        .for_each(|(to, row)| to[..count].copy_from_slice(&row[from..][..count]));
                    #[expect(clippy::needless_range_loop, reason = "a column goes through all rows of the block")]
                    for i in 0..BLOCK {
                        let mut column: [f32; SIDE] = std::array::from_fn(|place| block[place][i]);
                        median::sort_column(&mut column);
                        for place in 0..SIDE {
                            block[place][i] = column[place];
                        }
                    }
                    columns
                        .iter_mut()
                        .zip(&block)
                        .for_each(|(to, block)| to[margin + from..][..BLOCK].copy_from_slice(block));
                }
                for column in &mut columns {
                    for i in 0..margin {
                        column[i] = column[margin + i % 3];
                        column[margin + stride + i] = column[margin + stride - 3 + i % 3];
                    }
                }
                for (from, target) in (0..).step_by(BLOCK).zip(target.chunks_mut(BLOCK)) {
                    let mut result = [0.0; BLOCK];
                    let around: [[&[f32; BLOCK]; SIDE]; SIDE] = std::array::from_fn(|column| {
                        std::array::from_fn(|rank| {
                            columns[rank][from + 3 * column..]
                                .first_chunk()
                                .expect("rows are filled up to whole blocks")
                        })
                    });
                    for i in 0..BLOCK {
                        let square: [[f32; SIDE]; SIDE] =
                            std::array::from_fn(|column| std::array::from_fn(|rank| around[column][rank][i]));
                        result[i] = median::of_sorted_columns(&square);
                    }
                    target.copy_from_slice(&result[..target.len()]);
                }
            }
        },
    );
}

/// Medians of a photo of 8 bit that nothing was done to before.
pub(super) fn of_bytes<'a, T: Sample>(photo: &'a Photo<T>, operation: &Operation, scale: f32) -> Option<Stage<'a>> {
    let pixels = T::bytes(photo.pixels())?;
    let (width, height) = (photo.width() as usize, photo.height() as usize);
    let radii = Radii::of(operation, scale, photo.longer_side() as usize)?;
    Some(Box::new(Together::new(Box::new(OfBytes { pixels, width, height, radii }), radii.rows().max(ROWS))))
}

#[derive(Clone)]
struct OfBytes<'a> {
    pixels: &'a [u8],
    width: usize,
    height: usize,
    radii: Radii,
}

impl<'a> Rows<'a> for OfBytes<'a> {
    fn shape(&self) -> Shape {
        Shape { width: self.width, height: self.height, held: 0, deep: false }
    }

    fn read(&mut self, first: usize, target: &mut [f32]) {
        let Shape { height, .. } = self.shape();
        let stride = self.shape().stride();
        let count = target.len() / stride;
        self.radii.mix(target, |radius, target| {
            // Where the part ends at a border of the photo, that border repeats; elsewhere it has the rows beyond.
            let (top, end) = (first.saturating_sub(radius), (first + count + radius).min(height));
            let part = self.pixels[top * stride..end * stride].to_vec();
            let part = Photo::new(self.width as u32, (end - top) as u32, part).expect("whole rows");
            let medians = median::medians(&part, radius);
            let values = &medians.pixels()[(first - top) * stride..][..target.len()];
            target.iter_mut().zip(values).for_each(|(level, value)| *level = value.to_level());
        });
    }

    fn fork(&self) -> Stage<'a> {
        Box::new(self.clone())
    }
}

/// Rows that are computed many at a time, whatever number is asked for.
struct Together<'a> {
    rows: Stage<'a>,
    count: usize,
    first: usize,
    levels: Vec<f32>,
}

impl<'a> Together<'a> {
    fn new(rows: Stage<'a>, count: usize) -> Self {
        Self { rows, count, first: 0, levels: Vec::new() }
    }
}

impl<'a> Rows<'a> for Together<'a> {
    fn shape(&self) -> Shape {
        let shape = self.rows.shape();
        Shape { held: shape.held + self.count.min(shape.height), ..shape }
    }

    fn read(&mut self, first: usize, target: &mut [f32]) {
        let (stride, height) = (self.shape().stride(), self.shape().height);
        for (y, row) in (first..).zip(target.chunks_exact_mut(stride)) {
            if !(self.first..self.first + self.levels.len() / stride).contains(&y) {
                self.first = y;
                self.levels.resize(self.count.min(height - y) * stride, 0.0);
                self.rows.read(y, &mut self.levels);
            }
            row.copy_from_slice(&self.levels[(y - self.first) * stride..][..stride]);
        }
    }

    fn fork(&self) -> Stage<'a> {
        Box::new(Self::new(self.rows.clone(), self.count))
    }
}
