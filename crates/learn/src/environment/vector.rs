//! Many environments, stepped together.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use rayon::prelude::*;

use crate::environment::contract::{Action, Environment, Episode, Spaces, Step, View};
use crate::environment::normalizer::Normalizer;
use crate::error::Error;
use crate::state::{StateReader, StateWriter};

/// Environments stepped together on the threads of the current rayon pool.
///
/// An environment whose episode ends is reset at once; what a truncated episode showed last is kept in
/// [`VectorEnvironment::final_observations`], because its value is needed. After a terminated one nothing follows, so that
/// its end is not looked at.
pub struct VectorEnvironment<E> {
    slots: Vec<Slot<E>>,
    spaces: Spaces,
    observations: Vec<f32>,
    final_observations: Vec<f32>,
    masks: Vec<bool>,
    final_masks: Vec<bool>,
    privileged: Vec<f32>,
    final_privileged: Vec<f32>,
    running: Vec<Episode>,
    ended: Vec<Episode>,
    normalizer: Option<Normalizer>,
}

/// Steps that take less than this in all are taken by the calling thread: waking others takes longer. Each environment has
/// its own random stream, so that it changes nothing else.
const WORTH_THREADS: Duration = Duration::from_micros(50);

const NEW_EPISODE: Episode = Episode { total_reward: 0.0, steps: 0, truncated: false };

struct Slot<E> {
    environment: E,
    shown: Shown,
    /// The end of the latest episode that was truncated.
    last: Shown,
    /// How long the latest step took.
    took: Duration,
}

/// What an environment shows at some moment.
#[derive(Clone)]
struct Shown {
    observation: Vec<f32>,
    privileged: Vec<f32>,
    mask: Vec<bool>,
}

impl Shown {
    fn new(spaces: Spaces) -> Self {
        Self {
            observation: vec![0.0; spaces.observation_len],
            privileged: vec![0.0; spaces.privileged_len],
            mask: vec![true; spaces.actions.kinds],
        }
    }

    /// Looks at an environment, and checks what a learner is about to see.
    fn look_at(&mut self, environment: &impl Environment) -> Result<(), Error> {
        self.mask.fill(true);
        let Self { observation, privileged, mask } = self;
        environment.show(View { observation, privileged, mask });
        for (what, seen) in [("an observation", &self.observation), ("the privileged information", &self.privileged)] {
            if let Some(feature) = seen.iter().position(|value| !value.is_finite()) {
                let reason = format!("feature {feature} of {what} is {}", seen[feature]);
                return Err(Error::Environment { reason });
            }
        }
        if self.mask.contains(&true) {
            return Ok(());
        }
        Err(Error::Environment { reason: "every action is masked".into() })
    }
}

impl<E: Environment> Slot<E> {
    fn new(environment: E, spaces: Spaces) -> Self {
        let shown = Shown::new(spaces);
        Self { environment, last: shown.clone(), shown, took: Duration::MAX }
    }

    fn reset(&mut self) -> Result<(), Error> {
        self.environment.reset()?;
        self.shown.look_at(&self.environment)
    }

    fn step(&mut self, action: Action) -> Result<Step, Error> {
        let start = Instant::now();
        let step = self.environment.step(action)?;
        if !step.reward.is_finite() {
            return Err(Error::Environment { reason: format!("a reward is {}", step.reward) });
        }
        if step.truncated {
            // Somebody will ask what could have followed.
            self.last.look_at(&self.environment)?;
        }
        if step.ended() {
            self.environment.reset()?;
        }
        self.shown.look_at(&self.environment)?;
        self.took = start.elapsed();
        Ok(step)
    }
}

impl<E: Environment> Slot<E> {
    fn gain(&self, strengths: &[f32], mut gradient: Option<&mut [f32]>) -> Result<f32, Error> {
        let gain = guarded(|| self.environment.gain(strengths, gradient.as_deref_mut()))?;
        let is_finite = gradient.as_ref().is_none_or(|gradient| gradient.iter().all(|value| value.is_finite()));
        if gain.is_finite() && is_finite {
            return Ok(gain);
        }
        let gradient = gradient.unwrap_or_default();
        Err(Error::Environment { reason: format!("a gain is {gain}, with the gradient {gradient:?}") })
    }
}

