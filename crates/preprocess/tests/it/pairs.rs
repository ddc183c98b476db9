//! Pairs in three splits.

use std::fs;
use std::path::Path;

use dodge_data::{DataLoader, Dataset, PairLoader};
use dodge_hparams::HParams;
use dodge_imaging::Photo;
use dodge_preprocess::{
    EDITED, Error, PairAndSplit, PairParams, PairedPhotos, Preprocessor, ResizeParams, SplitMemory,
};

use crate::coco::every_category_has_a_row;
use crate::membership::membership;
use crate::support::{Stub, Workplace, all, names};

/// A picture with structure of its own for each seed.
fn scene(seed: u32, width: u32, height: u32) -> Photo {
    let wave = |x: u32, y: u32| {
        let (x, y) = (f64::from(x) * 120.0 / f64::from(width), f64::from(y) * 80.0 / f64::from(height));
        let seed = f64::from(seed);
        (x * (0.11 + 0.017 * seed)).sin()
            + (y * (0.23 - 0.011 * seed) + 2.0 * seed).cos()
            + (0.03 * (x + y) * seed).sin()
    };
    Photo::from_fn(width, height, |x, y| {
        let value = 120.0 + 35.0 * wave(x, y);
        [value as u8, (0.9 * value) as u8, (20.0 + 0.8 * value) as u8]
    })
    .unwrap()
}

fn edited(photo: &Photo) -> Photo {
    let curve = |value: u8| (255.0 * (f64::from(value) / 255.0).powf(0.7)) as u8;
    Photo::from_fn(photo.width(), photo.height(), |x, y| photo.pixel(x, y).map(curve)).unwrap()
}

struct Pairs {
    place: Workplace,
    folder: tempfile::TempDir,
}

impl Pairs {
    /// Edited pairs `p00` and so on, each of another scene.
    fn new(count: u32) -> Self {
        let pairs = Self { place: Workplace::new(), folder: tempfile::tempdir().unwrap() };
        for side in ["before", "after"] {
            fs::create_dir(pairs.folder.path().join(side)).unwrap();
        }
        for seed in 0..count {
            let before = scene(seed, 120, 80);
            pairs.add(&format!("p{seed:02}"), &before, &edited(&before));
        }
        pairs
    }

    fn add(&self, name: &str, before: &Photo, after: &Photo) {
        before.save(&self.folder.path().join(format!("before/{name}.png"))).unwrap();
        after.save(&self.folder.path().join(format!("after/{name}.png"))).unwrap();
    }

    fn dataset(&self) -> Dataset {
        PairLoader::new(self.folder.path().join("before"), self.folder.path().join("after")).load().unwrap()
    }

    fn split(&self, seed: u64) -> Result<PairedPhotos, Error> {
        let resize = ResizeParams { max_size: 96, ..ResizeParams::default() };
        PairAndSplit::new(PairParams::default(), resize, Stub::constant(5.0), seed)
            .run(&self.dataset(), &self.place.context)
    }
}

fn open(path: &Path) -> Photo {
    Photo::open(path).unwrap()
}

#[test]
fn a_pair_is_what_is_given_and_what_is_wanted() {
    let pairs = Pairs::new(10);
    let PairedPhotos { splits, misaligned, .. } = pairs.split(1).unwrap();
    assert_eq!(misaligned, []);
    let mut seen: Vec<String> = all(&splits).into_iter().flat_map(names).collect();
    seen.sort();
    assert_eq!(seen, (0..10).map(|index| format!("p{index:02}.png")).collect::<Vec<_>>());
    for photo in all(&splits).into_iter().flat_map(|split| &split.photos) {
        let folder = pairs.folder.path();
        assert_eq!(open(&photo.degraded), open(&folder.join("before").join(&photo.file_name)).thumbnail(96));
        assert_eq!(open(&photo.original), open(&folder.join("after").join(&photo.file_name)).thumbnail(96));
        assert_eq!((photo.damage.as_slice(), photo.is_damaged()), ([EDITED.to_owned()].as_slice(), true));
    }
    for split in all(&splits) {
        every_category_has_a_row(&split.path);
    }
    let record = pairs.place.record();
    assert_eq!(record.values("perf/pair_and_split_duration_seconds").len(), 1);
    assert_eq!(record.values("misaligned_pairs"), [0.0]);
    assert!(record.artifacts.contains_key("preprocess/train.json"));
    // Found again, and another seed deals out in another way.
    assert_eq!(pairs.split(1).unwrap().splits.test.photos, splits.test.photos);
    assert_ne!(names(&pairs.split(2).unwrap().splits.train), names(&splits.train));
}

#[test]
fn an_after_that_equals_its_before_is_undamaged() {
    let pairs = Pairs::new(10);
    let photo = scene(20, 120, 80);
    let rounded = Photo::from_fn(120, 80, |x, y| photo.pixel(x, y).map(|value| value + (x % 2) as u8)).unwrap();
    pairs.add("same", &photo, &photo);
    pairs.add("rounded", &photo, &rounded);
    let splits = pairs.split(1).unwrap().splits;
    let undamaged: Vec<_> =
        all(&splits).into_iter().flat_map(|split| &split.photos).filter(|photo| !photo.is_damaged()).collect();
    let mut found: Vec<&str> = undamaged.iter().map(|photo| photo.file_name.as_str()).collect();
    found.sort_unstable();
    assert_eq!(found, ["rounded.png", "same.png"]);
    for photo in undamaged {
        assert_eq!(open(&photo.original), open(&photo.degraded), "to leave it alone is exactly right");
    }
}

