//! Storing and replaying recipes; files that must not load.

use std::fs;

use dodge_imaging::{Operation, Photo, Recipe, Sample, reduce};
use proptest::prelude::*;

#[test]
fn a_recipe_is_stored_and_replayed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("edit.recipe.json");
    let recipe = Recipe::new(["gamma:1.2", "warmth:-0.04", "crop:4x3"].map(|o| o.parse().unwrap()).to_vec());
    recipe.save(&path).unwrap();
    let loaded = Recipe::load(&path).unwrap();
    assert_eq!(loaded, recipe);
    let photo = Photo::from_fn(40, 20, |x, y| [x as u8 * 6, y as u8 * 12, 90]).unwrap();
    let result = loaded.apply(&photo);
    assert_eq!((result.width(), result.height()), (26, 20));
    assert_eq!(result, recipe.apply(&photo));

    let recipe = recipe.with_longer_side(384);
    recipe.save(&path).unwrap();
    assert_eq!(Recipe::load(&path).unwrap(), recipe);
    fs::write(&path, r#"{"dodge_recipe_format": 1, "operations": ["gamma:1.2"]}"#).unwrap();
    assert_eq!(Recipe::load(&path).unwrap(), Recipe::new(vec!["gamma:1.2".parse().unwrap()]));
}

#[test]
fn recipes_that_were_edited_on_windows_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("edited.recipe.json");
    let text = "\u{feff}{\"dodge_recipe_format\": 2,\r\n\"operations\": [\"gamma:1.2\"]}\r\n";
    let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    for bytes in [text.as_bytes(), &wide] {
        fs::write(&path, bytes).unwrap();
        assert_eq!(Recipe::load(&path).unwrap(), Recipe::new(vec!["gamma:1.2".parse().unwrap()]));
    }
    fs::write(&path, &wide[2..]).unwrap();
    let error = Recipe::load(&path).unwrap_err().to_string();
    assert!(error.contains("edited.recipe.json") && error.contains("save the file as UTF-8"), "{error}");
}

