//! The task itself: retouch a damaged photo, edit by edit, and stop in time.

use std::sync::Arc;

use dodge_hparams::{Choice, HParams};
use dodge_imaging::{Damage, Photo, rmse};
use dodge_juror::Juror;
use dodge_learn::{Environment, Error as LearnError, Picture, Spaces, StateReader, StateWriter, Step};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::error::Error;
use crate::photo::actions::ActionSet;
use crate::photo::observation::{Observer, PHOTO_FEATURES, QUANTILE_FEATURES};
use crate::photo::reward::{RewardParams, Standing};
use crate::photo::tally::Tally;

/// The task: what the agent may do and for how long.
#[derive(Debug, Clone, PartialEq, HParams)]
#[hparams(section = "environment")]
pub struct EnvironmentParams {
    /// Operations that the agent may choose, in their text form; *stop* is always there too. The default has two
    /// strengths of five pixel-wise edits in both directions: the fine ones are about half of what is barely visible,
    /// the coarse ones about the middle of the standard damage.
    #[hparam(default = [
        "lightness:10",
        "lightness:-10",
        "lightness:30",
        "lightness:-30",
        "gamma:1.127",
        "gamma:0.887",
        "gamma:1.419",
        "gamma:0.705",
        "contrast:1.105",
        "contrast:0.905",
        "contrast:1.35",
        "contrast:0.741",
        "saturation:1.162",
        "saturation:0.861",
        "saturation:1.492",
        "saturation:0.67",
        "warmth:0.04",
        "warmth:-0.04",
        "warmth:0.11",
        "warmth:-0.11",
    ])]
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
    /// Edits after which an episode is cut off, for the task `multi-step`.
    #[hparam(default = 10, range = 1..=100, unit = "edits")]
    pub max_steps: usize,
    /// Longer side of the working photo that the agent learns on and looks at; recipes are replayed at full size.
    #[hparam(default = 48, range = 16..=1024, unit = "pixels")]
    pub working_size: u32,
    /// Longer side at which training photos are damaged, before they are scaled down to the working size. Damage clips
    /// single pixels, so that a thumbnail of a damaged photo is not a damaged thumbnail, and users' photos are large.
    #[hparam(default = 144, range = 16..=2048, unit = "pixels")]
    pub damage_size: u32,
    /// Whether each training episode draws a new damage; otherwise the one stored by preprocessing is used every time.
    #[hparam(default = true)]
    pub fresh_damage: bool,
    /// Whether training photos are varied from episode to episode, so that they cannot be learnt by heart: mirrored in
    /// half of the episodes, cropped to a random part, and slightly changed in tone and colour.
    #[hparam(default = true)]
    pub vary_photos: bool,
    /// Smallest share of each side that a random crop keeps.
    #[hparam(default = 0.5, range = 0.2..=1.0)]
    pub least_crop: f64,
    /// Strength of the random change of tone and colour, as a share of the standard damage's.
    #[hparam(default = 0.4, range = 0.0..=1.0)]
    pub tone_variation: f64,
}

