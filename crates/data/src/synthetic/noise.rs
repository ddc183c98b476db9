//! Fractal noise: the texture of nature at all scales.
//!
//! The amplitude spectrum of photographs falls about as 1/frequency (Field 1987). Octaves of noise whose amplitude
//! halves as their frequency doubles have that spectrum too.

use super::math::lerp;

/// Smooth noise in 0..1 around one bump per unit of `x` and `y`.
pub(crate) fn noise(seed: u32, x: f32, y: f32) -> f32 {
    let ((ix, tx), (iy, ty)) = (split(x), split(y));
    let (sx, sy) = (tx * tx * (3.0 - 2.0 * tx), ty * ty * (3.0 - 2.0 * ty));
    let (nx, ny) = (ix.wrapping_add(1), iy.wrapping_add(1));
    let top = lerp(cell(seed, ix, iy), cell(seed, nx, iy), sx);
    let bottom = lerp(cell(seed, ix, ny), cell(seed, nx, ny), sx);
    lerp(top, bottom, sy)
}

/// The whole number below and the rest. `floor` would be a call into a library where the processor need not have the
/// instruction, and this is the innermost loop of everything.
fn split(value: f32) -> (i32, f32) {
    // Far out the noise becomes constant, which nobody sees.
    let value = value.clamp(-1e6, 1e6);
    let toward_zero = value as i32;
    let whole = if toward_zero as f32 > value { toward_zero - 1 } else { toward_zero };
    (whole, value - whole as f32)
}

/// The random value in 0..1 of one cell of the grid.
pub(crate) fn cell(seed: u32, x: i32, y: i32) -> f32 {
    // Two rounds of multiply and xor-shift: enough for the eye.
    let mut h = seed ^ (x as u32).wrapping_mul(0x85eb_ca6b) ^ (y as u32).wrapping_mul(0xc2b2_ae35);
    h = (h ^ (h >> 15)).wrapping_mul(0x2c1b_3c6d);
    h = (h ^ (h >> 12)).wrapping_mul(0x297a_2d39);
    ((h ^ (h >> 15)) >> 8) as f32 / (1u32 << 24) as f32
}

/// `octaves` of noise; in 0..1, around 0.5. The first octave has one bump per unit, each further one about twice as
/// many and `gain` times the amplitude.
pub(crate) fn fractal(seed: u32, x: f32, y: f32, octaves: u32, gain: f32) -> f32 {
    let (mut x, mut y) = (x, y);
    let (mut sum, mut total, mut amplitude) = (0.0, 0.0, 1.0);
    for octave in 0..octaves {
        sum += amplitude * noise(seed.wrapping_add(octave.wrapping_mul(0x9e37_79b9)), x, y);
        total += amplitude;
        amplitude *= gain;
        // Turned by about 37 degrees and scaled by 2: the grids of the octaves must not line up.
        (x, y) = (1.6 * x + 1.2 * y + 17.3, -1.2 * x + 1.6 * y + 5.7);
    }
    sum / total
}

/// Like [`fractal`] with gain 0.7, but every octave is drawn out the same way: for grass, bark, hair and grain of wood,
/// where `x` and `y` have different scales and turned octaves would lean over.
pub(crate) fn streaks(seed: u32, x: f32, y: f32, octaves: u32) -> f32 {
    let (mut sum, mut total, mut amplitude, mut scale) = (0.0, 0.0, 1.0, 1.0);
    for octave in 0..octaves {
        let shift = 13.7 * octave as f32;
        sum += amplitude * noise(seed.wrapping_add(octave.wrapping_mul(0x9e37_79b9)), x * scale + shift, y * scale);
        total += amplitude;
        amplitude *= 0.7;
        scale *= 1.9;
    }
    sum / total
}

/// Like [`fractal`] with gain 0.5, spread to use more of 0..1.
pub(crate) fn fbm(seed: u32, x: f32, y: f32, octaves: u32) -> f32 {
    (0.5 + (fractal(seed, x, y, octaves, 0.5) - 0.5) * 1.7).clamp(0.0, 1.0)
}

/// Sharp crests between smooth valleys, in 0..1: rock and mountain.
pub(crate) fn ridged(seed: u32, x: f32, y: f32, octaves: u32) -> f32 {
    let (mut x, mut y) = (x, y);
    let (mut sum, mut total, mut amplitude) = (0.0, 0.0, 1.0);
    for octave in 0..octaves {
        let n = noise(seed.wrapping_add(octave.wrapping_mul(0x9e37_79b9)), x, y);
        sum += amplitude * (1.0 - (2.0 * n - 1.0).abs());
        total += amplitude;
        amplitude *= 0.55;
        (x, y) = (1.6 * x + 1.2 * y + 17.3, -1.2 * x + 1.6 * y + 5.7);
    }
    sum / total
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_is_continuous_bounded_and_spread() {
        let (mut low, mut high) = (1.0f32, 0.0f32);
        for i in 0..3000 {
            let (x, y) = (i as f32 * 0.37 - 300.0, i as f32 * 0.11);
            for value in [fbm(1, x, y, 5), ridged(2, x, y, 4), noise(3, x, y)] {
                assert!((0.0..=1.0).contains(&value));
                low = low.min(value);
                high = high.max(value);
            }
            assert!((noise(3, x, y) - noise(3, x + 0.001, y)).abs() < 0.01);
        }
        assert!(low < 0.1 && high > 0.9, "{low} {high}");
        assert!(noise(1, f32::MAX, f32::MIN).is_finite());
    }
}
