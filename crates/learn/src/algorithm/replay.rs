//! What was experienced, for learning from it many times.

use half::f16;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeMap;
use std::ops::Range;

use crate::environment::contract::{Environment, Spaces, Step};
use crate::environment::vector::VectorEnvironment;
use crate::error::Error;
use crate::nn::picture::Picture;
use crate::state::{StateReader, StateWriter};

/// The largest number in half precision.
const GREATEST_REMEMBERED: f32 = 65504.0;

/// A ring of the latest environment steps: pictures in bytes, which is exact, and other features in half precision.
///
/// Memory per environment step: one byte per value of a picture, two per other feature, one per action, and about 14 more. The
/// observation that followed a step is the next one of the same environment and not stored again, except where the episode was
/// truncated.
#[derive(Debug)]
pub(crate) struct Replay {
    environments: usize,
    picture_len: usize,
    observation_len: usize,
    action_count: usize,
    /// Rows of the ring: one per step of all environments.
    rows: usize,
    /// Steps of all environments stored so far, counting those that were overwritten.
    stored: u64,
    /// `[row][environment][value]`, 0 to 255.
    pictures: Vec<u8>,
    /// What follows the picture, `[row][environment][feature]`.
    features: Vec<f16>,
    /// `[row][environment][action]`.
    masks: Vec<bool>,
    /// These are `[row][environment]`.
    actions: Vec<u32>,
    rewards: Vec<f32>,
    terminated: Vec<bool>,
    truncated: Vec<bool>,
    /// What a truncated episode showed last, by the index of its step.
    last_shown: BTreeMap<usize, LastShown>,
}

/// The observation that an episode ended with, and what could have been done then.
#[derive(Debug, Clone)]
struct LastShown {
    picture: Vec<u8>,
    features: Vec<f16>,
    mask: Vec<bool>,
}

/// As it is written into a state: the index of the step, picture, bits of the features, mask.
type SavedLastShown = (u64, Vec<u8>, Vec<u16>, Vec<bool>);

fn to_byte(value: f32) -> u8 {
    (value * 255.0).round() as u8
}

/// The values of a stored observation.
fn restored<'a>(picture: &'a [u8], features: &'a [f16]) -> impl Iterator<Item = f32> + 'a {
    picture.iter().map(|&byte| f32::from(byte) / 255.0).chain(features.iter().map(|v| v.to_f32()))
}

/// Experiences to learn from together.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Sample {
    /// What was observed, `[sample][feature]`.
    pub(crate) observations: Vec<f32>,
    /// What was done.
    pub(crate) actions: Vec<usize>,
    /// Discounted sum of the rewards up to the successor.
    pub(crate) rewards: Vec<f32>,
    /// What the value of the successor counts: the discount to the power of the steps, or 0 after a termination.
    pub(crate) discounts: Vec<f32>,
    /// What was observed after the rewards, `[sample][feature]`.
    pub(crate) successors: Vec<f32>,
    /// What could be done there, `[sample][action]`.
    pub(crate) successor_masks: Vec<bool>,
}

impl Replay {
    /// A ring for at least `capacity` environment steps, made for the shape of `environments`.
    pub(crate) fn new(capacity: usize, environments: usize, spaces: Spaces) -> Self {
        let Spaces { observation_len, actions, .. } = spaces;
        let action_count = actions.kinds;
        let picture_len = spaces.picture.map_or(0, Picture::values);
        // One row more: the newest holds what is observed now and no step yet.
        let rows = capacity.div_ceil(environments).max(2) + 1;
        let steps = rows * environments;
        Self {
            environments,
            picture_len,
            observation_len,
            action_count,
            rows,
            stored: 0,
            pictures: vec![0; steps * picture_len],
            features: vec![f16::ZERO; steps * (observation_len - picture_len)],
            masks: vec![true; steps * action_count],
            actions: vec![0; steps],
            rewards: vec![0.0; steps],
            terminated: vec![false; steps],
            truncated: vec![false; steps],
            last_shown: BTreeMap::new(),
        }
    }

