//! The terminal, of which there is one: what is printed to it must know of the bar that is shown there.

use std::sync::{Mutex, MutexGuard, PoisonError};

use indicatif::ProgressBar;

/// The bar that is shown.
pub(crate) static SHOWN: Mutex<Option<ProgressBar>> = Mutex::new(None);

/// Prints something, to stdout or stderr, while no bar is in the way.
pub(crate) fn aside<T>(print: impl FnOnce() -> T) -> T {
    // A clone: what is printed may ask for the bar again.
    let bar = lock(&SHOWN).clone();
    match bar {
        Some(bar) => bar.suspend(print),
        None => print(),
    }
}

/// A poisoned lock only means that another thread panicked while drawing.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
