//! `dodge enhance --consistent`: photos of one shoot get one look.

use std::fs;

use dodge_imaging::{Metadata, Operation, Picture, Pixels, Recipe};
use dodge_tests::Scratch;
use serde_json::Value;

use crate::photos::{faded, retouching_model};

/// An EXIF block with nothing but the time of taking.
fn taken(time: &str) -> Vec<u8> {
    let entry = |tag: u16, kind: u16, count: u32, value: u32| {
        [&tag.to_le_bytes()[..], &kind.to_le_bytes(), &count.to_le_bytes(), &value.to_le_bytes()].concat()
    };
    let directory = |entry: Vec<u8>| [&1_u16.to_le_bytes()[..], &entry, &[0; 4]].concat();
    let first = directory(entry(0x8769, 4, 1, 26));
    let exif = directory(entry(0x9003, 2, 20, 44));
    [b"II*\0\x08\0\0\0", &first[..], &exif, time.as_bytes(), b"\0"].concat()
}

/// Photos of a morning: three in two minutes, of which one needs other edits, one half an hour later, and one of which no time is known.
fn morning(scratch: &Scratch) {
    fs::create_dir(scratch.path("photos")).unwrap();
    let times = ["12:00:00", "12:00:50", "12:01:40", "12:30:00", ""];
    for (index, time) in (0..).zip(times) {
        let scene = dodge_data::synthetic::photo(11, index, 120, 90);
        let operation: Operation = if index == 1 { "lightness:30" } else { "warmth:-0.1" }.parse().unwrap();
        let photo = operation.apply(&faded(&scene));
        let exif = (!time.is_empty()).then(|| taken(&format!("2024:05:01 {time}")));
        let metadata = Metadata { exif, ..Metadata::default() };
        let picture = Picture { metadata, ..Picture::from(Pixels::Eight(photo)) };
        picture.save(&scratch.path(format!("photos/{index}.png"))).unwrap();
    }
}

fn operations(photo: &Value, list: &str) -> Vec<Operation> {
    photo[list].as_array().unwrap().iter().map(|text| text.as_str().unwrap().parse().unwrap()).collect()
}

/// The strength of the only edit of a kind, or the one at which nothing happens; nothing where there are several.
fn only(operations: &[Operation], wanted: &Operation) -> Option<f32> {
    let mut of_kind = operations.iter().filter(|operation| operation.kind() == wanted.kind());
    let first = of_kind.next().map_or(wanted.kind().range().1, |operation| operation.strength().unwrap());
    of_kind.next().is_none().then_some(first)
}

#[test]
fn photos_of_one_shoot_get_the_median_of_their_edits() {
    let scratch = Scratch::new();
    morning(&scratch);
    let arguments = ["enhance", "photos", "--consistent", "--json"];
    let dry = scratch.dodge(&[&arguments[..], &["--dry-run"]].concat()).succeeded();
    assert!(dry.stderr.contains("in no shoot, edited by themselves: photos/4.png"), "{dry}");
    assert!(!scratch.path("enhanced").exists());
    let done = scratch.dodge(&arguments).succeeded().json();
    let photos = done["photos"].as_array().unwrap();
    let of = |list| photos.iter().map(|photo| operations(photo, list)).collect::<Vec<_>>();
    let (made, own) = (of("operations"), of("own_operations"));
    let shoots: Vec<Option<u64>> = photos.iter().map(|photo| photo["shoot"].as_u64()).collect();
    assert_eq!(shoots, [Some(1), Some(1), Some(1), None, None]);
    assert_eq!((&made[0], &made[0]), (&made[1], &made[2]), "one look");
    assert_eq!((&made[3], &made[4]), (&own[3], &own[4]), "by themselves");
    assert_ne!(own[0], own[1]);
    let mut compared = 0;
    for operation in &made[0] {
        let strengths: Option<Vec<f32>> = own[..3].iter().map(|own| only(own, operation)).collect();
        let Some(mut strengths) = strengths else { continue };
        strengths.sort_by(f32::total_cmp);
        let strength = operation.strength().unwrap();
        assert!((strength - strengths[1]).abs() < 1e-4 * strength.abs().max(1.0), "{operation} of {strengths:?}");
        compared += 1;
    }
    assert!(compared > 0, "{done}");
    assert_eq!(operations(&dry.json()["photos"][0], "operations"), made[0]);
    assert_eq!(Recipe::load(&scratch.path("enhanced/1.recipe.json")).unwrap().operations(), made[1]);

    // Given again, the command does nothing; after one result is lost, it makes that one again, with the same look.
    assert_eq!(scratch.dodge(&arguments).succeeded().json()["passed_over"], 5);
    fs::remove_file(scratch.path("enhanced/1.png")).unwrap();
    let again = scratch.dodge(&arguments).succeeded().json();
    assert_eq!((&again["passed_over"], &again["photos"][1]["operations"]), (&4.into(), &photos[1]["operations"]));
    let said = scratch.dodge(&["enhance", "photos", "--consistent", "--explain"]).succeeded().stdout;
    assert!(said.contains("as the 3 photos of shoot 1") && said.contains("  by itself: "), "{said}");
    // Another gap is other work: no result of it takes the place of these.
    let refused = scratch.dodge(&["enhance", "photos", "--consistent", "--gap=0.5"]).failed(1);
    assert!(refused.contains("could not be enhanced"), "{refused}");
}

#[test]
fn a_short_gap_parts_shoots_and_a_broken_photo_is_in_none() {
    let scratch = Scratch::new();
    morning(&scratch);
    fs::write(scratch.path("photos/3.png"), b"no photo").unwrap();
    let all = ["enhance", "photos/0.png", "photos/1.png", "photos/2.png", "photos/3.png", "--consistent", "--json"];
    let done = scratch.dodge(&[&all[..], &["--gap=0.8"]].concat());
    assert_eq!((done.code, done.stderr.matches("error: photos/3.png").count()), (Some(1), 1), "{done}");
    let report = done.json();
    assert_eq!((&report["failed"], report["photos"].as_array().unwrap().len()), (&1.into(), 3));
    assert!(report["photos"].as_array().unwrap().iter().all(|photo| photo["operations"] == photo["own_operations"]));
}

#[test]
fn what_has_no_median_is_refused() {
    let scratch = Scratch::new();
    morning(&scratch);
    let model = retouching_model(&scratch);
    let refused = scratch.dodge(&["enhance", "photos", "--consistent", "--model", &model]).failed(2);
    assert!(refused.contains("a fixed edit has no median"), "{refused}");
    for wrong in [&["--gap=3"][..], &["--consistent", "--gap=-1"], &["--consistent", "--max-steps=2"]] {
        let refused = scratch.dodge(&[&["enhance", "photos"][..], wrong].concat());
        assert_eq!(refused.code, Some(2), "{refused}");
    }
}