    /// How many experiences can be drawn.
    pub(crate) fn len(&self) -> usize {
        let rows = usize::try_from(self.stored).unwrap_or(usize::MAX).min(self.rows - 1);
        rows * self.environments
    }

    /// Notes what the environments show before the first step.
    pub(crate) fn show<E: Environment>(&mut self, environments: &VectorEnvironment<E>) {
        let first = self.newest_row() * self.environments;
        for (environment, shown) in environments.observations().chunks_exact(self.observation_len).enumerate() {
            let (picture, features) = shown.split_at(self.picture_len);
            let index = first + environment;
            let (pictures, of_features) = (self.picture_range(index), self.feature_range(index));
            self.pictures[pictures].iter_mut().zip(picture).for_each(|(stored, &value)| *stored = to_byte(value));
            self.features[of_features]
                .iter_mut()
                .zip(features)
                .for_each(|(stored, &value)| *stored = f16::from_f32(value));
        }
        let masks = first * self.action_count..(first + self.environments) * self.action_count;
        self.masks[masks].copy_from_slice(environments.masks());
    }

    fn picture_range(&self, index: usize) -> Range<usize> {
        index * self.picture_len..(index + 1) * self.picture_len
    }

    fn feature_range(&self, index: usize) -> Range<usize> {
        let length = self.observation_len - self.picture_len;
        index * length..(index + 1) * length
    }

    /// Stores a step that the environments have just taken, and what they show now.
    pub(crate) fn push<E: Environment>(
        &mut self,
        actions: &[usize],
        steps: &[Step],
        environments: &VectorEnvironment<E>,
    ) {
        let row = self.newest_row();
        // The row after the newest held the oldest experiences, which end here.
        let (length, count) = (self.observation_len, self.action_count);
        for (environment, (&action, step)) in actions.iter().zip(steps).enumerate() {
            let index = row * self.environments + environment;
            self.actions[index] = action as u32;
            self.rewards[index] = step.reward;
            self.terminated[index] = step.terminated;
            self.truncated[index] = step.truncated;
            if step.truncated {
                let shown = &environments.final_observations()[environment * length..(environment + 1) * length];
                let mask = &environments.final_masks()[environment * count..(environment + 1) * count];
                let (picture, features) = shown.split_at(self.picture_len);
                let last = LastShown {
                    picture: picture.iter().map(|&value| to_byte(value)).collect(),
                    features: features.iter().map(|&value| f16::from_f32(value)).collect(),
                    mask: mask.to_vec(),
                };
                self.last_shown.insert(index, last);
            }
        }
        self.stored += 1;
        for index in self.freed() {
            self.last_shown.remove(&index);
        }
        self.show(environments);
    }

    fn newest_row(&self) -> usize {
        (self.stored % self.rows as u64) as usize
    }

    /// The index of the experience that is the `nth` oldest, below [`Replay::len`].
    pub(crate) fn index_of(&self, nth: usize) -> usize {
        let (age, environment) = (nth / self.environments, nth % self.environments);
        let oldest = (self.newest_row() + self.rows - self.len() / self.environments) % self.rows;
        (oldest + age) % self.rows * self.environments + environment
    }

    /// How many indices there are, used or not; an index is below it.
    pub(crate) fn index_count(&self) -> usize {
        self.rows * self.environments
    }

    /// The indices of the experiences stored by the latest [`Replay::push`].
    pub(crate) fn latest(&self) -> Range<usize> {
        let row = (self.newest_row() + self.rows - 1) % self.rows;
        row * self.environments..(row + 1) * self.environments
    }

    /// The indices that the latest [`Replay::push`] freed: they hold what is observed now, and no step.
    pub(crate) fn freed(&self) -> Range<usize> {
        let row = self.newest_row();
        row * self.environments..(row + 1) * self.environments
    }

    /// Draws indices uniformly, with replacement.
    pub(crate) fn draw(&self, count: usize, rng: &mut ChaCha8Rng) -> Vec<usize> {
        (0..count).map(|_| self.index_of(rng.random_range(0..self.len()))).collect()
    }

