//! Training on photos, and the gradient step of a convolutional network alone.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use dodge_imaging::Photo;
use dodge_juror::ClassicalJuror;
use dodge_learn::{
    Action, Clock, ConfiguredLearner, Encoder, Environment, Error, Learner, NetworkParams, Picture, Ppo, PpoParams,
    Spaces, Step, VectorEnvironment, View, cpu,
};
use dodge_rl::{EnvironmentParams, Material, Observer, PhotoEnv, PhotoTask, RewardParams, TrainingPhoto};

const SEED: u64 = 1;
const PICTURE_SIZE: u32 = 84;

/// Environment steps per second of the default training, with its default encoder.
pub(crate) fn default_training(folder: &Path) -> f64 {
    let environment = EnvironmentParams::default();
    training(folder, environment, &NetworkParams::default(), PpoParams::default(), 60_000)
}

/// As the peer does it: a convolutional network on pictures of 84 by 84 pixels, few environments, small minibatches.
pub(crate) fn training_on_pictures(folder: &Path) -> f64 {
    let environment = EnvironmentParams { working_size: PICTURE_SIZE, ..EnvironmentParams::default() };
    let ppo = PpoParams {
        environments: 8,
        rollout_steps: 252,
        minibatch_size: 64,
        epochs: 7,
        learning_rate: 5.6e-5,
        discount: 0.998,
        gae_lambda: 0.965,
        entropy_coefficient: 0.035,
        clip_range: 0.228,
        hidden: Vec::new(),
        ..PpoParams::default()
    };
    training(folder, environment, &nature_cnn(), ppo, 2 * 2016)
}

fn nature_cnn() -> NetworkParams {
    NetworkParams { encoder: Encoder::NatureCnn, picture_size: PICTURE_SIZE, ..NetworkParams::default() }
}

fn training(folder: &Path, params: EnvironmentParams, network: &NetworkParams, ppo: PpoParams, steps: u64) -> f64 {
    let task = PhotoTask {
        photos: photos(folder, params.damage_size),
        material: Material::default(),
        actions: params.action_set().expect("the default actions are operations"),
        environment: params,
        reward: Arc::new(RewardParams::default()),
        undamaged_share: 0.2,
        juror: Arc::new(ClassicalJuror::new()),
        observer: Arc::new(Observer::for_network(network)),
        has_critic: true,
    };
    let (task, count) = (Arc::new(task), ppo.environments as u64);
    let spaces = task.spaces();
    let environments = (0..count as u32).map(|index| PhotoEnv::new(Arc::clone(&task), SEED, index)).collect();
    let mut environments = VectorEnvironment::new(environments).expect("photos are environments");
    let mut learner = Ppo::with_network(ppo, network, spaces, SEED, &cpu()).expect("the hyperparameters fit together");
    let mut clock = Clock { taken: 0, total: steps };
    let start = Instant::now();
    while clock.taken < steps {
        clock.taken += learner.advance(&mut environments, clock).expect("photos can be learnt from").steps;
    }
    clock.taken as f64 / start.elapsed().as_secs_f64()
}

fn photos(folder: &Path, size: u32) -> Vec<TrainingPhoto> {
    let files = std::fs::read_dir(folder).expect("the folder of photos can be read");
    let mut files: Vec<_> = files.map(|file| file.expect("a file of the folder").path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "png" || extension == "jpg"));
    files.sort();
    let open = |file: &std::path::PathBuf| {
        let original = Photo::open(file).expect("the folder holds photos").thumbnail(size);
        TrainingPhoto { degraded: original.clone(), original }
    };
    files.iter().map(open).collect()
}

/// Median milliseconds of a PPO gradient step on 64 pictures through `nature-cnn`: forward, backward and Adam.
pub(crate) fn nature_cnn_step() -> f64 {
    const BATCH: usize = 64;
    const STEPS: usize = 10;
    const UPDATES: usize = 5;
    let params = PpoParams {
        environments: BATCH,
        rollout_steps: 1,
        minibatch_size: BATCH,
        epochs: STEPS,
        hidden: Vec::new(),
        ..PpoParams::default()
    };
    let mut environments = VectorEnvironment::new((0..BATCH).map(Noise).collect()).expect("noise is an environment");
    let mut learner = Ppo::with_network(params, &nature_cnn(), environments.spaces(), SEED, &cpu())
        .expect("the hyperparameters fit together");
    let rollout = learner.collect(&mut environments).expect("noise can be seen");
    let mut milliseconds: Vec<f64> = (0..UPDATES)
        .map(|_| {
            let start = Instant::now();
            learner.update(&rollout, Clock { taken: 0, total: 1 }).expect("noise can be learnt from");
            start.elapsed().as_secs_f64() * 1e3 / STEPS as f64
        })
        .collect();
    milliseconds.sort_by(f64::total_cmp);
    milliseconds[UPDATES / 2]
}

/// An environment that shows a pattern, another for each index.
struct Noise(usize);

impl Environment for Noise {
    fn spaces(&self) -> Spaces {
        let picture = Picture { channels: 3, height: PICTURE_SIZE as usize, width: PICTURE_SIZE as usize };
        Spaces { picture: Some(picture), ..Spaces::plain(picture.values(), 8) }
    }

    fn reset(&mut self) -> Result<(), Error> {
        Ok(())
    }

    fn step(&mut self, action: Action) -> Result<Step, Error> {
        Ok(Step { reward: action.kind as f32, terminated: false, truncated: false })
    }

    fn show(&self, view: View<'_>) {
        let values = view.observation.iter_mut().enumerate();
        values.for_each(|(place, value)| *value = 0.5 + 0.5 * ((place * (self.0 + 1)) as f32).sin());
    }
}
