//! What is in the cache, and how it is removed.

use std::fs;

use dodge_preprocess::{CacheEntry, CopyAndResize, Preprocessor, ResizeParams};

use crate::support::{Workplace, entries};

fn of_step(place: &Workplace, step: &str) -> Vec<CacheEntry> {
    CacheEntry::all(place.context.volume()).unwrap().into_iter().filter(|entry| entry.step == step).collect()
}

#[test]
fn results_are_listed_with_their_sizes() {
    let place = Workplace::with_photos(4);
    assert_eq!(CacheEntry::all(place.context.volume()).unwrap(), [], "a volume without a cache");
    let annotated = place.annotated();
    let entry = of_step(&place, "annotation_file").remove(0);
    assert_eq!((&entry.key, entry.unfinished), (&annotated.key, false));
    let files = fs::read_dir(&entry.folder).unwrap().map(|file| file.unwrap().metadata().unwrap().len());
    assert_eq!(entry.bytes, files.sum::<u64>());
    assert_eq!(of_step(&place, "copy_and_resize").len(), 1);

    for other in ["notes", ".DS_Store"] {
        fs::create_dir(place.cache("annotation_file").join(other)).unwrap();
    }
    assert_eq!(of_step(&place, "annotation_file"), [entry], "what is no result is not listed");
}

#[test]
fn a_result_in_use_stays_and_another_one_goes() {
    let place = Workplace::with_photos(4);
    place.annotated();
    let entry = of_step(&place, "copy_and_resize").remove(0);
    assert!(!entry.remove().unwrap(), "the run that made it goes on");
    assert!(entry.folder.is_dir());
    // Another process, after the end of the run.
    let volume = place.end();
    assert!(entry.remove().unwrap());
    assert!(entries(&volume.path().join("volume/cache/copy_and_resize")).is_empty());
    assert!(entry.remove().unwrap(), "gone is gone");
}

#[test]
fn what_killed_processes_left_is_listed_and_removed() {
    let place = Workplace::with_photos(4);
    let resized = CopyAndResize::new(ResizeParams::default(), 1).run(&place.dataset(), &place.context).unwrap();
    let part = place.cache("copy_and_resize").join(format!(".{}-x7.part", "0123456789abcdef".repeat(2)));
    fs::create_dir_all(part.join("images")).unwrap();
    fs::write(part.join("images/a.png"), "half a photo").unwrap();
    let entry = of_step(&place, "copy_and_resize").into_iter().find(|entry| entry.unfinished).unwrap();
    assert_eq!((entry.bytes, &entry.folder), (12, &part));
    assert!(entry.remove().unwrap());
    assert!(!part.exists() && resized.folder.is_dir());
}
