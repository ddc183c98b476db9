//! How the agent compares.

use crate::html::Table;
use crate::record::{Cost, Record, Summary};
use crate::section::{Names, Section};
use crate::words;

/// The order of baselines, and what each does.
const KNOWN: [(&str, &str, &str); 9] = [
    ("do_nothing", "do nothing", "leaves every photo as it is"),
    ("random", "random", "makes as many edits as the agent, chosen at random"),
    ("auto", "auto", "corrects white balance and contrast as a program does that has learnt nothing"),
    ("best_single_edit", "best single edit", "applies to every photo the one edit that is best on the training photos"),
    (
        "one_step_greedy",
        "one-step greedy",
        "makes whatever edit the juror likes best, until it likes none: high scores, worse photographs",
    ),
    ("beam_search", "beam search", "does the same along the four best ways at a time"),
    (
        "constant_edit",
        "constant edit",
        "applies to every photo the strengths that are best on the training photos as a whole",
    ),
    ("nearest_edits", "nearest edits", "applies the mean of what was done to the three most similar training photos"),
    ("model_in_the_box", "model in the box", "is the model that comes with the program"),
];

/// The agent and the baselines, one line each.
pub(crate) fn section(record: &Record) -> Option<Section> {
    let results = record.results.as_ref()?;
    let names = Names::of(results.is_of_pairs());
    let known =
        KNOWN.iter().filter_map(|(key, name, _)| Some((*key, (*name).to_owned(), results.baselines.get(*key)?)));
    let is_known = |key: &str| KNOWN.iter().any(|(known, ..)| *known == key);
    let others = results.baselines.iter().filter(|(key, _)| !is_known(key));
    let others = others.map(|(key, summary)| (key.as_str(), key.replace('_', " "), summary));
    let agent = ("agent", "agent".to_owned(), &results.test);
    let all = [agent].into_iter().chain(known).chain(others);
    let rows = all.map(|(key, name, summary)| row(name, summary, results.costs.get(key))).collect();
    let goal = format!("score: {}", names.goal);
    let columns = [
        "",
        "gain",
        "PSNR before",
        "PSNR after",
        "better",
        "worse",
        "needed nothing, after",
        "score before",
        "score after",
        &goal,
        "SSIM after",
        "ΔE after",
        "recovered",
        "success",
        "edits",
        "asks the juror",
        "ms",
    ];
    let table = Table { caption: "The agent and what it is held against", columns: &columns, rows, marked: Some(0) };
    let mut html = table.html();
    html.push_str("<dl class=\"words\">");
    for (_, name, words) in KNOWN.iter().filter(|(key, ..)| results.baselines.contains_key(*key)) {
        html.push_str(&format!("<dt>{name}</dt><dd>{words}</dd>"));
    }
    html.push_str(
        "<dt>recovered</dt><dd>share of the way from the score before to that of the goal</dd>\
         <dt>success</dt><dd>share whose score reaches that of the goal</dd>\
         <dt>asks the juror, ms</dt><dd>photos that a juror is shown, and milliseconds, until the edits of one photo are found</dd></dl>\n",
    );
    Some(Section { anchor: "baselines", title: "How it compares", html })
}

fn row(name: String, summary: &Summary, cost: Option<&Cost>) -> Vec<String> {
    vec![
        name,
        words::gain(summary.gain_db()),
        words::decibels(summary.mean_psnr_degraded_db),
        words::decibels(summary.mean_psnr_final_db),
        words::percent(summary.improved),
        words::percent(summary.worsened),
        words::decibels(summary.undamaged.mean_psnr_db.filter(|_| summary.undamaged.photos.unwrap_or_default() > 0)),
        words::fixed(summary.mean_degraded_score, 2),
        words::fixed(summary.mean_final_score, 2),
        words::fixed(summary.mean_original_score, 2),
        words::fixed(summary.mean_ssim_final, 3),
        words::fixed(summary.mean_delta_e_final, 2),
        words::fixed(summary.recovered, 2),
        words::percent(summary.success_rate),
        words::fixed(summary.mean_steps, 1),
        words::fixed(cost.and_then(|cost| cost.juror_calls_per_photo), 1),
        words::fixed(cost.and_then(|cost| cost.milliseconds_per_photo), 2),
    ]
}
