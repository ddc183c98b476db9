//! Steps of damage on light.

use super::{DamageKind, DamageStep};
use crate::lab::lightness::inverse;
use crate::lab::{TO_XYZ, decode_srgb, encode_srgb, times};

/// Airlight, grey, as a share of the full range of light. The figure lies in the range from which training sets of haze
/// draw it, 0.7 to 1.0 (RESIDE; Li et al. 2019, arXiv:1712.04143).
const AIRLIGHT: f32 = 0.8;

/// The white of sRGB, as a temperature on the daylight locus.
const WHITE_KELVIN: f32 = 6504.0;

/// Where the daylight locus is defined.
const COLDEST_KELVIN: f32 = 4000.0;
const HOTTEST_KELVIN: f32 = 25_000.0;

/// What becomes of the light of each channel: gain times light, and a veil on top.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Light {
    gains: [f32; 3],
    veil: [f32; 3],
}

impl Light {
    /// What a step does, if it works on light.
    pub(super) fn of(DamageStep { kind, amount }: DamageStep) -> Option<Self> {
        let gains = match kind {
            DamageKind::Haze => {
                let transmission = (-amount).exp();
                return Some(Self { gains: [transmission; 3], veil: [(1.0 - transmission) * AIRLIGHT; 3] });
            }
            DamageKind::WhiteBalance => daylight_gains(amount),
            DamageKind::Tint => tint_gains(amount),
            DamageKind::Exposure => [amount.exp2(); 3],
            _ => return None,
        };
        Some(Self { gains, veil: [0.0; 3] })
    }

    /// This, and then `next`.
    pub(super) fn then(self, next: Self) -> Self {
        let each = |of: &dyn Fn(usize) -> f32| std::array::from_fn(of);
        Self {
            gains: each(&|channel| next.gains[channel] * self.gains[channel]),
            veil: each(&|channel| next.gains[channel] * self.veil[channel] + next.veil[channel]),
        }
    }

    /// On one encoded value from 0 to 1; the result is clamped to this range.
    pub(super) fn on_value(&self, value: f32, channel: usize) -> f32 {
        let light = self.gains[channel] * decode_srgb(value) + self.veil[channel];
        encode_srgb(light.clamp(0.0, 1.0)).clamp(0.0, 1.0)
    }
}

/// What white becomes in daylight that is so many mireds redder than the white of sRGB, in linear red, green and blue: its
/// luminance stays 1.
fn daylight_gains(mireds: f32) -> [f32; 3] {
    // Held to the locus as mireds: below 0 there is no temperature.
    let mireds = (1e6 / WHITE_KELVIN + mireds).clamp(1e6 / HOTTEST_KELVIN, 1e6 / COLDEST_KELVIN);
    let light = tristimulus(daylight_chromaticity(1e6 / mireds));
    let white = tristimulus(daylight_chromaticity(WHITE_KELVIN));
    let relative = std::array::from_fn(|value| light[value] / white[value]);
    times(&inverse(&TO_XYZ), relative)
}

/// Chromaticity `[x, y]` of daylight of this temperature in kelvins, by the equations of the daylight locus in CIE 015:2018.
fn daylight_chromaticity(kelvin: f32) -> [f32; 2] {
    let per_kelvin = 1000.0 / kelvin;
    let x = if kelvin <= 7000.0 {
        0.244_063 + per_kelvin * (0.099_11 + per_kelvin * (2.9678 - per_kelvin * 4.6070))
    } else {
        0.237_040 + per_kelvin * (0.247_48 + per_kelvin * (1.9018 - per_kelvin * 2.0064))
    };
    [x, x * (2.870 - 3.000 * x) - 0.275]
}

/// X, Y and Z of a chromaticity at the luminance 1.
fn tristimulus([x, y]: [f32; 2]) -> [f32; 3] {
    [x / y, 1.0, (1.0 - x - y) / y]
}

