//! A whole run, from photos to a report, and trainers of one's own.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use dodge_data::{DataLoader, Dataset, PairLoader, SyntheticLoader};
use dodge_hparams::Registry;
use dodge_juror::{ClassicalJuror, Juror};
use dodge_learn::{
    Callback, Checkpoint, Clock, DqnParams, Encoder, Error as LearnError, Head, Learner, Moment, NetworkParams, Ppo,
    PpoParams, VectorEnvironment, Verdict, cpu,
};
use dodge_preprocess::{DamageProtocol, DegradeParams, NoProgress, PairParams, Progress, ResizeParams, Splits};
use dodge_rl::{
    EnvironmentParams, Error, Evaluated, Evaluation, Expectation, KnownEdits, Material, Model, ModelConfiguration,
    Observer, PhotoEnv, PhotoTask, PhotoTrainer, Report, RewardParams, Session, Summary, TrainContext, Trained,
    Trainer, TrainingParams, TrainingPhoto, UsedPhotos, photos_of_run,
};
use dodge_tracking::{RecordedRun, RunOptions, Status, Tracking};
use tempfile::TempDir;

use crate::support::{Stub, observations, on_threads};

const STAGES: [&str; 5] = ["load_data", "preprocess", "train", "evaluate", "postprocess"];

fn registry() -> Registry {
    let mut registry = Registry::new();
    registry.register::<ResizeParams>().unwrap();
    registry.register::<DegradeParams>().unwrap();
    registry.register::<PairParams>().unwrap();
    registry.register::<EnvironmentParams>().unwrap();
    registry.register::<RewardParams>().unwrap();
    registry.register::<PpoParams>().unwrap();
    registry.register::<DqnParams>().unwrap();
    registry.register::<NetworkParams>().unwrap();
    registry.register::<TrainingParams>().unwrap();
    for assignment in [
        "degrade.train_ratio=0.6",
        "degrade.validation_ratio=0.2",
        "training.algorithm=ppo",
        "resize.max_size=64",
        "environment.working_size=24",
        "environment.max_steps=4",
        "environment.actions=lightness:20,lightness:-20,contrast:1.2,contrast:0.83",
        "ppo.environments=8",
        "ppo.rollout_steps=32",
        "ppo.minibatch_size=64",
        "ppo.epochs=2",
        "ppo.hidden=16",
        "training.steps=1000",
        "training.validation_interval=512",
        "training.validation_damages=2",
        "training.mosaic_rows=2",
        "training.checkpoint_interval=512",
        "training.refit_below=0",
        "training.synthetic_photos=0",
        "dqn.environments=8",
        "dqn.replay_capacity=400",
        "dqn.learning_starts=64",
        "dqn.train_interval=64",
        "dqn.gradient_steps=4",
        "dqn.batch_size=16",
        "dqn.hidden=16",
    ] {
        registry.apply_set(assignment).unwrap();
    }
    registry.validate().unwrap();
    registry
}

/// A volume with ten synthetic photos to train on, and where the run is recorded.
pub(crate) struct Workplace {
    pub(crate) volume: TempDir,
    tracking: Tracking,
    pub(crate) registry: Registry,
    progress: Arc<dyn Progress>,
    interrupted: Arc<AtomicBool>,
}

impl Workplace {
    pub(crate) fn new() -> Self {
        Self {
            volume: tempfile::tempdir().unwrap(),
            tracking: Tracking::in_memory(),
            registry: registry(),
            progress: Arc::new(NoProgress),
            interrupted: Arc::default(),
        }
    }

    pub(crate) fn session(&self) -> Session {
        Session {
            tracking: self.tracking.clone(),
            run_options: RunOptions::new("a test").with_run_name("first/run"),
            volume: self.volume.path().to_owned(),
            run_dir: None,
            registry: self.registry.clone(),
            device: cpu(),
            progress: Arc::clone(&self.progress),
            interrupted: Arc::clone(&self.interrupted),
            resume: false,
        }
    }

    pub(crate) fn trainer(&self, juror: Arc<dyn Juror>) -> PhotoTrainer {
        PhotoTrainer::new(Box::new(loader(self.volume.path())), juror)
    }

    fn train(&self) -> Result<Report, Error> {
        self.trainer(Arc::new(ClassicalJuror::new())).run(self.session())
    }

    pub(crate) fn record(&self) -> RecordedRun {
        self.tracking.recorded_runs().pop().unwrap()
    }
}

fn loader(volume: &Path) -> SyntheticLoader {
    SyntheticLoader::new(10, 64, 1, volume.join("photos")).unwrap()
}

/// Every number of a summary, however deep.
fn figures(value: &serde_json::Value) -> Vec<f64> {
    match value {
        serde_json::Value::Object(inner) => inner.values().flat_map(figures).collect(),
        serde_json::Value::Array(inner) => inner.iter().flat_map(figures).collect(),
        // The name of the damage.
        serde_json::Value::String(_) => Vec::new(),
        value => vec![value.as_f64().unwrap_or(f64::NAN)],
    }
}

