//! Saying in plain words what was done to a photo, and why.

use dodge_imaging::{LabConverter, Operation, Photo, Recipe};
use dodge_juror::{Measurements, SubScores};
use serde::Serialize;

/// A change of a sub-score that is worth a word.
const NOTICEABLE: f64 = 0.04;

/// Most aspects that an edit is explained by.
const MOST_REASONS: usize = 3;

/// One edit in plain words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explained {
    /// The edit, in its text form.
    pub operation: String,
    /// What it is and how much of it.
    pub what: String,
    /// For the aspects that it brought closer to (or further from) what is usual in photographs: what was measured before and after, and
    /// what the juror makes of it.
    pub why: String,
}

/// Says of each edit of a recipe, made on a photo as the juror sees it, what it is and why.
#[must_use]
pub fn explain(photo: &Photo, recipe: &Recipe) -> Vec<Explained> {
    let lab = LabConverter::default();
    let mut current = photo.clone();
    let mut before = Measurements::of(&current, &lab);
    let explained = |operation: &Operation| {
        current = operation.apply(&current);
        let after = Measurements::of(&current, &lab);
        let why = reasons(&before, &after);
        before = after;
        Explained { operation: operation.to_string(), what: operation.in_words(), why }
    };
    recipe.operations().iter().map(explained).collect()
}

/// A photo at the size that the juror was set on.
#[must_use]
pub fn shown_to_juror(photo: &Photo) -> Photo {
    photo.thumbnail(dodge_preprocess::ResizeParams::default().max_size)
}

fn reasons(before: &Measurements, after: &Measurements) -> String {
    let scores = SubScores::of(before).named().into_iter().zip(SubScores::of(after).named());
    let mut changes: Vec<(&str, f64, f64)> = scores.map(|((name, before), (_, after))| (name, before, after)).collect();
    changes.retain(|(_, before, after)| (after - before).abs() >= NOTICEABLE);
    changes.sort_by(|x, y| (y.2 - y.1).abs().total_cmp(&(x.2 - x.1).abs()));
    let words = |(name, was, is): &(&str, f64, f64)| {
        let verb = if is > was { "improves" } else { "costs some" };
        let (was, is) = (100.0 * was, 100.0 * is);
        let measured = match (measured(name, before), measured(name, after)) {
            (Some((what, before)), Some((_, after))) => format!("{what} {before} -> {after}; "),
            _ => String::new(),
        };
        format!("{verb} {name} ({measured}{was:.0} -> {is:.0} of 100)")
    };
    let noticed: Vec<String> = changes.iter().take(MOST_REASONS).map(words).collect();
    if noticed.is_empty() {
        return "learnt from similar photos; the juror's aspects hardly change".to_owned();
    }
    noticed.join(", ")
}

/// What an aspect of the juror is measured by, and how much of it there is.
fn measured(aspect: &str, of: &Measurements) -> Option<(&'static str, String)> {
    let share = |value: f64| format!("{:.0} %", 100.0 * value);
    let ratio = |value: f64| format!("{value:.2}");
    let few = |value: f64| format!("{:.1} %", 100.0 * value);
    Some(match aspect {
        "exposure" => ("mean brightness", share(of.mean_luma)),
        "contrast" => ("spread of brightness", share(of.luma_deviation)),
        "black point" => ("darkest tones", share(of.black_point)),
        "white point" => ("brightest tones", share(of.white_point)),
        "midtones" => ("middle tone", share(of.relative_median)),
        "upper midtones" => ("seven tenths of it darker than", share(of.upper_midtones)),
        "tone curve" => ("middle half of the tones", share(of.middle_share)),
        "clipped shadows" => ("values at black", few(of.clipped_dark)),
        "clipped highlights" => ("values at white", few(of.clipped_bright)),
        "colourfulness" => ("colourfulness", format!("{:.0}", of.colourfulness)),
        "vividness" => ("strongest colours", share(of.vividness)),
        "colour contrast" => ("edges of colour against those of brightness", ratio(of.colour_contrast)),
        "shadow colour" => ("colour of the dark half against the bright", ratio(of.shadow_colour)),
        "green cast" => ("neutral tones at", format!("a* {:+.1}", of.neutral_a)),
        "yellow cast" => ("neutral tones at", format!("b* {:+.1}", of.neutral_b)),
        "warm light" => ("blue edges against red", ratio(of.blue_red_edges)),
        "green light" => ("green edges against red and blue", ratio(of.green_edges)),
        "sharpness" => ("fine detail", share(of.fine_detail)),
        "noise" => ("level", format!("{:.1}", of.noise)),
        "corners" => ("corners against the whole", ratio(of.corners)),
        "compression" => ("blocks of JPEG", few(of.blockiness)),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_aspect_of_the_juror_is_measured_by_something() {
        let photo = dodge_data::synthetic::photo(7, 3, 96, 64);
        let measurements = Measurements::of(&photo, &LabConverter::default());
        for (aspect, _) in SubScores::of(&measurements).named() {
            assert!(measured(aspect, &measurements).is_some(), "{aspect}");
        }
    }

    #[test]
    fn a_dark_photo_is_told_to_be_dark() {
        let grey = |level: u8| Photo::from_fn(64, 64, |x, y| [level + ((x * 7 + y * 3) % 32) as u8; 3]).unwrap();
        let recipe = Recipe::new(vec!["lightness:60".parse().unwrap()]);
        let said = explain(&grey(20), &recipe).remove(0);
        assert_eq!(said.what, "lighten everything (+60 levels)");
        // A mean of 35.5 of 255, and of 95.5.
        assert!(said.why.contains("improves exposure (mean brightness 14 % -> 37 %; "), "{said:?}");
        let hardly = explain(&grey(20), &Recipe::new(vec!["lightness:0".parse().unwrap()])).remove(0);
        assert!(hardly.why.contains("hardly change"), "{hardly:?}");
    }
}
