//! `dodge tune`

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use dodge_hparams::{Halving, Registry, SearchSpace, Trial as Asked, Tuning};
use dodge_preprocess::Progress;
use dodge_rl::{PhotoTrainer, Session, Trainer, TrainingParams};
use dodge_tracking::{Run, RunOptions, Status, Tracking};

use crate::arguments::{SamplerChoice, TuneArguments};
use crate::command::train;
use crate::failure::{Interrupted, in_one_line, usage};
use crate::resume::{Held, Resumed};
use crate::study::judge::Judge;
use crate::study::{Plan, State, Study, Trial, space, words};
use crate::surroundings::Surroundings;
use crate::terminal::{self, lock};
use crate::{command, configuration, interruption, jurors, progress, runs, text};

/// The figures that trials may be judged by: those of the test photos are for what was chosen.
const OF_VALIDATION: &str = "validation/";

/// Runs the command.
pub(crate) fn run(arguments: &TuneArguments, surroundings: &Surroundings) -> Result<()> {
    let mut registry = configuration::layered(&arguments.hyperparameters, &surroundings.hyperparameters)?;
    train::apply_options(&mut registry, &arguments.material, &arguments.learning)?;
    configuration::validate(&registry)?;
    let space = space::of(&registry, &arguments.vary)?;
    if arguments.space {
        return match arguments.json {
            true => command::print_json(&space::in_json(&space, &registry)?),
            false => command::print(&space::in_words(&space, &registry)),
        };
    }
    if !arguments.metric.starts_with(OF_VALIDATION) {
        return Err(usage(format!(
            "--metric {} is no figure of the validation photos, such as validation/psnr_gain_db: what is chosen by other figures \
             cannot be measured by them afterwards",
            arguments.metric
        )));
    }
    let plan = plan(arguments, &registry, &space)?;
    let folder = match &arguments.out {
        Some(folder) => folder.clone(),
        None => surroundings.volume().join("studies").join(plan.name()),
    };
    let _held = hold(&folder)?;
    let study = Study::open(&folder, plan)?;
    train::use_threads(arguments.learning.threads.or(surroundings.threads))?;
    let uri = train::tracking_uri(&arguments.learning, surroundings);
    let mut studying = Studying {
        tuning: tuning(arguments.sampler, space, &registry, study.plan.seed),
        halving: Halving::new(study.plan.halving),
        name: study.plan.name(),
        folder,
        study: Arc::new(Mutex::new(study)),
        tracking: train::tracking(uri, surroundings, &registry.get()?)?,
        progress: progress::display(surroundings),
        interrupted: interruption::stop_on_ctrl_c()?,
        arguments,
        surroundings,
        registry,
    };
    studying.all_trials()?;
    let study = lock(&studying.study);
    if study.best().is_none() {
        bail!("no trial could be trained to its end: {}", text::shown(study.path()));
    }
    if arguments.json {
        return command::print_json(&words::in_json(&study));
    }
    command::print(&format!("{}{}", words::table(&study), next(arguments, &study)))
}

/// What makes it this study.
fn plan(arguments: &TuneArguments, registry: &Registry, space: &SearchSpace) -> Result<Plan> {
    let whole = |path: &Path| text::lossy(&std::path::absolute(path).unwrap_or_else(|_| path.to_owned()));
    let material = &arguments.material;
    let photos = match (train::pairs_of(material, false)?, &material.photos, &material.dataset) {
        (Some((before, after)), ..) => format!("the pairs of {} and {}", whole(before), whole(after)),
        (_, Some(folder), _) => format!("the photos of {}", whole(folder)),
        (_, _, Some(id)) => format!("the dataset {id}"),
        _ => "synthetic photos".to_owned(),
    };
    // How records are delivered changes no result.
    let settings = registry.flatten().into_iter().filter(|(name, _)| !name.starts_with("tracking/"));
    // A reward may ask the juror.
    let juror = ("juror".to_owned(), jurors::described(&arguments.learning.juror)?);
    Ok(Plan {
        photos,
        metric: arguments.metric.clone(),
        sampler: arguments.sampler.name().to_owned(),
        halving: arguments.halving,
        seed: registry.get::<TrainingParams>()?.seed,
        space: space.dimensions().iter().map(dodge_hparams::Dimension::name).collect(),
        settings: settings.chain([juror]).collect(),
    })
}

