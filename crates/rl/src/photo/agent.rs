//! Letting a model retouch photos.

use dodge_imaging::{Operation, Photo, Recipe, Sliders};
use dodge_learn::{Action, Policy, Proposals};
use rayon::prelude::*;

use crate::photo::actions::ActionSet;
#[cfg(doc)]
use crate::photo::environment::Material;
use crate::photo::expectation::Expectation;
use crate::photo::model::Model;
use crate::photo::observation::Observe;

/// Views of each working photo that are looked at before an action is chosen: the photo as it is, and mirrored. Parts of it
/// would look to an encoder of pictures like nothing that it saw in training, and bring 0.03 dB for six times the work.
pub const VIEWS: usize = 2;

impl Policy for Model {
    fn preferences(&self, observations: &[f32]) -> Vec<f32> {
        Self::preferences(self, observations)
    }

    fn strengths(&self, observations: &[f32]) -> Vec<f32> {
        Self::strengths(self, observations)
    }

    fn proposals(&self, observations: &[f32]) -> Option<Proposals> {
        Self::proposals(self, observations)
    }
}

/// What a policy may do when it acts on photos, and when it is to leave them alone.
#[derive(Debug, Clone, Copy)]
pub struct Rules<'a> {
    /// What it may do.
    pub actions: &'a ActionSet,
    /// Edits after which it was stopped in training: observations count steps as shares of it, so that a lower limit does not
    /// change what the policy sees.
    pub max_steps: usize,
    /// Most edits.
    pub limit: usize,
    /// How often a policy looks at most that moves all strengths at once, see [`Material::most_looks`].
    pub most_looks: usize,
    /// What shows it photos.
    pub observer: &'a dyn Observe,
    /// What the gains that a policy foretells are worth.
    pub expectation: Expectation,
    /// A policy that foretells gains leaves photos alone of which no more than this is to be expected, in decibels.
    pub least_gain_db: f32,
}

/// Acts on working photos, all together, until each is stopped or the limit of edits is reached, and returns the operations
/// chosen for each. No juror is asked.
///
/// At each step the policy sees [`VIEWS`] views of every photo, and the action with the highest mean preference is taken:
/// what it would do to both is less of an accident than what it would do to one. Edits that [`ActionSet::mask`] closes are
/// not taken. A policy that moves all strengths at once does so once, and again where what came of it promises more.
///
/// Where nothing is masked, an edit that leaves the working photo as it is ends the episode: a deterministic policy might
/// choose it for ever.
pub fn retouch_all<P: Policy>(policy: &P, rules: &Rules<'_>, photos: &[&Photo]) -> Vec<Retouched> {
    let Rules { actions, max_steps, limit, .. } = *rules;
    let scaled = actions.space().scaled;
    let untouched = |&photo: &&Photo| Retouched {
        photo: photo.clone(),
        operations: Vec::new(),
        stopped: false,
        expected_gain_db: None,
    };
    let mut results: Vec<Retouched> = photos.iter().map(untouched).collect();
    let mut uses = vec![vec![0_u16; actions.len()]; photos.len()];
    let mut last: Vec<Option<usize>> = vec![None; photos.len()];
    for step in 0..limit.min(max_steps) {
        let open: Vec<usize> = (0..photos.len()).filter(|&i| !results[i].stopped).collect();
        if open.is_empty() {
            break;
        }
        let seen: Vec<(&Photo, &[u16])> = open.iter().map(|&i| (&results[i].photo, &uses[i][..])).collect();
        let observations = observed(rules, step, &seen);
        if let Some(proposals) = policy.proposals(&observations) {
            results.par_iter_mut().enumerate().for_each(|(i, result)| result.take_all(&proposals, i, rules));
            look_again(policy, rules, &mut results);
            break;
        }
        let (preferences, strengths) = (policy.preferences(&observations), policy.strengths(&observations));
        for (row, (&i, of_views)) in open.iter().zip(preferences.chunks_exact(VIEWS * actions.len())).enumerate() {
            let mut mask = vec![true; actions.len()];
            actions.mask(last[i], &results[i].photo, &mut mask);
            let kind = most_preferred(of_views, &mask);
            let strength = if kind < scaled { mean_of_views(&strengths, scaled, row)[kind] } else { 0.0 };
            uses[i][kind] += 1;
            last[i] = Some(kind);
            results[i].take(actions.operation(Action { kind, strength }));
        }
    }
    results
}

