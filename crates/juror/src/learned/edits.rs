//! What is done to good photos to make worse ones of them: each way at two strengths, the milder of which is the better one.

use dodge_imaging::{Damage, DamageKind, DamageStep, Operation, OperationKind, Photo};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// How far a drawn strength may go: of a kind of damage with its unit, by [`DamageKind`]; of factors and exponents the logarithm. A
/// little beyond what [`Damage::standard`] and [`Damage::camera`] draw.
const DAMAGES: [(DamageKind, f32); 10] = [
    (DamageKind::Lightness, 60.0 / 255.0),
    (DamageKind::Gamma, 0.7),
    (DamageKind::Contrast, 0.65),
    (DamageKind::Saturation, 1.0),
    (DamageKind::Warmth, 0.24),
    (DamageKind::Haze, 0.25),
    (DamageKind::WhiteBalance, 95.0),
    (DamageKind::Tint, 0.65),
    (DamageKind::Exposure, 1.5),
    (DamageKind::ToneCurve, 0.65),
];

/// Edits that harm detail, or that ruin when there is too much of them: the least and the most that is drawn.
const OF_DETAIL: [(OperationKind, f32, f32); 10] = [
    (OperationKind::Blur, 0.7, 3.0),
    (OperationKind::Noise, 5.0, 25.0),
    (OperationKind::Jpeg, 40.0, 5.0),
    (OperationKind::BoxBlur, 1.0, 3.0),
    (OperationKind::MedianBlur, 1.0, 3.0),
    (OperationKind::Sharpen, 0.3, 2.0),
    (OperationKind::UnsharpMask, 0.6, 5.0),
    (OperationKind::Clarity, 0.7, 3.0),
    (OperationKind::Clahe, 3.0, 20.0),
    (OperationKind::Vignette, 0.5, 1.0),
];

/// So many of them are usual: every photo is shown with those.
const USUAL: usize = 3;

/// Edits of single pixels that wander about, up to this strength in either direction; of factors and exponents the logarithm.
const STEPS: [(OperationKind, f32); 11] = [
    (OperationKind::Lightness, 40.0),
    (OperationKind::Gamma, 0.4),
    (OperationKind::Contrast, 0.35),
    (OperationKind::Saturation, 0.5),
    (OperationKind::Warmth, 0.12),
    (OperationKind::Exposure, 0.7),
    (OperationKind::Shadows, 0.6),
    (OperationKind::Highlights, 0.6),
    (OperationKind::Haze, 0.15),
    (OperationKind::Tint, 0.12),
    (OperationKind::Vibrance, 0.6),
];

/// Most edits of a walk.
const MOST_STEPS: usize = 8;

/// One way to make a photo worse.
#[derive(Debug, Clone)]
pub(super) enum Way {
    /// Damage, and a share of it.
    Damage(Damage),
    /// An edit that harms detail.
    Detail(Operation),
    /// Edits one after the other, as somebody makes them who does not know when to stop.
    Walk(Vec<Operation>),
}

impl Way {
    /// One damage of each kind and, where it has two, each sign.
    pub(super) fn each_damage(rng: &mut ChaCha8Rng) -> Vec<Self> {
        let signs = |kind| if kind == DamageKind::Haze { &[1.0][..] } else { &[-1.0, 1.0] };
        let each = DAMAGES.iter().flat_map(|&(kind, most)| signs(kind).iter().map(move |sign| (kind, sign * most)));
        each.map(|(kind, most)| Self::Damage(Damage::new(vec![step(kind, most * rng.random_range(0.4..1.0))])))
            .collect()
    }

    /// One damage of any kind and sign.
    pub(super) fn any_damage(rng: &mut ChaCha8Rng) -> Self {
        let mut each = Self::each_damage(rng);
        each.swap_remove(rng.random_range(0..each.len()))
    }

    /// Each of the usual edits that harm detail.
    pub(super) fn each_usual_detail(rng: &mut ChaCha8Rng) -> Vec<Self> {
        OF_DETAIL[..USUAL].iter().map(|&(kind, least, most)| Self::Detail(of_detail(kind, least, most, rng))).collect()
    }

    /// One edit that harms detail.
    pub(super) fn any_detail(rng: &mut ChaCha8Rng) -> Self {
        let (kind, least, most) = OF_DETAIL[rng.random_range(0..OF_DETAIL.len())];
        Self::Detail(of_detail(kind, least, most, rng))
    }

    /// The damage of trainings, of either protocol.
    pub(super) fn of_training(camera: bool, rng: &mut ChaCha8Rng) -> Self {
        Self::Damage(if camera { Damage::camera(rng) } else { Damage::standard(rng) })
    }

