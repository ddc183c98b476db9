//! Fetching named datasets: whole and verified, or not there.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::response::IntoResponse;
use dodge_data::{
    DataLoader, DatasetLoader, DownloadOptions, Entry, Error, Fetched, Fetcher, KaggleToken, Numbers, Progress,
    Registry, Selection, Source, Unwatched, Watcher,
};
use dodge_imaging::{Encoding, Photo};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use crate::archives::{limits, tar, zip};
use crate::server::{Server, cut, file};

fn options() -> DownloadOptions {
    let mut options = DownloadOptions::standard();
    (options.attempts, options.first_wait, options.keep_free) = (2, Duration::from_millis(5), 0);
    options
}

fn fetcher(volume: &Path, entry: Entry) -> Fetcher {
    let mut registry = Registry::built_in();
    registry.insert(entry).unwrap();
    let fetcher = Fetcher::new(volume, registry).unwrap().with_download_options(options()).unwrap();
    fetcher.with_extraction_limits(limits())
}

fn entry(url: String) -> Entry {
    let mut entry = Entry::new("mine", Source::Url(url));
    entry.selection = Selection::new("set", Numbers::All);
    entry.images = "images".into();
    entry
}

fn photo(shade: u8) -> Vec<u8> {
    Photo::from_fn(32, 24, |x, y| [x as u8, y as u8, shade]).unwrap().encode(Encoding::Png).unwrap()
}

fn archive() -> Vec<u8> {
    zip(&[("set/a.png", &photo(1)), ("set/b/c.png", &photo(2)), ("other.txt", b"x")])
}

fn fetch(fetcher: &Fetcher) -> Result<Fetched, Error> {
    fetcher.fetch("mine", &Unwatched)
}

/// Everything in the volume, but the lock.
fn in_volume(volume: &Path) -> Vec<String> {
    let (mut found, mut folders) = (Vec::new(), vec![volume.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            if entry.path().is_dir() {
                folders.push(entry.path());
            } else {
                found.push(entry.path().strip_prefix(volume).unwrap().display().to_string());
            }
        }
    }
    found.retain(|path| !path.ends_with(".lock"));
    found.sort();
    found
}

#[test]
fn a_dataset_is_fetched_once_and_verified_each_time() {
    let server = Server::start(|call| file(call, &archive(), "\"1\""));
    let volume = TempDir::new().unwrap();
    let mut entry = entry(server.url("/set.zip"));
    let unverified = fetch(&fetcher(volume.path(), entry.clone())).unwrap();
    assert!(!unverified.verified && unverified.extracted.is_some());
    assert_eq!(unverified.images, volume.path().join("datasets/mine/images"));
    assert_eq!(unverified.digest.files, 2);
    let expected = ["datasets/mine/.dodge-dataset.json", "datasets/mine/images/a.png", "datasets/mine/images/b/c.png"];
    assert_eq!(in_volume(volume.path()), expected, "the archive is gone");

    // With the hashes that it reported.
    entry.directory_hash = Some(unverified.digest.directory_hash);
    entry.content_hash = Some(unverified.digest.content_hash);
    let fetcher = fetcher(volume.path(), entry);
    let again = fetch(&fetcher).unwrap();
    assert!(again.verified && again.extracted.is_none());
    assert_eq!(again.digest, unverified.digest);
    assert!(fetcher.is_there("mine").unwrap() && !fetcher.is_there("flickr8k").unwrap());
    assert_eq!(fetcher.verify("mine", &Unwatched).unwrap().digest, unverified.digest);
    assert_eq!(server.calls().len(), 1);

    // A change that keeps size and time shows when all is read.
    let file = volume.path().join("datasets/mine/images/a.png");
    let (content, modified) = (fs::read(&file).unwrap(), fs::metadata(&file).unwrap().modified().unwrap());
    let mut changed = content.clone();
    *changed.last_mut().unwrap() ^= 1;
    fs::write(&file, changed).unwrap();
    fs::File::options().write(true).open(&file).unwrap().set_modified(modified).unwrap();
    assert!(fetch(&fetcher).is_ok(), "a glance does not show it");
    let text = fetcher.verify("mine", &Unwatched).unwrap_err().to_string();
    assert!(text.contains("hash of dataset `mine`") && text.contains("move it away"), "{text}");
    assert!(fetch(&fetcher).is_err(), "and from then on it is known");
    // Another size shows at a glance.
    fs::write(&file, "x").unwrap();
    assert!(matches!(fetch(&fetcher), Err(Error::WrongHash { .. })));
}

