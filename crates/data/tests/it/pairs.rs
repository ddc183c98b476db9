//! Pairs of photos from two folders.

use std::fs;
use std::path::Path;

use dodge_data::{DataLoader, Error, PairLoader, SkipReason};
use dodge_imaging::Photo;
use tempfile::TempDir;

fn save(folder: &Path, name: &str, (width, height): (u32, u32), shade: u8) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let photo = Photo::from_fn(width, height, |x, y| [shade, (x * 3) as u8, (y * 5) as u8]).unwrap();
    photo.save(&path).unwrap();
}

#[test]
fn pairs_are_matched_by_name_and_the_rest_is_told() {
    let place = TempDir::new().unwrap();
    let (before, after) = (place.path().join("before"), place.path().join("after"));
    save(&before, "a.png", (32, 24), 1);
    save(&after, "a.jpg", (32, 24), 2);
    save(&before, "trip/b.png", (64, 48), 1);
    save(&after, "trip/b.png", (32, 24), 2);
    save(&before, "cropped.png", (32, 24), 1);
    save(&after, "cropped.png", (32, 18), 2);
    save(&before, "turned.png", (32, 24), 1);
    save(&after, "turned.png", (24, 32), 2);
    save(&before, "alone.png", (32, 24), 1);
    save(&after, "also_alone.png", (32, 24), 2);
    save(&before, "twice.png", (32, 24), 1);
    save(&after, "twice.png", (32, 24), 2);
    save(&after, "twice.jpg", (32, 24), 2);
    save(&before, "broken.png", (32, 24), 1);
    save(&after, "broken.png", (32, 24), 2);
    let whole = fs::read(after.join("broken.png")).unwrap();
    fs::write(after.join("broken.png"), &whole[..whole.len() / 2]).unwrap();

    let dataset = PairLoader::new(&before, &after).load().unwrap();
    let pairs: Vec<_> =
        dataset.photos().iter().map(|photo| (photo.name(), photo.path(), photo.after().unwrap())).collect();
    assert_eq!(
        pairs,
        [
            ("a", &*before.join("a.png"), &*after.join("a.jpg")),
            ("broken", &*before.join("broken.png"), &*after.join("broken.png")),
            ("trip-b", &*before.join("trip/b.png"), &*after.join("trip/b.png")),
        ]
    );
    assert_eq!((dataset.root(), dataset.after_root()), (&*before, Some(&*after)));
    let reason = |path: &Path| {
        let mut of_path = dataset.skipped().iter().filter(|skipped| skipped.path == path);
        (of_path.next().map(|skipped| skipped.reason.clone()), of_path.count())
    };
    let of = |expected: SkipReason| (Some(expected), 0);
    assert_eq!(reason(&before.join("alone.png")), of(SkipReason::NoPartner { folder: after.clone() }));
    assert_eq!(reason(&after.join("also_alone.png")), of(SkipReason::NoPartner { folder: before.clone() }));
    assert_eq!(reason(&after.join("twice.png")), of(SkipReason::SeveralOfOneName));
    assert_eq!(reason(&after.join("twice.jpg")), of(SkipReason::SeveralOfOneName));
    let shape = |after| of(SkipReason::OtherShape { before: (32, 24), after });
    assert_eq!(reason(&before.join("cropped.png")), shape((32, 18)));
    assert_eq!(reason(&before.join("turned.png")), shape((24, 32)));
    assert_eq!(reason(&after.join("broken.png")), (None, 0), "no pixel is decoded");
}

#[test]
fn a_folder_in_the_other_is_of_one_side_only() {
    let place = TempDir::new().unwrap();
    let shoot = place.path().join("shoot");
    let edited = shoot.join("edited");
    for name in ["a.png", "b.png"] {
        save(&shoot, name, (32, 24), 1);
        save(&edited, name, (32, 24), 2);
    }
    for (before, after) in [(&shoot, &edited), (&edited, &shoot)] {
        let dataset = PairLoader::new(before, after).load().unwrap();
        assert_eq!((dataset.photos().len(), dataset.skipped()), (2, &[][..]));
        assert_eq!(dataset.photos()[0].after(), Some(&*after.join("a.png")));
    }
}

#[test]
fn both_sides_are_part_of_the_content_hash() {
    let place = TempDir::new().unwrap();
    let (before, after) = (place.path().join("before"), place.path().join("after"));
    save(&before, "a.png", (32, 24), 1);
    save(&after, "a.png", (32, 24), 2);
    let hash = || PairLoader::new(&before, &after).load().unwrap().content_hash();
    let first = hash();
    assert_eq!(hash(), first);
    assert_ne!(PairLoader::new(&after, &before).load().unwrap().content_hash(), first, "the other way round");
    save(&after, "a.png", (32, 24), 3);
    let second = hash();
    assert_ne!(second, first);
    save(&before, "a.png", (32, 24), 4);
    assert_ne!(hash(), second);
}

#[test]
fn folders_without_pairs_are_refused() {
    let place = TempDir::new().unwrap();
    let (before, after) = (place.path().join("before"), place.path().join("after"));
    save(&before, "a.png", (32, 24), 1);
    let error = PairLoader::new(&before, &after).load().unwrap_err();
    assert!(matches!(error, Error::NoSuchFolder { .. }), "{error}");
    save(&after, "b.png", (32, 24), 1);
    let error = PairLoader::new(&before, &after).load().unwrap_err();
    assert!(matches!(&error, Error::NoPairs { skipped, .. } if skipped.len() == 2), "{error}");
    let message = error.to_string();
    assert!(message.starts_with("no pairs: no photo in ") && message.contains("(2 unusable: "), "{message}");
    let empty = place.path().join("empty");
    fs::create_dir(&empty).unwrap();
    let error = PairLoader::new(&before, &empty).load().unwrap_err();
    assert!(matches!(&error, Error::NoPhotos { path, .. } if *path == empty), "{error}");
    let error = PairLoader::new(&before, place.path().join("after/../before")).load().unwrap_err();
    assert!(matches!(error, Error::OneFolder { .. }), "{error}");
}
