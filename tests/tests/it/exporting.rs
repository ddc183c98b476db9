//! `dodge export`: what other programs make of the tables and of their own settings is what the recipe makes.

use std::fs;
use std::path::Path;
use std::process::Command;

use dodge_imaging::{Photo, Recipe};
use dodge_tests::{Scratch, skipped};

const RECIPE: &str = "exposure:0.3 contrast:1.15 gamma:1.2 highlights:-0.3 warmth:0.06 saturation:1.2";

fn recipe() -> Recipe {
    Recipe::new(RECIPE.split(' ').map(|operation| operation.parse().unwrap()).collect()).with_longer_side(48)
}

#[test]
fn ffmpeg_makes_of_the_tables_what_the_recipe_makes() {
    if Command::new("ffmpeg").arg("-version").output().is_err() {
        skipped("ffmpeg_makes_of_the_tables_what_the_recipe_makes", "there is no program ffmpeg");
        return;
    }
    let scratch = Scratch::new();
    recipe().save(&scratch.path("photo.recipe.json")).unwrap();
    let photo = dodge_data::synthetic::photo(7, 3, 301, 203);
    photo.save(&scratch.path("photo.png")).unwrap();
    let _ = scratch.dodge(&["apply", "photo.recipe.json", "photo.png", "-o", "out"]).succeeded();
    for (form, table, arguments) in [
        ("cube", "photo.cube", &["-vf", "lut3d=file=photo.cube:interp=trilinear"][..]),
        ("hald", "photo.hald.png", &["-i", "photo.hald.png", "-filter_complex", "haldclut=interp=trilinear"]),
    ] {
        let said = scratch.dodge(&["export", "photo.recipe.json", "--to", form]).succeeded().stdout;
        assert_eq!(said, format!("photo.recipe.json -> {table}\n"));
        let output = format!("{form}.png");
        let mut ffmpeg = Command::new("ffmpeg");
        ffmpeg.args(["-v", "error", "-i", "photo.png"]).args(arguments).arg(&output).current_dir(scratch.path("."));
        let done = ffmpeg.output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        let (largest, _) = levels_apart(&scratch.path(&output), &scratch.path("out/photo.png"));
        assert!(largest <= 2, "{form}: {largest} levels apart at the 99.9th percentile");
    }
}

/// A program that is there; where it is not, a word about it.
fn is_there(program: &str, test: &str) -> bool {
    let found = Command::new(program).arg("--version").output().is_ok();
    if !found {
        skipped(test, &format!("there is no program {program}"));
    }
    found
}

/// The 99.9th percentile of the differences between two pictures of one size, and their mean, in levels of 255.
fn levels_apart(made: &Path, wanted: &Path) -> (u8, f64) {
    let (made, wanted) = (Photo::<u8>::open(made).unwrap(), Photo::open(wanted).unwrap());
    assert_eq!((made.width(), made.height()), (wanted.width(), wanted.height()));
    let pixels = made.pixels().iter().zip(wanted.pixels());
    let mut apart: Vec<u8> = pixels.map(|(made, wanted)| made.abs_diff(*wanted)).collect();
    apart.sort_unstable();
    let sum: f64 = apart.iter().copied().map(f64::from).sum();
    (apart[apart.len() * 999 / 1000], sum / apart.len() as f64)
}

/// A folder with a photo, recipes, and what `dodge apply` makes of them: `plain` is one exposure, `look` six edits, and `late` begins with an exposure, too.
fn with_results() -> Scratch {
    let scratch = Scratch::new();
    dodge_data::synthetic::photo(7, 3, 301, 203).save(&scratch.path("photo.png")).unwrap();
    for (name, operations) in [("plain", "exposure:0.7"), ("late", RECIPE), ("look", &RECIPE["exposure:0.3 ".len()..])]
    {
        let operations = operations.split(' ').map(|operation| operation.parse().unwrap()).collect();
        Recipe::new(operations).save(&scratch.path(format!("{name}.recipe.json"))).unwrap();
        let _ = scratch.dodge(&["apply", &format!("{name}.recipe.json"), "photo.png", "-o", name]).succeeded();
    }
    scratch
}

fn succeeded(command: &mut Command) -> String {
    let done = command.output().unwrap();
    let words = String::from_utf8_lossy(&done.stderr).into_owned() + &String::from_utf8_lossy(&done.stdout);
    assert!(done.status.success(), "{command:?}: {words}");
    words
}

