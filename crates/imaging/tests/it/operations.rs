//! What the operations do to pixels, and their text form.

use dodge_imaging::{Axis, ChannelOrder, ChannelSet, Direction, Grey, Operation, OperationKind, Photo, Ratio, psnr_db};
use proptest::prelude::*;

fn operation(text: &str) -> Operation {
    text.parse().unwrap()
}

fn pixel_after(text: &str, pixel: [u8; 3]) -> [u8; 3] {
    let photo = Photo::from_fn(5, 5, |_, _| pixel).unwrap();
    operation(text).apply(&photo).pixel(2, 2)
}

/// A photo with gradients, edges and colours.
fn scene() -> Photo {
    Photo::from_fn(48, 32, |x, y| {
        let base = if (x / 8 + y / 8) % 2 == 0 { 70 } else { 150 };
        [(base + x) as u8, (base + y) as u8, (220 - base / 2 - x) as u8]
    })
    .unwrap()
}

#[test]
fn tone_operations_by_hand() {
    for (text, input, expected) in [
        ("lightness:20", [0, 100, 250], [20, 120, 255]),
        ("lightness:-20", [0, 100, 250], [0, 80, 230]),
        // 127.5 + 1.2 (100 - 127.5) = 94.5, rounded up.
        ("contrast:1.2", [100, 0, 255], [95, 0, 255]),
        ("contrast:0", [3, 77, 254], [128, 128, 128]),
        // 255 sqrt(64 / 255) = 127.7.
        ("gamma:2", [0, 64, 255], [0, 128, 255]),
        ("warmth:0.1", [100, 100, 100], [110, 100, 90]),
        ("tint:0.1", [100, 100, 100], [100, 90, 100]),
        ("saturation:0", [200, 100, 50], [124, 124, 124]),
        // Luma 124.2: 124.2 + 2 (200 - 124.2) and so on.
        ("saturation:2", [200, 100, 50], [255, 76, 0]),
    ] {
        assert_eq!(pixel_after(text, input), expected, "{text}");
    }
}

#[test]
fn shadows_and_highlights_keep_their_ends() {
    for text in ["shadows:1", "shadows:-1", "highlights:1", "highlights:-1"] {
        assert_eq!(pixel_after(text, [0, 255, 0]), [0, 255, 0], "{text}");
    }
    let lift = |text, value| i32::from(pixel_after(text, [value; 3])[0]) - i32::from(value);
    assert!(lift("shadows:0.5", 85) > 2 * lift("shadows:0.5", 200));
    assert!(lift("highlights:-0.5", 170) < 2 * lift("highlights:-0.5", 55));
}

#[test]
fn vibrance_moves_dull_colours_by_the_larger_factor() {
    let spread = |pixel: [u8; 3]| f32::from(pixel.iter().max().unwrap() - pixel.iter().min().unwrap());
    let growth = |pixel| spread(pixel_after("vibrance:0.5", pixel)) / spread(pixel);
    assert!(growth([120, 110, 100]) > 1.3);
    assert!(growth([220, 110, 30]) < 1.15);
}

#[test]
fn grey_world_equalises_the_channel_means() {
    let tinted = operation("warmth:0.15").apply(&scene());
    let balanced = operation("grey-world:1").apply(&tinted);
    let means: Vec<f64> = (0..3)
        .map(|channel| {
            let values = balanced.pixels().iter().skip(channel).step_by(3);
            values.map(|&v| f64::from(v)).sum::<f64>() / (48.0 * 32.0)
        })
        .collect();
    assert!(means.iter().all(|mean| (mean - means[0]).abs() < 3.0), "{means:?}");
}

#[test]
fn auto_contrast_reaches_both_ends() {
    let flat = operation("contrast:0.4").apply(&scene());
    let stretched = operation("auto-contrast:0").apply(&flat);
    assert_eq!(stretched.pixels().iter().max(), Some(&255));
    assert!(*stretched.pixels().iter().min().unwrap() < 8);
    // A photo of one value has nothing to stretch.
    let single = Photo::from_fn(4, 4, |_, _| [80; 3]).unwrap();
    assert_eq!(operation("auto-contrast:1").apply(&single), single);
}

