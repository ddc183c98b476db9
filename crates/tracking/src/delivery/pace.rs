//! How long to wait before the next attempt: the one back-off of this crate.

use std::time::Duration;

use super::sink::SinkError;

/// Longest wait between two attempts.
const MAX_BACKOFF: Duration = Duration::from_secs(30);

/// How often and how long to retry.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    /// How long records may gather before they are delivered together.
    pub(crate) interval: Duration,
    /// The wait before the second retry; it doubles from then on.
    pub(crate) backoff: Duration,
    /// How many bytes of delivered records are kept.
    pub(crate) keep: u64,
}

impl Pace {
    /// The wait before retry number `failures` (1, 2, ...): none before the first, as a dropped
    /// keep-alive connection is the commonest failure.
    pub(crate) fn delay(self, failures: u32, error: &SinkError) -> Duration {
        if let SinkError::Retry { after: Some(after), .. } = error {
            return *after;
        }
        let doublings = failures.saturating_sub(2).min(16);
        let exact = match failures {
            0 | 1 => Duration::ZERO,
            _ => self.backoff.saturating_mul(1 << doublings).min(MAX_BACKOFF),
        };
        // A random quarter more, lest a hundred runs return to a restarted server at once.
        let random = uuid::Uuid::new_v4().as_u128() % 256;
        exact + exact.mul_f64(random as f64 / 1024.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_limit_and_a_server_may_ask_for_its_own() {
        let pace = Pace { interval: Duration::ZERO, backoff: Duration::from_secs(2), keep: 0 };
        let lost = SinkError::retry("no answer");
        assert_eq!(pace.delay(1, &lost), Duration::ZERO);
        for (failures, seconds) in [(2, 2), (3, 4), (4, 8), (5, 16), (6, 30), (u32::MAX, 30)] {
            let exact = Duration::from_secs(seconds);
            let delay = pace.delay(failures, &lost);
            assert!(exact <= delay && delay <= exact.mul_f64(1.25), "{failures}: {delay:?}");
        }
        let asked = SinkError::Retry { reason: String::new(), after: Some(Duration::from_secs(7)) };
        assert_eq!(pace.delay(9, &asked), Duration::from_secs(7));
    }
}
