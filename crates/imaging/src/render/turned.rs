//! Levelling a horizon.

use super::parallel::collected;
use super::{Held, Rows, Shape, Stage};
use crate::kernels::horizon::{Turn, interpolated, levelling};

/// How the rows are turned to be level, by at most so many degrees. The tilt is looked for in an 8-bit copy.
pub(super) fn turn(rows: &Stage<'_>, most: f32) -> Option<Turn> {
    levelling(&collected(rows), most)
}

/// The rows levelled.
pub(super) fn stage(rows: Stage<'_>, most: f32) -> Stage<'_> {
    match turn(&rows, most) {
        Some(turn) => by(rows, turn),
        None => rows,
    }
}

/// The rows turned.
pub(super) fn by(rows: Stage<'_>, turn: Turn) -> Stage<'_> {
    Box::new(Turned { rows, turn, held: Held::default() })
}

/// A turned row crosses as many rows of the photo as its width times the sine of the angle.
#[derive(Clone)]
struct Turned<'a> {
    rows: Stage<'a>,
    turn: Turn,
    held: Held,
}

impl<'a> Rows<'a> for Turned<'a> {
    fn shape(&self) -> Shape {
        let (shape, turn) = (self.rows.shape(), &self.turn);
        let crossed = (turn.source(0, 0).1 - turn.source(turn.width - 1, 0).1).abs() as usize + 2;
        Shape {
            width: turn.width as usize,
            height: turn.height as usize,
            held: shape.held + crossed.min(shape.height),
            ..shape
        }
    }

    fn read(&mut self, first: usize, target: &mut [f32]) {
        let stride = self.rows.shape().stride();
        for (y, row) in (first as u32..).zip(target.chunks_exact_mut(3 * self.turn.width as usize)) {
            let ends = [0, self.turn.width - 1].map(|x| self.turn.source(x, y).1);
            let (top, bottom) = (ends[0].min(ends[1]) as usize, ends[0].max(ends[1]).ceil() as usize);
            self.held.hold(&mut self.rows, top, bottom + 1);
            for (x, pixel) in (0..).zip(row.as_chunks_mut().0) {
                *pixel = interpolated(self.turn.source(x, y), |x, y| {
                    let row = self.held.row(y as usize, stride);
                    std::array::from_fn(|channel| row[3 * x as usize + channel])
                });
            }
        }
    }

    fn fork(&self) -> Stage<'a> {
        Box::new(self.clone())
    }
}