impl<E: Environment> VectorEnvironment<E> {
    /// Resets every environment.
    ///
    /// # Errors
    /// [`Error::Environment`] when there is no environment, when they differ in observations or actions, or when they
    /// have no action; else the first error of a reset.
    pub fn new(environments: Vec<E>) -> Result<Self, Error> {
        let invalid = |reason: &str| Error::Environment { reason: reason.to_owned() };
        let first = environments.first().ok_or_else(|| invalid("at least one environment is needed"))?;
        let spaces = first.spaces();
        if spaces.observation_len == 0 || spaces.actions.kinds == 0 {
            return Err(invalid("an environment needs at least one feature and one action"));
        }
        if spaces.picture.is_some_and(|picture| picture.values() > spaces.observation_len) {
            return Err(invalid("an observation is shorter than the picture that it begins with"));
        }
        if spaces.actions.scaled > spaces.actions.kinds {
            return Err(invalid("more kinds of actions take a strength than there are"));
        }
        if environments.iter().any(|environment| environment.spaces() != spaces) {
            return Err(invalid(
                "all environments need observations of the same length and the same number of actions",
            ));
        }
        let mut slots: Vec<Slot<E>> =
            environments.into_iter().map(|environment| Slot::new(environment, spaces)).collect();
        slots.par_iter_mut().try_for_each(|slot| guarded(|| slot.reset()))?;
        let zeros = vec![0.0; slots.len() * spaces.observation_len];
        let privileged = vec![0.0; slots.len() * spaces.privileged_len];
        let masks = vec![true; slots.len() * spaces.actions.kinds];
        let mut vector = Self {
            running: vec![NEW_EPISODE; slots.len()],
            ended: Vec::new(),
            slots,
            spaces,
            observations: zeros.clone(),
            final_privileged: privileged.clone(),
            privileged,
            final_observations: zeros,
            final_masks: masks.clone(),
            masks,
            normalizer: None,
        };
        vector.gather();
        Ok(vector)
    }

    /// Normalises what the environments show and pay from now on; the statistics go on from what `normalizer` has seen.
    ///
    /// # Errors
    /// [`Error::Environment`] when it has seen observations of another length.
    pub fn with_normalizer(mut self, mut normalizer: Normalizer) -> Result<Self, Error> {
        normalizer.attach(self.spaces, self.slots.len())?;
        self.gather();
        normalizer.observe(&self.observations, self.spaces.observation_len);
        self.normalizer = Some(normalizer);
        self.normalize();
        Ok(self)
    }

    /// The statistics by which observations and rewards are normalised.
    #[must_use]
    pub fn normalizer(&self) -> Option<&Normalizer> {
        self.normalizer.as_ref()
    }

    /// The environments themselves, to ask them for what only their kind has. To act in one leaves the vector with an
    /// observation that is not its environment's.
    pub fn environments_mut(&mut self) -> impl Iterator<Item = &mut E> {
        self.slots.iter_mut().map(|slot| &mut slot.environment)
    }

    /// Number of environments.
    #[must_use]
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Never true; for symmetry with [`VectorEnvironment::len`].
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// The shapes of observations, privileged information and actions.
    #[must_use]
    pub fn spaces(&self) -> Spaces {
        self.spaces
    }

    /// What each environment shows now, `[environment][observation]`.
    #[must_use]
    pub fn observations(&self) -> &[f32] {
        &self.observations
    }

    /// The last observation of an episode that was truncated in the latest step, `[environment][observation]`; meaningless
    /// for the others.
    #[must_use]
    pub fn final_observations(&self) -> &[f32] {
        &self.final_observations
    }

    /// What only a value network may see now, `[environment][feature]`.
    #[must_use]
    pub fn privileged(&self) -> &[f32] {
        &self.privileged
    }

    /// What only a value network may see of the last state of an episode that was truncated in the latest step,
    /// `[environment][feature]`; meaningless for the others.
    #[must_use]
    pub fn final_privileged(&self) -> &[f32] {
        &self.final_privileged
    }

