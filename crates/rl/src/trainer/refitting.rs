//! Fitting the model that validation chose once more, from training and validation photos together.

use std::path::Path;
use std::sync::Arc;

use dodge_learn::{Clock, ConfiguredLearner};

use crate::error::Error;
use crate::photo::environment::PhotoTask;
use crate::photo::model::Model;
use crate::trainer::beginning::beginning;
use crate::trainer::context::TrainContext;
use crate::trainer::params::TrainingParams;

/// A model that has learnt from all photos of `task` as long as `chosen` has, along the same schedules. What validation photos are
/// for is known by then, and more photographs are worth more than any other change: how long to learn and when to act are
/// those of `chosen`.
///
/// It begins from the seed, or the model `first`, again. An interruption leaves the chosen model for use, whose file is at `chosen_path`; a training that is resumed then fits once more from
/// the beginning.
///
/// # Errors
/// [`Error::Interrupted`], [`Error::Learning`] where it diverges, or an error of the environment or the journal.
pub(super) fn refitted<L: ConfiguredLearner>(
    chosen: &Model,
    first: Option<&Model>,
    task: PhotoTask,
    chosen_path: &Path,
    context: &TrainContext,
) -> Result<Model, Error> {
    let task = Arc::new(task);
    let (mut learner, mut environments) = beginning::<L>(&task, first, context)?;
    let enough = chosen.configuration().environment_steps;
    let mut clock = Clock { taken: 0, total: context.hyperparameters::<TrainingParams>()?.steps };
    context.progress().begin("fitting once more", enough);
    while clock.taken < enough {
        if context.is_interrupted() {
            return Err(Error::Interrupted { model: Some(chosen_path.to_owned()) });
        }
        let advance = learner.advance(&mut environments, clock)?;
        clock.taken += advance.steps;
        let figures = advance.metrics.iter().map(|(name, value)| (name.replacen("train/", "refit/", 1), *value));
        context.log_batch_metrics(&figures.collect::<Vec<_>>(), clock.taken)?;
        context.progress().advance(advance.steps);
    }
    context.progress().end();
    Model::new(chosen.configuration().clone(), Arc::clone(&task.observer), learner.network(), context.device().clone())
}
