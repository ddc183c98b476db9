//! A file that is no result of the same command is never written over, and a command that is given twice does its work once.

use std::fs;

use dodge_imaging::Photo;
use dodge_tests::Scratch;

use crate::photos::{dark, folder_of_photos, retouching_model, scene};

const RECIPE: &str = "{\"dodge_recipe_format\": 1, \"operations\": [\"lightness:30\"]}";

/// All files below a folder with what they hold.
fn contents(scratch: &Scratch, folder: &str) -> Vec<(String, Vec<u8>)> {
    let files = scratch.files(folder);
    files.into_iter().map(|file| (file.clone(), fs::read(scratch.path(folder).join(file)).unwrap())).collect()
}

#[test]
fn another_photo_of_the_same_name_stays() {
    let scratch = Scratch::new();
    let model = retouching_model(&scratch);
    fs::write(scratch.path("r.json"), RECIPE).unwrap();
    for folder in ["card", "pics"] {
        fs::create_dir(scratch.path(folder)).unwrap();
    }
    dark(&scene(0)).save(&scratch.path("card/IMG_0001.png")).unwrap();
    scene(1).save(&scratch.path("pics/IMG_0001.png")).unwrap();
    let before = contents(&scratch, "pics");
    let enhance = ["enhance", "card/IMG_0001.png", "--model", &model, "-o", "pics"];
    let apply = ["apply", "r.json", "card/IMG_0001.png", "-o", "pics"];
    for arguments in [&enhance[..], &apply] {
        let message = scratch.dodge(arguments).failed(1);
        assert!(message.contains("pics/IMG_0001.png is there already") && message.contains("--overwrite"), "{message}");
        assert_eq!(contents(&scratch, "pics"), before);
    }
    for arguments in [&enhance[..], &apply] {
        let _ = scratch.dodge(&[arguments, &["--overwrite"]].concat()).succeeded();
        assert_ne!(contents(&scratch, "pics")[0], before[0], "the user said so");
    }
}

#[test]
fn what_is_in_the_place_of_a_recipe_or_a_preview_stays() {
    let scratch = Scratch::new();
    let model = retouching_model(&scratch);
    fs::create_dir(scratch.path("out")).unwrap();
    dark(&scene(0)).save(&scratch.path("x.png")).unwrap();
    let enhance = ["enhance", "x.png", "--model", &model, "-o", "out", "--preview"];
    for name in ["x.recipe.json", "x.preview.png"] {
        fs::write(scratch.path("out").join(name), "somebody's").unwrap();
        let message = scratch.dodge(&enhance).failed(1);
        assert!(message.contains(&format!("out/{name} is there already")), "{message}");
        assert_eq!(scratch.files("out"), [name], "no part of the result is written");
        fs::remove_file(scratch.path("out").join(name)).unwrap();
    }
    // The photo itself may be called like a preview of another.
    scene(1).save(&scratch.path("x.preview.png")).unwrap();
    let both = ["enhance", "x.png", "x.preview.png", "--model", &model, "-o", "out", "--preview"];
    let _ = scratch.dodge(&both).succeeded();
    assert_eq!(scratch.files("out").len(), 6, "{:?}", scratch.files("out"));
    let preview = Photo::open(&scratch.path("out/x.preview.png")).unwrap();
    assert!(preview.width() >= 2 * scene(0).width(), "the preview, not the photo");
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("elsewhere.png", scratch.path("out/y.png")).unwrap();
        scene(2).save(&scratch.path("y.png")).unwrap();
        let message = scratch.dodge(&["enhance", "y.png", "--model", &model, "-o", "out"]).failed(1);
        assert!(message.contains("out/y.png is there already"), "{message}");
        assert!(!scratch.path("elsewhere.png").exists() && !scratch.path("out/elsewhere.png").exists());
    }
}

