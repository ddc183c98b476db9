//! `dodge enhance` and `dodge apply`: photos keep their size, inputs stay as they are, recipes can be replayed.

use std::fs;

use dodge_imaging::{Encoding, Metadata, Photo, Picture, Pixels, Recipe, psnr_db};
use dodge_tests::Scratch;

use crate::photos::{dark, faded, folder_of_photos, jpeg_with_orientation, retouching_model, scene};

#[test]
fn a_photo_keeps_its_size_and_its_recipe_gives_the_same_pixels_again() {
    let scratch = Scratch::new();
    let model = retouching_model(&scratch);
    // Larger than anything the agent looked at.
    let photo = dark(&dodge_data::synthetic::photo(7, 3, 601, 403));
    photo.save(&scratch.path("photo.png")).unwrap();
    photo.save(&scratch.path("picture.JPG")).unwrap();
    let before = fs::read(scratch.path("photo.png")).unwrap();
    let enhance = ["enhance", "photo.png", "picture.JPG", "--model", &model, "-o", "out", "--json"];
    let report = scratch.dodge(&enhance).succeeded().json();
    assert_eq!(scratch.files("out"), ["photo.png", "photo.recipe.json", "picture.JPG", "picture.recipe.json"]);
    assert_eq!(fs::read(scratch.path("photo.png")).unwrap(), before, "the input is as it was");

    let first = &report["photos"][0];
    assert_eq!((&first["output"], &first["recipe"]), (&"out/photo.png".into(), &"out/photo.recipe.json".into()));
    let operations = first["operations"].as_array().unwrap();
    assert!(!operations.is_empty(), "something is done about a photo so dark: {report}");
    assert!(first["score_after"].as_f64() > first["score_before"].as_f64(), "{report}");
    let recipe: serde_json::Value =
        serde_json::from_slice(&fs::read(scratch.path("out/photo.recipe.json")).unwrap()).unwrap();
    assert_eq!(&recipe["operations"], &first["operations"]);

    let enhanced = Photo::open(&scratch.path("out/photo.png")).unwrap();
    assert_eq!((enhanced.width(), enhanced.height()), (601, 403));
    assert_ne!(enhanced, photo);
    let jpeg = scratch.path("out/picture.JPG");
    assert!(fs::read(&jpeg).unwrap().starts_with(&[0xff, 0xd8]), "a JPEG stays a JPEG");
    let jpeg = Photo::open(&jpeg).unwrap();
    assert_eq!((jpeg.width(), jpeg.height()), (601, 403));

    let _ = scratch.dodge(&["apply", "out/photo.recipe.json", "photo.png", "-o", "again"]).succeeded();
    assert_eq!(Photo::open(&scratch.path("again/photo.png")).unwrap(), enhanced);
    assert_eq!(scratch.files("again"), ["photo.png"]);
}

