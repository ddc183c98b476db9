//! Values that stay what they are at another place.

use super::parallel::{collected, kept};
use super::source::Whole;
use super::{Held, Rows, Shape, Stage};
use crate::kernels::geometry::Part;
use crate::kernels::thirds;
use crate::{Axis, ChannelSet, Direction};

/// A part of the photo.
pub(super) fn crop(rows: Stage<'_>, part: Part) -> Stage<'_> {
    Box::new(Cropped { rows, part, whole: Vec::new() })
}

/// What a crop towards the thirds keeps. What stands out is looked for in an 8-bit copy.
pub(super) fn part_by_thirds(rows: &Stage<'_>, share: f32) -> Part {
    thirds::part(&collected(rows), share)
}

/// A crop towards the thirds.
pub(super) fn crop_thirds(rows: Stage<'_>, share: f32) -> Stage<'_> {
    let part = part_by_thirds(&rows, share);
    crop(rows, part)
}

#[derive(Clone)]
struct Cropped<'a> {
    rows: Stage<'a>,
    part: Part,
    whole: Vec<f32>,
}

impl<'a> Rows<'a> for Cropped<'a> {
    fn shape(&self) -> Shape {
        Shape { width: self.part.width as usize, height: self.part.height as usize, ..self.rows.shape() }
    }

    fn read(&mut self, first: usize, target: &mut [f32]) {
        let (stride, length, left) = (self.rows.shape().stride(), self.shape().stride(), 3 * self.part.left as usize);
        self.whole.resize(target.len() / length * stride, 0.0);
        self.rows.read(self.part.top as usize + first, &mut self.whole);
        for (row, whole) in target.chunks_exact_mut(length).zip(self.whole.chunks_exact(stride)) {
            row.copy_from_slice(&whole[left..left + length]);
        }
    }

    fn fork(&self) -> Stage<'a> {
        Box::new(self.clone())
    }
}

/// The mirror image.
pub(super) fn flip(rows: Stage<'_>, axis: Axis) -> Stage<'_> {
    // From bottom to top, what stages hold would be computed again and again.
    let shape = rows.shape();
    let rows = if axis == Axis::Vertical && shape.held > 0 { Box::new(Whole::new(kept(&rows), shape)) } else { rows };
    Box::new(Flipped { rows, axis })
}

#[derive(Clone)]
struct Flipped<'a> {
    rows: Stage<'a>,
    axis: Axis,
}

impl<'a> Rows<'a> for Flipped<'a> {
    fn shape(&self) -> Shape {
        self.rows.shape()
    }

    fn read(&mut self, first: usize, target: &mut [f32]) {
        let Shape { height, .. } = self.shape();
        let stride = self.shape().stride();
        match self.axis {
            Axis::Horizontal => {
                self.rows.read(first, target);
                target.chunks_exact_mut(stride).for_each(|row| row.as_chunks_mut::<3>().0.reverse());
            }
            Axis::Vertical => {
                let count = target.len() / stride;
                self.rows.read(height - first - count, target);
                for y in 0..count / 2 {
                    let (upper, lower) = target.split_at_mut((count - 1 - y) * stride);
                    upper[y * stride..(y + 1) * stride].swap_with_slice(&mut lower[..stride]);
                }
            }
        }
    }

    fn fork(&self) -> Stage<'a> {
        Box::new(self.clone())
    }
}

/// The channels moved by half of the width or height, rounded down, around the border.
pub(super) fn shift<'a>(rows: Stage<'a>, direction: Direction, channels: ChannelSet) -> Stage<'a> {
    let Shape { width, height, .. } = rows.shape();
    let (across, down) = match direction {
        Direction::Left => (width / 2, 0),
        Direction::Right => (width - width / 2, 0),
        Direction::Up => (0, height / 2),
        Direction::Down => (0, height - height / 2),
    };
    let moved = rows.clone();
    Box::new(Shifted { rows, moved, across, down, channels, held: Held::default() })
}

#[derive(Clone)]
struct Shifted<'a> {
    rows: Stage<'a>,
    /// The same once more: two places are read in turn.
    moved: Stage<'a>,
    /// How far to the right and below the values come from, around the border.
    across: usize,
    down: usize,
    channels: ChannelSet,
    held: Held,
}

impl<'a> Rows<'a> for Shifted<'a> {
    fn shape(&self) -> Shape {
        self.rows.shape()
    }

    fn read(&mut self, first: usize, target: &mut [f32]) {
        let (stride, Shape { width, height, .. }) = (self.shape().stride(), self.shape());
        self.rows.read(first, target);
        let members = self.channels.members();
        for (y, row) in (first..).zip(target.chunks_exact_mut(stride)) {
            let from = (y + self.down) % height;
            self.held.hold(&mut self.moved, from, from + 1);
            let source = self.held.row(from, stride).as_chunks::<3>().0;
            for (x, pixel) in row.as_chunks_mut::<3>().0.iter_mut().enumerate() {
                let moved = source[(x + self.across) % width];
                for channel in (0..3).filter(|&channel| members[channel]) {
                    pixel[channel] = moved[channel];
                }
            }
        }
    }

    fn fork(&self) -> Stage<'a> {
        Box::new(self.clone())
    }
}