#[test]
fn a_run_from_photos_to_report() {
    let place = Workplace::new();
    let report = place.train().unwrap();
    assert_eq!((report.steps, report.seed, report.undelivered_records), (1024, 42, 0), "whole rollouts of 256 steps");
    assert!(report.wall_seconds > 0.0 && report.steps_per_second > 0.0);

    let test = report.evaluation.test;
    assert_eq!(report.evaluation.photographs, 2);
    assert_eq!((test.photos, test.undamaged.photos), (8, 2), "four damages of each, and each as it is");
    assert_eq!(report.evaluation.damage, Some(DamageProtocol::Standard));
    let of_all = serde_json::to_value(&report.evaluation).unwrap();
    let figures = figures(&of_all);
    assert!(figures.len() > 50 && figures.iter().all(|figure| figure.is_finite()), "{of_all}");
    let nothing: Summary = report.evaluation.baselines.do_nothing;
    assert_eq!((nothing.mean_steps, nothing.recovered), (0.0, 0.0));
    assert_eq!(nothing.mean_psnr_final_db, test.mean_psnr_degraded_db);

    let record = place.record();
    assert_eq!(record.status, Some(Status::Finished));
    assert_eq!(report.run_id, record.run_id);
    for stage in STAGES {
        let durations = record.values(&format!("perf/{stage}_duration_seconds"));
        assert!(matches!(durations[..], [duration] if duration >= 0.0), "{stage}: {durations:?}");
    }
    for step in ["copy_and_resize", "annotation_file", "score", "degrade_and_split"] {
        assert_eq!(record.values(&format!("perf/{step}_duration_seconds")).len(), 1, "{step}");
    }
    assert_eq!(record.values("perf/total_duration_seconds"), [report.wall_seconds]);
    assert_eq!(record.values("test/mean_psnr_final_db"), [test.mean_psnr_final_db]);
    assert_eq!(record.values("test/undamaged/left_alone"), [test.undamaged.left_alone]);
    let names: Vec<&str> = report.evaluation.baselines.by_name().into_iter().map(|(name, _)| name).collect();
    let expected =
        ["do_nothing", "random", "auto", "best_single_edit", "constant_edit", "one_step_greedy", "model_in_the_box"];
    assert_eq!(names, expected);
    for baseline in names {
        assert_eq!(record.values(&format!("baseline/{baseline}/recovered")).len(), 1, "{baseline}");
        assert_eq!(record.values(&format!("perf/evaluation/{baseline}/milliseconds_per_photo")).len(), 1, "{baseline}");
    }
    assert_eq!(record.values("perf/evaluation/agent/juror_calls_per_photo"), [0.0]);
    assert_eq!(record.values("test/mean_ssim_final"), [test.mean_ssim_final.unwrap()]);
    assert_eq!(record.values("test/mean_delta_e_final"), [test.mean_delta_e_final.unwrap()]);
    let known = Model::load(&report.model, &cpu()).unwrap().configuration().known_edits.clone();
    assert!(known.best_single_edit.is_some() && (1..=3).contains(&known.constant_edit.len()), "{known:?}");
    assert!(record.values("baseline/nearest_edits/recovered").is_empty(), "that is for pairs");
    assert_eq!(record.values("train/policy_loss").len(), 4, "one value for each update");
    assert_eq!(record.values("validation/psnr_gain_db").len(), 2);
    let steps: Vec<i64> =
        record.metrics.iter().filter(|metric| metric.key == "train/entropy").map(|metric| metric.step).collect();
    assert_eq!(steps, [256, 512, 768, 1024]);
    let sum = |key: &str| record.values(key).iter().sum::<f64>();
    let usage = record.metrics.iter().filter(|metric| metric.key.starts_with("train_transformer_usage/"));
    let (total, parts): (Vec<_>, Vec<_>) = usage.partition(|metric| metric.key.ends_with("/total"));
    assert_eq!(parts.iter().map(|metric| metric.value).sum::<f64>(), sum("train_transformer_usage/total"));
    assert!(total.iter().all(|metric| metric.value > 128.0 && metric.value <= 256.0), "{total:?}");
    let (episodes, successes) = (sum("train/episodes"), sum("train/images_with_success"));
    assert!(successes > 0.0 && successes < episodes, "{successes} of {episodes}");
    for key in ["train/mean_score", "train/mean_initial_score"] {
        assert!(record.values(key).iter().all(|score| (0.0..=10.0).contains(score)), "{key}");
    }
    for key in ["perf/rollout_duration_s", "perf/fps_current_rollout", "perf/time_per_step_s"] {
        assert_eq!(record.values(key).len(), 4, "{key}");
    }

    assert_eq!(record.params["ppo/hidden"].replace(['[', ']'], ""), "16");
    assert_eq!((record.params["device"].as_str(), report.device.as_str()), ("cpu", "cpu"));
    assert_eq!(record.params["source_dataset_id"], "synthetic");
    assert_eq!(record.params["dataset_photos"], "10");
    let (logged, artifacts): (Vec<&str>, Vec<&str>) =
        record.artifacts.keys().map(String::as_str).partition(|path| path.starts_with("models/retoucher-"));
    let logged: Vec<&str> = logged.into_iter().filter_map(|path| path.rsplit('/').next()).collect();
    assert_eq!(logged, ["MLmodel", "README.md", "model.safetensors"]);
    let (grid, artifacts): (Vec<&str>, Vec<&str>) = artifacts.into_iter().partition(|path| path.starts_with("images/"));
    let of_validations = grid.iter().filter(|path| path.starts_with("images/validation~photos+step+")).count();
    assert_eq!((grid.len(), of_validations), (4, 4), "two validations, each picture in two sizes: {grid:?}");
    assert_eq!(
        artifacts,
        [
            "checkpoints/latest.checkpoint",
            "configuration.toml",
            "evaluation_images/mosaic.png",
            "models/model.safetensors",
            "outcomes.json",
            "preprocess/annotations.json",
            "preprocess/scores.json",
            "preprocess/test.json",
            "preprocess/train.json",
            "preprocess/unusable.json",
            "preprocess/validation.json",
            "report.html",
            "report.json",
        ]
    );
    let mut again = registry();
    again.apply_toml(std::str::from_utf8(&record.artifacts["configuration.toml"]).unwrap(), "artifact").unwrap();
    assert_eq!(again.flatten(), place.registry.flatten(), "the configuration is enough to repeat the run");

    // The name of experiment and run are plain folders below the volume.
    let runs = place.volume.path().join("runs").join("a_test");
    assert_eq!(report.run_dir.parent(), Some(runs.as_path()));
    assert!(report.run_dir.file_name().unwrap().to_str().unwrap().starts_with("first_run-"));
    for file in ["configuration.toml", "used.json", "model.safetensors", "last-model.safetensors", "report.json"] {
        assert!(report.run_dir.join(file).is_file(), "{file}");
    }
    let on_disk: serde_json::Value =
        serde_json::from_slice(&std::fs::read(report.run_dir.join("report.json")).unwrap()).unwrap();
    for key in ["run_id", "run_dir", "model", "steps", "wall_seconds", "steps_per_second", "seed", "test", "baselines"]
    {
        assert!(on_disk.get(key).is_some(), "{key}");
    }

    let model = Model::load(&report.model, &cpu()).unwrap();
    assert_eq!(model.configuration().hidden, [16]);
    assert_eq!((model.configuration().max_steps, model.configuration().working_size), (4, 24));
    assert!([512, 1024].contains(&model.configuration().environment_steps));
    let sample = dodge_imaging::Photo::open(&report.sample.unwrap()).unwrap();
    assert!(sample.width().max(sample.height()) <= 64);
    let mosaic = dodge_imaging::Photo::open(&report.mosaic.unwrap()).unwrap();
    assert_eq!(mosaic.width(), 752);
}

