//! Results of steps are kept, used again, and never half there.

use std::collections::BTreeSet;
use std::fs;
use std::sync::atomic::Ordering;

use dodge_preprocess::{
    AnnotationFile, CopyAndResize, DamageProtocol, DegradeAndSplit, DegradeParams, Error, Preprocessor, ResizeParams,
    Score,
};

use crate::support::{Stub, Workplace, entries, files, photo};

const STEPS: [&str; 4] = ["copy_and_resize", "annotation_file", "score", "degrade_and_split"];

#[test]
fn a_second_run_finds_everything_and_changes_nothing() {
    let place = Workplace::with_photos(8);
    let run = || {
        let (originals, damaged) = (Stub::constant(5.0), Stub::constant(4.0));
        let scored = place.scored(originals.clone());
        let splits =
            DegradeAndSplit::new(crate::support::degrade(), damaged.clone(), 1).run(&scored, &place.context).unwrap();
        (originals.asked() + damaged.asked(), splits.train.photos)
    };
    let (asked, photos) = run();
    assert!(asked > 8);
    let before = files(place.context.volume());
    let (asked, again) = run();
    assert_eq!(asked, 0, "no photo is judged again");
    assert_eq!(photos, again);
    assert_eq!(files(place.context.volume()), before, "no file is written again");
    assert_eq!(place.record().values("train_num_images").len(), 2, "the figures are recorded by both");
    for step in STEPS {
        assert_eq!(entries(&place.cache(step)).len(), 1, "{step}");
    }
}

#[test]
fn whatever_a_result_depends_on_changes_its_key() {
    let place = Workplace::with_photos(8);
    let resized = |max_size| {
        CopyAndResize::new(ResizeParams { max_size, ..ResizeParams::default() }, 1)
            .run(&place.dataset(), &place.context)
            .unwrap()
    };
    let annotated = |max_size| AnnotationFile.run(&resized(max_size), &place.context).unwrap();
    let scored = |max_size, score| Score::new(Stub::constant(score)).run(&annotated(max_size), &place.context).unwrap();
    let split = |params, score, seed| {
        let splits =
            DegradeAndSplit::new(params, Stub::constant(score), seed).run(&scored(384, 9.0), &place.context).unwrap();
        splits.train.path.parent().unwrap().parent().unwrap().to_owned()
    };
    let base = crate::support::degrade();
    let folders: BTreeSet<_> = [
        split(base, 4.0, 1),
        split(base, 4.0, 2),
        split(base, 3.0, 1),
        split(DegradeParams { train_ratio: 0.5, ..base }, 4.0, 1),
        split(DegradeParams { validation_ratio: 0.3, ..base }, 4.0, 1),
        split(DegradeParams { undamaged_share: 0.5, ..base }, 4.0, 1),
        split(DegradeParams { attempts: 1, ..base }, 4.0, 1),
        split(DegradeParams { damage: DamageProtocol::Camera, ..base }, 4.0, 1),
        split(DegradeParams { damage: DamageProtocol::Mixed, ..base }, 4.0, 1),
    ]
    .into();
    assert_eq!(folders.len(), 9, "each has a folder of its own: {folders:?}");
    assert_eq!(split(base, 4.0, 1), split(base, 4.0, 1));

    assert_eq!(resized(384).key, resized(384).key);
    assert_ne!(resized(384).key, resized(32).key);
    assert_ne!(annotated(384).key, annotated(32).key, "a key depends on the keys before it");
    assert_ne!(scored(384, 9.0).key, scored(32, 9.0).key);
    assert_ne!(scored(384, 9.0).key, scored(384, 8.0).key, "the name of the juror counts");

    let before = (resized(384).key, scored(384, 9.0).key);
    photo(99).save(&place.photo_path(0)).unwrap();
    assert_ne!(resized(384).key, before.0, "the content of a photo counts");
    assert_ne!(scored(384, 9.0).key, before.1);
}

#[test]
fn a_failing_juror_leaves_nothing_in_the_cache() {
    let place = Workplace::with_photos(10);
    let annotated = place.annotated();
    let error = Score::new(Stub::failing_after(4, 5.0)).run(&annotated, &place.context).unwrap_err();
    assert_eq!(error.to_string(), "juror failing gave no score: out of order");
    assert!(entries(&place.cache("score")).is_empty());

    let scored = place.scored(Stub::constant(5.0));
    let failing = DegradeAndSplit::new(crate::support::degrade(), Stub::failing_after(3, 4.0), 1);
    let error = failing.run(&scored, &place.context).unwrap_err();
    assert!(matches!(error, Error::Juror(_)), "{error}");
    assert!(entries(&place.cache("degrade_and_split")).is_empty());

    // The same step with a juror of the same name that works starts from the beginning.
    let working = Stub::new("failing", |_| Ok(4.0));
    let splits = DegradeAndSplit::new(crate::support::degrade(), working, 1).run(&scored, &place.context).unwrap();
    assert_eq!(splits.train.photos.len(), 6);
}