#[test]
fn sharpening_raises_and_blurring_lowers_the_detail() {
    let detail = |photo: &Photo| {
        let pixels = photo.pixels();
        pixels.windows(4).map(|w| f64::from(w[0].abs_diff(w[3]))).sum::<f64>()
    };
    let before = detail(&scene());
    for text in ["sharpen:0.5", "unsharp-mask:0.8", "clarity:0.8"] {
        assert!(detail(&operation(text).apply(&scene())) > before, "{text}");
    }
    for text in ["blur:1.5", "clarity:-0.8"] {
        assert!(detail(&operation(text).apply(&scene())) < before, "{text}");
    }
}

#[test]
fn the_median_removes_a_speck() {
    let specked = Photo::from_fn(9, 9, |x, y| if (x, y) == (4, 4) { [255; 3] } else { [50; 3] }).unwrap();
    assert_eq!(operation("median:1").apply(&specked).pixel(4, 4), [50; 3]);
    assert_eq!(operation("median:0").apply(&specked), specked);
}

#[test]
fn crops_are_centred_and_the_largest_possible() {
    for (text, size) in
        [("crop:1x1", (32, 32)), ("crop:16x9", (48, 27)), ("crop:4x5", (25, 32)), ("crop:3x2", (48, 32))]
    {
        let result = operation(text).apply(&scene());
        assert_eq!((result.width(), result.height()), size, "{text}");
    }
    assert_eq!(operation("crop:1x1").apply(&scene()).pixel(0, 0), scene().pixel(8, 0));
    // Extreme ratios still leave a pixel.
    let strip = Photo::from_fn(50, 1, |_, _| [1; 3]).unwrap();
    let result = operation("crop:1x100").apply(&strip);
    assert_eq!((result.width(), result.height()), (1, 1));
}

/// Operations of every kind: the ends, the neutral strength and one between, or each word.
fn every_kind() -> Vec<Operation> {
    let sets = [[true, false, true], [false, false, true], [true; 3]].map(|set| ChannelSet::new(set).unwrap());
    let mut operations = Vec::new();
    for &kind in OperationKind::ALL.iter().filter(|kind| kind.has_strength()) {
        let (low, neutral, high) = kind.range();
        let between = low + 0.7 * (high - low);
        operations.extend([low, neutral, high, between].map(|strength| Operation::new(kind, strength).unwrap()));
    }
    for (width, height) in [(16, 9), (1, 1), (4, 5)] {
        let ratio = Ratio::new(width, height).unwrap();
        operations.extend([Operation::crop(ratio), Operation::crop_oriented(ratio)]);
    }
    for sources in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        operations.push(Operation::channels(ChannelOrder::new(sources).unwrap()));
    }
    operations.extend(sets.map(Operation::invert));
    operations.extend([Grey::Luminosity, Grey::Average].map(Operation::greyscale));
    operations.extend([Axis::Horizontal, Axis::Vertical].map(Operation::flip));
    for direction in [Direction::Left, Direction::Right, Direction::Up, Direction::Down] {
        operations.extend(sets.map(|set| Operation::shift(direction, set)));
    }
    operations
}

#[test]
fn every_kind_is_among_the_operations_that_are_tested() {
    for kind in OperationKind::ALL {
        assert!(every_kind().iter().any(|operation| operation.kind() == *kind), "{kind:?}");
    }
}

#[test]
fn neutral_strengths_change_nothing() {
    for operation in every_kind() {
        if operation.is_identity() {
            assert_eq!(operation.apply(&scene()), scene(), "{operation}");
        }
    }
    for &kind in OperationKind::ALL {
        // A stretch is an edit of its own.
        if kind.has_strength() && kind != OperationKind::AutoContrast {
            assert!(Operation::new(kind, kind.range().1).unwrap().is_identity(), "{kind:?}");
        }
    }
}

#[test]
fn exact_inverses_are_those_that_bring_every_photo_back() {
    // All values in all channels, an odd width and an even height.
    let photo = Photo::from_fn(23, 32, |x, y| {
        let v = y * 23 + x;
        [v as u8, (v * 7 + 3) as u8, (v * 31 + v / 256) as u8]
    })
    .unwrap();
    let operations = every_kind();
    for first in operations.iter().filter(|operation| !operation.changes_size()) {
        let edited = first.apply(&photo);
        for second in operations.iter().filter(|operation| operation.is_exact_inverse_of(first)) {
            assert_eq!(second.apply(&edited), photo, "{second} after {first}");
        }
    }
    let inverse = |second: &str, first: &str| operation(second).is_exact_inverse_of(&operation(first));
    assert!(inverse("channels:gbr", "channels:brg") && !inverse("channels:gbr", "channels:gbr"));
    assert!(inverse("invert:gr", "invert:rg") && !inverse("invert:r", "invert:g"));
    assert!(inverse("flip:vertical", "flip:vertical") && !inverse("flip:vertical", "flip:horizontal"));
    assert!(inverse("shift:left", "shift:right") && !inverse("shift:left-b", "shift:right"));
    assert!(!inverse("shift:left", "shift:left"), "an odd width does not halve");
    assert!(!inverse("lightness:-20", "lightness:20") && !inverse("greyscale:average", "greyscale:average"));
    assert!(inverse("blur:0", "noise:0"), "nothing takes back nothing");
}

