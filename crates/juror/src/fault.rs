//! What can be wrong with a photo: the damages that jurors are asked about.

use dodge_imaging::{Damage, DamageKind, DamageStep, Operation, Photo, pair_damages};
use rand_chacha::ChaCha8Rng;

/// Draws a damage.
type Draw = fn(&mut ChaCha8Rng) -> Damage;

/// One way to make a photo worse.
#[derive(Debug, Clone)]
pub(crate) enum Fault {
    /// An operation of a strength that ruins.
    Operation(Operation),
    /// Steps of damage, clamped after each and rounded to 8 bit in the end.
    Damage(Damage),
    /// A damage that is drawn for each photo.
    Drawn(Draw),
}

impl Fault {
    /// A copy of the photo with this fault.
    pub(crate) fn apply(&self, photo: &Photo, rng: &mut ChaCha8Rng) -> Photo {
        match self {
            Self::Operation(operation) => operation.apply(photo),
            Self::Damage(damage) => damage.apply(photo),
            Self::Drawn(draw) => draw(rng).apply(photo),
        }
    }

    /// One step of damage.
    pub(crate) fn step(kind: DamageKind, amount: f32) -> Self {
        Self::Damage(Damage::new(vec![DamageStep { kind, amount }]))
    }
}

/// Strengths of what cameras do, in the units of [`DamageKind`], at the far end of what [`Damage::camera`] draws.
const OF_CAMERAS: [(&str, DamageKind, f32); 9] = [
    ("haze 0.2", DamageKind::Haze, 0.2),
    ("white-balance +80", DamageKind::WhiteBalance, 80.0),
    ("white-balance -80", DamageKind::WhiteBalance, -80.0),
    ("tint +0.5", DamageKind::Tint, 0.5),
    ("tint -0.5", DamageKind::Tint, -0.5),
    ("exposure +1", DamageKind::Exposure, 1.0),
    ("exposure -1", DamageKind::Exposure, -1.0),
    ("tone-curve 1.65", DamageKind::ToneCurve, 1.65),
    ("tone-curve 0.6", DamageKind::ToneCurve, 0.6),
];

/// Names of [`pair_damages`], in their order; the gammas by their exponents.
const OF_PAIRS: [&str; 13] = [
    "lightness +40",
    "lightness -40",
    "contrast 0.6",
    "contrast 1.5",
    "saturation 0.4",
    "saturation 1.8",
    "warmth +0.2",
    "warmth -0.2",
    "gamma 0.6",
    "gamma 1.6",
    "blur 2",
    "noise 15",
    "jpeg 10",
];

/// The fixed list by which jurors are compared: the pair damages, what cameras do, and both kinds of damage as they are drawn for
/// trainings.
pub(crate) fn fixed() -> Vec<(&'static str, Fault)> {
    let pairs = OF_PAIRS.into_iter().zip(pair_damages().map(Fault::Operation));
    let cameras = OF_CAMERAS.into_iter().map(|(name, kind, amount)| (name, Fault::step(kind, amount)));
    let drawn: [(&str, Draw); 2] =
        [("standard damage", |rng| Damage::standard(rng)), ("damage of cameras", |rng| Damage::camera(rng))];
    pairs.chain(cameras).chain(drawn.map(|(name, draw)| (name, Fault::Drawn(draw)))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_what_is_done() {
        for (name, fault) in fixed() {
            let (kind, strength) = name.rsplit_once(' ').expect("a name has two words");
            let (done, amount) = match &fault {
                Fault::Operation(operation) => {
                    let text = operation.to_string();
                    let (kind, strength) = text.split_once(':').expect("a kind with a strength");
                    let strength: f32 = strength.parse().expect("a number");
                    (kind.to_owned(), if kind == "gamma" { 1.0 / strength } else { strength })
                }
                Fault::Damage(damage) => (damage.steps()[0].kind.name().to_owned(), damage.steps()[0].amount),
                Fault::Drawn(_) => continue,
            };
            assert_eq!(kind, done);
            assert!((strength.parse::<f32>().expect("a number") - amount).abs() < 1e-4, "{name}: {amount}");
        }
    }
}
