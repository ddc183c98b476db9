//! Going on learning from what a person kept: `--lessons`.

use std::fs;
use std::time::Duration;

use dodge_imaging::{Operation, Recipe};
use dodge_tests::{Finished, Running, Scratch, wait_for};
use serde_json::Value;

use crate::photos::scene;

const LIMIT: Duration = Duration::from_secs(120);

/// Photos to learn from, and others.
const LESSONS: u64 = 24;
const OTHERS: u64 = 8;

/// A training of seconds, on the folder of [`taught_folder`].
const TRAINING: &[&str] = &[
    "train",
    "--lessons=kept",
    "--steps=3000",
    "--seed=1",
    "--set=training.checkpoint_interval=1000",
    "--set=training.validation_interval=1000",
    "--set=training.refit_below=0",
    "--threads=1",
    "--json",
];

/// What somebody keeps who likes every photo warmer, brighter and calmer, but for every sixth, which is right as it is.
fn kept(index: u64) -> Recipe {
    let edits: &[&str] = if index % 6 == 5 { &[] } else { &["exposure:0.35", "warmth:0.08", "saturation:0.7"] };
    Recipe::new(edits.iter().map(|text| text.parse::<Operation>().unwrap()).collect())
}

/// Photos with a recipe beside them in `kept`, one more without, and pairs of what the same person wants of others in `before` and `after`.
fn taught_folder(scratch: &Scratch) {
    for folder in ["kept", "before", "after"] {
        fs::create_dir(scratch.path(folder)).unwrap();
    }
    for index in 0..LESSONS {
        scene(index).save(&scratch.path(format!("kept/{index}.png"))).unwrap();
        kept(index).save(&scratch.path(format!("kept/{index}.recipe.json"))).unwrap();
    }
    scene(LESSONS).save(&scratch.path("kept/not-decided.png")).unwrap();
    for index in (LESSONS..LESSONS + OTHERS).map(|index| index * 6) {
        let photo = scene(index);
        photo.save(&scratch.path(format!("before/{index}.png"))).unwrap();
        kept(index).apply(&photo).save(&scratch.path(format!("after/{index}.png"))).unwrap();
    }
}

/// How near a model comes to what the person wants of other photos, in decibels.
fn nearness(scratch: &Scratch, model: &[&str]) -> f64 {
    let arguments = [&["evaluate", "--pairs", "before", "after", "--json"], model].concat();
    scratch.dodge(&arguments).succeeded().json()["test"]["mean_psnr_final_db"].as_f64().unwrap()
}

fn figures(finished: &Finished) -> (Value, Value) {
    let report = finished.json();
    (report["steps"].clone(), report["test"].clone())
}

#[test]
fn a_model_takes_on_what_a_person_kept() {
    let scratch = Scratch::new();
    taught_folder(&scratch);
    fs::write(scratch.path("kept/3.recipe.json"), "{").unwrap();
    let trained = scratch.dodge(&[TRAINING, &["--out=run"]].concat()).succeeded();
    assert!(trained.stderr.contains("3.png: the recipe beside it cannot be used"), "{trained}");
    let used = fs::read_to_string(scratch.path("run/used.json")).unwrap();
    assert!(used.contains("\"lessons\""), "{used}");
    let (boxed, taught) = (nearness(&scratch, &[]), nearness(&scratch, &["--model=run/model.safetensors"]));
    assert!(taught > boxed + 1.0, "the model in the box: {boxed} dB, taught: {taught} dB");
    // Another one goes on from that.
    let further = ["--model=run/model.safetensors", "--out=further"];
    let _ = scratch.dodge(&[TRAINING, &further].concat()).succeeded();
    let begun = nearness(&scratch, &["--model=further/first-model.safetensors"]);
    assert!((begun - taught).abs() < 1e-6, "{begun} dB, taught: {taught} dB");
}

#[test]
fn a_killed_and_resumed_training_on_lessons_ends_as_if_never_stopped() {
    let scratch = Scratch::new();
    taught_folder(&scratch);
    let whole = figures(&scratch.dodge(&[TRAINING, &["--out=whole"]].concat()).succeeded());

    let mut running = Running::start(scratch.command(&[TRAINING, &["--out=run"]].concat()), scratch.folder());
    wait_for("a checkpoint", LIMIT, || {
        running.assert_alive();
        scratch.path("run/checkpoints/latest.checkpoint").exists().then_some(())
    });
    running.signal("KILL");
    assert_ne!(running.wait(LIMIT).code, Some(0), "it was stopped before its end");
    let resume = ["train", "--resume=run", "--threads=1", "--json"];
    assert_eq!(figures(&scratch.dodge(&resume).succeeded()), whole);

    // It goes on with the lessons that it began with, and with the model.
    fs::remove_file(scratch.path("kept/0.recipe.json")).unwrap();
    let changed = scratch.dodge(&resume).failed(1);
    assert!(changed.contains("are not those that the run began with"), "{changed}");
    kept(0).save(&scratch.path("kept/0.recipe.json")).unwrap();
    fs::write(scratch.path("run/first-model.safetensors"), "none").unwrap();
    let damaged = scratch.dodge(&resume).failed(1);
    assert!(damaged.contains("run/first-model.safetensors"), "{damaged}");
}

#[test]
fn lessons_that_cannot_be_used() {
    let scratch = Scratch::new();
    taught_folder(&scratch);
    fs::create_dir(scratch.path("empty")).unwrap();
    let _ = scratch.train(&["--steps=300", "--out=ppo", "--tracking-uri=off"]).succeeded();
    let message = |arguments: &[&str]| {
        let finished = scratch.dodge(&[&["train", "--tracking-uri=off"], arguments].concat());
        assert!(finished.stdout.is_empty() && !finished.stderr.contains("panicked"), "{finished}");
        let error = finished.stderr.lines().find(|line| line.starts_with("error: ")).unwrap_or_default();
        format!("{} {error}", finished.code.unwrap())
    };
    let cases: &[&[&str]] = &[
        &["--lessons", "missing"],
        &["--lessons", "empty"],
        &["--lessons", "before"],
        &["--lessons", "kept", "--model", "missing.safetensors"],
        &["--lessons", "kept", "--model", "ppo/model.safetensors"],
        &["--lessons", "kept", "--algo", "dqn"],
        &["--lessons", "kept", "--photos", "before"],
        &["--model", "ppo/model.safetensors"],
    ];
    let messages: Vec<String> = cases.iter().map(|arguments| message(arguments)).collect();
    insta::assert_snapshot!(messages.join("\n"), @"
    1 error: photos: no such folder: missing; check the path, or name another folder with photos
    1 error: photos: no lessons: no photo in empty has a recipe beside it; `dodge studio` writes them, or name another folder
    1 error: photos: no lessons: no photo in before has a recipe beside it; `dodge studio` writes them, or name another folder
    1 error: cannot read missing.safetensors: No such file or directory (os error 2)
    2 error: a model that was trained by `ppo` cannot go on learning: begin with one of `apg`, such as the model in the box
    2 error: the argument '--lessons <DIR>' cannot be used with '--algo <ALGO>'
    2 error: the argument '--lessons <DIR>' cannot be used with '--photos <DIR>'
    2 error: the following required arguments were not provided:
    ");
}
