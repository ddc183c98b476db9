//! `dodge export`: what other programs make of the tables is what the recipe makes.

use std::fs;
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
    let wanted = Photo::open(&scratch.path("out/photo.png")).unwrap();
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
        let made = Photo::open(&scratch.path(&output)).unwrap();
        let pixels = made.pixels().iter().zip(wanted.pixels());
        let mut apart: Vec<u8> = pixels.map(|(made, wanted)| made.abs_diff(*wanted)).collect();
        apart.sort_unstable();
        let largest = apart[apart.len() * 999 / 1000];
        assert!(largest <= 2, "{form}: {largest} levels apart at the 99.9th percentile");
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
