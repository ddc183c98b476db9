//! Contrast-limited adaptive histogram equalisation of L*.

use std::array::from_fn;

use super::each::each;
use super::grid::mirror_images;
use super::tone::Table;
use super::{Stage, for_each_row};
use crate::Sample;
use crate::kernels::clahe::{Between, Curve, TILES, equalising_curve};
use crate::lab::lightness::{curve, inverse, inverse_curve};
use crate::lab::{TO_XYZ, decode_srgb, encode_srgb, times};

/// Rows whose L* is equalised within 8x8 tiles, as the 8-bit kernel does, but without steps.
pub(super) fn stage(mut rows: Stage<'_>, limit: f32) -> Stage<'_> {
    let lightness = Lightness::new();
    let curves = tile_curves(&mut rows, &lightness, limit);
    let (width, height) = (rows.width(), rows.height());
    let across: Vec<Between> = (0..width).map(|x| Between::new(x, width)).collect();
    each(rows, move |y, row| {
        let down = Between::new(y, height);
        let curves: [Curve; TILES] =
            from_fn(|tile| down.mixed_curves(&curves[down.low][tile], &curves[down.high][tile]));
        for (pixel, between) in row.as_chunks_mut().0.iter_mut().zip(&across) {
            lightness.change(pixel, |level| {
                let (low, high) = (on(&curves[between.low], level), on(&curves[between.high], level));
                low + between.share * (high - low)
            });
        }
    })
}

/// The value of a curve between its entries.
fn on(curve: &Curve, level: f32) -> f32 {
    let low = (level as usize).min(254);
    curve[low] + (level - low as f32) * (curve[low + 1] - curve[low])
}

/// What each level becomes in each tile, `[row][column][level]`; tiles at the right and lower border reach into the mirrored
/// photo.
fn tile_curves(rows: &mut Stage<'_>, lightness: &Lightness, limit: f32) -> Vec<[Curve; TILES]> {
    let (width, height) = (rows.width(), rows.height());
    let (tile_width, tile_height) = (width.div_ceil(TILES), height.div_ceil(TILES));
    let tiles = |length: usize, tile: usize| -> Vec<Vec<usize>> {
        let images = mirror_images(length, 0, TILES * tile);
        images.into_iter().map(|places| places.into_iter().map(|place| place / tile).collect()).collect()
    };
    let (across, down) = (tiles(width, tile_width), tiles(height, tile_height));
    let mut histograms = vec![[[0_u32; 256]; TILES]; TILES];
    for_each_row(rows.as_mut(), |y, row| {
        for (pixel, across) in row.as_chunks().0.iter().zip(&across) {
            let level = usize::from(u8::from_level(lightness.level(*pixel)));
            for &row in &down[y] {
                across.iter().for_each(|&column| histograms[row][column][level] += 1);
            }
        }
    });
    let area = (tile_width * tile_height) as u32;
    histograms.into_iter().map(|row| row.map(|histogram| equalising_curve(histogram, area, limit))).collect()
}

/// L* of pixels, as a level from 0 to 255.
struct Lightness {
    decoded: Table,
    encoded: Table,
    from_xyz: [[f32; 3]; 3],
}

impl Lightness {
    fn new() -> Self {
        Self {
            decoded: Table::new(u16::STEPS, |level| decode_srgb(level / 255.0)),
            encoded: Table::new(u16::STEPS, |light| 255.0 * encode_srgb(light / 255.0)),
            from_xyz: inverse(&TO_XYZ),
        }
    }

    /// X, Y and Z under the curve of L*a*b*.
    fn under_curve(&self, pixel: [f32; 3]) -> [f32; 3] {
        times(&TO_XYZ, pixel.map(|level| self.decoded.at(level))).map(curve)
    }

    fn level(&self, pixel: [f32; 3]) -> f32 {
        of_curve(self.under_curve(pixel)[1])
    }

    /// Changes L*; a* and b* stay, because the three under the curve move by the same amount.
    fn change(&self, pixel: &mut [f32; 3], becomes: impl Fn(f32) -> f32) {
        let under_curve = self.under_curve(*pixel);
        let level = of_curve(under_curve[1]);
        let shift = (becomes(level) - level) / (2.55 * 116.0);
        let rgb = times(&self.from_xyz, under_curve.map(|value| inverse_curve(value + shift)));
        *pixel = rgb.map(|light| self.encoded.at(255.0 * light.clamp(0.0, 1.0)));
    }
}

/// L* = 116 f(Y) - 16 of 100.
fn of_curve(value: f32) -> f32 {
    ((116.0 * value - 16.0) * 2.55).clamp(0.0, 255.0)
}
