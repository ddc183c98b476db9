//! Processor, memory, disk and network, as the operating system counts them.

use std::path::{Path, PathBuf};

use sysinfo::{DiskRefreshKind, Disks, MemoryRefreshKind, Networks, System};

const MEGABYTE: f64 = 1e6;

/// What is remembered from one sample to the next.
pub(super) struct Machine {
    system: System,
    networks: Networks,
    disk: PathBuf,
    /// Bytes that had been received and sent when sampling began.
    before: (u64, u64),
}

impl Machine {
    pub(super) fn new(disk: &Path) -> Self {
        let mut system = System::new();
        // The load of the processor is that since the sample before.
        system.refresh_cpu_usage();
        let networks = Networks::new_with_refreshed_list();
        let before = transferred(&networks);
        let disk = std::path::absolute(disk).unwrap_or_else(|_| disk.to_owned());
        Self { system, networks, disk, before }
    }

    /// Names, without a prefix, and values; what the system does not tell is left out.
    pub(super) fn sample(&mut self) -> Vec<(String, f64)> {
        self.system.refresh_cpu_usage();
        self.system.refresh_memory_specifics(MemoryRefreshKind::nothing().with_ram());
        self.networks.refresh(true);
        let mut values = Vec::new();
        let mut put = |name: &str, value: f64| values.push((name.to_owned(), value));
        put("cpu_utilization_percentage", f64::from(self.system.global_cpu_usage()));
        let (used, total) = (self.system.used_memory() as f64, self.system.total_memory() as f64);
        if total > 0.0 {
            put("system_memory_usage_megabytes", used / MEGABYTE);
            put("system_memory_usage_percentage", 100.0 * used / total);
        }
        let disks = Disks::new_with_refreshed_list_specifics(DiskRefreshKind::nothing().with_storage());
        let ours = disks.iter().filter(|disk| self.disk.starts_with(disk.mount_point()));
        if let Some(disk) = ours.max_by_key(|disk| disk.mount_point().as_os_str().len()) {
            let (total, available) = (disk.total_space() as f64, disk.available_space() as f64);
            put("disk_available_megabytes", available / MEGABYTE);
            put("disk_usage_megabytes", (total - available) / MEGABYTE);
            if total > 0.0 {
                put("disk_usage_percentage", 100.0 * (total - available) / total);
            }
        }
        let (received, sent) = transferred(&self.networks);
        put("network_receive_megabytes", received.saturating_sub(self.before.0) as f64 / MEGABYTE);
        put("network_transmit_megabytes", sent.saturating_sub(self.before.1) as f64 / MEGABYTE);
        values
    }
}

fn transferred(networks: &Networks) -> (u64, u64) {
    networks.iter().fold((0, 0), |(received, sent), (_, network)| {
        (received + network.total_received(), sent + network.total_transmitted())
    })
}
