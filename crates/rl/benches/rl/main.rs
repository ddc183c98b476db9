//! Learning and speed, beside Stable-Baselines3 and PyTorch with the same hyperparameters.
//!
//! `cargo xtask bench rl` measures all of `ppo` and `dqn` (CartPole-v1, hyperparameters of rl-zoo), `photos` (the default
//! training), `pictures` (training through `nature-cnn`) and `step` (a gradient step of that network). Names choose among
//! them, numbers are the seeds of CartPole, `--photos FOLDER` takes other photos than synthetic ones. With
//! `--python PROGRAM`, a Python that has what `benches/peers/requirements.txt` lists, each is measured beside its peer in the
//! same run, and the ratio is printed; `cargo xtask bench` makes such a Python by itself.
#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]

#[path = "../../../learn/benches/shared/cart_pole.rs"]
mod cart_pole;
mod peer;
mod photos;

use std::path::{Path, PathBuf};

use dodge_data::{DataLoader, SyntheticLoader};
use peer::Python;

/// That of the `dodge` program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// As many as the peer of the default training is measured with, and of the same size.
const SYNTHETIC_PHOTOS: usize = 40;
const SYNTHETIC_SIZE: u32 = 384;

const STEP_TURNS: usize = 5;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let after = |name: &str| arguments.iter().skip_while(|argument| *argument != name).nth(1);
    let python = after("--python").map(|program| Python(program));
    let mut seeds: Vec<u64> = arguments.iter().filter_map(|argument| argument.parse().ok()).collect();
    if seeds.is_empty() {
        seeds.extend(1..=5);
    }
    let names = ["ppo", "dqn", "photos", "pictures", "step"];
    let chosen = |name: &str| arguments.iter().any(|argument| argument == name);
    let is_wanted = |name: &str| chosen(name) || !names.into_iter().any(chosen);

    for (name, train) in [("ppo", cart_pole::ppo as fn(u64) -> cart_pole::Result), ("dqn", cart_pole::dqn)] {
        if is_wanted(name) {
            let ours = on_cart_pole(name, train, &seeds);
            compare(name, ours, python.as_ref().map(|it| it.measure("sb3_cartpole.py", &[name], " steps/s")));
        }
    }
    if is_wanted("photos") || is_wanted("pictures") {
        let folder = after("--photos").map_or_else(synthetic_photos, PathBuf::from);
        let mut measured = Vec::new();
        for (name, train) in
            [("photos", photos::default_training as fn(&Path) -> f64), ("pictures", photos::training_on_pictures)]
        {
            if is_wanted(name) {
                measured.push((name, train(&folder)));
                println!("dodge {name}: {:.0} steps/s", measured[measured.len() - 1].1);
            }
        }
        // The faster of the peer's two ways to run its environments; without learning it is not a training.
        let theirs = python.as_ref().map(|it| it.measure("sb3_photo.py", &[&folder], " steps/s ("));
        measured.into_iter().for_each(|(name, ours)| compare(name, ours, theirs));
    }
    if is_wanted("step") {
        // In turns, because the two are near each other and other programs disturb.
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..STEP_TURNS {
            ours.push(photos::nature_cnn_step());
            println!("dodge step: {:.1} ms", ours[ours.len() - 1]);
            theirs.extend(python.as_ref().map(|it| it.measure("torch_nature_cnn.py", &["2"], " ms")));
        }
        let theirs = (!theirs.is_empty()).then(|| median(theirs));
        compare("step", 1.0 / median(ours), theirs.map(|milliseconds| 1.0 / milliseconds));
    }
}

/// Median steps per second over the seeds.
fn on_cart_pole(name: &str, train: fn(u64) -> cart_pole::Result, seeds: &[u64]) -> f64 {
    let mut rates = Vec::new();
    let mut solved = 0;
    for &seed in seeds {
        let cart_pole::Result { steps_per_second, mean_return } = train(seed);
        println!("dodge {name} seed {seed}: {steps_per_second:.0} steps/s, mean return {mean_return:.1}");
        solved += u32::from(mean_return >= cart_pole::SOLVED);
        rates.push(steps_per_second);
    }
    let median = median(rates);
    println!("dodge {name}: {solved} of {} seeds solve it, median {median:.0} steps/s", seeds.len());
    median
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

fn compare(name: &str, ours: f64, theirs: Option<f64>) {
    if let Some(theirs) = theirs {
        println!("{name}: {:.2} times as fast as the peer\n", ours / theirs);
    }
}

/// A folder of synthetic photos, made once.
fn synthetic_photos() -> PathBuf {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let loader =
        SyntheticLoader::new(SYNTHETIC_PHOTOS, SYNTHETIC_SIZE, 1, root).expect("the count and size are allowed");
    loader.load().expect("synthetic photos can be written");
    loader.folder()
}
