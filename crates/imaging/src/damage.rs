//! Seeded random degradation, for making pairs of a damaged photo and its original: what a damage is and does. `standard` and
//! `camera` draw it.

mod camera;
mod light;
mod standard;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::kernels::round;
use crate::{Operation, Photo};

use light::Light;

/// The thirteen *pair damages*: strong, fixed damages, each of one kind, for asking a juror which one of two photos is the
/// original. Noise is drawn from the photo itself, so it is the same whenever it is asked for.
#[must_use]
pub fn pair_damages() -> [Operation; 13] {
    // The gammas are exponents of 0.6 and 1.6.
    let texts = "lightness:40 lightness:-40 contrast:0.6 contrast:1.5 saturation:0.4 saturation:1.8 warmth:0.2 warmth:-0.2 \
                 gamma:1.6666666 gamma:0.625 blur:2 noise:15 jpeg:10";
    let mut operations = texts.split_whitespace().map(|text| text.parse().expect("the list holds operations"));
    std::array::from_fn(|_| operations.next().expect("the list has thirteen"))
}

/// What a step of damage does. The order of the variants is the order in which they are applied.
///
/// The first five are drawn by [`Damage::standard`] and work on encoded sRGB values, full range 1. The other five are drawn by
/// [`Damage::camera`]; but for the last they work on light, which is sRGB decoded (IEC 61966-2-1), full range 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DamageKind {
    /// Adds `amount` (as a share of the full range) to every channel.
    Lightness,
    /// Raises every channel to the power `amount`.
    Gamma,
    /// Multiplies the distance from mid-grey by `amount`.
    Contrast,
    /// Multiplies the distance from the pixel's luma by `amount`.
    Saturation,
    /// Multiplies red by `1 + amount` and blue by `1 - amount`.
    Warmth,
    /// Veils the scene with air of the optical depth `amount`: of its light remains the share `exp(-amount)`, and the rest is
    /// airlight, grey and of 0.8 of the full range (Koschmieder's law; Narasimhan and Nayar 2002).
    Haze,
    /// Lights the scene with daylight of another colour, `amount` mireds (10⁶ / K) redder than that of 6504 K: multiplies each
    /// channel so that grey takes on the colour of that light and keeps its luminance. Below 0 the light is bluer. The colours
    /// of daylight are defined from 4,000 to 25,000 K (CIE 015, daylight locus), about 96 to -114 mireds; beyond that they
    /// stay what they are there.
    WhiteBalance,
    /// Takes `amount` stops of green away, as a magenta filter does, and keeps the luminance of grey. Below 0 it adds green.
    Tint,
    /// Exposes by `amount` stops more: multiplies by 2 to the power `amount`.
    Exposure,
    /// Bends the encoded values by a power curve on either side of mid-grey, `(2v)^amount / 2` below it and the same mirrored
    /// above. Black, mid-grey and white stay; `amount` is the slope at mid-grey: above 1 the curve is harsh, below 1 flat.
    ToneCurve,
}

impl DamageKind {
    /// The kinds of the standard damage, in the order of application.
    pub const STANDARD: [Self; 5] = [Self::Lightness, Self::Gamma, Self::Contrast, Self::Saturation, Self::Warmth];

    /// The kinds of the damage of cameras, in the order of application, which is that of a picture's way: air, light, exposure,
    /// development.
    pub const CAMERA: [Self; 5] = [Self::Haze, Self::WhiteBalance, Self::Tint, Self::Exposure, Self::ToneCurve];

    /// The name used in annotation files and reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Lightness => "lightness",
            Self::Gamma => "gamma",
            Self::Contrast => "contrast",
            Self::Saturation => "saturation",
            Self::Warmth => "warmth",
            Self::Haze => "haze",
            Self::WhiteBalance => "white-balance",
            Self::Tint => "tint",
            Self::Exposure => "exposure",
            Self::ToneCurve => "tone-curve",
        }
    }
}

/// One step of damage.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct DamageStep {
    /// What is done.
    pub kind: DamageKind,
    /// How strongly; meaning and unit depend on the kind.
    pub amount: f32,
}

impl fmt::Display for DamageStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{:.3}", self.kind.name(), self.amount)
    }
}

/// A sequence of degradations that is applied in one go: values are clamped to the range after each step and quantised
/// to 8 bit only at the end. Steps on light that follow each other are one step: it clips once, as a sensor does.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Damage {
    steps: Vec<DamageStep>,
}

