//! Photographs as cameras and programs write them: colour profiles, raw files, damage, stars.

use std::fs;
use std::path::Path;

use dodge_imaging::{Encoding, Metadata, Photo, Picture, Pixels, mean_delta_e_2000};
use dodge_tests::Scratch;

use crate::photos::{dark, retouching_model, scene};

/// A file of the tests of another crate.
fn golden(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/imaging/tests/golden");
    fs::read(folder.join(name)).unwrap()
}

/// A photo of which some colours are beyond sRGB, in Display P3.
fn wide() -> Picture {
    let photo = dark(&dodge_data::synthetic::photo(7, 3, 301, 203));
    let metadata = Metadata { icc: Some(golden("colour/display-p3.icc")), ..Metadata::default() };
    Picture { metadata, ..Pixels::Eight(photo).into() }
}

fn save(picture: &Picture, path: impl AsRef<Path>) {
    picture.save(path.as_ref()).unwrap();
}

#[test]
fn a_photo_in_display_p3_is_edited_as_the_same_in_srgb_and_keeps_its_profile() {
    let scratch = Scratch::new();
    let model = retouching_model(&scratch);
    save(&wide(), scratch.path("wide.png"));
    save(&wide().into_srgb(), scratch.path("narrow.png"));
    let enhance = ["enhance", "wide.png", "narrow.png", "--model", &model, "-o", "out", "--json"];
    let report = scratch.dodge(&enhance).succeeded().json();
    let [first, second] = [0, 1].map(|index| report["photos"][index]["operations"].clone());
    assert!(!first.as_array().unwrap().is_empty() && first == second, "{report}");
    let open = |name: &str| Picture::open(&scratch.path(name)).unwrap();
    let (of_wide, of_narrow) = (open("out/wide.png"), open("out/narrow.png"));
    assert_eq!(of_wide.metadata.icc, wide().metadata.icc);
    assert_ne!(*of_wide.seen(), *wide().seen());
    let apart = mean_delta_e_2000(&of_wide.seen(), &of_narrow.seen()).unwrap();
    assert!(apart <= 0.5, "{apart}");
    // The same in sRGB, and in another format.
    let converted = ["enhance", "wide.png", "--model", &model, "-o", "srgb", "--to-srgb", "--format", "tiff"];
    let _ = scratch.dodge(&converted).succeeded();
    let converted = open("srgb/wide.tif");
    assert_eq!((converted.metadata.icc.as_ref(), converted.pixels), (None, of_narrow.pixels.clone()));
    // And what a recipe makes of it.
    let _ = scratch.dodge(&["apply", "out/wide.recipe.json", "wide.png", "-o", "applied", "--to-srgb"]).succeeded();
    assert_eq!(open("applied/wide.png").pixels, of_narrow.pixels);
}

#[test]
fn a_raw_file_becomes_a_tiff_of_sixteen_bit_a_jpeg_or_a_sidecar() {
    let scratch = Scratch::new();
    let model = retouching_model(&scratch);
    fs::write(scratch.path("photo.dng"), golden("raw/rggb.dng")).unwrap();
    let enhance = ["enhance", "photo.dng", "--model", &model, "-o", "out", "--no-veto", "--json"];
    let report = scratch.dodge(&enhance).succeeded().json();
    assert_eq!(report["photos"][0]["output"], "out/photo.tif", "{report}");
    let picture = Picture::open(&scratch.path("out/photo.tif")).unwrap();
    assert!(matches!(picture.pixels, Pixels::Sixteen(_)) && picture.pixels.size() == (96, 72));
    let jpeg = [&enhance[..4], &["-o", "jpeg", "--no-veto", "--format", "jpeg"]].concat();
    let _ = scratch.dodge(&jpeg).succeeded();
    assert_eq!(scratch.files("jpeg"), ["photo.jpg", "photo.recipe.json"]);
    assert_eq!(
        scratch.dodge(&["score", "photo.dng", "--json"]).succeeded().json()["photos"].as_array().unwrap().len(),
        1
    );

    // Photos that need something done: a sidecar is written for edits, and none without.
    save(&Picture::from(dark(&scene(1))), scratch.path("dark.png"));
    let sidecar = ["enhance", "dark.png", "--model", &model, "-o", "side", "--no-veto", "--sidecar"];
    let _ = scratch.dodge(&sidecar).succeeded();
    assert_eq!(scratch.files("side"), ["dark.recipe.json", "dark.xmp"]);
    let text = fs::read_to_string(scratch.path("side/dark.xmp")).unwrap();
    assert!(text.contains("camera-raw-settings"), "{text}");
    let again = scratch.dodge(&[&sidecar[..], &["--json"]].concat()).succeeded().json();
    assert_eq!(again["photos"][0]["passed_over"], true, "{again}");
}

