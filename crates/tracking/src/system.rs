//! The machine's own metrics: processor, memory, disk, network and graphics cards, on the *System metrics* page of a run.
//!
//! They go the way of all metrics, so that an outage of the server costs none of them.

use std::{
    path::PathBuf,
    sync::{Arc, Condvar, Mutex, PoisonError},
    thread::JoinHandle,
    time::Duration,
};

use crate::{
    Error, Run,
    remote::options::{number, parse_flag},
    run::WeakRun,
};

mod gpu;
mod machine;

use gpu::Gpus;
use machine::Machine;

/// What to sample, and how often.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SystemMetricsOptions {
    /// The time between two samples. Default: 10 s.
    pub interval: Duration,
    /// The name of this machine where several record to one run: metrics are `system/<node>/...`. Default: none.
    pub node: Option<String>,
    /// A path on the disk of which usage is recorded. Default: `/`.
    pub disk: PathBuf,
}

impl Default for SystemMetricsOptions {
    fn default() -> Self {
        Self { interval: Duration::from_secs(10), node: None, disk: PathBuf::from("/") }
    }
}

impl SystemMetricsOptions {
    /// What the environment variables of MLflow's Python client ask for: nothing, unless
    /// `MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING` is true; then `MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL` (seconds) and
    /// `MLFLOW_SYSTEM_METRICS_NODE_ID` count. An empty variable counts as unset.
    ///
    /// # Errors
    /// [`Error::Option`] naming a variable that cannot be parsed.
    pub fn from_env() -> Result<Option<Self>, Error> {
        Self::from_lookup(&|name| std::env::var(name).ok())
    }

    /// [`SystemMetricsOptions::from_env`] with the environment handed in.
    ///
    /// # Errors
    /// As [`SystemMetricsOptions::from_env`].
    pub fn from_lookup(lookup: &dyn Fn(&str) -> Option<String>) -> Result<Option<Self>, Error> {
        let set = |name: &str| lookup(name).filter(|value| !value.is_empty());
        const ENABLE: &str = "MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING";
        let enabled = set(ENABLE).map_or(Ok(false), |text| parse_flag(ENABLE, &text))?;
        if !enabled {
            return Ok(None);
        }
        let mut options = Self::default();
        if let Some(seconds) = number(&set, "MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL", 0.1, 86_400.0)? {
            options.interval = Duration::from_secs_f64(seconds);
        }
        options.node = set("MLFLOW_SYSTEM_METRICS_NODE_ID");
        Ok(Some(options))
    }

    /// Sets the time between two samples.
    #[must_use]
    pub fn with_interval(mut self, interval: Duration) -> Self {
        self.interval = interval;
        self
    }

    /// Names this machine.
    #[must_use]
    pub fn with_node(mut self, node: impl Into<String>) -> Self {
        self.node = Some(node.into());
        self
    }

    /// Names a path on the disk of which usage is recorded.
    #[must_use]
    pub fn with_disk(mut self, path: impl Into<PathBuf>) -> Self {
        self.disk = path.into();
        self
    }
}

