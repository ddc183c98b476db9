//! Contrast-limited adaptive histogram equalisation of L*.

use std::array::from_fn;
use std::sync::Arc;

use super::each::{each, looked};
use super::grid::mirror_images;
use super::parallel::gathered;
use super::tone::Table;
use super::{Shape, Stage};
use crate::Sample;
use crate::kernels::clahe::{Between, Curve, TILES, equalising_curve};
use crate::kernels::{mirrored, vectorized};
use crate::lab::lightness::{curve, inverse, inverse_curve};
use crate::lab::{TO_XYZ, decode_srgb, encode_srgb, times};

/// Pixels that are worked on together, so that loops over them become wide instructions.
const BLOCK: usize = 64;

/// Rows whose L* is equalised within 8x8 tiles, as the 8-bit kernel does, but without steps.
pub(super) fn stage(rows: Stage<'_>, limit: f32) -> Stage<'_> {
    let lightness = Arc::new(Lightness::new());
    let curves = Arc::new(tile_curves(&rows, &lightness, limit));
    let Shape { width, height, .. } = rows.shape();
    let across: Arc<[Between]> = (0..width).map(|x| Between::new(x, width)).collect();
    each(looked(rows), move |y, row| {
        let down = Between::new(y, height);
        let curves: [Curve; TILES] =
            from_fn(|tile| down.mixed_curves(&curves[down.low][tile], &curves[down.high][tile]));
        let becomes = |level: f32, between: &Between| {
            let (low, high) = (on(&curves[between.low], level), on(&curves[between.high], level));
            low + between.share * (high - low)
        };
        let pixels = row.as_chunks_mut().0;
        vectorized(
            #[inline(always)]
            || {
                for (pixels, across) in pixels.chunks_mut(BLOCK).zip(across.chunks(BLOCK)) {
                    lightness.change(pixels, |level, place| becomes(level, &across[place]));
                }
            },
        );
    })
}

/// The value of a curve between its entries.
#[inline(always)]
fn on(curve: &Curve, level: f32) -> f32 {
    let low = (level as usize).min(254);
    curve[low] + (level - low as f32) * (curve[low + 1] - curve[low])
}

/// What each level becomes in each tile, `[row][column][level]`; tiles at the right and lower border reach into the mirrored
/// photo.
fn tile_curves(rows: &Stage<'_>, lightness: &Lightness, limit: f32) -> Vec<[Curve; TILES]> {
    let Shape { width, height, .. } = rows.shape();
    let (tile_width, tile_height) = (width.div_ceil(TILES), height.div_ceil(TILES));
    let images = mirror_images(height, 0, TILES * tile_height);
    // The rows of tiles that each row of the photo is in.
    let down: Vec<Vec<usize>> =
        images.into_iter().map(|places| places.into_iter().map(|place| place / tile_height).collect()).collect();
    // Where each column of tiles lies in a row, and what it has of the mirrored photo.
    let inside = |tile: usize| (tile * tile_width).min(width)..((tile + 1) * tile_width).min(width);
    let beyond: Vec<(usize, usize)> =
        (width..TILES * tile_width).map(|x| (x / tile_width, mirrored(x as isize, width))).collect();
    let empty = || (vec![[[0_u32; 256]; TILES]; TILES], vec![0_u8; width]);
    let parts = gathered(rows, empty, |(histograms, levels), y, row| {
        lightness.levels(row.as_chunks().0, levels);
        for &row in &down[y] {
            for (tile, histogram) in histograms[row].iter_mut().enumerate() {
                levels[inside(tile)].iter().for_each(|&level| histogram[usize::from(level)] += 1);
            }
            beyond.iter().for_each(|&(tile, x)| histograms[row][tile][usize::from(levels[x])] += 1);
        }
    });
    let (mut histograms, _) = empty();
    for (part, _) in parts {
        let counts = histograms.as_flattened_mut().as_flattened_mut().iter_mut();
        counts.zip(part.as_flattened().as_flattened()).for_each(|(sum, count)| *sum += count);
    }
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
            // A two-hundredth of a level, and of light as much.
            decoded: Table::new(|level| decode_srgb(level / 255.0), 2e-5),
            encoded: Table::new(|light| 255.0 * encode_srgb(light / 255.0), 5e-3),
            from_xyz: inverse(&TO_XYZ),
        }
    }

    /// X, Y and Z of at most a block of pixels, under the curve of L*a*b*.
    #[inline(always)]
    fn under_curve(&self, pixels: &[[f32; 3]]) -> [[f32; BLOCK]; 3] {
        let mut values = [[0.0; BLOCK]; 3];
        for (i, pixel) in pixels.iter().enumerate() {
            values.iter_mut().zip(pixel).for_each(|(values, &level)| values[i] = self.decoded.at(level));
        }
        for i in 0..BLOCK {
            let xyz = times(&TO_XYZ, [values[0][i], values[1][i], values[2][i]]).map(curve);
            values.iter_mut().zip(xyz).for_each(|(values, value)| values[i] = value);
        }
        values
    }

    /// The nearest 8-bit level of each pixel: of X, Y and Z, it needs Y alone.
    fn levels(&self, pixels: &[[f32; 3]], levels: &mut [u8]) {
        vectorized(
            #[inline(always)]
            || {
                for (pixels, levels) in pixels.chunks(BLOCK).zip(levels.chunks_mut(BLOCK)) {
                    let mut light = [0.0; BLOCK];
                    for (light, pixel) in light.iter_mut().zip(pixels) {
                        let [red, green, blue] = pixel.map(|level| self.decoded.at(level));
                        *light = TO_XYZ[1][0] * red + TO_XYZ[1][1] * green + TO_XYZ[1][2] * blue;
                    }
                    let nearest = light.map(|light| u8::from_level(of_curve(curve(light))));
                    levels.copy_from_slice(&nearest[..levels.len()]);
                }
            },
        );
    }

    /// Changes L*, by level and place in the block; a* and b* stay, because the three under the curve move by the same amount.
    #[inline(always)]
    fn change(&self, pixels: &mut [[f32; 3]], becomes: impl Fn(f32, usize) -> f32) {
        let mut values = self.under_curve(pixels);
        let mut shifts = values[1].map(of_curve);
        for (place, level) in shifts.iter_mut().enumerate().take(pixels.len()) {
            *level = (becomes(*level, place) - *level) / (2.55 * 116.0);
        }
        for i in 0..BLOCK {
            let xyz = [values[0][i], values[1][i], values[2][i]].map(|value| inverse_curve(value + shifts[i]));
            let light = times(&self.from_xyz, xyz);
            values.iter_mut().zip(light).for_each(|(values, light)| values[i] = 255.0 * light.clamp(0.0, 1.0));
        }
        for (i, pixel) in pixels.iter_mut().enumerate() {
            *pixel = from_fn(|channel| self.encoded.at(values[channel][i]));
        }
    }
}

/// L* = 116 f(Y) - 16 of 100.
#[inline(always)]
fn of_curve(value: f32) -> f32 {
    ((116.0 * value - 16.0) * 2.55).clamp(0.0, 255.0)
}
