//! What the operations do to pixels, and their text form.

use dodge_imaging::{Operation, OperationKind, Photo, Ratio, psnr_db};
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

#[test]
fn neutral_strengths_change_nothing() {
    for &kind in OperationKind::ALL {
        // A crop has no neutral strength, and a stretch is an edit of its own.
        if matches!(kind, OperationKind::Crop | OperationKind::AutoContrast) {
            continue;
        }
        let neutral = Operation::new(kind, kind.range().1).unwrap();
        assert_eq!(neutral.apply(&scene()), scene(), "{neutral}");
    }
}

#[test]
fn the_text_form_is_read_back() {
    for &kind in OperationKind::ALL {
        let operations = if kind == OperationKind::Crop {
            vec![Operation::crop(Ratio::new(16, 9).unwrap())]
        } else {
            let (low, neutral, high) = kind.range();
            [low, neutral, high, (neutral + high) / 3.0].map(|s| Operation::new(kind, s).unwrap()).to_vec()
        };
        for operation in operations {
            assert_eq!(operation.to_string().parse::<Operation>().unwrap(), operation);
            assert!(!operation.in_words().is_empty());
        }
    }
}

#[test]
fn wrong_texts_say_what_is_accepted() {
    let message = |text: &str| text.parse::<Operation>().unwrap_err().to_string();
    assert!(message("contrst:1").starts_with("unknown operation `contrst:1`: expected one of lightness, contrast"));
    assert_eq!(message("contrast"), "operation `contrast`: expected a number after the colon, such as contrast:1.2");
    assert_eq!(message("contrast:9"), "operation `contrast:9`: the strength must lie between 0 and 8");
    assert_eq!(message("gamma:nan"), "operation `gamma:NaN`: the strength must lie between 0.1 and 10");
    for text in ["crop:16", "crop:0x9", "crop:16x", "crop:256x1", "crop:-1x2"] {
        assert!(message(text).contains("crop:16x9"), "{text}");
    }
}

proptest! {
    #[test]
    fn any_operation_on_any_photo_keeps_the_shape(
        kind in 0..OperationKind::ALL.len(),
        place in 0.0_f32..=1.0,
        width in 1_u32..12,
        height in 1_u32..12,
        seed in any::<u32>(),
    ) {
        let kind = OperationKind::ALL[kind];
        prop_assume!(kind != OperationKind::Crop);
        let (low, _, high) = kind.range();
        let operation = Operation::new(kind, (low + place * (high - low)).clamp(low, high)).unwrap();
        let mut state = seed;
        let photo = Photo::from_fn(width, height, |_, _| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            [(state >> 24) as u8, (state >> 16) as u8, (state >> 8) as u8]
        }).unwrap();
        let result = operation.apply(&photo);
        prop_assert_eq!((result.width(), result.height()), (width, height));
        prop_assert!(psnr_db(&photo, &result).unwrap() >= 0.0);
        // Deterministic, and in place is the same as by value.
        let mut in_place = photo.clone();
        operation.apply_in_place(&mut in_place);
        prop_assert_eq!(in_place, result);
    }
}