/// Holds a folder that is new, empty, or of a study.
fn hold(folder: &Path) -> Result<Held> {
    if folder.join("study.json").exists() { Held::folder(folder) } else { Held::new_folder(folder) }
}

fn tuning(sampler: SamplerChoice, space: SearchSpace, registry: &Registry, seed: u64) -> Tuning {
    let tuning = match sampler {
        SamplerChoice::Tpe => Tuning::tpe(space, registry, seed),
        SamplerChoice::Random => Tuning::random(space, registry, seed),
    };
    tuning.with_present_first()
}

/// A study that goes on.
struct Studying<'a> {
    tuning: Tuning,
    halving: Option<Halving>,
    name: String,
    folder: std::path::PathBuf,
    study: Arc<Mutex<Study>>,
    tracking: Tracking,
    progress: Arc<dyn Progress>,
    interrupted: Arc<AtomicBool>,
    arguments: &'a TuneArguments,
    surroundings: &'a Surroundings,
    registry: Registry,
}

impl Studying<'_> {
    /// All trials that are missing, below a tracked run of the study.
    fn all_trials(&mut self) -> Result<()> {
        let wanted = usize::try_from(self.arguments.trials)?;
        let is_done = {
            let study = lock(&self.study);
            study.trials.len() >= wanted && study.trials.iter().all(|trial| trial.state != State::Running)
        };
        if is_done {
            return self.keep_best();
        }
        let parent = self.parent()?;
        let result = self.trials_below(&parent, wanted);
        let status = match &result {
            Ok(()) => Status::Finished,
            Err(error) if error.is::<Interrupted>() => Status::Killed,
            Err(_) => Status::Failed,
        };
        let kept = self.keep_below(&parent);
        let finished = parent.finish(status);
        result?;
        kept?;
        let mut study = lock(&self.study);
        study.run_id = Some(finished?.run_id);
        study.save()
    }

    fn trials_below(&mut self, parent: &Run, wanted: usize) -> Result<()> {
        // Not in the head of the loop, which would hold the lock.
        let known = lock(&self.study).trials.len();
        for number in 0..wanted.max(known) {
            let asked = self.tuning.ask().context("the search is through")?;
            let trial = self.known(&asked)?;
            let trial = match trial {
                Some(trial) if trial.state != State::Running => trial,
                _ if self.interrupted.load(Ordering::Relaxed) => return Err(self.stopped()),
                trial => {
                    let trial = self.trained(&asked, trial, parent)?;
                    self.keep_best()?;
                    self.tell(&trial, parent, wanted)?;
                    trial
                }
            };
            debug_assert_eq!(trial.number, number);
            let score = if trial.state == State::Failed { None } else { trial.value };
            self.tuning.tell(asked, score.unwrap_or(f64::NAN));
        }
        Ok(())
    }

    /// What is written down of a trial. The sampler has to ask for the same again.
    fn known(&self, asked: &Asked) -> Result<Option<Trial>> {
        let study = lock(&self.study);
        let Some(trial) = study.trials.get(asked.number) else { return Ok(None) };
        if trial.values != in_text(asked) {
            bail!(
                "trial {} of {} has other values than this version of the program tries: begin a new study with --out",
                asked.number,
                text::shown(study.path())
            );
        }
        Ok(Some(trial.clone()))
    }

    /// Trains with the values that were asked for, or goes on with it.
    fn trained(&self, asked: &Asked, known: Option<Trial>, parent: &Run) -> Result<Trial> {
        let number = asked.number;
        let mut registry = self.registry.clone();
        let fits = asked.apply(&mut registry).map_err(anyhow::Error::from);
        let fits = fits.and_then(|()| configuration::validate(&registry));
        let begun = self.place(number, known.as_ref());
        let (values, folder) = (in_text(asked), Some(begun.folder.clone()));
        let new = Trial {
            number,
            state: State::Running,
            values,
            value: None,
            steps: 0,
            rungs: std::collections::BTreeMap::new(),
            seconds: 0.0,
            run_id: None,
            folder,
            reason: None,
        };
        let trial = known.filter(|_| begun.goes_on).unwrap_or(new);
        self.note(trial)?;
        let (result, seconds) = match fits {
            Ok(()) => {
                let started = Instant::now();
                let result = self.run_of(number, &begun, registry, parent);
                (result, started.elapsed().as_secs_f64())
            }
            Err(error) if number == 0 => return Err(error),
            Err(error) => (Err(error), 0.0),
        };
        let run_dir = self.folder.join(&begun.folder);
        let mut trial = lock(&self.study).trials[number].clone();
        trial.seconds += (seconds * 10.0).round() / 10.0;
        trial.run_id = runs::id_in(&run_dir);
        match result {
            Ok(()) => trial.state = State::Complete,
            Err(_) if trial.state == State::Pruned => {}
            Err(error) if number > 0 && is_about_values(&error) => {
                trial.state = State::Failed;
                trial.reason = Some(in_one_line(error.chain()));
            }
            Err(error) => {
                self.note(trial)?;
                let stopped = matches!(error.downcast_ref(), Some(dodge_rl::Error::Interrupted { .. }));
                return Err(match stopped {
                    true => self.stopped(),
                    // With the values as they stand, it is the command that is wrong.
                    false if is_about_values(&error) && !has_diverged(&error) => usage(in_one_line(error.chain())),
                    false => error,
                });
            }
        }
        self.check_photos(&run_dir)?;
        self.note(trial.clone())?;
        Ok(trial)
    }

    /// Where a trial is trained: where it was until the program ended, if it left a checkpoint there, else anew.
    fn place(&self, number: usize, known: Option<&Trial>) -> Place {
        if let Some(folder) = known.and_then(|trial| trial.folder.clone())
            && self.folder.join(&folder).join("checkpoints/latest.checkpoint").is_file()
        {
            return Place { folder, goes_on: true };
        }
        let named = |attempt: u32| match attempt {
            1 => format!("trials/{number:03}"),
            attempt => format!("trials/{number:03}-{attempt}"),
        };
        let free = (1..).map(named).find(|folder| !self.folder.join(folder).exists());
        Place { folder: free.unwrap_or_else(|| named(0)), goes_on: false }
    }

    /// The training of a trial, as `dodge train` would do it.
    fn run_of(&self, number: usize, place: &Place, registry: Registry, parent: &Run) -> Result<()> {
        let run_dir = self.folder.join(&place.folder);
        let _held = if place.goes_on { Held::folder(&run_dir)? } else { Held::new_folder(&run_dir)? };
        if place.goes_on {
            Resumed::find(&run_dir, &self.surroundings.volume())?.choose_checkpoint()?;
        }
        let (arguments, surroundings) = (self.arguments, self.surroundings);
        let training: TrainingParams = registry.get()?;
        // A validation that comes half as late again stands for a rung still.
        let least = training.validation_interval / 3 * 2;
        let rungs = self.halving.map_or_else(Vec::new, |it| it.rungs(training.steps, least));
        let judge = Judge { study: Arc::clone(&self.study), number, halving: self.halving, rungs };
        let loader = train::loader(&arguments.material, &registry, surroundings, &self.progress, &self.interrupted)?;
        let juror = jurors::chosen(&arguments.learning.juror, arguments.learning.device, surroundings)?;
        let trainer = match &arguments.material.pairs {
            Some(_) => PhotoTrainer::of_pairs(loader, juror),
            None => PhotoTrainer::new(loader, juror),
        };
        let whole = std::path::absolute(&run_dir).unwrap_or_else(|_| run_dir.clone());
        let options = self
            .options()
            .with_run_name(format!("{}-{number:03}", self.name))
            .with_parent(parent)
            .with_tag("dodge.trial", number.to_string())
            .with_tag(runs::FOLDER_TAG, text::lossy(&whole));
        let session = Session {
            tracking: self.tracking.clone(),
            run_options: train::with_system_metrics(options, surroundings)?,
            volume: surroundings.volume(),
            run_dir: Some(run_dir),
            device: train::device(&arguments.learning, surroundings, &registry)?,
            registry,
            progress: Arc::clone(&self.progress),
            interrupted: Arc::clone(&self.interrupted),
            resume: place.goes_on,
        };
        trainer.with_callback(Box::new(judge)).run(session)?;
        Ok(())
    }

    fn options(&self) -> RunOptions {
        let options = train::options_of_runs(&self.arguments.learning, self.surroundings, "dodge tune");
        options.with_tag("dodge.study", &self.name)
    }

    /// The tracked run of the study: the one that it began with, where that is still known.
    fn parent(&self) -> Result<Run> {
        let known = lock(&self.study).run_id.clone();
        let resumed = known.map(|id| self.tracking.resume_run(&id));
        let run = match resumed {
            Some(Err(error @ dodge_tracking::Error::Missing { .. })) => {
                tracing::warn!("the study goes on as a new tracked run: {error}");
                None
            }
            Some(run) => Some(run?),
            None => None,
        };
        let is_new = run.is_none();
        let run = match run {
            Some(run) => run,
            None => self.tracking.start_run(&self.options().with_run_name(&self.name))?,
        };
        let mut study = lock(&self.study);
        if is_new {
            let plan = &study.plan;
            let halving = plan.halving.to_string();
            let params =
                [("photos", &plan.photos), ("metric", &plan.metric), ("sampler", &plan.sampler), ("halving", &halving)];
            run.log_params(&params.map(|(name, value)| (format!("study/{name}"), value.clone())))?;
        }
        study.run_id = Some(run.run_id().to_owned());
        study.save()?;
        Ok(run)
    }

    /// Writes a trial down.
    fn note(&self, trial: Trial) -> Result<()> {
        let mut study = lock(&self.study);
        match study.trials.get_mut(trial.number) {
            Some(place) => *place = trial,
            None => study.trials.push(trial),
        }
        study.save()
    }

    /// Trials on other photos cannot be compared.
    fn check_photos(&self, run_dir: &Path) -> Result<()> {
        let Ok(used) = text::read(&run_dir.join("used.json"), 1 << 20) else { return Ok(()) };
        let used: serde_json::Value = serde_json::from_str(&used).unwrap_or_default();
        let Some(hash) = used["content_hash"].as_str() else { return Ok(()) };
        let mut study = lock(&self.study);
        match &study.content_hash {
            Some(known) if known != hash => bail!(
                "the photos are not those that the study began with: bring them back, or begin a new study with --out"
            ),
            _ => study.content_hash = Some(hash.to_owned()),
        }
        Ok(())
    }

    /// Says what came of a trial, on stderr and in the tracked run.
    fn tell(&self, trial: &Trial, parent: &Run, wanted: usize) -> Result<()> {
        let study = lock(&self.study);
        let mut figures: Vec<(&str, f64)> = trial.value.map(|value| ("trial/value", value)).into_iter().collect();
        let best = study.best();
        figures.extend(best.and_then(|best| best.value).map(|value| ("study/best_value", value)));
        parent.log_metrics(&figures, trial.number as i64)?;
        let in_words = |trial: &Trial| trial.value.map_or_else(|| "-".to_owned(), |value| format!("{value:+.3}"));
        let best = best.map_or_else(String::new, |best| format!("; best: trial {}, {}", best.number, in_words(best)));
        let (number, state, value) = (trial.number, trial.state.name(), in_words(trial));
        terminal::aside(|| {
            use std::io::Write;
            let _ = writeln!(std::io::stderr(), "trial {number} of 0 to {}: {state}, {value}{best}", wanted.max(1) - 1);
        });
        Ok(())
    }

    /// Writes the values of the best trial as a configuration.
    fn keep_best(&self) -> Result<()> {
        let study = lock(&self.study);
        let Some(best) = study.best() else { return Ok(()) };
        let mut tried = self.registry.clone();
        for (name, value) in &best.values {
            tried.apply_set(&format!("{name}={value}"))?;
        }
        let path = self.folder.join(words::BEST);
        dodge_imaging::write_whole(&path, words::configuration(&study, best, &tried).as_bytes())
            .with_context(|| format!("cannot write {}", text::shown(&path)))
    }

    /// Keeps the study's files with its tracked run.
    fn keep_below(&self, parent: &Run) -> Result<()> {
        let (study, best) = (lock(&self.study).path().to_owned(), self.folder.join(words::BEST));
        parent.log_artifact_file(&study, "")?;
        if best.is_file() { Ok(parent.log_artifact_file(&best, "")?) } else { Ok(()) }
    }

    fn stopped(&self) -> anyhow::Error {
        let study = lock(&self.study);
        let done = study.trials.iter().filter(|trial| trial.state != State::Running).count();
        let folder = text::shown(study.folder());
        let wanted = self.arguments.trials;
        anyhow::Error::new(Interrupted(format!(
            "{done} of {wanted} trials are done in {folder}; the same command goes on"
        )))
    }
}

