//! Resizing and scoring.

use std::fs;
use std::sync::{Arc, Mutex};

use dodge_imaging::Photo;
use dodge_juror::{Error as JurorError, Juror};
use dodge_preprocess::{CopyAndResize, Error, Preprocessor, Progress, ResizeParams, Score};

use crate::support::{Stub, Workplace, entries, photo};

#[test]
fn copies_are_bounded_and_keep_their_ratio() {
    let place = Workplace::with_photos(2);
    Photo::from_fn(100, 50, |x, _| [x as u8, 90, 80]).unwrap().save(&place.photo_path(2)).unwrap();
    let resized = CopyAndResize::new(ResizeParams { max_size: 40, ..ResizeParams::default() }, 1)
        .run(&place.dataset(), &place.context)
        .unwrap();
    let sizes: Vec<_> = resized.photos.iter().map(|p| (p.file_name.as_str(), p.width, p.height)).collect();
    assert_eq!(sizes, [("a00.png", 24, 18), ("a01.png", 24, 18), ("a02.png", 40, 20)]);
    let images = resized.folder.join("images");
    assert_eq!(Photo::open(&images.join("a00.png")).unwrap(), photo(0), "a small photo is copied as it is");
    let large = Photo::open(&images.join("a02.png")).unwrap();
    assert_eq!((large.width(), large.height()), (40, 20));
}

#[test]
fn every_photo_gets_its_own_score() {
    let place = Workplace::with_photos(70);
    let first_pixel = |photo: &Photo| f64::from(photo.pixel(0, 0)[0]) / 25.5;
    let scored = place.scored(Stub::new("first pixel", move |photo| Ok(first_pixel(photo))));
    assert_eq!(scored.document.images.len(), 70);
    for (index, image) in scored.document.images.iter().enumerate() {
        let expected = first_pixel(&photo(index));
        assert!((image.score.unwrap() - expected).abs() < 1e-9, "{image:?}");
        assert_eq!(image.initial_score, image.score);
    }
    let scores: Vec<f64> = scored.document.images.iter().map(|image| image.score.unwrap()).collect();
    let record = place.record();
    let recorded = |key: &str| record.values(key)[0];
    assert!((recorded("average_score") - scores.iter().sum::<f64>() / 70.0).abs() < 1e-9);
    assert_eq!(recorded("min_score"), scores.iter().copied().fold(f64::INFINITY, f64::min));
    assert_eq!(recorded("max_score"), scores.iter().copied().fold(0.0, f64::max));
    assert_eq!(recorded("total_number_of_images_scored"), 70.0);
}

struct WrongCount(isize);

impl Juror for WrongCount {
    fn name(&self) -> String {
        format!("wrong by {}", self.0)
    }

    fn score(&self, photos: &[&Photo]) -> Result<Vec<f64>, JurorError> {
        Ok(vec![5.0; photos.len().saturating_add_signed(self.0)])
    }
}

#[test]
fn a_juror_with_too_many_or_too_few_scores_is_an_error() {
    for difference in [-1, 1] {
        let place = Workplace::with_photos(6);
        let error = Score::new(Arc::new(WrongCount(difference))).run(&place.annotated(), &place.context).unwrap_err();
        assert!(matches!(error, Error::Juror(JurorError::WrongCount { expected: 6, .. })), "{error}");
        assert!(entries(&place.cache("score")).is_empty());
    }
}

#[test]
fn a_score_that_is_no_number_is_an_error() {
    let place = Workplace::with_photos(6);
    let error = Score::new(Stub::constant(f64::NAN)).run(&place.annotated(), &place.context).unwrap_err();
    assert!(matches!(error, Error::Juror(JurorError::Unavailable { .. })), "{error}");
    assert!(entries(&place.cache("score")).is_empty());
}

#[test]
fn a_photo_that_vanished_is_named() {
    let place = Workplace::with_photos(5);
    let annotated = place.annotated();
    fs::remove_file(annotated.images.join("a03.png")).unwrap();
    let message = Score::new(Stub::constant(5.0)).run(&annotated, &place.context).unwrap_err().to_string();
    assert!(message.contains("a03.png"), "{message}");
}

#[derive(Default)]
struct Recorded(Mutex<Vec<(String, u64, u64)>>);

impl Progress for Recorded {
    fn begin(&self, what: &str, total: u64) {
        self.0.lock().unwrap().push((what.to_owned(), total, 0));
    }

    fn advance(&self, parts: u64) {
        self.0.lock().unwrap().last_mut().unwrap().2 += parts;
    }

    fn note(&self, _: &str) {}

    fn end(&self) {}
}

#[test]
fn progress_ends_at_its_total() {
    let progress = Arc::new(Recorded::default());
    let place = Workplace::with_progress(progress.clone());
    place.add_photos(9);
    let scored = place.scored(Stub::constant(5.0));
    dodge_preprocess::DegradeAndSplit::new(crate::support::degrade(), Stub::constant(4.0), 1)
        .run(&scored, &place.context)
        .unwrap();
    let seen = progress.0.lock().unwrap();
    let expected = ["resizing", "scoring", "damaging"].map(|what| (what.to_owned(), 9, 9));
    assert_eq!(*seen, expected);
}