#[test]
fn darktable_makes_of_its_history_what_the_recipe_makes() {
    if !is_there("darktable-cli", "darktable_makes_of_its_history_what_the_recipe_makes") {
        return;
    }
    let scratch = with_results();
    for name in ["plain", "look", "late"] {
        let said = scratch.dodge(&["export", &format!("{name}.recipe.json"), "--to", "darktable"]).succeeded();
        assert_eq!(said.stderr.contains("folder of 3D LUTs"), name != "plain", "{said}");
        let mut darktable = Command::new("darktable-cli");
        darktable.args(["photo.png", &format!("{name}.darktable.xmp"), &format!("{name}.png")]);
        darktable.args([
            "--apply-custom-presets",
            "0",
            "--core",
            "--configdir",
            "darktable",
            "--cachedir",
            "darktable",
        ]);
        let folder = format!("plugins/darkroom/lut3d/def_path={}", scratch.path("").display());
        darktable.args(["--library", ":memory:", "--conf", &folder]).current_dir(scratch.path(""));
        let words = succeeded(&mut darktable);
        let (largest, mean) =
            levels_apart(&scratch.path(format!("{name}.png")), &scratch.path(format!("{name}/photo.png")));
        assert!(largest <= 2 && mean < 0.1, "{name}: {largest} levels apart, {mean} in the mean: {words}");
    }
}

#[test]
fn rawtherapee_makes_of_its_profile_what_the_recipe_makes() {
    if !is_there("rawtherapee-cli", "rawtherapee_makes_of_its_profile_what_the_recipe_makes") {
        return;
    }
    let scratch = with_results();
    for name in ["plain", "late"] {
        let _ = scratch.dodge(&["export", &format!("{name}.recipe.json"), "--to", "rawtherapee"]).succeeded();
        let mut rawtherapee = Command::new("rawtherapee-cli");
        rawtherapee.args([
            "-a",
            "-o",
            &format!("{name}.png"),
            "-p",
            &format!("{name}.pp3"),
            "-n",
            "-b8",
            "-Y",
            "-c",
            "photo.png",
        ]);
        // Its settings are its own, and not those of whoever runs the test.
        rawtherapee.env("RT_SETTINGS", scratch.path("settings")).env("RT_CACHE", scratch.path("cache"));
        let words = succeeded(rawtherapee.current_dir(scratch.path("")));
        let (largest, mean) =
            levels_apart(&scratch.path(format!("{name}.png")), &scratch.path(format!("{name}/photo.png")));
        assert!(largest <= 2 && mean < 0.1, "{name}: {largest} levels apart, {mean} in the mean: {words}");
    }
}

#[test]
fn the_fields_of_lightroom_are_read_and_put_into_a_photo() {
    if !is_there("exiftool", "the_fields_of_lightroom_are_read_and_put_into_a_photo") {
        return;
    }
    let scratch = with_results();
    let _ = scratch.dodge(&["export", "late.recipe.json", "--to", "lightroom"]).succeeded();
    let mut exiftool = Command::new("exiftool");
    exiftool.args(["-overwrite_original", "-tagsFromFile", "late.xmp", "-XMP-crs:all", "photo.png"]);
    succeeded(exiftool.current_dir(scratch.path("")));
    for file in ["late.xmp", "photo.png"] {
        let mut exiftool = Command::new("exiftool");
        exiftool.args(["-XMP-crs:all", "-j", "-n", file]).current_dir(scratch.path(""));
        let read: serde_json::Value = serde_json::from_str(&succeeded(&mut exiftool)).unwrap();
        let field = |name: &str| read[0][name].clone();
        // It passes numbers on as they are written, with their sign.
        let number = |name: &str| match field(name) {
            serde_json::Value::String(text) => text.parse::<f64>().ok(),
            other => other.as_f64(),
        };
        assert_eq!((number("ProcessVersion"), number("Exposure2012")), (Some(11.0), Some(0.3)), "{file}: {read}");
        assert_eq!((number("Saturation"), field("HasSettings")), (Some(20.0), true.into()), "{file}: {read}");
        let red = field("ToneCurvePV2012Red");
        let points = red.as_array().unwrap_or_else(|| panic!("{file}: {read}"));
        assert!((3..=16).contains(&points.len()) && points[0] == "0, 0", "{read}");
        assert_eq!(field("ToneCurvePV2012"), serde_json::json!(["0, 0", "255, 255"]), "{file}");
    }
}

