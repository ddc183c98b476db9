#![doc = include_str!("../README.md")]

mod actions;
mod agent;
#[cfg(test)]
mod algorithm_tests;
mod callback;
mod checkpoint;
mod convolution;
mod device;
mod dqn;
mod encoder;
mod environment;
pub mod environments;
mod error;
mod evaluate;
mod fit;
mod learner;
mod masks;
mod model;
mod mosaic;
mod network;
mod normalizer;
mod observation;
mod optimizer;
mod photo_env;
mod photo_trainer;
mod ppo;
mod priorities;
mod replay;
mod reward;
mod rollout;
mod schedule;
mod state;
mod trainer;
mod training;
mod validation;
mod wrappers;

pub use actions::ActionSet;
pub use agent::{Policy, Retouched, VIEWS, retouch_all};
pub use callback::{Callback, EarlyStop, Moment, Validated, Verdict};
pub use checkpoint::{BestSoFar, CHECKPOINT_FORMAT, Checkpoint, Checkpointer, FolderCheckpointer, Occasion};
pub use device::{Device, Gpu, cpu, device_name, gpu};
pub use dqn::{Dqn, DqnParams};
pub use encoder::{Encoder, NetworkParams};
pub use environment::{Environment, Episode, Picture, Spaces, Step, VectorEnvironment};
pub use error::Error;
pub use evaluate::{
    Baselines, Evaluation, Outcome, Summary, TestPhoto, UndamagedSummary, evaluate, outcomes, summarize,
};
pub use learner::{Advance, Clock, Learner};
pub use model::{MODEL_FORMAT, Model, ModelConfiguration};
pub use mosaic::mosaic;
pub use network::{AgentNetwork, Head};
pub use normalizer::Normalizer;
pub use observation::Observer;
pub use photo_env::{EnvironmentParams, PhotoEnv, PhotoTask, TaskKind, TrainingPhoto};
pub use photo_trainer::PhotoTrainer;
pub use ppo::{Decisions, Ppo, PpoParams, UpdateReport};
pub use reward::{Bonus, RewardParams, RewardStrategy};
pub use rollout::{Rollout, advantages};
pub use schedule::Schedule;
pub use state::{StateReader, StateWriter};
pub use trainer::{Evaluated, Report, Session, TrainContext, Trainer, photos_of_run};
pub use training::{Algorithm, Trained, TrainingParams, train_agent};
pub use validation::Fidelity;
pub use wrappers::{RewardScale, TimeLimit};