/// Twelve pairs: the same edit on nine of them, three were left as they are.
fn pairs(volume: &Path) -> PairLoader {
    let [before, after] = ["before", "after"].map(|side| volume.join(side));
    let edit: Vec<_> = ["lightness:20", "contrast:1.2"].map(|text| text.parse().unwrap()).into();
    let edit = dodge_imaging::Recipe::new(edit);
    for index in 0..12 {
        let photo = dodge_data::synthetic::photo(5, index, 72, 48);
        let edited = if index % 4 == 0 { photo.clone() } else { edit.apply(&photo) };
        for (folder, photo) in [(&before, photo), (&after, edited)] {
            std::fs::create_dir_all(folder).unwrap();
            photo.save(&folder.join(format!("{index}.png"))).unwrap();
        }
    }
    PairLoader::new(before, after)
}

#[test]
fn pairs_are_trained_on_from_two_folders_to_a_report() {
    let place = Workplace::new();
    let run_dir = place.volume.path().join("run");
    let run = |resume| {
        let trainer = PhotoTrainer::of_pairs(Box::new(pairs(place.volume.path())), Arc::new(ClassicalJuror::new()));
        trainer.run(Session { run_dir: Some(run_dir.clone()), resume, ..place.session() }).unwrap()
    };
    let report = run(false);
    assert_eq!((report.evaluation.material(), report.steps), (Material::Pairs, 1024));
    let (test, baselines) = (report.evaluation.test, &report.evaluation.baselines);
    assert_eq!(test.photos + test.undamaged.photos, 2, "a tenth each for validation and test, which takes the rest");
    let of_all = serde_json::to_value(&report.evaluation).unwrap();
    assert!(figures(&of_all).iter().all(|figure| figure.is_finite()), "{of_all}");
    let before = test.mean_psnr_degraded_db;
    assert!(before < 25.0, "{before}");
    assert!(baselines.constant_edit.mean_psnr_final_db > before + 5.0, "{:?}", baselines.constant_edit);
    assert!(baselines.nearest_edits.unwrap().mean_psnr_final_db > before, "{:?}", baselines.nearest_edits);

    let record = place.record();
    assert_eq!(record.params["source_dataset_id"], "pairs");
    for step in ["pair_and_split", "load_data", "preprocess", "train", "evaluate"] {
        assert_eq!(record.values(&format!("perf/{step}_duration_seconds")).len(), 1, "{step}");
    }
    assert!(record.values("perf/degrade_and_split_duration_seconds").is_empty(), "nothing is damaged");
    for baseline in ["constant_edit", "nearest_edits", "model_in_the_box"] {
        assert_eq!(record.values(&format!("baseline/{baseline}/mean_psnr_final_db")).len(), 1, "{baseline}");
    }
    for artifact in ["preprocess/train.json", "preprocess/left-out.json", "evaluation_images/mosaic.png"] {
        assert!(record.artifacts.contains_key(artifact), "{artifact}");
    }
    let folder = |side: &str| place.volume.path().join(side);
    let used = UsedPhotos { folder: folder("before"), after: Some(folder("after")), lessons: false };
    assert_eq!(photos_of_run(&run_dir).unwrap(), used);
    // It had ended: it is evaluated again.
    assert_eq!(timeless(&run(true).evaluation), timeless(&report.evaluation));
}

#[path = "../../../preprocess/examples/own_step.rs"]
mod own_step;

#[test]
fn a_step_of_ones_own_is_run_after_the_usual_ones() {
    let place = Workplace::new();
    let loader = SyntheticLoader::new(10, 64, 42, place.volume.path().join("datasets")).unwrap();
    let trainer = PhotoTrainer::new(Box::new(loader), Arc::new(ClassicalJuror::new()));
    let trainer = trainer.with_step(own_step::MirrorTraining);
    let prepared = dodge_rl::prepare(&trainer, place.session()).unwrap();
    let steps: Vec<&str> = prepared.steps.iter().map(|step| step.step).collect();
    assert_eq!(steps, ["copy_and_resize", "annotation_file", "score", "degrade_and_split", "mirror_training"]);
    let record = place.record();
    assert_eq!(record.values("train_num_images_mirrored"), [prepared.train as f64]);
    assert_eq!(record.values("train_num_images"), [prepared.train as f64 / 2.0]);
    assert_eq!(record.status, Some(Status::Finished));
    assert!(record.values("perf/train_duration_seconds").is_empty(), "nothing is trained");
}

