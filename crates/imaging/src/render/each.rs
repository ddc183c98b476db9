//! Arithmetic on each pixel alone, and on its place.

use super::{Rows, Stage};
use crate::kernels::{colour, fault, hsv, vectorized};
use crate::{ChannelOrder, Grey, OperationKind};

/// Rows after an operation on pixels that has a strength.
pub(super) fn stage(rows: Stage<'_>, kind: OperationKind, strength: f32) -> Stage<'_> {
    let (width, height) = (rows.width(), rows.height());
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
            let vignette = fault::Vignette::new(width, height, strength);
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

fn pixels<'a>(rows: Stage<'a>, work: impl Fn([f32; 3]) -> [f32; 3] + 'a) -> Stage<'a> {
    each(rows, move |_, row| {
        vectorized(
            #[inline(always)]
            || row.as_chunks_mut::<3>().0.iter_mut().for_each(|pixel| *pixel = work(*pixel)),
        );
    })
}

/// Rows that are changed one by one; the results are clamped.
pub(super) fn each<'a>(rows: Stage<'a>, work: impl FnMut(usize, &mut [f32]) + 'a) -> Stage<'a> {
    Box::new(Each { rows, work })
}

struct Each<'a, F> {
    rows: Stage<'a>,
    work: F,
}

impl<F: FnMut(usize, &mut [f32])> Rows for Each<'_, F> {
    fn width(&self) -> usize {
        self.rows.width()
    }

    fn height(&self) -> usize {
        self.rows.height()
    }

    fn read(&mut self, first: usize, target: &mut [f32]) {
        self.rows.read(first, target);
        for (y, row) in (first..).zip(target.chunks_exact_mut(self.rows.stride())) {
            (self.work)(y, row);
            clamp(row);
        }
    }
}

/// Takes levels to the nearest end of the range.
pub(super) fn clamp(levels: &mut [f32]) {
    levels.iter_mut().for_each(|level| *level = level.clamp(0.0, 255.0));
}
