//! Recipes as tables for other programs.

use dodge_imaging::{ColourTable, OperationKind, Photo, Recipe};

fn recipe(text: &str) -> Recipe {
    Recipe::new(text.split_whitespace().map(|operation| operation.parse().unwrap()).collect())
}

/// A photo with colours of every kind, by no regular grid.
fn photo() -> Photo {
    Photo::from_fn(256, 192, |x, y| [x as u8, (y * 4 / 3) as u8, (x * 7 + y * 13) as u8]).unwrap()
}

/// The numbers of a `.cube` file, by its specification.
fn read_cube(text: &str) -> (usize, Vec<[f32; 3]>) {
    let mut points = 0;
    let mut colours = Vec::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        if let Some(size) = line.strip_prefix("LUT_3D_SIZE ") {
            points = size.parse().unwrap();
        } else {
            let values: Vec<f32> = line.split(' ').map(|value| value.parse().unwrap()).collect();
            colours.push(values.try_into().unwrap());
        }
    }
    (points, colours)
}

/// Trilinear interpolation, as the simplest reader does it.
fn looked_up(points: usize, table: &[[f32; 3]], colour: [u8; 3]) -> [f32; 3] {
    let place = colour.map(|value| f32::from(value) / 255.0 * (points - 1) as f32);
    let mut result = [0.0; 3];
    for corner in 0..8 {
        let (mut weight, mut index, mut step) = (1.0, 0, 1);
        for (axis, place) in place.iter().enumerate() {
            let low = (place.floor() as usize).min(points - 2);
            let share = place - low as f32;
            let high = corner >> axis & 1;
            weight *= if high == 1 { share } else { 1.0 - share };
            index += (low + high) * step;
            step *= points;
        }
        for (sum, value) in result.iter_mut().zip(table[index]) {
            *sum += weight * value * 255.0;
        }
    }
    result
}

#[test]
fn a_reader_of_the_table_makes_nearly_the_same() {
    let recipe = recipe("exposure:0.4 contrast:1.15 gamma:1.2 highlights:-0.3 warmth:0.06 saturation:1.2 vibrance:0.2");
    let table = ColourTable::of(&recipe, 65).unwrap();
    let apart = table.apart(&recipe);
    assert!((1.0..16.0).contains(&apart), "somewhere in the dark: {apart}");
    assert!(ColourTable::of(&recipe, 17).unwrap().apart(&recipe) > 2.0 * apart, "fewer points follow less");
    assert!(ColourTable::of(&Recipe::default(), 5).unwrap().apart(&Recipe::default()) < 0.01);
    let (points, table) = read_cube(&table.to_cube());
    assert_eq!((points, table.len()), (65, 65 * 65 * 65));
    let (before, after) = (photo(), recipe.apply(&photo()));
    let mut differences: Vec<f32> = Vec::new();
    for (before, after) in before.pixels().as_chunks::<3>().0.iter().zip(after.pixels().as_chunks::<3>().0) {
        let read = looked_up(points, &table, *before);
        differences.extend(read.iter().zip(after).map(|(read, &after)| (read - f32::from(after)).abs()));
    }
    differences.sort_by(f32::total_cmp);
    let largest = differences[differences.len() * 999 / 1000];
    assert!(largest <= 2.0, "{largest} levels apart at the 99.9th percentile");
    assert!(differences[differences.len() / 2] <= 0.6, "half a level is rounding");
}

#[test]
fn red_runs_first_in_both_forms() {
    let swapped = recipe("channels:brg");
    let (_, table) = read_cube(&ColourTable::of(&swapped, 4).unwrap().to_cube());
    // Red at the second of four points: it becomes what the order makes of it.
    assert_eq!(table[0], [0.0; 3]);
    let pixel = Photo::from_fn(1, 1, |_, _| [85_u8, 0, 0]).unwrap();
    let expected = swapped.apply(&pixel).pixel(0, 0).map(|value| f32::from(value) / 255.0);
    assert!(table[1].iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-5), "{:?}", table[1]);
    let hald = ColourTable::of(&swapped, 64).unwrap().to_hald().unwrap();
    assert_eq!((hald.width(), hald.height()), (512, 512));
    let same = ColourTable::of(&Recipe::default(), 64).unwrap().to_hald().unwrap();
    let value = |index: u32| (index * 65_535 + 31) / 63;
    // The fourth row begins after 3 * 512 pixels, 24 times 64 reds.
    assert_eq!(same.pixel(63, 0).map(u32::from), [65_535, 0, 0]);
    assert_eq!(same.pixel(1, 3).map(u32::from), [value(1), value(24), 0]);
    assert_eq!(same.pixel(0, 8).map(u32::from), [0, 0, value(1)]);
    assert_eq!(ColourTable::of(&Recipe::default(), 33).unwrap().to_hald(), None);
}

#[test]
fn what_depends_on_more_than_a_colour_is_named() {
    let error = ColourTable::of(&recipe("gamma:1.2 clarity:0.3 vignette:0.2"), 33).unwrap_err().to_string();
    assert!(error.contains("clarity:0.3, vignette:0.2") && !error.contains("gamma"), "{error}");
    for points in [0, 1, 257] {
        assert!(ColourTable::of(&Recipe::default(), points).is_err());
    }
}

#[test]
fn the_kinds_that_map_colours_do() {
    // The same colours, in another order and another company.
    let plain = photo();
    let turned = Photo::from_fn(192, 256, |x, y| plain.pixel(y, 191 - x)).unwrap();
    for &kind in OperationKind::ALL.iter().filter(|kind| kind.maps_colours()) {
        let (low, neutral, high) = kind.range();
        let operation = match kind {
            OperationKind::Invert => "invert:rb".parse().unwrap(),
            OperationKind::Channels => "channels:gbr".parse().unwrap(),
            OperationKind::Greyscale => "greyscale:average".parse().unwrap(),
            _ => dodge_imaging::Operation::new(kind, neutral + 0.1 * (high - low).min(2.0)).unwrap(),
        };
        let recipe = Recipe::new(vec![operation]);
        let (one, other) = (recipe.apply(&plain), recipe.apply(&turned));
        assert!((0..192).all(|y| (0..256).all(|x| one.pixel(x, y) == other.pixel(191 - y, x))), "{operation}");
    }
}
