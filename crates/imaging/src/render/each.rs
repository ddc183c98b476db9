//! Arithmetic on each pixel alone, and on its place.

use std::sync::Arc;

use super::{LOOK, Rows, Shape, Stage};
use crate::kernels::{colour, fault, hsv, vectorized};
use crate::{ChannelOrder, Grey, OperationKind};

/// Rows after an operation on pixels that has a strength.
pub(super) fn stage(rows: Stage<'_>, kind: OperationKind, strength: f32) -> Stage<'_> {
    let Shape { width, height, .. } = rows.shape();
    match kind {
        OperationKind::Saturation => pixels(
            rows,
            #[inline(always)]
            move |pixel| colour::chroma_scaled(pixel, |_| strength),
        ),
        OperationKind::Vibrance => pixels(
            rows,
            #[inline(always)]
            move |pixel| colour::chroma_scaled(pixel, |saturation| 1.0 + strength * (1.0 - saturation)),
        ),
        OperationKind::HsvSaturation => pixels(
            rows,
            #[inline(always)]
            move |pixel| hsv::saturation_scaled(pixel, strength),
        ),
        OperationKind::Noise => each(rows, move |y, row| {
            for (place, level) in (y * 3 * width..).zip(row) {
                *level += strength * fault::nearly_normal(place, *level);
            }
        }),
        OperationKind::Vignette => {
            let vignette = Arc::new(fault::Vignette::new(width, height, strength));
            each(rows, move |y, row| {
                for (x, pixel) in row.as_chunks_mut::<3>().0.iter_mut().enumerate() {
                    let factor = vignette.factor(x, y);
                    *pixel = pixel.map(|level| level * factor);
                }
            })
        }
        kind => unreachable!("{kind:?} is no operation on pixels alone"),
    }
}

/// The channels in another order.
pub(super) fn reorder(rows: Stage<'_>, order: ChannelOrder) -> Stage<'_> {
    let sources = order.sources();
    pixels(
        rows,
        #[inline(always)]
        move |pixel| sources.map(|source| pixel[source]),
    )
}

/// Three equal channels.
pub(super) fn greyscale(rows: Stage<'_>, grey: Grey) -> Stage<'_> {
    let weights = match grey {
        Grey::Luminosity => [0.299, 0.587, 0.114],
        Grey::Average => [1.0 / 3.0; 3],
    };
    pixels(
        rows,
        #[inline(always)]
        move |[red, green, blue]| [weights[0] * red + weights[1] * green + weights[2] * blue; 3],
    )
}

fn pixels<'a>(rows: Stage<'a>, work: impl Fn([f32; 3]) -> [f32; 3] + Clone + Send + 'a) -> Stage<'a> {
    each(rows, move |_, row| {
        vectorized(
            #[inline(always)]
            || row.as_chunks_mut::<3>().0.iter_mut().for_each(|pixel| *pixel = work(*pixel)),
        );
    })
}

/// Rows that are changed one by one; the results are clamped.
pub(super) fn each<'a>(rows: Stage<'a>, work: impl FnMut(usize, &mut [f32]) + Clone + Send + 'a) -> Stage<'a> {
    Box::new(Each { rows, work })
}

#[derive(Clone)]
struct Each<'a, F> {
    rows: Stage<'a>,
    work: F,
}

impl<'a, F: FnMut(usize, &mut [f32]) + Clone + Send + 'a> Rows<'a> for Each<'a, F> {
    fn shape(&self) -> Shape {
        self.rows.shape()
    }

    fn read(&mut self, first: usize, target: &mut [f32]) {
        self.rows.read(first, target);
        for (y, row) in (first..).zip(target.chunks_exact_mut(self.shape().stride())) {
            (self.work)(y, row);
            clamp(row);
        }
    }

    fn fork(&self) -> Stage<'a> {
        Box::new(self.clone())
    }
}

/// Takes levels to the nearest end of the range.
pub(super) fn clamp(levels: &mut [f32]) {
    vectorized(
        #[inline(always)]
        || levels.iter_mut().for_each(|level| *level = level.clamp(0.0, 255.0)),
    );
}

/// The same rows, counted as those that the operation has looked at before.
pub(super) fn looked(rows: Stage<'_>) -> Stage<'_> {
    Box::new(Looked { rows })
}

#[derive(Clone)]
struct Looked<'a> {
    rows: Stage<'a>,
}

impl<'a> Rows<'a> for Looked<'a> {
    fn shape(&self) -> Shape {
        let shape = self.rows.shape();
        Shape { held: shape.held + LOOK, ..shape }
    }

    fn read(&mut self, first: usize, target: &mut [f32]) {
        self.rows.read(first, target);
    }

    fn fork(&self) -> Stage<'a> {
        Box::new(self.clone())
    }
}
