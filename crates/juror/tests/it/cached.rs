//! Scores that are kept: asked for once, never of another juror, never of an error, and also after a restart.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Mutex};
use std::thread;
use std::time::Duration;

use dodge_imaging::Photo;
use dodge_juror::{CacheOptions, CachedJuror, Error, Juror};

/// Scores by the first value of a photo, counts, and fails where that is 255.
struct Counting {
    name: &'static str,
    batches: Mutex<Vec<usize>>,
    pause: Duration,
}

impl Juror for Counting {
    fn name(&self) -> String {
        self.name.into()
    }

    fn files(&self) -> Vec<(String, String)> {
        vec![("weights".into(), "00".into())]
    }

    fn score(&self, photos: &[&Photo]) -> Result<Vec<f64>, Error> {
        self.batches.lock().unwrap().push(photos.len());
        thread::sleep(self.pause);
        assert!(photos.iter().all(|photo| photo.pixels()[0] != 254), "a photo that it cannot stand");
        if photos.iter().any(|photo| photo.pixels()[0] == 255) {
            return Err(Error::Unavailable { juror: self.name(), reason: "it is tired".into() });
        }
        Ok(photos.iter().map(|photo| f64::from(photo.pixels()[0]) / 25.5).collect())
    }
}

fn counting(name: &'static str, pause: u64) -> Arc<Counting> {
    Arc::new(Counting { name, batches: Mutex::default(), pause: Duration::from_millis(pause) })
}

impl Counting {
    fn asked(&self) -> usize {
        self.batches.lock().unwrap().iter().sum()
    }
}

fn photo(value: u8) -> Photo {
    Photo::from_fn(4, 3, |_, _| [value, 1, 2]).unwrap()
}

fn in_memory(juror: &Arc<Counting>) -> CachedJuror {
    CachedJuror::new(juror.clone(), &CacheOptions::in_memory())
}

fn with_store(juror: &Arc<Counting>, path: &Path) -> CachedJuror {
    CachedJuror::new(juror.clone(), &CacheOptions::with_store(path))
}

/// The scores of photos of these first values.
fn scores(juror: &dyn Juror, values: &[u8]) -> Result<Vec<f64>, Error> {
    let photos: Vec<Photo> = values.iter().map(|&value| photo(value)).collect();
    juror.score_checked(&photos.iter().collect::<Vec<_>>())
}

fn expected(values: &[u8]) -> Vec<f64> {
    values.iter().map(|&value| f64::from(value) / 25.5).collect()
}

#[test]
fn only_what_is_missing_is_asked_for_and_together() {
    let juror = counting("counting", 0);
    let cached = in_memory(&juror);
    assert_eq!((cached.name(), cached.files()), (juror.name(), juror.files()), "it is the same juror");
    assert_eq!(scores(&cached, &[1, 2, 1, 3]).unwrap(), expected(&[1, 2, 1, 3]));
    assert_eq!(scores(&cached, &[4, 3, 2, 5]).unwrap(), expected(&[4, 3, 2, 5]));
    assert_eq!(*juror.batches.lock().unwrap(), [3, 2]);
    let counts = cached.counts();
    assert_eq!((counts.known, counts.asked), (3, 5));
    assert!(scores(&cached, &[]).unwrap().is_empty());
}

#[test]
fn many_threads_ask_once() {
    let juror = counting("counting", 30);
    let cached = in_memory(&juror);
    let begin = Barrier::new(16);
    thread::scope(|scope| {
        for index in 0..16_u8 {
            let (cached, begin) = (&cached, &begin);
            scope.spawn(move || {
                begin.wait();
                // Each in another order, so that everyone waits for others and others for them.
                let values: Vec<u8> = (0..8).map(|turn| (turn + index) % 8).collect();
                assert_eq!(scores(cached, &values).unwrap(), expected(&values));
            });
        }
    });
    assert_eq!(juror.asked(), 8);
    assert_eq!(cached.counts().known, 16 * 8 - 8);
}

#[test]
fn all_who_wait_get_the_error_and_the_next_one_asks_again() {
    let juror = counting("counting", 100);
    let cached = in_memory(&juror);
    let (begin, tired) = (Barrier::new(4), AtomicUsize::new(0));
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                begin.wait();
                let error = scores(&cached, &[255]).unwrap_err();
                assert_eq!(error.to_string(), "juror counting gave no score: it is tired");
                tired.fetch_add(1, Ordering::Relaxed);
            });
        }
    });
    assert_eq!(tired.into_inner(), 4);
    let before = juror.asked();
    assert!(before < 4, "nobody waited for anybody");
    assert!(scores(&cached, &[255]).is_err());
    assert_eq!(juror.asked(), before + 1);
    assert_eq!(scores(&cached, &[9]).unwrap(), expected(&[9]));
}

#[test]
fn a_juror_that_panics_leaves_nobody_waiting() {
    let juror = counting("counting", 100);
    let cached = in_memory(&juror);
    let begin = Barrier::new(3);
    thread::scope(|scope| {
        let asked: Vec<_> = (0..3)
            .map(|_| {
                scope.spawn(|| {
                    begin.wait();
                    scores(&cached, &[254]).unwrap_err().to_string()
                })
            })
            .collect();
        let ends: Vec<_> = asked.into_iter().map(thread::ScopedJoinHandle::join).collect();
        assert!(ends.iter().any(Result::is_err), "the one who asked breaks down");
        for told in ends.into_iter().flatten() {
            assert!(told.contains("broke down"), "{told}");
        }
    });
    assert_eq!(scores(&cached, &[9]).unwrap(), expected(&[9]));
}

