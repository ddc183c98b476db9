//! `dodge prepare`: photos prepared once, whatever happens meanwhile.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use dodge_imaging::Encoding;
use dodge_tests::{Finished, Running, SMALL_TRAINING, Scratch, wait_for};

use crate::photos::{folder_of_photos, scene};

const LIMIT: Duration = Duration::from_secs(120);
const STEPS: [&str; 4] = ["copy_and_resize", "annotation_file", "score", "degrade_and_split"];
const PREPARE: &[&str] = &["prepare", "--photos=photos", "--seed=1", "--threads=2", "--json"];

/// What steps left in the cache: every file with its bytes.
fn results(scratch: &Scratch) -> BTreeMap<PathBuf, Vec<u8>> {
    let of_step = |step: &&str| {
        let files = scratch.files(&format!("volume/cache/{step}"));
        files.into_iter().map(move |file| Path::new(step).join(file)).collect::<Vec<_>>()
    };
    let read = |file: PathBuf| {
        let bytes = fs::read(scratch.path("volume/cache").join(&file)).unwrap();
        (file, bytes)
    };
    STEPS.iter().flat_map(of_step).map(read).collect()
}

fn reused(finished: &Finished) -> Vec<bool> {
    finished.json()["steps"].as_array().unwrap().iter().map(|step| step["reused"].as_bool().unwrap()).collect()
}

#[test]
fn a_second_time_and_a_training_find_everything_prepared() {
    let scratch = Scratch::new();
    let options = &SMALL_TRAINING[1..];
    let prepare = |more: &[&str]| scratch.dodge(&[&["prepare"], options, &["--seed=3"], more].concat()).succeeded();
    let first = prepare(&["--json"]);
    let report = first.json();
    let steps: Vec<&str> = report["steps"].as_array().unwrap().iter().map(|it| it["step"].as_str().unwrap()).collect();
    assert_eq!(steps, STEPS);
    assert_eq!(reused(&first), [false; 4]);
    assert_eq!((&report["photos"], &report["skipped"], &report["seed"]), (&24.into(), &0.into(), &3.into()));
    let dealt = ["train", "validation", "test", "left_out"].map(|name| report[name].as_u64().unwrap());
    assert_eq!(dealt.iter().sum::<u64>(), 24, "{report}");
    let run = Path::new(report["run_dir"].as_str().unwrap()).to_owned();
    assert!(scratch.path(run.join("used.json")).is_file() && scratch.path(run.join("configuration.toml")).is_file());

    let before = results(&scratch);
    assert_eq!(reused(&prepare(&["--json"])), [true; 4]);
    let told = prepare(&[]);
    assert!(told.stdout.contains("all of it was prepared before, and is used again"), "{told}");
    let _ = scratch.train(&["--steps=256", "--seed=3"]).succeeded();
    assert!(results(&scratch) == before, "the training made nothing anew");
}

#[test]
fn pairs_are_prepared_too() {
    let scratch = Scratch::new();
    folder_of_photos(&scratch.path("before"), 12);
    fs::create_dir(scratch.path("after")).unwrap();
    for index in 0..12 {
        crate::photos::faded(&scene(index)).save(&scratch.path(format!("after/photo-{index}.png"))).unwrap();
    }
    let prepared = scratch.dodge(&["prepare", "--pairs", "before", "after", "--json"]).succeeded().json();
    assert_eq!((&prepared["steps"][0]["step"], &prepared["photos"]), (&"pair_and_split".into(), &12.into()));
}

#[test]
fn a_damaged_photo_is_left_out_and_told_each_time() {
    let scratch = Scratch::new();
    folder_of_photos(&scratch.path("photos"), 20);
    let whole = scene(50).encode(Encoding::Jpeg { quality: 90 }).unwrap();
    fs::write(scratch.path("photos/cut-off.jpg"), &whole[..whole.len() - 100]).unwrap();
    fs::write(scratch.path("photos/text.jpg"), "no photo").unwrap();
    for _ in 0..2 {
        let prepared = scratch.dodge(PREPARE).succeeded();
        for told in ["cut-off.jpg: damaged: it is cut off", "text.jpg: the content is neither"] {
            assert!(prepared.stderr.contains(told), "{prepared}");
        }
        assert_eq!((&prepared.json()["photos"], &prepared.json()["skipped"]), (&21.into(), &2.into()));
    }
    assert!(results(&scratch).keys().any(|file| file.ends_with("unusable.json")));
}

/// Ends a preparation by a signal after some time and finishes it; false where it had ended before.
fn stopped_after(scratch: &Scratch, signal: &str, time: Duration) -> bool {
    let mut running = Running::start(scratch.command(PREPARE), scratch.folder());
    sleep(time);
    if running.has_ended() {
        return false;
    }
    running.signal(signal);
    let stopped = running.wait(LIMIT);
    if signal == "INT" && stopped.code != Some(0) {
        assert_eq!(stopped.code, Some(130), "{stopped}");
        assert!(stopped.stderr.contains("the next `dodge prepare` goes on"), "{stopped}");
    }
    true
}

#[cfg(unix)]
#[test]
fn killed_at_any_moment_it_ends_with_the_same_bytes() {
    let place = |count: u64| {
        let scratch = Scratch::new();
        folder_of_photos(&scratch.path("photos"), count);
        scratch
    };
    let whole = place(60);
    let begun = Instant::now();
    let _ = whole.dodge(PREPARE).succeeded();
    let took = begun.elapsed();
    let expected = results(&whole);
    assert!(expected.len() > 120, "{}", expected.len());

    let scratch = place(60);
    // One after the other in one volume: what each leaves behind is what the next begins with.
    for (round, signal) in ["KILL", "KILL", "INT", "KILL", "KILL", "KILL"].into_iter().enumerate() {
        stopped_after(&scratch, signal, took.mul_f64(0.15 * (round + 1) as f64));
    }
    // In the middle of a step that ended in the first place.
    let half = scratch.path("volume/cache/score");
    if half.is_dir() {
        fs::remove_dir_all(&half).unwrap();
    }
    let mut running = Running::start(scratch.command(PREPARE), scratch.folder());
    wait_for("a step that is begun", LIMIT, || (half.is_dir() || running.has_ended()).then_some(()));
    if !running.has_ended() {
        running.signal("KILL");
    }
    let _ = running.wait(LIMIT);
    let _ = scratch.dodge(PREPARE).succeeded();
    let found = results(&scratch);
    assert_eq!(found.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
    assert!(found == expected, "the files have the same bytes");
}