impl EnvironmentParams {
    /// The actions, masked as `mask_actions` says.
    ///
    /// # Errors
    /// As [`ActionSet::parse`].
    pub fn action_set(&self) -> Result<ActionSet, Error> {
        let actions = ActionSet::parse(&self.actions)?;
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
    /// One edit after the other until the agent stops, or is cut off.
    MultiStep,
    /// One edit, or none: either ends the episode, and is paid as a stop after it would be.
    SingleStep,
}

/// A photo to learn from, at [`EnvironmentParams::damage_size`].
#[derive(Debug, Clone)]
pub struct TrainingPhoto {
    /// The undamaged original.
    pub original: Photo,
    /// What the agent is given.
    pub degraded: Photo,
}

/// What all environments of a training share.
pub struct PhotoTask {
    /// The photos, at least one.
    pub photos: Vec<TrainingPhoto>,
    /// The actions, from [`EnvironmentParams::action_set`].
    pub actions: ActionSet,
    /// The task's parameters.
    pub environment: EnvironmentParams,
    /// What is paid for.
    pub reward: RewardParams,
    /// Share of episodes with fresh damage that start from an undamaged photo, 0 to 1.
    pub undamaged_share: f64,
    /// Scores working photos for the reward.
    pub juror: Arc<dyn Juror>,
    /// Describes working photos.
    pub observer: Observer,
}

/// One environment: an episode is one photo.
///
/// *Stop* terminates the episode; [`RewardStrategy`](crate::RewardStrategy) says what it pays. After the last allowed edit the agent chooses once more: to stop, or to
/// go on, which costs an edit, changes nothing and truncates the episode. Without this choice nothing would ever teach
/// the value network what the states at the limit are worth, although truncation goes on with their value: its guess
/// then feeds on itself, and never to stop comes to look best. Random draws (photo, mirroring,
/// damage) come from the environment's own generator.
pub struct PhotoEnv {
    task: Arc<PhotoTask>,
    rng: ChaCha8Rng,
    original: Photo,
    /// Quantiles of the original and of the current photo, as the observer describes them.
    original_quantiles: Vec<f32>,
    current_quantiles: Vec<f32>,
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

impl PhotoEnv {
    /// Makes the environment with the given `index`; each index has its own random stream of `seed`.
    ///
    /// # Panics
    /// When the task has no photo.
    #[must_use]
    pub fn new(task: Arc<PhotoTask>, seed: u64, index: u64) -> Self {
        let first = task.photos.first().expect("a task has at least one photo");
        let (original, current) = (first.original.clone(), first.degraded.clone());
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(index + 1);
        let uses = vec![0; task.actions.len()];
        let quantiles = vec![0.0; QUANTILE_FEATURES];
        Self {
            task,
            rng,
            original,
            original_quantiles: quantiles.clone(),
            current_quantiles: quantiles,
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

    /// The lengths of what passes between a learner and environments of this task.
    #[must_use]
    pub fn spaces(task: &PhotoTask) -> Spaces {
        let action_count = task.actions.len();
        let (observation_len, picture) = (task.observer.observation_len(action_count), task.observer.picture());
        Spaces { observation_len, picture, privileged_len: 1 + QUANTILE_FEATURES, action_count }
    }

    /// What happened since this was last asked.
    pub(crate) fn take_tally(&mut self) -> Tally {
        std::mem::take(&mut self.tally)
    }

    fn observe(&mut self, observation: &mut [f32]) {
        let limit = self.task.environment.edit_limit();
        self.task.observer.observe(&self.current, self.steps, limit, &self.uses, observation);
        if self.task.observer.picture().is_none() {
            // The observation begins with them.
            self.current_quantiles.copy_from_slice(&observation[..QUANTILE_FEATURES]);
        } else {
            self.current_quantiles = self.quantiles(&self.current);
        }
    }

    fn describe_original(&mut self) {
        self.original_quantiles = self.quantiles(&self.original);
    }

    fn quantiles(&self, photo: &Photo) -> Vec<f32> {
        let mut features = vec![0.0; PHOTO_FEATURES];
        self.task.observer.describe(photo, &mut features);
        features.truncate(QUANTILE_FEATURES);
        features
    }

    /// Another photo that could have been taken in the same place.
    fn varied(&mut self, photo: &Photo) -> Photo {
        let params = &self.task.environment;
        if !params.vary_photos {
            return photo.clone();
        }
        let mut part = |side: u32| {
            let kept = self.rng.random_range(params.least_crop..=1.0);
            let length = ((f64::from(side) * kept).round() as u32).clamp(1, side);
            (self.rng.random_range(0..=side - length), length)
        };
        let ((left, width), (top, height)) = (part(photo.width()), part(photo.height()));
        let mut varied = photo.cropped(left, top, width, height);
        if self.rng.random_bool(0.5) {
            varied = varied.mirrored();
        }
        Damage::standard(&mut self.rng).scaled(params.tone_variation as f32).apply(&varied)
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

    /// Ends the episode with its best photo, where that is wanted, and tells what this is worth. An episode that is cut off
    /// goes back too: what could have followed then follows the best photo, whose gain is not counted again.
    fn go_back_to_best(&mut self) -> f64 {
        let Some((photo, standing)) = self.best.take() else { return 0.0 };
        let worth = self.task.reward.of_change(self.now, standing);
        (self.current, self.now, self.last) = (photo, standing, None);
        worth
    }
}

impl Environment for PhotoEnv {
    fn observation_len(&self) -> usize {
        self.task.observer.observation_len(self.task.actions.len())
    }

    fn action_count(&self) -> usize {
        self.task.actions.len()
    }

    fn action_mask(&self, mask: &mut [bool]) {
        self.task.actions.mask(self.last, &self.current, mask);
    }

    fn picture(&self) -> Option<Picture> {
        self.task.observer.picture()
    }

    fn privileged_len(&self) -> usize {
        Self::spaces(&self.task).privileged_len
    }

    /// How far the photo is from its original: the root mean squared error, and the differences of the quantiles.
    fn privileged(&self, into: &mut [f32]) {
        into[0] = (10.0 * self.now.error) as f32;
        let quantiles = self.original_quantiles.iter().zip(&self.current_quantiles);
        into[1..]
            .iter_mut()
            .zip(quantiles)
            .for_each(|(value, (original, current))| *value = 2.0 * (original - current));
    }

    fn reset(&mut self, observation: &mut [f32]) -> Result<(), LearnError> {
        let task = Arc::clone(&self.task);
        let photo = &task.photos[self.rng.random_range(0..task.photos.len())];
        let size = task.environment.working_size;
        (self.original, self.current) = if task.environment.fresh_damage {
            let original = self.varied(&photo.original);
            if self.rng.random_bool(task.undamaged_share) {
                let original = original.thumbnail(size);
                (original.clone(), original)
            } else {
                let degraded = Damage::standard(&mut self.rng).apply(&original);
                (original.thumbnail(size), degraded.thumbnail(size))
            }
        } else {
            (photo.original.thumbnail(size), photo.degraded.thumbnail(size))
        };
        self.now = self.measured()?;
        self.first = self.now;
        self.best = task.environment.restore_best.then(|| (self.current.clone(), self.now));
        (self.steps, self.last) = (0, None);
        self.uses.fill(0);
        self.describe_original();
        self.observe(observation);
        Ok(())
    }

    fn step(&mut self, action: usize, observation: &mut [f32]) -> Result<Step, LearnError> {
        self.uses[action] += 1;
        let task = Arc::clone(&self.task);
        let reward = &task.reward;
        let (mut paid, mut terminated, mut truncated) = (0.0, false, false);
        match task.actions.operation(action) {
            None => {
                self.tally.count_action(action, 0.0);
                terminated = true;
            }
            Some(_) if self.steps == task.environment.edit_limit() => {
                paid = -reward.cost_of_edit();
                truncated = true;
            }
            Some(operation) => {
                operation.apply_in_place(&mut self.current);
                (self.steps, self.last) = (self.steps + 1, Some(action));
                let after = self.measured()?;
                paid = reward.of_change(self.now, after) - reward.cost_of_edit();
                self.tally.count_action(action, after.score - self.now.score);
                self.now = after;
                self.remember_best();
                terminated = task.environment.task == TaskKind::SingleStep;
            }
        }
        if terminated || truncated {
            paid += self.go_back_to_best();
            self.tally.count_episode(self.first, self.now, reward.is_better(self.now, self.first));
        }
        if terminated {
            paid += reward.of_end(self.first, self.now);
        }
        self.observe(observation);
        Ok(Step { reward: paid as f32, terminated, truncated })
    }

    fn save_state(&self, writer: &mut StateWriter) -> Result<(), LearnError> {
        writer.write(&(&self.rng, saved(&self.original), saved(&self.current)))?;
        writer.write(&(self.first.error, self.first.score, self.now.score))?;
        writer.write(&self.best.as_ref().map(|(photo, standing)| (saved(photo), standing.score)))?;
        writer.write(&(self.steps as u64, self.last.map(|last| last as u64)))?;
        writer.write(&(&self.uses, &self.current_quantiles))
    }

    fn restore_state(&mut self, reader: &mut StateReader<'_>) -> Result<(), LearnError> {
        let (original, current): (SavedPhoto, SavedPhoto);
        let (steps, last, uses, quantiles): (u64, Option<u64>, Vec<u16>, Vec<f32>);
        (self.rng, original, current) = reader.read()?;
        (self.first.error, self.first.score, self.now.score) = reader.read()?;
        let best: Option<(SavedPhoto, f64)> = reader.read()?;
        (steps, last) = reader.read()?;
        (uses, quantiles) = reader.read()?;
        reader.expect_len("actions", self.uses.len(), uses.len())?;
        reader.expect_len("quantiles", QUANTILE_FEATURES, quantiles.len())?;
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
        (self.uses, self.current_quantiles) = (uses, quantiles);
        self.describe_original();
        Ok(())
    }
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

impl std::fmt::Debug for PhotoTask {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PhotoTask({} photos, {} actions)", self.photos.len(), self.actions.len())
    }
}
