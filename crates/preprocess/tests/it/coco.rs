//! The annotation file.

use std::fs;
use std::path::PathBuf;

use dodge_preprocess::{
    ANNOTATION_FORMAT, CocoDocument, DegradeAndSplit, Error, Preprocessor, SCORE_CATEGORY, SplitPhotos,
    TRANSFORMER_CATEGORY,
};
use proptest::prelude::*;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{Stub, Workplace};

fn written(content: impl AsRef<[u8]>) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("annotations.json");
    fs::write(&path, content).unwrap();
    (folder, path)
}

fn example() -> CocoDocument {
    let mut document = CocoDocument::new("two photos");
    let first = document.add_image("a.png", 24, 18);
    let second = document.add_image("b/c.png", 18, 24);
    document.add_score(first, 4.5, 6.25);
    document.add_transformation(first, "gamma", "gamma:1.3");
    document.add_transformation(first, "contrast", "contrast:0.7");
    document.add_score(second, 5.0, 5.5);
    document.add_transformation(second, "contrast", "contrast:1.5");
    document
}

/// What [`example`] must look like: ids from 1, a score is of category 0, edits have ids from 2 on in the order in
/// which they occur, and the sequence counts from 1 for each photo.
fn example_json() -> Value {
    let annotation = |id: u64, image_id: u64, category_id: u64, sequence: u64, rest: Value| {
        let whole = if image_id == 1 { [0.0, 0.0, 24.0, 18.0] } else { [0.0, 0.0, 18.0, 24.0] };
        let mut value = json!({
            "id": id, "image_id": image_id, "category_id": category_id, "bbox": whole, "area": 432.0, "iscrowd": 0,
            "segmentation": [], "is_scoring_annotation": category_id == 0, "sequence": sequence,
        });
        value.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        value
    };
    json!({
        "info": {"description": "two photos", "dodge_annotation_format": 1},
        "licenses": [],
        "images": [
            {"id": 1, "file_name": "a.png", "width": 24, "height": 18, "score": 4.5, "initial_score": 6.25},
            {"id": 2, "file_name": "b/c.png", "width": 18, "height": 24, "score": 5.0, "initial_score": 5.5},
        ],
        "annotations": [
            annotation(1, 1, 0, 1, json!({"score": 4.5, "initial_score": 6.25})),
            annotation(2, 1, 2, 2, json!({"transformation": "gamma:1.3"})),
            annotation(3, 1, 3, 3, json!({"transformation": "contrast:0.7"})),
            annotation(4, 2, 0, 1, json!({"score": 5.0, "initial_score": 5.5})),
            annotation(5, 2, 3, 2, json!({"transformation": "contrast:1.5"})),
        ],
        "categories": [
            {"id": 0, "name": "score", "supercategory": "score"},
            {"id": 1, "name": "transformer", "supercategory": "edit"},
            {"id": 2, "name": "gamma", "supercategory": "transformer"},
            {"id": 3, "name": "contrast", "supercategory": "transformer"},
        ],
    })
}

#[test]
fn the_format_is_as_documented() {
    let (_folder, path) = written("");
    example().save(&path).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), example_json());
    assert!(text.starts_with("{\n  \"info\""), "indented by two: {text}");
    assert!(text.ends_with("}\n"));
    assert_eq!((ANNOTATION_FORMAT, SCORE_CATEGORY, TRANSFORMER_CATEGORY), (1, 0, 1));
}

#[test]
fn the_edits_of_each_photo_come_in_order() {
    assert_eq!(example().transformations(), [vec!["gamma:1.3", "contrast:0.7"], vec!["contrast:1.5"]]);
    let mut document = example();
    document.annotations.reverse();
    assert_eq!(document.transformations(), [vec!["gamma:1.3", "contrast:0.7"], vec!["contrast:1.5"]]);
}

