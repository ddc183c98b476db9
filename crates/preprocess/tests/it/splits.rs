//! Damage and the three splits.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use dodge_hparams::HParams;
use dodge_imaging::{DamageKind, Photo};
use dodge_preprocess::{
    DamageProtocol, DegradeAndSplit, DegradeParams, Error, Preprocessor, ScoredPhotos, Split, SplitPhotos, Splits,
};
use proptest::prelude::*;

use crate::support::{Stub, Workplace, all, names, reordered};

fn params() -> DegradeParams {
    DegradeParams { undamaged_share: 0.25, ..crate::support::degrade() }
}

fn split(
    params: DegradeParams,
    juror: &Arc<Stub>,
    seed: u64,
    scored: &ScoredPhotos,
    place: &Workplace,
) -> Result<Splits, Error> {
    DegradeAndSplit::new(params, juror.clone(), seed).run(scored, &place.context)
}

/// Originals score 5, damaged photos 4: every damage is noticed.
fn noticing() -> (Arc<Stub>, Arc<Stub>) {
    (Stub::constant(5.0), Stub::constant(4.0))
}

fn damages(splits: &Splits) -> BTreeMap<String, Vec<String>> {
    let photos = all(splits).into_iter().flat_map(|split| &split.photos);
    photos.map(|photo| (photo.file_name.clone(), photo.damage.clone())).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn splits_are_disjoint_and_complete_and_of_the_right_size(
        count in 5_usize..24,
        train_percent in 20_usize..70,
        validation_percent in 15_usize..29,
        seed in 0_u64..1000,
    ) {
        let place = Workplace::with_photos(count);
        let (originals, damaged) = noticing();
        let scored = place.scored(originals);
        let params = DegradeParams {
            train_ratio: train_percent as f64 / 100.0,
            validation_ratio: validation_percent as f64 / 100.0,
            ..params()
        };
        let (train, validation) = (count * train_percent / 100, count * validation_percent / 100);
        let result = split(params, &damaged, seed, &scored, &place);
        if train == 0 || validation == 0 {
            let too_few = matches!(result, Err(Error::TooFewPhotos { got, needed }) if got == count && needed > count);
            prop_assert!(too_few);
            return Ok(());
        }
        let splits = result.unwrap();
        prop_assert_eq!(all(&splits).map(|s| s.photos.len()), [train, validation, count - train - validation]);
        let listed: Vec<String> = all(&splits).into_iter().flat_map(names).collect();
        let distinct: BTreeSet<&String> = listed.iter().collect();
        prop_assert_eq!(distinct.len(), count, "a photo is in two splits");
        let expected: Vec<&String> = scored.document.images.iter().map(|image| &image.file_name).collect();
        prop_assert_eq!(distinct.into_iter().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn the_order_in_which_photos_are_listed_does_not_matter(
        order in Just((0..10).collect::<Vec<usize>>()).prop_shuffle(),
        seed in 0_u64..1000,
    ) {
        let place = Workplace::with_photos(10);
        let (originals, damaged) = noticing();
        let scored = place.scored(originals);
        let expected = split(params(), &damaged, seed, &scored, &place).unwrap();
        let got = split(params(), &damaged, seed, &reordered(&scored, &order), &place).unwrap();
        for (expected, got) in all(&expected).into_iter().zip(all(&got)) {
            prop_assert_eq!(names(expected), names(got));
            for (expected, got) in expected.photos.iter().zip(&got.photos) {
                prop_assert_eq!(&expected.damage, &got.damage);
                prop_assert_eq!(Photo::open(&expected.degraded).unwrap(), Photo::open(&got.degraded).unwrap());
            }
        }
    }
}

#[test]
fn equal_seeds_give_equal_splits_elsewhere_and_other_seeds_others() {
    let results = [3, 3, 4].map(|seed| {
        let place = Workplace::with_photos(12);
        let (originals, damaged) = noticing();
        let splits = split(params(), &damaged, seed, &place.scored(originals), &place).unwrap();
        (all(&splits).map(names), damages(&splits))
    });
    assert_eq!(results[0], results[1]);
    assert_ne!(results[0].0, results[2].0, "another seed deals photos out in another way");
    assert_ne!(results[0].1, results[2].1, "another seed damages photos in another way");
}

#[test]
fn the_damage_of_a_photo_depends_on_the_seed_and_its_name_only() {
    let params = DegradeParams { undamaged_share: 0.0, ..crate::support::degrade() };
    let [few, many] = [9, 14].map(|count| {
        let place = Workplace::with_photos(count);
        let (originals, damaged) = noticing();
        damages(&split(params, &damaged, 7, &place.scored(originals), &place).unwrap())
    });
    for (name, damage) in &few {
        assert_eq!(damage, &many[name], "{name}");
    }
    let distinct: BTreeSet<&Vec<String>> = many.values().collect();
    assert!(distinct.len() > 10, "photos get damages of their own: {distinct:?}");
}

#[test]
fn photos_are_damaged_by_the_protocol_that_is_asked_for() {
    let place = Workplace::with_photos(20);
    let (originals, damaged) = noticing();
    let scored = place.scored(originals);
    let kinds = |damage| {
        let params = DegradeParams { undamaged_share: 0.0, damage, ..crate::support::degrade() };
        let steps = damages(&split(params, &damaged, 7, &scored, &place).unwrap());
        let kind = |step: &String| step.split(':').next().unwrap_or_default().to_owned();
        steps.values().flatten().map(kind).collect::<BTreeSet<String>>()
    };
    let names = |kinds: [DamageKind; 5]| kinds.map(|kind| kind.name().to_owned()).into_iter().collect::<BTreeSet<_>>();
    let (standard, camera) = (names(DamageKind::STANDARD), names(DamageKind::CAMERA));
    assert_eq!(kinds(DamageProtocol::Standard), standard);
    assert_eq!(kinds(DamageProtocol::Camera), camera);
    assert_eq!(kinds(DamageProtocol::Mixed), &standard | &camera);
}

#[test]
fn ratios_round_down_and_the_test_split_takes_the_rest() {
    let sizes = |count: usize, train_ratio: f64, validation_ratio: f64| {
        let place = Workplace::with_photos(count);
        let (originals, damaged) = noticing();
        let params = DegradeParams { train_ratio, validation_ratio, ..params() };
        all(&split(params, &damaged, 1, &place.scored(originals), &place).unwrap()).map(|s| s.photos.len())
    };
    assert_eq!(sizes(5, 0.6, 0.2), [3, 1, 1]);
    assert_eq!(sizes(9, 0.6, 0.2), [5, 1, 3]);
    // 0.7 * 10 is a little less than 7 in binary numbers.
    assert_eq!(sizes(10, 0.7, 0.1), [7, 1, 2]);
}

#[test]
fn too_few_photos_are_an_error_before_any_work() {
    let place = Workplace::with_photos(4);
    let (originals, damaged) = noticing();
    let scored = place.scored(originals);
    let error = split(crate::support::degrade(), &damaged, 1, &scored, &place).unwrap_err();
    assert_eq!(error.to_string(), "a training, a validation and a test split need at least 5 photos, got 4");
    assert_eq!(damaged.asked(), 0);
    assert!(!place.cache("degrade_and_split").exists());
}

#[test]
fn ratios_that_leave_no_test_split_are_refused() {
    let params = DegradeParams { train_ratio: 0.8, validation_ratio: 0.2, ..crate::support::degrade() };
    let message = params.validate().unwrap_err().to_string();
    assert!(message.contains("for the test split; at least 0.01 is needed"), "{message}");
    assert!(DegradeParams { train_ratio: 0.8, validation_ratio: 0.19, ..params }.validate().is_ok());
}

#[test]
fn unnoticed_damage_is_left_out_of_training_only() {
    let place = Workplace::with_photos(20);
    let juror = Stub::constant(5.0);
    let scored = place.scored(juror.clone());
    assert_eq!(juror.asked(), 20);
    let splits = split(params(), &juror, 1, &scored, &place).unwrap();
    // A quarter of 12, 4 and 4 photos is undamaged.
    assert_eq!((splits.train.photos.len(), splits.train.left_out), (3, 9));
    assert!(splits.train.photos.iter().all(|photo| !photo.is_damaged()));
    for split in [&splits.validation, &splits.test] {
        assert_eq!((split.photos.len(), split.left_out), (4, 0));
        assert_eq!(split.photos.iter().filter(|photo| photo.is_damaged()).count(), 3);
    }
    // Four attempts at each damaged training photo, one at the others.
    assert_eq!(juror.asked(), 20 + 4 * 9 + 3 + 3);
    assert_eq!(place.record().values("train_left_out"), [9.0]);
}

#[test]
fn noticed_damage_is_kept_at_the_first_attempt() {
    let place = Workplace::with_photos(20);
    let (originals, damaged) = noticing();
    let splits = split(params(), &damaged, 1, &place.scored(originals), &place).unwrap();
    assert_eq!(all(&splits).map(|s| (s.photos.len(), s.left_out)), [(12, 0), (4, 0), (4, 0)]);
    assert_eq!(damaged.asked(), 9 + 3 + 3, "undamaged photos are not judged again");
    for photo in all(&splits).into_iter().flat_map(|s| &s.photos) {
        let expected = if photo.is_damaged() { (4.0, 5.0) } else { (5.0, 5.0) };
        assert_eq!((photo.degraded_score, photo.original_score), expected);
    }
}

#[test]
fn only_what_the_juror_notices_is_trained_on() {
    // Notices what became darker.
    let mean =
        |photo: &Photo| photo.pixels().iter().map(|&value| f64::from(value)).sum::<f64>() / photo.pixels().len() as f64;
    let juror = Stub::new("brightness", move |photo| Ok(mean(photo) / 25.5));
    let place = Workplace::with_photos(20);
    let scored = place.scored(juror.clone());
    let params = DegradeParams { undamaged_share: 0.0, attempts: 1, ..crate::support::degrade() };
    let splits = split(params, &juror, 5, &scored, &place).unwrap();
    let (kept, left_out) = (splits.train.photos.len(), splits.train.left_out);
    assert_eq!(kept + left_out, 12);
    assert!(kept > 0 && left_out > 0, "{kept} kept, {left_out} left out");
    for photo in &splits.train.photos {
        assert!(photo.degraded_score < photo.original_score, "{photo:?}");
        let judged = mean(&Photo::open(&photo.degraded).unwrap()) / 25.5;
        assert!((photo.degraded_score - judged).abs() < 1e-9, "the score is that of the file");
    }
    let brighter = |split: &SplitPhotos| split.photos.iter().any(|p| p.degraded_score >= p.original_score);
    assert!(brighter(&splits.validation) || brighter(&splits.test), "evaluation keeps unnoticed damage");

    // With more attempts, fewer photos are lost.
    let patient = split(DegradeParams { attempts: 8, ..params }, &juror, 5, &scored, &place).unwrap();
    assert!(patient.train.left_out < left_out);
    assert_eq!(names(&patient.test), names(&splits.test));
}

#[test]
fn a_training_split_without_any_photo_is_an_error() {
    let place = Workplace::with_photos(6);
    let juror = Stub::constant(5.0);
    let params = DegradeParams { undamaged_share: 0.0, ..crate::support::degrade() };
    let scored = place.scored(juror.clone());
    for _ in 0..2 {
        let message = split(params, &juror, 1, &scored, &place).unwrap_err().to_string();
        assert!(message.contains("the juror noticed no damage on any training photo"), "{message}");
    }
}

#[test]
fn the_undamaged_share_is_exact_and_really_undamaged() {
    let place = Workplace::with_photos(20);
    let (originals, damaged) = noticing();
    let scored = place.scored(originals);
    for (share, expected) in [(0.0, [0, 0, 0]), (0.25, [3, 1, 1]), (0.5, [6, 2, 2]), (0.9, [11, 4, 4])] {
        let params = DegradeParams { undamaged_share: share, ..crate::support::degrade() };
        let splits = split(params, &damaged, 2, &scored, &place).unwrap();
        let undamaged = all(&splits).map(|split| {
            let undamaged: Vec<_> = split.photos.iter().filter(|photo| !photo.is_damaged()).collect();
            for photo in &undamaged {
                assert_eq!(Photo::open(&photo.degraded).unwrap(), Photo::open(&photo.original).unwrap());
            }
            undamaged.len()
        });
        assert_eq!(undamaged, expected, "share {share}");
    }
}

#[test]
fn damaged_photos_differ_from_their_originals_and_keep_their_size() {
    let place = Workplace::with_photos(10);
    let (originals, damaged) = noticing();
    let scored = place.scored(originals);
    let splits = split(params(), &damaged, 3, &scored, &place).unwrap();
    for photo in all(&splits).into_iter().flat_map(|s| &s.photos).filter(|photo| photo.is_damaged()) {
        let (degraded, original) = (Photo::open(&photo.degraded).unwrap(), Photo::open(&photo.original).unwrap());
        assert_ne!(degraded, original, "{}", photo.file_name);
        assert_eq!((degraded.width(), degraded.height()), (original.width(), original.height()));
        assert_eq!(original, Photo::open(&scored.images.join(&photo.file_name)).unwrap());
    }
}

#[test]
fn a_split_is_read_back_from_its_file_alone() {
    let place = Workplace::with_photos(10);
    let (originals, damaged) = noticing();
    let splits = split(params(), &damaged, 3, &place.scored(originals), &place).unwrap();
    let again = SplitPhotos::load(&splits.train.path).unwrap();
    assert_eq!((again.photos, again.left_out), (splits.train.photos, splits.train.left_out));
}

#[test]
fn the_sizes_of_the_splits_are_recorded() {
    let place = Workplace::with_photos(10);
    let (originals, damaged) = noticing();
    split(params(), &damaged, 3, &place.scored(originals), &place).unwrap();
    let record = place.record();
    let recorded = |key: &str| record.values(key);
    assert_eq!(recorded("total_number_of_images"), [10.0]);
    assert_eq!(recorded("total_number_of_images_scored"), [10.0]);
    assert_eq!(recorded("train_num_images"), [6.0]);
    assert_eq!(recorded("validation_num_images"), [2.0]);
    assert_eq!(recorded("test_num_images"), [2.0]);
    assert_eq!(recorded("train_left_out"), [0.0]);
}

#[test]
fn undamaged_photos_are_dealt_out_as_damaged_ones() {
    let place = Workplace::with_photos(20);
    let (originals, damaged) = noticing();
    let scored = place.scored(originals);
    let degraded = split(params(), &damaged, 7, &scored, &place).unwrap();
    let step = Split::new(params(), 7);
    let undamaged = step.run(&scored, &place.context).unwrap();
    for (with, without) in all(&degraded).into_iter().zip(all(&undamaged)) {
        assert_eq!(names(with), names(without));
        assert_eq!((without.left_out, without.juror.as_deref()), (0, Some("constant 5")));
        for photo in &without.photos {
            assert!(!photo.is_damaged() && photo.degraded == photo.original);
            assert_eq!((photo.degraded_score, photo.original_score), (5.0, 5.0));
            let copy = scored.images.join(&photo.file_name);
            assert_eq!(Photo::open(&photo.original).unwrap(), Photo::open(&copy).unwrap());
        }
    }
    assert_eq!(place.record().values("perf/split_duration_seconds").len(), 1);
    assert_eq!(step.run(&scored, &place.context).unwrap().key, undamaged.key, "the second run finds it");
    assert!(matches!(
        Split::new(params(), 7).run(&reordered(&scored, &[0, 1]), &place.context),
        Err(Error::TooFewPhotos { got: 2, .. })
    ));
}
