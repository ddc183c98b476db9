//! The head: what came of the run, in plain words.

use std::fmt::Write;

use crate::html::{escaped, name};
use crate::record::{Record, Results, Summary};
use crate::section::Names;
use crate::words;

/// The head of the page.
pub(crate) fn html(record: &Record) -> String {
    let mut html = format!("<header>\n<p class=\"over\">Dodge: report of a run</p>\n<h1>{}</h1>\n", name(&record.name));
    let _ = writeln!(html, "<p class=\"lead\">{}</p>", lead(record));
    if let Some(results) = &record.results {
        html.push_str(&cards(results));
    }
    if !record.missing.is_empty() {
        html.push_str("<div class=\"missing\"><p><b>What is not in this report</b></p><ul>");
        for words in &record.missing {
            let _ = write!(html, "<li>{}</li>", escaped(words));
        }
        html.push_str("</ul></div>\n");
    }
    html.push_str("</header>\n");
    html
}

fn lead(record: &Record) -> String {
    let Some(results) = &record.results else {
        return "This run has not been measured on its test photos: what is known of it so far is below.".to_owned();
    };
    let test = &results.test;
    let photographs = results.photographs.unwrap_or_default();
    let mut lead = if results.is_of_pairs() {
        let pairs = words::counted(test.photos.unwrap_or_default(), "pair that was edited", "pairs that were edited");
        format!("On {pairs} by hand, none of them trained on, ")
    } else {
        let photographs = words::counted(photographs, "photograph", "photographs");
        let damaged = words::count_of(test.photos);
        format!("On {photographs} that were not trained on, {damaged} times damaged, ")
    };
    let goal = if results.is_of_pairs() { "what was made of it by hand" } else { "its original" };
    let _ = match test.gain_db() {
        Some(gain) if gain >= 0.0 => {
            write!(lead, "the agent brings a photo <b>{:.2} dB nearer to {goal}</b> in the mean.", gain)
        }
        Some(gain) => {
            write!(lead, "the agent takes a photo <b>{:.2} dB further away from {goal}</b> in the mean.", -gain)
        }
        None => write!(lead, "nothing was measured."),
    };
    if let Some([low, high]) = results.gain_interval_db {
        let (low_words, high_words) = (words::gain(Some(low)), words::gain(Some(high)));
        let chance = if low <= 0.0 && high >= 0.0 { "; as it holds 0, all of this may be chance" } else { "" };
        let _ = write!(
            lead,
            " With other photos like these it would lie between {low_words} and {high_words} (95 of 100 times){chance}."
        );
    }
    lead.push_str(" Halving the difference is 6 dB.");
    lead
}

fn cards(results: &Results) -> String {
    let test = &results.test;
    let names = Names::of(results.is_of_pairs());
    let mut cards = String::from("<div class=\"cards\">\n");
    let mut card = |title: &str, figure: &str, below: &str| {
        let _ = writeln!(
            cards,
            "<div class=\"card\"><p class=\"of\">{title}</p><p class=\"figure\">{figure}</p>{below}</div>"
        );
    };
    let interval = results.gain_interval_db.map_or_else(String::new, |[low, high]| {
        format!("<br>95 of 100 times {} to {}", words::gain(Some(low)), words::gain(Some(high)))
    });
    let (before, after) = (words::decibels(test.mean_psnr_degraded_db), words::decibels(test.mean_psnr_final_db));
    card("Gain", &words::gain(test.gain_db()), &format!("<p>PSNR {before} → {after}{interval}</p>"));
    card(&format!("Of {}", names.gained_on), &format!("{} better", words::percent(test.improved)), &shares(test));
    if test.undamaged.photos.unwrap_or_default() > 0 {
        let untouched = format!(
            "<p>Left exactly as they were; all of them keep {} in the mean (60 dB: untouched)</p>",
            words::decibels(test.undamaged.mean_psnr_db)
        );
        let title = format!(
            "Of {} that needed nothing",
            words::counted(test.undamaged.photos.unwrap_or_default(), "photo", "photos")
        );
        card(&title, &words::percent(test.undamaged.left_alone), &untouched);
    }
    let scores = format!(
        "<p>from {}; {}: {}</p>",
        words::fixed(test.mean_degraded_score, 2),
        names.goal,
        words::fixed(test.mean_original_score, 2)
    );
    card("Score of the juror, 0 to 10", &words::fixed(test.mean_final_score, 2), &scores);
    cards.push_str("</div>\n");
    cards
}

/// A bar of the shares that became better, stayed alike and became worse.
fn shares(test: &Summary) -> String {
    let (Some(better), Some(worse)) = (test.improved, test.worsened) else { return String::new() };
    let alike = (1.0 - better - worse).max(0.0);
    let parts = [("better", better), ("alike", alike), ("worse", worse)];
    let mut html = String::from("<div class=\"shares\" aria-hidden=\"true\">");
    for (name, share) in parts {
        let _ = write!(html, "<i style=\"width:{:.2}%;background:var(--{name})\"></i>", 100.0 * share.clamp(0.0, 1.0));
    }
    html.push_str("</div><p>");
    let words =
        parts.map(|(name, share)| format!("<span class=\"{name}\">{} {name}</span>", words::percent(Some(share))));
    html.push_str(&words.join(", "));
    html.push_str(" (by more than 0.1 dB)</p>");
    html
}