#[test]
fn the_files_of_a_split_have_the_format() {
    let place = Workplace::with_photos(10);
    let scored = place.scored(Stub::constant(5.0));
    let splits =
        DegradeAndSplit::new(crate::support::degrade(), Stub::constant(4.0), 1).run(&scored, &place.context).unwrap();
    let value: Value = serde_json::from_str(&fs::read_to_string(&splits.train.path).unwrap()).unwrap();
    assert_eq!((&value["info"]["left_out"], &value["info"]["juror"]), (&json!(0), &json!("constant 4")));
    let by = |path: &std::path::Path| CocoDocument::load(path).unwrap().info.juror;
    assert_eq!((by(&scored.path).as_deref(), by(&place.annotated().path)), (Some("constant 5"), None));
    for (index, (image, photo)) in value["images"].as_array().unwrap().iter().zip(&splits.train.photos).enumerate() {
        assert_eq!(image["id"], index as u64 + 1);
        let of_image: Vec<&Value> =
            value["annotations"].as_array().unwrap().iter().filter(|a| a["image_id"] == image["id"]).collect();
        assert_eq!(of_image.len(), 1 + photo.damage.len());
        assert_eq!((&of_image[0]["category_id"], &of_image[0]["is_scoring_annotation"]), (&json!(0), &json!(true)));
        for (place, annotation) in of_image.iter().enumerate() {
            assert_eq!(annotation["sequence"], place as u64 + 1);
        }
        for (annotation, text) in of_image[1..].iter().zip(&photo.damage) {
            let categories = value["categories"].as_array().unwrap();
            let row = categories.iter().find(|row| row["id"] == annotation["category_id"]).unwrap();
            let name = row["name"].as_str().unwrap();
            assert!(text.starts_with(&format!("{name}:")), "{text} is of category {name}");
        }
    }
    let ids: Vec<u64> =
        value["annotations"].as_array().unwrap().iter().map(|annotation| annotation["id"].as_u64().unwrap()).collect();
    assert_eq!(ids, (1..=ids.len() as u64).collect::<Vec<_>>());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_written_is_read_back(
        photos in prop::collection::vec(
            ("[a-zA-Z0-9_äß ]{1,20}\\.png", 1_u32..9000, 0_u32..80, prop::collection::vec("[a-z]{1,8}:[0-9]", 0..4)),
            0..12,
        ),
    ) {
        let mut document = CocoDocument::new("random");
        for (name, side, score, edits) in &photos {
            let id = document.add_image(name, *side, 9001 - side);
            document.add_score(id, f64::from(*score) / 8.0, 10.0);
            for edit in edits {
                document.add_transformation(id, edit.split(':').next().unwrap(), edit);
            }
        }
        let (_folder, path) = written("");
        document.save(&path).unwrap();
        let again = CocoDocument::load(&path).unwrap();
        prop_assert_eq!(&again, &document);
        let edits: Vec<Vec<&str>> = photos.iter().map(|(.., edits)| edits.iter().map(String::as_str).collect()).collect();
        prop_assert_eq!(again.transformations(), edits);
    }

    #[test]
    fn no_change_of_a_byte_makes_it_panic(place in 0_usize..1500, value in any::<u8>()) {
        let mut bytes = example_json().to_string().into_bytes();
        let place = place % bytes.len();
        bytes[place] = value;
        let (_folder, path) = written(bytes);
        if let Ok(document) = CocoDocument::load(&path) {
            prop_assert_eq!(document.transformations().len(), document.images.len());
        }
    }
}