    /// Which kinds of actions may be taken now, `[environment][kind]`.
    #[must_use]
    pub fn masks(&self) -> &[bool] {
        &self.masks
    }

    /// Which kinds of actions could have been taken after the last observation of an episode that was truncated in the
    /// latest step, `[environment][kind]`; meaningless for the others.
    #[must_use]
    pub fn final_masks(&self) -> &[bool] {
        &self.final_masks
    }

    /// Takes one action in each environment.
    ///
    /// # Errors
    /// The first error of an environment, and [`Error::Environment`] for a reward or an observation that is not finite.
    ///
    /// # Panics
    /// When there is not one action per environment.
    pub fn step(&mut self, actions: &[Action]) -> Result<Vec<Step>, Error> {
        assert_eq!(actions.len(), self.slots.len(), "one action per environment");
        let work = self.slots.iter().fold(Duration::ZERO, |work, slot| work.saturating_add(slot.took));
        let step = |(slot, &action): (&mut Slot<E>, &Action)| guarded(|| slot.step(action));
        let mut steps = if work < WORTH_THREADS {
            self.slots.iter_mut().zip(actions).map(step).collect::<Result<Vec<Step>, Error>>()?
        } else {
            self.slots.par_iter_mut().zip(actions).map(step).collect::<Result<Vec<Step>, Error>>()?
        };
        for (running, step) in self.running.iter_mut().zip(&steps) {
            running.total_reward += f64::from(step.reward);
            running.steps += 1;
            if step.ended() {
                let episode = std::mem::replace(running, NEW_EPISODE);
                self.ended.push(Episode { truncated: step.truncated, ..episode });
            }
        }
        self.gather();
        if let Some(normalizer) = &mut self.normalizer {
            normalizer.observe(&self.observations, self.spaces.observation_len);
            normalizer.reward(&mut steps);
        }
        self.normalize();
        Ok(steps)
    }

    /// Starts a new episode in every environment; those that were going on are forgotten.
    ///
    /// # Errors
    /// The first error of a reset.
    pub fn reset(&mut self) -> Result<(), Error> {
        self.slots.par_iter_mut().try_for_each(|slot| guarded(|| slot.reset()))?;
        self.running.fill(NEW_EPISODE);
        self.gather();
        if let Some(normalizer) = &mut self.normalizer {
            normalizer.observe(&self.observations, self.spaces.observation_len);
        }
        self.normalize();
        Ok(())
    }

    /// What each environment would gain by the `strengths`, `[environment][kind with a strength]`, as [`Environment::gain`]
    /// tells it, `[environment]`.
    ///
    /// # Errors
    /// The first error of an environment, and [`Error::Environment`] for a gain that is not finite.
    ///
    /// # Panics
    /// When there is not one strength for each such kind in each environment.
    pub fn gains(&mut self, strengths: &[f32]) -> Result<Vec<f32>, Error> {
        let scaled = self.spaces.actions.scaled;
        assert_eq!(strengths.len(), self.slots.len() * scaled, "strengths of every environment");
        let rows = self.slots.par_iter_mut().zip(strengths.par_chunks_exact(scaled));
        rows.map(|(slot, strengths)| slot.gain(strengths, None)).collect()
    }

    /// The same, and the gradients of the gains, `[environment][kind with a strength]`.
    ///
    /// # Errors
    /// As [`VectorEnvironment::gains`].
    ///
    /// # Panics
    /// As [`VectorEnvironment::gains`].
    pub fn gains_and_gradients(&mut self, strengths: &[f32]) -> Result<(Vec<f32>, Vec<f32>), Error> {
        let scaled = self.spaces.actions.scaled;
        assert_eq!(strengths.len(), self.slots.len() * scaled, "strengths of every environment");
        let mut gradients = vec![0.0; strengths.len()];
        let rows = strengths.par_chunks_exact(scaled).zip(gradients.par_chunks_exact_mut(scaled));
        let rows = self.slots.par_iter_mut().zip(rows);
        let gains: Result<Vec<f32>, Error> =
            rows.map(|(slot, (strengths, gradient))| slot.gain(strengths, Some(gradient))).collect();
        Ok((gains?, gradients))
    }

