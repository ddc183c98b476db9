//! How a few photos came out as the agent learnt: frames that follow each other, or stand below each other.

use std::fmt::Write;

use crate::html::picture;
use crate::record::{Frame, Record};
use crate::section::{Names, Section};
use crate::words;

/// How long a frame is seen, in seconds.
const SECONDS: f64 = 0.9;

/// The timeline. It moves by the style sheet alone, stands still at a click, and does not move where a reader wants no motion.
pub(crate) fn section(record: &Record) -> Option<Section> {
    let timeline = record.timeline.as_ref()?;
    let frames: Vec<(&Frame, String)> =
        timeline.frames.iter().filter_map(|frame| Some((frame, shown(frame)?))).collect();
    if frames.is_empty() {
        return None;
    }
    let names = Names::of(record.results.as_ref().is_some_and(|results| results.is_of_pairs()));
    let mut html = String::from(
        "<p>The same validation photos after more and more steps; none of them had been learnt from by then.</p>\n\
         <p><label><input type=\"checkbox\" class=\"still\"> all at once, without motion</label></p>\n",
    );
    let count = frames.len() as f64;
    let _ = writeln!(
        html,
        "<style>@keyframes frame{{0%,{:.3}%{{opacity:1}}{:.3}%,100%{{opacity:0}}}}.frames figure{{animation-duration:{:.1}s}}</style>",
        100.0 / count - 0.001,
        100.0 / count,
        SECONDS * count
    );
    html.push_str("<div class=\"timeline\">\n");
    let still = |html: &mut String, of: &str, jpeg: Option<&Vec<u8>>| {
        if let Some(picture) = jpeg.and_then(|jpeg| picture(jpeg, &format!("validation photos, {of}"))) {
            let _ = writeln!(html, "<figure>{picture}<figcaption>{of}</figcaption></figure>");
        }
    };
    still(&mut html, names.before, timeline.before.as_ref());
    html.push_str("<div class=\"frames\">\n");
    for (index, (frame, picture)) in frames.iter().enumerate() {
        // A single frame, and the last where nothing moves, is seen all the time.
        let delay = SECONDS * index as f64 - SECONDS * count;
        let _ = writeln!(
            html,
            "<figure style=\"animation-delay:{delay:.1}s\">{picture}<figcaption>{} after {} steps: {} on all validation photos</figcaption></figure>",
            names.agent,
            words::count(frame.step),
            words::gain(Some(frame.gain_db))
        );
    }
    html.push_str("</div>\n");
    still(&mut html, names.goal, timeline.goal.as_ref());
    html.push_str("</div>\n");
    Some(Section { anchor: "timeline", title: "A few photos as it learnt", html })
}

fn shown(frame: &Frame) -> Option<String> {
    picture(&frame.picture, &format!("validation photos, what the agent made of them after {} steps", frame.step))
}
