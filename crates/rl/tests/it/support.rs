//! Jurors, photos and models that the tests share.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use dodge_imaging::Photo;
use dodge_juror::{Error as JurorError, Juror};
use dodge_learn::{AgentNetwork, Encoder, Head, cpu};
use dodge_rl::{ActionSet, Expectation, KnownEdits, Model, ModelConfiguration, Observe, Observer};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

type Judge = dyn Fn(&Photo) -> Result<f64, String> + Send + Sync;

/// A juror that does as it is told and counts the photos that it is asked about.
pub(crate) struct Stub {
    judge: Box<Judge>,
    asked: AtomicUsize,
}

impl Stub {
    pub(crate) fn new(judge: impl Fn(&Photo) -> Result<f64, String> + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self { judge: Box::new(judge), asked: AtomicUsize::new(0) })
    }

    /// The mean value of all channels, from 0 to 10.
    pub(crate) fn brightness() -> Arc<Self> {
        Self::new(|photo| {
            let total: f64 = photo.pixels().iter().map(|&value| f64::from(value)).sum();
            Ok(total / photo.pixels().len() as f64 / 25.5)
        })
    }

    pub(crate) fn failing() -> Arc<Self> {
        Self::new(|_| Err("out of order".to_owned()))
    }

    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }
}

impl Juror for Stub {
    fn name(&self) -> String {
        "stub".to_owned()
    }

    fn score(&self, photos: &[&Photo]) -> Result<Vec<f64>, JurorError> {
        self.asked.fetch_add(photos.len(), Ordering::Relaxed);
        let unavailable = |reason| JurorError::Unavailable { juror: self.name(), reason };
        photos.iter().map(|photo| (self.judge)(photo).map_err(unavailable)).collect()
    }
}

pub(crate) fn flat(width: u32, height: u32, pixel: [u8; 3]) -> Photo {
    Photo::from_fn(width, height, |_, _| pixel).unwrap()
}

/// A colourful photo that is not symmetric; each index has another one.
pub(crate) fn scene(index: u32, width: u32, height: u32) -> Photo {
    let shade = |a: u32, b: u32| (60 + (a * 3 + b * 2 + index * 11) % 120) as u8;
    Photo::from_fn(width, height, |x, y| [shade(x, y), shade(y, x + 20), shade(x / 2, 40 + index)]).unwrap()
}

pub(crate) const ACTIONS: [&str; 4] = ["lightness:10", "lightness:-10", "contrast:1.2", "warmth:0.1"];

pub(crate) fn configuration(hidden: &[usize]) -> ModelConfiguration {
    ModelConfiguration {
        actions: ACTIONS.map(str::to_owned).to_vec(),
        mask_actions: true,
        max_steps: 6,
        most_looks: 1,
        expectation: Expectation::AS_FORETOLD,
        least_gain_db: 0.0,
        working_size: 32,
        encoder: Encoder::Stats,
        picture_size: 84,
        hidden: hidden.to_vec(),
        head: Head::Policy,
        observation: Observer::new().name(),
        known_edits: known_edits(),
        algorithm: "ppo".to_owned(),
        juror: "stub".to_owned(),
        environment_steps: 1000,
        seed: 3,
    }
}

/// What the models of these tests know of the photos of their training.
pub(crate) fn known_edits() -> KnownEdits {
    let edit = |text: &str| text.parse().unwrap();
    KnownEdits {
        best_single_edit: Some(edit("lightness:-10")),
        constant_edit: vec![edit("lightness:-9.5"), edit("saturation:1.05")],
    }
}

/// A model with fresh weights.
pub(crate) fn model(hidden: &[usize], seed: u64) -> Model {
    model_that_knows(known_edits(), hidden, seed)
}

pub(crate) fn model_that_knows(known_edits: KnownEdits, hidden: &[usize], seed: u64) -> Model {
    let configuration = ModelConfiguration { known_edits, ..configuration(hidden) };
    let actions = ActionSet::parse(&configuration.actions).unwrap();
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let length = Observer::new().observation_len(actions.len());
    let network = AgentNetwork::new(length, hidden, actions.len(), Head::Policy, &mut rng, &cpu());
    Model::new(configuration, Arc::new(Observer::new()), network, cpu()).unwrap()
}

/// Random observations for [`model`].
pub(crate) fn observations(rows: usize) -> Vec<f32> {
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    let length = Observer::new().observation_len(ACTIONS.len() + 1);
    (0..rows * length).map(|_| rng.random::<f32>() * 2.0 - 1.0).collect()
}

/// Calls `act` with all parallel work on so many threads.
pub(crate) fn on_threads<T: Send>(threads: usize, act: impl FnOnce() -> T + Send) -> T {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(act)
}