#[test]
fn a_run_goes_on_with_scores_of_its_juror_alone() {
    struct Other;
    impl dodge_juror::Juror for Other {
        fn name(&self) -> String {
            "other".to_owned()
        }

        fn score(&self, photos: &[&dodge_imaging::Photo]) -> Result<Vec<f64>, dodge_juror::Error> {
            ClassicalJuror::new().score(photos)
        }
    }
    let place = Workplace::new();
    let run_dir = place.volume.path().join("run");
    let trainer = |juror: Arc<dyn dodge_juror::Juror>| {
        let loader = SyntheticLoader::new(10, 64, 42, place.volume.path().join("datasets")).unwrap();
        PhotoTrainer::new(Box::new(loader), juror)
    };
    let session = |resume| Session { run_dir: Some(run_dir.clone()), resume, ..place.session() };
    trainer(Arc::new(ClassicalJuror::new())).run(session(false)).unwrap();
    let error = trainer(Arc::new(Other)).run(session(true)).unwrap_err().to_string();
    assert!(error.contains("scored by classical") && error.contains("--rescore"), "{error}");
    trainer(Arc::new(ClassicalJuror::new())).run(session(true)).unwrap();
    trainer(Arc::new(Other)).rescoring().run(session(true)).unwrap();
}

#[test]
fn photos_and_model_stand_in_the_record() {
    let place = Workplace::new();
    let report = place.train().unwrap();
    let record = place.record();
    let used: Vec<(&str, Option<&str>)> =
        record.datasets.iter().map(|dataset| (&*dataset.name, dataset.context.as_deref())).collect();
    assert_eq!(
        used.iter().map(|(_, context)| context.unwrap()).collect::<Vec<_>>(),
        ["training", "validation", "test"]
    );
    let source: serde_json::Value = serde_json::from_str(&record.datasets[0].source).unwrap();
    let folder = Path::new(source["uri"].as_str().unwrap()).to_owned();
    assert!(folder.is_dir() && folder.starts_with(place.volume.path()), "{folder:?}");
    assert_eq!(used[0].0, folder.file_name().unwrap());
    let counts: Vec<u64> = record
        .datasets
        .iter()
        .map(|dataset| {
            let of = |text: &Option<String>| -> serde_json::Value {
                serde_json::from_str(text.as_deref().unwrap()).unwrap()
            };
            let (profile, schema) = (of(&dataset.profile), of(&dataset.schema));
            assert_eq!(schema["mlflow_colspec"][0]["name"], "degraded");
            let rows = profile["num_rows"].as_u64().unwrap();
            assert_eq!(profile["damaged"].as_u64().unwrap() + profile["undamaged"].as_u64().unwrap(), rows);
            rows
        })
        .collect();
    assert_eq!(counts, [6, 2, 2]);
    let digests = |record: &RecordedRun| record.datasets.iter().map(|it| it.digest.clone()).collect::<Vec<_>>();
    let [a, b, c] = &digests(&record)[..] else { panic!("{:?}", record.datasets) };
    assert!(a.len() == 36 && a != b && b != c && a != c, "{a} {b} {c}");

    let [model] = &record.models[..] else { panic!("{:?}", record.models) };
    assert_eq!((&*model.name, &*model.model_type, model.step), ("retoucher", "agent", 1024));
    assert!(model.params.contains(&("algorithm".to_owned(), "ppo".to_owned())), "{:?}", model.params);
    let file = |name: &str| std::fs::read(report.run_dir.join("logged-model").join(name)).unwrap();
    let card = String::from_utf8(file("README.md")).unwrap();
    assert_eq!(model.tags, [("mlflow.note.content".to_owned(), card.clone())]);
    let content = record.params["dataset_hash"].as_str();
    for words in ["10 of `", "(6 to learn from, 2 to choose the model, 2 to measure it)", content, "| this model | "] {
        assert!(card.contains(words), "{words:?} is missing in {card}");
    }
    assert_eq!(file("model.safetensors"), std::fs::read(&report.model).unwrap());
    assert!(String::from_utf8(file("MLmodel")).unwrap().contains("tensor-spec"));
    assert!(record.versions.is_empty(), "there is no server to register it on");

    // The same photos, prepared elsewhere, are the same datasets; with another seed, they are others.
    let mut elsewhere = Workplace::new();
    elsewhere.train().unwrap();
    assert_eq!(digests(&elsewhere.record()), digests(&record));
    elsewhere.registry.apply_set("training.seed=43").unwrap();
    elsewhere.train().unwrap();
    assert_ne!(digests(&elsewhere.record()), digests(&record));
}

#[test]
fn another_reward_is_refused_by_what_is_not_paid() {
    let mut place = Workplace::new();
    place.registry.register::<dodge_learn::ApgParams>().unwrap();
    place.registry.apply_set("training.algorithm=apg").unwrap();
    place.registry.apply_set("reward.fidelity=7").unwrap();
    let message = place.train().unwrap_err().to_string();
    assert!(message.contains("`apg` learns fidelity") && message.contains("choose `ppo` or `dqn`"), "{message}");
}