#[test]
fn broken_recipes_are_refused_with_a_reason() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("broken.json");
    for (content, reason) in [
        ("{", "not JSON"),
        ("[]", "has no `dodge_recipe_format`"),
        (
            r#"{"dodge_recipe_format": 3, "operations": []}"#,
            "has format version 3, this program reads versions up to 2",
        ),
        (r#"{"dodge_recipe_format": 0, "operations": []}"#, "has format version 0"),
        (r#"{"dodge_recipe_format": 2, "longer_side": 0, "operations": []}"#, "`longer_side` is 0"),
        (r#"{"dodge_recipe_format": 2, "longer_side": 1, "operations": []}"#, "expected at least 16 pixels"),
        (r#"{"dodge_recipe_format": 2, "longer_side": -4, "operations": []}"#, "invalid value"),
        (r#"{"dodge_recipe_format": 1}"#, "missing field `operations`"),
        (r#"{"dodge_recipe_format": 1, "operations": ["contrast:99"]}"#, "must lie between 0 and 8"),
        (r#"{"dodge_recipe_format": 1, "operations": [7]}"#, "expected a string"),
    ] {
        fs::write(&path, content).unwrap();
        let message = Recipe::load(&path).unwrap_err().to_string();
        assert!(message.contains(reason) && message.contains("broken.json"), "{message}");
    }
    fs::write(&path, vec![b' '; 2 << 20]).unwrap();
    assert!(Recipe::load(&path).unwrap_err().to_string().contains("larger than 1 MiB"));
}

/// Operations that meet, cancel and join, and some that stand between.
const TEXTS: [&str; 32] = [
    "channels:grb",
    "channels:rbg",
    "channels:bgr",
    "channels:gbr",
    "invert:r",
    "invert:gb",
    "invert:rgb",
    "flip:horizontal",
    "flip:vertical",
    "shift:left",
    "shift:right",
    "shift:up-b",
    "shift:down-b",
    "lightness:10",
    "lightness:-10",
    "lightness:200",
    "contrast:1.5",
    "contrast:0",
    "gamma:1.3",
    "gamma:0.8",
    "gamma:1",
    "warmth:0.1",
    "tint:-0.2",
    "exposure:1",
    "haze:0.2",
    "haze:-0.2",
    "greyscale:luminosity",
    "greyscale:average",
    "saturation:1.4",
    "saturation:1",
    "blur:0.8",
    "vignette:0.4",
];

fn recipes() -> impl Strategy<Value = Recipe> {
    let operation = prop::sample::select(&TEXTS[..]).prop_map(|text| text.parse::<Operation>().unwrap());
    prop::collection::vec(operation, 0..9).prop_map(Recipe::new)
}

/// Many values in all channels; an odd width, which does not halve.
fn noise(width: u32, height: u32, seed: u32) -> Photo {
    let mut state = seed;
    Photo::from_fn(width, height, |_, _| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        [(state >> 24) as u8, (state >> 16) as u8, (state >> 8) as u8]
    })
    .unwrap()
}

/// Largest difference of two photos, in levels.
fn apart<T: Sample>(one: &Photo<T>, other: &Photo<T>) -> f32 {
    assert_eq!((one.width(), one.height()), (other.width(), other.height()));
    one.pixels().iter().zip(other.pixels()).map(|(a, b)| (a.to_level() - b.to_level()).abs()).fold(0.0, f32::max)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn a_reduced_recipe_is_no_longer_and_gives_the_same_pixels(recipe in recipes(), seed in any::<u32>()) {
        let reduced = reduce(&recipe);
        prop_assert!(reduced.operations().len() <= recipe.operations().len());
        prop_assert_eq!(&reduce(&reduced), &reduced);
        let photo = noise(17, 10, seed);
        for (one, other) in [
            (apart(&reduced.apply(&photo), &recipe.apply(&photo)), 1.0),
            (apart(&reduced.apply(&photo.to_depth::<u16>()), &recipe.apply(&photo.to_depth::<u16>())), 1.01 / 257.0),
        ] {
            prop_assert!(one <= other, "{one}: {reduced:?} from {recipe:?}");
        }
    }

    #[test]
    fn a_recipe_is_its_operations_one_after_the_other(recipe in recipes(), seed in any::<u32>()) {
        let photo = noise(9, 7, seed).to_depth::<f32>();
        let single = |operation: &Operation| Recipe::new(vec![*operation]);
        let one_by_one = recipe.operations().iter().fold(photo.clone(), |photo, operation| single(operation).apply(&photo));
        // Curves are tabulated, so floats between two entries differ a little.
        let worst = apart(&recipe.apply(&photo), &one_by_one);
        prop_assert!(worst < 0.05, "{worst}");
    }

    #[test]
    fn channel_operations_reduce_to_at_most_two(choices in prop::collection::vec(0..7_usize, 0..12)) {
        let recipe = Recipe::new(choices.into_iter().map(|choice| TEXTS[choice].parse().unwrap()).collect());
        let reduced = reduce(&recipe);
        prop_assert!(reduced.operations().len() <= 2, "{:?}", reduced);
        let photo = noise(5, 4, 1);
        prop_assert_eq!(reduced.apply(&photo), recipe.apply(&photo));
        // Nothing is left of what does nothing.
        prop_assert_eq!(reduced.operations().is_empty(), recipe.apply(&photo) == photo);
    }
}

#[test]
fn half_of_an_edit_is_half_way_to_nothing() {
    let recipe = |text: &str| Recipe::new(text.split(' ').map(|operation| operation.parse().unwrap()).collect());
    let full = recipe("lightness:-24 contrast:1.2 gamma:4 saturation:0.5 vibrance:0.3 jpeg:80 flip:horizontal");
    let half = recipe("lightness:-12 contrast:1.1 gamma:2 saturation:0.75 vibrance:0.15 jpeg:90 flip:horizontal");
    for (scaled, expected) in full.scaled(0.5).operations().iter().zip(half.operations()) {
        assert_eq!(scaled.kind(), expected.kind());
        let (scaled, expected) = (scaled.strength().unwrap_or(0.0), expected.strength().unwrap_or(0.0));
        assert!((scaled - expected).abs() < 1e-5, "{scaled} instead of {expected}");
    }
    assert_eq!(full.scaled(1.0), full);
    assert_eq!(full.scaled(0.0), recipe("flip:horizontal"), "what does nothing is gone");
    assert_eq!(recipe("lightness:-200").scaled(2.0), recipe("lightness:-255"), "never beyond the range");
    assert_eq!(full.with_longer_side(48).scaled(0.5).longer_side(), Some(48));
}

#[test]
fn half_of_a_blend_is_half_of_its_effect() {
    let photo = Photo::from_fn(16, 16, |x, y| [(100 + x) as u8, (120 + y) as u8, 90]).unwrap();
    let pixel = |text: &str, share: f32| {
        let result = Recipe::new(vec![text.parse().unwrap()]).scaled(share).apply(&photo);
        result.pixel(3, 5).map(f32::from)
    };
    let before = photo.pixel(3, 5).map(f32::from);
    for text in ["lightness:30", "contrast:1.6", "saturation:0.2"] {
        let (half, full) = (pixel(text, 0.5), pixel(text, 1.0));
        for channel in 0..3 {
            let middle = f32::midpoint(before[channel], full[channel]);
            assert!((half[channel] - middle).abs() <= 1.0, "{text}: {half:?} between {before:?} and {full:?}");
        }
    }
}