#[test]
fn an_interrupted_step_leaves_nothing_in_the_cache() {
    let place = Workplace::with_photos(10);
    place.interrupted.store(true, Ordering::Relaxed);
    let error = CopyAndResize::new(ResizeParams::default(), 1).run(&place.dataset(), &place.context).unwrap_err();
    assert!(matches!(error, Error::Interrupted), "{error}");
    assert!(entries(&place.cache("copy_and_resize")).is_empty());

    place.interrupted.store(false, Ordering::Relaxed);
    let annotated = place.annotated();
    place.interrupted.store(true, Ordering::Relaxed);
    let error = Score::new(Stub::constant(5.0)).run(&annotated, &place.context).unwrap_err();
    assert!(matches!(error, Error::Interrupted), "{error}");
    assert!(entries(&place.cache("score")).is_empty());

    place.interrupted.store(false, Ordering::Relaxed);
    let scored = place.scored(Stub::constant(5.0));
    // Asked to stop in the middle of the work: after the first damaged photo was judged.
    let interrupted = place.interrupted.clone();
    let juror = Stub::new("stops", move |_| {
        interrupted.store(true, Ordering::Relaxed);
        Ok(4.0)
    });
    let step = DegradeAndSplit::new(crate::support::degrade(), juror.clone(), 1);
    let error = step.run(&scored, &place.context).unwrap_err();
    assert!(matches!(error, Error::Interrupted), "{error}");
    assert!((1..8).contains(&juror.asked()), "{} photos were judged", juror.asked());
    assert!(entries(&place.cache("degrade_and_split")).is_empty());
}

#[test]
fn a_photo_that_cannot_be_read_leaves_nothing_in_the_cache() {
    let place = Workplace::with_photos(5);
    let dataset = place.dataset();
    fs::remove_file(place.photo_path(2)).unwrap();
    let error = CopyAndResize::new(ResizeParams::default(), 1).run(&dataset, &place.context).unwrap_err();
    assert!(error.to_string().contains("a02.png"), "{error}");
    assert!(entries(&place.cache("copy_and_resize")).is_empty());
}

#[test]
fn a_damaged_photo_is_left_out_and_told_by_every_run() {
    let place = Workplace::with_photos(5);
    let whole = fs::read(place.photo_path(2)).unwrap();
    fs::write(place.photo_path(2), &whole[..whole.len() - 60]).unwrap();
    let dataset = place.dataset();
    assert_eq!((dataset.photos().len(), dataset.skipped()), (5, &[][..]), "its header is whole");
    let step = CopyAndResize::new(ResizeParams::default(), 1);
    for _ in 0..2 {
        let resized = step.run(&dataset, &place.context).unwrap();
        let names: Vec<&str> = resized.photos.iter().map(|photo| &*photo.file_name).collect();
        assert_eq!(names, ["a00.png", "a01.png", "a03.png", "a04.png"]);
        assert_eq!(step.left_out(&resized), resized.left_out);
        assert_eq!(resized.left_out.len(), 1);
        assert_eq!(resized.left_out[0].path, place.photo_path(2));
        assert!(resized.left_out[0].reason.to_string().starts_with("damaged: "), "{:?}", resized.left_out);
    }
    let kept = &place.record().artifacts["preprocess/unusable.json"];
    let kept: serde_json::Value = serde_json::from_slice(kept).unwrap();
    assert_eq!(
        (&kept[0]["name"], &kept[0]["side"], kept.as_array().map(Vec::len)),
        (&"a02".into(), &"before".into(), Some(1))
    );
}

#[test]
fn where_no_photo_can_be_decoded_the_error_says_why() {
    let place = Workplace::with_photos(3);
    for index in 0..3 {
        let whole = fs::read(place.photo_path(index)).unwrap();
        fs::write(place.photo_path(index), &whole[..whole.len() - 60]).unwrap();
    }
    let error = CopyAndResize::new(ResizeParams::default(), 1).run(&place.dataset(), &place.context).unwrap_err();
    let told = error.to_string();
    assert!(
        told.starts_with("no photos in ") && told.contains("3 unusable") && told.contains("a01.png: damaged"),
        "{told}"
    );
    assert!(entries(&place.cache("copy_and_resize")).is_empty());
}

#[test]
fn so_many_photos_are_drawn_by_the_seed() {
    let place = Workplace::with_photos(9);
    let resized = |max_images, seed| {
        let params = ResizeParams { max_images, ..ResizeParams::default() };
        let resized = CopyAndResize::new(params, seed).run(&place.dataset(), &place.context).unwrap();
        (resized.photos.iter().map(|photo| photo.file_name.clone()).collect::<Vec<_>>(), resized.key)
    };
    let (all, key) = resized(0, 1);
    assert_eq!(all.len(), 9);
    assert_eq!(resized(9, 2).1, key, "where all are used, the seed changes nothing");
    let (four, of_four) = resized(4, 1);
    assert_eq!(four.len(), 4);
    assert!(four.iter().all(|name| all.contains(name)) && of_four != key);
    assert_eq!(resized(4, 1), (four.clone(), of_four));
    assert!((2..9).any(|seed| resized(4, seed).0 != four));
}

