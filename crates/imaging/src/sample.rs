//! What one value of one channel may be.

use std::fmt::Debug;

use pulp::Arch;
use rayon::prelude::*;

/// The value of one channel of one pixel: `u8` or `u16` over their full range, or `f32` from 0 to 1. All stand for encoded
/// sRGB, black to white.
///
/// Closed: whatever works on photos of any depth relies on these three.
pub trait Sample: Copy + Default + PartialEq + PartialOrd + Debug + Send + Sync + sealed::Sealed + 'static {
    /// The value as a level: 0 is black and 255 white at every depth.
    fn to_level(self) -> f32;

    /// The nearest value to a level, halves upwards, the ends for what lies beyond them. Not a number becomes black.
    fn from_level(level: f32) -> Self;

    /// Steps from black to white in a table that has an entry for every value; for floats, one that is fine enough.
    #[doc(hidden)]
    const STEPS: usize;

    /// The place of a value among the steps.
    #[doc(hidden)]
    fn place(self) -> usize;

    /// The values themselves where they have 8 bit.
    #[doc(hidden)]
    fn bytes(_: &[Self]) -> Option<&[u8]> {
        None
    }

    /// What becomes of each value, by level and channel, `[red, green, blue]` interleaved.
    #[doc(hidden)]
    fn map(values: &[Self], becomes: impl Fn(f32, usize) -> f32 + Sync) -> Vec<Self>;
}

/// [`Sample::map`] where the `N` values are few enough to be computed once each.
fn map_by_table<T: Sample, const N: usize>(
    values: &[T],
    value: impl Fn(usize) -> T,
    becomes: impl Fn(f32, usize) -> f32,
) -> Vec<T>
where
    usize: From<T>,
{
    let table = |channel| -> Box<[T; N]> {
        let entries: Vec<T> = (0..N).map(|place| T::from_level(becomes(value(place).to_level(), channel))).collect();
        entries.try_into().expect("N entries")
    };
    let (reds, greens, blues) = (table(0), table(1), table(2));
    let looked_up =
        |&[red, green, blue]: &[T; 3]| [reds[usize::from(red)], greens[usize::from(green)], blues[usize::from(blue)]];
    each_pixel(values, looked_up)
}

/// Values that a thread is given at a time.
const PIECE: usize = 3 << 16;

/// What becomes of each pixel; many of them are divided among threads.
fn each_pixel<T: Sample>(values: &[T], becomes: impl Fn(&[T; 3]) -> [T; 3] + Sync) -> Vec<T> {
    let mut results = vec![T::default(); values.len()];
    let work = |results: &mut [T], values: &[T]| {
        let pixels = results.as_chunks_mut::<3>().0.iter_mut().zip(values.as_chunks::<3>().0);
        pixels.for_each(|(result, pixel)| *result = becomes(pixel));
    };
    if values.len() <= PIECE {
        work(&mut results, values);
    } else {
        let pieces = results.par_chunks_mut(PIECE).zip(values.par_chunks(PIECE));
        pieces.for_each(|(results, values)| work(results, values));
    }
    results
}

/// Values at another depth, each the nearest to what it was; many of them are divided among threads.
pub(crate) fn at_depth<T: Sample, U: Sample>(values: &[T]) -> Vec<U> {
    let mut results = vec![U::default(); values.len()];
    let work = |results: &mut [U], values: &[T]| {
        // Compiled for the widest instructions that this processor has.
        Arch::new().dispatch(
            #[inline(always)]
            || results.iter_mut().zip(values).for_each(|(result, value)| *result = U::from_level(value.to_level())),
        );
    };
    if values.len() <= PIECE {
        work(&mut results, values);
    } else {
        results.par_chunks_mut(PIECE).zip(values.par_chunks(PIECE)).for_each(|(results, values)| work(results, values));
    }
    results
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

    const STEPS: usize = 255;

    #[inline(always)]
    fn place(self) -> usize {
        self.into()
    }

    fn bytes(values: &[Self]) -> Option<&[u8]> {
        Some(values)
    }

    fn map(values: &[Self], becomes: impl Fn(f32, usize) -> f32 + Sync) -> Vec<Self> {
        map_by_table::<Self, { Self::STEPS + 1 }>(values, |place| place as Self, becomes)
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

    const STEPS: usize = 65_535;

    #[inline(always)]
    fn place(self) -> usize {
        self.into()
    }

    fn map(values: &[Self], becomes: impl Fn(f32, usize) -> f32 + Sync) -> Vec<Self> {
        map_by_table::<Self, { Self::STEPS + 1 }>(values, |place| place as Self, becomes)
    }
}

impl Sample for f32 {
    #[inline(always)]
    fn to_level(self) -> f32 {
        self * 255.0
    }

    #[inline(always)]
    fn from_level(level: f32) -> Self {
        if level > 0.0 { (level / 255.0).min(1.0) } else { 0.0 }
    }

    const STEPS: usize = 65_535;

    #[inline(always)]
    fn place(self) -> usize {
        (self.clamp(0.0, 1.0) * Self::STEPS as Self + 0.5) as usize
    }

    fn map(values: &[Self], becomes: impl Fn(f32, usize) -> f32 + Sync) -> Vec<Self> {
        let mapped = |pixel: &[Self; 3]| {
            std::array::from_fn(|channel| Self::from_level(becomes(pixel[channel].to_level(), channel)))
        };
        each_pixel(values, mapped)
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
