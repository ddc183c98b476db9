//! Scores that are kept, so that no photo is judged twice.

mod flight;
mod key;
mod store;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use dodge_imaging::Photo;
use hashlink::LruCache;
use rayon::prelude::*;

use crate::error::Error;
use crate::judge::Juror;

use flight::Flight;
use key::Key;
use store::Store;

/// What one score takes in memory, in bytes: the key and the score, twice for the links and the table around them.
const ENTRY_BYTES: u64 = 96;

/// What scores may take in memory where nothing else is said: about 700,000 scores.
const MEMORY_BYTES: u64 = 64 << 20;

/// What the file of scores may take where nothing else is said: about 380,000 scores.
const STORE_BYTES: u64 = 16 << 20;

/// How many scores are kept, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CacheOptions {
    /// Most bytes of memory for scores; those that were not asked for longest go first.
    pub memory_bytes: u64,
    /// A file that keeps them from one run to the next, for as many processes and jurors as like; its folder is made. Without one they are
    /// forgotten when the program ends.
    pub store: Option<PathBuf>,
    /// Most bytes of that file; the oldest half goes when it is full.
    pub store_bytes: u64,
}

impl CacheOptions {
    /// 64 MiB of memory, and no file.
    #[must_use]
    pub fn in_memory() -> Self {
        Self { memory_bytes: MEMORY_BYTES, store: None, store_bytes: STORE_BYTES }
    }

    /// 64 MiB of memory, and up to 16 MiB in this file.
    #[must_use]
    pub fn with_store(path: impl Into<PathBuf>) -> Self {
        Self { store: Some(path.into()), ..Self::in_memory() }
    }
}

/// A juror whose scores are kept, by the pixels of the photo and the name of the juror.
///
/// It pays for jurors that take longer than a hash of the photo: those behind HTTP and neural ones. A photo that several threads ask about
/// at the same time is judged once; where that fails all of them get the error, and the next one who asks tries again. What is missing
/// of several photos is asked for together.
///
/// A file that cannot be read or written costs its scores and a warning in the log, never an answer. How often scores were known is said in the
/// log, at the level of debugging, when the juror is dropped.
pub struct CachedJuror {
    juror: Arc<dyn Juror>,
    scores: Mutex<Scores>,
    store: Mutex<Option<Store>>,
    known: AtomicU64,
    asked: AtomicU64,
}

/// What is known, and what somebody is asking about right now.
struct Scores {
    memory: LruCache<Key, f64>,
    flights: HashMap<Key, Arc<Flight>>,
}

/// How often a juror had to be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct CacheCounts {
    /// Scores that were known, or that somebody was asking for already.
    pub known: u64,
    /// Scores that the juror was asked for.
    pub asked: u64,
}

impl CachedJuror {
    /// Keeps the scores of a juror.
    #[must_use]
    pub fn new(juror: Arc<dyn Juror>, options: &CacheOptions) -> Self {
        let capacity = usize::try_from(options.memory_bytes / ENTRY_BYTES).unwrap_or(usize::MAX).max(1);
        // Grows as scores come in, up to its capacity.
        let mut memory = LruCache::new_unbounded();
        let store = options.store.as_deref().and_then(|path| match Store::open(path, options.store_bytes) {
            Ok((store, kept)) => {
                memory.extend(kept);
                Some(store)
            }
            Err(error) => {
                forgotten(path, &error);
                None
            }
        });
        memory.set_capacity(capacity);
        Self {
            juror,
            scores: Mutex::new(Scores { memory, flights: HashMap::new() }),
            store: Mutex::new(store),
            known: AtomicU64::new(0),
            asked: AtomicU64::new(0),
        }
    }

    /// How often the juror had to be asked so far.
    #[must_use]
    pub fn counts(&self) -> CacheCounts {
        CacheCounts { known: self.known.load(Ordering::Relaxed), asked: self.asked.load(Ordering::Relaxed) }
    }

