//! `dodge train`: what it prints, what it leaves, and that equal seeds give equal runs.

use std::fs;
use std::process::Command;

use dodge_imaging::{DamageKind, Photo};
use dodge_tests::{Finished, SMALL_TRAINING, Scratch, metric_rows};
use serde_json::Value;

use crate::photos::folder_of_photos;

/// The keys that are always there, from the design.
const REPORT: &[&str] =
    &["run_id", "run_dir", "model", "steps", "wall_seconds", "steps_per_second", "seed", "test", "baselines"];
const BASELINES: &[&str] =
    &["do_nothing", "random", "auto", "best_single_edit", "constant_edit", "one_step_greedy", "model_in_the_box"];
const SUMMARY: &[&str] = &[
    "photos",
    "mean_original_score",
    "mean_degraded_score",
    "mean_final_score",
    "recovered",
    "success_rate",
    "mean_psnr_degraded_db",
    "mean_psnr_final_db",
    "improved",
    "worsened",
    "mean_steps",
    "undamaged",
];
/// Measured of the agent, and of what is left as it is.
const LIKENESS: &[&str] = &["mean_ssim_degraded", "mean_ssim_final", "mean_delta_e_degraded", "mean_delta_e_final"];
const UNDAMAGED: &[&str] = &["photos", "mean_psnr_db", "left_alone"];

/// What two equal runs may differ in: names of the run and times.
const NOT_REPEATED: &[&str] =
    &["run_id", "run_dir", "model", "mosaic", "page", "sample", "wall_seconds", "steps_per_second", "costs"];

/// Makes sure that the figures of a test split and its baselines are all there, and possible.
pub(crate) fn check_evaluation(evaluation: &Value) {
    let baselines = evaluation["baselines"].as_object().unwrap();
    let of_pairs = baselines.contains_key("nearest_edits").then_some("nearest_edits");
    assert_eq!(sorted(baselines.keys()), sorted(BASELINES.iter().copied().chain(of_pairs)));
    for (name, summary) in [("test", &evaluation["test"])].into_iter().chain(baselines.iter().map(|(n, s)| (&**n, s))) {
        let is_measured = ["test", "do_nothing"].contains(&name) && summary["photos"] != 0;
        let likeness = if is_measured { LIKENESS } else { &[] };
        assert_eq!(sorted(summary.as_object().unwrap().keys()), sorted(SUMMARY.iter().chain(likeness)), "{name}");
        let undamaged = &summary["undamaged"];
        assert_eq!(sorted(undamaged.as_object().unwrap().keys()), sorted(UNDAMAGED), "{name}");
        let within = |value: &Value, low: f64, high: f64| {
            let value = value.as_f64().unwrap_or_else(|| panic!("{name}: a figure is missing in {summary}"));
            assert!((low..=high).contains(&value), "{name}: {value} in {summary}");
        };
        for key in ["mean_original_score", "mean_degraded_score", "mean_final_score"] {
            within(&summary[key], 0.0, 10.0);
        }
        for key in ["success_rate", "improved", "worsened"] {
            within(&summary[key], 0.0, 1.0);
        }
        for key in ["mean_psnr_degraded_db", "mean_psnr_final_db"] {
            within(&summary[key], 0.0, 60.0);
        }
        within(&undamaged["mean_psnr_db"], 0.0, 60.0);
        within(&undamaged["left_alone"], 0.0, 1.0);
        within(&summary["mean_steps"], 0.0, 10.0);
        within(&summary["recovered"], -100.0, 100.0);
        assert_eq!(summary["photos"], evaluation["test"]["photos"], "{name}");
        for key in likeness {
            within(&summary[key], 0.0, if key.contains("ssim") { 1.0 } else { 100.0 });
        }
        let cost = &evaluation["costs"][if name == "test" { "agent" } else { name }];
        within(&cost["milliseconds_per_photo"], 0.0, 60_000.0);
        // At most ten edits, chosen among some dozens.
        let most = if name == "one_step_greedy" { 1000.0 } else { 0.0 };
        within(&cost["juror_calls_per_photo"], 0.0, most);
    }
}

