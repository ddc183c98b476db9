//! `dodge train`

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anyhow::{Context, Result};
use dodge_data::{DataLoader, DataParams, FolderLoader, Hashing, LessonLoader, PairLoader, SyntheticLoader};
use dodge_hparams::{Layer, Registry};
use dodge_learn::NetworkParams;
use dodge_preprocess::Progress;
use dodge_rl::{
    FIRST_MODEL, Material, Model, PhotoTrainer, Report, Session, Trainer, TrainingParams, UsedPhotos as Used,
    photos_of_run,
};
use dodge_tracking::{Destination, RunOptions, SystemClock, SystemMetricsOptions, Tracking, TrackingOptions};

use crate::arguments::{Device, LearningArguments, MaterialArguments, TrainArguments};
use crate::failure::usage;
use crate::resume::{Held, Resumed};
use crate::sections::TrackingParams;
use crate::surroundings::Surroundings;
use crate::{command, configuration, devices, fetching, interruption, jurors, pairs, progress, runs, table, text};

/// Runs the command.
pub(crate) fn run(arguments: &TrainArguments, surroundings: &Surroundings) -> Result<()> {
    let volume = surroundings.volume();
    let pairs = pairs_of(&arguments.material, arguments.lessons.is_some())?;
    let found = arguments.resume.as_ref().map(|run| Resumed::find(run, &volume)).transpose()?;
    let resumed = found.as_ref().map(|found| found.run_dir.clone());
    let used = resumed.as_deref().map(photos_of_run).transpose()?;
    let first = first_model(arguments, resumed.as_deref(), used.as_ref())?;
    let registry = hyperparameters(arguments, resumed.as_deref(), first.as_ref(), surroundings)?;
    let juror = jurors::chosen(&arguments.learning.juror, arguments.learning.device, surroundings)?;
    let device = device(&arguments.learning, surroundings, &registry)?;
    use_threads(arguments.learning.threads.or(surroundings.threads))?;
    let (progress, interrupted) = (progress::display(surroundings), interruption::stop_on_ctrl_c()?);
    let pairs = match &used {
        Some(used) => used.after.as_deref().map(|after| (&*used.folder, after)),
        None => pairs,
    };
    let hashing = shown_hashing(surroundings, &progress, &interrupted);
    let loader: Box<dyn DataLoader> = match (&arguments.lessons, &used) {
        _ if let Some((before, after)) = pairs => Box::new(PairLoader::new(before, after).with_hashing(hashing)),
        (_, Some(used)) if used.lessons => Box::new(LessonLoader::new(&used.folder).with_hashing(hashing)),
        (Some(folder), _) => Box::new(LessonLoader::new(folder).with_hashing(hashing)),
        (None, Some(used)) => folder_loader(&used.folder, &registry, hashing)?,
        (None, None) => loader(&arguments.material, &registry, surroundings, &progress, &interrupted)?,
    };
    let _held = match (&found, &arguments.out) {
        (Some(found), _) => {
            let held = Held::folder(&found.run_dir)?;
            found.choose_checkpoint()?;
            Some(held)
        }
        (None, Some(folder)) => Some(Held::new_folder(folder)?),
        (None, None) => None,
    };
    let tracking = tracking(tracking_uri(&arguments.learning, surroundings), surroundings, &registry.get()?)?;
    let session = Session {
        tracking,
        run_options: run_options(arguments, surroundings)?,
        volume,
        resume: resumed.is_some(),
        run_dir: resumed.or_else(|| arguments.out.clone()),
        registry,
        device,
        progress,
        interrupted,
    };
    let trainer = match first {
        Some(first) => PhotoTrainer::of_lessons(loader, juror, first),
        None if pairs.is_some() => PhotoTrainer::of_pairs(loader, juror),
        None => PhotoTrainer::new(loader, juror),
    };
    let trainer = if arguments.rescore { trainer.rescoring() } else { trainer };
    let report = trainer.run(session)?;
    if arguments.json { command::print_json(&report) } else { command::print(&in_words(&report)) }
}

/// The model that goes on learning from lessons.
fn first_model(arguments: &TrainArguments, resumed: Option<&Path>, used: Option<&Used>) -> Result<Option<Model>> {
    Ok(match (resumed, used, &arguments.lessons) {
        (Some(run_dir), Some(used), _) if used.lessons => Some(command::model(Some(&run_dir.join(FIRST_MODEL)))?),
        (_, _, Some(_)) => Some(command::model(arguments.model.as_deref())?),
        _ => None,
    })
}

