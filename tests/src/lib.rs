//! What the whole-program tests of `dodge` stand on; the tests themselves are in `tests/tests`.
//!
//! The tests treat the program as its user does: they start it, read what it prints and look at the files that it
//! leaves. [`Scratch`] gives each test a folder and an environment of its own, [`program`] the freshly built binary.

mod browser;
#[cfg(doctest)]
mod documents;
mod finished;
mod http;
mod mlflow;
mod program;
mod running;
mod scratch;
mod store;

pub use browser::Browser;
pub use finished::Finished;
pub use http::{Reply, delete, get, post, send};
pub use mlflow::MlflowServer;
pub use program::{cargo, program, workspace};
pub use running::Running;
pub use scratch::{SMALL_TRAINING, Scratch};
pub use store::{metric_rows, rows};

use std::io::Write;
use std::time::{Duration, Instant};

/// Says on stderr that a test was not run, and why. Written past the test harness, which keeps the output of passing
/// tests to itself.
pub fn skipped(test: &str, reason: &str) {
    let _ = std::io::stderr().write_all(format!("SKIPPED: {test}: {reason}\n").as_bytes());
}

/// Asks every 20 ms until there is an answer.
///
/// # Panics
/// When there is none within `limit`; the message says `what` was waited for.
pub fn wait_for<T>(what: &str, limit: Duration, mut ask: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(started.elapsed() < limit, "waited {limit:?} in vain for {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