/// Shows a policy that moved all strengths at once what came of it, and lets it move them again where it foretells enough: a photo that
/// is further off than anything in its training needs more than one move.
fn look_again<P: Policy>(policy: &P, rules: &Rules<'_>, results: &mut [Retouched]) {
    // Its training knew nothing but first looks.
    let uses = vec![0; rules.actions.len()];
    let mut open: Vec<usize> = (0..results.len()).filter(|&i| !results[i].operations.is_empty()).collect();
    for _ in 1..rules.most_looks {
        if open.is_empty() {
            return;
        }
        let seen: Vec<(&Photo, &[u16])> = open.iter().map(|&i| (&results[i].photo, &uses[..])).collect();
        let Some(proposals) = policy.proposals(&observed(rules, 0, &seen)) else { return };
        let mut row = 0;
        open.retain(|&i| {
            row += 1;
            results[i].take_more(&proposals, row - 1, rules)
        });
    }
}

/// What is shown of photos after so many steps and so many uses of each action: a row for each of the [`VIEWS`] of each photo.
fn observed(rules: &Rules<'_>, step: usize, photos: &[(&Photo, &[u16])]) -> Vec<f32> {
    let length = rules.observer.observation_len(rules.actions.len());
    let mut observations = vec![0.0; photos.len() * VIEWS * length];
    observations.par_chunks_exact_mut(length).enumerate().for_each(|(row, observation)| {
        let (photo, uses) = photos[row / VIEWS];
        rules.observer.observe(&view(photo, row % VIEWS), step, rules.max_steps, uses, observation);
    });
    observations
}

/// The mean of the rows of all views of one photo, in rows of `length` numbers.
fn mean_of_views(rows: &[f32], length: usize, photo: usize) -> Vec<f32> {
    let of_views = &rows[photo * VIEWS * length..][..VIEWS * length];
    (0..length).map(|i| of_views.iter().skip(i).step_by(length).sum::<f32>() / VIEWS as f32).collect()
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
    /// What the agent expected of its edits, in decibels, or would have expected where it left the photo alone; none where it expects
    /// nothing of that kind.
    pub expected_gain_db: Option<f32>,
}

/// What has to be foretold of another move, in decibels.
const WORTH_ANOTHER_DB: f32 = 1.0;

/// The gain that is foretold of the best share of what is proposed for a photo, and that share.
fn most_promising(proposals: &Proposals, photo: usize) -> (f32, f32) {
    let gains = mean_of_views(&proposals.gains, Proposals::SHARES.len(), photo);
    let best = gains.into_iter().zip(Proposals::SHARES).max_by(|(a, _), (b, _)| a.total_cmp(b));
    best.expect("there are shares")
}

/// Sliders that move less are left where they stand: of the whole range.
const LEAST_STRENGTH: f32 = 0.0125;

/// Whether an edit moves its slider less than a model of sliders ever does.
pub(super) fn hardly_moves(operation: Operation) -> bool {
    let (Ok(slider), Some(strength)) = (Sliders::new(&[operation.kind()]), operation.strength()) else { return false };
    let least = LEAST_STRENGTH * Sliders::REACH;
    let [low, high] = [-least, least].map(|position| slider.operation(0, position).strength());
    low < Some(strength) && Some(strength) < high
}

impl Retouched {
    /// Moves all sliders, as far as promises most.
    fn take_all(&mut self, proposals: &Proposals, photo: usize, rules: &Rules<'_>) {
        let (foretold, share) = most_promising(proposals, photo);
        let gain = rules.expectation.of(foretold);
        (self.stopped, self.expected_gain_db) = (true, Some(gain));
        if gain > rules.least_gain_db {
            self.move_sliders(proposals, photo, share, rules);
        }
    }

    /// The same after the first time. Returns whether it moved any.
    fn take_more(&mut self, proposals: &Proposals, photo: usize, rules: &Rules<'_>) -> bool {
        let (foretold, share) = most_promising(proposals, photo);
        let done = self.operations.len();
        if foretold > WORTH_ANOTHER_DB {
            self.move_sliders(proposals, photo, share, rules);
        }
        self.operations.len() > done
    }

