//! `dodge serve`

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use anyhow::Result;
use dodge_data::{AcquisitionService, ServiceOptions};

use crate::arguments::{ServeArguments, ServeCommand};
use crate::failure::usage;
use crate::surroundings::Surroundings;
use crate::{command, fetching, interruption, text};

/// How often it is looked whether to stop.
const LOOK: Duration = Duration::from_millis(100);

/// Runs the command.
pub(crate) fn run(arguments: &ServeArguments, surroundings: &Surroundings) -> Result<()> {
    match &arguments.command {
        ServeCommand::Acquisition { address, jobs, registry } => {
            acquisition(*address, *jobs, registry.as_deref(), surroundings)
        }
    }
}

/// Ends with Ctrl-C or a signal to end, after running jobs were brought to where they can go on.
fn acquisition(
    address: Option<SocketAddr>,
    jobs: Option<u16>,
    registry: Option<&Path>,
    surroundings: &Surroundings,
) -> Result<()> {
    let fetcher = fetching::fetcher_of_all(registry, surroundings)?;
    let mut options = ServiceOptions::new(surroundings.volume());
    options.address = address.unwrap_or(options.address);
    options.token.clone_from(&surroundings.acquisition_token);
    if let Some(jobs) = jobs {
        options.concurrent_jobs = usize::from(jobs);
    }
    if !options.address.ip().is_loopback() && options.token.is_none() {
        return Err(usage(format!(
            "everybody who reaches {} could use the service: set DODGE_ACQUISITION_TOKEN to a secret, or listen on 127.0.0.1",
            options.address
        )));
    }
    let interrupted = interruption::stop_on_ctrl_c()?;
    let service = AcquisitionService::start(options, Arc::new(fetcher))?;
    let volume = surroundings.volume();
    command::print(&format!("serving {} on http://{}\n", text::shown(&volume), service.address()))?;
    while !interrupted.load(Ordering::Relaxed) {
        thread::sleep(LOOK);
    }
    service.stop();
    Ok(())
}
