//! The task itself: retouch a damaged photo, edit by edit, and stop in time.

use std::sync::Arc;

use dodge_hparams::{Choice, HParams};
use dodge_imaging::{Photo, Sliders, rmse};
use dodge_juror::Juror;
use dodge_learn::{Action, Environment, Error as LearnError, Spaces, StateReader, StateWriter, Step, View};
use dodge_preprocess::{DamageProtocol, RandomStream};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::error::Error;
use crate::photo::actions::{ActionSet, FIXED};
use crate::photo::levels::{Levels, QUANTILES};
use crate::photo::observation::Observe;
use crate::photo::reward::{Reward, Standing};
use crate::photo::tally::Tally;

/// The task: what the agent may do and for how long.
#[derive(Debug, Clone, PartialEq, HParams)]
#[hparams(section = "environment")]
pub struct EnvironmentParams {
    /// What the agent may do; *stop* is always there too. An operation with its strength (`gamma:1.2`) is done as it is; of a kind
    /// by its name alone (`gamma`) the agent chooses the strength. Empty for what suits algorithm and photos: with `apg` free
    /// strengths of the kinds that undo the standard damage, and of all that can be differentiated for pairs and other damage; else two
    /// fixed strengths of five pixel-wise edits in both directions.
    #[hparam(default = [])]
    pub actions: Vec<String>,
    /// Whether edits are masked that would leave the working photo as it is, or take the last edit back: in training, and
    /// wherever the model acts later.
    #[hparam(default = true)]
    pub mask_actions: bool,
    /// How many decisions an episode has.
    #[hparam(default = TaskKind::MultiStep)]
    pub task: TaskKind,
    /// Whether an episode of the training ends with the best photo that it came by, instead of the last: the one nearest to
    /// the original with the reward strategy `fidelity`, else the one with the highest score, the earliest of equal ones.
    /// Going back is paid like an edit, without its cost; harm then goes unpunished. Where the model acts later there is
    /// neither original nor juror to tell which photo is best, so that nothing goes back: validation and evaluation count
    /// the last one.
    #[hparam(default = false)]
    pub restore_best: bool,
    /// Edits after which an episode ends, for the task `multi-step`.
    #[hparam(default = 10, range = 1..=100, unit = "edits")]
    pub max_steps: usize,
    /// Longer side of the working photo that the agent learns on and looks at; recipes are replayed at full size.
    #[hparam(default = 48, range = 16..=1024, unit = "pixels")]
    pub working_size: u32,
    /// Longer side at which training photos are damaged, before they are scaled down to the working size. Damage clips
    /// single pixels, so that a thumbnail of a damaged photo is not a damaged thumbnail, and users' photos are large.
    #[hparam(default = 144, range = 16..=2048, unit = "pixels")]
    pub damage_size: u32,
    /// Whether each training episode draws a new damage; otherwise the one stored by preprocessing is used every time. Pairs
    /// are never damaged.
    #[hparam(default = true)]
    pub fresh_damage: bool,
    /// Whether training photos are varied from episode to episode, so that they cannot be learnt by heart: mirrored in
    /// half of the episodes, cropped to a random part, and slightly changed in tone and colour. Of a pair both sides are
    /// mirrored, and nothing else: what a person did to a photo is right for the whole of it.
    #[hparam(default = true)]
    pub vary_photos: bool,
    /// Smallest share of each side that a random crop keeps.
    #[hparam(default = 0.5, range = 0.2..=1.0)]
    pub least_crop: f64,
    /// Strength of the random change of tone and colour, as a share of that of damage: with more, the agent becomes timid.
    #[hparam(default = 0.0, range = 0.0..=1.0)]
    pub tone_variation: f64,
}

impl EnvironmentParams {
    /// The actions, masked as `mask_actions` says; fixed ones where there are none in the list.
    ///
    /// # Errors
    /// As [`ActionSet::parse`].
    pub fn action_set(&self) -> Result<ActionSet, Error> {
        let actions =
            if self.actions.is_empty() { ActionSet::parse(&FIXED)? } else { ActionSet::parse(&self.actions)? };
        Ok(if self.mask_actions { actions } else { actions.unmasked() })
    }

