//! What OpenCV and Pillow make of the same pictures; `tests/golden/make.py` writes the file.

use dodge_imaging::{LabConverter, Operation, Photo};
use serde::Deserialize;

#[derive(Deserialize)]
struct Golden {
    input: Input,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Input {
    width: u32,
    height: u32,
    pixels: String,
}

#[derive(Deserialize)]
struct Case {
    operation: Operation,
    tolerance: u8,
    pixels: String,
}

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|i| u8::from_str_radix(&hex[i..i + 2], 16).unwrap()).collect()
}

#[test]
fn operations_agree_with_their_counterparts() {
    let golden: Golden = serde_json::from_str(include_str!("../golden/operations.json")).unwrap();
    let Input { width, height, pixels } = golden.input;
    let photo = Photo::new(width, height, bytes(&pixels)).unwrap();
    let mut failures = Vec::new();
    for Case { operation, tolerance, pixels } in golden.cases {
        let result = operation.apply(&photo);
        let expected = bytes(&pixels);
        assert_eq!(result.pixels().len(), expected.len(), "{operation}");
        let apart = result.pixels().iter().zip(&expected).map(|(a, b)| a.abs_diff(*b));
        let (worst, differing) = apart.fold((0, 0), |(worst, n), d| (d.max(worst), n + usize::from(d > tolerance)));
        if worst > tolerance {
            failures.push(format!("{operation}: {differing} values of {} differ, by up to {worst}", expected.len()));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn dark_values_do_not_fold_over() {
    // OpenCV's convertScaleAbs takes the absolute value: 10 - 20 would become 10, and 32 at contrast 2 would become 64.
    let after = |text: &str, value| {
        let photo = Photo::from_fn(1, 1, |_, _| [value; 3]).unwrap();
        text.parse::<Operation>().unwrap().apply(&photo).pixel(0, 0)
    };
    assert_eq!(after("lightness:-20", 10), [0; 3]);
    assert_eq!(after("contrast:2", 32), [0; 3]);
}

#[test]
fn clahe_keeps_the_colour() {
    // The way through 8-bit L*a*b* would round a* and b* to whole numbers.
    let colour = |x, y| [(80 + (x * 7) % 90) as u8, (80 + (y * 5) % 90) as u8, (100 + (x * y) % 50) as u8];
    let photo = Photo::from_fn(64, 48, colour).unwrap();
    let result = "clahe:2".parse::<Operation>().unwrap().apply(&photo);
    let lab = LabConverter::new();
    let (mut moved, mut turned) = (0.0_f32, 0.0_f32);
    for (y, x) in (0..48).flat_map(|y| (0..64).map(move |x| (y, x))) {
        let (before, after) = (lab.convert(photo.pixel(x, y)), lab.convert(result.pixel(x, y)));
        moved = moved.max((after[0] - before[0]).abs());
        // Colours at the edge of what sRGB holds are cut, the others keep a* and b* but for the rounding to 8 bit.
        if result.pixel(x, y).iter().all(|value| (1..=254).contains(value)) {
            turned = turned.max((after[1] - before[1]).abs()).max((after[2] - before[2]).abs());
        }
    }
    assert!(moved > 5.0 && turned < 1.5, "{moved} {turned}");
}