#[test]
fn colour_operations_by_hand() {
    for (text, input, expected) in [
        ("greyscale:luminosity", [200, 100, 50], [124; 3]),
        ("greyscale:average", [200, 100, 51], [117; 3]),
        ("greyscale:average", [200, 100, 52], [117; 3]),
        ("greyscale:average", [200, 100, 53], [118; 3]),
        ("channels:grb", [1, 2, 3], [2, 1, 3]),
        ("channels:gbr", [1, 2, 3], [2, 3, 1]),
        ("invert:rb", [1, 2, 3], [254, 2, 252]),
        // One stop doubles linear light: 127 is 0.2122, and 0.4245 is 0.683 encoded.
        ("exposure:1", [127, 0, 255], [174, 0, 255]),
        ("exposure:-1", [255, 0, 127], [188, 0, 92]),
        ("haze:0.5", [0, 100, 230], [115, 165, 230]),
        ("haze:-0.5", [115, 165, 230], [0, 100, 230]),
    ] {
        assert_eq!(pixel_after(text, input), expected, "{text}");
    }
}

#[test]
fn auto_gamma_takes_the_mean_to_the_middle() {
    assert_eq!(pixel_after("auto-gamma:1", [64; 3]), [128; 3]);
    assert_eq!(pixel_after("auto-gamma:1", [240; 3]), [128; 3]);
    // Too dark to know.
    assert_eq!(pixel_after("auto-gamma:1", [2; 3]), [2; 3]);
}

#[test]
fn shades_of_grey_takes_the_bright_pixels_for_the_light() {
    // A large blue wall, and a white thing under a yellow light.
    let photo = Photo::from_fn(40, 30, |x, y| if x < 10 && y < 10 { [240, 230, 180] } else { [40, 60, 120] }).unwrap();
    let [r, g, b] = operation("shades-of-grey:1").apply(&photo).pixel(0, 0).map(i32::from);
    let [_, _, b_before] = photo.pixel(0, 0).map(i32::from);
    assert!((r - b).abs() < 30 && (r - g).abs() < 20 && b > b_before, "{r} {g} {b}");
    let [r, _, b] = operation("grey-world:1").apply(&photo).pixel(0, 0).map(i32::from);
    assert!(r - b > 100, "the mean takes the wall for the light");
}

#[test]
fn geometry_by_hand() {
    let photo = Photo::from_fn(5, 3, |x, y| [(10 * y + x) as u8, 100 + x as u8, 200 + y as u8]).unwrap();
    let after = |text: &str, x, y| operation(text).apply(&photo).pixel(x, y);
    assert_eq!(after("flip:horizontal", 0, 1), photo.pixel(4, 1));
    assert_eq!(after("flip:vertical", 1, 0), photo.pixel(1, 2));
    assert_eq!(after("flip:vertical", 1, 1), photo.pixel(1, 1));
    // Half of five is two, half of three is one.
    assert_eq!(after("shift:left", 0, 0), photo.pixel(2, 0));
    assert_eq!(after("shift:right", 0, 0), photo.pixel(3, 0));
    assert_eq!(after("shift:up", 3, 0), photo.pixel(3, 1));
    assert_eq!(after("shift:down", 3, 0), photo.pixel(3, 2));
    assert_eq!(after("shift:left-g", 0, 0), [0, 102, 200]);
    assert_eq!(after("shift:down-rb", 1, 0), [21, 101, 202]);
}

#[test]
fn oriented_crops_follow_the_photo() {
    let upright = Photo::from_fn(60, 100, |_, _| [1; 3]).unwrap();
    let size = |photo: &Photo, text: &str| {
        let result = operation(text).apply(photo);
        (result.width(), result.height())
    };
    assert_eq!(size(&upright, "crop:16x9"), (60, 33));
    assert_eq!(size(&upright, "crop-oriented:16x9"), (56, 100));
    assert_eq!(size(&upright, "crop-oriented:9x16"), (56, 100));
    assert_eq!(size(&scene(), "crop-oriented:9x16"), (48, 27));
}