fn hyperparameters(
    arguments: &TrainArguments,
    resumed: Option<&Path>,
    first: Option<&Model>,
    surroundings: &Surroundings,
) -> Result<Registry> {
    let mut registry = match (resumed, first) {
        (Some(run_dir), _) => configuration::of_run(run_dir, &arguments.hyperparameters.set)?,
        (None, Some(first)) => {
            configuration::of_lessons(first, &arguments.hyperparameters, &surroundings.hyperparameters)?
        }
        (None, None) => configuration::layered(&arguments.hyperparameters, &surroundings.hyperparameters)?,
    };
    apply_options(&mut registry, &arguments.material, &arguments.learning)?;
    configuration::validate(&registry)?;
    Ok(registry)
}

/// Puts the options that stand for hyperparameters on top.
pub(crate) fn apply_options(
    registry: &mut Registry,
    material: &MaterialArguments,
    learning: &LearningArguments,
) -> Result<()> {
    for (flag, section, key, name) in [
        ("--algo", "training", "algorithm", &learning.algo),
        ("--damage", "degrade", "damage", &learning.damage),
        ("--label", "data", "label", &material.label),
    ] {
        if let Some(name) = name {
            registry.apply_text(section, key, name, Layer::Other(flag.to_owned()))?;
        }
    }
    for (flag, section, key, value) in [
        ("--steps", "training", "steps", learning.steps),
        ("--seed", "training", "seed", learning.seed),
        ("--synthetic", "data", "synthetic_photos", material.synthetic),
        ("--rating", "data", "least_rating", material.rating),
    ] {
        if let Some(value) = value {
            registry.apply_text(section, key, &value.to_string(), Layer::Other(flag.to_owned()))?;
        }
    }
    Ok(())
}

/// The two folders of `--pairs`.
pub(crate) fn pairs_of(material: &MaterialArguments, with_lessons: bool) -> Result<Option<(&Path, &Path)>> {
    let others = [
        ("--photos", material.photos.is_some()),
        ("--dataset", material.dataset.is_some()),
        ("--synthetic", material.synthetic.is_some()),
        ("--lessons", with_lessons),
    ];
    pairs::folders(material.pairs.as_ref(), &others)
}

/// Where a new training has its photos or pairs from.
pub(crate) fn loader(
    material: &MaterialArguments,
    registry: &Registry,
    surroundings: &Surroundings,
    progress: &Arc<dyn Progress>,
    interrupted: &Arc<AtomicBool>,
) -> Result<Box<dyn DataLoader>> {
    let hashing = shown_hashing(surroundings, progress, interrupted);
    if let Some((before, after)) = pairs_of(material, false)? {
        return Ok(Box::new(PairLoader::new(before, after).with_hashing(hashing)));
    }
    Ok(match (&material.photos, &material.dataset) {
        (Some(folder), _) => folder_loader(folder, registry, hashing)?,
        (None, Some(id)) => {
            let watcher = fetching::Display::new(Arc::clone(progress), Arc::clone(interrupted));
            fetching::loader(id, surroundings, Arc::new(watcher))?
        }
        (None, None) => {
            let data: DataParams = registry.get()?;
            let seed = registry.get::<TrainingParams>()?.seed;
            let folder = surroundings.volume().join("datasets");
            Box::new(SyntheticLoader::new(data.synthetic_photos, data.synthetic_size, seed, folder)?)
        }
    })
}

fn folder_loader(folder: &Path, registry: &Registry, hashing: Hashing) -> Result<Box<dyn DataLoader>> {
    let wanted = registry.get::<DataParams>()?;
    let stars = u8::try_from(wanted.least_rating).unwrap_or(u8::MAX);
    let loader = FolderLoader::new(folder).with_least_rating(stars).with_label(wanted.label.colour());
    Ok(Box::new(loader.with_hashing(hashing)))
}

/// How photos are read for their hash, shown on this display until the flag is set.
pub(crate) fn shown_hashing(
    surroundings: &Surroundings,
    progress: &Arc<dyn Progress>,
    interrupted: &Arc<AtomicBool>,
) -> Hashing {
    let watcher = fetching::Display::new(Arc::clone(progress), Arc::clone(interrupted));
    fetching::hashing(surroundings, Arc::new(watcher))
}

/// Where the agent's networks compute. `auto` takes a graphics card for those only that gain from one.
pub(crate) fn device(
    learning: &LearningArguments,
    surroundings: &Surroundings,
    registry: &Registry,
) -> Result<dodge_learn::Device> {
    let auto = if registry.get::<NetworkParams>()?.suits_gpu() { Device::Gpu } else { Device::Cpu };
    devices::chosen(learning.device, auto, surroundings)
}