/// Puts a JPEG that ends too early, one with nonsense in the middle and a whole one into a new folder, as `a`, `b` and `c`.
fn cut_off_damaged_and_whole(folder: &Path) {
    let whole = dodge_data::synthetic::photo(7, 3, 301, 203).encode(Encoding::Jpeg { quality: 90 }).unwrap();
    let mut damaged = whole.clone();
    let middle = whole.len() / 2;
    // No marker comes of it, so that a decoder goes on to the end.
    damaged[middle..middle + 90].iter_mut().enumerate().for_each(|(place, byte)| *byte = (place * 53 % 251) as u8);
    fs::create_dir(folder).unwrap();
    for (name, bytes) in [("a.jpg", &whole[..middle]), ("b.jpg", &damaged), ("c.jpg", &whole)] {
        fs::write(folder.join(name), bytes).unwrap();
    }
}

#[test]
fn damage_is_told_and_what_is_left_is_taken_when_asked_for() {
    let scratch = Scratch::new();
    let model = retouching_model(&scratch);
    cut_off_damaged_and_whole(&scratch.path("photos"));
    let enhance = ["enhance", "photos", "--model", &model, "-o", "out"];
    let finished = scratch.dodge(&enhance);
    let told = finished.failed(1);
    assert!(told.contains("a.jpg") && told.contains("it is cut off"), "{finished}");
    assert!(told.contains("b.jpg") && told.contains("values"), "{finished}");
    assert_eq!(scratch.files("out"), ["c.jpg", "c.recipe.json"]);
    let finished = scratch.dodge(&[&enhance[..], &["--tolerant"]].concat()).succeeded();
    for name in ["a.jpg: it is damaged (it is cut off", "b.jpg: it is damaged ("] {
        assert!(finished.stderr.contains(name), "{finished}");
    }
    let rest = Photo::open(&scratch.path("out/a.jpg")).unwrap();
    assert_eq!((rest.width(), rest.height()), (301, 203));
}

#[test]
fn training_passes_over_damaged_photos() {
    let scratch = Scratch::new();
    cut_off_damaged_and_whole(&scratch.path("photos"));
    for index in 0..11 {
        save(&Picture::from(scene(index)), scratch.path(format!("photos/{index}.png")));
    }
    let train = ["train", "--photos", "photos", "--algo=ppo", "--tracking-uri=off", "--steps=100", "--out=run"];
    let finished = scratch.dodge(&train).succeeded();
    let told = |name: &str| finished.stderr.lines().find(|line| line.contains(name)).map(str::to_owned);
    assert!(told("a.jpg").is_some_and(|line| line.contains("it is cut off")), "{finished}");
    assert!(told("b.jpg").is_some_and(|line| line.contains("damaged")), "{finished}");
    assert_eq!(told("c.jpg"), None, "{finished}");
}

#[test]
fn stars_and_labels_choose_the_photos_that_are_trained_on() {
    let scratch = Scratch::new();
    fs::create_dir(scratch.path("photos")).unwrap();
    for (index, label) in [(0, "Red"), (1, "Blau"), (2, "")] {
        save(&Picture::from(scene(index)), scratch.path(format!("photos/{index}.png")));
        let sidecar = format!(
            "<x:xmpmeta xmlns:x=\"adobe:ns:meta/\"><rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\">\
             <rdf:Description xmlns:xmp=\"http://ns.adobe.com/xap/1.0/\" xmp:Rating=\"{index}\" xmp:Label=\"{label}\"/></rdf:RDF></x:xmpmeta>"
        );
        fs::write(scratch.path(format!("photos/{index}.xmp")), sidecar).unwrap();
    }
    let train = ["train", "--photos", "photos"];
    for (asked, told) in [
        (&["--rating", "4"][..], &["photos/2.png: 2 of 5 stars, fewer than 4"][..]),
        (&["--label", "green"], &["photos/1.png: labelled Blau, not green", "photos/2.png: no label"]),
        (&["--label", "red", "--rating", "1"], &["photos/0.png: 0 of 5 stars", "photos/1.png: labelled Blau, not red"]),
    ] {
        let finished = scratch.dodge(&[&train[..], asked].concat());
        let words = finished.failed(1);
        assert!(told.iter().all(|told| words.contains(told)), "{asked:?}: {finished}");
    }
}
