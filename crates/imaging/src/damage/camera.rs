//! The damage of cameras: what air, light, exposure and development do to a photo.

use rand::{Rng, RngExt};

use super::{Damage, DamageKind, DamageStep};

/// Most kinds of one damage.
const MOST_KINDS: usize = 4;

/// The least and the most strength of each kind, in the order of application, and why:
///
/// - Haze, optical depth: of the scene's light remain 97 to 82 %. Training sets of haze go on to where hardly anything is left
///   (RESIDE, arXiv:1712.04143: 0.6 to 1.8 for the scattering, times the depth of the scene); this much a slider can undo.
/// - White balance, mireds: as far as 4,000 and 17,000 K, the light of a low sun and that of a blue sky without sun. 5.5 mireds
///   are just noticed (Judd 1933); a damage should be plain.
/// - Tint, stops of green: as a filter CC06 to CC18, green or magenta, which is what fluorescent lamps are corrected by (up to CC30).
/// - Exposure, stops: more than what bracketing begins with, a third of a stop, and less than what clips most of a photo.
/// - Tone curve, logarithm of the slope at mid-grey: slopes of 0.55 to 1.82, as those of the contrast of the standard damage.
const STRENGTHS: [(DamageKind, f32, f32); 5] = [
    (DamageKind::Haze, 0.03, 0.20),
    (DamageKind::WhiteBalance, 25.0, 95.0),
    (DamageKind::Tint, 0.20, 0.60),
    (DamageKind::Exposure, 0.40, 1.50),
    (DamageKind::ToneCurve, 0.20, 0.60),
];

impl Damage {
    /// Draws the *damage of cameras*: one to four different kinds, each number as likely as the others, each kind with a random
    /// sign and a uniform strength: haze of the optical depth 0.03..0.20 (this one has no other sign), white balance ±(25..95)
    /// mireds, tint ±(0.2..0.6) stops of green, exposure ±(0.4..1.5) stops, tone curve exp ±(0.20..0.60). The steps come in the
    /// order of [`DamageKind`], which tells what each does, and are about light, but for the last.
    #[must_use]
    pub fn camera(rng: &mut impl Rng) -> Self {
        let mut kinds = STRENGTHS;
        let count = rng.random_range(1..=MOST_KINDS);
        for place in 0..count {
            let other = rng.random_range(place..STRENGTHS.len());
            kinds.swap(place, other);
        }
        let chosen = &mut kinds[..count];
        chosen.sort_unstable_by_key(|&(kind, ..)| kind);
        let steps = chosen.iter().map(|&(kind, least, most)| {
            let has_both_signs = kind != DamageKind::Haze;
            let sign = if has_both_signs && rng.random_bool(0.5) { -1.0 } else { 1.0 };
            let strength = sign * rng.random_range(least..most);
            let amount = if kind == DamageKind::ToneCurve { strength.exp() } else { strength };
            DamageStep { kind, amount }
        });
        Self { steps: steps.collect() }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;

    #[test]
    fn the_damage_of_cameras_keeps_its_protocol() {
        let mut rng = ChaCha8Rng::seed_from_u64(7);
        let mut counts = [0; MOST_KINDS + 1];
        let mut signs: BTreeMap<DamageKind, [usize; 2]> = BTreeMap::new();
        for _ in 0..4000 {
            let damage = Damage::camera(&mut rng);
            let steps = damage.steps();
            assert!(steps.is_sorted_by(|one, next| one.kind < next.kind), "{damage}");
            counts[steps.len()] += 1;
            for step in steps {
                let (strength, range) = match step.kind {
                    DamageKind::Haze => (step.amount, 0.03..=0.20),
                    DamageKind::WhiteBalance => (step.amount, 25.0..=95.0),
                    DamageKind::Tint => (step.amount, 0.2..=0.6),
                    DamageKind::Exposure => (step.amount, 0.4..=1.5),
                    DamageKind::ToneCurve => (step.amount.ln(), 0.1999..=0.6001),
                    other => panic!("{other:?} is none of the damage of cameras"),
                };
                assert!(range.contains(&strength.abs()), "{step}");
                signs.entry(step.kind).or_default()[usize::from(strength > 0.0)] += 1;
            }
        }
        assert_eq!(counts[0], 0);
        assert!(counts[1..].iter().all(|count| (900..1100).contains(count)), "of one kind, two and more: {counts:?}");
        assert_eq!(signs.keys().copied().collect::<Vec<_>>(), DamageKind::CAMERA);
        for (kind, [down, up]) in signs {
            // Two and a half kinds of five in the mean.
            assert!((1850..2150).contains(&(down + up)), "{kind:?}: {down} and {up} of 4000");
            let expected = if kind == DamageKind::Haze { 0..1 } else { 900..1100 };
            assert!(expected.contains(&down), "{kind:?}: {down} below 0, {up} above");
        }
    }

    #[test]
    fn equal_seeds_draw_equal_damage() {
        let drawn = |seed| Damage::camera(&mut ChaCha8Rng::seed_from_u64(seed));
        assert_eq!(drawn(3), drawn(3));
        assert_ne!(drawn(3), drawn(4));
    }
}
