//! `dodge doctor`: what there is, and what is removed of it.

use std::fs;

use dodge_tests::{SMALL_TRAINING, Scratch};

fn prepare(scratch: &Scratch, seed: &str) {
    let _ = scratch.dodge(&[&["prepare"], &SMALL_TRAINING[1..], &[seed]].concat()).succeeded();
}

#[test]
fn an_empty_machine_is_described_and_left_empty() {
    let scratch = Scratch::new();
    let report = scratch.dodge(&["doctor", "--json"]).succeeded().json();
    assert!(report["threads"].as_u64().unwrap() >= 1);
    assert!(report["volume"]["free_bytes"].as_u64().unwrap() > 0);
    assert_eq!(report["tracking"]["problem"], "nothing is recorded yet");
    assert_eq!(report["cache"]["all"], serde_json::json!({"results": 0, "bytes": 0}));
    let told = scratch.dodge(&["doctor"]).succeeded();
    for line in [
        "dodge ",
        "processor",
        "graphics",
        "tracking   local: nothing is recorded yet",
        "volume",
        "cache      0 results",
    ] {
        assert!(told.stdout.lines().any(|it| it.starts_with(line)), "{line}: {told}");
    }
    assert!(scratch.files(".").is_empty(), "to look writes nothing");
}

#[test]
fn a_server_that_does_not_answer_is_told() {
    let scratch = Scratch::new();
    let report = scratch.dodge(&["doctor", "--json", "--tracking-uri=http://127.0.0.1:9"]).succeeded().json();
    assert_eq!(report["tracking"]["destination"], "http://127.0.0.1:9");
    assert!(report["tracking"]["problem"].is_string() && report["tracking"]["experiments"].is_null(), "{report}");
}

#[test]
fn what_no_run_needs_is_removed_and_the_rest_stays() {
    let scratch = Scratch::new();
    prepare(&scratch, "--seed=1");
    prepare(&scratch, "--seed=2");
    let doctor = |arguments: &[&str]| scratch.dodge(&[&["doctor", "--json"], arguments].concat()).succeeded().json();
    let before = doctor(&[]);
    assert_eq!(before["cache"]["unneeded"]["results"], 0, "{before}");
    let results = before["cache"]["all"]["results"].as_u64().unwrap();
    assert_eq!(before["cache"]["steps"]["degrade_and_split"]["results"], 2);

    let runs: Vec<_> = scratch.files("volume/runs").into_iter().filter(|file| file.ends_with("used.json")).collect();
    let used = |file: &String| fs::read_to_string(scratch.path("volume/runs").join(file)).unwrap();
    let kept: Vec<String> = runs.iter().map(used).collect();
    let gone = scratch.path("volume/runs").join(&runs[0]);
    fs::remove_dir_all(gone.parent().unwrap()).unwrap();
    let told = scratch.dodge(&["doctor"]).succeeded();
    assert!(told.stdout.contains("`dodge doctor --prune` removes them"), "{told}");
    assert_eq!(doctor(&[])["cache"]["all"]["results"], results, "to look removes nothing");

    let pruned = scratch.dodge(&["doctor", "--prune"]).succeeded();
    assert!(pruned.stdout.contains("removed "), "{pruned}");
    let after = doctor(&[]);
    assert!(after["cache"]["all"]["results"].as_u64().unwrap() < results, "{after}");
    assert_eq!(after["cache"]["unneeded"]["results"], 0, "{after}");
    let needed: serde_json::Value = serde_json::from_str(&kept[1]).unwrap();
    for folder in needed["results"].as_array().unwrap() {
        assert!(scratch.path(folder.as_str().unwrap()).is_dir(), "{folder}");
    }
}

#[test]
fn a_run_that_cannot_be_read_keeps_everything() {
    let scratch = Scratch::new();
    prepare(&scratch, "--seed=1");
    let used = scratch.files("volume/runs").into_iter().find(|file| file.ends_with("used.json")).unwrap();
    fs::write(scratch.path("volume/runs").join(used), "{").unwrap();
    let before = scratch.files("volume/cache");
    let refused = scratch.dodge(&["doctor", "--prune"]).failed(1);
    assert!(refused.contains("used.json"), "{refused}");
    assert_eq!(scratch.files("volume/cache"), before);
}