/// Gains that take so many stops of green away, and keep the luminance of grey.
fn tint_gains(stops: f32) -> [f32; 3] {
    let green = (-stops).exp2();
    let [of_red, of_green, of_blue] = TO_XYZ[1];
    let luminance = of_red + of_green * green + of_blue;
    [1.0 / luminance, green / luminance, 1.0 / luminance]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(found: &[f32], expected: &[f32], within: f32) {
        let apart = |(found, expected): (&f32, &f32)| (found - expected).abs();
        assert!(found.iter().zip(expected).map(apart).all(|apart| apart < within), "{found:?}, not {expected:?}");
    }

    #[test]
    fn the_daylight_locus_goes_through_the_illuminants_of_the_tables() {
        // D50, D55, D65 and D75 of CIE 015, at their temperatures.
        for (kelvin, expected) in [
            (5003.0, [0.345_67, 0.358_50]),
            (5503.0, [0.332_42, 0.347_43]),
            (6504.0, [0.312_72, 0.329_03]),
            (7504.0, [0.299_02, 0.314_85]),
        ] {
            near(&daylight_chromaticity(kelvin), &expected, 1.5e-4);
        }
    }

    #[test]
    fn daylight_tints_white_and_keeps_its_luminance() {
        near(&daylight_gains(0.0), &[1.0; 3], 1e-5);
        // 4,000 K: x 0.3823, y 0.3838. X, Y and Z over those of D65 are 1.0486, 1 and 0.5600; through the matrix of sRGB.
        let low_sun = 1e6 / COLDEST_KELVIN - 1e6 / WHITE_KELVIN;
        near(&daylight_gains(low_sun), &[1.3884, 0.9354, 0.4961], 5e-4);
        for mireds in [-90.0, -25.0, 25.0, 90.0] {
            let gains = daylight_gains(mireds);
            near(&[TO_XYZ[1].iter().zip(gains).map(|(share, gain)| share * gain).sum()], &[1.0], 1e-5);
            assert_eq!(gains[0] > gains[1] && gains[1] > gains[2], mireds > 0.0, "{mireds}: {gains:?}");
            assert_eq!(gains[0] < gains[1] && gains[1] < gains[2], mireds < 0.0, "{mireds}: {gains:?}");
        }
    }

    #[test]
    fn beyond_the_daylight_locus_light_stays_as_it_is_at_its_ends() {
        let low_sun = 1e6 / COLDEST_KELVIN - 1e6 / WHITE_KELVIN;
        near(&daylight_gains(1000.0), &daylight_gains(low_sun), 1e-4);
        let bluest = 1e6 / HOTTEST_KELVIN - 1e6 / WHITE_KELVIN;
        for mireds in [-150.0, -1e6 / WHITE_KELVIN, -1000.0, f32::NEG_INFINITY] {
            near(&daylight_gains(mireds), &daylight_gains(bluest), 1e-4);
        }
    }

    #[test]
    fn a_stop_of_green_by_hand() {
        // 0.212671 + 0.715160 / 2 + 0.072169 = 0.64242.
        near(&tint_gains(1.0), &[1.556_614, 0.778_307, 1.556_614], 1e-5);
        near(&tint_gains(0.0), &[1.0; 3], 1e-6);
    }

    #[test]
    fn one_after_the_other_is_both() {
        let step = |kind, amount| Light::of(DamageStep { kind, amount }).unwrap();
        let half = step(DamageKind::Haze, 2.0_f32.ln());
        near(&half.gains, &[0.5; 3], 1e-6);
        near(&half.veil, &[0.4; 3], 1e-6);
        let both = half.then(step(DamageKind::Exposure, -1.0));
        near(&both.gains, &[0.25; 3], 1e-6);
        near(&both.veil, &[0.2; 3], 1e-6);
        assert_eq!(
            Light::of(DamageStep { kind: DamageKind::ToneCurve, amount: 2.0 }),
            None,
            "that is no step on light"
        );
    }
}
