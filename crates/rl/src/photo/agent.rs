//! Letting a model retouch photos.

use dodge_imaging::{Operation, Photo, Recipe};
use dodge_learn::Policy;
use rayon::prelude::*;

use crate::photo::actions::ActionSet;
use crate::photo::model::Model;
use crate::photo::observation::Observe;

/// Views of each working photo that are looked at before an action is chosen: the photo as it is, and mirrored. Parts of it
/// would look to an encoder of pictures like nothing that it saw in training, and bring 0.03 dB for six times the work.
pub const VIEWS: usize = 2;

impl Policy for Model {
    fn preferences(&self, observations: &[f32]) -> Vec<f32> {
        Self::preferences(self, observations)
    }
}

/// Acts on working photos, all together, until each is stopped or `limit` edits are made, and returns the operations
/// chosen for each. No juror is asked. Observations count steps as shares of `max_steps`, as in training, so that a
/// lower limit does not change what the policy sees.
///
/// At each step the policy sees [`VIEWS`] views of every photo, and the action with the highest mean preference is taken:
/// what it would do to both is less of an accident than what it would do to one. Edits that [`ActionSet::mask`] closes are
/// not taken.
///
/// Where nothing is masked, an edit that leaves the working photo as it is ends the episode: a deterministic policy might
/// choose it for ever.
pub fn retouch_all<P: Policy>(
    policy: &P,
    actions: &ActionSet,
    max_steps: usize,
    limit: usize,
    observer: &dyn Observe,
    photos: &[&Photo],
) -> Vec<Retouched> {
    let length = observer.observation_len(actions.len());
    let mut results: Vec<Retouched> = photos
        .iter()
        .map(|&photo| Retouched { photo: photo.clone(), operations: Vec::new(), stopped: false })
        .collect();
    let mut uses = vec![vec![0_u16; actions.len()]; photos.len()];
    let mut last: Vec<Option<usize>> = vec![None; photos.len()];
    for step in 0..limit.min(max_steps) {
        let open: Vec<usize> = (0..photos.len()).filter(|&i| !results[i].stopped).collect();
        if open.is_empty() {
            break;
        }
        let mut observations = vec![0.0; open.len() * VIEWS * length];
        observations.par_chunks_exact_mut(length).enumerate().for_each(|(row, observation)| {
            let i = open[row / VIEWS];
            let view = view(&results[i].photo, row % VIEWS);
            observer.observe(&view, step, max_steps, &uses[i], observation);
        });
        let preferences = policy.preferences(&observations);
        for (&i, of_views) in open.iter().zip(preferences.chunks_exact(VIEWS * actions.len())) {
            let mut mask = vec![true; actions.len()];
            actions.mask(last[i], &results[i].photo, &mut mask);
            let action = most_preferred(of_views, &mask);
            uses[i][action] += 1;
            last[i] = Some(action);
            results[i].take(actions.operation(action));
        }
    }
    results
}

/// One of the [`VIEWS`] of a photo.
fn view(photo: &Photo, index: usize) -> Photo {
    if index == 0 { photo.clone() } else { photo.mirrored() }
}

/// The open action with the highest sum of preferences, `[view][action]`.
fn most_preferred(of_views: &[f32], mask: &[bool]) -> usize {
    let sum = |action: usize| of_views.iter().skip(action).step_by(mask.len()).sum::<f32>();
    let open = (0..mask.len()).filter(|&action| mask[action]);
    open.max_by(|&a, &b| sum(a).total_cmp(&sum(b))).unwrap_or_default()
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
        let retouched = retouch_all(self, self.actions(), trained_steps, limit, &**self.observer(), &working);
        let recipes = retouched.into_iter().zip(&working);
        recipes.map(|(retouch, photo)| Recipe::new(retouch.operations).with_longer_side(photo.longer_side())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn views_are_averaged() {
        // Each view for itself prefers action 0 and then 2; together they prefer 1.
        let of_views = [0.5, 0.4, 0.1, 0.1, 0.44, 0.46];
        assert_eq!(most_preferred(&of_views, &[true; 3]), 1);
        assert_eq!(most_preferred(&of_views, &[true, false, true]), 0);
    }
}
