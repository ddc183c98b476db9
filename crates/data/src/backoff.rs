//! How long to wait before the next attempt: the one back-off of this crate.

use std::thread;
use std::time::{Duration, Instant};

use crate::Error;
use crate::watch::{Watcher, check};

/// Longest sleep before the watcher is asked whether to stop.
const NAP: Duration = Duration::from_millis(100);

/// Waits that double.
#[derive(Debug, Clone)]
pub(crate) struct Backoff {
    first: Duration,
    longest: Duration,
    next: Duration,
}

impl Backoff {
    pub(crate) fn new(first: Duration, longest: Duration) -> Self {
        Self { first, longest, next: first.min(longest) }
    }

    /// The wait that is due; the one behind it is twice as long.
    pub(crate) fn next(&mut self) -> Duration {
        let due = self.next;
        self.next = due.saturating_mul(2).min(self.longest);
        due
    }

    /// Something went well: the next wait is the first one again.
    pub(crate) fn restart(&mut self) {
        self.next = self.first.min(self.longest);
    }
}

/// Waits, unless the watcher cancels.
pub(crate) fn sleep(wait: Duration, watcher: &dyn Watcher) -> Result<(), Error> {
    let begun = Instant::now();
    loop {
        check(watcher)?;
        let left = wait.saturating_sub(begun.elapsed());
        if left.is_zero() {
            return Ok(());
        }
        thread::sleep(left.min(NAP));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest() {
        let seconds = Duration::from_secs;
        let mut backoff = Backoff::new(seconds(2), seconds(7));
        let waits: Vec<u64> = (0..4).map(|_| backoff.next().as_secs()).collect();
        assert_eq!(waits, [2, 4, 7, 7]);
        backoff.restart();
        assert_eq!(backoff.next(), seconds(2));
        assert_eq!(Backoff::new(seconds(9), seconds(7)).next(), seconds(7));
    }
}