#[test]
fn what_a_killed_process_left_behind_is_harmless() {
    let step = CopyAndResize::new(ResizeParams::default(), 1);
    let clean = Workplace::with_photos(5);
    let expected = step.run(&clean.dataset(), &clean.context).unwrap();

    let place = Workplace::with_photos(5);
    for process in ["1", "x7"] {
        let images = place.cache("copy_and_resize").join(format!(".{}-{process}.part", expected.key)).join("images");
        fs::create_dir_all(&images).unwrap();
        fs::write(images.join("a00.png"), "half a photo").unwrap();
        fs::write(images.join("garbage.png"), "half a photo").unwrap();
    }
    let resized = step.run(&place.dataset(), &place.context).unwrap();
    assert_eq!((&resized.key, &resized.photos), (&expected.key, &expected.photos));
    assert_eq!(dodge_imaging::Photo::open(&resized.folder.join("images/a00.png")).unwrap(), photo(0));
    assert!(!resized.folder.join("images/garbage.png").exists());
    assert_eq!(entries(&place.cache("copy_and_resize")), [expected.key], "and it is removed");
}

/// What may happen to a file of a result.
type Harm = fn(&std::path::Path);

#[test]
fn a_damaged_result_is_noticed_and_made_anew() {
    let harms: [Harm; 6] = [
        |path| fs::remove_file(path).unwrap(),
        |path| fs::write(path, "").unwrap(),
        |path| {
            // Of the same length.
            let mut bytes = fs::read(path).unwrap();
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            fs::write(path, bytes).unwrap();
        },
        |path| {
            let bytes = fs::read(path).unwrap();
            fs::write(path, &bytes[..bytes.len() - 1]).unwrap();
        },
        |path| {
            fs::remove_file(path).unwrap();
            fs::create_dir(path).unwrap();
        },
        |path| fs::write(path, "[{").unwrap(),
    ];
    let place = Workplace::with_photos(6);
    let prepare = || {
        let scored = place.scored(Stub::constant(5.0));
        DegradeAndSplit::new(crate::support::degrade(), Stub::constant(4.0), 1).run(&scored, &place.context).unwrap()
    };
    let splits = prepare();
    let contents = || -> std::collections::BTreeMap<_, _> {
        files(place.context.volume()).into_keys().map(|path| (path.clone(), fs::read(path).unwrap())).collect()
    };
    let whole = contents();
    for step in STEPS {
        let of_step: Vec<_> = whole.keys().filter(|path| path.starts_with(place.cache(step))).collect();
        for (path, harm) in of_step.iter().zip(harms.iter().cycle().skip(of_step.len() % 5)) {
            harm(path);
            assert_eq!(prepare().test.photos, splits.test.photos);
            assert!(contents() == whole, "{} is as it was", path.display());
        }
    }
}

#[test]
fn what_was_added_to_a_result_is_left_alone() {
    let place = Workplace::with_photos(5);
    let step = CopyAndResize::new(ResizeParams::default(), 1);
    let resized = step.run(&place.dataset(), &place.context).unwrap();
    let added = resized.folder.join("images/.DS_Store");
    fs::write(&added, "a file manager was here").unwrap();
    step.run(&place.dataset(), &place.context).unwrap();
    assert!(added.exists());
}

#[test]
fn many_at_once_make_one_result() {
    let place = Workplace::with_photos(8);
    let annotated = place.annotated();
    let juror = Stub::new("slow", |_| {
        std::thread::sleep(std::time::Duration::from_millis(5));
        Ok(5.0)
    });
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| Score::new(juror.clone()).run(&annotated, &place.context).unwrap());
        }
    });
    assert_eq!(juror.asked(), 8, "the others waited for the first");
    assert_eq!(entries(&place.cache("score")).len(), 1);
}

#[test]
fn a_volume_that_cannot_be_written_is_named() {
    let place = Workplace::with_photos(5);
    fs::write(place.context.volume(), "a file where a folder should be").unwrap();
    let error = CopyAndResize::new(ResizeParams::default(), 1).run(&place.dataset(), &place.context).unwrap_err();
    assert!(matches!(error, Error::File { action: "create", .. }), "{error}");
    assert!(error.to_string().contains("copy_and_resize"), "{error}");
}

#[test]
fn every_step_records_its_duration_and_its_files() {
    let place = Workplace::with_photos(8);
    let scored = place.scored(Stub::constant(5.0));
    DegradeAndSplit::new(crate::support::degrade(), Stub::constant(4.0), 1).run(&scored, &place.context).unwrap();
    let record = place.record();
    for step in STEPS {
        assert_eq!(record.values(&format!("perf/{step}_duration_seconds")).len(), 1, "{step}");
    }
    for name in ["annotations", "scores", "train", "validation", "test"] {
        assert!(record.artifacts.contains_key(&format!("preprocess/{name}.json")), "{name}");
    }
}
