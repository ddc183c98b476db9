//! The photo environment, many episodes at a time.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use dodge_data::{Listing, synthetic};
use dodge_imaging::Photo;
use dodge_juror::ClassicalJuror;
use dodge_learn::{Action, Environment as _, Error, NetworkParams, View};
use dodge_preprocess::{DamageProtocol, DegradeParams};
use dodge_rl::{EnvironmentParams, Material, Observer, PhotoEnv, PhotoTask, RewardParams, TrainingPhoto};
use pyo3::prelude::*;
use rayon::prelude::*;

use crate::failure::{file, value};
use crate::pixels::{array_of, bytes_of};

/// Photos of the program's own, where no folder is named.
const SYNTHETIC: u64 = 300;
const SYNTHETIC_SERIES: u64 = 42;

/// Several environments that are stepped together, on all cores.
#[pyclass(module = "dodge")]
pub(crate) struct PhotoEnvironments {
    slots: Vec<Slot>,
    task: Arc<PhotoTask>,
}

/// One environment, and what it shows.
struct Slot {
    environment: PhotoEnv,
    observation: Vec<f32>,
    mask: Vec<bool>,
    /// The last observation of an episode that was followed by another one.
    ended: Option<Vec<f32>>,
    reward: f32,
    terminated: bool,
}

/// When an episode follows one that ended.
#[derive(Clone, Copy, PartialEq)]
enum Autoreset {
    SameStep,
    NextStep,
    Disabled,
}

impl Autoreset {
    /// The values of Gymnasium's `AutoresetMode`.
    fn named(name: &str) -> PyResult<Self> {
        match name {
            "SameStep" => Ok(Self::SameStep),
            "NextStep" => Ok(Self::NextStep),
            "Disabled" => Ok(Self::Disabled),
            other => Err(value(format!("autoreset is SameStep, NextStep or Disabled, and not {other}"))),
        }
    }
}

/// What a step gives: observations `[environment][feature]`, rewards, whether episodes ended, masks `[environment][action]`, and of those that
/// were followed by another the last observation, or None.
type Stepped<'py> =
    (Bound<'py, PyAny>, Bound<'py, PyAny>, Bound<'py, PyAny>, Bound<'py, PyAny>, Vec<Option<Bound<'py, PyAny>>>);

#[pymethods]
impl PhotoEnvironments {
    /// Environments on the photos of a folder, or on made ones. `actions` are operations with their strengths; *stop* is the last action.
    #[new]
    #[pyo3(signature = (count, photos=None, actions=None, max_steps=10, damage="standard"))]
    fn new(
        py: Python<'_>,
        count: usize,
        photos: Option<PathBuf>,
        actions: Option<Vec<String>>,
        max_steps: usize,
        damage: &str,
    ) -> PyResult<Self> {
        if !(1..=100_000).contains(&count) {
            return Err(value(format!("there can be 1 to 100000 environments, and not {count}")));
        }
        let mut environment = EnvironmentParams { max_steps, ..EnvironmentParams::default() };
        environment.actions = actions.unwrap_or_default();
        checked(&environment)?;
        let set = environment.action_set().map_err(value)?;
        if set.space().scaled > 0 {
            return Err(value("an action is an operation with its strength, such as contrast:1.2"));
        }
        let protocol = damage_named(damage)?;
        let size = environment.damage_size;
        let photos = py.detach(|| match photos {
            Some(folder) => from_folder(&folder, size),
            None => Ok(made(size)),
        })?;
        let task = Arc::new(PhotoTask {
            photos,
            material: Material::Damaged(protocol),
            actions: set,
            environment,
            reward: Arc::new(RewardParams::default()),
            undamaged_share: DegradeParams::default().undamaged_share,
            juror: Arc::new(ClassicalJuror::new()),
            observer: Arc::new(Observer::for_network(&NetworkParams::default())),
            has_critic: false,
        });
        let mut environments = Self { slots: Vec::new(), task };
        environments.begin(0, count);
        Ok(environments)
    }

    /// Length of an observation.
    #[getter]
    fn observation_len(&self) -> usize {
        self.task.spaces().observation_len
    }

    /// What may be done: operations, and *stop*.
    #[getter]
    fn actions(&self) -> Vec<String> {
        let stop = "stop".to_owned();
        self.task.actions.labels().into_iter().chain([stop]).collect()
    }

    fn __len__(&self) -> usize {
        self.slots.len()
    }

    /// Begins new episodes everywhere; with a seed, always the same ones. Returns observations and masks.
    #[pyo3(signature = (seed=None))]
    fn reset<'py>(&mut self, py: Python<'py>, seed: Option<u64>) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyAny>)> {
        py.detach(|| {
            if let Some(seed) = seed {
                self.begin(seed, self.slots.len());
            }
            self.slots.par_iter_mut().try_for_each(Slot::reset)
        })
        .map_err(value)?;
        Ok((self.observations(py)?, self.masks(py)?))
    }

    /// Takes one action in each, also a masked one: it is pointless, and costs a step. `autoreset` is how the episode after one that ended begins, in the words of Gymnasium: `SameStep` at once,
    /// so that what is observed belongs to it; `NextStep` in place of the next action; `Disabled` by `reset` alone.
    fn step<'py>(&mut self, py: Python<'py>, actions: &Bound<'py, PyAny>, autoreset: &str) -> PyResult<Stepped<'py>> {
        let autoreset = Autoreset::named(autoreset)?;
        let (kinds, count) = (self.task.actions.space().kinds, self.slots.len());
        let actions = bytes_of(actions, "int64")?;
        let actions: Vec<i64> = actions.as_bytes().as_chunks().0.iter().map(|it| i64::from_ne_bytes(*it)).collect();
        if actions.len() != count {
            return Err(value(format!("{} actions for {count} environments", actions.len())));
        }
        let kind = |&action: &i64| usize::try_from(action).ok().filter(|&kind| kind < kinds);
        let actions: Vec<usize> = actions
            .iter()
            .map(|action| kind(action).ok_or_else(|| value(format!("action {action} is none of the {kinds}"))))
            .collect::<PyResult<_>>()?;
        py.detach(|| {
            let rows = self.slots.par_iter_mut().zip(actions);
            rows.with_min_len(8).try_for_each(|(slot, action)| slot.step(action, autoreset))
        })
        .map_err(value)?;
        let rewards: Vec<u8> = self.slots.iter().flat_map(|slot| slot.reward.to_ne_bytes()).collect();
        let terminated: Vec<u8> = self.slots.iter().map(|slot| u8::from(slot.terminated)).collect();
        let last = |slot: &Slot| {
            let last = slot.ended.as_ref().map(|last| array_of(py, &bytes(last), "float32", [last.len()]));
            last.transpose()
        };
        let ended = self.slots.iter().map(last).collect::<PyResult<_>>()?;
        Ok((
            self.observations(py)?,
            array_of(py, &rewards, "float32", [count])?,
            array_of(py, &terminated, "bool", [count])?,
            self.masks(py)?,
            ended,
        ))
    }
}

