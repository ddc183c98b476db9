//! The thread that the model computes in.
//!
//! Jurors are asked by threads of the rayon pool, and burn's products use such a pool, too. A thread of a pool that waits for a
//! product does other work of the pool meanwhile, which may be the next photo, and so on: as many models at a time as there are
//! photos, or, behind a lock, a thread that waits for itself. So the model has a thread and a pool of its own, and who asks waits
//! without doing anything else.

use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread;

use burn::tensor::Device;
use rayon::ThreadPoolBuilder;
use rayon::prelude::*;

use crate::siglip::head::Head;
use crate::siglip::tower::Tower;

/// Photos of one request at most that the processor looks at at a time, each for itself, about a hundred megabytes each. What
/// burn does to numbers one by one takes a single thread; the products of another photo use the others meanwhile.
const PHOTOS_ON_THE_PROCESSOR: usize = 4;

/// Numbers in the matrices of attention that a graphics card holds at a time: 128 MiB, three photos of so400m.
const ATTENTION_ON_A_CARD: usize = 1 << 25;

/// Photos of a small model on a graphics card at a time.
const PHOTOS_ON_A_CARD: usize = 64;

/// A question to the thread.
struct Request {
    /// The patches of each photo.
    photos: Vec<Vec<f32>>,
    answer: SyncSender<Result<Vec<f64>, String>>,
}

/// The thread; it ends when this is dropped.
#[derive(Debug)]
pub(super) struct Worker {
    requests: Sender<Request>,
    at_a_time: usize,
}

impl Worker {
    pub(super) fn start(tower: Tower, head: Head) -> std::io::Result<Self> {
        let on_the_processor = *tower.device() == Device::flex();
        let at_a_time = if on_the_processor {
            PHOTOS_ON_THE_PROCESSOR
        } else {
            (ATTENTION_ON_A_CARD / tower.configuration().attention()).clamp(1, PHOTOS_ON_A_CARD)
        };
        let (requests, inbox) = channel();
        let model = Model { tower, head, on_the_processor };
        thread::Builder::new().name("siglip".to_owned()).spawn(move || model.answer_all(&inbox))?;
        Ok(Self { requests, at_a_time })
    }

    /// Photos to ask about together.
    pub(super) fn at_a_time(&self) -> usize {
        self.at_a_time
    }

    /// The scores of these photos, whose patches they are.
    pub(super) fn ask(&self, photos: Vec<Vec<f32>>) -> Result<Vec<f64>, String> {
        let (answer, scores) = sync_channel(1);
        let ended = "the thread of its model has ended after a failure that was told before";
        self.requests.send(Request { photos, answer }).map_err(|_| ended.to_owned())?;
        scores.recv().map_err(|_| ended.to_owned())?
    }
}

struct Model {
    tower: Tower,
    head: Head,
    on_the_processor: bool,
}

impl Model {
    fn answer_all(&self, inbox: &Receiver<Request>) {
        let mut pool = None;
        while let Ok(Request { photos, answer }) = inbox.recv() {
            // As large as the pool of the program, which stands when there are photos, but not when the model is loaded.
            let pool = pool.get_or_insert_with(|| {
                ThreadPoolBuilder::new()
                    .num_threads(rayon::current_num_threads())
                    .thread_name(|number| format!("siglip {number}"))
                    .build()
            });
            let scores = match pool {
                Ok(pool) => pool.install(|| self.scores(photos)),
                Err(error) => Err(error.to_string()),
            };
            // Who asked may have gone.
            let _ = answer.send(scores);
        }
    }

    fn scores(&self, photos: Vec<Vec<f32>>) -> Result<Vec<f64>, String> {
        let scores = |patches: Vec<f32>| {
            let pooled = self.tower.pooled(patches)?;
            let rows = pooled.chunks_exact(self.tower.configuration().hidden_size);
            Ok(rows.map(|row| self.head.score(row)).collect::<Vec<f64>>())
        };
        if self.on_the_processor {
            // Each for itself: sums of a product can depend on how many rows it has, and a score must not depend on what else
            // is scored.
            return Ok(photos.into_par_iter().map(scores).collect::<Result<Vec<_>, String>>()?.concat());
        }
        scores(photos.concat())
    }
}