    /// A walk. In half of them each edit, once made, is made again and again in the same direction.
    pub(super) fn walk(rng: &mut ChaCha8Rng) -> Self {
        let length = rng.random_range(2..=MOST_STEPS);
        let stubborn = rng.random_bool(0.5);
        let directions: Vec<f32> = STEPS.iter().map(|_| if rng.random_bool(0.5) { 1.0 } else { -1.0 }).collect();
        let kinds = if stubborn { rng.random_range(1..=3) } else { STEPS.len() };
        let first = rng.random_range(0..STEPS.len());
        let operations = (0..length).map(|_| {
            let index = (first + rng.random_range(0..kinds) * 4) % STEPS.len();
            let (kind, most) = STEPS[index];
            let sign = if stubborn || rng.random_bool(0.5) { directions[index] } else { -directions[index] };
            let amount = sign * most * rng.random_range(0.2..1.0);
            let strength = match kind {
                OperationKind::Gamma | OperationKind::Contrast | OperationKind::Saturation => amount.exp(),
                _ => amount,
            };
            operation(kind, strength)
        });
        Self::Walk(operations.collect())
    }

    /// Whether only tones and colours change, so that the distance to the original tells which of two results is the better one.
    pub(super) fn is_about_tones(&self) -> bool {
        matches!(self, Self::Damage(_) | Self::Walk(_))
    }

    /// A mild and a strong result.
    pub(super) fn results(&self, photo: &Photo, rng: &mut ChaCha8Rng) -> [Photo; 2] {
        let share = rng.random_range(0.3..0.65);
        match self {
            Self::Damage(damage) => [damage.scaled(share).apply(photo), damage.apply(photo)],
            Self::Detail(operation) => [operation.scaled(share).apply(photo), operation.apply(photo)],
            Self::Walk(operations) => {
                let (first, rest) = operations.split_at(operations.len() / 2);
                let walked = |photo: &Photo, way: &[Operation]| {
                    way.iter().fold(photo.clone(), |photo, operation| operation.apply(&photo))
                };
                let half_way = walked(photo, first);
                let end = walked(&half_way, rest);
                [half_way, end]
            }
        }
    }
}

fn step(kind: DamageKind, strength: f32) -> DamageStep {
    let amount = match kind {
        DamageKind::Gamma | DamageKind::Contrast | DamageKind::Saturation | DamageKind::ToneCurve => strength.exp(),
        _ => strength,
    };
    DamageStep { kind, amount }
}

/// The strengths are drawn evenly by their logarithm: small ones are as many as large ones.
fn of_detail(kind: OperationKind, least: f32, most: f32, rng: &mut ChaCha8Rng) -> Operation {
    operation(kind, least * (most / least).powf(rng.random_range(0.0..1.0)))
}

fn operation(kind: OperationKind, strength: f32) -> Operation {
    Operation::new(kind, strength).expect("the tables keep to the ranges of the kinds")
}

#[cfg(test)]
mod tests {
    use dodge_imaging::rmse;
    use rand::SeedableRng;

    use super::*;

    fn photo() -> Photo {
        Photo::from_fn(24, 24, |x, y| [60 + 5 * x, 50 + 6 * y, 80 + 3 * (x ^ y)].map(|value| value as u8))
            .expect("a photo")
    }

    #[test]
    fn whatever_is_drawn_can_be_done_and_more_of_it_is_further_off() {
        let (photo, mut rng) = (photo(), ChaCha8Rng::seed_from_u64(3));
        let error = |result: &Photo| rmse(result, &photo).expect("no way changes the size");
        for _ in 0..100 {
            for way in [Way::any_damage(&mut rng), Way::of_training(true, &mut rng), Way::of_training(false, &mut rng)]
            {
                let [mild, strong] = way.results(&photo, &mut rng).map(|result| error(&result));
                assert!(0.0 < mild && mild < strong, "{way:?}: {mild}, {strong}");
            }
            for way in [Way::any_detail(&mut rng), Way::walk(&mut rng)] {
                let [_, strong] = way.results(&photo, &mut rng).map(|result| error(&result));
                assert!(strong > 0.0, "{way:?}");
            }
        }
    }

    #[test]
    fn every_kind_and_sign_of_damage_is_among_them() {
        let drawn = Way::each_damage(&mut ChaCha8Rng::seed_from_u64(1));
        let of_kind = |kind| {
            let is_it = |way: &&Way| matches!(way, Way::Damage(damage) if damage.steps()[0].kind == kind);
            drawn.iter().filter(is_it).count()
        };
        for (kind, _) in DAMAGES {
            assert_eq!(of_kind(kind), if kind == DamageKind::Haze { 1 } else { 2 }, "{kind:?}");
        }
    }
}