#[test]
fn wrong_content_is_an_error_and_is_kept() {
    let server = Server::start(|call| file(call, &archive(), "\"1\""));
    let volume = TempDir::new().unwrap();
    let mut wrong = entry(server.url("/set.zip"));
    wrong.content_hash = Some("1".repeat(64).parse().unwrap());
    let fetcher_of_wrong = fetcher(volume.path(), wrong);
    let Error::WrongHash { path, expected, .. } = fetch(&fetcher_of_wrong).unwrap_err() else {
        panic!("another error")
    };
    assert_eq!(*expected, "1".repeat(64));
    assert!(path.join("images/a.png").is_file(), "nothing is lost");
    assert!(!volume.path().join("datasets/mine").exists());
    assert!(matches!(fetcher_of_wrong.verify("mine", &Unwatched), Err(Error::NotFetched { .. })));

    let mut right = entry(server.url("/set.zip"));
    let sum = Sha256::digest(archive()).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    right.archive_sha256 = Some(sum.parse().unwrap());
    fetch(&fetcher(volume.path(), right.clone())).unwrap();
    fs::remove_dir_all(volume.path().join("datasets/mine")).unwrap();
    right.archive_sha256 = Some("1".repeat(64).parse().unwrap());
    let text = fetch(&fetcher(volume.path(), right)).unwrap_err().to_string();
    assert!(text.contains(&sum) && text.contains("mine.archive.rejected"), "{text}");
}

/// The predecessor's hashes are accepted with and without the archive root in the paths.
#[test]
fn hashes_over_the_paths_in_the_archive_are_accepted() {
    let server = Server::start(|call| file(call, &archive(), "\"1\""));
    for prefix in ["", "set/"] {
        let mut hasher = Sha256::new();
        for (name, content) in [("a.png", photo(1)), ("b/c.png", photo(2))] {
            hasher.update(format!("{prefix}{name}\0"));
            hasher.update(content);
            hasher.update([0]);
        }
        let hash: String = hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        let volume = TempDir::new().unwrap();
        let mut entry = entry(server.url("/set.zip"));
        entry.directory_hash = Some(hash.parse().unwrap());
        assert!(fetch(&fetcher(volume.path(), entry)).unwrap().verified);
    }
}

#[test]
fn what_is_in_the_way_is_left_alone() {
    let server = Server::start(|call| file(call, &archive(), "\"1\""));
    let volume = TempDir::new().unwrap();
    let place = volume.path().join("datasets/mine");
    fs::create_dir_all(place.join("images")).unwrap();
    fs::write(place.join("images/own.png"), "x").unwrap();
    let fetcher_of_mine = fetcher(volume.path(), entry(server.url("/set.zip")));
    let text = fetch(&fetcher_of_mine).unwrap_err().to_string();
    assert!(text.contains("was not put there by a fetch") && text.contains("move it away"), "{text}");
    assert!(place.join("images/own.png").is_file() && server.calls().is_empty());

    // A copy of the right files is as good as fetched ones, where a hash tells.
    let elsewhere = TempDir::new().unwrap();
    let fetched = fetch(&fetcher(elsewhere.path(), entry(server.url("/set.zip")))).unwrap();
    fs::remove_dir_all(&place).unwrap();
    fs::create_dir_all(place.join("images/b")).unwrap();
    fs::write(place.join("images/a.png"), photo(1)).unwrap();
    fs::write(place.join("images/b/c.png"), photo(2)).unwrap();
    let mut known = entry(server.url("/set.zip"));
    known.directory_hash = Some(fetched.digest.directory_hash);
    assert!(fetch(&fetcher(volume.path(), known)).unwrap().extracted.is_none());

    // Without a hash: the same source, and unchanged since.
    let text = fetch(&fetcher(volume.path(), entry(server.url("/new.zip")))).unwrap_err().to_string();
    assert!(text.contains("another source"), "{text}");
    fs::write(place.join("images/more.png"), "x").unwrap();
    let text = fetch(&fetcher_of_mine).unwrap_err().to_string();
    assert!(text.contains("was changed since"), "{text}");
    fs::remove_dir_all(&place).unwrap();
    fs::write(&place, "x").unwrap();
    assert!(fetch(&fetcher_of_mine).unwrap_err().to_string().contains("is no folder"));
}

