//! Saying in plain words what was done to a photo, and why.

use std::fmt::Write;

use dodge_imaging::{Photo, Recipe};
use dodge_juror::{ClassicalJuror, SubScores};

/// A change of a sub-score that is worth a word.
const NOTICEABLE: f64 = 0.04;

/// One line per edit: what it is, and which aspects of the photo it brought closer to (or further from) what is usual.
pub(crate) fn explain(photo: &Photo, recipe: &Recipe, juror: &ClassicalJuror) -> String {
    if recipe.operations().is_empty() {
        return "  nothing: no edit promised to bring the photo closer to how it should look\n".to_owned();
    }
    let mut text = String::new();
    let mut current = photo.clone();
    let mut before = juror.sub_scores(&current);
    for (number, operation) in (1..).zip(recipe.operations()) {
        current = operation.apply(&current);
        let after = juror.sub_scores(&current);
        let _ = writeln!(text, "  {number}. {}: {}", operation.in_words(), reasons(&before, &after));
        before = after;
    }
    text
}

fn reasons(before: &SubScores, after: &SubScores) -> String {
    let mut changes: Vec<(&str, f64, f64)> =
        before.named().iter().zip(after.named()).map(|((name, b), (_, a))| (*name, *b, a)).collect();
    changes.sort_by(|x, y| (y.2 - y.1).abs().total_cmp(&(x.2 - x.1).abs()));
    let words = |(name, before, after): &(&str, f64, f64)| {
        let verb = if after > before { "improves" } else { "costs some" };
        format!("{verb} {name} ({:.0} % to {:.0} %)", 100.0 * before, 100.0 * after)
    };
    let noticed: Vec<String> =
        changes.iter().filter(|(_, b, a)| (a - b).abs() >= NOTICEABLE).take(3).map(words).collect();
    if noticed.is_empty() {
        return "learnt from similar photos; the juror's aspects hardly change".to_owned();
    }
    noticed.join(", ")
}
