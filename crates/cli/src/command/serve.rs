//! `dodge serve`

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::Result;
use dodge_data::{AcquisitionService, ServiceOptions};
use dodge_juror::{JurorService, JurorServiceOptions};

use crate::arguments::{JurorChoice, ServeArguments, ServeCommand};
use crate::failure::usage;
use crate::surroundings::Surroundings;
use crate::{command, fetching, interruption, jurors, text};

/// How often it is looked whether to stop.
const LOOK: Duration = Duration::from_millis(100);

/// Runs the command.
pub(crate) fn run(arguments: &ServeArguments, surroundings: &Surroundings) -> Result<()> {
    match &arguments.command {
        ServeCommand::Acquisition { address, jobs, registry } => {
            acquisition(*address, *jobs, registry.as_deref(), surroundings)
        }
        ServeCommand::Juror { address, juror } => serve_juror(*address, juror, surroundings),
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
    ask_for_secret(options.address, options.token.as_ref(), "DODGE_ACQUISITION_TOKEN")?;
    let interrupted = interruption::stop_on_ctrl_c()?;
    let service = AcquisitionService::start(options, Arc::new(fetcher))?;
    let volume = surroundings.volume();
    command::print(&format!("serving {} on http://{}\n", text::shown(&volume), service.address()))?;
    wait_for(&interrupted);
    service.stop();
    Ok(())
}

/// Ends with Ctrl-C or a signal to end, after what was asked before is answered.
fn serve_juror(address: Option<SocketAddr>, choice: &JurorChoice, surroundings: &Surroundings) -> Result<()> {
    let mut options = JurorServiceOptions::new(address.unwrap_or(JurorServiceOptions::USUAL_ADDRESS));
    options.token.clone_from(&surroundings.juror_token);
    ask_for_secret(options.address, options.token.as_ref(), "DODGE_JUROR_TOKEN")?;
    let interrupted = interruption::stop_on_ctrl_c()?;
    if let JurorChoice::At(url) = choice {
        return Err(usage(format!("--juror {url}: that juror is served already; name classical or a file")));
    }
    let juror = jurors::chosen(choice, None, surroundings)?;
    let name = juror.name();
    let service = JurorService::start(options, juror)?;
    command::print(&format!("serving the juror {name} on http://{}\n", service.address()))?;
    wait_for(&interrupted);
    service.stop();
    Ok(())
}

/// No service is open to other machines without a secret.
fn ask_for_secret(address: SocketAddr, token: Option<&String>, variable: &str) -> Result<()> {
    if address.ip().is_loopback() || token.is_some() {
        return Ok(());
    }
    Err(usage(format!(
        "everybody who reaches {address} could use the service: set {variable} to a secret, or listen on 127.0.0.1"
    )))
}

fn wait_for(interrupted: &AtomicBool) {
    while !interrupted.load(Ordering::Relaxed) {
        thread::sleep(LOOK);
    }
}
