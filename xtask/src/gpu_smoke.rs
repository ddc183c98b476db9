//! `cargo xtask gpu-smoke`: a little training on a real GPU; by hand, since no CI job has one.

use std::collections::BTreeMap;
use std::process::ExitCode;

use anyhow::{Result, bail};

use crate::project::{CLI_PACKAGE, Project};
use crate::smoke;

/// The feature of the command that brings the GPU in.
const FEATURE: &str = "wgpu";

/// Builds `dodge` with the GPU and trains on it.
pub(crate) fn run(project: &Project) -> Result<ExitCode> {
    let packages = project.metadata().workspace_packages();
    let cli = packages.iter().find(|package| package.name.as_str() == CLI_PACKAGE);
    check_feature(cli.map(|package| &package.features))?;
    let dodge = project.build_dodge(&["--release", "--features", FEATURE])?;
    smoke::train(&dodge, &project.target().join("gpu-smoke"), "gpu")?;
    println!("gpu-smoke: trained on the GPU");
    Ok(ExitCode::SUCCESS)
}

fn check_feature(features: Option<&BTreeMap<String, Vec<String>>>) -> Result<()> {
    if features.is_some_and(|features| features.contains_key(FEATURE)) {
        return Ok(());
    }
    bail!("{CLI_PACKAGE} has no feature `{FEATURE}` in this version, so it cannot be built for a GPU")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_build_without_the_feature_is_refused_clearly() {
        let error = check_feature(Some(&BTreeMap::new())).expect_err("there is no feature").to_string();
        assert!(error.contains("no feature `wgpu`"), "{error}");
        check_feature(Some(&BTreeMap::from([("wgpu".to_owned(), Vec::new())]))).expect("the feature is there");
    }
}
