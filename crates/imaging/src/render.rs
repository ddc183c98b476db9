//! Recipes on photos of any depth: rows of floats, a strip of them at a time, rounded once at the end.
//!
//! Each operation is a stage that computes rows from those of the stage before it. What a row becomes never depends on
//! the strip in which it is asked for, so that strips of any height give the same photo to the last bit. Memory is that of
//! the two photos, and for each stage a strip with as many rows around it as the stage looks at.

mod around;
mod balance;
mod clahe;
mod compressed;
mod each;
mod grid;
mod median;
mod moved;
mod tone;
mod turned;
mod weighted;

use crate::kernels::vectorized;
use crate::operation::Argument;
use crate::{Operation, OperationKind, Photo, Sample};

/// Rows of a strip; a few hundred kilobytes for photos of usual widths, which stay in the processor's cache.
const STRIP: usize = 32;

/// Rows that are computed when they are asked for: levels from 0 to 255, `[row][column][channel]`.
trait Rows {
    fn width(&self) -> usize;
    fn height(&self) -> usize;

    /// Fills the target with whole rows, from row `first` on.
    fn read(&mut self, first: usize, target: &mut [f32]);

    fn stride(&self) -> usize {
        3 * self.width()
    }
}

type Stage<'a> = Box<dyn Rows + 'a>;

/// The photo after the operations. Lengths in pixels are multiplied by `scale`.
pub(crate) fn render<T: Sample>(operations: &[Operation], photo: &Photo<T>, scale: f32) -> Photo<T> {
    render_in_strips(operations, photo, scale, STRIP)
}

fn render_in_strips<T: Sample>(operations: &[Operation], photo: &Photo<T>, scale: f32, strip: usize) -> Photo<T> {
    let operations: Vec<Operation> = operations.iter().copied().filter(|operation| !operation.is_neutral()).collect();
    if operations.iter().all(Operation::is_curve) {
        return tone::tabulated(&operations, photo);
    }
    let mut rows: Stage<'_> = Box::new(Source { photo });
    // Tables of 8-bit values serve as long as nothing else was computed.
    let mut steps = T::STEPS;
    for run in operations.chunk_by(|one, next| one.is_curve() && next.is_curve()) {
        rows = match run {
            [first, ..] if first.is_curve() => Box::new(tone::Toned::after(rows, steps, run)),
            [operation, ..] => stage(rows, operation, scale),
            [] => rows,
        };
        steps = u16::STEPS;
    }
    collected(rows.as_mut(), strip)
}

/// The rows after one operation that is not a curve on single values.
fn stage<'a>(rows: Stage<'a>, operation: &Operation, scale: f32) -> Stage<'a> {
    let strength = match operation.argument() {
        Argument::Amount(strength) => strength,
        Argument::Ratio(ratio) => {
            let part = operation.part(rows.width() as u32, rows.height() as u32, ratio);
            return moved::crop(rows, part);
        }
        Argument::Order(order) => return each::reorder(rows, order),
        Argument::Grey(grey) => return each::greyscale(rows, grey),
        Argument::Axis(axis) => return moved::flip(rows, axis),
        Argument::Shift(direction, channels) => return moved::shift(rows, direction, channels),
        Argument::Set(_) => return Box::new(tone::Toned::after(rows, u16::STEPS, &[*operation])),
    };
    match operation.kind() {
        OperationKind::GreyWorld
        | OperationKind::ShadesOfGrey
        | OperationKind::AutoContrast
        | OperationKind::AutoGamma => balance::stage(rows, operation.kind(), strength),
        OperationKind::Clahe => clahe::stage(rows, strength),
        OperationKind::Sharpen
        | OperationKind::SharpenEight
        | OperationKind::UnsharpMask
        | OperationKind::Clarity
        | OperationKind::Blur
        | OperationKind::BoxBlur => around::stage(rows, operation.kind(), strength, scale),
        OperationKind::Median => median::stage(rows, 0, scale.round().max(1.0) as usize, strength),
        OperationKind::MedianBlur => {
            let radius = strength * scale;
            median::stage(rows, radius.floor() as usize, radius.ceil() as usize, radius.fract())
        }
        OperationKind::Jpeg => compressed::stage(rows, strength),
        OperationKind::CropThirds => moved::crop_thirds(rows, strength),
        OperationKind::LevelHorizon => turned::stage(rows, strength),
        kind => each::stage(rows, kind, strength),
    }
}

/// A photo, as levels.
struct Source<'a, T> {
    photo: &'a Photo<T>,
}

impl<T: Sample> Rows for Source<'_, T> {
    fn width(&self) -> usize {
        self.photo.width() as usize
    }

    fn height(&self) -> usize {
        self.photo.height() as usize
    }

    fn read(&mut self, first: usize, target: &mut [f32]) {
        let values = &self.photo.pixels()[first * self.stride()..][..target.len()];
        vectorized(
            #[inline(always)]
            || target.iter_mut().zip(values).for_each(|(level, value)| *level = value.to_level()),
        );
    }
}

/// All rows as a photo.
fn collected<T: Sample>(rows: &mut (dyn Rows + '_), strip: usize) -> Photo<T> {
    let (width, height) = (rows.width() as u32, rows.height() as u32);
    let mut pixels = vec![T::default(); rows.stride() * rows.height()];
    let mut place = 0;
    for_each_strip(rows, strip, |_, levels| {
        let target = &mut pixels[place..place + levels.len()];
        vectorized(
            #[inline(always)]
            || target.iter_mut().zip(levels).for_each(|(value, &level)| *value = T::from_level(level)),
        );
        place += levels.len();
    });
    Photo::new(width, height, pixels).expect("the rows are those of a photo")
}

/// Hands over all rows, from top to bottom: the index of the first one of a strip, and the strip.
fn for_each_strip(rows: &mut (dyn Rows + '_), strip: usize, mut work: impl FnMut(usize, &[f32])) {
    let (stride, height) = (rows.stride(), rows.height());
    let mut levels = vec![0.0; stride * strip.min(height)];
    for first in (0..height).step_by(strip) {
        let levels = &mut levels[..stride * strip.min(height - first)];
        rows.read(first, levels);
        work(first, levels);
    }
}

/// Hands over all rows one by one: the index of a row, and the row.
fn for_each_row(rows: &mut (dyn Rows + '_), mut work: impl FnMut(usize, &[f32])) {
    let stride = rows.stride();
    for_each_strip(rows, STRIP, |first, levels| {
        levels.chunks_exact(stride).enumerate().for_each(|(y, row)| work(first + y, row));
    });
}

/// Some rows of another stage that were asked for last. What is asked for again is not computed again.
#[derive(Default)]
struct Held {
    first: usize,
    levels: Vec<f32>,
}

impl Held {
    /// Makes the rows from `first` up to `end` available, and forgets those above them.
    fn hold(&mut self, rows: &mut (dyn Rows + '_), first: usize, end: usize) {
        let stride = rows.stride();
        let held = self.first..self.first + self.levels.len() / stride;
        if held.contains(&first) {
            self.levels.drain(..(first - held.start) * stride);
        } else {
            self.levels.clear();
        }
        self.first = first;
        let known = self.levels.len();
        if known < (end - first) * stride {
            self.levels.resize((end - first) * stride, 0.0);
            rows.read(first + known / stride, &mut self.levels[known..]);
        }
    }

    fn row(&self, y: usize, stride: usize) -> &[f32] {
        &self.levels[(y - self.first) * stride..][..stride]
    }
}

#[cfg(test)]
mod tests;