    /// The episodes that ended since this was last asked, in the order of their ends. Their rewards are those that the
    /// environments paid, whatever a [`Normalizer`] makes of them.
    pub fn take_episodes(&mut self) -> Vec<Episode> {
        std::mem::take(&mut self.ended)
    }

    fn gather(&mut self) {
        let Spaces { observation_len, privileged_len, actions, .. } = self.spaces;
        for (index, Slot { shown, last, .. }) in self.slots.iter().enumerate() {
            let place = |length: usize| index * length..(index + 1) * length;
            self.observations[place(observation_len)].copy_from_slice(&shown.observation);
            self.privileged[place(privileged_len)].copy_from_slice(&shown.privileged);
            self.masks[place(actions.kinds)].copy_from_slice(&shown.mask);
            self.final_observations[place(observation_len)].copy_from_slice(&last.observation);
            self.final_privileged[place(privileged_len)].copy_from_slice(&last.privileged);
            self.final_masks[place(actions.kinds)].copy_from_slice(&last.mask);
        }
    }

    /// Brings what was gathered to the scale of the normaliser.
    fn normalize(&mut self) {
        if let Some(normalizer) = &self.normalizer {
            normalizer.apply(&mut self.observations, self.spaces.observation_len);
            normalizer.apply(&mut self.final_observations, self.spaces.observation_len);
        }
    }

    /// Takes down the state of every environment.
    ///
    /// # Errors
    /// As [`Environment::save_state`].
    pub fn save_state(&self, writer: &mut StateWriter) -> Result<(), Error> {
        let running: Vec<(f64, u64)> = self.running.iter().map(|e| (e.total_reward, e.steps)).collect();
        writer.write(&(self.slots.len() as u64, running))?;
        self.slots.iter().try_for_each(|slot| slot.environment.save_state(writer))?;
        self.normalizer.as_ref().map_or(Ok(()), |normalizer| normalizer.save_state(writer))
    }

    /// Goes back to a state taken down from as many environments of the same kind.
    ///
    /// # Errors
    /// As [`Environment::restore_state`]; the environments are then in no state to go on with.
    pub fn restore_state(&mut self, reader: &mut StateReader<'_>) -> Result<(), Error> {
        let (count, running): (u64, Vec<(f64, u64)>) = reader.read()?;
        reader.expect_len("environments", self.slots.len(), usize::try_from(count).unwrap_or(usize::MAX))?;
        reader.expect_len("running episodes", self.running.len(), running.len())?;
        self.ended.clear();
        for (episode, (total_reward, steps)) in self.running.iter_mut().zip(running) {
            *episode = Episode { total_reward, steps, truncated: false };
        }
        for slot in &mut self.slots {
            slot.environment.restore_state(reader)?;
            slot.shown.look_at(&slot.environment)?;
        }
        if let Some(normalizer) = &mut self.normalizer {
            normalizer.restore_state(reader)?;
        }
        self.gather();
        self.normalize();
        Ok(())
    }
}

/// Turns a panic of somebody's environment into an error: the training then ends as after any other error, with its model
/// kept, and the environment is not used again.
fn guarded<T>(work: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
        Err(Error::Environment { reason: format!("it panicked: {}", text.unwrap_or("without a message")) })
    })
}

