//! The page of results: what the reports of several seeds say, as Markdown.

use std::fmt::Write;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

/// The first line, by which the page is known as ours.
pub(crate) const MARK: &str = "<!-- Made by `cargo xtask results`; what is changed here by hand is lost. -->";

/// What was measured on one set of photos.
pub(crate) struct Section {
    pub(crate) title: String,
    /// What a reader types, with N for the seed.
    pub(crate) command: String,
    pub(crate) seeds: Vec<u64>,
    /// What `--json` printed for each seed.
    pub(crate) reports: Vec<Value>,
}

pub(crate) struct Page {
    version: String,
    sections: Vec<Section>,
}

impl Page {
    pub(crate) fn new(version: String) -> Self {
        Self { version, sections: Vec::new() }
    }

    pub(crate) fn push(&mut self, section: Section) {
        self.sections.push(section);
    }

    /// # Errors
    /// When a report lacks a figure.
    pub(crate) fn to_markdown(&self) -> Result<String> {
        let mut text = format!(
            "{MARK}\n\n# Results\n\nMeasured with {}. Each figure is the mean of the seeds named, and in brackets the lowest and the highest of them. \
             Gain is in PSNR to the original (of pairs: to the photo after) on damaged (edited) photos; better and worse are the shares that gained or \
             lost more than 0.1 dB; *undamaged* is the PSNR of photos that needed nothing to themselves (60 dB: untouched). SSIM and colour \
             difference (CIEDE2000) are those after. What the rows are is in [training](training.md#the-summary-figures).\n",
            self.version
        );
        for section in &self.sections {
            section.write(&mut text).with_context(|| format!("the reports of {:?} are not complete", section.title))?;
        }
        Ok(text)
    }
}

const COLUMNS: &str = "\n| | gain | better | worse | undamaged | score recovered | SSIM | colour difference | asks the juror | ms per photo |\n\
                       |---|---|---|---|---|---|---|---|---|---|\n";

impl Section {
    fn write(&self, text: &mut String) -> Result<()> {
        ensure!(!self.reports.is_empty() && self.reports.len() == self.seeds.len(), "there is not one for each seed");
        let seeds: Vec<String> = self.seeds.iter().map(u64::to_string).collect();
        let each = |key: &str| self.each(|report| report[key].as_f64().with_context(|| format!("no `{key}`")));
        let photographs = plain(&each("photographs")?, 0);
        let _ = write!(
            text,
            "\n## {}\n\n`{}`, N: {}. {photographs} photographs are measured on.",
            self.title,
            self.command,
            seeds.join(", ")
        );
        if let Some(hash) = self.reports[0]["content_hash"].as_str() {
            let _ = write!(text, " The content hash of all begins with `{}`.", hash.get(..12).unwrap_or(hash));
        }
        if let (Ok(steps), Ok(seconds)) = (each("steps"), each("wall_seconds")) {
            let _ = write!(text, " {} steps in {} s.", plain(&steps, 0), plain(&seconds, 0));
        }
        text.push('\n');
        text.push_str(COLUMNS);
        let agent = self.row("agent", |report| &report["test"])?;
        text.push_str(&agent);
        let baselines = self.reports[0]["baselines"].as_object().context("no `baselines`")?;
        // In the order of the table that dodge prints; what is new there comes last.
        let place = |name: &str| ORDER.iter().position(|known| *known == name).unwrap_or(ORDER.len());
        let mut names: Vec<&String> = baselines.keys().collect();
        names.sort_by_key(|name| (place(name), (*name).clone()));
        for name in names {
            text.push_str(&self.row(name, |report| &report["baselines"][name])?);
        }
        if self.reports.iter().all(|report| report["gain_interval_db"].is_array()) {
            text.push_str("\nOf the agent's mean gain, in 95 of 100 such sets of photographs:");
            for (seed, report) in self.seeds.iter().zip(&self.reports) {
                let end = |index: usize| report["gain_interval_db"][index].as_f64().unwrap_or(f64::NAN);
                let _ = write!(text, " {:.2} to {:.2} dB (seed {seed}),", end(0), end(1));
            }
            text.pop();
            text.push_str(".\n");
        }
        Ok(())
    }

    fn each(&self, figure: impl Fn(&Value) -> Result<f64>) -> Result<Vec<f64>> {
        self.reports.iter().map(figure).collect()
    }

    /// A line of the table. Only gain, shares and score are always there.
    fn row<'a>(&'a self, name: &str, summary: impl Fn(&'a Value) -> &'a Value) -> Result<String> {
        let number = |value: &Value, key: &str| value[key].as_f64().with_context(|| format!("{name} has no `{key}`"));
        let of = |key: &'static str| {
            self.reports.iter().map(|report| number(summary(report), key)).collect::<Result<Vec<_>>>()
        };
        let before = of("mean_psnr_degraded_db")?;
        let gains: Vec<f64> =
            of("mean_psnr_final_db")?.iter().zip(&before).map(|(after, before)| after - before).collect();
        let share = |key| Ok::<_, anyhow::Error>(of(key)?.iter().map(|share| 100.0 * share).collect::<Vec<_>>());
        let whole: Result<Vec<f64>> = self
            .reports
            .iter()
            .map(|report| &summary(report)["undamaged"])
            .filter(|undamaged| undamaged["photos"] != 0)
            .map(|undamaged| number(undamaged, "mean_psnr_db"))
            .collect();
        let whole = whole?;
        let costs = |key| self.each(|report| number(&report["costs"][name], key));
        let optional =
            |values: Result<Vec<f64>>, digits| values.map_or_else(|_| "–".to_owned(), |it| spread(&it, digits));
        Ok(format!(
            "| {} | {} dB | {} % | {} % | {} | {} | {} | {} | {} | {} |\n",
            name.replace("one_step", "one-step").replace('_', " "),
            signed(&gains),
            spread(&share("improved")?, 0),
            spread(&share("worsened")?, 0),
            if whole.is_empty() { "–".to_owned() } else { format!("{} dB", spread(&whole, 1)) },
            spread(&of("recovered")?, 2),
            optional(of("mean_ssim_final"), 3),
            optional(of("mean_delta_e_final"), 2),
            optional(costs("juror_calls_per_photo"), 0),
            optional(costs("milliseconds_per_photo"), 2),
        ))
    }
}