    /// Most edits of an episode.
    #[must_use]
    pub fn edit_limit(&self) -> usize {
        match self.task {
            TaskKind::MultiStep => self.max_steps,
            TaskKind::SingleStep => 1,
        }
    }
}

/// How many decisions an episode has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Choice)]
pub enum TaskKind {
    /// One edit after the other until the agent stops, or has made the last one allowed.
    MultiStep,
    /// One edit, or none.
    SingleStep,
}

/// What an agent learns from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Material {
    /// Good photos: they are damaged by this protocol, and the agent brings them back.
    Damaged(DamageProtocol),
    /// Photos before and after somebody edited them: the agent edits as that person did. Nothing is damaged.
    Pairs,
}

impl Material {
    /// How often an agent looks at most that moves all sliders at once. One that brings damaged photos back was shown undamaged ones too:
    /// it knows when it is done, and what is further off than the damage of its training takes more than one move. What a person
    /// made of a photo is never shown to it: a second look would make the same edits again.
    #[must_use]
    pub fn most_looks(self) -> usize {
        match self {
            Self::Damaged(_) => 3,
            Self::Pairs => 1,
        }
    }
}

impl Default for Material {
    fn default() -> Self {
        Self::Damaged(DamageProtocol::default())
    }
}

/// A photo to learn from, at [`EnvironmentParams::damage_size`].
#[derive(Debug, Clone)]
pub struct TrainingPhoto {
    /// What is wanted: the undamaged original; of a pair the photo *after*.
    pub original: Photo,
    /// What the agent is given: the damaged photo; of a pair the photo *before*.
    pub degraded: Photo,
}

/// What all environments of a training share.
pub struct PhotoTask {
    /// The photos, at least one.
    pub photos: Vec<TrainingPhoto>,
    /// What they are.
    pub material: Material,
    /// The actions, from [`EnvironmentParams::action_set`].
    pub actions: ActionSet,
    /// The task's parameters.
    pub environment: EnvironmentParams,
    /// What is paid for.
    pub reward: Arc<dyn Reward>,
    /// Share of episodes with fresh damage that start from an undamaged photo, 0 to 1.
    pub undamaged_share: f64,
    /// Scores working photos for the reward.
    pub juror: Arc<dyn Juror>,
    /// Describes working photos.
    pub observer: Arc<dyn Observe>,
    /// Whether a value network learns, too: it is told how far a photo is from its original, which takes a seventh of an episode's time.
    pub has_critic: bool,
}

/// One environment: an episode is one photo.
///
/// *Stop* terminates the episode, and so does the last allowed edit: the limit is part of the task, an observation tells how
/// near it is, and a model is stopped there too, so that nothing follows (Pardo et al. 2018, arXiv:1712.00378).
/// [`RewardStrategy`](crate::RewardStrategy) says what an end pays. Random draws (photo, mirroring, damage) come from the
/// environment's own generator.
pub struct PhotoEnv {
    task: Arc<PhotoTask>,
    rng: ChaCha8Rng,
    original: Photo,
    /// How the levels of the original are spread, which only the critic is told.
    original_quantiles: Vec<f32>,
    current: Photo,
    /// How the photo stood when the episode began, and stands now.
    first: Standing,
    now: Standing,
    /// The best photo of the episode, where it will be restored.
    best: Option<(Photo, Standing)>,
    steps: usize,
    /// The last edit of the episode.
    last: Option<usize>,
    uses: Vec<u16>,
    tally: Tally,
}

/// A part of a photo, as it is or mirrored.
struct Part {
    left: u32,
    top: u32,
    width: u32,
    height: u32,
    mirrored: bool,
}

impl Part {
    fn of(&self, photo: &Photo) -> Photo {
        let part = photo.cropped(self.left, self.top, self.width, self.height);
        if self.mirrored { part.mirrored() } else { part }
    }
}