#[test]
fn pairs_are_not_damaged_by_accident() {
    let place = Workplace::new();
    let trainer = PhotoTrainer::new(Box::new(pairs(place.volume.path())), Arc::new(ClassicalJuror::new()));
    let message = trainer.run(place.session()).unwrap_err().to_string();
    assert!(message.contains("the loader yields pairs") && message.contains("`PhotoTrainer::of_pairs`"), "{message}");
    let trainer = PhotoTrainer::of_pairs(Box::new(loader(place.volume.path())), Arc::new(ClassicalJuror::new()));
    let message = trainer.run(place.session()).unwrap_err().to_string();
    assert!(message.contains("the step pair_and_split needs pairs"), "{message}");
}

/// The report without what two equal runs may differ in.
fn comparable(report: Report) -> Report {
    Report {
        run_id: String::new(),
        run_dir: Path::new("").into(),
        model: Path::new("").into(),
        mosaic: report.mosaic.map(|_| Path::new("").into()),
        page: Path::new("").into(),
        sample: report.sample.and_then(|path| path.file_name().map(Into::into)),
        wall_seconds: 0.0,
        steps_per_second: 0.0,
        evaluation: timeless(&report.evaluation),
        ..report
    }
}

#[test]
fn equal_seeds_give_equal_runs_on_any_number_of_threads() {
    let run = |threads, seed: u64| {
        let mut place = Workplace::new();
        place.registry.apply_set(&format!("training.seed={seed}")).unwrap();
        let report = on_threads(threads, || place.train()).unwrap();
        let chosen = Model::load(&report.model, &cpu()).unwrap().preferences(&observations(100));
        let losses = place.record().values("train/value_loss");
        (comparable(report), chosen, losses)
    };
    let one = run(1, 7);
    assert_eq!(one, run(1, 7));
    assert_eq!(one, run(2, 7));
    let other = run(1, 8);
    assert_ne!(one.2, other.2);
    assert_ne!(one.0.evaluation, other.0.evaluation);
}

#[test]
fn photos_made_by_the_program_are_learnt_from_with_fresh_and_with_stored_damage() {
    let losses = |made: usize, fresh_damage: bool| {
        let mut place = Workplace::new();
        place.registry.apply_set(&format!("training.synthetic_photos={made}")).unwrap();
        place.registry.apply_set(&format!("environment.fresh_damage={fresh_damage}")).unwrap();
        place.registry.apply_set("training.steps=256").unwrap();
        let evaluation = place.train().unwrap().evaluation;
        assert_eq!(evaluation.photographs, 2, "none of them is tested on");
        place.record().values("train/value_loss")
    };
    for fresh_damage in [true, false] {
        let with = losses(4, fresh_damage);
        assert_ne!(with, losses(0, fresh_damage));
        assert_eq!(with, losses(4, fresh_damage), "equal seeds make equal photos and damages");
    }
}

#[test]
fn a_second_run_in_the_same_volume_uses_what_is_there() {
    let place = Workplace::new();
    let first = place.train().unwrap();
    let second = place.train().unwrap();
    assert_ne!(first.run_dir, second.run_dir);
    assert_eq!(comparable(first), comparable(second));
    let cache = place.volume.path().join("cache/degrade_and_split");
    assert_eq!(std::fs::read_dir(cache).unwrap().count(), 1);
}

#[test]
fn a_run_folder_can_be_chosen() {
    let place = Workplace::new();
    let folder = tempfile::tempdir().unwrap();
    let run_dir = folder.path().join("deep/inside");
    let session = Session { run_dir: Some(run_dir.clone()), ..place.session() };
    let report = place.trainer(Arc::new(ClassicalJuror::new())).run(session).unwrap();
    assert_eq!((report.run_dir, report.model), (run_dir.clone(), run_dir.join("model.safetensors")));
    assert!(!place.volume.path().join("runs").exists());
}

#[test]
fn a_run_that_is_interrupted_before_it_trains_is_killed() {
    let place = Workplace::new();
    place.interrupted.store(true, Ordering::Relaxed);
    let error = place.train().unwrap_err();
    assert!(matches!(error, Error::Interrupted { model: None }), "{error:?}");
    assert_eq!(error.to_string(), "interrupted");
    let record = place.record();
    assert_eq!(record.status, Some(Status::Killed));
    assert!(record.values("train/entropy").is_empty());
}

/// Asks the run to stop as soon as a piece of work of this name has come so far.
struct StopAt {
    what: &'static str,
    parts: u64,
    seen: Mutex<(String, u64)>,
    interrupted: Arc<AtomicBool>,
}

impl Progress for StopAt {
    fn begin(&self, what: &str, _: u64) {
        *self.seen.lock().unwrap() = (what.to_owned(), 0);
        self.advance(0);
    }

    fn advance(&self, parts: u64) {
        let mut seen = self.seen.lock().unwrap();
        seen.1 += parts;
        if seen.0 == self.what && seen.1 >= self.parts {
            self.interrupted.store(true, Ordering::Relaxed);
        }
    }

    fn note(&self, _: &str) {}

    fn end(&self) {}
}

#[test]
fn an_interrupted_training_leaves_a_usable_model() {
    // Before the first validation, and after it.
    for (parts, trained_for) in [(0, 0), (256, 256), (768, 512)] {
        let mut place = Workplace::new();
        let interrupted = Arc::clone(&place.interrupted);
        place.progress = Arc::new(StopAt { what: "training", parts, seen: Mutex::default(), interrupted });
        let Error::Interrupted { model: Some(path) } = place.train().unwrap_err() else { panic!("no model") };
        let model = Model::load(&path, &cpu()).unwrap();
        assert_eq!(model.configuration().environment_steps, trained_for);
        let record = place.record();
        assert_eq!(record.status, Some(Status::Killed));
        assert_eq!(record.artifacts["models/model.safetensors"], std::fs::read(&path).unwrap());
        assert_eq!(record.values("train/entropy").len() as u64, parts / 256);
    }
}