#[test]
fn a_command_given_twice_passes_over_its_own_results() {
    let scratch = Scratch::new();
    let model = retouching_model(&scratch);
    fs::write(scratch.path("r.json"), RECIPE).unwrap();
    folder_of_photos(&scratch.path("photos"), 2);
    folder_of_photos(&scratch.path("photos/more"), 1);
    let enhance = ["enhance", "photos", "--model", &model, "-o", "photos/out", "--json"];
    let apply = ["apply", "r.json", "photos", "-o", "photos/out", "--json"];
    for arguments in [&enhance[..], &apply] {
        let first = scratch.dodge(arguments).succeeded().json();
        assert_eq!(
            (first["passed_over"].as_u64(), first["photos"].as_array().map(Vec::len)),
            (Some(0), Some(3)),
            "{first}"
        );
        let before = contents(&scratch, "photos");
        // The results lie below the input folder and are no inputs of the second time.
        let second = scratch.dodge(arguments).succeeded().json();
        assert_eq!(second["passed_over"], 3, "{second}");
        assert_eq!(contents(&scratch, "photos"), before);
        if arguments[0] == "enhance" {
            for (first, second) in first["photos"].as_array().unwrap().iter().zip(second["photos"].as_array().unwrap())
            {
                for key in ["photo", "output", "recipe", "operations", "score_before", "score_after"] {
                    assert_eq!(first[key], second[key]);
                }
            }
        }
        fs::remove_dir_all(scratch.path("photos/out")).unwrap();
    }

    // A result that is not whole is none, and one whose recipe is missing gets it.
    let _ = scratch.dodge(&enhance).succeeded();
    let whole = contents(&scratch, "photos/out");
    fs::remove_file(scratch.path("photos/out/photo-0.recipe.json")).unwrap();
    let third = scratch.dodge(&enhance[..enhance.len() - 1]).succeeded();
    assert!(
        third.stdout.ends_with("1 enhanced; 2 passed over, for which the same result was there already\n"),
        "{third}"
    );
    assert_eq!(contents(&scratch, "photos/out"), whole);
    // Other options make another result.
    let message = scratch.dodge(&[&enhance[..], &["--max-steps=0"]].concat()).failed(1);
    assert!(message.ends_with("error: 3 of 3 photos could not be enhanced"), "{message}");
    let cut = &whole.iter().find(|(name, _)| name == "photo-1.png").unwrap().1;
    fs::write(scratch.path("photos/out/photo-1.png"), &cut[..cut.len() / 2]).unwrap();
    let message = scratch.dodge(&enhance).failed(1);
    assert!(message.contains("photos/out/photo-1.png is there already"), "{message}");
    let _ = scratch.dodge(&[&enhance[..], &["--overwrite"]].concat()).succeeded();
    assert_eq!(contents(&scratch, "photos/out"), whole);
}

#[test]
fn enhance_keeps_the_tree_of_folders() {
    let scratch = Scratch::new();
    let model = retouching_model(&scratch);
    for folder in ["trip", "trip/day 1", "trip/day 2/night"] {
        folder_of_photos(&scratch.path(folder), 1);
    }
    let _ = scratch.dodge(&["enhance", "trip", "--model", &model, "-o", "out"]).succeeded();
    let photos: Vec<String> = scratch.files("out").into_iter().filter(|file| file.ends_with(".png")).collect();
    assert_eq!(photos, ["day 1/photo-0.png", "day 2/night/photo-0.png", "photo-0.png"]);
    // Given twice on one command line, a photo is worked on once.
    let twice = scratch.dodge(&["score", "trip", "trip/day 1", "trip/photo-0.png", "--json"]).succeeded().json();
    assert_eq!(twice["photos"].as_array().unwrap().len(), 3, "{twice}");
}

#[test]
fn a_training_begins_in_an_empty_folder_only() {
    let scratch = Scratch::new();
    let small = ["--steps=300", "--tracking-uri=off", "--json", "--out=best"];
    let _ = scratch.train(&small).succeeded();
    let before = contents(&scratch, "best");
    let message = scratch.train(&[&small[..], &["--seed=5"]].concat()).failed(2);
    assert!(
        message.contains("best holds a run: go on with it by `--resume best`, or choose another folder"),
        "{message}"
    );
    assert_eq!(contents(&scratch, "best"), before);
    fs::create_dir(scratch.path("pictures")).unwrap();
    fs::write(scratch.path("pictures/model.safetensors"), "somebody's").unwrap();
    let message = scratch.train(&["--steps=300", "--tracking-uri=off", "--out=pictures"]).failed(2);
    assert!(message.contains("pictures is not empty: choose another folder with --out"), "{message}");
    assert_eq!(scratch.files("pictures"), ["model.safetensors"]);
    // What a run left that failed before it began is in nobody's way.
    let missing = ["train", "--photos=missing", "--out=new", "--tracking-uri=off", "--steps=300", "--threads=1"];
    let _ = scratch.dodge(&missing).failed(1);
    let _ = scratch.train(&["--steps=300", "--tracking-uri=off", "--out=new"]).succeeded();
}

#[cfg(unix)]
#[test]
fn two_trainings_do_not_write_into_one_folder() {
    use std::time::Duration;

    let scratch = Scratch::new();
    let mut running = scratch.start_training(&["--steps=1000000000", "--out=one", "--tracking-uri=off"]);
    dodge_tests::wait_for("a checkpoint", Duration::from_secs(120), || {
        running.assert_alive();
        scratch.path("one/used.json").exists().then_some(())
    });
    for arguments in [&["--out=one"][..], &["--resume=one"]] {
        let mut all = vec!["train", "--steps=300", "--tracking-uri=off", "--threads=1"];
        all.extend(arguments);
        let message = scratch.dodge(&all).failed(1);
        assert!(message.contains("another training writes into one"), "{message}");
    }
    running.signal("KILL");
    let _ = running.wait(Duration::from_secs(60));
    // The lock ends with the process.
    let message = scratch.train(&["--steps=300", "--tracking-uri=off", "--out=one"]).failed(2);
    assert!(message.contains("--resume one"), "{message}");
}