impl<E> std::fmt::Debug for VectorEnvironment<E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "VectorEnvironment({} environments, {:?})", self.slots.len(), self.spaces)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TimeLimit;
    use crate::environment::tasks::{CartPole, Identity, MaskedBandit};

    /// Misbehaves in its third step.
    struct Faulty {
        fault: fn() -> Result<(Step, f32), Error>,
        steps: u32,
        shown: f32,
    }

    impl Environment for Faulty {
        fn spaces(&self) -> Spaces {
            Spaces::plain(1, 1)
        }

        fn reset(&mut self) -> Result<(), Error> {
            Ok(())
        }

        fn step(&mut self, _: Action) -> Result<Step, Error> {
            self.steps += 1;
            let step;
            (step, self.shown) = if self.steps < 3 { (REWARDED, 0.0) } else { (self.fault)()? };
            Ok(step)
        }

        fn show(&self, view: View<'_>) {
            view.observation[0] = self.shown;
        }
    }

    const REWARDED: Step = Step { reward: 1.0, terminated: false, truncated: false };

    #[track_caller]
    fn check_fault(fault: fn() -> Result<(Step, f32), Error>, expected: &str) {
        let mut vector =
            VectorEnvironment::new((0..4).map(|_| Faulty { fault, steps: 0, shown: 0.0 }).collect()).unwrap();
        vector.step(&[Action::new(0); 4]).unwrap();
        vector.step(&[Action::new(0); 4]).unwrap();
        assert_eq!(vector.step(&[Action::new(0); 4]).unwrap_err().to_string(), format!("environment: {expected}"));
    }

    #[test]
    fn faults_of_an_environment_are_errors() {
        check_fault(|| panic!("out of memory"), "it panicked: out of memory");
        check_fault(|| Ok((Step { reward: f32::NAN, ..REWARDED }, 0.0)), "a reward is NaN");
        check_fault(|| Ok((REWARDED, f32::INFINITY)), "feature 0 of an observation is inf");
    }

    #[test]
    fn environments_that_nobody_can_learn_in_are_refused() {
        let message = |environments: Vec<Identity>| VectorEnvironment::new(environments).unwrap_err().to_string();
        assert!(message(Vec::new()).contains("at least one environment"));
        assert!(message(vec![Identity::new(2, 0, 0), Identity::new(3, 0, 1)]).contains("the same length"));
    }

    #[test]
    fn the_observation_that_cut_an_episode_off_is_kept() {
        let mut vector = VectorEnvironment::new(vec![TimeLimit::new(Identity::new(50, 1, 0), 1)]).unwrap();
        let mut same = 0;
        for _ in 0..20 {
            assert!(vector.step(&[Action::new(0)]).unwrap()[0].truncated);
            assert_eq!(vector.final_observations().iter().sum::<f32>(), 1.0);
            same += u32::from(vector.final_observations() == vector.observations());
        }
        assert!(same < 5, "the next episode begins with another observation");
    }

    #[test]
    fn masks_belong_to_the_observations() {
        let mut vector = VectorEnvironment::new((0..3).map(|i| MaskedBandit::new(4, 1, i)).collect()).unwrap();
        for _ in 0..10 {
            let shown: Vec<bool> = vector.observations().iter().map(|&value| value == 1.0).collect();
            assert_eq!(vector.masks(), shown);
            let first_open = |row: &[bool]| Action::new(row.iter().position(|&open| open).unwrap());
            let open: Vec<Action> = vector.masks().chunks_exact(4).map(first_open).collect();
            vector.step(&open).unwrap();
        }
    }

    #[test]
    fn a_restored_vector_goes_on_as_if_never_stopped() {
        let make = |seed| {
            let carts = (0..3).map(|index| TimeLimit::new(CartPole::new(seed, index), 20)).collect();
            VectorEnvironment::new(carts).unwrap()
        };
        let mut original = make(1);
        let actions = |i: usize| [i % 2, (i / 2) % 2, (i / 3) % 2].map(Action::new);
        (0..15).for_each(|i| drop(original.step(&actions(i)).unwrap()));
        let mut writer = StateWriter::new();
        original.save_state(&mut writer).unwrap();
        let bytes = writer.into_bytes();

        let mut restored = make(2);
        restored.restore_state(&mut StateReader::new(&bytes)).unwrap();
        for i in 15..60 {
            assert_eq!(original.step(&actions(i)).unwrap(), restored.step(&actions(i)).unwrap());
            assert_eq!(original.observations(), restored.observations());
        }
        let other = VectorEnvironment::new(vec![TimeLimit::new(CartPole::new(1, 0), 20)]);
        let error = other.unwrap().restore_state(&mut StateReader::new(&bytes)).unwrap_err();
        assert_eq!(error.to_string(), "the state has 3 environments, this run 1");
    }
}
