//! Several requests at a time, whose results count in order.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use crate::{
    Rejection,
    delivery::{Delivered, SinkError},
};

/// How long after one lane the next begins. A server of several processes has one of them accept all the connections that
/// come at the same moment, and then has nothing to do for the others.
const LANE_INTERVAL: Duration = Duration::from_millis(2);

/// Does `count` pieces of work on up to `lanes` threads; the results are in order. After a failure no more are begun: the
/// rest of the results is missing then.
pub(super) fn at_once<T: Send>(
    count: usize,
    lanes: usize,
    work: impl Fn(usize) -> Result<T, SinkError> + Sync,
) -> Vec<Result<T, SinkError>> {
    if count == 1 {
        return vec![work(0)];
    }
    let next = AtomicUsize::new(0);
    let failed = AtomicBool::new(false);
    let results: Vec<Mutex<Option<Result<T, SinkError>>>> = (0..count).map(|_| Mutex::new(None)).collect();
    let lane = |delay: Duration| {
        std::thread::sleep(delay);
        while !failed.load(Ordering::Relaxed) {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(slot) = results.get(index) else { return };
            let result = work(index);
            if result.is_err() {
                failed.store(true, Ordering::Relaxed);
            }
            *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(result);
        }
    };
    std::thread::scope(|scope| {
        let lane = &lane;
        for number in 1..lanes.min(count) {
            let thread = std::thread::Builder::new().name("dodge-tracking-lane".to_owned());
            // A lane that cannot be opened is one less.
            let _ = thread.spawn_scoped(scope, move || lane(LANE_INTERVAL * number as u32));
        }
        lane(Duration::ZERO);
    });
    let finished = results.into_iter().map(|slot| slot.into_inner().unwrap_or_else(PoisonError::into_inner));
    finished.map_while(|result| result).collect()
}

/// What was delivered up to the first failure, which counts only where nothing was: the rest comes again.
pub(super) fn first_of(
    results: impl Iterator<Item = (Result<Vec<Rejection>, SinkError>, usize)>,
) -> Result<Delivered, SinkError> {
    let mut delivered = Delivered::default();
    for (result, records) in results {
        match result {
            Ok(rejected) => {
                delivered.records += records;
                delivered.rejected.extend(rejected);
            }
            Err(error) if delivered.records == 0 => return Err(error),
            Err(_) => break,
        }
    }
    Ok(delivered)
}
