//! The learned juror: what it learns, its file, and its limits.

use std::fs;
use std::ops::ControlFlow;
use std::sync::LazyLock;

use dodge_imaging::{Operation, Photo};
use dodge_juror::{ClassicalJuror, Error, FEWEST_PHOTOS, Juror, LearnedJuror, Versions};
use rayon::prelude::*;

use crate::classical::scene;

fn versions(count: usize) -> Vec<Versions> {
    (0..count).into_par_iter().map(|number| Versions::of_photo(&scene(number as u32), number as u64, 1)).collect()
}

/// Trained once for all tests.
static JUROR: LazyLock<LearnedJuror> =
    LazyLock::new(|| LearnedJuror::train(versions(12), 1, |_, _| ControlFlow::Continue(())).unwrap().unwrap());

#[test]
fn it_likes_good_photos_better_than_worse_versions_and_knows_no_sides() {
    let photo = scene(3);
    let [worse, much_worse] = ["noise:8", "noise:30"].map(|edit| edit.parse::<Operation>().unwrap().apply(&photo));
    let scores = JUROR.score(&[&photo, &worse, &much_worse]).unwrap();
    assert!(scores.is_sorted_by(|a, b| a > b), "{scores:?}");
    assert!(scores.iter().all(|score| (0.0..=10.0).contains(score)), "{scores:?}");
    let mirrored = "flip:horizontal".parse::<Operation>().unwrap().apply(&photo);
    assert!((JUROR.score_one(&mirrored).unwrap() - scores[0]).abs() < 0.3);
    assert!(JUROR.trained_on().held_out_accuracy > 0.6, "{:?}", JUROR.trained_on());
}

#[test]
fn equal_seeds_learn_the_same_and_others_do_not() {
    let train = |seed| {
        let juror = LearnedJuror::train(versions(FEWEST_PHOTOS), seed, |_, _| ControlFlow::Continue(()));
        juror.unwrap().unwrap().to_bytes()
    };
    let first = train(1);
    assert_eq!(train(1), first);
    assert_ne!(train(2), first);
}

#[test]
fn a_training_tells_how_far_it_is_and_can_be_stopped() {
    let mut heard = Vec::new();
    let stopped = LearnedJuror::train(versions(FEWEST_PHOTOS), 1, |done, parts| {
        heard.push((done, parts));
        if done == 4 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    assert!(stopped.unwrap().is_none());
    assert_eq!(heard.iter().map(|it| it.0).collect::<Vec<_>>(), [1, 2, 3, 4]);
    assert!(heard.iter().all(|it| it.1 > 4));
    let few = LearnedJuror::train(versions(FEWEST_PHOTOS - 1), 1, |_, _| ControlFlow::Continue(()));
    assert!(matches!(few, Err(Error::TooFewPhotos { got: 9, expected: 10 })));
}

#[test]
fn its_file_brings_it_back_to_the_last_bit() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.juror");
    fs::write(&path, JUROR.to_bytes()).unwrap();
    let read = LearnedJuror::load(&path).unwrap();
    assert_eq!((read.name(), read.trained_on()), (JUROR.name(), JUROR.trained_on()));
    assert_ne!(read.name(), ClassicalJuror::new().name());
    let photo = scene(5);
    assert_eq!(read.score_one(&photo).unwrap(), JUROR.score_one(&photo).unwrap());
    assert_eq!(read.to_bytes(), JUROR.to_bytes());
}

#[test]
fn files_that_are_none_are_told() {
    let (bytes, folder) = (JUROR.to_bytes(), tempfile::tempdir().unwrap());
    let check = |bytes: &[u8], expected: &str| {
        let path = folder.path().join("some.juror");
        fs::write(&path, bytes).unwrap();
        let told = LearnedJuror::load(&path).unwrap_err().to_string();
        assert!(told.contains("some.juror ") && told.contains(expected), "{told}");
    };
    check(b"", "is no juror of dodge, or truncated");
    check(&bytes[..bytes.len() - 1], "truncated");
    check(&bytes[..100], "truncated");
    let header = |from: &str, to: &str| {
        assert_eq!(from.len(), to.len());
        let position = bytes.windows(from.len()).position(|part| part == from.as_bytes()).unwrap();
        let mut bytes = bytes.clone();
        bytes[position..position + to.len()].copy_from_slice(to.as_bytes());
        bytes
    };
    check(&header("dodge_juror", "dodge_jurol"), "but no juror of dodge");
    check(&header(r#"\"format\":1"#, r#"\"format\":2"#), "has version 2.1, this program reads version 1.1");
    check(&header(r#"\"trained_on\""#, r#"\"trained_by\""#), "does not say what it is");
    check(&header(r#""member.2.meaning""#, r#""member.3.meaning""#), "lacks `member.2.meaning`");
    check(&header(r#""dtype":"F32""#, r#""dtype":"I32""#), "expected F32");
    // The last numbers of the file, by their own value.
    let last = |value: f32| {
        let mut bytes = bytes.clone();
        let place = bytes.len() - 4;
        bytes[place..].copy_from_slice(&value.to_le_bytes());
        check(&bytes, "that are none");
    };
    last(f32::NAN);
    last(f32::INFINITY);
    let told = LearnedJuror::load(&folder.path().join("absent")).unwrap_err().to_string();
    assert!(told.contains("absent cannot be read"), "{told}");
    let large = folder.path().join("large");
    fs::File::create(&large).unwrap().set_len(5 << 20).unwrap();
    assert!(LearnedJuror::load(&large).unwrap_err().to_string().contains("larger than 4 MiB"));
}

#[test]
fn photos_of_any_size_have_a_score() {
    for (width, height) in [(1, 1), (3, 500), (700, 400)] {
        let photo = Photo::from_fn(width, height, |x, y| [x as u8, y as u8, 99]).unwrap();
        let score = JUROR.score_one(&photo).unwrap();
        assert!((0.0..=10.0).contains(&score), "{width}x{height}: {score}");
    }
}