impl PhotoEnvironments {
    fn begin(&mut self, seed: u64, count: usize) {
        let spaces = self.task.spaces();
        let slot = |index: usize| Slot {
            environment: PhotoEnv::new(Arc::clone(&self.task), seed, index as u32),
            observation: vec![0.0; spaces.observation_len],
            mask: vec![true; spaces.actions.kinds],
            ended: None,
            reward: 0.0,
            terminated: false,
        };
        self.slots = (0..count).map(slot).collect();
    }

    fn observations<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let flat: Vec<u8> = self.slots.iter().flat_map(|slot| bytes(&slot.observation)).collect();
        array_of(py, &flat, "float32", [self.slots.len(), self.task.spaces().observation_len])
    }

    fn masks<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let flat: Vec<u8> = self.slots.iter().flat_map(|slot| &slot.mask).map(|&open| u8::from(open)).collect();
        array_of(py, &flat, "bool", [self.slots.len(), self.task.actions.space().kinds])
    }
}

fn bytes(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_ne_bytes()).collect()
}

impl Slot {
    fn reset(&mut self) -> Result<(), Error> {
        (self.ended, self.terminated) = (None, false);
        self.environment.reset()?;
        self.look();
        Ok(())
    }

    fn step(&mut self, action: usize, autoreset: Autoreset) -> Result<(), Error> {
        match autoreset {
            Autoreset::NextStep if self.terminated => {
                self.reward = 0.0;
                return self.reset();
            }
            Autoreset::Disabled if self.terminated => {
                return Err(Error::Environment { reason: "the episode has ended: call reset first".to_owned() });
            }
            _ => {}
        }
        let step = self.environment.step(Action::new(action))?;
        (self.reward, self.terminated, self.ended) = (step.reward, step.ended(), None);
        self.look();
        if step.ended() && autoreset == Autoreset::SameStep {
            self.ended = Some(std::mem::take(&mut self.observation));
            self.observation = vec![0.0; self.ended.as_ref().map_or(0, Vec::len)];
            self.environment.reset()?;
            self.look();
        }
        Ok(())
    }

    fn look(&mut self) {
        self.mask.fill(true);
        let Self { environment, observation, mask, .. } = self;
        environment.show(View { observation, privileged: &mut [], mask });
    }
}

/// The ranges of hyperparameters hold here, too.
fn checked(environment: &EnvironmentParams) -> PyResult<()> {
    if (1..=100).contains(&environment.max_steps) { Ok(()) } else { Err(value("an episode has 1 to 100 steps")) }
}

fn damage_named(name: &str) -> PyResult<DamageProtocol> {
    match name {
        "standard" => Ok(DamageProtocol::Standard),
        "camera" => Ok(DamageProtocol::Camera),
        "mixed" => Ok(DamageProtocol::Mixed),
        _ => Err(value(format!("the damage is standard, camera or mixed, and not {name}"))),
    }
}

/// Undamaged photos of a folder and the folders in it.
fn from_folder(folder: &Path, size: u32) -> PyResult<Vec<TrainingPhoto>> {
    let listing = Listing::of_folder(folder).map_err(file)?;
    let photos: Vec<TrainingPhoto> = listing
        .photos
        .par_iter()
        .filter_map(|photo| Some(undamaged(Photo::open(&folder.join(&photo.path)).ok()?.thumbnail(size))))
        .collect();
    if photos.is_empty() { Err(file(format!("no photo in {} can be read", folder.display()))) } else { Ok(photos) }
}

fn made(size: u32) -> Vec<TrainingPhoto> {
    let photo = |index: u64| {
        let (width, height) = synthetic::frame(SYNTHETIC_SERIES, index, size);
        undamaged(synthetic::photo(SYNTHETIC_SERIES, index, width, height))
    };
    (0..SYNTHETIC).into_par_iter().map(photo).collect()
}

/// Every episode damages it anew.
fn undamaged(original: Photo) -> TrainingPhoto {
    TrainingPhoto { degraded: original.clone(), original }
}
