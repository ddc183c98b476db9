//! The machine's own metrics: processor, memory, disk, network and graphics cards, on the *System metrics* page of a run.
//!
//! They go the way of all metrics, so that an outage of the server costs none of them.

mod gpu;
mod machine;
mod monitor;
mod options;
mod program;

pub use monitor::SystemMonitor;
pub use options::SystemMetricsOptions;
