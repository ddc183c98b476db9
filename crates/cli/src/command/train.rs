//! `dodge train`

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result};
use dodge_data::{DataLoader, DataParams, FolderLoader, SyntheticLoader};
use dodge_hparams::{Layer, Registry};
use dodge_juror::{ClassicalJuror, Juror};
use dodge_rl::{PhotoTrainer, Report, Session, Trainer, TrainingParams};
use dodge_tracking::{Destination, RunOptions, SystemClock, Tracking, TrackingOptions};

use crate::arguments::{Algorithm, Device, JurorChoice, TrainArguments};
use crate::failure::{INTERRUPTED, usage};
use crate::surroundings::Surroundings;
use crate::{command, configuration, progress, table};

/// Runs the command.
pub(crate) fn run(arguments: &TrainArguments, surroundings: &Surroundings) -> Result<()> {
    let registry = hyperparameters(arguments)?;
    let Algorithm::Ppo = arguments.algo;
    let JurorChoice::Classical = arguments.juror;
    let juror: Arc<dyn Juror> = Arc::new(ClassicalJuror::new());
    let device = device(arguments.device.or(surroundings.device).unwrap_or_default())?;
    use_threads(arguments.threads.or(surroundings.threads))?;
    let volume = surroundings.volume();
    let loader: Box<dyn DataLoader> = match &arguments.photos {
        Some(folder) => Box::new(FolderLoader::new(folder)),
        None => {
            let data: DataParams = registry.get()?;
            let seed = registry.get::<TrainingParams>()?.seed;
            let folder = volume.join("datasets");
            Box::new(SyntheticLoader::new(data.synthetic_photos, data.synthetic_size, seed, folder)?)
        }
    };
    let session = Session {
        tracking: tracking(arguments, surroundings)?,
        run_options: run_options(arguments, surroundings),
        volume,
        run_dir: arguments.out.clone(),
        registry,
        device,
        progress: progress::display(),
        interrupted: stop_on_ctrl_c()?,
    };
    let report = PhotoTrainer::new(loader, juror).run(session)?;
    if arguments.json { command::print_json(&report) } else { command::print(&in_words(&report)) }
}

fn hyperparameters(arguments: &TrainArguments) -> Result<Registry> {
    let mut registry = configuration::layered(&arguments.hyperparameters)?;
    for (flag, section, key, value) in [
        ("--steps", "training", "steps", arguments.steps),
        ("--seed", "training", "seed", arguments.seed),
        ("--synthetic", "data", "synthetic_photos", arguments.synthetic),
    ] {
        if let Some(value) = value {
            registry.apply_text(section, key, &value.to_string(), Layer::Other(flag.to_owned()))?;
        }
    }
    configuration::validate(&registry)?;
    Ok(registry)
}

/// The device is chosen here and handed down; burn's own default depends on the features of the build.
fn device(choice: Device) -> Result<dodge_rl::Device> {
    match choice {
        Device::Auto | Device::Cpu => Ok(dodge_rl::cpu()),
        Device::Gpu => Err(usage("this build has no GPU support: use --device cpu")),
    }
}

fn use_threads(threads: Option<usize>) -> Result<()> {
    let Some(threads) = threads else { return Ok(()) };
    if threads == 0 {
        return Err(usage("--threads must be at least 1"));
    }
    rayon::ThreadPoolBuilder::new().num_threads(threads).build_global().context("cannot start the threads")
}

fn tracking(arguments: &TrainArguments, surroundings: &Surroundings) -> Result<Tracking> {
    let uri = arguments.tracking_uri.as_ref().or(surroundings.tracking_uri.as_ref());
    let destination = match uri {
        Some(uri) => Destination::from_env(uri).map_err(usage)?,
        None => Destination::Local,
    };
    let folder = surroundings.volume().join("tracking");
    Ok(Tracking::open(TrackingOptions::new(destination, folder, Arc::new(SystemClock)))?)
}

fn run_options(arguments: &TrainArguments, surroundings: &Surroundings) -> RunOptions {
    let experiment = arguments.experiment.clone().or_else(|| surroundings.experiment.clone());
    let mut options = RunOptions::new(experiment.unwrap_or_else(|| "dodge".to_owned()))
        .with_source_name("dodge train")
        .with_tag("dodge.version", env!("CARGO_PKG_VERSION"));
    if let Some(name) = &arguments.run_name {
        options = options.with_run_name(name);
    }
    if let Some(user) = &surroundings.user {
        options = options.with_user(user);
    }
    options
}

/// The first Ctrl-C asks the run to stop after writing its model; a second one ends the program at once.
fn stop_on_ctrl_c() -> Result<Arc<AtomicBool>> {
    let interrupted = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&interrupted);
    ctrlc::set_handler(move || {
        if flag.swap(true, Ordering::Relaxed) {
            #[expect(clippy::exit, reason = "the user asked twice")]
            std::process::exit(i32::from(INTERRUPTED));
        }
        let _ = writeln!(std::io::stderr(), "\nstopping; Ctrl-C again ends at once");
    })
    .context("cannot listen for Ctrl-C")?;
    Ok(interrupted)
}

fn in_words(report: &Report) -> String {
    let mut text = table::of(&report.evaluation);
    text.push_str(&format!(
        "\n{} environment steps in {:.0} s ({:.0} steps/s in training), seed {}\n",
        report.steps, report.wall_seconds, report.steps_per_second, report.seed
    ));
    if report.undelivered_records > 0 {
        text.push_str(&format!(
            "{} tracking records wait for the server; they are kept and sent with the next run\n",
            report.undelivered_records
        ));
    }
    text.push_str(&format!("model:  {}\n", report.model.display()));
    if let Some(mosaic) = &report.mosaic {
        text.push_str(&format!("mosaic: {} (before, after, original)\n", mosaic.display()));
    }
    let program = std::env::args().next().unwrap_or_else(|| "dodge".to_owned());
    let photo = report.sample.as_ref().map_or_else(|| "PHOTO".to_owned(), |sample| sample.display().to_string());
    text.push_str(&format!(
        "\nnext, on any photo of yours:\n  {program} enhance {photo} --model {} -o enhanced --explain\n",
        report.model.display()
    ));
    text
}
