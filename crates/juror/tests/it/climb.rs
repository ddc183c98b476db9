//! What following a juror's score leads to.

use dodge_imaging::{OperationKind, Photo};
use dodge_juror::{ClassicalJuror, Climb, Error, Juror};

use crate::classical::scene;

/// Likes it bright.
struct Bright;

impl Juror for Bright {
    fn name(&self) -> String {
        "bright".to_owned()
    }

    fn score(&self, photos: &[&Photo]) -> Result<Vec<f64>, Error> {
        let mean = |photo: &&Photo| {
            photo.pixels().iter().map(|&value| f64::from(value)).sum::<f64>() / photo.pixels().len() as f64 / 25.5
        };
        Ok(photos.iter().map(mean).collect())
    }
}

#[test]
fn every_operation_that_keeps_the_size_and_place_is_tried() {
    let climb = Climb::new();
    for &kind in OperationKind::ALL {
        let is_tried = climb.choices().iter().any(|edit| edit.kind() == kind);
        let moves_all = kind.changes_size() || kind == OperationKind::Flip;
        assert_eq!(is_tried, !moves_all, "{}", kind.name());
    }
}

#[test]
fn a_juror_of_one_taste_is_led_to_ruin() {
    let climbed = Climb::new().from(&Bright, &scene(1)).unwrap();
    assert!(climbed.gain > 3.0 && climbed.colour_difference > 15.0, "{climbed:?}");
    assert!((1..=20).contains(&climbed.edits.len()));
}

#[test]
fn the_classical_juror_is_led_to_the_same_photo() {
    let climbed = Climb::new().from(&ClassicalJuror::new(), &scene(1)).unwrap();
    assert!(climbed.gain >= 0.0 && climbed.gain < 3.0, "{climbed:?}");
    assert!(climbed.colour_difference < 15.0, "{climbed:?}");
}

#[test]
fn a_juror_that_likes_nothing_better_is_left_with_the_photo() {
    struct Same;
    impl Juror for Same {
        fn name(&self) -> String {
            "same".to_owned()
        }

        fn score(&self, photos: &[&Photo]) -> Result<Vec<f64>, Error> {
            Ok(vec![5.0; photos.len()])
        }
    }
    let climbed = Climb::new().from(&Same, &scene(1)).unwrap();
    assert_eq!((climbed.edits.len(), climbed.gain, climbed.colour_difference), (0, 0.0, 0.0));
}
