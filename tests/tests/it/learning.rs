//! That learning happens: a real training, for minutes, where `DODGE_SLOW_TESTS` asks for it.

use dodge_tests::Scratch;

#[test]
fn an_agent_trained_on_synthetic_photos_helps() {
    if std::env::var_os("DODGE_SLOW_TESTS").is_none() {
        dodge_tests::skipped("an_agent_trained_on_synthetic_photos_helps", "DODGE_SLOW_TESTS is not set");
        return;
    }
    let scratch = Scratch::new();
    let report = scratch.dodge(&["train", "--preset=quick", "--seed=1", "--json"]).succeeded().json();
    let test = &report["test"];
    let figure = |name: &str| test[name].as_f64().unwrap();
    assert!(figure("mean_psnr_final_db") > figure("mean_psnr_degraded_db") + 1.0, "{test}");
    assert!(figure("recovered") > 0.2 && figure("improved") > 2.0 * figure("worsened"), "{test}");
    assert!(test["undamaged"]["mean_psnr_db"].as_f64().unwrap() > 40.0, "{test}");
}
