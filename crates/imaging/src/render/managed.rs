//! Photos whose values are not sRGB: what sRGB has of them is edited, and the rest is carried beside it and put back.
//!
//! A photo under a profile is two sets of rows: levels of sRGB, cut at black and white as whoever looks at the photo in sRGB sees
//! them, and what was cut off. Edits are made to the first set, so that they are what they are in sRGB; the second one moves with the pixels. In
//! the end a pixel gets back what was cut off, as far as its colour (the distance between its largest and its smallest level) is as
//! strong as it was: what became grey stays grey, and what was left alone becomes what it was.

use super::moved::{crop, flip, part_by_thirds, shift};
use super::parallel::collected_by;
use super::{Rows, Shape, Stage, each, stage, turned};
use crate::kernels::vectorized;
use crate::operation::Argument;
use crate::profile::Profile;
use crate::{Operation, OperationKind, Photo, Sample};

/// Levels that are added to how strong a colour is before two of them are compared: greys have none.
const FAINT: f32 = 4.0;

/// The levels of a photo within sRGB, and for each what was cut off, divided by how strong the colour is.
pub(super) fn sources<'a, T: Sample>(photo: &'a Photo<T>, profile: &'a Profile<T>) -> (Stage<'a>, Stage<'a>) {
    (Box::new(Within { photo, profile }), Box::new(Beyond { photo, profile }))
}

fn read_levels<T: Sample>(photo: &Photo<T>, profile: &Profile<T>, first: usize, target: &mut [f32]) {
    let values = &photo.pixels()[first * 3 * photo.width() as usize..][..target.len()];
    profile.to_levels(values, target);
}

fn shape_of<T: Sample>(photo: &Photo<T>) -> Shape {
    Shape { width: photo.width() as usize, height: photo.height() as usize, held: 0, deep: T::bytes(&[]).is_none() }
}

struct Within<'a, T> {
    photo: &'a Photo<T>,
    profile: &'a Profile<T>,
}

impl<'a, T: Sample> Rows<'a> for Within<'a, T> {
    fn shape(&self) -> Shape {
        shape_of(self.photo)
    }

    fn read(&mut self, first: usize, target: &mut [f32]) {
        read_levels(self.photo, self.profile, first, target);
        each::clamp(target);
    }

    fn fork(&self) -> Stage<'a> {
        Box::new(Self { photo: self.photo, profile: self.profile })
    }
}

struct Beyond<'a, T> {
    photo: &'a Photo<T>,
    profile: &'a Profile<T>,
}

impl<'a, T: Sample> Rows<'a> for Beyond<'a, T> {
    fn shape(&self) -> Shape {
        shape_of(self.photo)
    }

    fn read(&mut self, first: usize, target: &mut [f32]) {
        read_levels(self.photo, self.profile, first, target);
        vectorized(
            #[inline(always)]
            || {
                for pixel in target.as_chunks_mut::<3>().0 {
                    let within = pixel.map(|level| level.clamp(0.0, 255.0));
                    let strong = strength(within);
                    for channel in 0..3 {
                        pixel[channel] = (pixel[channel] - within[channel]) / strong;
                    }
                }
            },
        );
    }

    fn fork(&self) -> Stage<'a> {
        Box::new(Self { photo: self.photo, profile: self.profile })
    }
}

/// How strong a colour is.
#[inline(always)]
fn strength([red, green, blue]: [f32; 3]) -> f32 {
    red.max(green).max(blue) - red.min(green).min(blue) + FAINT
}

/// Both sets after one operation that is no curve.
pub(super) fn both<'a>(
    rows: Stage<'a>,
    beyond: Stage<'a>,
    operation: &Operation,
    scale: f32,
) -> (Stage<'a>, Stage<'a>) {
    let shape = rows.shape();
    match (operation.kind(), operation.argument()) {
        (_, Argument::Ratio(ratio)) => {
            let part = operation.part(shape.width as u32, shape.height as u32, ratio);
            (crop(rows, part), crop(beyond, part))
        }
        (OperationKind::CropThirds, Argument::Amount(share)) => {
            let part = part_by_thirds(&rows, share);
            (crop(rows, part), crop(beyond, part))
        }
        (OperationKind::LevelHorizon, Argument::Amount(most)) => match turned::turn(&rows, most) {
            Some(turn) => (turned::by(rows, turn), turned::by(beyond, turn)),
            None => (rows, beyond),
        },
        (_, Argument::Axis(axis)) => (flip(rows, axis), flip(beyond, axis)),
        (_, Argument::Shift(direction, channels)) => {
            (shift(rows, direction, channels), shift(beyond, direction, channels))
        }
        (_, Argument::Order(order)) => {
            let exchanged = Box::new(Exchanged { rows: beyond, sources: order.sources(), signs: [1.0; 3] });
            (each::reorder(rows, order), exchanged)
        }
        _ => (stage(rows, operation, scale), beyond),
    }
}

/// What was cut off after curves: the negative of a channel that ended too early begins too late.
pub(super) fn turned_over<'a>(beyond: Stage<'a>, curves: &[Operation]) -> Stage<'a> {
    let mut signs = [1.0; 3];
    for set in curves.iter().filter_map(Operation::inverted) {
        for (sign, member) in signs.iter_mut().zip(set.members()) {
            if member {
                *sign = -*sign;
            }
        }
    }
    if signs == [1.0; 3] { beyond } else { Box::new(Exchanged { rows: beyond, sources: [0, 1, 2], signs }) }
}

/// Channels exchanged and negated, without ends.
#[derive(Clone)]
struct Exchanged<'a> {
    rows: Stage<'a>,
    sources: [usize; 3],
    signs: [f32; 3],
}

impl<'a> Rows<'a> for Exchanged<'a> {
    fn shape(&self) -> Shape {
        self.rows.shape()
    }

    fn read(&mut self, first: usize, target: &mut [f32]) {
        self.rows.read(first, target);
        for pixel in target.as_chunks_mut::<3>().0 {
            *pixel = [0, 1, 2].map(|channel| self.signs[channel] * pixel[self.sources[channel]]);
        }
    }

    fn fork(&self) -> Stage<'a> {
        Box::new(self.clone())
    }
}

/// The photo that both sets make, in the values of the profile.
pub(super) fn collected_under<'a, T: Sample>(rows: Stage<'a>, beyond: Stage<'a>, profile: &Profile<T>) -> Photo<T> {
    let restored: Stage<'a> = Box::new(Restored { rows, beyond, cut: Vec::new() });
    collected_by(&restored, |levels, values| profile.to_values(levels, values))
}

#[derive(Clone)]
struct Restored<'a> {
    rows: Stage<'a>,
    beyond: Stage<'a>,
    cut: Vec<f32>,
}

impl<'a> Rows<'a> for Restored<'a> {
    fn shape(&self) -> Shape {
        let (rows, beyond) = (self.rows.shape(), self.beyond.shape());
        Shape { held: rows.held + beyond.held, ..rows }
    }

    fn read(&mut self, first: usize, target: &mut [f32]) {
        self.rows.read(first, target);
        self.cut.resize(target.len(), 0.0);
        self.beyond.read(first, &mut self.cut);
        let cut = &self.cut;
        vectorized(
            #[inline(always)]
            || {
                for (pixel, cut) in target.as_chunks_mut::<3>().0.iter_mut().zip(cut.as_chunks::<3>().0) {
                    let strong = strength(*pixel);
                    *pixel = [0, 1, 2].map(|channel| pixel[channel] + strong * cut[channel]);
                }
            },
        );
    }

    fn fork(&self) -> Stage<'a> {
        Box::new(self.clone())
    }
}
