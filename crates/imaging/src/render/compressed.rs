//! What a JPEG leaves of the photo.

use super::{Rows, Stage};
use crate::kernels::fault;
use crate::{Photo, Sample};

/// Rows of a JPEG's blocks: rows that begin at a multiple are compressed as those of the whole photo are.
const BLOCK: usize = 8;

pub(super) fn stage(rows: Stage<'_>, quality: f32) -> Stage<'_> {
    Box::new(Compressed { rows, quality })
}

/// The photo has 8 bit inside of a JPEG, whatever depth it has around it.
struct Compressed<'a> {
    rows: Stage<'a>,
    quality: f32,
}

impl Rows for Compressed<'_> {
    fn width(&self) -> usize {
        self.rows.width()
    }

    fn height(&self) -> usize {
        self.rows.height()
    }

    fn read(&mut self, first: usize, target: &mut [f32]) {
        let (stride, height) = (self.stride(), self.height());
        let start = first / BLOCK * BLOCK;
        let end = (first + target.len() / stride).next_multiple_of(BLOCK).min(height);
        let mut levels = vec![0.0; (end - start) * stride];
        self.rows.read(start, &mut levels);
        let values = levels.iter().map(|&level| u8::from_level(level)).collect();
        let photo = Photo::new(self.width() as u32, (end - start) as u32, values).expect("whole rows");
        let photo = fault::compressed(&photo, self.quality);
        let values = &photo.pixels()[(first - start) * stride..];
        target.iter_mut().zip(values).for_each(|(level, value)| *level = value.to_level());
    }
}
