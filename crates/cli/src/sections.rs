//! The sections of hyperparameters, each declared beside the code that it steers.

use std::time::Duration;

use dodge_data::DataParams;
use dodge_hparams::{Error, HParams, Registry};
use dodge_learn::{ApgParams, DqnParams, NetworkParams, PpoParams};
use dodge_preprocess::{DegradeParams, PairParams, ResizeParams};
use dodge_rl::{EnvironmentParams, RewardParams, TrainingParams};

/// The registry with every section at its defaults.
pub(crate) fn registry() -> Result<Registry, Error> {
    let mut registry = Registry::new();
    registry.register::<TrainingParams>()?;
    registry.register::<PpoParams>()?;
    registry.register::<ApgParams>()?;
    registry.register::<DqnParams>()?;
    registry.register::<NetworkParams>()?;
    registry.register::<EnvironmentParams>()?;
    registry.register::<RewardParams>()?;
    registry.register::<DegradeParams>()?;
    registry.register::<PairParams>()?;
    registry.register::<ResizeParams>()?;
    registry.register::<DataParams>()?;
    registry.register::<TrackingParams>()?;
    Ok(registry)
}

/// How records reach the store or server. `dodge-tracking` knows no hyperparameters; these are its options.
#[derive(Debug, Clone, PartialEq, HParams)]
#[hparams(section = "tracking")]
pub(crate) struct TrackingParams {
    /// How long a run that ends waits for its last records to be delivered. What is left then is delivered by a later run.
    #[hparam(default = Duration::from_secs(30), range = 0..=3600)]
    pub(crate) finish_timeout: Duration,
    /// How often records are delivered.
    #[hparam(default = Duration::from_millis(500), range = 0.01..=60.0)]
    pub(crate) delivery_interval: Duration,
}
