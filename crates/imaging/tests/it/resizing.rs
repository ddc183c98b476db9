//! Down-scaling.

use dodge_imaging::Photo;

#[test]
fn thumbnails_keep_the_ratio_and_never_enlarge() {
    for (width, height, side, expected) in [
        (2040, 1356, 384, (384, 255)),
        (333, 500, 384, (256, 384)),
        (100, 50, 384, (100, 50)),
        (4000, 1, 64, (64, 1)),
        (48, 48, 48, (48, 48)),
    ] {
        let photo = Photo::from_fn(width, height, |x, _| [x as u8; 3]).unwrap();
        let small = photo.thumbnail(side);
        assert_eq!((small.width(), small.height()), expected, "{width}x{height}");
    }
}

#[test]
fn scaling_keeps_flat_areas_and_averages_fine_patterns() {
    let flat = Photo::from_fn(200, 100, |_, _| [10, 200, 77]).unwrap().thumbnail(50);
    assert!(flat.pixels().chunks(3).all(|p| p == [10, 200, 77]));
    // A one-pixel checkerboard is grey from afar, not a pattern of its own (aliasing).
    let checker = Photo::from_fn(256, 256, |x, y| [if (x + y) % 2 == 0 { 0 } else { 255 }; 3]).unwrap().thumbnail(40);
    assert!(checker.pixels().iter().all(|&v| (110..146).contains(&v)));
}
