//! `cargo xtask gpu-smoke`: a little training on a GPU, or on a Vulkan driver that computes in software; by hand, since no
//! CI job has one.

use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::process;
use crate::project::{CLI_PACKAGE, GPU_FEATURE, LEARN_PACKAGE, Project};
use crate::smoke;

/// What to do when `dodge` refuses to begin; which card there is, it has said itself.
const INSTALL: &str = "gpu-smoke needs a driver for Vulkan, Metal or DirectX 12. On Debian or Ubuntu without a graphics card: \
                       `apt-get install mesa-vulkan-drivers`, which computes on the processor";

/// Builds `dodge` with the GPU, trains on it, and compares its numbers with the processor's.
pub(crate) fn run(project: &Project) -> Result<ExitCode> {
    let dodge = project.build_dodge(&["--release", "--features", GPU_FEATURE])?;
    let report = smoke::train(&dodge, &project.target().join("gpu-smoke"), "gpu");
    let report = report.map_err(|error| match error.downcast_ref() {
        Some(smoke::Refused) => error.context(INSTALL),
        None => error,
    })?;
    let device = device(&report)?;
    process::run(&mut project.cargo(comparison()))?;
    let rate = report["steps_per_second"].as_f64().unwrap_or_default();
    println!("gpu-smoke: trained on {device} at {rate:.0} steps/s");
    Ok(ExitCode::SUCCESS)
}

/// The tests that compare the GPU with the processor. The program is selected beside them, and its profile, so that what is
/// below both has equal features and is not compiled once more, which takes longer than all the rest.
fn comparison() -> Vec<String> {
    let feature = format!("{CLI_PACKAGE}/{GPU_FEATURE}");
    let arguments = ["test", "--release", "--locked", "--package", CLI_PACKAGE, "--package", LEARN_PACKAGE];
    let filter = ["--test", "it", "gpu::", "--", "--nocapture"];
    [&arguments[..], &["--features", &feature], &filter].concat().iter().map(|&word| word.to_owned()).collect()
}

/// The name of the GPU that the run was trained on.
fn device(report: &Value) -> Result<&str> {
    let device = report["device"].as_str().context("the last JSON line names no `device`")?;
    ensure!(device.starts_with("gpu"), "asked for the GPU, the run reports {device}");
    Ok(device)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_run_on_the_processor_is_no_success() {
        assert_eq!(device(&json!({"device": "gpu: a card, Vulkan"})).expect("a GPU"), "gpu: a card, Vulkan");
        assert!(device(&json!({"device": "cpu"})).expect_err("no GPU").to_string().contains("reports cpu"));
        assert!(device(&json!({})).is_err());
    }
}
