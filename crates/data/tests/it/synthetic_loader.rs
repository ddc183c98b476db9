//! Synthetic photos on disk: made once, used again, repaired.

use std::fs;

use dodge_data::{DataLoader, Error, SyntheticLoader, synthetic};
use dodge_imaging::Photo;
use tempfile::TempDir;

#[test]
fn photos_are_made_once_and_used_again() {
    let folder = TempDir::new().unwrap();
    let loader = SyntheticLoader::new(3, 24, 5, folder.path()).unwrap();
    let first = loader.load().unwrap();
    assert_eq!(first.photos().len(), 3);
    let path = first.photos()[1].path().to_owned();
    let (width, height) = synthetic::frame(5, 1, 24);
    assert_eq!(Photo::open(&path).unwrap(), synthetic::photo(5, 1, width, height));
    let written = fs::metadata(&path).unwrap().modified().unwrap();
    assert_eq!(loader.load().unwrap(), first);
    assert_eq!(fs::metadata(&path).unwrap().modified().unwrap(), written);
    assert_eq!(loader.describe(), "synthetic");
}

#[test]
fn what_was_lost_or_changed_is_made_again() {
    let folder = TempDir::new().unwrap();
    let loader = SyntheticLoader::new(3, 24, 5, folder.path()).unwrap();
    let first = loader.load().unwrap();
    fs::remove_file(first.photos()[0].path()).unwrap();
    fs::write(first.photos()[2].path(), b"damaged").unwrap();
    assert_eq!(loader.load().unwrap(), first);
    // A run that was killed while writing: photos, but no manifest.
    fs::remove_file(loader.folder().join(".dodge-synthetic.json")).unwrap();
    fs::write(first.photos()[1].path(), b"damaged").unwrap();
    assert_eq!(loader.load().unwrap(), first);
}

#[test]
fn other_parameters_go_to_another_folder() {
    let folder = TempDir::new().unwrap();
    let load = |count, size, seed| SyntheticLoader::new(count, size, seed, folder.path()).unwrap().load().unwrap();
    let sets = [load(2, 24, 5), load(3, 24, 5), load(2, 25, 5), load(2, 24, 6)];
    for (i, a) in sets.iter().enumerate() {
        for b in &sets[..i] {
            assert_ne!(a.root(), b.root());
            assert_ne!(a.content_hash(), b.content_hash());
        }
    }
    let bytes = |set: &dodge_data::Dataset, i: usize| fs::read(set.photos()[i].path()).unwrap();
    assert_eq!(bytes(&sets[0], 1), bytes(&sets[1], 1), "a longer series begins with the same photos");
}

#[test]
fn the_user_s_own_files_are_left_alone() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("mine.jpg"), b"mine").unwrap();
    let dataset = SyntheticLoader::new(1, 24, 5, folder.path()).unwrap().load().unwrap();
    assert_eq!(dataset.photos().len(), 1);
    assert_eq!(fs::read(folder.path().join("mine.jpg")).unwrap(), b"mine");
}

#[test]
fn impossible_requests_are_refused() {
    for (count, size) in [(0, 100), (1, 15), (1, 4097)] {
        assert!(matches!(SyntheticLoader::new(count, size, 1, "x"), Err(Error::InvalidSynthetic { .. })));
    }
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("file"), b"").unwrap();
    let error = SyntheticLoader::new(1, 24, 5, folder.path().join("file")).unwrap().load().unwrap_err();
    assert!(matches!(error, Error::Write { .. }), "{error}");
    assert!(error.to_string().contains("file"), "{error}");
}
