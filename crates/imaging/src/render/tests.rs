//! Strips against the whole, depths against each other, and against the 8-bit kernels.

use proptest::prelude::*;

use super::*;
use crate::{Recipe, psnr_db};

/// Every kind, each strength within its range and off its whole numbers.
fn operations() -> Vec<Operation> {
    let numbers = OperationKind::ALL.iter().filter(|kind| kind.has_strength()).map(|&kind| {
        let (low, neutral, high) = kind.range();
        let strength = match kind {
            OperationKind::Jpeg => 60.0,
            OperationKind::CropThirds => 0.8,
            OperationKind::Blur | OperationKind::BoxBlur | OperationKind::MedianBlur => 2.6,
            OperationKind::Noise => 9.0,
            _ if high > neutral => neutral + 0.3 * (high - neutral).min(2.0),
            _ => low,
        };
        Operation::new(kind, strength).unwrap()
    });
    let words = "channels:gbr invert:rb greyscale:luminosity greyscale:average flip:horizontal flip:vertical shift:left shift:right-g \
                 shift:up-rb shift:down crop:4x5 crop-oriented:9x16 clarity:-0.5 blur:9 median-blur:3.5 haze:-0.2";
    numbers.chain(words.split_whitespace().map(|text| text.parse().unwrap())).collect()
}

/// Soft colours, a tilted horizon and a speck, at a depth.
fn photo<T: Sample>(width: u32, height: u32) -> Photo<T> {
    Photo::from_fn(width, height, |x, y| {
        let (x, y) = (x as f32, y as f32);
        let speck = if (x as u32 * 7 + y as u32 * 3).is_multiple_of(53) { 60.0 } else { 0.0 };
        let sea = if y > 0.5 * height as f32 + 0.05 * x { 90.0 } else { 0.0 };
        let wave = 30.0 * (0.3 * x).sin() + 20.0 * (0.21 * y + 0.1 * x).cos();
        [150.0 + wave - sea + speck, 160.0 - 0.5 * wave - sea, 190.0 - sea + 0.3 * wave].map(T::from_level)
    })
    .unwrap()
}

fn in_parts<T: Sample>(operations: &[Operation], photo: &Photo<T>, scale: f32, part: usize, strip: usize) -> Photo<T> {
    parallel::collected_in(&stages(operations, photo, scale), part, strip)
}

#[test]
fn parts_and_strips_of_any_height_give_the_same_photo() {
    for operation in operations() {
        for (width, height) in [(61, 47), (33, 5), (1, 1), (5, 70)] {
            let photo = photo::<f32>(width, height);
            let whole = in_parts(&[operation], &photo, 1.7, 1000, 1000);
            for (part, strip) in [(1000, 1), (16, 7), (1000, 32), (3, 2)] {
                let result = in_parts(&[operation], &photo, 1.7, part, strip);
                assert_eq!(
                    result.pixels(),
                    whole.pixels(),
                    "{operation} in parts of {part} and strips of {strip} of {width}x{height}"
                );
            }
        }
    }
}

