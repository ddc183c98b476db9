//! How it learnt.

use crate::chart::{Axis, Chart, Layer, Shape, Unit};
use crate::html::{Table, escaped, folded};
use crate::palette::{AGENT, MARK};
use crate::record::{Curve, Record};
use crate::section::Section;
use crate::words;

const STEPS: Axis<'_> = Axis { name: "environment steps", unit: Unit::Count, includes: &[0.0] };
const VALIDATION: &str = "validation/";
const TRAINING: &str = "train/";
/// How often each action was taken: a part of its own.
const USAGE: &str = "train_transformer_usage/";

/// What is worth a plot in the first place: name, title, what to read from it, and what the axis includes.
const FIRST: [(&str, &str, &str, Unit, &[f64]); 7] = [
    (
        "validation/psnr_gain_db",
        "Gain on validation photos (dB)",
        "How much nearer to their originals photos come that are not learnt from. The model is the latest of the best, but for chance.",
        Unit::Number,
        &[0.0],
    ),
    (
        "validation/undamaged_psnr_db",
        "Undamaged validation photos (dB)",
        "How much remains of photos that need nothing; 60 is untouched. Below its floor, no gain counts.",
        Unit::Number,
        &[60.0],
    ),
    ("train/gain", "Gain on training photos", "What is learnt, on photos that are learnt from.", Unit::Number, &[]),
    (
        "train/mean_reward",
        "Mean reward of an episode",
        "What is learnt, on photos that are learnt from.",
        Unit::Number,
        &[],
    ),
    ("train/success_rate", "Episodes that ended better (%)", "On photos that are learnt from.", Unit::Share, &[0.0]),
    ("train/mean_score", "Mean score at the end of an episode", "The juror's, 0 to 10.", Unit::Number, &[]),
    ("train/mean_episodes_len", "Edits in an episode", "In the mean.", Unit::Number, &[0.0]),
];

/// The curves of the run.
pub(crate) fn section(record: &Record) -> Option<Section> {
    let is_of_learning = |curve: &&Curve| {
        (curve.name.starts_with(VALIDATION) || curve.name.starts_with(TRAINING)) && !curve.points.is_empty()
    };
    let curves: Vec<&Curve> = record.curves.iter().filter(is_of_learning).collect();
    if curves.is_empty() {
        return None;
    }
    let mut html = String::from("<div class=\"charts\">\n");
    for (name, title, explanation, unit, includes) in FIRST {
        if let Some(curve) = curves.iter().find(|curve| curve.name == name) {
            html.push_str(&plot(curve, title, explanation, Axis { name: title, unit, includes }, record.model_step));
        }
    }
    html.push_str("</div>\n");
    html.push_str(&validations(&curves));
    html.push_str(&others(&curves));
    Some(Section { anchor: "learning", title: "How it learnt", html })
}

fn plot(curve: &Curve, title: &str, explanation: &str, y: Axis<'_>, model_step: Option<u64>) -> String {
    let points: Vec<(f64, f64)> = curve.points.iter().map(|&(step, value)| (step as f64, value)).collect();
    let mut layers = vec![Layer { name: "", colour: AGENT, shape: Shape::Line, points: points.clone() }];
    if curve.name.starts_with(VALIDATION) {
        layers[0].name = "validations";
        layers.push(Layer { name: "", colour: AGENT, shape: Shape::Points { radius: 3 }, points });
        let of_model = |&&(step, _): &&(u64, f64)| Some(step) == model_step;
        if let Some(&(step, value)) = curve.points.iter().find(of_model) {
            let points = vec![(step as f64, value)];
            layers.push(Layer {
                name: "the model of this run",
                colour: MARK,
                shape: Shape::Rings { radius: 7 },
                points,
            });
        }
    }
    Chart { title, explanation, x: STEPS, y, layers }.html()
}

/// What was found at each validation, in numbers.
fn validations(curves: &[&Curve]) -> String {
    let of_validation: Vec<&&Curve> = curves.iter().filter(|curve| curve.name.starts_with(VALIDATION)).collect();
    let mut steps: Vec<u64> = of_validation.iter().flat_map(|curve| curve.points.iter().map(|point| point.0)).collect();
    steps.sort_unstable();
    steps.dedup();
    if steps.is_empty() {
        return String::new();
    }
    let names = of_validation.iter().map(|curve| curve.name[VALIDATION.len()..].replace('_', " "));
    let columns: Vec<String> = std::iter::once("step".to_owned()).chain(names).collect();
    let row = |step: &u64| {
        let cell = |curve: &&&Curve| {
            let value = curve.points.iter().find(|point| point.0 == *step).map(|point| point.1);
            words::fixed(value, 3)
        };
        std::iter::once(words::count(*step)).chain(of_validation.iter().map(cell)).collect()
    };
    let table = Table {
        caption: "Every validation",
        columns: &columns.iter().map(String::as_str).collect::<Vec<_>>(),
        rows: steps.iter().map(row).collect(),
        marked: None,
    };
    folded("Every validation in numbers", &table.html())
}

/// The rest under its own names.
fn others(curves: &[&Curve]) -> String {
    let is_first = |curve: &&&Curve| FIRST.iter().any(|(name, ..)| *name == curve.name);
    let rest: Vec<&&Curve> = curves.iter().filter(|curve| !is_first(curve) && !curve.name.starts_with(USAGE)).collect();
    let (still, moving): (Vec<&&Curve>, Vec<&&Curve>) =
        rest.into_iter().partition(|curve| curve.points.iter().all(|point| point.1 == 0.0));
    if moving.is_empty() {
        return String::new();
    }
    let mut html = String::from("<div class=\"charts\">\n");
    for curve in moving {
        let axis = Axis { name: &curve.name, unit: Unit::Number, includes: &[] };
        html.push_str(&plot(curve, &curve.name, "", axis, None));
    }
    html.push_str("</div>\n");
    if !still.is_empty() {
        let names: Vec<&str> = still.iter().map(|curve| &*curve.name).collect();
        html.push_str(&format!("<p>Always 0: {}.</p>\n", escaped(&names.join(", "))));
    }
    folded("All other curves, by their names in the tracked run", &html)
}