    /// Moves all sliders by this share of what is proposed.
    fn move_sliders(&mut self, proposals: &Proposals, photo: usize, share: f32, rules: &Rules<'_>) {
        let actions = rules.actions;
        let strengths = mean_of_views(&proposals.strengths, actions.space().scaled, photo);
        let mut moved: Vec<Action> =
            strengths.iter().enumerate().map(|(kind, strength)| Action { kind, strength: share * strength }).collect();
        let mut mask = vec![true; actions.len()];
        actions.mask(None, &self.photo, &mut mask);
        moved.retain(|action| mask[action.kind] && action.strength.abs() >= LEAST_STRENGTH);
        let room = rules.limit.saturating_sub(self.operations.len());
        if moved.len() > room {
            moved.sort_by(|a, b| b.strength.abs().total_cmp(&a.strength.abs()));
            moved.truncate(room);
            moved.sort_by_key(|action| action.kind);
        }
        for operation in moved.into_iter().filter_map(|action| actions.operation(action)) {
            operation.apply_in_place(&mut self.photo);
            self.operations.push(operation);
        }
    }

    fn take(&mut self, operation: Option<Operation>) {
        let Some(operation) = operation else {
            self.stopped = true;
            return;
        };
        let edited = operation.apply(&self.photo);
        if edited == self.photo {
            self.stopped = true;
        } else {
            self.photo = edited;
            self.operations.push(operation);
        }
    }
}

impl Model {
    /// Finds the recipe for one photo of any size: the model looks at a working photo of its own size; the recipe is
    /// for replaying at full size.
    #[must_use]
    pub fn recipe_for(&self, photo: &Photo) -> Recipe {
        self.recipes_for(&[photo], usize::MAX).remove(0)
    }

    /// How it acts, with at most `limit` edits.
    #[must_use]
    pub fn rules(&self, limit: usize) -> Rules<'_> {
        Rules {
            actions: self.actions(),
            max_steps: self.configuration().max_steps,
            limit,
            most_looks: self.configuration().most_looks,
            observer: &**self.observer(),
            expectation: self.configuration().expectation,
            least_gain_db: self.configuration().least_gain_db,
        }
    }

    /// Finds the recipes for several photos with at most `limit` edits each; step by step, never more than in training.
    #[must_use]
    pub fn recipes_for(&self, photos: &[&Photo], limit: usize) -> Vec<Recipe> {
        self.find(photos, limit).into_iter().map(|found| found.recipe).collect()
    }

    /// The same, with what the model expects of each.
    #[must_use]
    pub fn find(&self, photos: &[&Photo], limit: usize) -> Vec<Found> {
        self.found(photos, &self.rules(limit))
    }

    /// The same, whatever little gain it expects.
    pub(crate) fn find_boldly(&self, photos: &[&Photo]) -> Vec<Found> {
        let least_gain_db = self.configuration().expectation.boldest_db();
        self.found(photos, &Rules { least_gain_db, ..self.rules(usize::MAX) })
    }

    fn found(&self, photos: &[&Photo], rules: &Rules<'_>) -> Vec<Found> {
        let size = self.configuration().working_size;
        let working: Vec<Photo> = photos.par_iter().map(|photo| photo.thumbnail(size)).collect();
        let working: Vec<&Photo> = working.iter().collect();
        let retouched = retouch_all(self, rules, &working);
        let found = |(retouched, photo): (Retouched, &&Photo)| Found {
            recipe: Recipe::new(retouched.operations).with_longer_side(photo.longer_side()),
            expected_gain_db: retouched.expected_gain_db,
        };
        retouched.into_iter().zip(&working).map(found).collect()
    }
}

/// What a model found for a photo.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// The edits, for replaying at any size.
    pub recipe: Recipe,
    /// What the model expects of them, in decibels of PSNR to what it was taught to reach, or would have expected where it leaves the
    /// photo alone; none where it expects nothing of that kind. The nearer to [`ModelConfiguration::least_gain_db`], the less sure
    /// it is.
    ///
    /// [`ModelConfiguration::least_gain_db`]: crate::ModelConfiguration::least_gain_db
    pub expected_gain_db: Option<f32>,
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