/// The baselines as dodge's own table has them.
const ORDER: [&str; 9] = [
    "do_nothing",
    "random",
    "auto",
    "best_single_edit",
    "constant_edit",
    "one_step_greedy",
    "beam_search",
    "nearest_edits",
    "model_in_the_box",
];

fn mean(values: &[f64]) -> f64 {
    // Adding 0 turns -0 into 0.
    values.iter().sum::<f64>() / values.len().max(1) as f64 + 0.0
}

fn ends(values: &[f64], digits: usize) -> [String; 2] {
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    [low, high].map(|value| format!("{:.digits$}", value + 0.0))
}

/// The mean, and the lowest and highest in brackets where they differ as written.
fn spread(values: &[f64], digits: usize) -> String {
    let [low, high] = ends(values, digits);
    let mean = format!("{:.digits$}", mean(values));
    if low == high { mean } else { format!("{mean} ({low} to {high})") }
}

/// The same with a sign, and two digits.
fn signed(values: &[f64]) -> String {
    let text = spread(values, 2);
    if text.starts_with('-') || mean(values) == 0.0 { text } else { format!("+{text}") }
}

/// The value, or the lowest and highest.
fn plain(values: &[f64], digits: usize) -> String {
    let [low, high] = ends(values, digits);
    if low == high { low } else { format!("{low} to {high}") }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn summary(after: f64, improved: f64) -> Value {
        json!({"photos": 8, "mean_psnr_degraded_db": 20.0, "mean_psnr_final_db": after, "improved": improved, "worsened": 0.125,
            "recovered": 0.5, "mean_ssim_final": 0.9, "mean_delta_e_final": 5.0, "undamaged": {"photos": 2, "mean_psnr_db": 48.0}})
    }

    fn report(after: f64, improved: f64) -> Value {
        let mut nothing = summary(20.0, 0.0);
        nothing["undamaged"]["photos"] = 0.into();
        nothing.as_object_mut().expect("an object").remove("mean_ssim_final");
        json!({"photographs": 40, "steps": 2048, "wall_seconds": 10.0, "content_hash": "0123456789abcdef", "gain_interval_db": [2.5, 4.25],
            "test": summary(after, improved), "baselines": {"zebra": summary(19.0, 0.25), "do_nothing": nothing},
            "costs": {"agent": {"juror_calls_per_photo": 0.0, "milliseconds_per_photo": 1.5}}})
    }

    fn page(reports: Vec<Value>) -> Page {
        let mut page = Page::new("commit 01ab".to_owned());
        let seeds = (1..=reports.len() as u64).collect();
        let (title, command) = ("Trained on a".to_owned(), "dodge train --photos a --seed N".to_owned());
        page.push(Section { title, command, seeds, reports });
        page
    }

    #[test]
    fn figures_by_hand() {
        let text =
            page(vec![report(23.0, 0.5), report(24.0, 0.75), report(23.5, 0.625)]).to_markdown().expect("complete");
        assert!(text.starts_with(MARK) && text.contains("Measured with commit 01ab."), "{text}");
        let wanted = "\n## Trained on a\n\n`dodge train --photos a --seed N`, N: 1, 2, 3. 40 photographs are measured on. The content hash of all \
                      begins with `0123456789ab`. 2048 steps in 10 s.\n";
        assert!(text.contains(wanted), "{text}");
        let rows: Vec<&str> = text.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| |")).collect();
        assert_eq!(
            rows,
            [
                "| agent | +3.50 (3.00 to 4.00) dB | 62 (50 to 75) % | 12 % | 48.0 dB | 0.50 | 0.900 | 5.00 | 0 | 1.50 |",
                "| do nothing | 0.00 dB | 0 % | 12 % | – | 0.50 | – | 5.00 | – | – |",
                "| zebra | -1.00 dB | 25 % | 12 % | 48.0 dB | 0.50 | 0.900 | 5.00 | – | – |",
            ]
        );
        assert!(
            text.contains("2.50 to 4.25 dB (seed 1), 2.50 to 4.25 dB (seed 2), 2.50 to 4.25 dB (seed 3).\n"),
            "{text}"
        );
    }

    #[test]
    fn a_report_without_a_figure_is_named() {
        let mut broken = report(23.0, 0.5);
        broken["test"].as_object_mut().expect("an object").remove("worsened");
        let error = page(vec![broken]).to_markdown().expect_err("a figure is missing");
        let chain = format!("{error:#}");
        assert!(chain.contains("Trained on a") && chain.contains("agent has no `worsened`"), "{chain}");
        let error = page(Vec::new()).to_markdown().expect_err("no report");
        assert!(format!("{error:#}").contains("not one for each seed"), "{error:#}");
    }
}