#[test]
fn a_damaged_archive_leaves_nothing_that_looks_complete() {
    let broken = Arc::new(AtomicUsize::new(1));
    let flag = Arc::clone(&broken);
    let server = Server::start(move |call| {
        let archive = tar(&[("set/a.png", &photo(1)), ("set/c.png", &photo(2))]);
        let cut = if flag.load(Ordering::Relaxed) == 1 { &archive[..archive.len() - 2000] } else { &archive };
        file(call, cut, "\"1\"")
    });
    let volume = TempDir::new().unwrap();
    let fetcher = fetcher(volume.path(), entry(server.url("/set.tar")));
    let text = fetch(&fetcher).unwrap_err().to_string();
    assert!(text.contains("cut short"), "{text}");
    assert_eq!(in_volume(volume.path()), ["downloads/mine.archive"], "the archive is kept for a look");
    broken.store(0, Ordering::Relaxed);
    fetch(&fetcher).unwrap();
    assert_eq!(server.calls().len(), 2, "and fetched again");
}

#[test]
fn an_archive_that_came_whole_is_not_fetched_twice() {
    struct StopExtracting(Mutex<bool>);
    impl Watcher for StopExtracting {
        fn progress(&self, progress: &Progress) {
            *self.0.lock().unwrap() |= matches!(progress, Progress::Extracting { files: 1, .. });
        }

        fn cancelled(&self) -> bool {
            *self.0.lock().unwrap()
        }
    }
    let server = Server::start(|call| file(call, &archive(), "\"1\""));
    let volume = TempDir::new().unwrap();
    let fetcher = fetcher(volume.path(), entry(server.url("/set.zip")));
    let result = fetcher.fetch("mine", &StopExtracting(Mutex::new(false)));
    assert!(matches!(result, Err(Error::Cancelled)), "{result:?}");
    assert!(!volume.path().join("datasets/mine").exists());
    // As if it had been killed there.
    fs::create_dir_all(volume.path().join("datasets/.mine.partial/images/old")).unwrap();
    fs::write(volume.path().join("datasets/.mine.partial/images/old/x.png"), "x").unwrap();
    assert_eq!(fetch(&fetcher).unwrap().digest.files, 2, "what an earlier extraction left is gone");
    assert_eq!(server.calls().len(), 1);
}

#[test]
fn two_that_fetch_the_same_wait_for_each_other() {
    let server = Server::start(|call| {
        std::thread::sleep(Duration::from_millis(300));
        file(call, &archive(), "\"1\"")
    });
    let volume = TempDir::new().unwrap();
    let waited = AtomicUsize::new(0);
    struct Count<'a>(&'a AtomicUsize);
    impl Watcher for Count<'_> {
        fn progress(&self, progress: &Progress) {
            self.0.fetch_add(usize::from(*progress == Progress::Waiting), Ordering::Relaxed);
        }
    }
    std::thread::scope(|scope| {
        for _ in 0..4 {
            let fetcher = fetcher(volume.path(), entry(server.url("/set.zip")));
            let waited = &waited;
            scope.spawn(move || assert_eq!(fetcher.fetch("mine", &Count(waited)).unwrap().digest.files, 2));
        }
    });
    assert_eq!((server.calls().len(), waited.load(Ordering::Relaxed)), (1, 3));
}