#[test]
fn files_of_the_predecessor_are_read() {
    let text = r#"{
      "info": {"description": "degraded", "version": "1.0", "year": 2025, "date_created": "2025-03-01T10:00:00"},
      "licenses": [],
      "images": [
        {"id": 1, "file_name": "0001.png", "width": 384, "height": 256, "score": 4.03125, "initial_score": 5.46875},
        {"id": 2, "file_name": "0002.png", "width": 256, "height": 384}
      ],
      "annotations": [
        {"id": 1, "image_id": 1, "category_id": 0, "bbox": [], "area": 0, "iscrowd": 0, "segmentation": [],
         "is_scoring_annotation": true, "sequence": 1, "score": 4.03125, "initial_score": 5.46875},
        {"id": 2, "image_id": 1, "category_id": 3, "bbox": [], "area": 0, "iscrowd": 0, "segmentation": [],
         "is_scoring_annotation": false, "sequence": 3},
        {"id": 3, "image_id": 1, "category_id": 2, "bbox": [], "area": 0, "iscrowd": 0, "segmentation": [],
         "is_scoring_annotation": false, "sequence": 2},
        {"id": 4, "image_id": 2, "category_id": 0, "bbox": [], "area": 0.0, "iscrowd": 0, "segmentation": [],
         "is_scoring_annotation": false, "score": 5.0}
      ],
      "categories": [
        {"id": 1, "name": "transformer", "supercategory": null},
        {"id": 2, "name": "BR50", "supercategory": 1},
        {"id": 3, "name": "CO120", "supercategory": 1}
      ]
    }"#;
    let (_folder, path) = written(text);
    let document = CocoDocument::load(&path).unwrap();
    assert_eq!(document.info.dodge_annotation_format, None);
    assert_eq!(document.images[0].score, Some(4.03125));
    let above: Vec<&str> = document.categories.iter().map(|category| category.supercategory.as_str()).collect();
    assert_eq!(above, ["", "1", "1"]);
    assert_eq!(document.transformations(), [vec!["BR50", "CO120"], vec![]]);
}

fn refusal(content: impl AsRef<[u8]>) -> String {
    let (_folder, path) = written(content);
    let error = CocoDocument::load(&path).unwrap_err();
    assert!(matches!(error, Error::Annotations { .. }), "{error:?}");
    let message = error.to_string();
    assert!(message.starts_with(&format!("annotation file {}: ", path.display())), "{message}");
    message
}

#[test]
fn hostile_files_are_refused_with_a_reason() {
    let changed = |pointer: &str, value: Value| {
        let mut document = example_json();
        *document.pointer_mut(pointer).unwrap() = value;
        document.to_string()
    };
    let outside = |name: &str| format!("the file name `{name}` leaves the folder");
    for (content, expected) in [
        (String::new(), "EOF while parsing".to_owned()),
        ("null".to_owned(), "invalid type: null".to_owned()),
        ("[]".to_owned(), "invalid length 0".to_owned()),
        ("{}".to_owned(), "missing field `info`".to_owned()),
        ("\u{fffd}PNG".to_owned(), "expected value".to_owned()),
        (
            changed("/info/dodge_annotation_format", json!(2)),
            "has format version 2, this program reads version 1".to_owned(),
        ),
        (changed("/info/dodge_annotation_format", json!(-1)), "invalid value".to_owned()),
        (changed("/images/0/id", json!(0)), "image ids must count from 1, found 0 at place 1".to_owned()),
        (changed("/images/1/id", json!(3)), "image ids must count from 1, found 3 at place 2".to_owned()),
        (changed("/images/1/id", json!(1)), "image ids must count from 1, found 1 at place 2".to_owned()),
        (changed("/images/0/file_name", json!("../a.png")), outside("../a.png")),
        (changed("/images/0/file_name", json!("a/../../b.png")), outside("a/../../b.png")),
        (changed("/images/0/file_name", json!("/etc/passwd")), outside("/etc/passwd")),
        (changed("/images/0/file_name", json!("")), outside("")),
        (changed("/images/0/file_name", json!(".")), outside(".")),
        (changed("/images/0/file_name", json!(7)), "invalid type: integer `7`".to_owned()),
        (changed("/annotations/2/image_id", json!(3)), "annotation 3 is about image 3, which is not listed".to_owned()),
        (changed("/annotations/2/image_id", json!(0)), "annotation 3 is about image 0, which is not listed".to_owned()),
        (changed("/images", json!([])), "annotation 1 is about image 1, which is not listed".to_owned()),
        (changed("/images/0/width", json!(-1)), "invalid value".to_owned()),
        (changed("/images/0/width", json!(1_u64 << 40)), "invalid value".to_owned()),
    ] {
        let message = refusal(&content);
        assert!(message.contains(&expected), "{message:?} lacks {expected:?}");
    }
    refusal([0xff, 0xfe, 0x00]);
    refusal("[".repeat(100_000));
}