#[test]
fn what_has_no_counterpart_is_named_and_nothing_is_replaced() {
    let scratch = Scratch::new();
    let recipe = "{\"dodge_recipe_format\": 2, \"operations\": [\"gamma:1.1\", \"clarity:0.3\", \"saturation:1.2\"]}";
    fs::write(scratch.path("a.recipe.json"), recipe).unwrap();
    for (form, files, field) in [
        ("lightroom", &["a.xmp"][..], "ToneCurvePV2012"),
        ("darktable", &["a.darktable.xmp", "a.darktable.cube"], "lut3d"),
        ("rawtherapee", &["a.pp3", "a.hald.png"], "Film Simulation"),
    ] {
        let said = scratch.dodge(&["export", "a.recipe.json", "--to", form, "--json"]).succeeded();
        assert!(said.stderr.contains("note: clarity:0.3 is not in it: "), "{said}");
        let object = said.json();
        assert_eq!(object["files"], serde_json::json!(files));
        assert_eq!(object["operations"][0]["field"], field);
        assert_eq!(object["operations"].as_array().unwrap().len(), 2);
        assert_eq!(object["missing"][0]["operation"], "clarity:0.3");
        assert!(files.iter().all(|file| scratch.path(file).exists()));
        let again = scratch.dodge(&["export", "a.recipe.json", "--to", form]).succeeded();
        assert!(again.stdout.ends_with(" (there already)\n"), "{again}");
    }
    // The table beside is as little replaced as the file that was asked for.
    fs::remove_file(scratch.path("a.pp3")).unwrap();
    fs::write(scratch.path("a.hald.png"), "mine").unwrap();
    let refused = scratch.dodge(&["export", "a.recipe.json", "--to", "rawtherapee"]).failed(1);
    assert!(refused.contains("a.hald.png is there already"), "{refused}");
    assert!(!scratch.path("a.pp3").exists());
    fs::write(scratch.path("b.json"), recipe.replace("\"gamma:1.1\", ", "").replace(", \"saturation:1.2\"", ""))
        .unwrap();
    for form in ["lightroom", "darktable", "rawtherapee"] {
        let refused = scratch.dodge(&["export", "b.json", "--to", form]).failed(1);
        assert!(refused.contains("clarity:0.3 (") && refused.contains("hint: `dodge export --to cube`"), "{refused}");
    }
}

#[test]
fn nothing_is_dropped_and_nothing_replaced() {
    let scratch = Scratch::new();
    let with_clarity = "{\"dodge_recipe_format\": 2, \"operations\": [\"gamma:1.1\", \"clarity:0.3\"]}";
    fs::write(scratch.path("sharp.json"), with_clarity).unwrap();
    let refused = scratch.dodge(&["export", "sharp.json", "--to", "cube"]).failed(1);
    assert!(refused.contains("clarity:0.3 would be lost"), "{refused}");
    recipe().save(&scratch.path("warm.recipe.json")).unwrap();
    fs::write(scratch.path("warm.cube"), "mine").unwrap();
    let refused = scratch.dodge(&["export", "warm.recipe.json", "--to", "cube"]).failed(1);
    assert!(refused.contains("warm.cube is there already"), "{refused}");
    assert_eq!(fs::read(scratch.path("warm.cube")).unwrap(), b"mine");
    let _ = scratch.dodge(&["export", "warm.recipe.json", "--to", "cube", "--overwrite"]).succeeded();
    let _ = scratch.dodge(&["export", "warm.recipe.json", "--to", "cube"]).succeeded();
    let _ = scratch.dodge(&["export", "warm.recipe.json", "--to", "hald", "-o", "look.png"]).succeeded();
    assert!(fs::read_to_string(scratch.path("warm.cube")).unwrap().contains("LUT_3D_SIZE 65\n"));
    assert_eq!(Photo::open(&scratch.path("look.png")).unwrap().width(), 512);
    assert!(!scratch.path("sharp.cube").exists());
    let before = fs::read(scratch.path("warm.recipe.json")).unwrap();
    let onto_itself = ["export", "warm.recipe.json", "--to", "cube", "-o", "./warm.recipe.json", "--overwrite"];
    let refused = scratch.dodge(&onto_itself).failed(2);
    assert!(refused.contains("would take the place of the recipe"), "{refused}");
    assert_eq!(fs::read(scratch.path("warm.recipe.json")).unwrap(), before);
    // Far too dark, and brought back by more than a table can follow.
    let strong = Recipe::new(["exposure:3", "gamma:2.5"].map(|operation| operation.parse().unwrap()).to_vec());
    strong.save(&scratch.path("strong.json")).unwrap();
    let noted = scratch.dodge(&["export", "strong.json", "--to", "cube"]).succeeded().stderr;
    assert!(noted.starts_with("note: between its points the table is up to "), "{noted}");
}
