//! Thumbnails, made on threads of their own: what was asked for last is made first, because it is what the person looks at now.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use axum::body::Bytes;
use dodge_imaging::{Encoding, Photo};
use tokio::sync::oneshot;

use crate::by_bytes::ByBytes;
use crate::refusal::Refusal;

/// Longer side in pixels: sharp on dense screens, too, where thumbnails are a few hundred wide.
const SIDE: u32 = 360;
const QUALITY: u8 = 82;

/// Bytes of thumbnails that are kept.
const KEPT: usize = 96 << 20;

/// Thumbnails that wait at most: more than any screen shows. Beyond it those asked for first are given up.
const MOST_WAITING: usize = 400;

/// Threads: each holds a decoded photo.
const MOST_THREADS: usize = 4;

#[derive(Debug)]
struct Job {
    id: usize,
    file: PathBuf,
    reply: oneshot::Sender<Result<Bytes, Refusal>>,
}

#[derive(Debug, Default)]
struct Queue {
    jobs: VecDeque<Job>,
    stopped: bool,
}

#[derive(Debug)]
struct Shared {
    queue: Mutex<Queue>,
    wake: Condvar,
    kept: Mutex<ByBytes<usize, Bytes>>,
}

/// The makers of thumbnails.
#[derive(Debug)]
pub(crate) struct Thumbs {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

impl Thumbs {
    pub(crate) fn start() -> Self {
        let shared =
            Arc::new(Shared { queue: Mutex::default(), wake: Condvar::new(), kept: Mutex::new(ByBytes::new(KEPT)) });
        let count = thread::available_parallelism().map_or(2, usize::from).min(MOST_THREADS);
        let work = || {
            let shared = Arc::clone(&shared);
            thread::spawn(move || shared.work())
        };
        Self { threads: (0..count).map(|_| work()).collect(), shared }
    }

    /// A thumbnail as a JPEG.
    pub(crate) async fn get(&self, id: usize, file: PathBuf) -> Result<Bytes, Refusal> {
        if let Some(bytes) = lock(&self.shared.kept).get(id) {
            return Ok(bytes);
        }
        let (reply, made) = oneshot::channel();
        {
            let mut queue = lock(&self.shared.queue);
            queue.jobs.push_back(Job { id, file, reply });
            if queue.jobs.len() > MOST_WAITING {
                queue.jobs.pop_front();
            }
        }
        self.shared.wake.notify_one();
        made.await.unwrap_or_else(|_| Err(Refusal::conflict("others were asked for since: ask again")))
    }
}

impl Drop for Thumbs {
    fn drop(&mut self) {
        lock(&self.shared.queue).stopped = true;
        self.shared.wake.notify_all();
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn work(&self) {
        while let Some(job) = self.next() {
            // Nobody waits for it any more: it was scrolled past.
            if job.reply.is_closed() {
                continue;
            }
            let kept = lock(&self.kept).get(job.id);
            let result = match kept {
                Some(bytes) => Ok(bytes),
                None => thumbnail(&job.file),
            };
            if let Ok(bytes) = &result {
                lock(&self.kept).put(job.id, bytes.clone(), bytes.len());
            }
            let _ = job.reply.send(result);
        }
    }

    fn next(&self) -> Option<Job> {
        let mut queue = lock(&self.queue);
        loop {
            if queue.stopped {
                return None;
            }
            if let Some(job) = queue.jobs.pop_back() {
                return Some(job);
            }
            queue = self.wake.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// The photo is decoded whole: decoders that decode small ones were slower (`docs/speed.md`).
fn thumbnail(file: &std::path::Path) -> Result<Bytes, Refusal> {
    let make = || {
        let photo = Photo::open_thumbnail(file, SIDE).map_err(Refusal::failed)?;
        photo.encode(Encoding::Jpeg { quality: QUALITY }).map(Bytes::from).map_err(Refusal::failed)
    };
    catch_unwind(AssertUnwindSafe(make)).unwrap_or_else(|_| Err(Refusal::failed("the photo cannot be worked on")))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
