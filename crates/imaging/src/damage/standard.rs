//! The standard damage: the protocol that results are compared by.

use rand::{Rng, RngExt};

use super::{Damage, DamageKind, DamageStep};

/// The least and the most strength of each kind, in the order of application: of lightness in levels of 255, of factors and
/// exponents their logarithm.
const STRENGTHS: [(DamageKind, f32, f32); 5] = [
    (DamageKind::Lightness, 20.0, 55.0),
    (DamageKind::Gamma, 0.25, 0.60),
    (DamageKind::Contrast, 0.20, 0.55),
    (DamageKind::Saturation, 0.25, 0.75),
    (DamageKind::Warmth, 0.08, 0.20),
];

impl Damage {
    /// Draws the *standard damage*: one kind with probability one half, else two different ones, each with a random
    /// sign and a uniform strength: lightness ±(20..55)/255, gamma exp ±(0.25..0.60), contrast exp ±(0.20..0.55),
    /// saturation exp ±(0.25..0.75), warmth ±(0.08..0.20). The steps come in the order of [`DamageKind`].
    #[must_use]
    pub fn standard(rng: &mut impl Rng) -> Self {
        let first = rng.random_range(0..STRENGTHS.len());
        let mut chosen = vec![STRENGTHS[first]];
        if rng.random_bool(0.5) {
            // Drawn among the others, so that the two differ.
            chosen.push(STRENGTHS[(first + rng.random_range(1..STRENGTHS.len())) % STRENGTHS.len()]);
            chosen.sort_unstable_by_key(|&(kind, ..)| kind);
        }
        let steps = chosen.into_iter().map(|(kind, least, most)| {
            let sign = if rng.random_bool(0.5) { 1.0 } else { -1.0 };
            let strength = sign * rng.random_range(least..most);
            let amount = match kind {
                DamageKind::Lightness => strength / 255.0,
                DamageKind::Gamma | DamageKind::Contrast | DamageKind::Saturation => strength.exp(),
                _ => strength,
            };
            DamageStep { kind, amount }
        });
        Self { steps: steps.collect() }
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;

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
                    other => panic!("{other:?} is none of the standard damage"),
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
