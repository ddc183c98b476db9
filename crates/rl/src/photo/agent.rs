//! Letting a model retouch photos.

use dodge_imaging::{Operation, Photo, Recipe};
use dodge_learn::Policy;
use rayon::prelude::*;

use crate::photo::actions::ActionSet;
use crate::photo::model::Model;
use crate::photo::observation::Observer;

/// Views of each working photo that are looked at before an action is chosen: the whole photo and five parts of it, each
/// also mirrored.
pub const VIEWS: usize = 12;

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
/// what it would do to every part of a photo is less of an accident than what it would do to one. Edits that
/// [`ActionSet::mask`] closes are not taken.
///
/// Where nothing is masked, an edit that leaves the working photo as it is ends the episode: a deterministic policy might
/// choose it for ever.
pub fn retouch_all<P: Policy>(
    policy: &P,
    actions: &ActionSet,
    max_steps: usize,
    limit: usize,
    observer: &Observer,
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

/// One of the [`VIEWS`] of a photo: even ones as it is, odd ones mirrored.
fn view(photo: &Photo, index: usize) -> Photo {
    let (width, height) = (photo.width(), photo.height());
    // Parts of three quarters of each side; the smallest photo is one pixel.
    let (part_width, part_height) = ((width * 3 / 4).max(1), (height * 3 / 4).max(1));
    let (right, bottom) = (width - part_width, height - part_height);
    let (left, top) = match index / 2 {
        0 => return if index == 0 { photo.clone() } else { photo.mirrored() },
        1 => (0, 0),
        2 => (right, 0),
        3 => (0, bottom),
        4 => (right, bottom),
        _ => (right / 2, bottom / 2),
    };
    let part = photo.cropped(left, top, part_width, part_height);
    if index.is_multiple_of(2) { part } else { part.mirrored() }
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
        let retouched = retouch_all(self, self.actions(), trained_steps, limit, &self.observer(), &working);
        let recipes = retouched.into_iter().zip(&working);
        recipes.map(|(retouch, photo)| Recipe::new(retouch.operations).with_longer_side(photo.longer_side())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_views_are_the_photo_and_its_parts() {
        let photo = Photo::from_fn(8, 4, |x, y| [x as u8, y as u8, 0]).unwrap();
        let views: Vec<Photo> = (0..VIEWS).map(|index| view(&photo, index)).collect();
        assert_eq!(views[0], photo);
        for pair in views.chunks(2) {
            assert_eq!(pair[1], pair[0].mirrored());
        }
        let corners: Vec<[u8; 3]> = views.iter().step_by(2).skip(1).map(|view| view.pixel(0, 0)).collect();
        assert_eq!(corners, [[0, 0, 0], [2, 0, 0], [0, 1, 0], [2, 1, 0], [1, 0, 0]]);
        assert!(views[2..].iter().all(|view| (view.width(), view.height()) == (6, 3)));
        let dot = Photo::from_fn(1, 1, |_, _| [7; 3]).unwrap();
        assert!((0..VIEWS).all(|index| view(&dot, index) == dot));
    }

    #[test]
    fn views_are_averaged() {
        // Each view for itself prefers action 0 and then 2; together they prefer 1.
        let of_views = [0.5, 0.4, 0.1, 0.1, 0.44, 0.46];
        assert_eq!(most_preferred(&of_views, &[true; 3]), 1);
        assert_eq!(most_preferred(&of_views, &[true, false, true]), 0);
    }
}
