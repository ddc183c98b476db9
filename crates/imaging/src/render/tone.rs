//! Curves on single values.

use std::rc::Rc;

use super::{Rows, Stage};
use crate::{Operation, Photo, Sample};

/// What the operations, curves all of them, make of a level of a channel, one after the other. Each result is clamped.
fn after_all(operations: &[Operation], level: f32, channel: usize) -> f32 {
    operations.iter().fold(level, |level, operation| operation.on_level(level, channel).clamp(0.0, 255.0))
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
    /// The last entry stands twice, so that there is one beyond white.
    entries: Rc<[f32]>,
    /// Entries per level.
    density: f32,
}

impl Table {
    /// `steps` equal steps from black to white: with 255 every 8-bit value lies on an entry, with 65,535 every 16-bit one.
    pub(super) fn new(steps: usize, curve: impl Fn(f32) -> f32) -> Self {
        let level = |step: usize| step.min(steps) as f32 * (255.0 / steps as f32);
        Self { entries: (0..=steps + 1).map(|step| curve(level(step))).collect(), density: steps as f32 / 255.0 }
    }

    /// What becomes of a level from 0 to 255.
    #[inline(always)]
    pub(super) fn at(&self, level: f32) -> f32 {
        let place = level * self.density;
        let low = (place as usize).min(self.entries.len() - 2);
        self.entries[low] + (place - low as f32) * (self.entries[low + 1] - self.entries[low])
    }
}

/// Rows after curves.
pub(super) struct Toned<'a> {
    rows: Stage<'a>,
    tables: [Table; 3],
}

impl<'a> Toned<'a> {
    /// A table of `steps` steps; `alike` says that the curve is the same for all channels. Its results are clamped.
    pub(super) fn new(rows: Stage<'a>, steps: usize, alike: bool, curve: impl Fn(f32, usize) -> f32) -> Self {
        let table = |channel| Table::new(steps, |level| curve(level, channel).clamp(0.0, 255.0));
        let red = table(0);
        let tables = if alike { [red.clone(), red.clone(), red] } else { [red, table(1), table(2)] };
        Self { rows, tables }
    }

    /// After operations that are curves.
    pub(super) fn after(rows: Stage<'a>, steps: usize, operations: &[Operation]) -> Self {
        let alike = operations.iter().all(Operation::treats_channels_alike);
        Self::new(rows, steps, alike, |level, channel| after_all(operations, level, channel))
    }
}

impl Rows for Toned<'_> {
    fn width(&self) -> usize {
        self.rows.width()
    }

    fn height(&self) -> usize {
        self.rows.height()
    }

    fn read(&mut self, first: usize, target: &mut [f32]) {
        self.rows.read(first, target);
        for pixel in target.as_chunks_mut::<3>().0 {
            pixel.iter_mut().zip(&self.tables).for_each(|(level, table)| *level = table.at(*level));
        }
    }
}
