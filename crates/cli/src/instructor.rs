//! Saying in plain words what was done to a photo, and why.

use std::fmt::Write;

use dodge_imaging::{Photo, Recipe};

/// One line per edit, of a photo as the juror sees it.
pub(crate) fn explain(photo: &Photo, recipe: &Recipe) -> String {
    if recipe.operations().is_empty() {
        return "  nothing: no edit promised to bring the photo closer to how it should look\n".to_owned();
    }
    let mut text = String::new();
    for (number, edit) in (1..).zip(dodge_rl::explain(photo, recipe)) {
        let _ = writeln!(text, "  {number}. {}: {}", edit.what, edit.why);
    }
    text
}
