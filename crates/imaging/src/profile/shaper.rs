//! Profiles of a curve for each channel and the place of each primary: those of displays and of working spaces.

use moxcms::{ColorProfile, Matrix3d};

use super::SRGB_TO_XYZ;
use super::curve::{FromLight, ToLight};
use crate::Sample;
use crate::kernels::vectorized;
use crate::lab::{decode_srgb, encode_srgb, times};

/// Curves and matrices, made for values of one depth.
pub(super) struct Shaper<T> {
    /// Light of each value of each channel.
    lights: [Vec<f32>; 3],
    to_srgb: [[f32; 3]; 3],
    from_srgb: [[f32; 3]; 3],
    encode: FromLight,
    decode: Decoder,
    back: [FromLight; 3],
    depth: std::marker::PhantomData<T>,
}

/// How far from those of sRGB entries of the matrix and values may lie for the profile to be taken for it. The numbers that programs write
/// for the primaries of sRGB differ by up to half of the first; the second is half a level of 8 bit.
const SAME_MATRIX: f64 = 1e-3;
const SAME_VALUE: f32 = 0.5 / 255.0;

/// Whether the values are sRGB; none where the profile makes no sense. Profiles of sRGB differ in the last digits, by who computed them.
pub(super) fn is_srgb(profile: &ColorProfile) -> Option<bool> {
    let curves = curves(profile)?;
    let [to_srgb, _] = matrices(profile)?;
    let same_matrix = (0..3).all(|row| {
        (0..3).all(|column| (to_srgb[row][column] - f64::from(u8::from(row == column))).abs() < SAME_MATRIX)
    });
    let same_value = |value: f32| curves.iter().all(|curve| (encode_srgb(curve.at(value)) - value).abs() < SAME_VALUE);
    Some(same_matrix && (0..=255_u8).all(|value| same_value(f32::from(value) / 255.0)))
}

fn curves(profile: &ColorProfile) -> Option<[ToLight; 3]> {
    let curves = [&profile.red_trc, &profile.green_trc, &profile.blue_trc];
    let [red, green, blue] = curves.map(|curve| curve.as_ref().and_then(ToLight::of));
    Some([red?, green?, blue?])
}

/// From the light of the profile's primaries to that of sRGB's, and back.
fn matrices(profile: &ColorProfile) -> Option<[[[f64; 3]; 3]; 2]> {
    let (own, srgb) = (profile.colorant_matrix(), SRGB_TO_XYZ);
    let to_srgb = inverse(&srgb)?.mat_mul(own);
    Some([to_srgb.v, inverse(&to_srgb)?.v])
}

/// None where primaries span nothing.
fn inverse(matrix: &Matrix3d) -> Option<Matrix3d> {
    let determinant = matrix.determinant()?;
    let inverse = (determinant.abs() > 1e-6).then(|| matrix.inverse())?;
    inverse.v.iter().flatten().all(|entry| entry.is_finite()).then_some(inverse)
}

fn singles(matrix: [[f64; 3]; 3]) -> [[f32; 3]; 3] {
    matrix.map(|row| row.map(|entry| entry as f32))
}

impl<T: Sample> Shaper<T> {
    pub(super) fn of(profile: &ColorProfile) -> Option<Self> {
        let curves = curves(profile)?;
        let [to_srgb, from_srgb] = matrices(profile)?;
        let lights = |curve: &ToLight| (0..=T::STEPS).map(|step| curve.at(step as f32 / T::STEPS as f32)).collect();
        let same = profile.red_trc == profile.green_trc && profile.green_trc == profile.blue_trc;
        let back = if same {
            let back = curves[0].turned();
            [back.clone(), back.clone(), back]
        } else {
            curves.each_ref().map(ToLight::turned)
        };
        Some(Self {
            lights: curves.each_ref().map(lights),
            to_srgb: singles(to_srgb),
            from_srgb: singles(from_srgb),
            encode: FromLight::by(encoded),
            decode: Decoder::new(),
            back,
            depth: std::marker::PhantomData,
        })
    }

    pub(super) fn to_levels(&self, values: &[T], levels: &mut [f32]) {
        vectorized(
            #[inline(always)]
            || {
                for (levels, values) in levels.as_chunks_mut::<3>().0.iter_mut().zip(values.as_chunks::<3>().0) {
                    let light = [0, 1, 2].map(|channel| self.lights[channel][values[channel].place()]);
                    *levels = times(&self.to_srgb, light).map(|light| level_of(&self.encode, light));
                }
            },
        );
    }

    pub(super) fn to_values(&self, levels: &[f32], values: &mut [T]) {
        vectorized(
            #[inline(always)]
            || {
                for (values, levels) in values.as_chunks_mut::<3>().0.iter_mut().zip(levels.as_chunks::<3>().0) {
                    let light = times(&self.from_srgb, levels.map(|level| self.decode.light_of(level)));
                    *values = [0, 1, 2].map(|channel| T::from_level(255.0 * self.back[channel].at(light[channel])));
                }
            },
        );
    }
}

/// The encoded value of light between black and white.
pub(crate) fn encoded(light: f64) -> f64 {
    if light <= 0.003_130_8 { 12.92 * light } else { 1.055 * light.powf(1.0 / 2.4) - 0.055 }
}

/// The level of any light: beyond white the curve goes on, and below black it is mirrored.
#[inline(always)]
pub(super) fn level_of(encode: &FromLight, light: f32) -> f32 {
    let size = light.abs();
    let level = 255.0 * if size <= 1.0 { encode.at(size) } else { encode_srgb(size) };
    level.copysign(light)
}

/// Steps between two levels at which [`Decoder`] knows their light: straight lines between them lie within 3e-8 of the curve.
const STEPS_OF_LEVEL: usize = 16;

/// The light of levels of sRGB, see [`level_of`].
pub(super) struct Decoder {
    /// The last one stands twice, so that there is one beyond white.
    lights: Vec<f32>,
}

impl Decoder {
    pub(super) fn new() -> Self {
        let steps = 255 * STEPS_OF_LEVEL;
        Self { lights: (0..=steps + 1).map(|step| decode_srgb(step.min(steps) as f32 / steps as f32)).collect() }
    }

    #[inline(always)]
    pub(super) fn light_of(&self, level: f32) -> f32 {
        let size = level.abs();
        let light = if size <= 255.0 {
            let place = size * STEPS_OF_LEVEL as f32;
            let low = (place as usize).min(255 * STEPS_OF_LEVEL);
            let (from, to) = (self.lights[low], self.lights[low + 1]);
            from + (place - low as f32) * (to - from)
        } else {
            decode_srgb(size / 255.0)
        };
        light.copysign(level)
    }
}