impl Damage {
    /// The given steps, in the given order. None at all leave a photo as it is.
    #[must_use]
    pub fn new(steps: Vec<DamageStep>) -> Self {
        Self { steps }
    }

    /// The steps, in the order of application.
    #[must_use]
    pub fn steps(&self) -> &[DamageStep] {
        &self.steps
    }

    /// The same steps at a share of their strength: 0 changes nothing, 1 is this damage itself.
    #[must_use]
    pub fn scaled(&self, share: f32) -> Self {
        let scaled = |step: &DamageStep| DamageStep {
            kind: step.kind,
            amount: match step.kind {
                DamageKind::Lightness | DamageKind::Warmth => share * step.amount,
                // These are factors and exponents: the way to 1 is measured in logarithms.
                DamageKind::Gamma | DamageKind::Contrast | DamageKind::Saturation | DamageKind::ToneCurve => {
                    step.amount.powf(share)
                }
                // These are logarithms already, or nearly as even to the eye (mireds).
                DamageKind::Haze | DamageKind::WhiteBalance | DamageKind::Tint | DamageKind::Exposure => {
                    share * step.amount
                }
            },
        };
        Self { steps: self.steps.iter().map(scaled).collect() }
    }

    /// The damaged photo, of the same size.
    #[must_use]
    pub fn apply(&self, photo: &Photo) -> Photo {
        let mut result = photo.clone();
        if self.steps.is_empty() {
            return result;
        }
        let stages = self.stages();
        // Everything up to the first step that mixes channels is a curve on single values: tabulated once.
        let split = stages.iter().position(|stage| stage.mixes_channels()).unwrap_or(stages.len());
        let (curves, rest) = stages.split_at(split);
        let tables: [[f32; 256]; 3] = std::array::from_fn(|channel| {
            std::array::from_fn(|value| {
                curves.iter().fold(value as f32 / 255.0, |value, stage| stage.on_value(value, channel))
            })
        });
        for pixel in result.pixels_mut().chunks_exact_mut(3) {
            let mut values: [f32; 3] = std::array::from_fn(|channel| tables[channel][usize::from(pixel[channel])]);
            for stage in rest {
                stage.on_pixel(&mut values);
            }
            for (byte, value) in pixel.iter_mut().zip(values) {
                *byte = round(value * 255.0);
            }
        }
        result
    }

    /// The steps, those on light that follow each other put together.
    fn stages(&self) -> Vec<Stage> {
        let mut stages: Vec<Stage> = Vec::with_capacity(self.steps.len());
        for &step in &self.steps {
            match (Light::of(step), stages.last_mut()) {
                (Some(light), Some(Stage::Light(before))) => *before = before.then(light),
                (Some(light), _) => stages.push(Stage::Light(light)),
                (None, _) => stages.push(Stage::Encoded(step)),
            }
        }
        stages
    }
}

/// What is done between one clamping and the next.
enum Stage {
    /// A step on encoded values.
    Encoded(DamageStep),
    /// Steps on light.
    Light(Light),
}

impl Stage {
    fn mixes_channels(&self) -> bool {
        matches!(self, Self::Encoded(DamageStep { kind: DamageKind::Saturation, .. }))
    }

    /// The stage on one encoded value from 0 to 1, unless it mixes channels.
    fn on_value(&self, value: f32, channel: usize) -> f32 {
        match self {
            Self::Encoded(step) => step.on_value(value, channel),
            Self::Light(light) => light.on_value(value, channel),
        }
    }

    fn on_pixel(&self, values: &mut [f32; 3]) {
        match self {
            Self::Encoded(DamageStep { kind: DamageKind::Saturation, amount }) => {
                let grey = 0.299 * values[0] + 0.587 * values[1] + 0.114 * values[2];
                *values = values.map(|value| (grey + amount * (value - grey)).clamp(0.0, 1.0));
            }
            _ => {
                for (channel, value) in values.iter_mut().enumerate() {
                    *value = self.on_value(*value, channel);
                }
            }
        }
    }
}