    /// Collects experiences whose rewards reach over up to `horizon` steps: fewer where the episode or the memory ends.
    pub(crate) fn sample(&self, indices: &[usize], horizon: usize, discount: f64) -> Sample {
        let mut sample = Sample::default();
        for &index in indices {
            sample.observations.extend(self.observation(index));
            sample.actions.push(self.actions[index] as usize);
            let (mut at, mut reward, mut factor) = (index, 0.0, 1.0);
            for reached in 1.. {
                reward += factor * f64::from(self.rewards[at]);
                factor *= discount;
                let next = (at + self.environments) % self.index_count();
                let is_last = reached == horizon || next / self.environments == self.newest_row();
                if self.terminated[at] || self.truncated[at] || is_last {
                    break;
                }
                at = next;
            }
            sample.rewards.push(reward as f32);
            sample.discounts.push(if self.terminated[at] { 0.0 } else { factor as f32 });
            self.add_successor(at, &mut sample);
        }
        sample
    }

    fn observation(&self, index: usize) -> impl Iterator<Item = f32> + '_ {
        restored(&self.pictures[self.picture_range(index)], &self.features[self.feature_range(index)])
    }

    /// Adds what was shown after a step; after a termination that is another episode and counts nothing.
    fn add_successor(&self, index: usize, sample: &mut Sample) {
        if let Some(LastShown { picture, features, mask }) = self.last_shown.get(&index) {
            sample.successors.extend(restored(picture, features));
            sample.successor_masks.extend_from_slice(mask);
            return;
        }
        let next = (index + self.environments) % self.index_count();
        sample.successors.extend(self.observation(next));
        sample.successor_masks.extend_from_slice(&self.masks[next * self.action_count..(next + 1) * self.action_count]);
    }

    /// About how many bytes the state takes.
    pub(crate) fn size(&self) -> u64 {
        (self.pictures.len() + 2 * self.features.len() + self.masks.len() + 12 * self.actions.len()) as u64
    }

    /// Takes down what is stored.
    pub(crate) fn save_state(&self, writer: &mut StateWriter) -> Result<(), Error> {
        let bits = |values: &[f16]| values.iter().map(|v| v.to_bits()).collect::<Vec<u16>>();
        let parts = |(&index, last): (&usize, &LastShown)| {
            (index as u64, last.picture.clone(), bits(&last.features), last.mask.clone())
        };
        let last_shown: Vec<SavedLastShown> = self.last_shown.iter().map(parts).collect();
        writer.write(&(self.stored, &self.pictures, bits(&self.features), &self.masks, &self.actions))?;
        writer.write(&(&self.rewards, &self.terminated, &self.truncated, last_shown))
    }

    /// Goes back to what a ring of the same size had stored.
    pub(crate) fn restore_state(&mut self, reader: &mut StateReader<'_>) -> Result<(), Error> {
        type Steps = (u64, Vec<u8>, Vec<u16>, Vec<bool>, Vec<u32>);
        type Results = (Vec<f32>, Vec<bool>, Vec<bool>, Vec<SavedLastShown>);
        let (stored, pictures, features, masks, actions): Steps = reader.read()?;
        let (rewards, terminated, truncated, last_shown): Results = reader.read()?;
        reader.expect_len("stored picture values", self.pictures.len(), pictures.len())?;
        reader.expect_len("stored features", self.features.len(), features.len())?;
        reader.expect_len("stored masks", self.masks.len(), masks.len())?;
        for length in [actions.len(), rewards.len(), terminated.len(), truncated.len()] {
            reader.expect_len("stored steps", self.index_count(), length)?;
        }
        for &action in &actions {
            reader.index(u64::from(action), self.action_count)?;
        }
        let floats = |bits: Vec<u16>| bits.into_iter().map(f16::from_bits).collect::<Vec<f16>>();
        self.last_shown.clear();
        for (index, picture, features, mask) in last_shown {
            reader.expect_len("picture values", self.picture_len, picture.len())?;
            reader.expect_len("features", self.observation_len - self.picture_len, features.len())?;
            reader.expect_len("actions", self.action_count, mask.len())?;
            let last = LastShown { picture, features: floats(features), mask };
            self.last_shown.insert(reader.index(index, self.index_count())?, last);
        }
        (self.stored, self.pictures, self.features) = (stored, pictures, floats(features));
        (self.masks, self.actions, self.rewards) = (masks, actions, rewards);
        (self.terminated, self.truncated) = (terminated, truncated);
        Ok(())
    }
}

