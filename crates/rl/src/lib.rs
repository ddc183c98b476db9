#![doc = include_str!("../README.md")]

mod actions;
mod agent;
mod environment;
mod error;
mod evaluate;
mod gradients;
mod model;
mod mosaic;
mod network;
mod observation;
mod photo_env;
mod photo_trainer;
mod ppo;
mod trainer;
mod training;
mod validation;

pub use actions::ActionSet;
pub use agent::{Policy, Retouched, VIEWS, retouch_all};
pub use environment::{Environment, Step, VectorEnvironment};
pub use error::Error;
pub use evaluate::{
    Baselines, Evaluation, Outcome, Summary, TestPhoto, UndamagedSummary, evaluate, outcomes, summarize,
};
pub use model::{MODEL_FORMAT, Model, ModelConfiguration};
pub use mosaic::mosaic;
pub use network::{ActorCritic, Perceptron};
pub use observation::Observer;
pub use photo_env::{EnvironmentParams, PhotoEnv, PhotoTask, RewardParams, TrainingPhoto};
pub use photo_trainer::PhotoTrainer;
pub use ppo::{Decisions, Ppo, PpoParams, Rollout, Schedule, UpdateReport, advantages};
pub use trainer::{Evaluated, Report, Session, TrainContext, Trainer};
pub use training::{Trained, TrainingParams, train_ppo};

/// Where tensors live; burn's type, so that a caller need not depend on burn.
pub use burn::tensor::Device;

/// The processor, through burn's `flex` backend.
#[must_use]
pub fn cpu() -> Device {
    Device::flex()
}
