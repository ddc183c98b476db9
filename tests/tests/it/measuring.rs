//! `dodge evaluate`, `dodge score` and `dodge params`.

use std::fs;

use dodge_tests::Scratch;
use serde_json::Value;

use crate::photos::{dark, folder_of_photos, retouching_model, scene};
use crate::training::check_evaluation;

/// A report without what it took.
fn timeless(report: &Value) -> Value {
    let mut report = report.clone();
    report.as_object_mut().unwrap().remove("costs").unwrap();
    report
}

#[test]
fn a_model_is_measured_on_a_folder() {
    let scratch = Scratch::new();
    let model = retouching_model(&scratch);
    folder_of_photos(&scratch.path("photos"), 7);
    let evaluate = |arguments: &[&str]| {
        let common = ["evaluate", "--model", &model, "--photos=photos", "--json"];
        scratch.dodge(&[&common[..], arguments].concat()).succeeded().json()
    };
    let standard = evaluate(&[]);
    let keys: Vec<&String> = standard.as_object().unwrap().keys().collect();
    let expected =
        ["baselines", "calibration", "costs", "damage", "frontier", "gain_interval_db", "photographs", "test"];
    assert_eq!(keys, expected);
    assert_eq!(standard["damage"], "standard");
    check_evaluation(&standard);
    // Four damages of each, and each as it is.
    assert_eq!((&standard["test"]["photos"], &standard["test"]["undamaged"]["photos"]), (&28.into(), &7.into()));
    assert_eq!(standard["photographs"], 7);
    let again = evaluate(&["--damage=standard", "--seed=1", "--baselines=usual"]);
    assert_eq!(timeless(&again), timeless(&standard), "these are the defaults");
    let other = evaluate(&["--seed=2"]);
    assert_ne!(other["test"]["mean_degraded_score"], standard["test"]["mean_degraded_score"]);
    assert_eq!(other["test"]["undamaged"]["photos"], 7);

    let camera = evaluate(&["--damage=camera"]);
    check_evaluation(&camera);
    assert_eq!((&camera["damage"], &camera["test"]["photos"]), (&"camera".into(), &28.into()));
    assert_ne!(camera["test"]["mean_psnr_degraded_db"], standard["test"]["mean_psnr_degraded_db"]);
    assert_eq!(timeless(&camera), timeless(&evaluate(&["--damage=camera"])), "equal seeds");

    let undamaged = evaluate(&["--damage=none"]);
    check_evaluation(&undamaged);
    assert_eq!(undamaged.get("damage"), None, "nothing was damaged");
    assert_eq!((&undamaged["test"]["photos"], &undamaged["test"]["undamaged"]["photos"]), (&0.into(), &7.into()));
    let nothing = &undamaged["baselines"]["do_nothing"]["undamaged"];
    assert_eq!((nothing["mean_psnr_db"].as_f64(), nothing["left_alone"].as_f64()), (Some(60.0), Some(1.0)));

    let table = scratch.dodge(&["evaluate", "--model", &model, "--photos=photos"]).succeeded();
    assert!(table.stdout.contains("one-step greedy") && !table.stdout.contains("beam search"), "{table}");
    let all = ["evaluate", "--model", &model, "--photos=photos", "--baselines=all"];
    let all = scratch.dodge(&all).succeeded();
    let figures = |name: &str| -> Vec<f64> {
        let line = all.stdout.lines().filter(|line| line.trim_start().starts_with(name)).nth(1);
        let words = line.unwrap_or_else(|| panic!("{name}: {all}")).split_whitespace();
        words.filter_map(|word| word.parse().ok()).collect()
    };
    let [agent, greedy, beam] = ["agent", "one-step greedy", "beam search"].map(figures);
    // SSIM and colour difference before and after, questions, time.
    assert!([&agent, &greedy, &beam].iter().all(|figures| figures.len() == 6), "{all}");
    assert!(agent[4] == 0.0 && greedy[4] > 1.0 && beam[4] > greedy[4], "{all}");
    assert!(
        table.stdout.starts_with("On 7 photographs that were not trained on, 28 times damaged and 7 times not:"),
        "{table}"
    );
    let table = scratch.dodge(&["evaluate", "--model", &model, "--photos=photos", "--damage=mixed"]).succeeded();
    assert!(table.stdout.contains(", 28 times damaged (damage: mixed) and 7 times not:"), "{table}");
    assert!(!scratch.path("volume/runs").exists(), "an evaluation is no run");
}