/// What was observed can be remembered in half precision; a picture always can.
pub(crate) fn check_remembered(observations: &[f32]) -> Result<(), Error> {
    let Some(value) = observations.iter().find(|value| value.abs() > GREATEST_REMEMBERED) else { return Ok(()) };
    let reason = format!(
        "a feature is {value}, the replay memory holds numbers up to {GREATEST_REMEMBERED}: scale it down, or use a \
         Normalizer"
    );
    Err(Error::Environment { reason })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::contract::{Action, View};

    /// Counts its steps, shows the count and pays it; ends in the way and after the steps given.
    struct Counter {
        shown: f32,
        ends_at: f32,
        truncates: bool,
    }

    impl Environment for Counter {
        fn spaces(&self) -> Spaces {
            SPACES
        }

        fn reset(&mut self) -> Result<(), Error> {
            self.shown = (self.shown / 10.0).ceil() * 10.0;
            Ok(())
        }

        fn step(&mut self, _: Action) -> Result<Step, Error> {
            self.shown += 1.0;
            let ended = self.shown % 10.0 == self.ends_at;
            Ok(Step { reward: self.shown, terminated: ended && !self.truncates, truncated: ended && self.truncates })
        }

        fn show(&self, view: View<'_>) {
            view.observation[0] = self.shown;
        }
    }

    const SPACES: Spaces = Spaces::plain(1, 2);

    /// Two environments: one terminates, one truncates every third step. Shown: 0 1 2 (3) 10 11 12 (13) 20 ...
    fn filled(capacity: usize, steps: usize) -> Replay {
        let counter = |truncates| Counter { shown: 0.0, ends_at: 3.0, truncates };
        let mut environments = VectorEnvironment::new(vec![counter(false), counter(true)]).unwrap();
        let mut replay = Replay::new(capacity, 2, environments.spaces());
        replay.show(&environments);
        for step in 0..steps {
            let actions = [step % 2, 1];
            let taken = environments.step(&actions.map(Action::new)).unwrap();
            replay.push(&actions, &taken, &environments);
        }
        replay
    }

    #[test]
    fn single_steps_by_hand() {
        let replay = filled(20, 4);
        assert_eq!(replay.len(), 8);
        // The steps from 0, 1, 2 and 10, first environment; then the third step of the second environment.
        let indices: Vec<usize> = [0, 2, 4, 6, 5].into_iter().map(|nth| replay.index_of(nth)).collect();
        let sample = replay.sample(&indices, 1, 0.5);
        assert_eq!(sample.observations, [0.0, 1.0, 2.0, 10.0, 2.0]);
        assert_eq!(sample.actions, [0, 1, 0, 1, 1]);
        assert_eq!(sample.rewards, [1.0, 2.0, 3.0, 11.0, 3.0]);
        assert_eq!(sample.discounts, [0.5, 0.5, 0.0, 0.5, 0.5], "only a termination has no future");
        assert_eq!(sample.successors[..2], [1.0, 2.0]);
        assert_eq!(sample.successors[3..], [11.0, 3.0], "a truncated episode goes on with what it showed last");
    }

    #[test]
    fn sums_over_several_steps_by_hand() {
        let replay = filled(20, 5);
        let indices: Vec<usize> = [0, 1, 2, 6, 8].into_iter().map(|nth| replay.index_of(nth)).collect();
        let sample = replay.sample(&indices, 3, 0.5);
        // From 0, terminated after three; from 0, truncated after three; from 1 terminated after two; from 10 and 11
        // the memory ends after two steps and after one.
        let three = 1.0 + 0.5 * 2.0 + 0.25 * 3.0;
        assert_eq!(sample.rewards, [three, three, 2.0 + 0.5 * 3.0, 11.0 + 0.5 * 12.0, 12.0]);
        assert_eq!(sample.discounts, [0.0, 0.125, 0.0, 0.25, 0.5]);
        assert_eq!(sample.successors[1], 3.0);
        assert_eq!(sample.successors[3..], [12.0, 12.0]);
    }

    #[test]
    fn the_oldest_steps_are_overwritten_and_nothing_mixes() {
        for steps in 1..40 {
            let replay = filled(8, steps);
            assert_eq!(replay.len(), 2 * steps.min(4));
            assert!(replay.last_shown.len() <= 4, "{} after {steps} steps", replay.last_shown.len());
            let indices: Vec<usize> = (0..replay.len()).map(|nth| replay.index_of(nth)).collect();
            let sample = replay.sample(&indices, 1, 1.0);
            for i in 0..indices.len() {
                // The reward is what was shown next, in the same episode.
                assert_eq!(sample.rewards[i], sample.observations[i] + 1.0);
                if sample.discounts[i] > 0.0 {
                    assert_eq!(sample.successors[i], sample.rewards[i]);
                }
            }
        }
    }

    #[test]
    fn what_was_stored_comes_back() {
        let replay = filled(8, 17);
        let mut writer = StateWriter::new();
        replay.save_state(&mut writer).unwrap();
        let bytes = writer.into_bytes();
        let mut restored = Replay::new(8, 2, SPACES);
        restored.restore_state(&mut StateReader::new(&bytes)).unwrap();
        let indices: Vec<usize> = (0..8).map(|nth| replay.index_of(nth)).collect();
        assert_eq!(replay.sample(&indices, 2, 0.9), restored.sample(&indices, 2, 0.9));
        assert!(Replay::new(10, 2, SPACES).restore_state(&mut StateReader::new(&bytes)).is_err());
    }

    /// Shows a picture of four values and one feature; every step is truncated.
    struct Pictures(u8);

    impl Environment for Pictures {
        fn spaces(&self) -> Spaces {
            let picture = Some(Picture { channels: 1, height: 2, width: 2 });
            Spaces { picture, ..Spaces::plain(5, 1) }
        }

        fn reset(&mut self) -> Result<(), Error> {
            self.0 = self.0.wrapping_add(50);
            Ok(())
        }

        fn step(&mut self, _: Action) -> Result<Step, Error> {
            self.reset()?;
            Ok(Step { reward: 0.0, terminated: false, truncated: true })
        }

        fn show(&self, view: View<'_>) {
            let values = view.observation.iter_mut().enumerate();
            values.for_each(|(i, v)| *v = f32::from(self.0 / (i as u8 + 1)) / 255.0);
            view.observation[4] = -0.5;
        }
    }

    #[test]
    fn pictures_come_back_exactly_from_their_bytes() {
        let mut environments = VectorEnvironment::new(vec![Pictures(1)]).unwrap();
        let mut replay = Replay::new(4, 1, environments.spaces());
        replay.show(&environments);
        let mut shown = environments.observations().to_vec();
        for _ in 0..9 {
            let steps = environments.step(&[Action::new(0)]).unwrap();
            replay.push(&[0], &steps, &environments);
            let sample = replay.sample(&replay.latest().collect::<Vec<_>>(), 1, 1.0);
            assert_eq!(sample.observations, shown);
            assert_eq!(sample.successors, environments.final_observations());
            shown = environments.observations().to_vec();
        }
        let mut writer = StateWriter::new();
        replay.save_state(&mut writer).unwrap();
        let mut restored = Replay::new(4, 1, environments.spaces());
        restored.restore_state(&mut StateReader::new(&writer.into_bytes())).unwrap();
        let indices: Vec<usize> = (0..4).map(|nth| replay.index_of(nth)).collect();
        assert_eq!(replay.sample(&indices, 1, 1.0), restored.sample(&indices, 1, 1.0));
    }
}
