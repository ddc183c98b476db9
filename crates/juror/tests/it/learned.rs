//! The learned juror: what it learns, its file, and its limits.

use std::fs;
use std::ops::ControlFlow;

use dodge_imaging::{Operation, Photo};
use dodge_juror::{ClassicalJuror, Climb, Error, FEWEST_PHOTOS, Juror, LearnedJuror, Versions};
use rayon::prelude::*;

use crate::classical::scene;

/// Small ones: what is learnt from them is little, and soon.
fn versions(count: usize) -> Vec<Versions> {
    let of = |number: usize| Versions::of_photo(&scene(number as u32).thumbnail(64), number as u64, 1);
    (0..count).into_par_iter().map(of).collect()
}

fn train(versions: Vec<Versions>, seed: u64) -> LearnedJuror {
    LearnedJuror::train(versions, seed, |_, _| ControlFlow::Continue(())).unwrap().unwrap()
}

#[test]
fn it_likes_good_photos_better_than_worse_versions_and_knows_no_sides() {
    let juror = train(versions(20), 1);
    let photo = scene(3).thumbnail(64);
    let edited = |edit: &str| edit.parse::<Operation>().unwrap().apply(&photo);
    let scores = juror.score(&[&photo, &edited("noise:8"), &edited("noise:30")]).unwrap();
    assert!(scores.is_sorted_by(|a, b| a > b), "{scores:?}");
    assert!(scores.iter().all(|score| (0.0..=10.0).contains(score)), "{scores:?}");
    assert!((juror.score_one(&edited("flip:horizontal")).unwrap() - scores[0]).abs() < 0.3);
    assert!(juror.trained_on().held_out_accuracy > 0.6, "{:?}", juror.trained_on());

    for (width, height) in [(1, 1), (3, 500), (700, 400)] {
        let photo = Photo::from_fn(width, height, |x, y| [x as u8, y as u8, 99]).unwrap();
        let score = juror.score_one(&photo).unwrap();
        assert!((0.0..=10.0).contains(&score), "{width}x{height}: {score}");
    }

    // Whoever follows its scores upwards comes to much the same photo, and with the limit no further.
    let climbed = Climb::new().from(&juror, &photo).unwrap();
    assert!(climbed.gain < 4.0 && climbed.colour_difference < 15.0, "{climbed:?}");
    let limit = ClassicalJuror::new().score_one(&photo).unwrap() + 3.0;
    let ensemble = juror.limited();
    assert!(ensemble.score_one(&photo).unwrap() <= limit);
    let climbed = Climb::new().from(&ensemble, &photo).unwrap();
    assert!(climbed.gain < 4.0 && climbed.colour_difference < 15.0, "{climbed:?}");
}

#[test]
fn equal_seeds_learn_the_same_and_others_do_not() {
    let versions = versions(FEWEST_PHOTOS);
    let first = train(versions.clone(), 1).to_bytes();
    assert_eq!(train(versions.clone(), 1).to_bytes(), first);
    assert_ne!(train(versions, 2).to_bytes(), first);
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
fn its_file_brings_it_back_to_the_last_bit_and_others_are_told() {
    let juror = train(versions(FEWEST_PHOTOS), 1);
    let (bytes, folder) = (juror.to_bytes(), tempfile::tempdir().unwrap());
    let path = folder.path().join("some.juror");
    fs::write(&path, &bytes).unwrap();
    let read = LearnedJuror::load(&path).unwrap();
    assert_eq!((read.name(), read.trained_on()), (juror.name(), juror.trained_on()));
    assert_ne!(read.name(), ClassicalJuror::new().name());
    assert_eq!(read.score_one(&scene(5)).unwrap(), juror.score_one(&scene(5)).unwrap());
    assert_eq!(read.to_bytes(), bytes);
    let [(file, hash)] = &read.limited().files()[..] else { panic!("one file") };
    assert!(file == "some.juror" && hash.len() == 64, "{file} {hash}");

    let check = |bytes: &[u8], expected: &str| {
        fs::write(&path, bytes).unwrap();
        let told = LearnedJuror::load(&path).unwrap_err().to_string();
        assert!(told.contains("some.juror is no file of a juror: ") && told.contains(expected), "{told}");
    };
    check(b"", "no safetensors file, or cut off");
    check(&bytes[..bytes.len() - 1], "cut off");
    check(&bytes[..100], "cut off");
    let header = |from: &str, to: &str| {
        assert_eq!(from.len(), to.len());
        let position = bytes.windows(from.len()).position(|part| part == from.as_bytes()).unwrap();
        let mut bytes = bytes.clone();
        bytes[position..position + to.len()].copy_from_slice(to.as_bytes());
        bytes
    };
    check(&header("dodge_juror", "dodge_jurol"), "that `dodge juror train` did not make");
    check(&header(r#"\"format\":1"#, r#"\"format\":2"#), "has version 2.1, and this program reads version 1.1");
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
    assert!(told.contains("absent is no file of a juror: it cannot be read"), "{told}");
    let large = folder.path().join("large");
    fs::File::create(&large).unwrap().set_len(5 << 20).unwrap();
    assert!(LearnedJuror::load(&large).unwrap_err().to_string().contains("more than"));
}