#[test]
fn clahe_raises_local_contrast_and_keeps_grey_grey() {
    let murky = Photo::from_fn(64, 48, |x, y| [(100 + (x * 7 + y * 3) % 20 + x / 4) as u8; 3]).unwrap();
    let result = operation("clahe:3").apply(&murky);
    let spread = |photo: &Photo| photo.pixels().iter().max().unwrap() - photo.pixels().iter().min().unwrap();
    assert!(spread(&result) > spread(&murky) + 20);
    assert!(result.pixels().chunks_exact(3).all(|p| p[0].abs_diff(p[1]) <= 1 && p[1].abs_diff(p[2]) <= 1));
}

#[test]
fn jpeg_artefacts_grow_as_the_quality_falls() {
    let near = |text: &str| psnr_db(&scene(), &operation(text).apply(&scene())).unwrap();
    assert!(near("jpeg:95") > near("jpeg:50") && near("jpeg:50") > near("jpeg:5"));
}

#[test]
fn the_text_form_and_the_json_form_are_read_back() {
    for operation in every_kind() {
        let text = operation.to_string();
        assert_eq!(text.parse::<Operation>().unwrap(), operation);
        let json = serde_json::to_string(&operation).unwrap();
        assert_eq!(json, format!("\"{text}\""));
        assert_eq!(serde_json::from_str::<Operation>(&json).unwrap(), operation);
        assert!(!operation.in_words().is_empty());
        assert_eq!(operation.kind().has_strength(), operation.strength().is_some());
    }
}

#[test]
fn wrong_texts_say_what_is_accepted() {
    let message = |text: &str| text.parse::<Operation>().unwrap_err().to_string();
    assert!(message("contrst:1").starts_with("unknown operation `contrst:1`: expected one of lightness, contrast"));
    assert_eq!(message("contrast"), "operation `contrast`: expected a number after the colon, such as contrast:1.2");
    assert_eq!(message("contrast:9"), "operation `contrast:9`: the strength must lie between 0 and 8");
    assert_eq!(message("gamma:nan"), "operation `gamma:NaN`: the strength must lie between 0.1 and 10");
    assert_eq!(message("noise:999"), "operation `noise:999`: the strength must lie between 0 and 128");
    for (text, example) in [
        ("crop:16", "crop:16x9"),
        ("crop:0x9", "crop:16x9"),
        ("crop:16x", "crop:16x9"),
        ("crop:256x1", "crop:16x9"),
        ("crop-oriented:-1x2", "crop-oriented:16x9"),
        ("channels:rgg", "channels:grb"),
        ("channels:rg", "channels:grb"),
        ("invert:", "invert:rgb"),
        ("invert:rr", "invert:rgb"),
        ("greyscale:0", "greyscale:average"),
        ("flip", "flip:vertical"),
        ("shift:left-", "shift:down-b"),
        ("shift:away", "shift:down-b"),
    ] {
        assert!(message(text).contains(example), "{text}: {}", message(text));
    }
    assert!(Operation::new(OperationKind::Flip, 0.0).unwrap_err().to_string().contains("takes a word"));
    assert_eq!((ChannelSet::new([false; 3]), ChannelOrder::new([0, 1, 1])), (None, None));
}

proptest! {
    #[test]
    fn any_operation_on_any_photo_keeps_the_shape(
        operation in prop::sample::select(every_kind()),
        place in 0.0_f32..=1.0,
        width in 1_u32..12,
        height in 1_u32..12,
        seed in any::<u32>(),
    ) {
        let (low, _, high) = operation.kind().range();
        let strength = (low + place * (high - low)).clamp(low, high);
        let operation = Operation::new(operation.kind(), strength).unwrap_or(operation);
        let mut state = seed;
        let photo = Photo::from_fn(width, height, |_, _| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            [(state >> 24) as u8, (state >> 16) as u8, (state >> 8) as u8]
        }).unwrap();
        let result = operation.apply(&photo);
        let same_size = (result.width(), result.height()) == (width, height);
        prop_assert!(same_size || (operation.changes_size() && result.width() <= width && result.height() <= height));
        // Deterministic, and in place is the same as by value.
        let mut in_place = photo.clone();
        operation.apply_in_place(&mut in_place);
        prop_assert_eq!(in_place, result);
    }
}
