//! Any text as operations, line by line and as the list that a recipe file holds. What is read is written so that it reads
//! the same, and is applied to small photos of odd sizes, as they are and as much smaller ones than those that it was made for.

#![no_main]

use dodge_imaging::{Operation, Photo, Recipe};
use libfuzzer_sys::fuzz_target;

/// Most operations of one input that are applied.
const APPLIED: usize = 8;

/// Applies the operations at two depths and three sizes.
fn apply(operations: &[Operation]) {
    let recipe = Recipe::new(operations.iter().take(APPLIED).copied().collect());
    for (width, height) in [(1, 1), (19, 3), (2, 31)] {
        let photo = Photo::from_fn(width, height, |x, y| [(7 * x) as u8, (9 * y) as u8, (x * y) as u8])
            .expect("both sides have pixels");
        let result = recipe.apply(&photo);
        let scaled = recipe.clone().with_longer_side(1).apply(&photo.to_depth::<u16>());
        assert_eq!((result.width(), result.height()), (scaled.width(), scaled.height()));
        operations.iter().take(APPLIED).fold(photo, |photo, operation| operation.apply(&photo));
    }
}

fuzz_target!(|text: &str| {
    for line in text.lines().take(APPLIED) {
        if let Ok(operation) = line.parse::<Operation>() {
            assert_eq!(operation.to_string().parse::<Operation>().expect("what was written is read"), operation);
            apply(&[operation]);
        }
    }
    if let Ok(operations) = serde_json::from_str::<Vec<Operation>>(text) {
        let again = serde_json::to_string(&operations).expect("operations can be written");
        assert_eq!(serde_json::from_str::<Vec<Operation>>(&again).expect("what was written is read"), operations);
        apply(&operations);
    }
});
