//! That learning happens: a real training, about a minute on two cores.

use dodge_tests::Scratch;

/// Half of the quick preset. It brought +2.1 dB on its validation photos at this point of 180,000 steps, whose end is +2.8 dB
/// on the test split; a broken reward, mask, advantage or selection brings nothing, or harm.
#[test]
fn an_agent_trained_on_photographs_made_by_the_program_helps() {
    let scratch = Scratch::new();
    let report = scratch.dodge(&["train", "--preset=quick", "--steps=102400", "--seed=1", "--json"]).succeeded().json();
    let test = &report["test"];
    let figure = |name: &str| test[name].as_f64().unwrap();
    assert!(figure("mean_psnr_final_db") > figure("mean_psnr_degraded_db") + 1.2, "{test}");
    assert!(figure("improved") > 0.35 && figure("improved") > 3.0 * figure("worsened"), "{test}");
    assert!(test["undamaged"]["mean_psnr_db"].as_f64().unwrap() > 42.0, "{test}");
}