/// Makes sure that a recorded figure is that of a report. The last digit may differ: reading JSON rounds.
pub(crate) fn assert_same(recorded: f64, reported: &Value) {
    let reported = reported.as_f64().unwrap();
    assert!((recorded - reported).abs() <= 1e-12 * reported.abs(), "{recorded} and {reported}");
}

/// The report without what two equal runs may differ in.
fn repeatable(finished: &Finished) -> Value {
    let mut report = finished.json();
    let report_keys = report.as_object_mut().unwrap();
    for key in NOT_REPEATED {
        assert!(report_keys.remove(*key).is_some(), "{key}");
    }
    report
}

fn sorted<T: AsRef<str>>(keys: impl IntoIterator<Item = T>) -> Vec<String> {
    let mut keys: Vec<String> = keys.into_iter().map(|key| key.as_ref().to_owned()).collect();
    keys.sort();
    keys
}

#[test]
fn json_is_the_last_line_of_stdout_and_names_files_that_exist() {
    let scratch = Scratch::new();
    let finished = scratch.train(&["--steps=1000", "--seed=1", "--json"]).succeeded();
    assert_eq!(finished.stdout.lines().count(), 1, "stdout holds the result and nothing else: {finished}");
    assert!(finished.stderr.contains("training: "), "progress goes to stderr: {finished}");
    assert!(!finished.stderr.contains('{'), "{finished}");

    let report = finished.json();
    for key in REPORT {
        assert!(!report[key].is_null(), "{key} is missing in {report}");
    }
    check_evaluation(&report);
    assert_eq!(report["seed"], 1);
    // 1000 rounded up to whole rollouts of 8 environments times 32 steps.
    assert_eq!(report["steps"], 1024);
    assert!(report["wall_seconds"].as_f64().unwrap() > 0.0 && report["steps_per_second"].as_f64().unwrap() > 0.0);
    let id = report["run_id"].as_str().unwrap();
    assert!(id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{id}");
    // 24 photos by 0.6 and 0.2, the rest is the test split: four damages of each, and each as it is.
    assert_eq!(report["photographs"], 6);
    assert_eq!((&report["test"]["photos"], &report["test"]["undamaged"]["photos"]), (&24.into(), &6.into()));

    let run_dir = report["run_dir"].as_str().unwrap();
    for name in
        ["configuration.toml", "used.json", "model.safetensors", "last-model.safetensors", "report.json", "report.html"]
    {
        assert!(scratch.path(run_dir).join(name).is_file(), "{name}");
    }
    assert!(scratch.path(report["model"].as_str().unwrap()).is_file());
    for key in ["mosaic", "sample"] {
        Photo::open(&scratch.path(report[key].as_str().unwrap())).unwrap();
    }
    let written: Value = serde_json::from_slice(&fs::read(scratch.path(run_dir).join("report.json")).unwrap()).unwrap();
    assert_eq!(written["test"], report["test"]);
    let partial = |name: &String| name.ends_with(".part") || name.contains(".tmp");
    assert!(!scratch.files("volume").iter().any(partial), "{:?}", scratch.files("volume"));
}

#[test]
fn without_json_a_table_ends_with_the_mosaic_and_a_command_that_runs() {
    let scratch = Scratch::new();
    let finished = scratch.train(&["--steps=1000", "--seed=1"]).succeeded();
    for name in ["agent", "do nothing", "random", "best single edit", "one-step greedy", "constant edit"] {
        // What each costs is a table of its own, below.
        let table = finished.stdout.lines().take_while(|line| !line.starts_with("recovered:"));
        let lines = table.filter(|line| line.trim_start().starts_with(&format!("{name}  "))).count();
        assert_eq!(lines, 1, "{name}: {finished}");
    }
    let lines: Vec<&str> = finished.stdout.lines().collect();
    let [.., mosaic, "", "next, on any photo of yours:", next] = lines[..] else { panic!("{finished}") };
    let mosaic = mosaic.strip_prefix("mosaic: ").unwrap().split(" (").next().unwrap();
    Photo::open(&scratch.path(mosaic)).unwrap();

    // As a user would: the line as it stands, in the same shell.
    let mut shell = Command::new("sh");
    shell.args(["-c", next.trim()]);
    scratch.settle(&mut shell);
    let enhanced = scratch.finish(shell).succeeded();
    assert!(enhanced.stdout.contains(" -> enhanced"), "{enhanced}");
    let files = scratch.files("enhanced");
    assert_eq!(files.len(), 2, "a photo and its recipe: {files:?}");
    assert!(files.iter().any(|name| name.ends_with(".recipe.json")), "{files:?}");
}

#[test]
fn equal_seeds_give_equal_figures_and_others_do_not() {
    let run = |seed: &str| {
        let scratch = Scratch::new();
        let finished = scratch.train(&["--steps=2000", seed, "--json"]).succeeded();
        let logged = metric_rows(&scratch.store());
        let learning: Vec<String> = logged.into_iter().filter(|row| !row.starts_with("perf/")).collect();
        assert!(learning.len() > 100, "{} metrics", learning.len());
        (repeatable(&finished), learning)
    };
    let (first, first_metrics) = run("--seed=1");
    let (again, again_metrics) = run("--seed=1");
    assert_eq!(first, again);
    assert_eq!(first_metrics, again_metrics, "every metric of the training is the same too");
    let (other, other_metrics) = run("--seed=2");
    assert_ne!(first["test"], other["test"]);
    assert_ne!(first_metrics, other_metrics);
}

#[test]
fn a_second_run_reuses_the_preprocessed_photos() {
    let scratch = Scratch::new();
    let first = scratch.train(&["--steps=300", "--seed=1", "--json"]).succeeded();
    let cache = scratch.files("volume/cache");
    let second = scratch.train(&["--steps=300", "--seed=1", "--json"]).succeeded();
    assert_eq!(repeatable(&first), repeatable(&second));
    assert_eq!(scratch.files("volume/cache"), cache);
    assert!(first.stderr.contains("resizing: ") && !second.stderr.contains("resizing: "), "{second}");
    assert_ne!(first.json()["run_dir"], second.json()["run_dir"]);
}

#[test]
fn photos_are_damaged_as_cameras_do_where_that_is_asked_for() {
    let scratch = Scratch::new();
    let report = scratch.train(&["--steps=64", "--seed=1", "--damage=camera", "--json"]).succeeded().json();
    assert_eq!(report["damage"], "camera");
    check_evaluation(&report);
    let files = scratch.files("volume/cache");
    let of_test = files.iter().find(|name| name.ends_with("test/annotations.json")).unwrap();
    let annotations = fs::read_to_string(scratch.path("volume/cache").join(of_test)).unwrap();
    let named = |kinds: [DamageKind; 5]| kinds.into_iter().any(|kind| annotations.contains(kind.name()));
    assert!(named(DamageKind::CAMERA) && !named(DamageKind::STANDARD), "{annotations}");

    let pairs = scratch.dodge(&["train", "--damage=camera", "--pairs", "before", "after"]);
    assert_eq!(pairs.code, Some(2), "pairs are never damaged: {pairs}");
    let other = scratch.dodge(&["train", "--damage=film"]);
    assert_eq!(other.code, Some(2), "{other}");
    assert!(other.stderr.contains("standard, camera, mixed"), "{other}");
}

#[test]
fn the_configuration_of_a_run_reproduces_it() {
    let scratch = Scratch::new();
    let first = scratch.train(&["--steps=600", "--seed=5", "--set=reward.score=0.3", "--json"]).succeeded();
    let configuration = format!("{}/configuration.toml", first.json()["run_dir"].as_str().unwrap());
    let again = scratch.dodge(&["train", "--config", &configuration, "--threads=1", "--json"]).succeeded();
    assert_eq!(repeatable(&first), repeatable(&again));
    let again_configuration = format!("{}/configuration.toml", again.json()["run_dir"].as_str().unwrap());
    let values = |path: &str| {
        let text = fs::read_to_string(scratch.path(path)).unwrap();
        text.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(values(&configuration), values(&again_configuration));
}

#[test]
fn a_folder_of_photos_is_trained_on_and_left_as_it_is() {
    let scratch = Scratch::new();
    folder_of_photos(&scratch.path("photos"), 8);
    fs::create_dir(scratch.path("photos/more")).unwrap();
    folder_of_photos(&scratch.path("photos/more"), 3);
    fs::write(scratch.path("photos/notes.txt"), "no photo").unwrap();
    fs::write(scratch.path("photos/broken.jpg"), "no photo either").unwrap();
    let content = || -> Vec<Vec<u8>> {
        scratch.files("photos").iter().map(|name| fs::read(scratch.path("photos").join(name)).unwrap()).collect()
    };
    let (names, before) = (scratch.files("photos"), content());
    let common = ["--set=ppo.hidden=[16]", "--set=ppo.environments=4", "--set=ppo.rollout_steps=32"];
    let arguments = ["train", "--photos=photos", "--steps=256", "--threads=1", "--out=mine", "--json"];
    let minibatch = ["--set=ppo.minibatch_size=32"];
    let finished = scratch.dodge(&[&arguments[..], &common, &minibatch].concat()).succeeded();
    assert!(finished.stderr.contains("broken.jpg"), "what is skipped is said: {finished}");
    assert!(!finished.stderr.contains("notes.txt"), "{finished}");
    let report = finished.json();
    assert_eq!(report["run_dir"], "mine");
    // 11 photos, some of them nearly the same and thus in one split: 1 is left to test on, under four damages and as it is.
    assert_eq!(report["photographs"], 1);
    let counted = report["test"]["photos"].as_u64().unwrap() + report["test"]["undamaged"]["photos"].as_u64().unwrap();
    assert_eq!(counted, 5);
    assert_eq!((scratch.files("photos"), content()), (names, before));
}

#[test]
fn where_stderr_is_no_terminal_it_holds_no_colour_codes() {
    let scratch = Scratch::new();
    folder_of_photos(&scratch.path("photos"), 6);
    fs::write(scratch.path("photos/broken.jpg"), "no photo").unwrap();
    let finished = scratch.train(&["--steps=100", "--tracking-uri=console"]).succeeded();
    assert!(!finished.stderr.contains('\u{1b}'), "{finished}");
    let scored = scratch.dodge(&["score", "photos"]).succeeded();
    assert!(scored.stderr.contains("broken.jpg") && !scored.stderr.contains('\u{1b}'), "{scored}");
}

#[test]
fn a_training_goes_on_from_the_model_in_the_box_if_that_has_its_shape() {
    let scratch = Scratch::new();
    let train = |more: &[&str]| {
        let apg = ["--set=training.algorithm=apg", "--steps=64", "--json"];
        scratch.dodge(&[SMALL_TRAINING, &apg, more].concat())
    };
    let gain = |finished: Finished| {
        let test = &finished.succeeded().json()["test"];
        test["mean_psnr_final_db"].as_f64().unwrap() - test["mean_psnr_degraded_db"].as_f64().unwrap()
    };
    // After one round, who began with nothing knows nothing.
    assert!(gain(train(&[])) < 0.5);
    assert!(gain(train(&["--set=training.from_the_box=true"])) > 1.0);
    let other = train(&["--set=training.from_the_box=true", "--set=apg.hidden=[16]"]).failed(1);
    assert!(other.contains("training.from_the_box") && other.contains("apg.hidden"), "{other}");
}
