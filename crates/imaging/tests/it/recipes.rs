//! Storing and replaying recipes; files that must not load.

use std::fs;

use dodge_imaging::{Photo, Recipe};

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
}

#[test]
fn broken_recipes_are_refused_with_a_reason() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("broken.json");
    for (content, reason) in [
        ("{", "not JSON"),
        ("[]", "has no `dodge_recipe_format`"),
        (r#"{"dodge_recipe_format": 2, "operations": []}"#, "has format version 2, this program reads version 1"),
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
