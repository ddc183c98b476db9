//! How bold it is to be: gain beside harm, and whether what it expects comes true.

use crate::chart::{Axis, Chart, Layer, Shape, Unit};
use crate::html::{Table, folded};
use crate::palette::{AGENT, BEFORE, MARK};
use crate::record::{Calibration, FrontierPoint, Record, Results};
use crate::section::Section;
use crate::words;

/// The frontier of gain and harm, and the calibration.
pub(crate) fn section(record: &Record) -> Option<Section> {
    let results = record.results.as_ref()?;
    if results.frontier.is_empty() && results.calibration.is_empty() {
        return None;
    }
    let mut html = String::from(
        "<p>The agent expects a gain of each photo, and touches it only where that is more than a least gain. A bold one gains more and \
         harms more; <code>dodge enhance --boldness</code> moves along these lines.</p>\n<div class=\"charts\">\n",
    );
    if !results.frontier.is_empty() {
        html.push_str(&harm(results));
        html.push_str(&restraint(results));
    }
    if !results.calibration.is_empty() {
        html.push_str(&calibration(&results.calibration));
    }
    html.push_str("</div>\n");
    html.push_str(&folded(
        "The same in numbers",
        &format!("{}{}", frontier_table(&results.frontier), calibration_table(&results.calibration)),
    ));
    Some(Section { anchor: "boldness", title: "Gain and harm", html })
}

type Of = fn(&FrontierPoint) -> Option<f64>;

fn harm(results: &Results) -> String {
    let worsened = Axis { name: "became worse (%)", unit: Unit::Share, includes: &[0.0] };
    let here = (results.test.worsened, results.test.gain_db());
    frontier(
        "Mean gain (dB) by the share that becomes worse",
        worsened,
        |point| point.worsened,
        here,
        &results.frontier,
    )
}

fn restraint(results: &Results) -> String {
    let undamaged = Axis { name: "photos that needed nothing, after (dB)", unit: Unit::Number, includes: &[] };
    let here = (results.test.undamaged.mean_psnr_db, results.test.gain_db());
    if results.frontier.iter().all(|point| point.undamaged_db.is_none()) {
        return String::new();
    }
    let title = "Mean gain (dB) by what is left of photos that needed nothing";
    frontier(title, undamaged, |point| point.undamaged_db, here, &results.frontier)
}

fn frontier(title: &str, x: Axis<'_>, of: Of, here: (Option<f64>, Option<f64>), points: &[FrontierPoint]) -> String {
    let place = |point: &FrontierPoint| (of(point).unwrap_or(f64::NAN), point.mean_gain_db.unwrap_or(f64::NAN));
    let places: Vec<(f64, f64)> = points.iter().map(place).collect();
    let here = (here.0.unwrap_or(f64::NAN), here.1.unwrap_or(f64::NAN));
    let layers = vec![
        Layer { name: "", colour: BEFORE, shape: Shape::Line, points: places.clone() },
        Layer { name: "other least gains", colour: AGENT, shape: Shape::Points { radius: 4 }, points: places },
        Layer { name: "as this model is set", colour: MARK, shape: Shape::Rings { radius: 8 }, points: vec![here] },
    ];
    let y = Axis { name: "gain (dB)", unit: Unit::Number, includes: &[0.0] };
    Chart { title, explanation: "", x, y, layers }.html()
}

fn calibration(parts: &[Calibration]) -> String {
    let place = |part: &Calibration| (part.expected_db.unwrap_or(f64::NAN), part.gained_db.unwrap_or(f64::NAN));
    let places: Vec<(f64, f64)> = parts.iter().map(place).collect();
    let ends = |pick: fn(f64, f64) -> f64, start| {
        places.iter().flat_map(|&(x, y)| [x, y]).filter(|value| value.is_finite()).fold(start, pick)
    };
    let (low, high) = (ends(f64::min, f64::INFINITY), ends(f64::max, f64::NEG_INFINITY));
    let layers = vec![
        Layer {
            name: "as much as expected",
            colour: BEFORE,
            shape: Shape::Line,
            points: vec![(low, low), (high, high)],
        },
        Layer {
            name: "photos of about the same expectation",
            colour: AGENT,
            shape: Shape::Points { radius: 5 },
            points: places,
        },
    ];
    Chart {
        title: "What came (dB) by what was expected",
        explanation: "Above the line more came than the agent expected, below it less.",
        x: Axis { name: "expected gain (dB)", unit: Unit::Number, includes: &[] },
        y: Axis { name: "gain (dB)", unit: Unit::Number, includes: &[] },
        layers,
    }
    .html()
}

fn frontier_table(points: &[FrontierPoint]) -> String {
    if points.is_empty() {
        return String::new();
    }
    let row = |point: &FrontierPoint| {
        vec![
            words::gain(point.least_gain_db),
            words::gain(point.mean_gain_db),
            words::percent(point.improved),
            words::percent(point.worsened),
            words::decibels(point.undamaged_db),
            words::percent(point.left_alone),
        ]
    };
    Table {
        caption: "Gain and harm by the least gain that is expected",
        columns: &["expected more than", "gain", "better", "worse", "needed nothing, after", "left alone"],
        rows: points.iter().map(row).collect(),
        marked: None,
    }
    .html()
}

fn calibration_table(parts: &[Calibration]) -> String {
    if parts.is_empty() {
        return String::new();
    }
    let row = |part: &Calibration| {
        vec![words::gain(part.expected_db), words::gain(part.gained_db), words::count_of(part.photos)]
    };
    Table {
        caption: "Expected and gained",
        columns: &["expected", "gained", "photos"],
        rows: parts.iter().map(row).collect(),
        marked: None,
    }
    .html()
}