#[test]
fn what_does_not_lie_on_each_other_is_left_out_and_told() {
    let pairs = Pairs::new(10);
    pairs.add("other", &scene(11, 120, 80), &edited(&scene(15, 120, 80)));
    let whole = scene(12, 120, 80);
    pairs.add("crop", &whole, &edited(&whole.cropped(20, 14, 90, 60).resized(120, 80)));
    let PairedPhotos { splits, misaligned, .. } = pairs.split(1).unwrap();
    let left_out: Vec<&str> = misaligned.iter().map(|pair| pair.name.as_str()).collect();
    assert_eq!(left_out, ["crop", "other"], "{misaligned:?}");
    assert_eq!(all(&splits).map(|split| split.photos.len()).iter().sum::<usize>(), 10);
    assert_eq!(pairs.place.record().values("misaligned_pairs"), [2.0]);
}

#[test]
fn a_pair_with_a_damaged_side_is_left_out_and_told() {
    let pairs = Pairs::new(12);
    let cut = |name: &str| {
        let path = pairs.folder.path().join(name);
        let whole = fs::read(&path).unwrap();
        fs::write(&path, &whole[..whole.len() - 60]).unwrap();
        path
    };
    let mut cut = [cut("before/p03.png"), cut("after/p03.png"), cut("after/p07.png")];
    for _ in 0..2 {
        let paired = pairs.split(1).unwrap();
        assert_eq!(all(&paired.splits).map(|split| split.photos.len()).iter().sum::<usize>(), 10);
        let mut told: Vec<_> = paired.left_out.into_iter().map(|skipped| skipped.path).collect();
        told.sort();
        cut.sort();
        assert_eq!(told, cut);
    }
    assert!(pairs.place.record().artifacts.contains_key("preprocess/unusable.json"));
}

#[test]
fn sides_of_another_scale_are_brought_to_one_size() {
    let pairs = Pairs::new(10);
    pairs.add("large_after", &scene(30, 60, 40), &edited(&scene(30, 240, 160)));
    pairs.add("large_before", &scene(31, 240, 160), &edited(&scene(31, 60, 40)));
    pairs.add("both_large", &scene(32, 480, 320), &edited(&scene(32, 240, 160)));
    let PairedPhotos { splits, misaligned, .. } = pairs.split(1).unwrap();
    assert_eq!(misaligned, []);
    for photo in all(&splits).into_iter().flat_map(|split| &split.photos) {
        let (before, after) = (open(&photo.degraded), open(&photo.original));
        assert_eq!((before.width(), before.height()), (after.width(), after.height()));
        let wanted = if photo.file_name.starts_with("large") { (60, 40) } else { (96, 64) };
        assert_eq!((before.width(), before.height()), wanted, "{}", photo.file_name);
    }
}

#[test]
fn what_is_no_pair_or_too_few_is_refused() {
    let pairs = Pairs::new(9);
    assert!(matches!(pairs.split(1).unwrap_err(), Error::TooFewPhotos { got: 9, needed: 10 }));
    let message =
        PairParams { train_ratio: 0.9, validation_ratio: 0.1, ..PairParams::default() }.validate().unwrap_err();
    assert!(message.to_string().contains("for the test split; at least 0.01 is needed"), "{message}");
    let place = Workplace::with_photos(8);
    let step = PairAndSplit::new(PairParams::default(), ResizeParams::default(), Stub::constant(5.0), 1);
    let message = step.run(&place.dataset(), &place.context).unwrap_err().to_string();
    assert!(message.starts_with("the step pair_and_split needs pairs"), "{message}");
}

#[test]
fn pairs_stay_in_their_split_when_others_are_added() {
    let pairs = Pairs::new(12);
    let dealt = || {
        let resize = ResizeParams { max_size: 96, ..ResizeParams::default() };
        let memory = SplitMemory::open(pairs.place.context.volume(), &pairs.dataset(), &resize, [0.8, 0.1], 1).unwrap();
        let step = PairAndSplit::new(PairParams::default(), resize, Stub::constant(5.0), 1);
        let splits = step.keeping(memory.membership()).run(&pairs.dataset(), &pairs.place.context).unwrap().splits;
        memory.remember(&splits).unwrap();
        membership(&splits)
    };
    let before = dealt();
    assert_eq!(before, membership(&pairs.split(1).unwrap().splits), "what was never dealt out is dealt out as ever");
    for seed in 20..32 {
        let before = scene(seed, 120, 80);
        pairs.add(&format!("p{seed:02}"), &before, &edited(&before));
    }
    let after = dealt();
    assert_eq!(after.len(), 24);
    assert!(before.iter().all(|(name, split)| after[name] == *split), "{before:?} became {after:?}");
    assert_ne!(after, membership(&pairs.split(1).unwrap().splits));
}
