//! Changing L* of 8-bit sRGB while a* and b* stay, without a detour over 8-bit L*a*b*.

use std::array::from_fn;

use super::{TO_XYZ, decode_srgb, encode_srgb, lab_curve, times};
use crate::Sample;

/// Pixels that are worked on together, so that loops over them become wide instructions.
const BLOCK: usize = 64;

/// Steps of light in the table that encodes it: a tenth of a level apart where they are widest.
const ENCODING_STEPS: usize = 16_383;

/// Moves the L* of pixels. In L*a*b* the three of X, Y and Z, each under the curve, move by the same amount when L* does.
pub(crate) struct LightnessShift {
    linear: [f32; 256],
    from_xyz: [[f32; 3]; 3],
    encoded: Vec<u8>,
}

/// L* of pixels as a level from 0 to 255.
pub(crate) struct Levels {
    /// What each value of each channel adds to Y, in 2^20ths.
    shares: [[u32; 256]; 3],
    /// The level by Y in 2^14ths.
    levels: Box<[u8; 1 << 14]>,
}

impl Levels {
    pub(crate) fn new() -> Self {
        let share = |channel: usize, value: usize| TO_XYZ[1][channel] * decode_srgb(value as f32 / 255.0);
        let level = |place: usize| u8::from_level(255.0 * (1.16 * lab_curve((place as f32 + 0.5) / 16_384.0) - 0.16));
        let levels: Vec<u8> = (0..1 << 14).map(level).collect();
        Self {
            shares: from_fn(|channel| from_fn(|value| (share(channel, value) * 1_048_576.0) as u32)),
            levels: levels.try_into().expect("a level for each"),
        }
    }

    pub(crate) fn of(&self, [red, green, blue]: [u8; 3]) -> u8 {
        let [reds, greens, blues] = &self.shares;
        let y = reds[usize::from(red)] + greens[usize::from(green)] + blues[usize::from(blue)];
        self.levels[(y >> 6) as usize & 0x3fff]
    }
}

impl LightnessShift {
    pub(crate) fn new() -> Self {
        let light = |step: usize| step as f32 / ENCODING_STEPS as f32;
        let encoded = (0..=ENCODING_STEPS).map(|step| (255.0 * encode_srgb(light(step)) + 0.5) as u8).collect();
        Self { linear: from_fn(|value| decode_srgb(value as f32 / 255.0)), from_xyz: inverse(&TO_XYZ), encoded }
    }

    /// Moves each pixel of a row, `[r, g, b]` interleaved, by its shift in levels of 255.
    #[inline(always)]
    pub(crate) fn apply(&self, row: &mut [u8], shifts: &[f32]) {
        for (pixels, shifts) in row.chunks_mut(3 * BLOCK).zip(shifts.chunks(BLOCK)) {
            self.apply_block(pixels, shifts);
        }
    }

    #[inline(always)]
    fn apply_block(&self, pixels: &mut [u8], shifts: &[f32]) {
        let mut light = [[0.0_f32; BLOCK]; 3];
        for (i, pixel) in pixels.chunks_exact(3).enumerate() {
            for (channel, &value) in light.iter_mut().zip(pixel) {
                channel[i] = self.linear[usize::from(value)];
            }
        }
        let mut moved = [0.0_f32; BLOCK];
        moved[..shifts.len()].copy_from_slice(shifts);
        let mut steps = [[0_u32; BLOCK]; 3];
        for i in 0..BLOCK {
            let under_curve = times(&TO_XYZ, [light[0][i], light[1][i], light[2][i]]).map(curve);
            // L* = 116 f(Y) - 16, of 100.
            let xyz = under_curve.map(|value| inverse_curve(value + moved[i] / (2.55 * 116.0)));
            let rgb = times(&self.from_xyz, xyz);
            for (step, value) in steps.iter_mut().zip(rgb) {
                // At 2^23 a float counts in ones: its last bits are the nearest number. A cast is no wide instruction.
                step[i] = (value.clamp(0.0, 1.0) * ENCODING_STEPS as f32 + 8_388_608.0).to_bits() & 0x3fff;
            }
        }
        for (i, pixel) in pixels.chunks_exact_mut(3).enumerate() {
            for (value, steps) in pixel.iter_mut().zip(&steps) {
                *value = self.encoded[steps[i] as usize];
            }
        }
    }
}

const EPSILON: f32 = 216.0 / 24_389.0;
const KAPPA: f32 = 24_389.0 / 27.0;

/// The cube root of L*a*b*, straight near black, for 0 to 1.
#[inline(always)]
pub(crate) fn curve(value: f32) -> f32 {
    // A third of the exponent is a cube root within 4 %; a step of Halley's method leaves some 1e-5, a hundredth of a level.
    let guess = f32::from_bits(value.max(EPSILON).to_bits() / 3 + 0x2a51_19f2);
    let cube = guess * guess * guess;
    let root = guess * (cube + 2.0 * value) / (2.0 * cube + value);
    if value > EPSILON { root } else { (KAPPA * value + 16.0) / 116.0 }
}

#[inline(always)]
pub(crate) fn inverse_curve(value: f32) -> f32 {
    let cube = value * value * value;
    if cube > EPSILON { cube } else { (116.0 * value - 16.0) / KAPPA }
}

/// Inverse by cofactors, in double precision.
pub(crate) fn inverse(matrix: &[[f32; 3]; 3]) -> [[f32; 3]; 3] {
    let at = |row: usize, column: usize| f64::from(matrix[row % 3][column % 3]);
    let cofactor = |row: usize, column: usize| {
        at(row + 1, column + 1) * at(row + 2, column + 2) - at(row + 1, column + 2) * at(row + 2, column + 1)
    };
    let determinant: f64 = (0..3).map(|column| at(0, column) * cofactor(0, column)).sum();
    from_fn(|row| from_fn(|column| (cofactor(column, row) / determinant) as f32))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::LabConverter;

    #[test]
    fn no_shift_keeps_every_colour() {
        let shift = LightnessShift::new();
        let mut row: Vec<u8> = (0..=255).flat_map(|v: u8| [v, v.wrapping_mul(7), v.wrapping_mul(29)]).collect();
        let before = row.clone();
        shift.apply(&mut row, &[0.0; 256]);
        assert_eq!(row, before);
    }

    #[test]
    fn lightness_moves_and_colour_stays() {
        let (shift, lab, levels) = (LightnessShift::new(), LabConverter::new(), Levels::new());
        for pixel in [[120, 100, 80], [60, 90, 60], [128; 3], [20, 20, 30]] {
            let mut moved = pixel;
            shift.apply(&mut moved, &[25.5]);
            let (before, after) = (lab.convert(pixel), lab.convert(moved));
            assert!((after[0] - before[0] - 10.0).abs() < 0.4, "{before:?} {after:?}");
            assert!((after[1] - before[1]).abs() < 1.0 && (after[2] - before[2]).abs() < 1.0, "{before:?} {after:?}");
        }
        assert_eq!([[0; 3], [255; 3], [119; 3]].map(|pixel| levels.of(pixel)), [0, 255, 128]);
    }
}
