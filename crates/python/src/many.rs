//! Work on many photos, some at a time: what cannot be done with one keeps no other from being done.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use pyo3::prelude::*;

use crate::failure::mistake;

/// Most photos that are worked on at a time, as in the program: each is held in memory two or three times.
const MOST_AT_A_TIME: usize = 4;

/// How long a wish to stop may wait.
const PATIENCE: Duration = Duration::from_millis(100);

/// Does the work for the photos of all numbers below `count`, several at a time, and returns what came of each. To be called without the lock
/// of the interpreter.
///
/// # Errors
/// Where Python was asked to stop: what was begun is done, and no more.
pub(crate) fn for_each<T: Send>(
    count: usize,
    threads: usize,
    work: impl Fn(usize) -> PyResult<T> + Sync,
) -> PyResult<Vec<PyResult<T>>> {
    let at_a_time = (2 * threads - 1).min(MOST_AT_A_TIME).min(count);
    let (next, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
    let mut done: Vec<Option<PyResult<T>>> = (0..count).map(|_| None).collect();
    thread::scope(|scope| {
        let (sender, receiver) = channel();
        for _ in 0..at_a_time {
            let (sender, next, stop, work) = (sender.clone(), &next, &stop, &work);
            scope.spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    if index >= count || sender.send((index, guarded(|| work(index)))).is_err() {
                        break;
                    }
                }
            });
        }
        drop(sender);
        loop {
            match receiver.recv_timeout(PATIENCE) {
                Ok((index, result)) => done[index] = Some(result),
                Err(RecvTimeoutError::Disconnected) => return Ok::<(), PyErr>(()),
                Err(RecvTimeoutError::Timeout) => {
                    let asked = Python::attach(|py| py.check_signals());
                    stop.store(asked.is_err(), Ordering::Relaxed);
                    asked?;
                }
            }
        }
    })?;
    Ok(done.into_iter().map(|it| it.unwrap_or_else(|| Err(mistake("a photo was left out")))).collect())
}

/// A panic, for example in a decoder of another crate, becomes an error.
pub(crate) fn guarded<T>(work: impl FnOnce() -> PyResult<T>) -> PyResult<T> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| Err(mistake(reason(&*panic))))
}

fn reason(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no reason is known")
}