impl PhotoEnv {
    /// Makes the environment with the given `index`; each index has its own random stream of `seed`.
    ///
    /// # Panics
    /// When the task has no photo.
    #[must_use]
    pub fn new(task: Arc<PhotoTask>, seed: u64, index: u32) -> Self {
        let first = task.photos.first().expect("a task has at least one photo");
        let (original, current) = (first.original.clone(), first.degraded.clone());
        let rng = RandomStream::Environment(index).generator(seed);
        let uses = vec![0; task.actions.len()];
        Self {
            task,
            rng,
            original,
            original_quantiles: vec![0.0; QUANTILES],
            current,
            first: Standing::default(),
            now: Standing::default(),
            best: None,
            steps: 0,
            last: None,
            uses,
            tally: Tally::default(),
        }
    }

    /// What happened since this was last asked.
    pub(crate) fn take_tally(&mut self) -> Tally {
        std::mem::take(&mut self.tally)
    }

    /// The part of a photo that an episode is about; none for all of it.
    fn drawn_part(&mut self, photo: &Photo) -> Option<Part> {
        let params = &self.task.environment;
        if !params.vary_photos {
            return None;
        }
        let mut part = |side: u32| {
            let kept = self.rng.random_range(params.least_crop..=1.0);
            let length = ((f64::from(side) * kept).round() as u32).clamp(1, side);
            (self.rng.random_range(0..=side - length), length)
        };
        let ((left, width), (top, height)) = (part(photo.width()), part(photo.height()));
        Some(Part { left, top, width, height, mirrored: self.rng.random_bool(0.5) })
    }

    /// Another photo that could have been taken in the same place.
    fn varied(&mut self, photo: &Photo, protocol: DamageProtocol) -> Photo {
        let Some(part) = self.drawn_part(photo) else { return photo.clone() };
        let strength = self.task.environment.tone_variation as f32;
        if strength == 0.0 {
            return part.of(photo);
        }
        protocol.draw(&mut self.rng).scaled(strength).apply(&part.of(photo))
    }

    /// What is wanted and what is given in an episode with `photo`, at the working size.
    fn drawn(&mut self, photo: &TrainingPhoto) -> (Photo, Photo) {
        let (task, TrainingPhoto { original, degraded }) = (Arc::clone(&self.task), photo);
        let small = |photo: &Photo| photo.thumbnail(task.environment.working_size);
        match task.material {
            // Neither part nor tone is another one: what a person did to a photo is right for the photo as it was.
            Material::Pairs => {
                let is_mirrored = task.environment.vary_photos && self.rng.random_bool(0.5);
                let seen = |photo: &Photo| if is_mirrored { photo.mirrored() } else { photo.clone() };
                (small(&seen(original)), small(&seen(degraded)))
            }
            Material::Damaged(_) if !task.environment.fresh_damage => (small(original), small(degraded)),
            Material::Damaged(protocol) => {
                let original = self.varied(original, protocol);
                if self.rng.random_bool(task.undamaged_share) {
                    let original = small(&original);
                    (original.clone(), original)
                } else {
                    let degraded = protocol.draw(&mut self.rng).apply(&original);
                    (small(&original), small(&degraded))
                }
            }
        }
    }

    /// Takes down what of the original a value network is told.
    fn tell_critic(&mut self) {
        if self.task.has_critic {
            self.original_quantiles = quantiles(&self.original);
        }
    }

    fn measured(&self) -> Result<Standing, Error> {
        let error = rmse(&self.original, &self.current)?;
        // A juror that nobody listens to is not asked.
        let score = if self.task.reward.needs_score() { self.task.juror.score_one(&self.current)? } else { 0.0 };
        Ok(Standing { error, score })
    }

    fn remember_best(&mut self) {
        if let Some((photo, standing)) = &mut self.best
            && self.task.reward.is_better(self.now, *standing)
        {
            photo.clone_from(&self.current);
            *standing = self.now;
        }
    }

    /// Ends the episode with its best photo, where that is wanted, and tells what this is worth.
    fn go_back_to_best(&mut self) -> f64 {
        let Some((photo, standing)) = self.best.take() else { return 0.0 };
        let worth = self.task.reward.of_change(self.now, standing);
        (self.current, self.now, self.last) = (photo, standing, None);
        worth
    }
}

