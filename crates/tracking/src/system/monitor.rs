//! The thread that samples the machine.

use std::{
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use super::{gpu::Gpus, machine::Machine, options::SystemMetricsOptions};
use crate::Error;

/// How long a sample that is under way is waited for. A disk of a dead server, or a driver, may never answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// Takes names and values of a sample; false: no more are wanted.
pub(crate) type Log = Box<dyn FnMut(Vec<(String, f64)>) -> bool + Send>;

/// Samples the machine for a run until it is dropped, or the run ends.
#[derive(Debug)]
#[must_use = "sampling stops when the monitor is dropped"]
pub struct SystemMonitor {
    shared: Arc<Shared>,
    thread: thread::ThreadId,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    stopped: bool,
    ended: bool,
}

impl SystemMonitor {
    /// Starts to sample; the names begin with `prefix`.
    pub(crate) fn start(options: SystemMetricsOptions, prefix: String, log: Log) -> Result<Self, Error> {
        let shared = Arc::<Shared>::default();
        let theirs = Arc::clone(&shared);
        let handle = thread::Builder::new()
            .name("dodge-tracking-system".to_owned())
            .spawn(move || {
                // Also when a panic unwinds.
                let ended = SetEnded(theirs);
                sample_until_stopped(&options, &prefix, log, &ended.0);
            })
            .map_err(Error::file("start a thread for", "system metrics"))?;
        Ok(Self { shared, thread: handle.thread().id() })
    }
}

impl Drop for SystemMonitor {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.stopped = true;
        self.shared.changed.notify_all();
        // The thread itself may be the last to let go of a run that holds the monitor.
        if self.thread != thread::current().id() {
            // It may be in the middle of a sample, which takes a moment. Should it take longer, what it measures is refused
            // by a run that has ended.
            let _ = self.shared.changed.wait_timeout_while(state, PATIENCE, |state| !state.ended);
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct SetEnded(Arc<Shared>);

impl Drop for SetEnded {
    fn drop(&mut self) {
        self.0.lock().ended = true;
        self.0.changed.notify_all();
    }
}

fn sample_until_stopped(options: &SystemMetricsOptions, prefix: &str, mut log: Log, shared: &Shared) {
    let mut machine = Machine::new(&options.disk);
    let mut gpus = Gpus::default();
    loop {
        let wait = shared.changed.wait_timeout_while(shared.lock(), options.interval, |state| !state.stopped);
        if wait.unwrap_or_else(PoisonError::into_inner).0.stopped {
            return;
        }
        let mut values = machine.sample();
        values.extend(gpus.sample(&|| shared.lock().stopped));
        let values = values.into_iter().map(|(key, value)| (format!("{prefix}{key}"), value)).collect();
        if !log(values) {
            return;
        }
    }
}
