//! Contrast-limited adaptive histogram equalisation of L* (Zuiderveld 1994).

use std::array::from_fn;

use super::{mirrored, vectorized};
use crate::Photo;
use crate::lab::lightness::{Levels, LightnessShift};

/// Tiles along each side.
pub(crate) const TILES: usize = 8;

pub(crate) type Curve = [f32; 256];

/// Equalises L* within the tiles, the slope of each tile's curve being limited to about `limit`; a* and b* stay. At 0
/// nothing changes.
pub(crate) fn equalise(photo: &mut Photo, limit: f32) {
    if limit == 0.0 {
        return;
    }
    let (width, height) = (photo.width() as usize, photo.height() as usize);
    let shift = LightnessShift::new();
    let known = Levels::new();
    let levels: Vec<u8> = photo.pixels().as_chunks().0.iter().map(|&pixel| known.of(pixel)).collect();
    let tiles = Tiles::new(&levels, width, height, limit);
    vectorized(
        #[inline(always)]
        || {
            let mut shifts = vec![0.0_f32; width];
            let rows = photo.pixels_mut().chunks_exact_mut(3 * width).zip(levels.chunks_exact(width));
            for (y, (row, levels)) in rows.enumerate() {
                tiles.equalise_row(y, levels, &mut shifts);
                shifts.iter_mut().zip(levels).for_each(|(shift, &level)| *shift -= f32::from(level));
                shift.apply(row, &shifts);
            }
        },
    );
}

/// The curves of all tiles, and between which of them each column lies.
struct Tiles {
    height: usize,
    curves: Vec<[Curve; TILES]>,
    across: Vec<Between>,
}

impl Tiles {
    fn new(levels: &[u8], width: usize, height: usize, limit: f32) -> Self {
        let across = (0..width).map(|x| Between::new(x, width)).collect();
        Self { height, curves: tile_curves(levels, width, height, limit), across }
    }

    /// What the levels of row `y` become: bilinear between the curves of the four nearest tiles.
    #[inline(always)]
    fn equalise_row(&self, y: usize, levels: &[u8], result: &mut [f32]) {
        let down = Between::new(y, self.height);
        let (upper, lower) = (&self.curves[down.low], &self.curves[down.high]);
        let curves: [Curve; TILES] = from_fn(|tile| down.mixed_curves(&upper[tile], &lower[tile]));
        for ((result, &level), between) in result.iter_mut().zip(levels).zip(&self.across) {
            let place = usize::from(level);
            let (low, high) = (curves[between.low][place], curves[between.high][place]);
            *result = low + between.share * (high - low);
        }
    }
}

/// The two tiles between whose centres a place lies, and how near it is to the second.
pub(crate) struct Between {
    pub(crate) low: usize,
    pub(crate) high: usize,
    pub(crate) share: f32,
}

impl Between {
    pub(crate) fn new(place: usize, side: usize) -> Self {
        let position = place as f32 / side.div_ceil(TILES) as f32 - 0.5;
        let low = position.floor();
        let tile = |index: f32| (index.max(0.0) as usize).min(TILES - 1);
        Self { low: tile(low), high: tile(low + 1.0), share: position - low }
    }

    pub(crate) fn mixed_curves(&self, low: &Curve, high: &Curve) -> Curve {
        from_fn(|level| low[level] + self.share * (high[level] - low[level]))
    }
}

/// What each level becomes in each tile, `[row][column][level]`. The plane is mirrored at its right and lower border up to
/// whole tiles.
fn tile_curves(levels: &[u8], width: usize, height: usize, limit: f32) -> Vec<[Curve; TILES]> {
    let (across, down) = (width.div_ceil(TILES), height.div_ceil(TILES));
    let curve = |row: usize, column: usize| {
        // Two in turn, because a count waits for the one before it where both are of the same level.
        let mut histograms = [[0_u32; 256]; 2];
        let (from, end) = (column * across, (column + 1) * across);
        for y in row * down..(row + 1) * down {
            let line = &levels[mirrored(y as isize, height) * width..][..width];
            for (x, &level) in line[from.min(width)..end.min(width)].iter().enumerate() {
                histograms[x % 2][usize::from(level)] += 1;
            }
            for x in from.max(width)..end {
                histograms[0][usize::from(line[mirrored(x as isize, width)])] += 1;
            }
        }
        let histogram = from_fn(|level| histograms[0][level] + histograms[1][level]);
        equalising_curve(histogram, (across * down) as u32, limit)
    };
    (0..TILES).map(|row| from_fn(|column| curve(row, column))).collect()
}

/// The cumulated histogram, what exceeds the limit being spread over all levels.
pub(crate) fn equalising_curve(mut histogram: [u32; 256], area: u32, limit: f32) -> Curve {
    let most = ((limit * area as f32 / 256.0) as u32).max(1);
    let mut excess = 0;
    for count in &mut histogram {
        excess += count.saturating_sub(most);
        *count = (*count).min(most);
    }
    let (each, rest) = (excess / 256, excess % 256);
    histogram.iter_mut().for_each(|count| *count += each);
    if rest > 0 {
        let apart = (256 / rest as usize).max(1);
        histogram.iter_mut().step_by(apart).take(rest as usize).for_each(|count| *count += 1);
    }
    let mut sum = 0;
    histogram.map(|count| {
        sum += count;
        (sum as f32 * 255.0 / area as f32).round_ties_even()
    })
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn bytes(hex: &Value) -> Vec<u8> {
        let hex = hex.as_str().unwrap();
        (0..hex.len()).step_by(2).map(|i| u8::from_str_radix(&hex[i..i + 2], 16).unwrap()).collect()
    }

    #[test]
    fn levels_agree_with_opencv() {
        let golden: Value = serde_json::from_str(include_str!("../../tests/golden/clahe.json")).unwrap();
        let side = |name: &str| golden["input"][name].as_u64().unwrap() as usize;
        let (width, height, levels) = (side("width"), side("height"), bytes(&golden["input"]["pixels"]));
        for case in golden["cases"].as_array().unwrap() {
            let tiles = Tiles::new(&levels, width, height, case["limit"].as_f64().unwrap() as f32);
            let expected = bytes(&case["pixels"]);
            let mut row = vec![0.0; width];
            for (y, (levels, expected)) in levels.chunks(width).zip(expected.chunks(width)).enumerate() {
                tiles.equalise_row(y, levels, &mut row);
                let worst = row.iter().zip(expected).map(|(a, b)| (a - f32::from(*b)).abs()).fold(0.0, f32::max);
                assert!(worst <= 0.51, "{worst} in row {y}");
            }
        }
    }
}
