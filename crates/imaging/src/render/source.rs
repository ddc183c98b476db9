//! Where rows come from: a photo, or levels that were computed before.

use std::sync::Arc;

use super::tone::after_all;
use super::{Rows, Shape, Stage};
use crate::kernels::vectorized;
use crate::{Operation, Photo, Sample};

/// Values that are read from the tables of an 8-bit photo.
const VALUES: usize = 256;

/// A photo, as levels, after curves on single values.
pub(super) struct Source<'a, T> {
    photo: &'a Photo<T>,
    curves: Arc<Curves>,
}

enum Curves {
    None,
    /// What each 8-bit value becomes, for each channel.
    Tables(Box<[[f32; VALUES]; 3]>),
    Tabulated(super::tone::Curves),
}

impl<'a, T: Sample> Source<'a, T> {
    /// The photo after the operations, curves all of them.
    pub(super) fn after(photo: &'a Photo<T>, operations: &[Operation]) -> Self {
        let curves = if operations.is_empty() {
            Curves::None
        } else if T::STEPS < VALUES {
            let table = |channel| std::array::from_fn(|value| after_all(operations, value as f32, channel));
            Curves::Tables(Box::new(std::array::from_fn(table)))
        } else {
            Curves::Tabulated(super::tone::Curves::exactly_after(operations))
        };
        Self { photo, curves: Arc::new(curves) }
    }
}

impl<'a, T: Sample> Rows<'a> for Source<'a, T> {
    fn shape(&self) -> Shape {
        Shape {
            width: self.photo.width() as usize,
            height: self.photo.height() as usize,
            held: 0,
            deep: T::bytes(&[]).is_none(),
        }
    }

    fn read(&mut self, first: usize, target: &mut [f32]) {
        let values = &self.photo.pixels()[first * self.shape().stride()..][..target.len()];
        if let Curves::Tables(tables) = &*self.curves {
            for (pixel, values) in target.as_chunks_mut::<3>().0.iter_mut().zip(values.as_chunks::<3>().0) {
                for channel in 0..3 {
                    pixel[channel] = tables[channel][values[channel].to_level() as usize & (VALUES - 1)];
                }
            }
            return;
        }
        vectorized(
            #[inline(always)]
            || target.iter_mut().zip(values).for_each(|(level, value)| *level = value.to_level()),
        );
        if let Curves::Tabulated(curves) = &*self.curves {
            curves.apply(target);
        }
    }

    fn fork(&self) -> Stage<'a> {
        Box::new(Self { photo: self.photo, curves: Arc::clone(&self.curves) })
    }
}

/// Levels that were computed before.
#[derive(Clone)]
pub(super) struct Whole {
    levels: Arc<Vec<f32>>,
    shape: Shape,
}

impl Whole {
    pub(super) fn new(levels: Vec<f32>, shape: Shape) -> Self {
        Self { levels: Arc::new(levels), shape: Shape { held: 0, ..shape } }
    }
}

impl<'a> Rows<'a> for Whole {
    fn shape(&self) -> Shape {
        self.shape
    }

    fn read(&mut self, first: usize, target: &mut [f32]) {
        target.copy_from_slice(&self.levels[first * self.shape.stride()..][..target.len()]);
    }

    fn fork(&self) -> Stage<'a> {
        Box::new(self.clone())
    }
}
