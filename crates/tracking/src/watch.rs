//! Samples of the machine as metrics of a run.

use crate::{Error, Run, SystemMetricsOptions, SystemMonitor, validate};

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
        validate::key("metric", &format!("{prefix}x"))?;
        let run = self.downgrade();
        let log = move |values: Vec<(String, f64)>| {
            let Some(run) = run.upgrade() else { return false };
            match run.log_system(&values) {
                Ok(()) => true,
                Err(Error::Finished { .. }) => false,
                // A full disk may have room again; the next sample tells.
                Err(error) => {
                    tracing::warn!(%error, "cannot record a sample of the machine");
                    true
                }
            }
        };
        SystemMonitor::start(options.clone(), prefix, Box::new(log))
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
