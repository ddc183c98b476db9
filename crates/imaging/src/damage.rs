//! Seeded random degradation, for making pairs of a damaged photo and its original.

use std::fmt;

use rand::{Rng, RngExt};
use serde::{Deserialize, Serialize};

use crate::kernels::round;
use crate::{Operation, Photo};

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
}

impl DamageKind {
    /// All kinds, in the order of application.
    pub const ALL: [Self; 5] = [Self::Lightness, Self::Gamma, Self::Contrast, Self::Saturation, Self::Warmth];

    /// The name used in annotation files and reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Lightness => "lightness",
            Self::Gamma => "gamma",
            Self::Contrast => "contrast",
            Self::Saturation => "saturation",
            Self::Warmth => "warmth",
        }
    }
}

/// One step of damage.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct DamageStep {
    /// What is done.
    pub kind: DamageKind,
    /// How strongly; the meaning depends on the kind.
    pub amount: f32,
}

impl fmt::Display for DamageStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{:.3}", self.kind.name(), self.amount)
    }
}

/// A sequence of degradations that is applied in one go: values are clamped to the range after each step and quantised
/// to 8 bit only at the end.
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

    /// Draws the *standard damage*: one kind with probability one half, else two different ones, each with a random
    /// sign and a uniform strength: lightness ±(20..55)/255, gamma exp ±(0.25..0.60), contrast exp ±(0.20..0.55),
    /// saturation exp ±(0.25..0.75), warmth ±(0.08..0.20). The steps come in the order of [`DamageKind`].
    #[must_use]
    pub fn standard(rng: &mut impl Rng) -> Self {
        let all = DamageKind::ALL;
        let first = rng.random_range(0..all.len());
        let mut kinds = vec![all[first]];
        if rng.random_bool(0.5) {
            // Drawn among the others, so that the two differ.
            kinds.push(all[(first + rng.random_range(1..all.len())) % all.len()]);
            kinds.sort_unstable();
        }
        let steps = kinds.into_iter().map(|kind| {
            let sign = if rng.random_bool(0.5) { 1.0 } else { -1.0 };
            let mut strength = |low: f32, high: f32| sign * rng.random_range(low..high);
            let amount = match kind {
                DamageKind::Lightness => strength(20.0, 55.0) / 255.0,
                DamageKind::Gamma => strength(0.25, 0.60).exp(),
                DamageKind::Contrast => strength(0.20, 0.55).exp(),
                DamageKind::Saturation => strength(0.25, 0.75).exp(),
                DamageKind::Warmth => strength(0.08, 0.20),
            };
            DamageStep { kind, amount }
        });
        Self { steps: steps.collect() }
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
                DamageKind::Gamma | DamageKind::Contrast | DamageKind::Saturation => step.amount.powf(share),
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
        // Everything up to the first step that mixes channels is a curve on single values: tabulated once.
        let split = self.steps.iter().position(|s| s.kind == DamageKind::Saturation).unwrap_or(self.steps.len());
        let (curves, rest) = self.steps.split_at(split);
        let tables: [[f32; 256]; 3] = std::array::from_fn(|channel| {
            std::array::from_fn(|value| {
                curves.iter().fold(value as f32 / 255.0, |value, step| step.on_value(value, channel))
            })
        });
        for pixel in result.pixels_mut().chunks_exact_mut(3) {
            let mut values: [f32; 3] = std::array::from_fn(|channel| tables[channel][usize::from(pixel[channel])]);
            for step in rest {
                step.on_pixel(&mut values);
            }
            for (byte, value) in pixel.iter_mut().zip(values) {
                *byte = round(value * 255.0);
            }
        }
        result
    }
}

impl DamageStep {
    /// The step on one value from 0 to 1, for the kinds that do not mix channels.
    fn on_value(self, value: f32, channel: usize) -> f32 {
        let result = match self.kind {
            DamageKind::Lightness => value + self.amount,
            DamageKind::Gamma => value.powf(self.amount),
            DamageKind::Contrast => 0.5 + self.amount * (value - 0.5),
            DamageKind::Warmth => value * [1.0 + self.amount, 1.0, 1.0 - self.amount][channel],
            DamageKind::Saturation => value,
        };
        result.clamp(0.0, 1.0)
    }

    fn on_pixel(self, values: &mut [f32; 3]) {
        if self.kind == DamageKind::Saturation {
            let grey = 0.299 * values[0] + 0.587 * values[1] + 0.114 * values[2];
            *values = values.map(|value| (grey + self.amount * (value - grey)).clamp(0.0, 1.0));
        } else {
            for (channel, value) in values.iter_mut().enumerate() {
                *value = self.on_value(*value, channel);
            }
        }
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
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

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

    #[test]
    fn the_standard_damage_keeps_its_protocol() {
        let mut rng = ChaCha8Rng::seed_from_u64(7);
        let (mut single, mut up) = (0, 0);
        for _ in 0..4000 {
            let damage = Damage::standard(&mut rng);
            let steps = damage.steps();
            assert!(steps.len() == 1 || (steps.len() == 2 && steps[0].kind < steps[1].kind));
            single += usize::from(steps.len() == 1);
            for step in steps {
                let size = match step.kind {
                    DamageKind::Lightness => step.amount.abs() * 255.0 / 55.0,
                    DamageKind::Gamma => step.amount.ln().abs() / 0.60,
                    DamageKind::Contrast => step.amount.ln().abs() / 0.55,
                    DamageKind::Saturation => step.amount.ln().abs() / 0.75,
                    DamageKind::Warmth => step.amount.abs() / 0.20,
                };
                assert!((0.33..=1.0001).contains(&size), "{step}");
            }
            let first = steps[0];
            up += usize::from(match first.kind {
                DamageKind::Lightness | DamageKind::Warmth => first.amount > 0.0,
                _ => first.amount > 1.0,
            });
        }
        assert!((1850..2150).contains(&single), "{single} of 4000 had one step");
        assert!((1850..2150).contains(&up), "{up} of 4000 went up");
    }
}
