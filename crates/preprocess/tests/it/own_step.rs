//! A step of one's own, as the example shows it.

use std::fs;

use dodge_imaging::{Axis, Operation, Photo};

use crate::coco::every_category_has_a_row;
use crate::support::{Workplace, files};

#[path = "../../examples/own_step.rs"]
mod example;

#[test]
fn a_step_of_ones_own_has_what_every_step_has() {
    let place = Workplace::new();
    let volume = place.context.volume().to_owned();
    let (splits, mirrored) = example::prepare(&volume, &place.context).unwrap();
    let doubled = &mirrored.train.photos;
    assert_eq!(doubled.len(), 2 * splits.train.photos.len());
    for pair in doubled.chunks(2) {
        let open = |path| Photo::open(path).unwrap();
        let turned = Operation::flip(Axis::Horizontal).apply(&open(&pair[0].degraded));
        assert_eq!(turned, open(&pair[1].degraded));
        assert_eq!(pair[0].damage, pair[1].damage);
    }
    assert_eq!(mirrored.test.photos, splits.test.photos);
    every_category_has_a_row(&mirrored.train.path);

    let record = place.record();
    assert_eq!(record.values("perf/mirror_training_duration_seconds").len(), 1);
    assert_eq!(record.values("train_num_images_mirrored"), [doubled.len() as f64]);
    assert_eq!(record.artifacts["preprocess/train-mirrored.json"], fs::read(&mirrored.train.path).unwrap());

    let before = files(&volume);
    let (_, again) = example::prepare(&volume, &place.context).unwrap();
    assert_eq!(&again.train.photos, doubled);
    assert_eq!(files(&volume), before, "the second run finds it in the cache");
    fs::write(&doubled[0].degraded, "damaged").unwrap();
    example::prepare(&volume, &place.context).unwrap();
    assert!(Photo::open(&doubled[0].degraded).is_ok(), "a damaged result is made anew");
}