#[test]
fn local_archives_and_folders_are_left_where_they_are() {
    let (volume, elsewhere) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let path = elsewhere.path().join("set.zip");
    fs::write(&path, archive()).unwrap();
    let mut local = Entry::new("mine", Source::Archive(path.clone()));
    local.archive_sha256 = Some("1".repeat(64).parse().unwrap());
    let text = fetch(&fetcher(volume.path(), local.clone())).unwrap_err().to_string();
    assert!(text.contains("SHA-256 of the archive"), "{text}");
    local.archive_sha256 = None;
    let fetched = fetch(&fetcher(volume.path(), local.clone())).unwrap();
    assert_eq!(fetched.images, volume.path().join("datasets/mine"), "without an images folder");
    assert_eq!(fetched.digest.files, 3, "the record of the fetch is no part of the dataset");
    assert_eq!(fetch(&fetcher(volume.path(), local.clone())).unwrap().digest, fetched.digest);
    assert!(path.is_file());
    local.source = Source::Archive(elsewhere.path().join("none.zip"));
    local.id = "none".to_owned();
    let fetcher_of_none = fetcher(volume.path(), local);
    assert!(fetcher_of_none.fetch("none", &Unwatched).unwrap_err().to_string().contains("none.zip"));

    let mut folder = Entry::new("folder", Source::Folder(fetched.images.clone()));
    let same = fetcher(volume.path(), folder.clone()).fetch("folder", &Unwatched).unwrap();
    assert_eq!((same.digest, same.images), (fetched.digest, fetched.images.clone()));
    folder.content_hash = Some("1".repeat(64).parse().unwrap());
    let error = fetcher(volume.path(), folder.clone()).fetch("folder", &Unwatched).unwrap_err();
    assert!(matches!(error, Error::WrongHash { .. }) && fetched.images.is_dir());
    folder.source = Source::Folder("nowhere".into());
    let error = fetcher(volume.path(), folder).fetch("folder", &Unwatched).unwrap_err();
    assert!(matches!(error, Error::NoSuchFolder { .. }));
}

#[test]
fn kaggle_gets_the_token() {
    let server = Server::start(|call| {
        let basic = "Basic YW5uOjVlY3JldA=="; // ann:5ecret
        if call.authorization.as_deref() == Some(basic) && call.path == "/api/v1/datasets/download/owner/photos" {
            file(call, &archive(), "\"1\"")
        } else {
            axum::http::StatusCode::UNAUTHORIZED.into_response()
        }
    });
    let volume = TempDir::new().unwrap();
    let mut entry = Entry::new("mine", Source::Kaggle("owner/photos".to_owned()));
    entry.selection = Selection::new("set", Numbers::All);
    let fetcher = fetcher(volume.path(), entry).with_kaggle_url(server.url(""));
    let text = fetch(&fetcher).unwrap_err().to_string();
    assert!(text.contains("KAGGLE_USERNAME") && server.calls().is_empty(), "{text}");
    let wrong = fetcher.clone().with_kaggle(KaggleToken::new("ann", "wr0ng").unwrap());
    let text = fetch(&wrong).unwrap_err().to_string();
    assert!(text.contains("401") && text.contains("credentials") && !text.contains("wr0ng"), "{text}");
    fetch(&fetcher.with_kaggle(KaggleToken::new("ann", "5ecret").unwrap())).unwrap();
}

#[test]
fn a_named_dataset_is_a_source_of_photos() {
    let server = Server::start(|call| match call.number {
        0 => cut(call, &archive(), "\"1\"", 100),
        _ => file(call, &archive(), "\"1\""),
    });
    let volume = TempDir::new().unwrap();
    let fetcher = fetcher(volume.path(), entry(server.url("/set.zip")));
    let loader = DatasetLoader::new(fetcher.clone(), "mine", Arc::new(Unwatched)).unwrap();
    let dataset = loader.load().unwrap();
    let names: Vec<&str> = dataset.photos().iter().map(|photo| photo.name()).collect();
    assert_eq!((names, loader.describe().as_str()), (vec!["a", "b-c"], "dataset mine"));
    let error = DatasetLoader::new(fetcher, "min", Arc::new(Unwatched)).unwrap_err();
    assert!(error.to_string().contains("did you mean `mine`?"), "{error}");
}
