//! Photos that wait for the juror, and the thread that hands them to it in batches.

use std::collections::VecDeque;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use dodge_imaging::Photo;
use tokio::sync::oneshot;

use super::metrics::Metrics;
use crate::Juror;

/// The scores of the photos of one request, or why there are none.
pub(super) type Answer = Result<Vec<f64>, String>;

struct Waiting {
    photos: Vec<Photo>,
    since: Instant,
    answer: oneshot::Sender<Answer>,
}

impl Waiting {
    fn pixels(&self) -> u64 {
        pixels(&self.photos)
    }
}

/// The scores of a batch; a juror that panics gives none.
fn scored(juror: &dyn Juror, photos: &[&Photo], metrics: &Metrics) -> Answer {
    let started = Instant::now();
    let scores = match catch_unwind(AssertUnwindSafe(|| juror.score_checked(photos))) {
        Ok(scores) => scores.map_err(|error| error.to_string()),
        Err(_) => Err(format!("juror {} broke down", juror.name())),
    };
    metrics.batch(photos.len(), started.elapsed(), scores.as_deref().unwrap_or_default());
    scores
}

fn pixels(photos: &[Photo]) -> u64 {
    photos.iter().map(|photo| photo.pixels().len() as u64 / 3).sum()
}

#[derive(Default)]
struct Inner {
    waiting: VecDeque<Waiting>,
    closed: bool,
}

impl Inner {
    fn photos(&self) -> usize {
        self.waiting.iter().map(|waiting| waiting.photos.len()).sum()
    }
}

pub(super) struct Queue {
    most_pixels: u64,
    inner: Mutex<Inner>,
    changed: Condvar,
}

impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue").field("most_pixels", &self.most_pixels).finish_non_exhaustive()
    }
}

impl Queue {
    pub(super) fn new(most_pixels: u64) -> Self {
        Self { most_pixels, inner: Mutex::default(), changed: Condvar::new() }
    }

    /// What holds the lock changes the list in single steps.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts photos behind those that wait; none when these are too many already.
    pub(super) fn push(&self, photos: Vec<Photo>) -> Option<oneshot::Receiver<Answer>> {
        let mut inner = self.lock();
        let held: u64 = inner.waiting.iter().map(Waiting::pixels).sum();
        // What is larger than all that may wait goes through alone.
        if held > 0 && held + pixels(&photos) > self.most_pixels {
            return None;
        }
        let (answer, answered) = oneshot::channel();
        inner.waiting.push_back(Waiting { photos, since: Instant::now(), answer });
        self.changed.notify_all();
        Some(answered)
    }

    /// No more photos come: the judge ends after those that wait.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    /// Hands batches to the juror until the queue is closed and empty.
    pub(super) fn judge(&self, juror: &dyn Juror, most: usize, patience: Duration, metrics: &Metrics) {
        while let Some(requests) = self.next(most, patience) {
            // Whoever went away needs no score.
            let requests: Vec<Waiting> = requests.into_iter().filter(|request| !request.answer.is_closed()).collect();
            let photos: Vec<&Photo> = requests.iter().flat_map(|request| &request.photos).collect();
            if photos.is_empty() {
                continue;
            }
            let scores = scored(juror, &photos, metrics);
            let together = requests.len() > 1;
            let mut first = 0;
            for Waiting { photos, answer, .. } in requests {
                let range = first..first + photos.len();
                first = range.end;
                let own = match &scores {
                    Ok(scores) => Ok(scores[range].to_vec()),
                    // The photo of another request may be what the juror cannot stand.
                    Err(_) if together => scored(juror, &photos.iter().collect::<Vec<_>>(), metrics),
                    Err(reason) => Err(reason.clone()),
                };
                // One who does not listen any more is no failure.
                let _ = answer.send(own);
            }
        }
    }

    /// Whole requests with at most so many photos, but at least one request. Waits for others until the first one has waited long enough.
    fn next(&self, most: usize, patience: Duration) -> Option<Vec<Waiting>> {
        let mut inner = self.lock();
        loop {
            let Some(first) = inner.waiting.front() else {
                if inner.closed {
                    return None;
                }
                inner = self.changed.wait(inner).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let left = patience.saturating_sub(first.since.elapsed());
            if left.is_zero() || inner.closed || inner.photos() >= most {
                break;
            }
            inner = self.changed.wait_timeout(inner, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        let mut batch: Vec<Waiting> = Vec::new();
        let mut photos = 0;
        while let Some(request) = inner.waiting.pop_front_if(|it| photos == 0 || photos + it.photos.len() <= most) {
            photos += request.photos.len();
            batch.push(request);
        }
        Some(batch)
    }
}
