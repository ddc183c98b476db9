//! What a training begins with: a learner and its environments.

use std::sync::Arc;

use dodge_learn::{ConfiguredLearner, NetworkParams, VectorEnvironment};

use crate::error::Error;
use crate::photo::environment::{PhotoEnv, PhotoTask};
use crate::photo::model::Model;
use crate::trainer::context::TrainContext;

/// A learner that has learnt nothing, or what the model `first` has, and where it is to learn.
pub(super) fn beginning<L: ConfiguredLearner>(
    task: &Arc<PhotoTask>,
    first: Option<&Model>,
    context: &TrainContext,
) -> Result<(L, VectorEnvironment<PhotoEnv>), Error> {
    let (params, network): (L::Params, NetworkParams) = (context.hyperparameters()?, context.hyperparameters()?);
    let seed = context.seed();
    let count = u32::try_from(L::environments(&params)).unwrap_or(u32::MAX);
    let environments = (0..count).map(|index| PhotoEnv::new(Arc::clone(task), seed, index)).collect();
    let mut learner = L::with_network(params, &network, task.spaces(), seed, context.device())?;
    if let Some(first) = first {
        learner.begin_with(first.network())?;
    }
    Ok((learner, VectorEnvironment::new(environments)?))
}