impl Environment for PhotoEnv {
    fn spaces(&self) -> Spaces {
        self.task.spaces()
    }

    fn reset(&mut self) -> Result<(), LearnError> {
        let task = Arc::clone(&self.task);
        let photo = &task.photos[self.rng.random_range(0..task.photos.len())];
        (self.original, self.current) = self.drawn(photo);
        self.now = self.measured()?;
        self.first = self.now;
        self.best = task.environment.restore_best.then(|| (self.current.clone(), self.now));
        (self.steps, self.last) = (0, None);
        self.uses.fill(0);
        self.tell_critic();
        Ok(())
    }

    fn step(&mut self, action: Action) -> Result<Step, LearnError> {
        let task = Arc::clone(&self.task);
        let chosen = task.actions.operation(action);
        let action = action.kind;
        self.uses[action] += 1;
        let reward = &*task.reward;
        let mut paid = 0.0;
        let terminated = match chosen {
            None => {
                self.tally.count_action(action, 0.0);
                true
            }
            Some(operation) => {
                operation.apply_in_place(&mut self.current);
                (self.steps, self.last) = (self.steps + 1, Some(action));
                let after = self.measured()?;
                paid = reward.of_change(self.now, after) - reward.cost_of_edit();
                self.tally.count_action(action, after.score - self.now.score);
                self.now = after;
                self.remember_best();
                self.steps >= task.environment.edit_limit()
            }
        };
        if terminated {
            paid += self.go_back_to_best();
            self.tally.count_episode(self.first, self.now, reward.is_better(self.now, self.first));
            paid += reward.of_end(self.first, self.now);
        }
        Ok(Step { reward: paid as f32, terminated, truncated: false })
    }

    /// Beside the observation and the mask, how far the photo is from its original: the root mean squared error, and the
    /// differences of the quantiles.
    fn show(&self, view: View<'_>) {
        let limit = self.task.environment.edit_limit();
        self.task.observer.observe(&self.current, self.steps, limit, &self.uses, view.observation);
        self.task.actions.mask(self.last, &self.current, view.mask);
        if let [error, quantile_differences @ ..] = view.privileged {
            *error = (10.0 * self.now.error) as f32;
            let pairs = self.original_quantiles.iter().zip(quantiles(&self.current));
            let differences = pairs.map(|(original, now)| 2.0 * (original - now));
            quantile_differences.iter_mut().zip(differences).for_each(|(value, difference)| *value = difference);
        }
    }

    /// In decibels of the error to the original: what the edits of free strength would gain together.
    fn gain(&self, strengths: &[f32], by_strength: Option<&mut [f32]>) -> Result<f32, LearnError> {
        let wanted = levels(&self.original);
        let stood = error_db(&levels(&self.current), &wanted);
        let positions: Vec<f32> = strengths.iter().map(|strength| strength * Sliders::REACH).collect();
        let sliders = self.task.actions.sliders();
        let Some(by_strength) = by_strength else {
            return Ok(stood - error_db(&sliders.apply(&self.current, &positions), &wanted));
        };
        let (gradient, error) = sliders.gradient(&self.current, &positions, |values| error_and_slope(values, &wanted));
        by_strength.iter_mut().zip(gradient).for_each(|(to, by_position)| *to = -Sliders::REACH * by_position);
        Ok(stood - error)
    }

    fn save_state(&self, writer: &mut StateWriter) -> Result<(), LearnError> {
        writer.write(&(&self.rng, saved(&self.original), saved(&self.current)))?;
        writer.write(&(self.first.error, self.first.score, self.now.score))?;
        writer.write(&self.best.as_ref().map(|(photo, standing)| (saved(photo), standing.score)))?;
        writer.write(&(self.steps as u64, self.last.map(|last| last as u64)))?;
        writer.write(&self.uses)
    }

