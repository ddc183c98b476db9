//! What the agent did to photos, in pictures.

use std::fmt::Write;

use crate::html::{escaped, name, picture};
use crate::record::{Edit, Measure, Record, Test};
use crate::section::{Names, Section};
use crate::words;

/// A change of PSNR that counts, in decibels.
const NOTICED_DB: f64 = 0.1;

/// The photos that are shown.
pub(crate) fn section(record: &Record) -> Option<Section> {
    let shown: Vec<&Test> = record.tests.iter().filter(|test| test.pictures.is_some()).collect();
    if shown.is_empty() {
        return None;
    }
    let names = Names::of(record.results.as_ref().is_some_and(|results| results.is_of_pairs()));
    let mut html = format!(
        "<p>{} of {} tests. A green frame: nearer to the {} than before by more than 0.1 dB; red: further away; grey: alike.</p>\n\
         <div class=\"photos\">\n",
        words::count(shown.len() as u64),
        words::count(record.tests.len() as u64),
        escaped(names.goal)
    );
    for test in shown {
        html.push_str(&one(test, names));
    }
    html.push_str("</div>\n");
    Some(Section { anchor: "photos", title: "Photos: before, after, and what was done", html })
}

/// How a photo came out: a class of the style sheet, which is a word, too.
fn outcome(test: &Test) -> &'static str {
    match gain_db(test) {
        Some(gain) if gain > NOTICED_DB => "better",
        Some(gain) if gain < -NOTICED_DB => "worse",
        _ => "alike",
    }
}

fn gain_db(test: &Test) -> Option<f64> {
    Some(test.after.psnr_db? - test.before.psnr_db?)
}

fn one(test: &Test, names: Names) -> String {
    let outcome = outcome(test);
    let needed = if test.is_damaged { "" } else { ", needed nothing" };
    // A photo that was whole before can gain nothing, and what it loses is told by what is left of it.
    let badge = match (test.is_damaged, outcome) {
        (false, "alike") => "left as it was".to_owned(),
        (false, _) => format!("{outcome}: {} to itself", words::decibels(test.after.psnr_db)),
        (true, _) => format!("{outcome} {}", words::gain(gain_db(test))),
    };
    let mut html = format!(
        "<article class=\"photo {outcome}\">\n<h3>{}{needed} <span class=\"badge\">{badge}</span></h3>\n<div class=\"three\">\n",
        name(&test.photo)
    );
    let pictures = test.pictures.as_ref();
    let tile = |html: &mut String, of: &str, jpeg: Option<&Vec<u8>>, measured: &str| {
        let description = format!("{}, {of}: {}", test.photo, measured.replace("<br>", ", "));
        let picture =
            jpeg.and_then(|jpeg| picture(jpeg, &description)).unwrap_or_else(|| "<p>no picture</p>".to_owned());
        let _ = writeln!(
            html,
            "<figure class=\"{}\">{picture}<figcaption><b>{of}</b><br>{measured}</figcaption></figure>",
            of.split(' ').next().unwrap_or_default()
        );
    };
    let before = if test.is_damaged { names.before } else { "as it was" };
    tile(&mut html, before, pictures.and_then(|it| it.before.as_ref()), &measured(&test.before));
    tile(&mut html, names.agent, pictures.and_then(|it| it.after.as_ref()), &measured(&test.after));
    let goal = format!("score {}", words::fixed(test.original_score, 2));
    tile(&mut html, names.goal, pictures.and_then(|it| it.original.as_ref()), &goal);
    html.push_str("</div>\n");
    html.push_str(&edits(test));
    html.push_str("</article>\n");
    html
}

fn measured(measure: &Measure) -> String {
    format!("{}<br>score {}", words::decibels(measure.psnr_db), words::fixed(measure.score, 2))
}

fn edits(test: &Test) -> String {
    let expected = match test.expected_gain_db {
        Some(gain) => format!("expected to gain {}", words::gain(Some(gain))),
        None => String::new(),
    };
    if test.edits.is_empty() {
        let why = if expected.is_empty() { String::new() } else { format!(": an edit was {expected}") };
        return format!("<p>Left as it is{why}.</p>\n");
    }
    let mut html = String::new();
    if !expected.is_empty() {
        let _ = writeln!(html, "<p>The agent {expected}.</p>");
    }
    html.push_str("<ol class=\"edits\">\n");
    for edit in &test.edits {
        html.push_str(&one_edit(edit, &test.photo));
    }
    html.push_str("</ol>\n");
    html
}

fn one_edit(edit: &Edit, photo: &str) -> String {
    let description = format!("{photo} after {}", edit.label);
    let picture = edit.picture.as_ref().and_then(|jpeg| picture(jpeg, &description)).unwrap_or_default();
    let (words, label) = (escaped(&edit.words), escaped(&edit.label));
    let after = if edit.after == Measure::default() {
        String::new()
    } else {
        format!("<br>then {}", measured(&edit.after).replace("<br>", ", "))
    };
    format!("<li>{picture}<span>{words} <code>{label}</code>{after}</span></li>\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcomes_are_told_by_what_came_of_the_photo() {
        let test = |is_damaged, before, after| {
            let measure = |psnr_db| Measure { psnr_db: Some(psnr_db), score: None };
            let test = Test { is_damaged, before: measure(before), after: measure(after), ..Test::default() };
            one(&test, Names::of(false))
        };
        let cases = [
            (test(true, 20.0, 23.5), "photo better", "better +3.50 dB"),
            (test(true, 20.0, 19.0), "photo worse", "worse −1.00 dB"),
            (test(true, 20.0, 20.05), "photo alike", "alike +0.05 dB"),
            (test(false, 60.0, 37.4), "photo worse", "worse: 37.4 dB to itself"),
            (test(false, 60.0, 60.0), "photo alike", "left as it was"),
        ];
        for (html, class, badge) in cases {
            assert!(html.contains(class) && html.contains(&format!("<span class=\"badge\">{badge}</span>")), "{html}");
        }
        assert!(one(&Test::default(), Names::of(true)).contains("no picture"), "nothing is known of it");
    }
}
