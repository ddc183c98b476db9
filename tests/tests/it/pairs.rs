//! Learning from photos before and after somebody edited them: `--pairs`.

use std::fs;

use dodge_imaging::{Operation, Photo, Recipe};
use dodge_tests::{Finished, Scratch};

use crate::photos::{folder_of_photos, scene};
use crate::training::check_evaluation;

const COUNT: u64 = 24;

/// A training of seconds, on the pairs of [`folders_of_pairs`].
const TRAINING: &[&str] = &[
    "train",
    "--pairs",
    "before",
    "after",
    "--algo=ppo",
    "--steps=600",
    "--seed=1",
    "--set=resize.max_size=64",
    "--set=ppo.hidden=[32]",
    "--set=ppo.environments=8",
    "--set=ppo.rollout_steps=32",
    "--set=ppo.minibatch_size=64",
    "--threads=1",
    "--out=run",
];

fn brightness(photo: &Photo) -> u64 {
    photo.pixels().iter().map(|&value| u64::from(value)).sum::<u64>() / photo.pixels().len() as u64
}

/// Somebody's way to edit, which depends on the photo: the bright ones get calmer colours, the dark ones get brighter and warmer,
/// and every eighth needs nothing.
fn by_hand(index: u64, photo: &Photo) -> Photo {
    let edits: &[&str] = match brightness(photo) {
        _ if index % 8 == 7 => &[],
        118.. => &["saturation:0.5", "gamma:0.8"],
        _ => &["lightness:25", "warmth:0.08"],
    };
    Recipe::new(edits.iter().map(|text| text.parse::<Operation>().unwrap()).collect()).apply(photo)
}

/// Painted photos in `before`, as a camera names them, and the same edited in `after`.
fn folders_of_pairs(scratch: &Scratch) {
    for folder in ["before", "after"] {
        fs::create_dir(scratch.path(folder)).unwrap();
    }
    for index in 0..COUNT {
        let photo = scene(index);
        photo.save(&scratch.path(format!("before/{index}.png"))).unwrap();
        by_hand(index, &photo).save(&scratch.path(format!("after/{index}.png"))).unwrap();
    }
}

fn psnr(summary: &serde_json::Value) -> f64 {
    summary["mean_psnr_final_db"].as_f64().unwrap()
}

#[test]
fn an_agent_is_trained_on_pairs_resumed_and_measured_on_others() {
    let scratch = Scratch::new();
    folders_of_pairs(&scratch);
    fs::copy(scratch.path("before/0.png"), scratch.path("before/alone.png")).unwrap();
    let trained = scratch.dodge(&[TRAINING, &["--json"]].concat()).succeeded();
    assert!(trained.stderr.contains("alone.png: no photo of this name in after"), "{trained}");
    let report = trained.json();
    check_evaluation(&report);
    // 19 pairs to train on, 2 to select by, 3 to test on; where two are alike they stay together.
    let photos = report["test"]["photos"].as_u64().unwrap() + report["test"]["undamaged"]["photos"].as_u64().unwrap();
    assert!((2..=5).contains(&photos), "{report}");
    let before = report["test"]["mean_psnr_degraded_db"].as_f64().unwrap();
    let [constant, nearest] = ["constant_edit", "nearest_edits"].map(|name| psnr(&report["baselines"][name]));
    assert!(before < 25.0 && constant > before && nearest > before, "{before}, {constant}, {nearest}");
    for key in ["mosaic", "sample"] {
        Photo::open(&scratch.path(report[key].as_str().unwrap())).unwrap();
    }
    let used = fs::read_to_string(scratch.path("run/used.json")).unwrap();
    assert!(used.contains("/before\"") && used.contains("/after\""), "{used}");
    let cached = scratch.files("volume/cache/pair_and_split");
    assert!(cached.iter().any(|file| file.ends_with("left-out.json")), "{cached:?}");
    assert!(!scratch.path("volume/cache/degrade_and_split").exists(), "nothing is damaged");

    // It had ended: nothing is left to learn, and it is evaluated again on the same pairs.
    let resumed = scratch.dodge(&["train", "--resume=run", "--threads=1", "--json"]).succeeded().json();
    assert_eq!((&resumed["test"], &resumed["baselines"]), (&report["test"], &report["baselines"]));

    let evaluate = |arguments: &[&str]| {
        let common = ["evaluate", "--model=run/model.safetensors", "--pairs"];
        scratch.dodge(&[&common[..], arguments].concat())
    };
    let measured = evaluate(&["before", "after", "--json"]).succeeded().json();
    check_evaluation(&measured);
    let counts = |value: &serde_json::Value| [&value["photos"], &value["undamaged"]["photos"]].map(|n| n.as_u64());
    assert_eq!(counts(&measured["test"]), [Some(21), Some(3)]);
    assert!(psnr(&measured["baselines"]["nearest_edits"]) > psnr(&measured["baselines"]["do_nothing"]) + 2.0);

    let untouched = scratch.path("copy");
    fs::create_dir(&untouched).unwrap();
    for index in 0..4 {
        fs::copy(scratch.path(format!("before/{index}.png")), untouched.join(format!("{index}.png"))).unwrap();
    }
    let restraint = evaluate(&["before", "copy", "--json"]).succeeded().json();
    assert_eq!(counts(&restraint["test"]), [Some(0), Some(4)]);
    assert_eq!(restraint["baselines"]["nearest_edits"]["undamaged"]["left_alone"].as_f64(), Some(1.0));

    let table = evaluate(&["before", "after"]).succeeded();
    let words = "On 21 pairs that were edited, and 3 that were not, none of them trained on:";
    assert!(table.stdout.starts_with(words), "{table}");
    assert!(table.stdout.contains("PSNR to the photo after") && table.stdout.contains("nearest edits  "), "{table}");
    assert!(!table.stdout.contains("original") && !table.stdout.contains("damage"), "{table}");
}

