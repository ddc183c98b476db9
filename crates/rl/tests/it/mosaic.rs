//! The picture of before, after and original.

use dodge_imaging::{Photo, Recipe, psnr_db};
use dodge_rl::{Outcome, TestPhoto, mosaic};

use crate::support::flat;

const BACKGROUND: [u8; 3] = [32, 32, 32];
const BETTER: [u8; 3] = [70, 170, 80];
const WORSE: [u8; 3] = [200, 60, 50];
const SAME: [u8; 3] = [120, 120, 120];

fn row(original: Photo, degraded: Photo, result: Photo) -> (TestPhoto, Outcome) {
    let outcome = Outcome {
        recipe: Recipe::default(),
        final_score: 5.0,
        psnr_degraded_db: psnr_db(&original, &degraded).unwrap(),
        psnr_final_db: psnr_db(&original, &result).unwrap(),
        expected_gain_db: None,
        likeness: None,
        result,
    };
    let (original_score, degraded_score) = (5.0, 4.0);
    (TestPhoto { name: "a".to_owned(), original, degraded, damaged: true, original_score, degraded_score }, outcome)
}

fn greys(width: u32, height: u32, [original, degraded, result]: [u8; 3]) -> (TestPhoto, Outcome) {
    row(flat(width, height, [original; 3]), flat(width, height, [degraded; 3]), flat(width, height, [result; 3]))
}

fn draw(rows: Vec<(TestPhoto, Outcome)>, limit: usize) -> Option<Photo> {
    let (photos, outcomes): (Vec<_>, Vec<_>) = rows.into_iter().unzip();
    mosaic(&photos, &outcomes, limit)
}

#[test]
fn before_after_and_original_stand_side_by_side() {
    // 360 x 240 becomes 240 x 160; 120 x 240 stays as it is.
    let rows = vec![greys(360, 240, [100, 150, 110]), greys(120, 240, [50, 60, 90])];
    let picture = draw(rows, 10).unwrap();
    assert_eq!((picture.width(), picture.height()), (3 * 240 + 4 * 8, 160 + 240 + 3 * 8));
    let middles = |y| [8 + 120, 2 * 8 + 240 + 120, 3 * 8 + 480 + 120].map(|x| picture.pixel(x, y)[0]);
    assert_eq!(middles(8 + 80), [150, 110, 100], "damaged, result, original");
    assert_eq!(middles(8 + 160 + 8 + 120), [60, 90, 50]);
    // Between the tiles, and beside the narrow ones, which stand in the middle of their column.
    for (x, y) in [(0, 0), (8 + 242, 80), (100, 8 + 160 + 4), (8 + 59, 300), (8 + 180, 300), (751, 423)] {
        assert_eq!(picture.pixel(x, y), BACKGROUND, "at {x}, {y}");
    }
    assert_eq!(picture.pixel(8 + 60, 300), [60; 3]);
}

#[test]
fn the_frame_tells_better_from_worse_without_colour_too() {
    let frame = |values| {
        let picture = draw(vec![greys(240, 160, values)], 1).unwrap();
        let tile = 2 * 8 + 240;
        let colour = picture.pixel(tile, 8);
        let width = (0..240).take_while(|&x| picture.pixel(tile + x, 8 + 80) == colour).count();
        let below = (0..160).take_while(|&y| picture.pixel(tile + 120, 8 + 159 - y) == colour).count();
        assert_eq!(width, below);
        (colour, width)
    };
    assert_eq!(frame([100, 150, 110]), (BETTER, 6));
    assert_eq!(frame([100, 110, 150]), (WORSE, 3));
    assert_eq!(frame([100, 110, 110]), (SAME, 3));
}

#[test]
fn only_as_many_rows_as_asked_for_are_drawn() {
    let rows = || (0..5).map(|_| greys(240, 100, [1, 2, 3])).collect::<Vec<_>>();
    assert_eq!(draw(rows(), 2).unwrap().height(), 2 * 108 + 8);
    assert_eq!(draw(rows(), 99).unwrap().height(), 5 * 108 + 8);
    assert!(draw(rows(), 0).is_none());
    assert!(draw(vec![], 5).is_none());
}

#[test]
fn tiny_and_long_photos_fit_too() {
    let picture = draw(vec![greys(1, 1, [9, 10, 11]), greys(5000, 2, [9, 10, 11]), greys(2, 5000, [9, 10, 11])], 9);
    assert_eq!(picture.unwrap().height(), 1 + 1 + 240 + 4 * 8);
}