/// Figures that equal runs have in common.
fn timeless(evaluation: &Evaluation) -> Evaluation {
    let mut evaluation = evaluation.clone();
    evaluation.costs.values_mut().for_each(|cost| cost.milliseconds_per_photo = 0.0);
    evaluation
}

/// What a training leaves behind that must not depend on interruptions: models, the state at the end, figures.
fn leavings(run_dir: &Path, report: &Report) -> (Vec<Vec<f32>>, Checkpoint, Evaluation) {
    let chosen = |name| Model::load(&run_dir.join(name), &cpu()).unwrap().preferences(&observations(50));
    let models = ["model.safetensors", "last-model.safetensors"].map(chosen);
    let mut latest = Checkpoint::load(&run_dir.join("checkpoints/latest.checkpoint")).unwrap();
    // The metadata of a model file is in no fixed order.
    latest.best = None;
    (models.into(), latest, timeless(&report.evaluation))
}

#[test]
fn a_resumed_training_ends_as_if_never_interrupted() {
    for algorithm in ["ppo", "dqn"] {
        let train = |interruptions: &[u64]| {
            let mut place = Workplace::new();
            place.registry.apply_set(&format!("training.algorithm={algorithm}")).unwrap();
            let run_dir = place.volume.path().join("run");
            for (index, &parts) in interruptions.iter().enumerate() {
                let interrupted = Arc::clone(&place.interrupted);
                place.progress = Arc::new(StopAt { what: "training", parts, seen: Mutex::default(), interrupted });
                let session = Session { run_dir: Some(run_dir.clone()), resume: index > 0, ..place.session() };
                let error = place.trainer(Arc::new(ClassicalJuror::new())).run(session).unwrap_err();
                assert!(matches!(error, Error::Interrupted { model: Some(_) }), "{error}");
                place.interrupted.store(false, Ordering::Relaxed);
            }
            place.progress = Arc::new(NoProgress);
            let resume = !interruptions.is_empty();
            let session = Session { run_dir: Some(run_dir.clone()), resume, ..place.session() };
            let report = place.trainer(Arc::new(ClassicalJuror::new())).run(session).unwrap();
            leavings(&run_dir, &report)
        };
        let whole = train(&[]);
        assert!(train(&[0]) == whole, "{algorithm} interrupted at its beginning");
        assert!(train(&[300, 700]) == whole, "{algorithm} interrupted twice");
    }
}

#[test]
fn the_chosen_model_is_fitted_once_more_from_validation_photos_too() {
    let train = |refit: bool, threads: usize, parts: Option<u64>| {
        let mut place = Workplace::new();
        place.registry.apply_set(&format!("training.refit_below={}", if refit { 7 } else { 6 })).unwrap();
        let run_dir = place.volume.path().join("run");
        let run = |place: &Workplace, resume| {
            let session = Session { run_dir: Some(run_dir.clone()), resume, ..place.session() };
            on_threads(threads, || place.trainer(Arc::new(ClassicalJuror::new())).run(session))
        };
        if let Some(parts) = parts {
            let interrupted = Arc::clone(&place.interrupted);
            place.progress = Arc::new(StopAt { what: "fitting once more", parts, seen: Mutex::default(), interrupted });
            let error = run(&place, false).unwrap_err();
            assert!(matches!(error, Error::Interrupted { model: Some(_) }), "{error}");
            place.interrupted.store(false, Ordering::Relaxed);
            place.progress = Arc::new(NoProgress);
        }
        let left = || Model::load(&run_dir.join("model.safetensors"), &cpu()).unwrap();
        let interrupted = parts.map(|_| left().preferences(&observations(50)));
        let report = run(&place, parts.is_some()).unwrap();
        let refitted_for = place.record().values("refit/entropy").len() as u64 * 256;
        (left(), report.refitted_on, refitted_for, interrupted)
    };
    let chose = |model: &Model| model.preferences(&observations(50));
    let (chosen, refitted_on, ..) = train(false, 1, None);
    assert_eq!(refitted_on, None);
    let (model, refitted_on, refitted_for, _) = train(true, 1, None);
    assert_eq!(refitted_on, Some(8), "six photos of the training split, two of the validation split");
    assert_eq!(refitted_for, chosen.configuration().environment_steps, "as long as what validation chose");
    assert_eq!(model.configuration(), chosen.configuration());
    assert_ne!(chose(&model), chose(&chosen));

    let (same, _, _, interrupted) = train(true, 2, Some(256));
    assert_eq!(interrupted, Some(chose(&chosen)), "what validation chose is there for use");
    assert_eq!(chose(&same), chose(&model), "and it is fitted once more from the beginning");
}

/// Ends a training after some rounds, and keeps what it was told.
struct Listener {
    rounds: u64,
    heard: Arc<Mutex<Vec<(u64, bool, bool)>>>,
}

impl Callback for Listener {
    fn after_update(&mut self, moment: &Moment<'_>) -> Result<Verdict, LearnError> {
        let has_entropy = moment.metrics.iter().any(|(key, _)| *key == "train/entropy");
        let heard = (moment.clock.taken, has_entropy, moment.validation.is_some());
        self.heard.lock().unwrap().push(heard);
        Ok(if moment.updates == self.rounds { Verdict::Stop } else { Verdict::GoOn })
    }
}

#[test]
fn a_callback_hears_of_every_round_and_can_end_the_training() {
    let place = Workplace::new();
    let heard = Arc::default();
    let listener = Listener { rounds: 3, heard: Arc::clone(&heard) };
    let trainer = place.trainer(Arc::new(ClassicalJuror::new())).with_callback(Box::new(listener));
    let report = trainer.run(place.session()).unwrap();
    assert_eq!(report.steps, 768);
    assert_eq!(*heard.lock().unwrap(), [(256, true, false), (512, true, true), (768, true, false)]);
    assert_eq!(place.record().status, Some(Status::Finished));
}

