//! The classical juror: in range, deterministic, and not to be gamed by piling up one edit.

use dodge_imaging::{Operation, OperationKind, Photo};
use dodge_juror::{ClassicalJuror, Juror};
use proptest::prelude::*;

/// A scene with the statistics of a photo: sky gradient, textured ground, a few objects of muted colours.
pub(crate) fn scene(variant: u32) -> Photo {
    let mut state = variant.wrapping_mul(2_654_435_761).wrapping_add(1);
    let mut texture = move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as i32 / 10 - 12
    };
    Photo::from_fn(192, 128, |x, y| {
        let (x, y) = (x as i32, y as i32);
        let t = texture() / 4;
        let object = ((x / 24 + y / 20) as u32 * 7 + variant) % 6;
        let pixel = if y < 50 {
            [95 + y + x / 8, 125 + y + x / 8, 205 + y / 2]
        } else if object == 0 {
            [12 + t, 9 + t, 14 + t]
        } else if object == 1 {
            [150 + t * 2, 96 + t * 2, 70 + t]
        } else {
            [(y - 30) + x / 4 + t, (y - 14) + x / 4 + t, y / 2 + t]
        };
        pixel.map(|v| v.clamp(2, 252) as u8)
    })
    .unwrap()
}

fn score(photo: &Photo) -> f64 {
    ClassicalJuror::new().score_one(photo).unwrap()
}

#[test]
fn scores_are_in_range_and_repeatable() {
    for variant in 0..8 {
        let photo = scene(variant);
        let first = score(&photo);
        assert!((3.0..=10.0).contains(&first), "a plausible scene scored {first}");
        assert_eq!(first, score(&photo));
    }
    let batch = [&scene(0), &scene(1)];
    assert_eq!(ClassicalJuror::new().score(&batch).unwrap(), [score(&scene(0)), score(&scene(1))]);
}

/// Piling up: whatever the edit, and in whichever direction, doing it again and again ends below the start.
#[test]
fn piling_up_any_edit_ends_in_a_lower_score() {
    let repeated = [
        "lightness:12",
        "lightness:-12",
        "contrast:1.15",
        "contrast:0.85",
        "gamma:1.2",
        "gamma:0.83",
        "shadows:0.4",
        "shadows:-0.4",
        "highlights:0.4",
        "highlights:-0.4",
        "saturation:1.2",
        "saturation:0.8",
        "vibrance:0.4",
        "vibrance:-0.4",
        "warmth:0.06",
        "warmth:-0.06",
        "tint:0.06",
        "tint:-0.06",
        "sharpen:0.4",
        "unsharp-mask:0.6",
        "clarity:0.5",
        "clarity:-0.5",
        "blur:1",
    ];
    for text in repeated {
        let operation: Operation = text.parse().unwrap();
        for variant in 0..4 {
            let start = score(&scene(variant));
            let mut photo = scene(variant);
            for _ in 0..25 {
                operation.apply_in_place(&mut photo);
            }
            let end = score(&photo);
            assert!(end < start - 0.5, "{text}: 25 times took scene {variant} from {start:.2} to {end:.2}");
        }
    }
}

#[test]
fn the_extreme_of_each_operation_scores_lower() {
    for &kind in OperationKind::ALL {
        // Bounded edits that undo a fault, and crops, may improve a photo at full strength.
        if matches!(
            kind,
            OperationKind::Crop
                | OperationKind::CropThirds
                | OperationKind::LevelHorizon
                | OperationKind::GreyWorld
                | OperationKind::ShadesOfGrey
                | OperationKind::AutoContrast
                | OperationKind::AutoGamma
                | OperationKind::Clahe
                | OperationKind::Median
        ) {
            continue;
        }
        let (low, neutral, high) = kind.range();
        for strength in [low, high] {
            // Vibrance and the tone curves are bounded: their extreme is no ruin, only the repetition is.
            let bounded = matches!(
                kind,
                OperationKind::Vibrance | OperationKind::Shadows | OperationKind::Highlights | OperationKind::Clarity
            );
            if strength == neutral || bounded {
                continue;
            }
            let result = Operation::new(kind, strength).unwrap().apply(&scene(1));
            assert!(score(&result) < score(&scene(1)), "{}:{strength}", kind.name());
        }
    }
}

/// It must not tell by what rounding left that somebody edited a photo: a good repair is better than the damage, and brings the score back
/// where a scene, which is no photograph, was better damaged.
#[test]
fn a_repaired_photo_scores_above_the_damaged_one() {
    let damaged_and_repaired = [
        ("lightness:30", "lightness:-30"),
        ("lightness:-30", "lightness:30"),
        ("contrast:0.6", "contrast:1.6667"),
        ("contrast:1.6", "contrast:0.625"),
        ("gamma:1.6", "gamma:0.625"),
        ("gamma:0.625", "gamma:1.6"),
        ("saturation:0.4", "saturation:2.5"),
        ("saturation:1.8", "saturation:0.5556"),
        ("warmth:0.2", "warmth:-0.1818"),
        ("tint:0.2", "tint:-0.25"),
        ("exposure:-1", "exposure:1"),
        ("haze:0.3", "haze:-0.3"),
    ];
    for (damage, repair) in damaged_and_repaired {
        let [damage, repair]: [Operation; 2] = [damage, repair].map(|text| text.parse().unwrap());
        for variant in 0..4 {
            let damaged = damage.apply(&scene(variant));
            let (before, after) = (score(&damaged), score(&repair.apply(&damaged)));
            let start = score(&scene(variant));
            let told = format!("{damage} then {repair} on scene {variant}: {start:.2}, {before:.2}, {after:.2}");
            // What rounding takes: some damage hardly matters to a scene.
            let rounding = 0.05;
            assert!((after - start).abs() < f64::max((before - start).abs(), rounding), "{told}");
            assert!(after > before || before > start - rounding, "{told}");
        }
    }
}

#[test]
fn uniform_and_tiny_photos_are_scored_low_without_failing() {
    for value in [0, 128, 255] {
        let flat = Photo::from_fn(64, 64, |_, _| [value; 3]).unwrap();
        // Plain grey is as bright as photographs are, and has neither noise nor a cast.
        assert!((0.0..5.0).contains(&score(&flat)), "{}", score(&flat));
    }
    for (width, height) in [(1, 1), (1, 500), (500, 1), (2, 2), (17, 18), (18, 18)] {
        let photo = Photo::from_fn(width, height, |x, y| [(x * 3) as u8, (y * 5) as u8, 77]).unwrap();
        assert!((0.0..=10.0).contains(&score(&photo)), "{width}x{height}");
    }
}

proptest! {
    #[test]
    fn any_pixels_get_a_finite_score(width in 1_u32..40, height in 1_u32..40, seed in any::<u32>(), span in 1_u32..256) {
        let mut state = seed;
        let photo = Photo::from_fn(width, height, |_, _| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            [((state >> 24) % span) as u8, ((state >> 16) % span) as u8, ((state >> 8) % span) as u8]
        }).unwrap();
        prop_assert!((0.0..=10.0).contains(&score(&photo)));
    }
}
