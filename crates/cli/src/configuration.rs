//! The registry of all hyperparameters, and its layers.

use std::path::Path;

use anyhow::Result;
use dodge_data::DataParams;
use dodge_hparams::{Layer, Registry};
use dodge_preprocess::{DegradeParams, ResizeParams};
use dodge_rl::{ActionSet, DqnParams, EnvironmentParams, NetworkParams, PpoParams, RewardParams, TrainingParams};

use crate::arguments::{HyperparameterArguments, Preset};

/// The registry with every section at its defaults.
pub(crate) fn registry() -> Result<Registry> {
    let mut registry = Registry::new();
    registry.register::<TrainingParams>()?;
    registry.register::<PpoParams>()?;
    registry.register::<DqnParams>()?;
    registry.register::<NetworkParams>()?;
    registry.register::<EnvironmentParams>()?;
    registry.register::<RewardParams>()?;
    registry.register::<DegradeParams>()?;
    registry.register::<ResizeParams>()?;
    registry.register::<DataParams>()?;
    Ok(registry)
}

/// The registry with preset, configuration file and `--set` on top, in this order.
pub(crate) fn layered(arguments: &HyperparameterArguments) -> Result<Registry> {
    let mut registry = registry()?;
    let preset = match arguments.preset {
        Preset::Quick => Some(("quick", include_str!("../presets/quick.toml"))),
        Preset::Default => None,
        Preset::Long => Some(("long", include_str!("../presets/long.toml"))),
    };
    if let Some((name, text)) = preset {
        registry.apply_toml(text, Layer::Preset(name.to_owned()))?;
    }
    if let Some(path) = &arguments.config {
        registry.apply_toml_file(path)?;
    }
    for assignment in &arguments.set {
        registry.apply_set(assignment)?;
    }
    Ok(registry)
}

/// The registry with what a run was started with, and `--set` on top.
pub(crate) fn of_run(run_dir: &Path, set: &[String]) -> Result<Registry> {
    let mut registry = registry()?;
    registry.apply_toml_file(run_dir.join("configuration.toml"))?;
    for assignment in set {
        registry.apply_set(assignment)?;
    }
    Ok(registry)
}

/// Checks what only shows when all layers are there.
pub(crate) fn validate(registry: &Registry) -> Result<()> {
    registry.validate()?;
    ActionSet::parse(&registry.get::<EnvironmentParams>()?.actions).map_err(crate::failure::usage)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preset_is_valid() {
        for preset in [Preset::Quick, Preset::Default, Preset::Long] {
            let registry = layered(&HyperparameterArguments { preset, ..Default::default() }).unwrap();
            validate(&registry).unwrap();
        }
    }
}
