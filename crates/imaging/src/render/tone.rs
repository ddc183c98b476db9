//! Curves on single values.

use std::sync::Arc;

use super::each::looked;
use super::{Rows, Shape, Stage};
use crate::{Operation, Photo, Sample};

/// What the operations, curves all of them, make of a level of a channel, one after the other. Each result is clamped.
pub(super) fn after_all(operations: &[Operation], level: f32, channel: usize) -> f32 {
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
    entries: Arc<[f32]>,
}

/// With as many equal steps from black to white, every value of 8 and 16 bit lies on an entry.
const STEPS: usize = 65_535;

impl Table {
    pub(super) fn new(curve: impl Fn(f32) -> f32) -> Self {
        let level = |step: usize| step.min(STEPS) as f32 * (255.0 / STEPS as f32);
        Self { entries: (0..=STEPS + 1).map(|step| curve(level(step))).collect() }
    }

    /// What becomes of a level from 0 to 255.
    #[inline(always)]
    pub(super) fn at(&self, level: f32) -> f32 {
        let place = level * (STEPS as f32 / 255.0);
        let low = (place as usize).min(STEPS);
        self.entries[low] + (place - low as f32) * (self.entries[low + 1] - self.entries[low])
    }
}

/// What the levels of the three channels become, clamped.
#[derive(Clone)]
pub(super) struct Curves([Table; 3]);

impl Curves {
    /// `alike` says that the curve is the same for all channels.
    fn new(alike: bool, curve: impl Fn(f32, usize) -> f32) -> Self {
        let table = |channel| Table::new(|level| curve(level, channel).clamp(0.0, 255.0));
        let red = table(0);
        Self(if alike { [red.clone(), red.clone(), red] } else { [red, table(1), table(2)] })
    }

    /// After operations that are curves.
    pub(super) fn after(operations: &[Operation]) -> Self {
        let alike = operations.iter().all(Operation::treats_channels_alike);
        Self::new(alike, |level, channel| after_all(operations, level, channel))
    }

    pub(super) fn apply(&self, levels: &mut [f32]) {
        for pixel in levels.as_chunks_mut::<3>().0 {
            pixel.iter_mut().zip(&self.0).for_each(|(level, table)| *level = table.at(*level));
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
        Self { rows: looked(rows), curves: Curves::new(alike, curve) }
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