#[test]
fn pairs_that_cannot_be_used() {
    let scratch = Scratch::new();
    folder_of_photos(&scratch.path("some"), 3);
    folder_of_photos(&scratch.path("same"), 3);
    folder_of_photos(&scratch.path("other"), 3);
    for index in 0..3 {
        fs::rename(scratch.path(format!("other/photo-{index}.png")), scratch.path(format!("other/{index}.png")))
            .unwrap();
    }
    fs::create_dir(scratch.path("empty")).unwrap();
    let message = |arguments: &[&str]| {
        let finished: Finished = scratch.dodge(&[&["train", "--tracking-uri=off"], arguments].concat());
        assert!(finished.stdout.is_empty() && !finished.stderr.contains("panicked"), "{finished}");
        let error = finished.stderr.lines().find(|line| line.starts_with("error: ")).unwrap_or_default();
        format!("{} {error}", finished.code.unwrap())
    };
    let cases: &[&[&str]] = &[
        &["--pairs", "some", "missing"],
        &["--pairs", "some", "some/../some"],
        &["--pairs", "some", "empty"],
        &["--pairs", "some", "other"],
        &["--pairs", "some", "same"],
        &["--pairs", "some"],
        &["--pairs", "some", "same", "--photos", "other"],
        &["--pairs", "some", "same", "--synthetic=24"],
        &["--pairs", "some", "same", "--dataset=bsds500"],
        &["--pairs", "some", "same", "--resume", "run"],
    ];
    let messages: Vec<String> = cases.iter().map(|arguments| message(arguments)).collect();
    insta::assert_snapshot!(messages.join("\n"), @"
    1 error: photos: no such folder: missing; check the path, or name another folder with photos
    1 error: photos: some is given as before and as after; name the folder of the edited photos, too
    1 error: photos: no photos in empty; put JPEG, PNG, TIFF or WebP files there, or name another folder
    1 error: photos: no pairs: no photo in some has one of the same name (extension apart) in other (6 unusable: other/0.png: no photo of this name in some; other/1.png: no photo of this name in some; other/2.png: no photo of this name in some; ...); give the edited photos the names of those before, or name other folders
    1 error: preprocessing: a training, a validation and a test split need at least 10 photos, got 3
    2 error: 2 values required for '--pairs <BEFORE> <AFTER>' but 1 was provided
    2 error: --pairs and --photos do not go together: other photos are damaged, and what damage should teach beside somebody's own edits is not defined; use one of them
    2 error: --pairs and --synthetic do not go together: other photos are damaged, and what damage should teach beside somebody's own edits is not defined; use one of them
    2 error: --pairs and --dataset do not go together: other photos are damaged, and what damage should teach beside somebody's own edits is not defined; use one of them
    2 error: the argument '--pairs <BEFORE> <AFTER>' cannot be used with '--resume <RUN|DIR|FILE>'
    ");
    let wrong = scratch.dodge(&["evaluate", "--model=m", "--photos=some", "--pairs", "some", "same"]);
    assert_eq!(wrong.code, Some(2), "{wrong}");
    assert!(wrong.stderr.contains("--pairs and --photos do not go together"), "{wrong}");
    let damaged = scratch.dodge(&["evaluate", "--model=m", "--damage=standard", "--pairs", "some", "same"]);
    assert_eq!(damaged.code, Some(2), "{damaged}");
}
