//! The table that ends a training or an evaluation.

use std::fmt::Write;

use dodge_rl::{Evaluation, Material, Summary};

/// The agent and the baselines, one line each, and what the columns mean.
pub(crate) fn of(evaluation: &Evaluation) -> String {
    let test = &evaluation.test;
    let (photos, undamaged) = (test.photos, test.undamaged.photos);
    let mut text = match evaluation.material() {
        Material::Damaged => {
            format!(
                "On {photos} damaged and {undamaged} undamaged photos that were not trained on:\n\n{DAMAGED_COLUMNS}"
            )
        }
        Material::Pairs => format!(
            "On {photos} pairs that were edited, and {undamaged} that were not, none of them trained on:\n\n{PAIRS_COLUMNS}"
        ),
    };
    line(&mut text, "agent", test);
    for (name, summary) in evaluation.baselines.by_name() {
        let name = name.replace("one_step", "one-step").replace('_', " ");
        line(&mut text, &name, summary);
    }
    text.push_str(match evaluation.material() {
        Material::Damaged => DAMAGED_WORDS,
        Material::Pairs => PAIRS_WORDS,
    });
    text
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