#[test]
fn what_was_not_asked_for_longest_is_forgotten_first() {
    let juror = counting("counting", 0);
    let mut options = CacheOptions::in_memory();
    options.memory_bytes = 300;
    let cached = CachedJuror::new(juror.clone(), &options);
    for values in [[1, 2, 3], [1, 4, 1]] {
        for value in values {
            scores(&cached, &[value]).unwrap();
        }
    }
    assert_eq!(juror.asked(), 4, "4 took the place of 2");
    scores(&cached, &[2]).unwrap();
    assert_eq!(juror.asked(), 5);
}

#[test]
fn scores_outlive_the_program_and_are_those_of_one_juror() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new/folder/scores");
    let (one, other) = (counting("one", 0), counting("other", 0));
    scores(&with_store(&one, &path), &[1, 2]).unwrap();
    let again = with_store(&one, &path);
    assert_eq!(scores(&again, &[2, 1, 3]).unwrap(), expected(&[2, 1, 3]));
    assert_eq!(one.asked(), 3);
    assert_eq!(scores(&with_store(&other, &path), &[1, 2, 3]).unwrap(), expected(&[1, 2, 3]));
    assert_eq!(other.asked(), 3, "another juror's scores are its own");
    assert!(scores(&again, &[255]).is_err());
    assert!(scores(&with_store(&one, &path), &[255]).is_err(), "an error is not kept");
}

#[test]
fn a_damaged_file_costs_what_was_damaged_and_is_repaired() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("scores");
    let juror = counting("counting", 0);
    scores(&with_store(&juror, &path), &[1, 2, 3]).unwrap();
    let whole = fs::read(&path).unwrap();
    let record = (whole.len() - 8) / 3;

    // The last record was not written whole, and somebody added another one behind it.
    let torn = &whole[..whole.len() - 5];
    // A bit of the second one's score.
    let mut flipped = whole.clone();
    flipped[8 + record + 35] ^= 4;
    // The first sector went.
    let mut headless = whole.clone();
    headless[..8].fill(0);
    for (damaged, lost) in [
        (torn.to_vec(), 1),
        ([torn, &whole[8..]].concat(), 1),
        (flipped, 1),
        (headless, 0),
        (whole[..5].to_vec(), 3),
        (whole.clone(), 0),
    ] {
        fs::write(&path, &damaged).unwrap();
        let before = juror.asked();
        let cached = with_store(&juror, &path);
        assert_eq!(scores(&cached, &[1, 2, 3]).unwrap(), expected(&[1, 2, 3]));
        assert_eq!(juror.asked() - before, lost);
        let mut repaired = fs::read(&path).unwrap();
        assert_eq!((repaired.len() - 8) % record, 0);
        assert_eq!(repaired.split_off(8).len(), 3 * record);
        assert_eq!(repaired, whole[..8]);
    }
}

#[test]
fn a_file_of_somebody_else_and_a_place_that_is_none_are_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let juror = counting("counting", 0);
    for content in
        ["", "notes", "something that somebody else wrote, and longer than a record would be"].map(str::as_bytes)
    {
        let path = folder.path().join("theirs");
        fs::write(&path, content).unwrap();
        assert_eq!(scores(&with_store(&juror, &path), &[7]).unwrap(), expected(&[7]));
        let is_kept = fs::read(&path).unwrap() == content;
        assert_eq!(is_kept, !content.is_empty(), "an empty file is nobody's");
        assert_eq!(scores(&with_store(&juror, &path.join("below a file")), &[7]).unwrap(), expected(&[7]));
        assert_eq!(scores(&with_store(&juror, folder.path()), &[7]).unwrap(), expected(&[7]));
    }
}

#[test]
fn a_file_is_no_longer_than_it_may_be() {
    let folder = tempfile::tempdir().unwrap();
    let juror = counting("counting", 0);
    let mut options = CacheOptions::with_store(folder.path().join("scores"));
    options.store_bytes = 1000;
    let path = options.store.clone().unwrap();
    let cached = CachedJuror::new(juror.clone(), &options);
    for value in 0..100 {
        scores(&cached, &[value]).unwrap();
        assert!(fs::metadata(&path).unwrap().len() <= 1000);
    }
    drop(cached);
    let before = juror.asked();
    let again = CachedJuror::new(juror.clone(), &options);
    scores(&again, &[99, 98, 97]).unwrap();
    assert_eq!(juror.asked(), before, "the newest are kept");

    // Whoever makes it long does not make the next one read it all.
    let mut file = OpenOptions::new().append(true).open(&path).unwrap();
    file.write_all(&vec![0; 1 << 20]).unwrap();
    drop((again, CachedJuror::new(juror, &options)));
    assert!(fs::metadata(&path).unwrap().len() <= 1000);
}

#[test]
fn several_may_use_one_file_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("scores");
    let juror = counting("counting", 0);
    thread::scope(|scope| {
        for index in 0..4_u8 {
            let (juror, path) = (&juror, &path);
            scope.spawn(move || {
                let cached = with_store(juror, path);
                for turn in 0..20 {
                    scores(&cached, &[index * 20 + turn]).unwrap();
                }
            });
        }
    });
    let all: Vec<u8> = (0..80).collect();
    let before = juror.asked();
    assert_eq!(scores(&with_store(&juror, &path), &all).unwrap(), expected(&all));
    assert_eq!(juror.asked(), before, "all of them were written");
}