/// Samples the machine for a run until it is dropped, or the run ends.
#[derive(Debug)]
#[must_use = "sampling stops when the monitor is dropped"]
pub struct SystemMonitor {
    stop: Arc<Stop>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Stop {
    stopped: Mutex<bool>,
    changed: Condvar,
}

impl Run {
    /// Starts to record the machine's own metrics, under the names that MLflow's page knows: `system/cpu_utilization_percentage`,
    /// `system/system_memory_usage_megabytes` and `_percentage`, `system/disk_usage_megabytes`, `_percentage` and
    /// `system/disk_available_megabytes`, `system/network_receive_megabytes` and `network_transmit_megabytes` (since the
    /// beginning), and for graphics card `0`, `1`, ... `system/gpu_0_utilization_percentage`, `_memory_usage_megabytes` and
    /// `_percentage`, `_power_usage_watts` and `_percentage`, where `nvidia-smi` or the kernel tells them. A megabyte is
    /// 10⁶ bytes; the step counts samples, also across a resumed run.
    ///
    /// # Errors
    /// [`Error::Key`] for a node name that cannot stand in a key, [`Error::File`] if no thread can be started.
    pub fn watch_system(&self, options: &SystemMetricsOptions) -> Result<SystemMonitor, Error> {
        let prefix = match &options.node {
            Some(node) => format!("system/{node}/"),
            None => "system/".to_owned(),
        };
        crate::validate::key("metric", &format!("{prefix}x"))?;
        let stop = Arc::<Stop>::default();
        let (theirs, run, options) = (Arc::clone(&stop), self.downgrade(), options.clone());
        let thread = std::thread::Builder::new()
            .name("dodge-tracking-system".to_owned())
            .spawn(move || sample_until_stopped(&run, &options, &prefix, &theirs))
            .map_err(Error::file("start a thread for", "system metrics"))?;
        Ok(SystemMonitor { stop, thread: Some(thread) })
    }

    /// [`Run::watch_system`] until the run is finished; once more replaces what was watched before.
    ///
    /// # Errors
    /// As [`Run::watch_system`], and [`Error::Finished`].
    pub fn watch_system_to_the_end(&self, options: &SystemMetricsOptions) -> Result<(), Error> {
        let monitor = self.watch_system(options)?;
        // Stopped when the log is free again: its thread may be about to write a sample.
        let _before = self.open_log()?.monitor.replace(monitor);
        Ok(())
    }
}

impl Drop for SystemMonitor {
    fn drop(&mut self) {
        *self.stop.stopped.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.stop.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            // The thread itself may be the last to let go of a run that holds the monitor.
            if thread.thread().id() != std::thread::current().id() {
                // It may be in the middle of a sample, which takes a moment; a panic there has been reported.
                let _ = thread.join();
            }
        }
    }
}

fn sample_until_stopped(run: &WeakRun, options: &SystemMetricsOptions, prefix: &str, stop: &Stop) {
    let mut machine = Machine::new(&options.disk);
    let mut gpus = Gpus::default();
    loop {
        let stopped = stop.stopped.lock().unwrap_or_else(PoisonError::into_inner);
        let wait = stop.changed.wait_timeout_while(stopped, options.interval, |stopped| !*stopped);
        if *wait.unwrap_or_else(PoisonError::into_inner).0 {
            return;
        }
        let mut values = machine.sample();
        values.extend(gpus.sample());
        let values: Vec<(String, f64)> =
            values.into_iter().map(|(key, value)| (format!("{prefix}{key}"), value)).collect();
        let Some(run) = run.upgrade() else { return };
        match run.log_system(&values) {
            Ok(()) => {}
            Err(Error::Finished { .. }) => return,
            // A full disk may have room again; the next sample tells.
            Err(error) => tracing::warn!(%error, "cannot record a sample of the machine"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from_pairs(pairs: &[(&str, &str)]) -> Result<Option<SystemMetricsOptions>, Error> {
        SystemMetricsOptions::from_lookup(&|name| {
            let found = pairs.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn variables_turn_it_on_and_say_how() {
        let interval = ("MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL", "2.5");
        assert_eq!(from_pairs(&[interval]).unwrap(), None);
        let enabled = ("MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING", "true");
        assert_eq!(from_pairs(&[enabled]).unwrap(), Some(SystemMetricsOptions::default()));
        let options = from_pairs(&[enabled, interval, ("MLFLOW_SYSTEM_METRICS_NODE_ID", "n1")]).unwrap().unwrap();
        assert_eq!((options.interval, options.node.as_deref()), (Duration::from_millis(2500), Some("n1")));
        for (name, value) in
            [("MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING", "maybe"), ("MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL", "0")]
        {
            let message =
                from_pairs(&[enabled, (name, value)].into_iter().rev().collect::<Vec<_>>()).unwrap_err().to_string();
            assert!(message.starts_with(name), "{message}");
        }
    }
}
