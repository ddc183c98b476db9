//! Where time stamps come from. Clocks are arguments, so that a test decides what time it is.

use std::fmt::Debug;

/// A source of wall-clock time stamps, in milliseconds since 1970-01-01 UTC.
pub trait Clock: Debug + Send + Sync {
    /// The time now, in milliseconds since 1970-01-01 UTC. MLflow refuses negative values.
    fn now_ms(&self) -> i64;
}

/// The clock of the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place of this crate that reads the wall clock; whoever builds a `Tracking` chooses it explicitly"
    )]
    fn now_ms(&self) -> i64 {
        std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .map_or(0, |elapsed| i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX))
    }
}

/// A clock that stands still, for tests and for output that must not change from run to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FixedClock(
    /// Milliseconds since 1970-01-01 UTC.
    pub i64,
);

impl Clock for FixedClock {
    fn now_ms(&self) -> i64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_clock_is_past_the_day_this_was_written_and_in_milliseconds() {
        let now = SystemClock.now_ms();
        assert!(now > 1_760_000_000_000, "{now}");
        assert!(now < 10_000_000_000_000, "{now}");
    }
}