#[test]
fn an_agent_that_sees_pictures_is_trained_and_used() {
    for (encoder, algorithm) in [("nature-cnn", "ppo"), ("patch", "dqn")] {
        let mut place = Workplace::new();
        let encoder = format!("network.encoder={encoder}");
        let algorithm = format!("training.algorithm={algorithm}");
        for assignment in
            [&*encoder, &*algorithm, "network.picture_size=36", "environment.working_size=36", "training.steps=256"]
        {
            place.registry.apply_set(assignment).unwrap();
        }
        let report = place.train().unwrap();
        assert_eq!(report.steps, 256);
        let model = Model::load(&report.model, &cpu()).unwrap();
        assert_eq!(model.observer().picture().unwrap().values(), 3 * 36 * 36);
        assert!(
            model
                .recipe_for(&dodge_imaging::Photo::from_fn(50, 40, |x, y| [x as u8, y as u8, 90]).unwrap())
                .operations()
                .len()
                <= 4
        );
    }
}

#[test]
fn a_picture_larger_than_the_working_photo_is_refused() {
    let mut place = Workplace::new();
    place.registry.apply_set("network.encoder=nature-cnn").unwrap();
    let error = place.train().unwrap_err().to_string();
    assert!(error.contains("set environment.working_size to 84 or more, or network.picture_size to"), "{error}");
}

#[test]
fn a_callback_that_ends_the_training_before_its_first_validation_leaves_a_model() {
    let mut place = Workplace::new();
    place.registry.apply_set("training.validation_interval=1000000").unwrap();
    let trainer = place
        .trainer(Arc::new(ClassicalJuror::new()))
        .with_callback(Box::new(Listener { rounds: 1, heard: Arc::default() }));
    let report = trainer.run(place.session()).unwrap();
    assert_eq!(report.steps, 256);
    assert!(Model::load(&report.model, &cpu()).is_ok());
}

#[test]
fn a_training_that_gets_no_better_ends_early() {
    let mut place = Workplace::new();
    // Without a step size nothing changes after the first validation.
    for assignment in ["ppo.learning_rate=1e-8", "training.steps=20000", "training.early_stop_patience=2"] {
        place.registry.apply_set(assignment).unwrap();
    }
    assert_eq!(place.train().unwrap().steps, 1536, "the third validation is the second without a better model");
}

#[test]
fn only_what_fits_can_be_resumed() {
    let mut place = Workplace::new();
    let run_dir = place.volume.path().join("run");
    let resume = |place: &Workplace| {
        let session = Session { run_dir: Some(run_dir.clone()), resume: true, ..place.session() };
        place.trainer(Arc::new(ClassicalJuror::new())).run(session).unwrap_err().to_string()
    };
    assert!(resume(&place).contains("the run ended before its photos were prepared: start it anew"));
    let session = Session { run_dir: Some(run_dir.clone()), ..place.session() };
    place.trainer(Arc::new(ClassicalJuror::new())).run(session).unwrap();

    let others = place.registry.clone();
    place.registry.apply_set("environment.actions=lightness:20,lightness:-20,contrast:1.2,tint:0.1").unwrap();
    let expected = "the checkpoint was written with environment.actions = lightness:20, lightness:-20, contrast:1.2, contrast:0.83, \
                    this run has lightness:20, lightness:-20, contrast:1.2, tint:0.1: resume it as it began, or start anew";
    assert_eq!(resume(&place), expected);
    place.registry = others;
    place.registry.apply_set("ppo.hidden=17").unwrap();
    assert!(resume(&place).contains("another architecture"), "{}", resume(&place));
    place.registry.apply_set("training.algorithm=dqn").unwrap();
    assert_eq!(resume(&place), "the checkpoint was written by ppo, this run uses dqn");
    let latest = run_dir.join("checkpoints/latest.checkpoint");
    let bytes = std::fs::read(&latest).unwrap();
    std::fs::write(&latest, &bytes[..bytes.len() / 2]).unwrap();
    assert!(resume(&place).contains("is truncated or damaged"), "{}", resume(&place));
    std::fs::remove_file(&latest).unwrap();
    assert!(resume(&place).ends_with("has no checkpoint to go on from: start it anew"), "{}", resume(&place));
}

#[test]
fn a_run_that_is_interrupted_while_it_evaluates_keeps_its_model() {
    let mut place = Workplace::new();
    let interrupted = Arc::clone(&place.interrupted);
    place.progress = Arc::new(StopAt { what: "evaluating", parts: 0, seen: Mutex::default(), interrupted });
    let Error::Interrupted { model: Some(path) } = place.train().unwrap_err() else { panic!("no model") };
    assert!(Model::load(&path, &cpu()).is_ok());
    let record = place.record();
    assert_eq!(record.status, Some(Status::Killed));
    assert_eq!(record.artifacts["models/model.safetensors"], std::fs::read(&path).unwrap());
    assert_eq!(record.values("train/entropy").len(), 4);
}

#[test]
fn a_run_whose_juror_fails_is_failed() {
    let place = Workplace::new();
    let error = place.trainer(Stub::failing()).run(place.session()).unwrap_err();
    assert_eq!(error.to_string(), "preprocessing: juror stub gave no score: out of order");
    let record = place.record();
    assert_eq!(record.status, Some(Status::Failed));
    assert_eq!(record.values("perf/load_data_duration_seconds").len(), 1, "what was done is recorded");
    assert!(record.values("perf/train_duration_seconds").is_empty());
}

