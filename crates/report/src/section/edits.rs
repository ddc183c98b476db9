//! Which edits the agent makes.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::html::escaped;
use crate::record::{Edit, Record};
use crate::section::Section;
use crate::words;

/// One kind of edit.
#[derive(Debug, Default)]
struct Use {
    /// Tests in which it was made at least once.
    tests: usize,
    /// How often it was made.
    times: usize,
    /// The strengths with which it was made, where it has one.
    strengths: Vec<f64>,
}

/// How often each kind of edit is made, and how strongly.
pub(crate) fn section(record: &Record) -> Option<Section> {
    if record.tests.is_empty() {
        return None;
    }
    let uses = uses(record);
    let tests = record.tests.len();
    let untouched = record.tests.iter().filter(|test| test.edits.is_empty()).count();
    let mut html = format!(
        "<p>Over all {} tests, {} of which were left as they are.</p>\n",
        words::count(tests as u64),
        words::count(untouched as u64)
    );
    if uses.is_empty() {
        html.push_str("<p>The agent made no edit.</p>\n");
        return Some(Section { anchor: "edits", title: "Which edits it makes", html });
    }
    html.push_str(
        "<div class=\"wide\" role=\"region\" tabindex=\"0\" aria-label=\"Edits by kind\">\n<table class=\"bars\">\
         <caption>Edits by kind</caption>\n<thead><tr><th scope=\"col\">edit</th><th scope=\"col\">in so many tests</th>\
         <th scope=\"col\">share</th><th scope=\"col\">made</th><th scope=\"col\">strength: least, median, most</th></tr></thead>\n<tbody>\n",
    );
    for (kind, of_kind) in &uses {
        let share = of_kind.tests as f64 / tests as f64;
        let _ = writeln!(
            html,
            "<tr><th scope=\"row\"><code>{}</code></th><td><i class=\"bar\" style=\"width:{:.1}%\" aria-hidden=\"true\"></i>{}</td>\
             <td>{}</td><td>{}</td><td>{}</td></tr>",
            escaped(kind),
            60.0 * share,
            words::count(of_kind.tests as u64),
            words::percent(Some(share)),
            words::counted(of_kind.times, "time", "times"),
            strengths(&of_kind.strengths)
        );
    }
    html.push_str("</tbody>\n</table>\n</div>\n");
    Some(Section { anchor: "edits", title: "Which edits it makes", html })
}

/// By kind, the most frequent first.
fn uses(record: &Record) -> Vec<(&str, Use)> {
    let mut uses: BTreeMap<&str, Use> = BTreeMap::new();
    for test in &record.tests {
        let mut seen = Vec::new();
        for edit in &test.edits {
            let (kind, strength) = parts(edit);
            let of_kind = uses.entry(kind).or_default();
            of_kind.times += 1;
            of_kind.strengths.extend(strength);
            if !seen.contains(&kind) {
                seen.push(kind);
                of_kind.tests += 1;
            }
        }
    }
    let mut uses: Vec<(&str, Use)> = uses.into_iter().collect();
    uses.sort_by_key(|(_, of_kind)| std::cmp::Reverse(of_kind.tests));
    uses
}

/// Kind and strength of an edit that is called `exposure:0.5`.
fn parts(edit: &Edit) -> (&str, Option<f64>) {
    match edit.label.split_once(':') {
        Some((kind, strength)) => (kind, strength.parse().ok().filter(|strength: &f64| strength.is_finite())),
        None => (&edit.label, None),
    }
}

fn strengths(values: &[f64]) -> String {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let (Some(least), Some(most)) = (sorted.first(), sorted.last()) else { return words::NONE.to_owned() };
    let median = f64::midpoint(sorted[(sorted.len() - 1) / 2], sorted[sorted.len() / 2]);
    [*least, median, *most].map(|value| words::fixed(Some(value), 2)).join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Test;

    #[test]
    fn uses_are_counted_by_hand() {
        let test = |labels: &[&str]| Test {
            edits: labels.iter().map(|label| Edit { label: (*label).to_owned(), ..Edit::default() }).collect(),
            ..Test::default()
        };
        let tests = vec![test(&["gamma:1.2", "gamma:0.8", "flip:vertical"]), test(&["gamma:1.0"]), test(&[])];
        let record = Record { tests, ..Record::default() };
        let uses = uses(&record);
        assert_eq!((uses[0].0, uses[0].1.tests, uses[0].1.times), ("gamma", 2, 3));
        assert_eq!(strengths(&uses[0].1.strengths), "0.80, 1.00, 1.20");
        assert_eq!((uses[1].0, uses[1].1.tests, strengths(&uses[1].1.strengths)), ("flip", 1, words::NONE.to_owned()));
        let html = section(&record).unwrap().html;
        assert!(html.contains("all 3 tests, 1 of which were left as they are"), "{html}");
        assert!(html.contains("<td>67 %</td><td>3 times</td>"), "{html}");
    }

    #[test]
    fn an_agent_that_does_nothing_is_told_so() {
        let record = Record { tests: vec![Test::default()], ..Record::default() };
        assert!(section(&record).unwrap().html.contains("made no edit"));
        assert!(section(&Record::default()).is_none());
    }
}
