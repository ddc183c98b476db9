//! What a JPEG leaves of the photo.

use super::{Rows, Shape, Stage};
use crate::kernels::fault;
use crate::{Photo, Sample};

/// Rows of a JPEG's blocks: rows that begin at a multiple are compressed as those of the whole photo are.
const BLOCK: usize = 8;

/// Rows that are compressed together.
const ROWS: usize = 8 * BLOCK;

pub(super) fn stage(rows: Stage<'_>, quality: f32) -> Stage<'_> {
    Box::new(Compressed { rows, quality, first: 0, values: Vec::new() })
}

/// The photo has 8 bit inside of a JPEG, whatever depth it has around it.
#[derive(Clone)]
struct Compressed<'a> {
    rows: Stage<'a>,
    quality: f32,
    /// The rows that were compressed last, and the index of the first of them.
    first: usize,
    values: Vec<u8>,
}

impl<'a> Rows<'a> for Compressed<'a> {
    fn shape(&self) -> Shape {
        let shape = self.rows.shape();
        Shape { held: shape.held + BLOCK, ..shape }
    }

    fn read(&mut self, first: usize, target: &mut [f32]) {
        let stride = self.shape().stride();
        for (y, row) in (first..).zip(target.chunks_exact_mut(stride)) {
            if !(self.first..self.first + self.values.len() / stride).contains(&y) {
                self.compress(y / BLOCK * BLOCK);
            }
            let values = &self.values[(y - self.first) * stride..];
            row.iter_mut().zip(values).for_each(|(level, value)| *level = value.to_level());
        }
    }

    fn fork(&self) -> Stage<'a> {
        Box::new(self.clone())
    }
}

impl Compressed<'_> {
    fn compress(&mut self, first: usize) {
        let shape = self.shape();
        let rows = ROWS.min(shape.height - first);
        let mut levels = vec![0.0; rows * shape.stride()];
        self.rows.read(first, &mut levels);
        let values = levels.iter().map(|&level| u8::from_level(level)).collect();
        let photo = Photo::new(shape.width as u32, rows as u32, values).expect("whole rows");
        (self.first, self.values) = (first, fault::compressed(&photo, self.quality).into_pixels());
    }
}
