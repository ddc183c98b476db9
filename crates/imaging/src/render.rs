//! Recipes on photos of any depth: rows of floats, some of them at a time, rounded once at the end.
//!
//! Each operation is a stage that computes rows from those of the stage before it. What a row becomes never depends on
//! which rows are asked for together, so that the photo is divided among threads, and each part is computed in strips that stay in
//! the processor's cache, with the same result to the last bit. Memory is that of the two photos, and for each stage and thread
//! as many rows as the stage looks at; where these would grow too many, the photo is kept as floats in between.

mod around;
mod balance;
mod clahe;
mod compressed;
mod each;
mod grid;
mod length;
mod managed;
mod median;
mod moved;
mod parallel;
mod source;
mod tone;
mod turned;
mod weighted;

use parallel::{collected, kept};
use source::{Source, Whole};

use crate::operation::Argument;
use crate::profile::Profile;
use crate::{Operation, OperationKind, Photo, Sample};

/// What rows a stage gives, and what it costs to have them.
#[derive(Clone, Copy)]
struct Shape {
    width: usize,
    height: usize,
    /// Rows that this stage and those before it keep at hand.
    held: usize,
    /// Whether the photo has more than 8 bits a value.
    deep: bool,
}

impl Shape {
    fn stride(self) -> usize {
        3 * self.width
    }

    fn longer_side(self) -> usize {
        self.width.max(self.height)
    }
}

/// Rows that are computed when they are asked for: levels from 0 to 255, `[row][column][channel]`.
trait Rows<'a>: Send {
    fn shape(&self) -> Shape;

    /// Fills the target with whole rows, from row `first` on. Asking from top to bottom is cheapest.
    fn read(&mut self, first: usize, target: &mut [f32]);

    /// The same rows, for another thread.
    fn fork(&self) -> Stage<'a>;
}

type Stage<'a> = Box<dyn Rows<'a> + 'a>;

impl Clone for Stage<'_> {
    fn clone(&self) -> Self {
        self.fork()
    }
}

/// Rows that stages may keep at hand until the photo is kept instead. It bounds the memory, and the rows that threads compute twice
/// where their parts meet.
const MOST_HELD: usize = 1024;

/// What looking at the whole photo counts for in [`Shape::held`]: all before it is computed twice.
const LOOK: usize = 256;

/// The photo after the operations. Lengths in pixels are multiplied by `scale`.
pub(crate) fn render<T: Sample>(operations: &[Operation], photo: &Photo<T>, scale: f32) -> Photo<T> {
    let operations: Vec<Operation> = operations.iter().copied().filter(|operation| !operation.is_neutral()).collect();
    if operations.iter().all(Operation::is_curve) {
        return tone::tabulated(&operations, photo);
    }
    collected(&stages(&operations, photo, scale))
}

/// The photo after the operations, where its values are not sRGB: what lies within sRGB becomes what it would have become there, and what
/// lies beyond stays as far beyond as its colours are strong.
pub(crate) fn render_under<T: Sample>(
    operations: &[Operation],
    photo: &Photo<T>,
    scale: f32,
    profile: &Profile<T>,
) -> Photo<T> {
    let operations: Vec<Operation> = operations.iter().copied().filter(|operation| !operation.is_neutral()).collect();
    if operations.is_empty() {
        return photo.clone();
    }
    let (mut rows, mut beyond) = managed::sources(photo, profile);
    for run in operations.chunk_by(|one, next| one.is_curve() && next.is_curve()) {
        if rows.shape().held > MOST_HELD {
            rows = Box::new(Whole::new(kept(&rows), rows.shape()));
        }
        match run {
            [first, ..] if first.is_curve() => {
                beyond = managed::turned_over(beyond, run);
                rows = Box::new(tone::Toned::after(rows, run));
            }
            [operation] => (rows, beyond) = managed::both(rows, beyond, operation, scale),
            _ => {}
        }
    }
    managed::collected_under(rows, beyond, profile)
}

/// The rows after the operations.
fn stages<'a, T: Sample>(operations: &[Operation], photo: &'a Photo<T>, scale: f32) -> Stage<'a> {
    let curves = operations.iter().take_while(|operation| operation.is_curve()).count();
    let (curves, mut rest) = operations.split_at(curves);
    let mut rows: Stage<'_> = Box::new(Source::after(photo, curves));
    if let (true, [first, others @ ..]) = (curves.is_empty(), rest)
        && let Some(medians) = median::of_bytes(photo, first, scale)
    {
        (rows, rest) = (medians, others);
    }
    for run in rest.chunk_by(|one, next| one.is_curve() && next.is_curve()) {
        if rows.shape().held > MOST_HELD {
            rows = Box::new(Whole::new(kept(&rows), rows.shape()));
        }
        rows = match run {
            [first, ..] if first.is_curve() => Box::new(tone::Toned::after(rows, run)),
            [operation, ..] => stage(rows, operation, scale),
            [] => rows,
        };
    }
    rows
}

/// The rows after one operation that is not a curve on single values.
fn stage<'a>(rows: Stage<'a>, operation: &Operation, scale: f32) -> Stage<'a> {
    let strength = match operation.argument() {
        Argument::Amount(strength) => strength,
        Argument::Ratio(ratio) => {
            let part = operation.part(rows.shape().width as u32, rows.shape().height as u32, ratio);
            return moved::crop(rows, part);
        }
        Argument::Order(order) => return each::reorder(rows, order),
        Argument::Grey(grey) => return each::greyscale(rows, grey),
        Argument::Axis(axis) => return moved::flip(rows, axis),
        Argument::Shift(direction, channels) => return moved::shift(rows, direction, channels),
        Argument::Set(_) => return Box::new(tone::Toned::after(rows, &[*operation])),
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
        OperationKind::Median | OperationKind::MedianBlur => median::stage(rows, operation, scale),
        OperationKind::Jpeg => compressed::stage(rows, strength),
        OperationKind::CropThirds => moved::crop_thirds(rows, strength),
        OperationKind::LevelHorizon => turned::stage(rows, strength),
        kind => each::stage(rows, kind, strength),
    }
}

/// Some rows of another stage that were asked for last. What is asked for again is not computed again.
#[derive(Default)]
struct Held {
    first: usize,
    end: usize,
    /// Row `y` stands in place `y % capacity`.
    capacity: usize,
    levels: Vec<f32>,
}

/// Another thread holds its own rows.
impl Clone for Held {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl Held {
    /// Makes the rows from `first` up to `end` available, and forgets those above them.
    fn hold(&mut self, rows: &mut Stage<'_>, first: usize, end: usize) {
        let stride = rows.shape().stride();
        if end - first > self.capacity {
            self.capacity = end - first;
            self.levels.resize(self.capacity * stride, 0.0);
            self.end = first;
        }
        if !(self.first..=self.end).contains(&first) {
            self.end = first;
        }
        self.first = first;
        while self.end < end {
            let place = self.end % self.capacity;
            let count = (end - self.end).min(self.capacity - place);
            rows.read(self.end, &mut self.levels[place * stride..][..count * stride]);
            self.end += count;
        }
    }

    fn row(&self, y: usize, stride: usize) -> &[f32] {
        &self.levels[y % self.capacity * stride..][..stride]
    }
}

#[cfg(test)]
mod tests;