/// Limits the threads of the process.
pub(crate) fn use_threads(threads: Option<usize>) -> Result<()> {
    let Some(threads) = threads else { return Ok(()) };
    if threads == 0 {
        return Err(usage("--threads must be at least 1"));
    }
    rayon::ThreadPoolBuilder::new().num_threads(threads).build_global().context("cannot start the threads")
}

/// What was said of where to record.
pub(crate) fn tracking_uri<'a>(learning: &'a LearningArguments, surroundings: &'a Surroundings) -> Option<&'a String> {
    learning.tracking_uri.as_ref().or(surroundings.tracking_uri.as_ref())
}

/// Where a run is recorded.
pub(crate) fn tracking(uri: Option<&String>, surroundings: &Surroundings, params: &TrackingParams) -> Result<Tracking> {
    let destination = match uri {
        Some(uri) => Destination::from_env(uri).map_err(usage)?,
        None => Destination::Local,
    };
    let folder = surroundings.volume().join("tracking");
    let options = TrackingOptions::new(destination, folder, Arc::new(SystemClock))
        .with_finish_timeout(params.finish_timeout)
        .with_delivery_interval(params.delivery_interval);
    Ok(Tracking::open(options)?)
}

fn run_options(arguments: &TrainArguments, surroundings: &Surroundings) -> Result<RunOptions> {
    let mut options = options_of_runs(&arguments.learning, surroundings, "dodge train");
    // By this the run is found under its name although it is not below the volume.
    if let Some(folder) = arguments.out.as_ref().and_then(|folder| std::path::absolute(folder).ok()) {
        options = options.with_tag(runs::FOLDER_TAG, text::lossy(&folder));
    }
    if let Some(name) = &arguments.run_name {
        options = options.with_run_name(name);
    }
    with_system_metrics(options, surroundings)
}

/// What all runs of a command have in common.
pub(crate) fn options_of_runs(learning: &LearningArguments, surroundings: &Surroundings, command: &str) -> RunOptions {
    let experiment = learning.experiment.clone().or_else(|| surroundings.experiment.clone());
    let mut options = RunOptions::new(experiment.unwrap_or_else(|| "dodge".to_owned()))
        .with_source_name(command)
        .with_tag("dodge.version", env!("CARGO_PKG_VERSION"));
    if let Ok(folder) = std::env::current_dir() {
        options = options.with_git(&folder);
    }
    if let Some(user) = &surroundings.user {
        options = options.with_user(user);
    }
    options
}

/// Samples the machine where the environment asks for it.
pub(crate) fn with_system_metrics(options: RunOptions, surroundings: &Surroundings) -> Result<RunOptions> {
    Ok(match SystemMetricsOptions::from_env().map_err(usage)? {
        Some(system) => options.with_system_metrics(system.with_disk(surroundings.volume())),
        None => options,
    })
}

fn in_words(report: &Report) -> String {
    let mut text = table::of(&report.evaluation);
    text.push_str(&format!(
        "\n{} environment steps in {:.0} s ({:.0} steps/s in training), seed {}\n",
        report.steps, report.wall_seconds, report.steps_per_second, report.seed
    ));
    if let Some(photos) = report.refitted_on {
        text.push_str(&format!("fitted once more from the {photos} photos of training and validation\n"));
    }
    if report.undelivered_records > 0 {
        text.push_str(&format!(
            "{} tracking records wait for the server; they are kept and sent with the next run\n",
            report.undelivered_records
        ));
    }
    text.push_str(&format!("model:  {}\n", text::shown(&report.model)));
    text.push_str(&format!("report: {}\n", text::shown(&report.page)));
    if let Some(mosaic) = &report.mosaic {
        let columns = match report.evaluation.material() {
            Material::Damaged(_) => "before, after, original",
            Material::Pairs => "before, agent, after",
        };
        text.push_str(&format!("mosaic: {} ({columns})\n", text::shown(mosaic)));
    }
    let program = std::env::args_os().next().unwrap_or_else(|| "dodge".into());
    let (program, model) = (text::word(&program), text::argument(&report.model));
    let photo = report.sample.as_ref().map_or_else(|| "PHOTO".to_owned(), |sample| text::argument(sample));
    text.push_str(&format!(
        "\nnext, on any photo of yours:\n  {program} enhance {photo} --model {model} -o enhanced --explain\n"
    ));
    text
}
