#![doc = include_str!("../README.md")]

mod algorithm;
mod environment;
mod error;
mod nn;
mod state;
mod training;

pub use algorithm::apg::{Apg, ApgParams};
pub use algorithm::dqn::{Dqn, DqnParams};
pub use algorithm::learner::{Advance, Clock, ConfiguredLearner, Learner};
pub use algorithm::ppo::{Decisions, Ppo, PpoParams, UpdateReport};
pub use algorithm::rollout::{Rollout, advantages};
pub use algorithm::schedule::Schedule;
pub use environment::contract::{Action, ActionSpace, Environment, Episode, Spaces, Step, View};
pub use environment::normalizer::Normalizer;
pub use environment::policy::Policy;
pub use environment::tasks;
pub use environment::vector::VectorEnvironment;
pub use environment::wrappers::{RewardScale, TimeLimit};
pub use error::Error;
pub use nn::device::{Device, Gpu, cpu, device_name, gpu};
pub use nn::encoder::{Encoder, NetworkParams};
pub use nn::network::{AgentNetwork, Head, NetworkShape};
pub use nn::picture::Picture;
pub use nn::proposals::Proposals;
pub use state::{StateReader, StateWriter};
pub use training::callback::{Callback, EarlyStop, Moment, Verdict};
pub use training::checkpoint::{CHECKPOINT_FORMAT, Checkpoint, Checkpointer, FolderCheckpointer, Occasion};
pub use training::course::{Finished, Plan, Training};
pub use training::journal::{Journal, Progress};
pub use training::judge::{Ending, Judge, Validated};
