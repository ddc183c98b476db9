//! What is printed of a study, and the configuration file of its best trial.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt::Write;

use dodge_hparams::{FORMAT_VERSION, Registry};
use serde_json::{Value, json};

use crate::study::{State, Study, Trial};
use crate::text;

/// The table of all trials, the best first.
pub(crate) fn table(study: &Study) -> String {
    let mut trials: Vec<&Trial> = study.trials.iter().collect();
    trials.sort_by(|a, b| order(a, b));
    let mut text = format!(
        "{} trials on {}, judged by {} (seed {}, {}):\n\n{:>5}  {:8} {:>9} {:>9} {:>8}  values\n",
        trials.len(),
        study.plan.photos,
        study.plan.metric,
        study.plan.seed,
        study.plan.sampler,
        "trial",
        "state",
        "value",
        "steps",
        "seconds",
    );
    for trial in trials {
        let value = trial.value.map_or_else(|| "-".to_owned(), |value| format!("{value:+.3}"));
        let mut values: Vec<String> =
            trial.values.iter().map(|(name, value)| format!("{name}={}", shortened(value))).collect();
        if trial.number == 0 {
            values.push("(as they stand)".to_owned());
        }
        values.extend(trial.reason.iter().map(|reason| format!("({reason})")));
        let _ = writeln!(
            text,
            "{:5}  {:8} {value:>9} {:9} {:8.0}  {}",
            trial.number,
            trial.state.name(),
            trial.steps,
            trial.seconds,
            values.join(" ")
        );
    }
    text
}

/// A value in a table: of a long number as many digits as people look at.
fn shortened(value: &str) -> String {
    match value.parse::<f64>() {
        Ok(number) if value.len() > 8 => {
            let rounded: f64 = format!("{number:.3e}").parse().unwrap_or(number);
            format!("{rounded}")
        }
        _ => value.to_owned(),
    }
}

/// Those that were trained to their end before those that were not; of each the best first.
fn order(a: &Trial, b: &Trial) -> Ordering {
    let rank = |trial: &Trial| match trial.state {
        State::Complete => 0,
        State::Pruned => 1,
        State::Running => 2,
        State::Failed => 3,
    };
    let value = |trial: &Trial| trial.value.unwrap_or(f64::NEG_INFINITY);
    rank(a).cmp(&rank(b)).then(value(b).total_cmp(&value(a))).then(a.number.cmp(&b.number))
}

/// The study as the last line of stdout.
pub(crate) fn in_json(study: &Study) -> Value {
    let one = |trial: &Trial| {
        json!({
            "number": trial.number,
            "state": trial.state.name(),
            "value": trial.value,
            "values": trial.values,
            "steps": trial.steps,
            "seconds": trial.seconds,
            "run_id": trial.run_id,
            "run_dir": trial.folder.as_ref().map(|folder| text::lossy(&study.folder().join(folder))),
            "reason": trial.reason,
        })
    };
    let best = study.best();
    json!({
        "study": study.plan.name(),
        "folder": text::lossy(study.folder()),
        "run_id": study.run_id,
        "metric": study.plan.metric,
        "sampler": study.plan.sampler,
        "seed": study.plan.seed,
        "trials": study.trials.iter().map(one).collect::<Vec<_>>(),
        "best": best.map(one),
        "best_config": best.map(|_| text::lossy(&study.folder().join(BEST))),
    })
}

/// The file in a study's folder of the best trial's values.
pub(crate) const BEST: &str = "best.toml";

/// A configuration file of what was tried in a trial, for `--config`. `tried` has its values on top.
pub(crate) fn configuration(study: &Study, trial: &Trial, tried: &Registry) -> String {
    let mut sections: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for entry in tried.entries() {
        let name = format!("{}.{}", entry.section, entry.key);
        // A datum of a choice stands in the value of its choice.
        let is_tried = |other: &String| *other == name || other.starts_with(&format!("{name}."));
        if trial.values.keys().any(is_tried) {
            let line = format!("{} = {}\n", entry.key, entry.value.to_toml());
            sections.entry(entry.section).or_default().push(line);
        }
    }
    let mut text = format!(
        "# Trial {} of the study {}: {} {:.3} after {} environment steps.\nformat_version = {FORMAT_VERSION}\n",
        trial.number,
        study.plan.name(),
        study.plan.metric,
        trial.value.unwrap_or(f64::NAN),
        trial.steps,
    );
    for (section, lines) in sections {
        let _ = write!(text, "\n[{section}]\n{}", lines.concat());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_numbers_are_shortened_and_text_is_not() {
        for (value, shown) in [
            ("0.0003315893787122822", "0.0003316"),
            ("7.341446485788682e-5", "0.00007341"),
            ("0.2", "0.2"),
            ("1048576", "1048576"),
            ("exponential:end=0.5", "exponential:end=0.5"),
        ] {
            assert_eq!(shortened(value), shown);
        }
    }
}