#[test]
fn a_recipe_writes_the_same_bytes_again_in_every_format_with_the_metadata() {
    let scratch = Scratch::new();
    let model = retouching_model(&scratch);
    let photo = dark(&dodge_data::synthetic::photo(7, 3, 301, 203));
    let metadata = Metadata { xmp: Some(b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>".to_vec()), ..Metadata::default() };
    let names = ["a.jpg", "b.png", "c.tif", "d.webp"];
    for (index, name) in names.into_iter().enumerate() {
        // PNG and TIFF with 16 bit.
        let pixels = if index % 3 == 0 { Pixels::Eight(photo.clone()) } else { Pixels::Sixteen(photo.to_depth()) };
        Picture { metadata: metadata.clone(), ..Picture::from(pixels) }.save(&scratch.path(name)).unwrap();
    }
    let enhance = [&["enhance"][..], &names, &["--model", &model, "-o", "out"]].concat();
    let _ = scratch.dodge(&enhance).succeeded();
    for name in names {
        let recipe = scratch.path("out").join(name).with_extension("recipe.json");
        let _ = scratch.dodge(&["apply", recipe.to_str().unwrap(), name, "-o", "again"]).succeeded();
        let bytes = |folder: &str| fs::read(scratch.path(folder).join(name)).unwrap();
        assert!(bytes("out") == bytes("again"), "{name}");
        let (before, after) = (Picture::open(&scratch.path(name)).unwrap(), Picture::decode(&bytes("out")).unwrap());
        assert_eq!(after.metadata, metadata, "{name}");
        assert_eq!(matches!(after.pixels, Pixels::Sixteen(_)), matches!(before.pixels, Pixels::Sixteen(_)), "{name}");
        assert_ne!(after.pixels, before.pixels, "{name}");
    }
}

#[test]
fn an_input_is_never_overwritten() {
    let scratch = Scratch::new();
    let model = retouching_model(&scratch);
    folder_of_photos(&scratch.path("photos"), 2);
    let recipe = "{\"dodge_recipe_format\": 1, \"operations\": [\"lightness:30\"]}";
    fs::write(scratch.path("recipe.json"), recipe).unwrap();
    let before = fs::read(scratch.path("photos/photo-0.png")).unwrap();
    for arguments in [
        &["enhance", "photos/photo-0.png", "--model", &model, "-o", "photos"][..],
        &["enhance", "photos", "--model", &model, "-o", "./photos/../photos"],
        &["apply", "recipe.json", "photos/photo-0.png", "-o", "photos"],
    ] {
        let finished = scratch.dodge(arguments);
        let message = finished.failed(1);
        assert!(message.contains("photo-0.png: choose another folder with -o"), "{finished}");
        assert_eq!(fs::read(scratch.path("photos/photo-0.png")).unwrap(), before);
        assert_eq!(scratch.files("photos"), ["photo-0.png", "photo-1.png"]);
    }
}

#[test]
fn an_input_is_not_overwritten_by_the_result_of_another_one_either() {
    let scratch = Scratch::new();
    // `a/photo-0.png` would become `b/photo-0.png`, which is an input itself.
    folder_of_photos(&scratch.path("a"), 1);
    folder_of_photos(&scratch.path("b"), 1);
    let recipe = "{\"dodge_recipe_format\": 1, \"operations\": [\"lightness:30\"]}";
    fs::write(scratch.path("recipe.json"), recipe).unwrap();
    let before = fs::read(scratch.path("b/photo-0.png")).unwrap();
    let finished = scratch.dodge(&["apply", "recipe.json", "a/photo-0.png", "b/photo-0.png", "-o", "b"]);
    assert!(!finished.stderr.contains("panicked"), "{finished}");
    assert!(fs::read(scratch.path("b/photo-0.png")).unwrap() == before, "the input was overwritten: {finished}");
}

#[test]
fn a_turned_jpeg_comes_out_upright() {
    let scratch = Scratch::new();
    let model = retouching_model(&scratch);
    let photo = scene(4);
    fs::write(scratch.path("turned.jpg"), jpeg_with_orientation(&photo, 6)).unwrap();
    let _ = scratch.dodge(&["enhance", "turned.jpg", "--model", &model, "-o", "out", "--max-steps=0"]).succeeded();
    // Orientation 6: shown turned by 90 degrees clockwise, so that the left column becomes the top row.
    let (width, height) = (photo.width(), photo.height());
    let upright = Photo::from_fn(height, width, |x, y| photo.pixel(y, height - 1 - x)).unwrap();
    let result = fs::read(scratch.path("out/turned.jpg")).unwrap();
    // Decoding turns by whatever the EXIF says now: once in all, not a second time by the viewer.
    assert!(Picture::decode(&result).unwrap().metadata.exif.is_some());
    let db = psnr_db(&upright, &Photo::decode(&result).unwrap()).unwrap();
    assert!(db > 30.0, "{db}");
}

#[test]
fn a_broken_photo_does_not_keep_the_others_from_being_done() {
    let scratch = Scratch::new();
    let model = retouching_model(&scratch);
    scene(0).save(&scratch.path("a.png")).unwrap();
    fs::write(scratch.path("b.jpg"), "just a text").unwrap();
    scene(1).save(&scratch.path("c.png")).unwrap();
    let finished = scratch.dodge(&["enhance", "a.png", "b.jpg", "c.png", "--model", &model, "-o", "out", "--json"]);
    let errors = finished.failed(1);
    let [of_photo, of_all] = errors.lines().collect::<Vec<_>>()[..] else { panic!("{finished}") };
    assert!(of_photo.contains("b.jpg"), "{finished}");
    assert_eq!(of_all, "error: 1 of 3 photos could not be enhanced");
    assert_eq!(scratch.files("out"), ["a.png", "a.recipe.json", "c.png", "c.recipe.json"]);
    let report = finished.json();
    assert_eq!((report["photos"].as_array().unwrap().len(), &report["failed"]), (2, &1.into()));

    fs::write(scratch.path("r.json"), "{\"dodge_recipe_format\": 1, \"operations\": []}").unwrap();
    let applied = scratch.dodge(&["apply", "r.json", "a.png", "b.jpg", "c.png", "-o", "applied"]);
    let errors = applied.failed(1);
    assert!(errors.starts_with("error: b.jpg is not a readable"), "{applied}");
    assert!(errors.ends_with("\nerror: the recipe could not be applied to 1 of 3 photos"), "{applied}");
    assert_eq!(scratch.files("applied"), ["a.png", "c.png"]);
}

#[test]
fn a_dry_run_writes_nothing() {
    let scratch = Scratch::new();
    let model = retouching_model(&scratch);
    dark(&scene(0)).save(&scratch.path("a.png")).unwrap();
    let files = scratch.files(".");
    let finished = scratch.dodge(&["enhance", "a.png", "--model", &model, "--dry-run"]).succeeded();
    assert!(finished.stdout.starts_with("a.png: ") && finished.stdout.contains("(score "), "{finished}");
    let preview = scratch.dodge(&["enhance", "a.png", "--model", &model, "--dry-run", "--preview", "--json"]);
    let report = preview.succeeded().json();
    assert!(report["photos"][0]["output"].is_null() && report["photos"][0]["recipe"].is_null(), "{report}");
    assert_eq!(scratch.files("."), files);
}

/// What is said of an edit in JSON, as the line of it.
fn in_words(explained: &serde_json::Value) -> String {
    format!("{}: {}", explained["what"].as_str().unwrap(), explained["why"].as_str().unwrap())
}

#[test]
fn explain_says_a_line_for_each_edit() {
    let scratch = Scratch::new();
    let model = retouching_model(&scratch);
    dark(&scene(0)).save(&scratch.path("a.png")).unwrap();
    let enhance = |arguments: &[&str]| {
        let common = ["enhance", "a.png", "--model", &model, "--dry-run"];
        scratch.dodge(&[&common[..], arguments].concat()).succeeded()
    };
    let operations = enhance(&["--json"]).json()["photos"][0]["operations"].as_array().unwrap().len();
    assert!(operations > 0);
    let explained = enhance(&["--explain"]);
    let lines: Vec<&str> = explained.stdout.lines().collect();
    assert_eq!(lines.len(), 1 + operations, "{explained}");
    for (number, line) in (1..).zip(&lines[1..]) {
        let reason = line.strip_prefix(&format!("  {number}. ")).and_then(|line| line.split_once(": "));
        assert!(reason.is_some_and(|(what, why)| !what.is_empty() && !why.is_empty()), "{explained}");
    }
    let told = enhance(&["--explain", "--json"]).json();
    let told: Vec<String> = told["photos"][0]["explained"].as_array().unwrap().iter().map(in_words).collect();
    let same: Vec<&str> = lines[1..].iter().map(|line| line.split_once(". ").unwrap().1).collect();
    assert_eq!(told, same);
    let one = enhance(&["--max-steps=1", "--json"]).json();
    assert_eq!(one["photos"][0]["operations"].as_array().unwrap().len(), 1);
    let none = enhance(&["--max-steps=0", "--explain"]);
    assert!(none.stdout.contains("left as it is") && none.stdout.contains("  nothing: "), "{none}");
}

#[test]
fn a_preview_shows_before_and_after_beside_each_other() {
    let scratch = Scratch::new();
    let model = retouching_model(&scratch);
    let photo = dark(&scene(0));
    photo.save(&scratch.path("a.png")).unwrap();
    let _ = scratch.dodge(&["enhance", "a.png", "--model", &model, "-o", "out", "--preview"]).succeeded();
    assert_eq!(scratch.files("out"), ["a.png", "a.preview.png", "a.recipe.json"]);
    let preview = Photo::open(&scratch.path("out/a.preview.png")).unwrap();
    assert!(preview.width() >= 2 * photo.width() && preview.height() == photo.height());
    let after = Photo::open(&scratch.path("out/a.png")).unwrap();
    let (right, last) = (preview.width() - 1, photo.width() - 1);
    for y in 0..photo.height() {
        assert_eq!((preview.pixel(0, y), preview.pixel(right, y)), (photo.pixel(0, y), after.pixel(last, y)));
    }
}

#[test]
fn a_folder_stands_for_its_photos_and_equal_names_are_kept_apart() {
    let scratch = Scratch::new();
    let model = retouching_model(&scratch);
    folder_of_photos(&scratch.path("photos"), 1);
    folder_of_photos(&scratch.path("photos/more"), 1);
    scene(2).save(&scratch.path("photos/photo-0.jpg")).unwrap();
    fs::write(scratch.path("photos/upper.JPG"), scene(3).encode(Encoding::Jpeg { quality: 90 }).unwrap()).unwrap();
    fs::write(scratch.path("photos/notes.txt"), "no photo").unwrap();
    let report = scratch.dodge(&["enhance", "photos", "--model", &model, "-o", "out", "--json"]).succeeded().json();
    let outputs: Vec<&str> =
        report["photos"].as_array().unwrap().iter().map(|photo| photo["output"].as_str().unwrap()).collect();
    assert_eq!(outputs.len(), 4);
    let files = scratch.files("out");
    assert_eq!(files.len(), 8, "four photos and a recipe for each: {files:?}");
    for output in outputs {
        let name = output.strip_prefix("out/").unwrap();
        let recipe = format!("{}.recipe.json", name.rsplit_once('.').unwrap().0);
        assert!(files.contains(&name.to_owned()) && files.contains(&recipe), "{name}: {files:?}");
    }
}

#[test]
fn what_a_photo_loses_is_told_and_a_photo_that_is_cut_off_is_none() {
    let scratch = Scratch::new();
    let recipe = Recipe::new(vec!["lightness:10".parse().unwrap()]);
    recipe.save(&scratch.path("recipe.json")).unwrap();
    let clear = image::RgbaImage::from_pixel(20, 10, image::Rgba([90, 120, 60, 128]));
    clear.save(scratch.path("clear.png")).unwrap();
    scene(0).save(&scratch.path("plain.png")).unwrap();
    scene(0).save(&scratch.path("whole.jpg")).unwrap();
    let bytes = fs::read(scratch.path("whole.jpg")).unwrap();
    fs::write(scratch.path("cut.jpg"), &bytes[..bytes.len() / 2]).unwrap();
    let command = ["apply", "recipe.json", "clear.png", "cut.jpg", "plain.png", "whole.jpg", "-o", "out"];
    let finished = scratch.dodge(&command);
    let _ = finished.failed(1);
    let told = &finished.stderr;
    let notes: Vec<&str> = told.lines().filter(|line| line.starts_with("note: ")).collect();
    assert_eq!(notes, ["note: clear.png: its transparency was dropped"], "{told}");
    assert!(told.contains("cut.jpg"), "{told}");
    assert_eq!(scratch.files("out"), ["clear.png", "plain.png", "whole.jpg"]);
}

#[test]
fn a_model_that_expects_gains_says_so_and_can_be_made_bolder() {
    let scratch = Scratch::new();
    let arguments = [
        "--set=training.algorithm=apg",
        "--set=apg.environments=16",
        "--set=apg.hidden=[16]",
        "--steps=4000",
        "--json",
    ];
    let report = scratch.train(&arguments).succeeded().json();
    let frontier: Vec<f64> =
        report["frontier"].as_array().unwrap().iter().map(|point| point["least_gain_db"].as_f64().unwrap()).collect();
    let steps: Vec<f64> =
        [0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0].into_iter().filter(|&it| it > frontier[0]).collect();
    assert_eq!(frontier[1..], steps, "from the boldest on: {report}");
    let model = report["model"].as_str().unwrap().to_owned();
    folder_of_photos(&scratch.path("photos"), 4);
    let enhance = |arguments: &[&str]| {
        let common = ["enhance", "photos", "--dry-run", "--json", "--model", &model];
        scratch.dodge(&[&common[..], arguments].concat()).succeeded().json()["photos"].as_array().unwrap().clone()
    };
    let untouched = enhance(&["--boldness=-1000"]);
    assert_eq!(untouched.len(), 4);
    for photo in &untouched {
        assert_eq!(photo["operations"].as_array().unwrap().len(), 0, "{photo}");
    }
    let bold = enhance(&["--boldness=1000"]);
    let expected = |photos: &[serde_json::Value]| -> Vec<f64> {
        photos.iter().map(|photo| photo["expected_gain_db"].as_f64().unwrap()).collect()
    };
    assert_eq!(expected(&untouched), expected(&bold), "what it expects does not depend on what it dares");
    for photo in &bold {
        let edits = photo["operations"].as_array().unwrap().len();
        // The other way round it need not be: sliders that would hardly move are left where they stand.
        assert!(edits == 0 || photo["expected_gain_db"].as_f64().unwrap() > frontier[0], "{photo}");
    }

    let arguments = ["enhance", "photos", "--dry-run", "--model", &model, "--boldness=1000", "--least-sure=2"];
    let told = scratch.dodge(&arguments).succeeded();
    assert_eq!(told.stdout.lines().filter(|line| line.starts_with("least sure: ")).count(), 2, "{told}");
    let listed = scratch.dodge(&[&arguments[..], &["--json"]].concat()).succeeded().json();
    assert_eq!(listed["least_sure"].as_array().unwrap().len(), 2, "{listed}");
    let steady = retouching_model(&scratch);
    let message = scratch.dodge(&["enhance", "photos", "--model", &steady, "--boldness=1"]).failed(1);
    assert!(message.contains("expects no gain"), "{message}");
}

#[test]
fn nobody_needs_a_model_of_their_own_to_begin() {
    let scratch = Scratch::new();
    faded(&dodge_data::synthetic::photo(7, 3, 301, 203)).save(&scratch.path("faded.png")).unwrap();
    let enhance = |arguments: &[&str]| {
        let common = ["enhance", "faded.png", "--dry-run", "--json"];
        scratch.dodge(&[&common[..], arguments].concat()).succeeded().json()["photos"][0].clone()
    };
    let whole = enhance(&[]);
    assert!(whole["expected_gain_db"].as_f64().unwrap() > 1.0, "{whole}");
    assert!(whole["score_after"].as_f64() > whole["score_before"].as_f64(), "{whole}");
    let recipe = |photo: &serde_json::Value| -> Recipe {
        let operations = photo["operations"].as_array().unwrap().iter();
        Recipe::new(operations.map(|operation| operation.as_str().unwrap().parse().unwrap()).collect())
    };
    assert!(!recipe(&whole).operations().is_empty(), "{whole}");
    assert_eq!(recipe(&enhance(&["--strength=0.5"])), recipe(&whole).scaled(0.5));
    assert_eq!(recipe(&enhance(&["--strength=0"])).operations(), []);
    assert_eq!(enhance(&["--strength=1"]), whole);
    for wrong in ["--strength=-1", "--strength=1.5", "--strength=nan", "--strength=much"] {
        let refused = scratch.dodge(&["enhance", "faded.png", wrong]);
        assert!(refused.code == Some(2) && refused.stderr.contains("--strength"), "{refused}");
    }

    // What was made with another strength is another result.
    let _ = scratch.dodge(&["enhance", "faded.png", "--strength=0.5"]).succeeded();
    let again = scratch.dodge(&["enhance", "faded.png", "--strength=0.5"]).succeeded();
    assert!(again.stdout.contains("there already"), "{again}");
    let refused = scratch.dodge(&["enhance", "faded.png"]).failed(1);
    assert!(refused.contains("is no result of the same work"), "{refused}");
}