/// A trial's folder, below the study's.
struct Place {
    folder: String,
    goes_on: bool,
}

/// The values of a trial as `--set` takes them.
fn in_text(asked: &Asked) -> std::collections::BTreeMap<String, String> {
    asked.values.iter().map(|(name, value)| (name.clone(), value.to_string())).collect()
}

fn has_diverged(error: &anyhow::Error) -> bool {
    use dodge_learn::Error::Diverged;
    matches!(error.downcast_ref(), Some(dodge_rl::Error::Learning(Diverged { .. })))
}

/// Whether other values might do better: the study goes on.
fn is_about_values(error: &anyhow::Error) -> bool {
    let does_not_fit = matches!(error.downcast_ref(), Some(dodge_rl::Error::Configuration { .. }));
    does_not_fit
        || has_diverged(error)
        || error.is::<dodge_hparams::Error>()
        || error.is::<crate::failure::UsageError>()
}

/// How to train with the best values.
fn next(arguments: &TuneArguments, study: &Study) -> String {
    let best = study.best().map_or(0, |best| best.number);
    let program = std::env::args_os().next().unwrap_or_else(|| "dodge".into());
    let mut words = vec![text::word(&program), "train".to_owned()];
    let material = &arguments.material;
    if let Some(pairs) = &material.pairs {
        words.push("--pairs".to_owned());
        words.extend(pairs.iter().map(|folder| text::argument(folder)));
    }
    let paths = material.photos.iter().map(|folder| ("--photos", text::argument(folder)));
    let files = arguments.hyperparameters.config.iter().map(|file| ("--config", text::argument(file)));
    let of_word = |flag: &'static str, value: &Option<String>| value.as_ref().map(|it| (flag, text::word(it.as_ref())));
    let of_number = |flag: &'static str, value: Option<u64>| value.map(|it| (flag, it.to_string()));
    let preset = arguments.hyperparameters.preset;
    let preset = clap::ValueEnum::to_possible_value(&preset).filter(|_| preset != crate::arguments::Preset::Default);
    let options = paths
        .chain(of_number("--rating", material.rating))
        .chain(of_word("--label", &material.label))
        .chain(of_word("--dataset", &material.dataset))
        .chain(of_number("--synthetic", material.synthetic))
        .chain(preset.map(|preset| ("--preset", preset.get_name().to_owned())))
        .chain(files)
        .chain([("--config", text::argument(&study.folder().join(words::BEST)))])
        .chain(arguments.hyperparameters.set.iter().map(|it| ("--set", text::word(it.as_ref()))))
        .chain(of_word("--algo", &arguments.learning.algo))
        .chain(of_word("--damage", &arguments.learning.damage))
        .chain(of_number("--steps", arguments.learning.steps))
        .chain(of_number("--seed", arguments.learning.seed));
    words.extend(options.flat_map(|(flag, value)| [flag.to_owned(), value]));
    let standing = if best == 0 { "; no other values did better than those that stand" } else { "" };
    format!(
        "\nthe best is trial {best}{standing}\nstudy:  {}\nnext, train with its values:\n  {}\n",
        text::shown(study.folder()),
        words.join(" ")
    )
}