#[test]
fn the_number_of_threads_changes_nothing() {
    // Large enough for several parts.
    let photo = photo::<f32>(700, 600);
    let pool = |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    let (one, three) = (pool(1), pool(3));
    for operation in operations() {
        let alone = one.install(|| render(&[operation], &photo, 1.0));
        let together = three.install(|| render(&[operation], &photo, 1.0));
        assert_eq!(alone.pixels(), together.pixels(), "{operation}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn parts_of_recipes_too(
        recipe in prop::collection::vec(prop::sample::select(operations()), 0..6),
        width in 1_u32..40,
        height in 1_u32..40,
        part in 1_usize..45,
        strip in 1_usize..45,
    ) {
        let photo = photo::<f32>(width, height);
        let whole = in_parts(&recipe, &photo, 1.0, 1000, 1000);
        prop_assert!(whole.pixels().iter().all(|value| (0.0..=1.0).contains(value)));
        let result = in_parts(&recipe, &photo, 1.0, part, strip);
        prop_assert_eq!(result.pixels(), whole.pixels());
    }
}

/// Strengths at both ends of each range and between, and all words.
fn extremes() -> Vec<Operation> {
    let ends = OperationKind::ALL.iter().filter(|kind| kind.has_strength()).flat_map(|&kind| {
        let (low, _, high) = kind.range();
        [low, high].map(|strength| Operation::new(kind, strength).unwrap())
    });
    operations().into_iter().chain(ends).collect()
}

fn size<T: Sample>(photo: &Photo<T>) -> (u32, u32) {
    (photo.width(), photo.height())
}

#[test]
fn no_size_and_no_scale_panics() {
    let sizes = [(1, 1), (1, 2), (1, 40), (40, 1), (2, 3), (16, 170), (170, 16), (3, 300), (300, 2)];
    for (width, height) in sizes {
        let eight = photo::<u8>(width, height);
        let (sixteen, float) = (photo::<u16>(width, height), photo::<f32>(width, height));
        for operation in extremes() {
            assert!(!operation.apply(&eight).pixels().is_empty());
            for chosen in [None, Some(0), Some(20), Some(1 << 20)] {
                let recipe = Recipe::new(vec![operation]);
                let recipe = chosen.map_or(recipe.clone(), |side| recipe.with_longer_side(side));
                let sizes = [size(&recipe.apply(&eight)), size(&recipe.apply(&sixteen)), size(&recipe.apply(&float))];
                assert!(sizes.iter().all(|size| *size == sizes[0]), "{operation} on {width}x{height}: {sizes:?}");
            }
        }
    }
}

#[test]
fn a_median_that_was_chosen_on_one_pixel_ends() {
    let photo = photo::<u8>(1700, 16);
    render(&["median-blur:20".parse().unwrap()], &photo, 1700.0);
    render(&["median-blur:20".parse().unwrap()], &photo.to_depth::<u16>(), f32::INFINITY);
}

#[test]
fn many_looks_at_the_whole_photo_are_no_more_than_some() {
    let texts = ["clarity:0.1", "grey-world:0.5", "blur:9", "clahe:1", "flip:vertical", "box-blur:50"];
    let operations: Vec<Operation> = (0..60).map(|place| texts[place % 6].parse().unwrap()).collect();
    let start = std::time::Instant::now();
    render(&operations, &photo::<u8>(200, 150), 3.0);
    assert!(start.elapsed().as_secs() < 60);
}

#[test]
fn one_operation_is_what_the_8_bit_kernel_makes() {
    let photo = photo::<u8>(121, 83);
    for operation in operations() {
        let (kernel, rendered) = (operation.apply(&photo), render(&[operation], &photo, 1.0));
        assert_eq!((kernel.width(), kernel.height()), (rendered.width(), rendered.height()), "{operation}");
        let apart = kernel.pixels().iter().zip(rendered.pixels()).map(|(a, b)| a.abs_diff(*b));
        // Hue in steps of two degrees, and S in 256.
        let tolerance = if operation.kind() == OperationKind::HsvSaturation { 6 } else { 1 };
        assert!(apart.clone().max() <= Some(tolerance), "{operation}: {:?}", apart.max());
    }
}

#[test]
fn depths_agree() {
    let eight = photo::<u8>(50, 40);
    for operation in operations() {
        let expected: Photo<f32> = render(&[operation], &eight.to_depth(), 1.0);
        let sixteen: Photo<f32> = render(&[operation], &eight.to_depth::<u16>(), 1.0).to_depth();
        let short: Photo<f32> = render(&[operation], &eight, 1.0).to_depth();
        let worst = |photo: &Photo<f32>| {
            photo.pixels().iter().zip(expected.pixels()).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
        };
        assert!(worst(&sixteen) <= 0.6 / 65_535.0, "{operation}: {}", worst(&sixteen));
        assert!(worst(&short) <= 0.501 / 255.0, "{operation}: {}", worst(&short));
    }
}

#[test]
fn values_are_rounded_once() {
    let photo = photo::<u8>(40, 30);
    let texts = ["contrast:0.2", "saturation:0.5", "saturation:2", "contrast:5"];
    let recipe = Recipe::new(texts.map(|text| text.parse().unwrap()).to_vec());
    // A fifth of the range and back would leave a fifth of the levels.
    assert_eq!(recipe.apply(&photo), photo);
    let stepwise = recipe.operations().iter().fold(photo.clone(), |photo, operation| operation.apply(&photo));
    assert!(psnr_db(&stepwise, &photo).unwrap() < 45.0);
}

#[test]
fn lengths_grow_with_the_photo() {
    let (small, large) = (photo::<u8>(64, 48), photo::<u8>(64, 48).resized(640, 480));
    for text in
        ["blur:1.5", "sharpen:0.3", "sharpen-8:0.2", "unsharp-mask:0.8", "box-blur:2", "median-blur:1", "median:0.5"]
    {
        let recipe = Recipe::new(vec![text.parse().unwrap()]);
        let expected = recipe.apply(&small);
        let scaled = recipe.clone().with_longer_side(64).apply(&large).resized(64, 48);
        let unscaled = recipe.apply(&large).resized(64, 48);
        let near = |photo| psnr_db(photo, &expected).unwrap();
        assert!(near(&scaled) > near(&unscaled) + 1.0, "{text}: {} {}", near(&scaled), near(&unscaled));
    }
}
