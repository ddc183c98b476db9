//! What one value of one channel may be.

use std::fmt::Debug;

/// The value of one channel of one pixel: `u8` or `u16` over their full range, or `f32` from 0 to 1. All stand for encoded
/// sRGB, black to white.
///
/// Closed: whatever works on photos of any depth relies on these three.
pub trait Sample: Copy + Default + PartialEq + PartialOrd + Debug + Send + Sync + sealed::Sealed + 'static {
    /// The value as a level: 0 is black and 255 white at every depth.
    fn to_level(self) -> f32;

    /// The nearest value to a level, halves upwards, the ends for what lies beyond them. Not a number becomes black.
    fn from_level(level: f32) -> Self;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for u8 {}
    impl Sealed for u16 {}
    impl Sealed for f32 {}
}

/// Where floats count in ones: the last bits of a sum with it are the number. A cast does the same, but not in wide
/// instructions.
const ONES: f32 = 8_388_608.0;

impl Sample for u8 {
    #[inline(always)]
    fn to_level(self) -> f32 {
        f32::from(self)
    }

    #[inline(always)]
    fn from_level(level: f32) -> Self {
        ((level + 0.5).clamp(0.0, 255.0).floor() + ONES).to_bits() as u8
    }
}

impl Sample for u16 {
    #[inline(always)]
    fn to_level(self) -> f32 {
        // 65,535 = 255 x 257.
        f32::from(self) / 257.0
    }

    #[inline(always)]
    fn from_level(level: f32) -> Self {
        ((level * 257.0 + 0.5).clamp(0.0, 65_535.0).floor() + ONES).to_bits() as u16
    }
}

impl Sample for f32 {
    #[inline(always)]
    fn to_level(self) -> f32 {
        self * 255.0
    }

    #[inline(always)]
    fn from_level(level: f32) -> Self {
        // In this order, NaN becomes 0.
        (level / 255.0).max(0.0).min(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_comes_back() {
        assert!((0..=u8::MAX).all(|value| u8::from_level(value.to_level()) == value));
        assert!((0..=u16::MAX).all(|value| u16::from_level(value.to_level()) == value));
    }

    #[test]
    fn rounding_and_clamping() {
        assert_eq!([-3.0, 0.49, 0.5, 254.5, 300.0, f32::NAN].map(u8::from_level), [0, 0, 1, 255, 255, 0]);
        assert_eq!([-3.0, 127.5, 255.0, 1e9, f32::NAN].map(u16::from_level), [0, 32_768, 65_535, 65_535, 0]);
        assert_eq!([-3.0, 127.5, 255.0, 1e9, f32::NAN].map(f32::from_level), [0.0, 0.5, 1.0, 1.0, 0.0]);
    }
}