#[test]
fn the_model_in_the_box_is_measured_photo_by_photo() {
    let scratch = Scratch::new();
    folder_of_photos(&scratch.path("photos"), 3);
    let evaluate = ["evaluate", "--photos=photos", "--table=photos.csv", "--json"];
    let report = scratch.dodge(&evaluate).succeeded().json();
    assert_eq!(report["baselines"].get("model_in_the_box"), None, "it is not held against itself");
    let table = fs::read_to_string(scratch.path("photos.csv")).unwrap();
    let rows: Vec<Vec<&str>> = table.lines().map(|line| line.split(',').collect()).collect();
    assert_eq!(rows[0][..4], ["photo", "damage", "psnr_before_db", "psnr_after_db"]);
    assert_eq!((rows.len(), rows.iter().all(|row| row.len() == 13)), (1 + 3 * 5, true), "{table}");
    let number = |row: &[&str], column: &str| -> f64 {
        let index = rows[0].iter().position(|name| *name == column).unwrap();
        row[index].parse().unwrap_or_else(|error| panic!("{column} of {row:?}: {error}"))
    };
    let damaged: Vec<&Vec<&str>> = rows[1..].iter().filter(|row| row[1] != "0").collect();
    let numbers: Vec<&str> = damaged.iter().filter(|row| row[0] == rows[1][0]).map(|row| row[1]).collect();
    assert_eq!(numbers, ["1", "2", "3", "4"], "{table}");
    let mean = |column| damaged.iter().map(|row| number(row, column)).sum::<f64>() / damaged.len() as f64;
    for (column, figure) in [
        ("psnr_after_db", "mean_psnr_final_db"),
        ("ssim_before", "mean_ssim_degraded"),
        ("ssim_after", "mean_ssim_final"),
        ("delta_e_before", "mean_delta_e_degraded"),
        ("delta_e_after", "mean_delta_e_final"),
    ] {
        assert!((mean(column) - report["test"][figure].as_f64().unwrap()).abs() < 1e-3, "{column}: {table}");
    }
    for row in &rows[1..] {
        assert!((0.0..=1.0).contains(&number(row, "ssim_after")) && number(row, "expected_gain_db").is_finite());
        let untouched = row[12].is_empty();
        assert_eq!(
            untouched,
            row[3] == row[2] && number(row, "delta_e_after") == number(row, "delta_e_before"),
            "{row:?}"
        );
        assert!(row[1] != "0" || number(row, "psnr_before_db") == 60.0 && number(row, "ssim_before") == 1.0, "{row:?}");
    }
    // The same again is the same file; another one is never replaced.
    let _ = scratch.dodge(&evaluate).succeeded();
    fs::write(scratch.path("photos.csv"), "mine").unwrap();
    let refused = scratch.dodge(&evaluate);
    assert!(refused.code == Some(1) && refused.stderr.contains("photos.csv is there already"), "{refused}");
    assert_eq!(timeless(&refused.json()), timeless(&report), "what was measured is not lost");
    assert_eq!(fs::read(scratch.path("photos.csv")).unwrap(), b"mine");
    let _ = scratch.dodge(&[&evaluate[..], &["--overwrite"]].concat()).succeeded();
    assert_eq!(fs::read_to_string(scratch.path("photos.csv")).unwrap(), table);
    assert_eq!(scratch.dodge(&["evaluate", "--photos=photos", "--table=photos"]).code, Some(2));
}

#[test]
fn a_damaged_photo_scores_lower_than_a_good_one() {
    let scratch = Scratch::new();
    scene(0).save(&scratch.path("good.png")).unwrap();
    dark(&scene(0)).save(&scratch.path("dark.png")).unwrap();
    let report = scratch.dodge(&["score", "good.png", "dark.png", "--json"]).succeeded().json();
    let photos = report["photos"].as_array().unwrap();
    assert_eq!((&photos[0]["photo"], &photos[1]["photo"]), (&"good.png".into(), &"dark.png".into()));
    assert!(photos[0]["score"].as_f64().unwrap() > photos[1]["score"].as_f64().unwrap() + 0.5, "{report}");
    assert_eq!(report["failed"], 0);

    let text = scratch.dodge(&["score", "good.png", "dark.png"]).succeeded();
    assert_eq!(text.stdout.lines().count(), 2, "{text}");
    let first = text.stdout.lines().next().unwrap().split_whitespace().collect::<Vec<_>>();
    assert_eq!(first, [&*format!("{:.2}", photos[0]["score"].as_f64().unwrap()), "good.png"]);
    let explained = scratch.dodge(&["score", "good.png", "--explain"]).succeeded();
    let parts = photos[0]["parts"].as_object().unwrap().len();
    assert!(parts >= 7, "{report}");
    assert_eq!(explained.stdout.lines().count(), 1 + parts, "{explained}");
}

