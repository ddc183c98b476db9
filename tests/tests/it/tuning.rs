//! `dodge tune`: a study, what it leaves, and what becomes of it when it is stopped.

use std::time::Duration;

use dodge_tests::{Finished, Running, SMALL_TRAINING, Scratch, rows, wait_for};
use serde_json::Value;

const LIMIT: Duration = Duration::from_secs(240);
/// Three trainings of seconds, each to its end.
const STUDY: &[&str] = &[
    "--steps=1024",
    "--set=training.validation_interval=256",
    "--set=training.checkpoint_interval=256",
    "--set=training.test_damages=1",
    "--set=training.refit_below=0",
    "--vary=ppo.learning_rate",
    "--vary=ppo.learning_rate_schedule",
    "--halving=1",
    "--trials=3",
    "--json",
];

/// The arguments of a study in the folder `study`, with more of them.
fn study<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&["tune"], &SMALL_TRAINING[1..], STUDY, &["--out=study"], more].concat()
}

/// What has to be the same whatever stopped a study: what was tried, and what came of it.
fn found(finished: &Finished) -> Vec<(Value, Value, Value)> {
    let json = finished.json();
    let trials = json["trials"].as_array().unwrap().iter();
    trials.map(|trial| (trial["state"].clone(), trial["values"].clone(), trial["value"].clone())).collect()
}

#[test]
fn a_study_is_a_run_with_its_trials_below_and_leaves_a_configuration() {
    let scratch = Scratch::new();
    let finished = scratch.dodge(&study(&[])).succeeded();
    let told = finished.json();
    assert_eq!(told["trials"].as_array().unwrap().len(), 3, "{finished}");
    let store = scratch.store();
    let id = told["run_id"].as_str().unwrap();
    let below = format!("SELECT count(*) FROM tags WHERE key = 'mlflow.parentRunId' AND value = '{id}'");
    assert_eq!(rows(&store, &below), ["3"]);
    assert_eq!(rows(&store, "SELECT DISTINCT status FROM runs"), ["FINISHED"]);
    let values = format!("SELECT count(*) FROM metrics WHERE key = 'trial/value' AND run_uuid = '{id}'");
    assert_eq!(rows(&store, &values), ["3"]);

    // The first trial is of what stands, and the file of the best is taken by a training.
    assert_eq!(told["trials"][0]["values"]["ppo.learning_rate"], "0.0007");
    let best = told["best"]["values"]["ppo.learning_rate"].as_str().unwrap();
    let shown = scratch.dodge(&["params", "show", "ppo.learning_rate", "--config", "study/best.toml"]).succeeded();
    assert!(shown.stdout.starts_with(&format!("ppo.learning_rate = {best}\n")), "{shown}");
    let _ = scratch.train(&["--steps=100", "--config", "study/best.toml"]).succeeded();

    // The same command has nothing left to do; one with more trials goes on.
    let again = scratch.dodge(&study(&[])).succeeded();
    assert_eq!((again.json(), again.stderr.contains("training:")), (told, false), "{again}");
    let more = [&study(&[])[..], &["--trials=4"]].concat();
    let more: Vec<&str> = more.into_iter().filter(|it| *it != "--trials=3" && *it != "--json").collect();
    let table = scratch.dodge(&more).succeeded();
    assert!(table.stdout.starts_with("4 trials on synthetic photos, judged by validation/psnr_gain_db"), "{table}");
    assert_eq!(table.stderr.matches("training on").count(), 1, "{table}");
    assert!(table.stdout.contains("--config study/best.toml"), "{table}");
    // Its runs are found by their names.
    let name = rows(&store, "SELECT name FROM runs WHERE name LIKE 'tune-%-003'").remove(0);
    let _ = scratch.dodge(&["report", &name, "--out", "page.html"]).succeeded();
}

/// Starts a study, ends it by a signal in the middle of its second trial, and goes on with the same command.
fn stopped(signal: &str) -> (Scratch, Finished, Finished) {
    let scratch = Scratch::new();
    let mut running = Running::start(scratch.command(&study(&[])), scratch.folder());
    wait_for("a checkpoint of the second trial", LIMIT, || {
        running.assert_alive();
        scratch.path("study/trials/001/checkpoints/latest.checkpoint").is_file().then_some(())
    });
    running.signal(signal);
    let ended = running.wait(LIMIT);
    let finished = scratch.dodge(&study(&[])).succeeded();
    (scratch, ended, finished)
}

#[test]
fn a_study_that_was_stopped_ends_as_if_it_never_was() {
    let whole = found(&Scratch::new().dodge(&study(&[])).succeeded());
    let (scratch, ended, finished) = stopped("INT");
    assert_eq!(ended.code, Some(130), "{ended}");
    assert!(ended.stderr.contains("1 of 3 trials are done in study; the same command goes on"), "{ended}");
    assert_eq!(found(&finished), whole);
    // The study and the trial went on as the same tracked runs.
    assert_eq!(
        rows(&scratch.store(), "SELECT count(*), min(status), max(status) FROM runs"),
        ["4 | FINISHED | FINISHED"]
    );

    let (scratch, ended, finished) = stopped("KILL");
    assert_eq!(ended.code, None, "{ended}");
    assert_eq!(found(&finished), whole);
    assert_eq!(
        rows(&scratch.store(), "SELECT count(*), min(status), max(status) FROM runs"),
        ["4 | FINISHED | FINISHED"]
    );
    assert!(!scratch.path("study/.lock").exists());
}

#[test]
fn a_folder_is_for_one_study_and_figures_of_the_test_choose_nothing() {
    let scratch = Scratch::new();
    let test = scratch.dodge(&study(&["--metric=test/recovered"])).failed(2);
    assert!(test.contains("no figure of the validation photos"), "{test}");
    let unknown = scratch.dodge(&study(&["--metric=validation/psnr"])).failed(2);
    assert!(unknown.contains("choose one of validation/psnr_gain_db, "), "{unknown}");
    let other = scratch.dodge(&study(&["--seed=5"])).failed(2);
    assert!(other.contains("differs in --metric"), "{other}");
    std::fs::create_dir(scratch.path("photos")).unwrap();
    std::fs::write(scratch.path("photos/mine.txt"), "").unwrap();
    let full = scratch.dodge(&["tune", "--synthetic=24", "--out=photos"]).failed(2);
    assert!(full.contains("photos is not empty"), "{full}");
    let space = scratch.dodge(&["tune", "--space", "--algo=dqn"]).succeeded();
    assert!(space.stdout.lines().all(|line| line.starts_with("dqn.") && line.contains("; now ")), "{space}");
}
