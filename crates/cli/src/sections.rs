//! The sections of hyperparameters, each declared beside the code that it steers.

use dodge_data::DataParams;
use dodge_hparams::{Error, Registry};
use dodge_preprocess::{DegradeParams, ResizeParams};
use dodge_rl::{DqnParams, EnvironmentParams, NetworkParams, PpoParams, RewardParams, TrainingParams};

/// The registry with every section at its defaults.
pub(crate) fn registry() -> Result<Registry, Error> {
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
