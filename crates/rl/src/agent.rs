//! Letting a model retouch photos.

use dodge_imaging::{Operation, Photo, Recipe};
use rayon::prelude::*;

use crate::model::Model;
use crate::observation::Observer;

/// The choice of an action for a batch of observations: a trained model, or networks in training.
pub trait Policy {
    /// One action for each observation, `[batch][feature]`.
    fn choose(&self, observations: &[f32]) -> Vec<usize>;
}

impl Policy for Model {
    fn choose(&self, observations: &[f32]) -> Vec<usize> {
        self.best_actions(observations)
    }
}

/// Acts on working photos, all together, until each is stopped or `limit` edits are made, and returns the operations
/// chosen for each. No juror is asked. Observations count steps as shares of `max_steps`, as in training, so that a
/// lower limit does not change what the policy sees.
///
/// An edit that leaves the working photo as it is ends the episode: a deterministic policy would choose it for ever.
pub fn retouch_all<P: Policy>(
    policy: &P,
    actions: &crate::ActionSet,
    max_steps: usize,
    limit: usize,
    observer: &Observer,
    photos: &[&Photo],
) -> Vec<Retouched> {
    let length = Observer::observation_len(actions.len());
    let mut results: Vec<Retouched> = photos
        .iter()
        .map(|&photo| Retouched { photo: photo.clone(), operations: Vec::new(), stopped: false })
        .collect();
    let mut uses = vec![vec![0_u16; actions.len()]; photos.len()];
    for step in 0..limit.min(max_steps) {
        let open: Vec<usize> = (0..photos.len()).filter(|&i| !results[i].stopped).collect();
        if open.is_empty() {
            break;
        }
        let mut observations = vec![0.0; open.len() * length];
        observations.par_chunks_exact_mut(length).zip(&open).for_each(|(row, &i)| {
            observer.observe(&results[i].photo, step, max_steps, &uses[i], row);
        });
        for (&i, action) in open.iter().zip(policy.choose(&observations)) {
            uses[i][action] += 1;
            results[i].take(actions.operation(action));
        }
    }
    results
}

/// A working photo after the agent.
#[derive(Debug, Clone)]
pub struct Retouched {
    /// The edited working photo.
    pub photo: Photo,
    /// What was done, in order.
    pub operations: Vec<Operation>,
    /// Whether the agent stopped by itself, before the limit.
    pub stopped: bool,
}

impl Retouched {
    fn take(&mut self, operation: Option<&Operation>) {
        let Some(operation) = operation else {
            self.stopped = true;
            return;
        };
        let edited = operation.apply(&self.photo);
        if edited == self.photo {
            self.stopped = true;
        } else {
            self.photo = edited;
            self.operations.push(*operation);
        }
    }
}

impl Model {
    /// Finds the recipe for one photo of any size: the model looks at a working photo of its own size; the recipe is
    /// for replaying at full size.
    #[must_use]
    pub fn recipe_for(&self, photo: &Photo) -> Recipe {
        self.recipes_for(&[photo], self.configuration().max_steps).remove(0)
    }

    /// Finds the recipes for several photos with at most `limit` edits each, and never more than in training.
    #[must_use]
    pub fn recipes_for(&self, photos: &[&Photo], limit: usize) -> Vec<Recipe> {
        let size = self.configuration().working_size;
        let working: Vec<Photo> = photos.par_iter().map(|photo| photo.thumbnail(size)).collect();
        let working: Vec<&Photo> = working.iter().collect();
        let trained_steps = self.configuration().max_steps;
        let retouched = retouch_all(self, self.actions(), trained_steps, limit, &Observer::new(), &working);
        retouched.into_iter().map(|r| Recipe::new(r.operations)).collect()
    }
}
