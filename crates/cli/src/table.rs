//! The table that ends a training or an evaluation.

use std::fmt::Write;

use dodge_rl::{Evaluation, Summary};

/// The agent and the baselines, one line each, and what the columns mean.
pub(crate) fn of(evaluation: &Evaluation) -> String {
    let baselines = &evaluation.baselines;
    let test = &evaluation.test;
    let mut text = format!(
        "On {} damaged and {} undamaged photos that were not trained on:\n\n",
        test.photos, test.undamaged.photos
    );
    text.push_str("                     score of the juror            PSNR to the original\n");
    text.push_str(
        "                  before  after  original  recovered  success  before  after   better  worse  edits  undamaged\n",
    );
    for (name, summary) in [
        ("agent", test),
        ("do nothing", &baselines.do_nothing),
        ("random", &baselines.random),
        ("best single edit", &baselines.best_single_edit),
        ("one-step greedy", &baselines.one_step_greedy),
    ] {
        line(&mut text, name, summary);
    }
    text.push_str(
        "\nrecovered: share of the score lost to damage that came back; success: final score at least the original's;\n\
         better, worse: PSNR rose or fell by more than 0.1 dB; undamaged: PSNR of photos that needed nothing (60 dB: \
         untouched).\n",
    );
    text
}

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
