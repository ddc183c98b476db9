//! Linear light.

use std::ops::{Add, Mul};

/// Red, green and blue in linear light; 1 is the white of the display, more is possible.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Rgb(pub(crate) f32, pub(crate) f32, pub(crate) f32);

/// A colour as people write it: sRGB, `0xRRGGBB`.
pub(crate) const fn hex(code: u32) -> Rgb {
    Rgb(decode((code >> 16) & 255), decode((code >> 8) & 255), decode(code & 255))
}

const fn decode(byte: u32) -> f32 {
    // A cubic near the sRGB curve, except for the darkest tones, with bits that are the same everywhere.
    let c = byte as f32 / 255.0;
    c * (c * (c * 0.305_306_01 + 0.682_171_1) + 0.012_522_878)
}

/// Encodes linear light 0..1 as sRGB 0..1, by roots only.
pub(crate) fn encode(linear: f32) -> f32 {
    if linear <= 0.003_130_8 {
        return 12.92 * linear.max(0.0);
    }
    let a = linear.sqrt();
    let b = a.sqrt();
    0.585_122_4 * a + 0.783_140_35 * b - 0.368_262_74 * b.sqrt()
}

impl Rgb {
    pub(crate) const BLACK: Self = Self(0.0, 0.0, 0.0);

    pub(crate) fn mix(self, other: Self, t: f32) -> Self {
        self * (1.0 - t) + other * t
    }

    pub(crate) fn luminance(self) -> f32 {
        0.2126 * self.0 + 0.7152 * self.1 + 0.0722 * self.2
    }

    /// More (above 1) or less colour at the same luminance.
    pub(crate) fn saturated(self, factor: f32) -> Self {
        let grey = self.luminance();
        let channel = |c: f32| (grey + (c - grey) * factor).max(0.0);
        Self(channel(self.0), channel(self.1), channel(self.2))
    }
}

impl Add for Rgb {
    type Output = Self;
    fn add(self, o: Self) -> Self {
        Self(self.0 + o.0, self.1 + o.1, self.2 + o.2)
    }
}

impl Mul<f32> for Rgb {
    type Output = Self;
    fn mul(self, k: f32) -> Self {
        Self(self.0 * k, self.1 * k, self.2 * k)
    }
}

impl Mul for Rgb {
    type Output = Self;
    fn mul(self, o: Self) -> Self {
        Self(self.0 * o.0, self.1 * o.1, self.2 * o.2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_two_curves_are_nearly_inverse() {
        for byte in 40..=255u32 {
            let Rgb(red, _, _) = hex(byte << 16);
            assert!((encode(red) * 255.0 - byte as f32).abs() < 2.5, "{byte}: {}", encode(red) * 255.0);
        }
    }
}