#[test]
fn parameters_are_listed_with_the_layer_they_come_from() {
    let scratch = Scratch::new();
    fs::write(scratch.path("mine.toml"), "format_version = 1\n[ppo]\nepochs = 3\n").unwrap();
    let arguments = ["params", "list", "--preset=quick", "--config=mine.toml", "--set=ppo.discount=0.5"];
    let listed = scratch.dodge(&arguments).succeeded();
    let line = |name: &str| {
        let found = listed.stdout.lines().find(|line| line.split_whitespace().next() == Some(name));
        found.unwrap_or_else(|| panic!("{name}: {listed}")).split_whitespace().skip(1).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(line("ppo.discount"), "0.5 --set");
    assert_eq!(line("ppo.epochs"), "3 config file mine.toml");
    assert_eq!(line("training.steps"), "60000 preset quick");
    assert_eq!(line("ppo.clip_range"), "0.2 default");
    let sections = [
        "training.",
        "apg.",
        "ppo.",
        "dqn.",
        "network.",
        "environment.",
        "reward.",
        "degrade.",
        "pairs.",
        "resize.",
        "data.",
        "tracking.",
    ];
    for line in listed.stdout.lines() {
        assert!(sections.iter().any(|section| line.starts_with(section)), "{line}");
    }
}

#[test]
fn one_parameter_is_shown_with_its_meaning_and_range() {
    let scratch = Scratch::new();
    let shown = scratch.dodge(&["params", "show", "ppo.discount", "--set=ppo.discount=0.5"]).succeeded();
    insta::assert_snapshot!(shown.stdout, @"
    ppo.discount = 0.5
        Discount of future rewards per step.
        accepted: number, 0.0 to 1.0
        default: 0.97; this value: --set
    ");
    let section = scratch.dodge(&["params", "show", "reward"]).succeeded();
    assert!(section.stdout.contains("reward.fidelity") && !section.stdout.contains("ppo."), "{section}");
    let unknown = scratch.dodge(&["params", "show", "ppo.discont"]);
    insta::assert_snapshot!(unknown.failed(2), @"error: there is no section or hyperparameter `ppo.discont`: `dodge params list` shows all");
}

#[test]
fn the_schema_describes_every_parameter() {
    let scratch = Scratch::new();
    let schema: Value = serde_json::from_str(&scratch.dodge(&["params", "schema"]).succeeded().stdout).unwrap();
    let text = schema.to_string();
    let listed = scratch.dodge(&["params", "list"]).succeeded();
    assert!(listed.stdout.lines().count() > 25, "{listed}");
    for line in listed.stdout.lines() {
        let key = line.split_whitespace().next().unwrap().split_once('.').unwrap().1;
        assert!(text.contains(&format!("\"{key}\"")), "{key}");
    }
}

#[test]
fn the_template_is_a_configuration_of_all_defaults() {
    let scratch = Scratch::new();
    let template = scratch.dodge(&["params", "template"]).succeeded();
    fs::write(scratch.path("template.toml"), &template.stdout).unwrap();
    let with = scratch.dodge(&["params", "list", "--config=template.toml"]).succeeded();
    let without = scratch.dodge(&["params", "list"]).succeeded();
    let values = |text: &str| -> Vec<String> {
        text.lines().map(|line| line.split_whitespace().take(2).collect::<Vec<_>>().join(" ")).collect()
    };
    assert_eq!(values(&with.stdout), values(&without.stdout));
    let small = ["--config=template.toml", "--steps=100", "--tracking-uri=off", "--json"];
    assert_eq!(scratch.train(&small).succeeded().json()["seed"], 42);
}

#[test]
fn runs_are_compared() {
    let scratch = Scratch::new();
    for (out, discount) in [("one", "0.9"), ("two", "0.95")] {
        let set = format!("--set=ppo.discount={discount}");
        let run = scratch.train(&["--steps=64", &format!("--out={out}"), &set, "--tracking-uri=off"]).succeeded();
        assert!(run.stdout.contains("model:"), "{run}");
    }
    let diff = scratch.dodge(&["params", "diff", "one", "two"]).succeeded();
    insta::assert_snapshot!(diff.stdout, @"
                                         one                          two
    ppo.discount                         0.9                          0.95
    ");
    let same = scratch.dodge(&["params", "diff", "one", "one/configuration.toml"]).succeeded();
    assert!(same.stdout.ends_with(" values are equal\n"), "{same}");
    let unknown = scratch.dodge(&["params", "diff", "one", "three"]);
    insta::assert_snapshot!(unknown.failed(2), @"error: no run is called three and no id begins so: `dodge runs list` shows those that are recorded; or give a folder");
}

#[test]
fn the_configuration_of_a_run_repeats_it() {
    let scratch = Scratch::new();
    let first = ["--steps=300", "--seed=7", "--out=first", "--set=ppo.learning_rate_schedule=cosine:end=0.2"];
    let once = scratch.train(&[&first[..], &["--tracking-uri=off", "--json"]].concat()).succeeded().json();
    let again =
        ["train", "--config=first/configuration.toml", "--out=second", "--threads=1", "--tracking-uri=off", "--json"];
    assert_eq!(scratch.dodge(&again).succeeded().json()["test"], once["test"]);
    let diff = scratch.dodge(&["params", "diff", "first", "second"]).succeeded();
    assert!(diff.stdout.ends_with(" values are equal\n"), "{diff}");
}