#[test]
fn a_truncated_file_is_refused_wherever_it_ends() {
    let text = example_json().to_string();
    for length in 0..text.len() {
        refusal(&text[..length]);
    }
}

#[test]
fn a_missing_file_is_named() {
    let error = CocoDocument::load("no/such/annotations.json".as_ref()).unwrap_err();
    assert!(error.to_string().starts_with("cannot read no/such/annotations.json: "), "{error}");
    let error = example().save("no/such/annotations.json".as_ref()).unwrap_err();
    assert!(error.to_string().starts_with("cannot write no/such/annotations.json: "), "{error}");
}

#[test]
fn a_split_needs_originals_and_scores() {
    let reason = |document: &CocoDocument| {
        let (_folder, path) = written("");
        document.save(&path).unwrap();
        SplitPhotos::load(&path).unwrap_err().to_string()
    };
    let mut document = example();
    assert!(reason(&document).ends_with("image `a.png` has no original"), "{}", reason(&document));
    for image in &mut document.images {
        image.original = Some("originals/a.png".to_owned());
    }
    document.images[1].initial_score = None;
    assert!(reason(&document).ends_with("image `b/c.png` has no initial_score"), "{}", reason(&document));
    document.images[0].score = None;
    assert!(reason(&document).ends_with("image `a.png` has no score"), "{}", reason(&document));
}

/// What pycocotools, among others, does with each annotation: a category without a row is a `KeyError` there.
pub(crate) fn every_category_has_a_row(path: &std::path::Path) {
    let value: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let rows = value["categories"].as_array().unwrap();
    let mut ids: Vec<u64> = rows.iter().map(|row| row["id"].as_u64().unwrap()).collect();
    for annotation in value["annotations"].as_array().unwrap() {
        let id = annotation["category_id"].as_u64().unwrap();
        assert!(ids.contains(&id), "{}: category {id} has no row", path.display());
    }
    ids.dedup();
    assert_eq!(ids.len(), rows.len(), "{}: ids are unique and in order", path.display());
    assert!(rows.iter().all(|row| !row["name"].as_str().unwrap().is_empty()));
}

#[test]
fn every_category_of_every_file_has_a_row() {
    let place = Workplace::with_photos(10);
    let annotated = place.annotated();
    let scored = place.scored(Stub::constant(5.0));
    let splits =
        DegradeAndSplit::new(crate::support::degrade(), Stub::constant(4.0), 1).run(&scored, &place.context).unwrap();
    let written = [&annotated.path, &scored.path, &splits.train.path, &splits.validation.path, &splits.test.path];
    for path in written {
        every_category_has_a_row(path);
    }
}

#[test]
fn what_was_read_without_rows_is_written_with_them() {
    let mut value = example_json();
    value["categories"] = json!([{"id": 2, "name": "gamma", "supercategory": "transformer"}]);
    let (_folder, path) = written(value.to_string());
    let mut document = CocoDocument::load(&path).unwrap();
    // A name that the program uses for something else is an edit like any other.
    document.add_transformation(1, "score", "score:1");
    document.save(&path).unwrap();
    every_category_has_a_row(&path);
    let again = CocoDocument::load(&path).unwrap();
    assert_eq!(again.annotations, document.annotations);
    assert!(again.transformations()[0].contains(&"gamma:1.3"));
}

#[test]
fn a_byte_order_mark_does_no_harm() {
    let text = example_json().to_string();
    let units =
        |bytes: fn(u16) -> [u8; 2]| "\u{feff}".encode_utf16().chain(text.encode_utf16()).flat_map(bytes).collect();
    let marked: [Vec<u8>; 3] =
        [format!("\u{feff}{text}").into_bytes(), units(u16::to_le_bytes), units(u16::to_be_bytes)];
    for bytes in marked {
        let (_folder, path) = written(bytes);
        assert_eq!(CocoDocument::load(&path).unwrap(), example());
    }
    let message = refusal([0xfe, 0xff, 0xd8, 0x00]);
    assert!(message.contains("begins like a text in UTF-16 and is none"), "{message}");
}