    /// Asks the juror about photos that nobody knows, and tells all who wait for them.
    fn ask(&self, photos: &[&Photo], mine: Vec<(Key, Arc<Flight>)>) {
        let mut landing = Landing { cache: self, mine, outcome: None };
        landing.outcome = Some(self.juror.score_checked(photos));
    }

    /// Writes scores down. A file that cannot be written is given up.
    fn keep(&self, scores: &[(Key, f64)]) {
        let mut store = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(open) = store.as_mut()
            && let Err(error) = open.append(scores)
        {
            forgotten(open.path(), &error);
            *store = None;
        }
    }
}

impl Juror for CachedJuror {
    fn name(&self) -> String {
        self.juror.name()
    }

    fn files(&self) -> Vec<(String, String)> {
        self.juror.files()
    }

    fn score(&self, photos: &[&Photo]) -> Result<Vec<f64>, Error> {
        let juror = self.juror.name();
        let keys: Vec<Key> = photos.par_iter().map(|photo| Key::of(&juror, photo)).collect();
        let (mut missing, mut mine) = (Vec::new(), Vec::new());
        let mut answers: Vec<Result<f64, Arc<Flight>>> = Vec::with_capacity(photos.len());
        {
            let mut scores = self.scores.lock().unwrap_or_else(PoisonError::into_inner);
            for (key, &photo) in keys.iter().zip(photos) {
                if let Some(&score) = scores.memory.get(key) {
                    answers.push(Ok(score));
                    continue;
                }
                let flight = scores.flights.get(key).cloned().unwrap_or_else(|| {
                    let flight = Arc::new(Flight::default());
                    missing.push(photo);
                    mine.push((*key, flight.clone()));
                    flight
                });
                scores.flights.insert(*key, flight.clone());
                answers.push(Err(flight));
            }
        }
        self.asked.fetch_add(missing.len() as u64, Ordering::Relaxed);
        self.known.fetch_add((photos.len() - missing.len()) as u64, Ordering::Relaxed);
        // Own questions come first: whoever waits has nothing left that others wait for.
        if !missing.is_empty() {
            self.ask(&missing, mine);
        }
        answers.into_iter().map(|answer| answer.or_else(|flight| flight.wait())).collect()
    }
}

impl Drop for CachedJuror {
    fn drop(&mut self) {
        let CacheCounts { known, asked } = self.counts();
        tracing::debug!(
            juror = self.juror.name(),
            known,
            asked,
            "scores that were known, and that the juror was asked for"
        );
    }
}

impl std::fmt::Debug for CachedJuror {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CachedJuror")
            .field("juror", &self.juror.name())
            .field("counts", &self.counts())
            .finish_non_exhaustive()
    }
}

/// Ends the flights of one question when it goes, also where the juror panicked: whoever waits is told.
struct Landing<'a> {
    cache: &'a CachedJuror,
    mine: Vec<(Key, Arc<Flight>)>,
    outcome: Option<Result<Vec<f64>, Error>>,
}

impl Drop for Landing<'_> {
    fn drop(&mut self) {
        let outcome = self.outcome.take().unwrap_or_else(|| {
            let reason = "it broke down over a photo".to_owned();
            Err(Error::Unavailable { juror: self.cache.juror.name(), reason })
        });
        let scored: Vec<(Key, f64)> = match &outcome {
            Ok(scores) => self.mine.iter().zip(scores).map(|((key, _), score)| (*key, *score)).collect(),
            Err(_) => Vec::new(),
        };
        {
            let mut scores = self.cache.scores.lock().unwrap_or_else(PoisonError::into_inner);
            scores.memory.extend(scored.iter().copied());
            for (key, _) in &self.mine {
                scores.flights.remove(key);
            }
        }
        for (index, (_, flight)) in self.mine.iter().enumerate() {
            flight.land(outcome.as_ref().map(|scores| scores[index]).map_err(Clone::clone));
        }
        self.cache.keep(&scored);
    }
}

fn forgotten(path: &Path, error: &std::io::Error) {
    tracing::warn!(file = %path.display(), "scores are not kept for the next run: {error}");
}
