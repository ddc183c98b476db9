//! Curves on single values.

use std::sync::Arc;

use super::each::looked;
use super::{Rows, Shape, Stage};
use crate::kernels::vectorized;
use crate::{Operation, Photo, Sample};

/// What the operations, curves all of them, make of a level of a channel, one after the other. Each result is clamped.
pub(super) fn after_all(operations: &[Operation], level: f32, channel: usize) -> f32 {
    unclamped(operations, level, channel).clamp(0.0, 255.0)
}

/// The same, without the ends for what the last one makes.
fn unclamped(operations: &[Operation], level: f32, channel: usize) -> f32 {
    operations.iter().fold(level, |level, operation| operation.on_level(level.clamp(0.0, 255.0), channel))
}

/// The photo after curves alone: what each value becomes is computed once.
pub(super) fn tabulated<T: Sample>(operations: &[Operation], photo: &Photo<T>) -> Photo<T> {
    if operations.is_empty() {
        return photo.clone();
    }
    let pixels = T::map(photo.pixels(), |level, channel| after_all(operations, level, channel));
    Photo::new(photo.width(), photo.height(), pixels).expect("the size stays")
}

/// A curve over levels, with straight lines between its entries.
#[derive(Clone)]
pub(super) struct Table {
    steps: f32,
    /// The last entry stands twice, so that there is one beyond white.
    entries: Arc<[f32]>,
}

/// With as many equal steps from black to white, every value of 8 and 16 bit lies on an entry. Such a table fills a core's cache:
/// what lies there goes out of it, and each look takes ten times as long.
const FINE: usize = 65_535;

/// Steps for curves that are nearly straight between them, as almost all are: those of 8 bit, sixteen times.
const COARSE: usize = 255 * 16;

impl Table {
    /// A table that lies within `tolerance` of the curve half-way between two entries.
    pub(super) fn new(curve: impl Fn(f32) -> f32, tolerance: f32) -> Self {
        let coarse = Self::of_steps(COARSE, &curve);
        let half_way = |step: usize| curve((step as f32 + 0.5) * (255.0 / COARSE as f32));
        let lines = coarse.entries.windows(2).take(COARSE).enumerate();
        let near = |(step, ends): (usize, &[f32])| (half_way(step) - (ends[0] + ends[1]) / 2.0).abs() <= tolerance;
        if lines.into_iter().all(near) { coarse } else { Self::of_steps(FINE, &curve) }
    }

    fn of_steps(steps: usize, curve: impl Fn(f32) -> f32) -> Self {
        let level = |step: usize| step.min(steps) as f32 * (255.0 / steps as f32);
        Self { steps: steps as f32, entries: (0..=steps + 1).map(|step| curve(level(step))).collect() }
    }

    /// What becomes of a level from 0 to 255.
    #[inline(always)]
    pub(super) fn at(&self, level: f32) -> f32 {
        let place = level * (self.steps / 255.0);
        let low = (place as usize).min(self.entries.len() - 2);
        let ends = &self.entries[low..low + 2];
        ends[0] + (place - low as f32) * (ends[1] - ends[0])
    }
}

/// How far, in levels, a table may lie from its curve: one of the 65,535 steps of 16 bit.
const TOLERANCE: f32 = 255.0 / 65_535.0;

/// Where the entries of each channel begin in [`Curves::Coarse`]: at the next power of two, so that no place can lie outside.
const APART: usize = (COARSE + 2).next_power_of_two();

/// Three coarse tables, and an entry more, so that behind each place there is one.
type Together = [f32; 3 * APART + 1];

#[inline(always)]
fn on_tables(entries: &Together, level: f32, channel: usize) -> f32 {
    let place = level.clamp(0.0, 255.0) * (COARSE as f32 / 255.0);
    let low = place.floor();
    // Where floats count in ones, the last bits are the number: a cast would be no wide instruction.
    let index = ((low + 8_388_608.0).to_bits() as usize & (APART - 1)) + channel * APART;
    let (from, to) = (entries[index], entries[index + 1]);
    (from + (place - low) * (to - from)).clamp(0.0, 255.0)
}

/// What the levels of the three channels become, clamped.
#[derive(Clone)]
pub(super) enum Curves {
    /// Three coarse tables, one behind the other.
    Coarse(Arc<Together>),
    Fine([Table; 3]),
}

impl Curves {
    /// `alike` says that the curve is the same for all channels.
    fn new(alike: bool, table: impl Fn(usize) -> Table) -> Self {
        let red = table(0);
        let tables = if alike { [red.clone(), red.clone(), red] } else { [red, table(1), table(2)] };
        if tables.iter().any(|table| table.entries.len() != COARSE + 2) {
            return Self::Fine(tables);
        }
        let mut together = [0.0; 3 * APART + 1];
        for (entries, table) in together.chunks_exact_mut(APART).zip(&tables) {
            entries[..table.entries.len()].copy_from_slice(&table.entries);
        }
        Self::Coarse(Arc::new(together))
    }

    /// After operations that are curves, of levels between those of 16 bit.
    fn after(operations: &[Operation]) -> Self {
        let alike = operations.iter().all(Operation::treats_channels_alike);
        Self::new(alike, |channel| Table::new(|level| unclamped(operations, level, channel), TOLERANCE))
    }

    /// After operations that are curves, exact for levels of 16 bit.
    pub(super) fn exactly_after(operations: &[Operation]) -> Self {
        let alike = operations.iter().all(Operation::treats_channels_alike);
        Self::new(alike, |channel| Table::of_steps(FINE, |level| unclamped(operations, level, channel)))
    }

    pub(super) fn apply(&self, levels: &mut [f32]) {
        match self {
            Self::Coarse(entries) => {
                vectorized(
                    #[inline(always)]
                    || {
                        // Eight pixels: as many values as fill whole instructions.
                        let (groups, rest) = levels.as_chunks_mut::<24>();
                        for group in groups {
                            for (place, level) in group.iter_mut().enumerate() {
                                *level = on_tables(entries, *level, place % 3);
                            }
                        }
                        for (place, level) in rest.iter_mut().enumerate() {
                            *level = on_tables(entries, *level, place % 3);
                        }
                    },
                );
            }
            Self::Fine([reds, greens, blues]) => {
                for [red, green, blue] in levels.as_chunks_mut::<3>().0 {
                    *red = reds.at(*red).clamp(0.0, 255.0);
                    *green = greens.at(*green).clamp(0.0, 255.0);
                    *blue = blues.at(*blue).clamp(0.0, 255.0);
                }
            }
        }
    }
}

/// Rows after curves.
#[derive(Clone)]
pub(super) struct Toned<'a> {
    rows: Stage<'a>,
    curves: Curves,
}

impl<'a> Toned<'a> {
    /// After operations that are curves.
    pub(super) fn after(rows: Stage<'a>, operations: &[Operation]) -> Self {
        Self { rows, curves: Curves::after(operations) }
    }

    /// After a curve that was chosen by all rows.
    pub(super) fn looking(rows: Stage<'a>, alike: bool, curve: impl Fn(f32, usize) -> f32) -> Self {
        let table = |channel| Table::new(|level| curve(level, channel), TOLERANCE);
        Self { rows: looked(rows), curves: Curves::new(alike, table) }
    }
}

impl<'a> Rows<'a> for Toned<'a> {
    fn shape(&self) -> Shape {
        self.rows.shape()
    }

    fn read(&mut self, first: usize, target: &mut [f32]) {
        self.rows.read(first, target);
        self.curves.apply(target);
    }

    fn fork(&self) -> Stage<'a> {
        Box::new(self.clone())
    }
}