#[test]
fn a_run_with_too_few_photos_is_failed() {
    let place = Workplace::new();
    let loader = SyntheticLoader::new(3, 64, 1, place.volume.path().join("photos")).unwrap();
    let trainer = PhotoTrainer::new(Box::new(loader), Arc::new(ClassicalJuror::new()));
    let error = trainer.run(place.session()).unwrap_err();
    assert!(error.to_string().contains("need at least 5 photos, got 3"), "{error}");
    assert_eq!(place.record().status, Some(Status::Failed));
}

#[test]
fn a_registry_that_lacks_a_section_leaves_no_run_open() {
    let place = Workplace::new();
    let session = Session { registry: Registry::new(), ..place.session() };
    let error = place.trainer(Arc::new(ClassicalJuror::new())).run(session).unwrap_err();
    assert!(matches!(error, Error::Part { part: "hyperparameters", .. }), "{error}");
    let open = place.tracking.recorded_runs().iter().filter(|run| run.status.is_none()).count();
    assert_eq!(open, 0, "a run that was started must be closed");
}

/// Trains with a loop of its own, for the juror alone, and measures only the mean value of the results.
struct OwnTrainer {
    standard: PhotoTrainer,
    called: Mutex<Vec<&'static str>>,
}

impl OwnTrainer {
    fn note(&self, hook: &'static str) {
        self.called.lock().unwrap().push(hook);
    }
}

impl Trainer for OwnTrainer {
    fn load_data(&self, context: &TrainContext) -> Result<Dataset, Error> {
        self.note("load_data");
        Ok(loader(context.preprocessing().volume()).load()?)
    }

    fn preprocess(&self, dataset: &Dataset, context: &TrainContext) -> Result<Splits, Error> {
        self.note("preprocess");
        self.standard.preprocess(dataset, context)
    }

    fn train(&self, splits: &Splits, context: &TrainContext) -> Result<Trained, Error> {
        self.note("train");
        let environment: EnvironmentParams = context.hyperparameters()?;
        let ppo: PpoParams = context.hyperparameters()?;
        let photos = splits.train.photos.iter().map(|photo| {
            let original = dodge_imaging::Photo::open(&photo.original)?.thumbnail(environment.working_size);
            Ok(TrainingPhoto { degraded: original.clone(), original })
        });
        let actions = environment.action_set()?;
        let task = Arc::new(PhotoTask {
            photos: photos.collect::<Result<_, Error>>()?,
            material: Material::default(),
            actions: actions.clone(),
            environment: environment.clone(),
            reward: Arc::new(RewardParams { fidelity: 0.0, score: 1.0, edit_cost: 0.0, ..RewardParams::default() }),
            undamaged_share: 0.5,
            juror: Stub::brightness(),
            observer: Arc::new(Observer::new()),
            has_critic: true,
        });
        let one = |index| PhotoEnv::new(Arc::clone(&task), context.seed(), index);
        let mut environments = VectorEnvironment::new((0..ppo.environments as u32).map(one).collect())?;
        let mut learner = Ppo::new(ppo.clone(), environments.spaces(), context.seed(), context.device());
        let rollout = learner.collect(&mut environments)?;
        let report = learner.update(&rollout, Clock { taken: 0, total: 256 })?;
        context.log_metric("own/value_loss", report.value_loss, 256)?;
        let configuration = ModelConfiguration {
            actions: environment.actions.clone(),
            mask_actions: environment.mask_actions,
            max_steps: environment.max_steps,
            most_looks: 1,
            expectation: Expectation::AS_FORETOLD,
            least_gain_db: 0.0,
            working_size: environment.working_size,
            encoder: Encoder::Stats,
            picture_size: 84,
            hidden: ppo.hidden,
            head: Head::Policy,
            observation: task.observer.name(),
            known_edits: KnownEdits::of(&task)?,
            algorithm: "own".to_owned(),
            juror: task.juror.name(),
            environment_steps: 256,
            seed: context.seed(),
        };
        let model = Model::new(configuration, Arc::clone(&task.observer), learner.network(), context.device().clone())?;
        let model_path = context.run_dir().join("own.safetensors");
        model.save(&model_path)?;
        Ok(Trained { model, model_path, refitted_on: None, environment_steps: 256, steps_per_second: 1.0 })
    }

    fn evaluate(&self, trained: &Trained, splits: &Splits, context: &TrainContext) -> Result<Evaluated, Error> {
        self.note("evaluate");
        self.standard.evaluate(trained, splits, context)
    }
}

#[test]
fn a_trainer_of_ones_own_needs_four_hooks() {
    let place = Workplace::new();
    let standard = place.trainer(Arc::new(ClassicalJuror::new()));
    let trainer = OwnTrainer { standard, called: Mutex::default() };
    let report = trainer.run(place.session()).unwrap();
    assert_eq!(*trainer.called.lock().unwrap(), ["load_data", "preprocess", "train", "evaluate"]);
    assert_eq!((report.steps, report.model), (256, report.run_dir.join("own.safetensors")));
    let record = place.record();
    assert_eq!(record.status, Some(Status::Finished));
    assert_eq!(record.values("own/value_loss").len(), 1);
    for stage in STAGES {
        assert_eq!(record.values(&format!("perf/{stage}_duration_seconds")).len(), 1, "{stage}");
    }
    assert!(record.artifacts.contains_key("models/own.safetensors"), "the default postprocessing is used");
    assert!(record.artifacts.contains_key("evaluation_images/mosaic.png"));
    assert_eq!(Model::load(&report.run_dir.join("own.safetensors"), &cpu()).unwrap().configuration().algorithm, "own");
}