impl DamageStep {
    /// The step on one encoded value from 0 to 1, for the kinds that are curves on those.
    fn on_value(self, value: f32, channel: usize) -> f32 {
        let result = match self.kind {
            DamageKind::Lightness => value + self.amount,
            DamageKind::Gamma => value.powf(self.amount),
            DamageKind::Contrast => 0.5 + self.amount * (value - 0.5),
            DamageKind::Warmth => value * [1.0 + self.amount, 1.0, 1.0 - self.amount][channel],
            DamageKind::ToneCurve if value > 0.5 => 1.0 - 0.5 * (2.0 - 2.0 * value).powf(self.amount),
            DamageKind::ToneCurve => 0.5 * (2.0 * value).powf(self.amount),
            // The first mixes channels, the others work on light: `Stage` has them.
            DamageKind::Saturation
            | DamageKind::Haze
            | DamageKind::WhiteBalance
            | DamageKind::Tint
            | DamageKind::Exposure => value,
        };
        result.clamp(0.0, 1.0)
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.steps.is_empty() {
            return f.write_str("none");
        }
        for (index, step) in self.steps.iter().enumerate() {
            write!(f, "{}{step}", if index == 0 { "" } else { " " })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::luma;

    fn single(kind: DamageKind, amount: f32, pixel: [u8; 3]) -> [u8; 3] {
        let photo = Photo::from_fn(1, 1, |_, _| pixel).unwrap();
        Damage::new(vec![DamageStep { kind, amount }]).apply(&photo).pixel(0, 0)
    }

    #[test]
    fn each_kind_by_hand() {
        assert_eq!(single(DamageKind::Lightness, 20.0 / 255.0, [0, 100, 250]), [20, 120, 255]);
        assert_eq!(single(DamageKind::Gamma, 2.0, [0, 128, 255]), [0, 64, 255]);
        assert_eq!(single(DamageKind::Contrast, 0.5, [0, 128, 255]), [64, 128, 191]);
        let grey = luma([200, 100, 50]).round() as u8;
        assert_eq!(single(DamageKind::Saturation, 0.0, [200, 100, 50]), [grey; 3]);
        assert_eq!(single(DamageKind::Warmth, 0.2, [100, 100, 100]), [120, 100, 80]);
    }

    #[test]
    fn each_kind_on_light_by_hand() {
        // 128 is 0.21586 of full light.
        assert_eq!(single(DamageKind::Exposure, 1.0, [0, 64, 128]), [0, 90, 176]);
        assert_eq!(single(DamageKind::Exposure, -1.0, [64, 128, 255]), [44, 92, 188]);
        // Half of the light, and half of the airlight, which is 0.8.
        assert_eq!(single(DamageKind::Haze, 2.0_f32.ln(), [0, 128, 255]), [170, 189, 243]);
        // Light of 4,000 K: 1.3884, 0.9354 and 0.4961 times as much.
        let low_sun = 1e6 / 4000.0 - 1e6 / 6504.0;
        assert_eq!(single(DamageKind::WhiteBalance, low_sun, [128; 3]), [149, 124, 92]);
        // Half of the green, and 1.5566 times as much of everything: the luminance stays.
        assert_eq!(single(DamageKind::Tint, 1.0, [128; 3]), [157, 114, 157]);
    }

    #[test]
    fn a_tone_curve_by_hand() {
        // Squares of what is black and white twice as far away: 51 is 0.2 of the range, (2 x 0.2)^2 / 2 = 0.08.
        assert_eq!(single(DamageKind::ToneCurve, 2.0, [0, 51, 102]), [0, 20, 82]);
        assert_eq!(single(DamageKind::ToneCurve, 2.0, [153, 204, 255]), [173, 235, 255]);
        assert_eq!(single(DamageKind::ToneCurve, 0.5, [51, 102, 204]), [81, 114, 174]);
    }

    /// All levels of grey.
    fn ramp() -> Photo {
        Photo::from_fn(256, 1, |x, _| [x as u8; 3]).unwrap()
    }

    #[test]
    fn curves_never_fall_and_stay_within_the_range() {
        let strongest = [
            (DamageKind::Haze, 0.2),
            (DamageKind::WhiteBalance, 95.0),
            (DamageKind::WhiteBalance, -95.0),
            (DamageKind::Tint, 0.6),
            (DamageKind::Tint, -0.6),
            (DamageKind::Exposure, 1.5),
            (DamageKind::Exposure, -1.5),
            (DamageKind::ToneCurve, 1.82),
            (DamageKind::ToneCurve, 0.55),
        ];
        for (kind, amount) in strongest {
            let damaged = Damage::new(vec![DamageStep { kind, amount }]).apply(&ramp());
            for channel in 0..3 {
                let levels: Vec<u8> = (0..256).map(|x| damaged.pixel(x, 0)[channel]).collect();
                assert!(levels.is_sorted(), "{kind:?} {amount}: {levels:?}");
            }
            // Whatever has no veil leaves black as it is.
            assert!(kind == DamageKind::Haze || damaged.pixel(0, 0) == [0; 3], "{kind:?} {amount}");
        }
    }

    #[test]
    fn light_clips_once() {
        let steps = |steps: &[(DamageKind, f32)]| {
            let step = |&(kind, amount): &(DamageKind, f32)| DamageStep { kind, amount };
            Damage::new(steps.iter().map(step).collect())
        };
        let there_and_back = steps(&[(DamageKind::Exposure, 2.0), (DamageKind::Exposure, -2.0)]);
        assert_eq!(there_and_back.apply(&ramp()), ramp());
        let clipped = steps(&[(DamageKind::Exposure, 2.0), (DamageKind::ToneCurve, 1.0), (DamageKind::Exposure, -2.0)]);
        let [bright, ..] = clipped.apply(&ramp()).pixel(255, 0);
        // A quarter of full light.
        assert_eq!(bright, 137);
        let behind_saturation = steps(&[(DamageKind::Saturation, 1.0), (DamageKind::Exposure, -1.0)]);
        assert_eq!(behind_saturation.apply(&ramp()).pixel(128, 0), [92; 3]);
    }

    #[test]
    fn no_strength_of_a_damage_of_light_changes_nothing() {
        let mut amounts = DamageKind::CAMERA.map(|kind| DamageStep { kind, amount: 0.5 });
        amounts[1].amount = -60.0;
        let damage = Damage::new(amounts.to_vec());
        assert_eq!(damage.scaled(0.0).apply(&ramp()), ramp());
        assert_eq!(damage.scaled(1.0), damage);
        let half = damage.scaled(0.5);
        let halves: Vec<f32> = half.steps().iter().map(|step| step.amount).collect();
        assert_eq!(halves, [0.25, -30.0, 0.25, 0.25, 0.5_f32.sqrt()]);
    }

    #[test]
    fn numbers_that_are_none_do_no_harm() {
        for kind in DamageKind::STANDARD.into_iter().chain(DamageKind::CAMERA) {
            for amount in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX, -1e30] {
                let damaged = Damage::new(vec![DamageStep { kind, amount }]).apply(&ramp());
                assert_eq!(damaged.width(), 256, "{kind:?} {amount}");
            }
        }
    }

    #[test]
    fn pair_damages_are_plain_to_see() {
        let colour = |x: u32, y: u32| [60 + 3 * x + 40 * (x / 3 % 2), 80 + 2 * y, x * y / 8].map(|value| value as u8);
        let photo = Photo::from_fn(32, 32, colour).unwrap();
        let damages = pair_damages();
        for (index, damage) in damages.iter().enumerate() {
            let near = crate::psnr_db(&photo, &damage.apply(&photo)).unwrap();
            assert!(near < 40.0, "{damage}: {near} dB");
            assert!(!damages[..index].contains(damage), "{damage} twice");
        }
    }

    #[test]
    fn a_step_after_saturation_is_applied_too() {
        let steps = [(DamageKind::Saturation, 0.0), (DamageKind::Warmth, 0.5)];
        let damage = Damage::new(steps.map(|(kind, amount)| DamageStep { kind, amount }).to_vec());
        let photo = Photo::from_fn(1, 1, |_, _| [100, 100, 100]).unwrap();
        assert_eq!(damage.apply(&photo).pixel(0, 0), [150, 100, 50]);
    }

    #[test]
    fn a_share_of_a_damage() {
        let damage = Damage::new(vec![
            DamageStep { kind: DamageKind::Lightness, amount: 0.2 },
            DamageStep { kind: DamageKind::Contrast, amount: 0.25 },
        ]);
        let half = damage.scaled(0.5);
        assert_eq!(half.steps().iter().map(|s| s.amount).collect::<Vec<_>>(), [0.1, 0.5]);
        let photo = Photo::from_fn(2, 2, |x, y| [(90 * x) as u8, (70 * y) as u8, 200]).unwrap();
        assert_eq!(damage.scaled(0.0).apply(&photo), photo);
        assert_eq!(damage.scaled(1.0), damage);
    }
}