    fn restore_state(&mut self, reader: &mut StateReader<'_>) -> Result<(), LearnError> {
        let (original, current): (SavedPhoto, SavedPhoto);
        let (steps, last): (u64, Option<u64>);
        (self.rng, original, current) = reader.read()?;
        (self.first.error, self.first.score, self.now.score) = reader.read()?;
        let best: Option<(SavedPhoto, f64)> = reader.read()?;
        (steps, last) = reader.read()?;
        let uses: Vec<u16> = reader.read()?;
        reader.expect_len("actions", self.uses.len(), uses.len())?;
        (self.original, self.current) = (restored(original)?, restored(current)?);
        // Measured anew: photos of different sizes end here.
        self.now.error = rmse(&self.original, &self.current).map_err(Error::from)?;
        if best.is_some() != self.task.environment.restore_best {
            return Err(LearnError::State {
                reason: "the state was taken down with another environment.restore_best".into(),
            });
        }
        self.best = match best {
            Some((photo, score)) => {
                let photo = restored(photo)?;
                let error = rmse(&self.original, &photo).map_err(Error::from)?;
                Some((photo, Standing { error, score }))
            }
            None => None,
        };
        self.steps = reader.index(steps, self.task.environment.edit_limit() + 1)?;
        self.last = last.map(|last| reader.index(last, self.uses.len())).transpose()?;
        self.uses = uses;
        self.tell_critic();
        Ok(())
    }
}

fn quantiles(photo: &Photo) -> Vec<f32> {
    let mut values = Vec::with_capacity(QUANTILES);
    Levels::of(photo).quantiles(|value| values.push(value));
    values
}

/// The pixels from 0 to 1.
fn levels(photo: &Photo) -> Vec<[f32; 3]> {
    photo.pixels().as_chunks::<3>().0.iter().map(|pixel| pixel.map(|value| f32::from(value) / 255.0)).collect()
}

/// Squared errors below this are all alike: about a level of 255, so that the last hundredth of a decibel is not what is
/// learnt.
const LEAST_ERROR: f32 = 2e-5;

/// The mean squared error in decibels.
fn error_db(values: &[[f32; 3]], wanted: &[[f32; 3]]) -> f32 {
    let pairs = values.as_flattened().iter().zip(wanted.as_flattened());
    let sum: f64 = pairs.map(|(value, wanted)| f64::from(value - wanted).powi(2)).sum();
    decibels(sum / (3 * values.len()) as f64)
}

fn decibels(squared: f64) -> f32 {
    10.0 * (squared as f32 + LEAST_ERROR).log10()
}

/// The same; every value is replaced by the slope of it by this value.
fn error_and_slope(values: &mut [[f32; 3]], wanted: &[[f32; 3]]) -> f32 {
    let count = (3 * values.len()) as f64;
    let mut sum = 0.0_f64;
    for (value, wanted) in values.as_flattened_mut().iter_mut().zip(wanted.as_flattened()) {
        *value -= wanted;
        sum += f64::from(*value).powi(2);
    }
    let squared = sum / count;
    let slope = 20.0 / std::f32::consts::LN_10 / (squared as f32 + LEAST_ERROR) / count as f32;
    values.as_flattened_mut().iter_mut().for_each(|value| *value *= slope);
    decibels(squared)
}

/// A photo as it is written into a state.
type SavedPhoto = (u32, u32, Vec<u8>);

fn saved(photo: &Photo) -> SavedPhoto {
    (photo.width(), photo.height(), photo.pixels().to_vec())
}

fn restored((width, height, pixels): SavedPhoto) -> Result<Photo, LearnError> {
    Photo::new(width, height, pixels)
        .map_err(|e| LearnError::State { reason: format!("the state has no sound photo: {e}") })
}

impl std::fmt::Debug for PhotoEnv {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PhotoEnv(step {} on {:?})", self.steps, self.current)
    }
}

impl PhotoTask {
    /// The shapes of what passes between a learner and environments of this task.
    #[must_use]
    pub fn spaces(&self) -> Spaces {
        let actions = self.actions.space();
        let (observation_len, picture) = (self.observer.observation_len(actions.kinds), self.observer.picture());
        let privileged_len = if self.has_critic { 1 + QUANTILES } else { 0 };
        Spaces { observation_len, picture, privileged_len, actions }
    }
}

impl std::fmt::Debug for PhotoTask {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PhotoTask({} photos, {} actions)", self.photos.len(), self.actions.len())
    }
}
