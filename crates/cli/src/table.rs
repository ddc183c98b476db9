//! The table that ends a training or an evaluation.

use std::fmt::Write;

use dodge_hparams::Choice;
use dodge_preprocess::DamageProtocol;
use dodge_rl::{Evaluation, FrontierPoint, Material, Summary};

/// The agent and the baselines, one line each, and what the columns mean.
pub(crate) fn of(evaluation: &Evaluation) -> String {
    let test = &evaluation.test;
    let (photos, undamaged) = (test.photos, test.undamaged.photos);
    let mut text = match evaluation.material() {
        Material::Damaged(protocol) => {
            // The standard damage is what stands in the documents: others are told.
            let other = match protocol {
                DamageProtocol::Standard => String::new(),
                other => format!(" (damage: {})", other.name()),
            };
            let photographs = evaluation.photographs;
            format!(
                "On {photographs} photographs that were not trained on, {photos} times damaged{other} and {undamaged} times not:\n\n\
                 {DAMAGED_COLUMNS}"
            )
        }
        Material::Pairs => format!(
            "On {photos} pairs that were edited, and {undamaged} that were not, none of them trained on:\n\n{PAIRS_COLUMNS}"
        ),
    };
    let rows: Vec<(&str, &Summary)> = [("agent", test)].into_iter().chain(evaluation.baselines.by_name()).collect();
    rows.iter().for_each(|(name, summary)| line(&mut text, &in_words(name), summary));
    text.push_str(match evaluation.material() {
        Material::Damaged(_) => DAMAGED_WORDS,
        Material::Pairs => PAIRS_WORDS,
    });
    if let Some([low, high]) = evaluation.gain_interval_db {
        let gain = test.mean_psnr_final_db - test.mean_psnr_degraded_db;
        let _ = writeln!(
            text,
            "The agent's mean gain is {gain:+.2} dB, and {low:+.2} to {high:+.2} dB in 95 of 100 such sets."
        );
    }
    text.push_str(COST_COLUMNS);
    rows.iter().for_each(|(name, summary)| cost_line(&mut text, name, summary, evaluation));
    if !evaluation.frontier.is_empty() {
        text.push_str(FRONTIER_COLUMNS);
        evaluation.frontier.iter().for_each(|point| frontier_line(&mut text, point));
    }
    text
}

fn in_words(name: &str) -> String {
    name.replace("one_step", "one-step").replace('_', " ")
}

const COST_COLUMNS: &str = "
How alike in structure (SSIM, 1: equal) and in colour (mean CIEDE2000, 1: just noticeable), and what it takes to find the edits
                        SSIM      colour difference     asks the juror  milliseconds
                  before  after     before  after      times per photo     per photo
";

fn cost_line(text: &mut String, name: &str, s: &Summary, evaluation: &Evaluation) {
    let figure = |value: Option<f64>, digits: usize| value.map_or_else(|| "-".to_owned(), |v| format!("{v:.digits$}"));
    let cost = evaluation.costs.get(name);
    let (calls, time) = (cost.map(|cost| cost.juror_calls_per_photo), cost.map(|cost| cost.milliseconds_per_photo));
    let _ = writeln!(
        text,
        "{:>16}  {:>6} {:>6}     {:>6} {:>6}  {:>19} {:>13}",
        in_words(name),
        figure(s.mean_ssim_degraded, 3),
        figure(s.mean_ssim_final, 3),
        figure(s.mean_delta_e_degraded, 2),
        figure(s.mean_delta_e_final, 2),
        figure(calls, 1),
        figure(time, 2),
    );
}

const FRONTIER_COLUMNS: &str = "
How bold is it to be? It touches photos of which it expects more than
 expected    gain  better  worse  undamaged  left alone
";

fn frontier_line(text: &mut String, point: &FrontierPoint) {
    let undamaged = point.undamaged_db.map_or_else(|| "-".to_owned(), |db| format!("{db:.1} dB"));
    let alone = point.left_alone.map_or_else(|| "-".to_owned(), |share| format!("{:.0} %", 100.0 * share));
    let _ = writeln!(
        text,
        "{:6.2} dB {:+7.2} {:5.0} % {:4.0} % {undamaged:>10} {alone:>11}",
        point.least_gain_db,
        point.mean_gain_db,
        100.0 * point.improved,
        100.0 * point.worsened,
    );
}

const DAMAGED_COLUMNS: &str = "                     score of the juror            PSNR to the original
                  before  after  original  recovered  success  before  after   better  worse  edits  undamaged
";

const PAIRS_COLUMNS: &str = "                     score of the juror            PSNR to the photo after
                  before  agent     after  recovered  success  before  agent   better  worse  edits  untouched
";

const DAMAGED_WORDS: &str = "
recovered: share of the score lost to damage that came back; success: final score at least the original's;
better, worse: PSNR rose or fell by more than 0.1 dB; undamaged: PSNR of photos that needed nothing (60 dB: untouched).
";

const PAIRS_WORDS: &str = "
before, after: the photo before and after it was edited; agent: what the agent, or the baseline, made of it;
recovered: share of the way from the score before to that after; success: score at least that of the photo after;
better, worse: PSNR rose or fell by more than 0.1 dB; untouched: PSNR of photos that were left as they are (60 dB: so they are).
";

fn line(text: &mut String, name: &str, s: &Summary) {
    let undamaged =
        if s.undamaged.photos == 0 { "-".to_owned() } else { format!("{:.1} dB", s.undamaged.mean_psnr_db) };
    let _ = writeln!(
        text,
        "{name:>16}  {:6.2} {:6.2}  {:8.2}  {:9.2}  {:5.0} %  {:6.1} {:6.1} dB {:4.0} % {:4.0} % {:6.1}  {undamaged:>9}",
        s.mean_degraded_score,
        s.mean_final_score,
        s.mean_original_score,
        s.recovered,
        100.0 * s.success_rate,
        s.mean_psnr_degraded_db,
        s.mean_psnr_final_db,
        100.0 * s.improved,
        100.0 * s.worsened,
        s.mean_steps,
    );
}
