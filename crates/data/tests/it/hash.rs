//! The content hash: what it depends on and what not.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use dodge_data::{ContentHash, Dataset, Error};
use proptest::prelude::*;
use tempfile::TempDir;

type Files = BTreeMap<String, Vec<u8>>;

fn hash_in(root: &Path, files: impl Iterator<Item = (String, Vec<u8>)>) -> ContentHash {
    let mut paths = Vec::new();
    for (name, bytes) in files {
        let path = root.join(&name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
        paths.push(PathBuf::from(name));
    }
    ContentHash::of_files(root, &paths).unwrap()
}

fn hash(files: &Files) -> ContentHash {
    hash_in(TempDir::new().unwrap().path(), files.clone().into_iter())
}

/// Small alphabets, so that near misses are common.
fn files() -> impl Strategy<Value = Files> {
    let name = "[ab]{1,2}(/[cd])?\\.x";
    let bytes = prop::collection::vec(prop::sample::select(vec![0u8, b'a', b'/', 255]), 0..6);
    prop::collection::btree_map(name, bytes, 1..5)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn neither_root_nor_order_counts(files in files()) {
        let elsewhere = TempDir::new().unwrap();
        let reversed = hash_in(&elsewhere.path().join("deep/er"), files.clone().into_iter().rev());
        prop_assert_eq!(hash(&files), reversed);
    }

    #[test]
    fn different_files_have_different_hashes(a in files(), b in files()) {
        prop_assert_eq!(a == b, hash(&a) == hash(&b));
    }

    #[test]
    fn a_changed_byte_or_name_changes_it(files in files(), pick in any::<prop::sample::Index>(), at in any::<prop::sample::Index>()) {
        let before = hash(&files);
        let name = files.keys().nth(pick.index(files.len())).unwrap().clone();
        let mut changed = files.clone();
        let bytes = changed.get_mut(&name).unwrap();
        if bytes.is_empty() { bytes.push(1) } else { let i = at.index(bytes.len()); bytes[i] ^= 1 }
        prop_assert_ne!(before, hash(&changed));
        let mut renamed = files;
        let bytes = renamed.remove(&name).unwrap();
        renamed.insert(format!("{name}z"), bytes);
        prop_assert_ne!(before, hash(&renamed));
    }

    #[test]
    fn one_file_never_equals_its_halves(bytes in prop::collection::vec(any::<u8>(), 1..40), cut in any::<prop::sample::Index>()) {
        let cut = cut.index(bytes.len());
        let whole = Files::from([("a".to_owned(), bytes.clone())]);
        let halves = Files::from([("a".to_owned(), bytes[..cut].to_vec()), ("b".to_owned(), bytes[cut..].to_vec())]);
        prop_assert_ne!(hash(&whole), hash(&halves));
        // The scheme `name NUL content NUL` takes these two for one.
        let mut joined = bytes[..cut].to_vec();
        joined.extend(b"\0b\0");
        joined.extend(&bytes[cut..]);
        prop_assert_ne!(hash(&Files::from([("a".to_owned(), joined)])), hash(&halves));
    }

    #[test]
    fn text_form_round_trips(files in files()) {
        let hash = hash(&files);
        let text = hash.to_string();
        prop_assert_eq!(text.len(), 64);
        prop_assert_eq!(text.parse::<ContentHash>().unwrap(), hash);
    }
}

#[test]
fn the_definition_is_fixed() {
    // Computed apart from this crate, from the definition: a change would make every cache useless.
    let files = Files::from([("a/b.jpg".to_owned(), b"hello".to_vec()), ("c.png".to_owned(), Vec::new())]);
    assert_eq!(hash(&files).to_string(), "666fa60e4f352b67fc79e45398d268e24198a4b86ccd280a1be4ab73a16e26b4");
}

#[test]
fn what_is_no_hash_is_refused() {
    for text in ["", "abc", &"g".repeat(64), &"é".repeat(32)] {
        assert!(matches!(text.parse::<ContentHash>(), Err(Error::InvalidHash { .. })), "{text}");
    }
}

#[test]
fn a_missing_file_is_named() {
    let folder = TempDir::new().unwrap();
    let error = ContentHash::of_files(folder.path(), &["gone.jpg".into()]).unwrap_err();
    assert!(error.to_string().contains("gone.jpg"), "{error}");
}

#[test]
fn own_loaders_cannot_make_a_broken_dataset() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("a.jpg"), b"x").unwrap();
    let new =
        |paths: &[&str]| Dataset::new(folder.path().into(), paths.iter().map(PathBuf::from).collect(), Vec::new());
    assert!(matches!(new(&[]), Err(Error::NoPhotos { .. })));
    assert!(matches!(new(&["../a.jpg"]), Err(Error::InvalidPhotoPath { .. })));
    assert!(matches!(new(&[""]), Err(Error::InvalidPhotoPath { .. })));
    assert!(matches!(new(&["/a.jpg"]), Err(Error::InvalidPhotoPath { .. })));
    assert!(matches!(new(&["a.jpg", "a.jpg"]), Err(Error::InvalidPhotoPath { .. })));
    assert!(matches!(new(&["b.jpg"]), Err(Error::Read { .. })));
    assert_eq!(new(&["a.jpg"]).unwrap().photos()[0].name(), "a");
}
