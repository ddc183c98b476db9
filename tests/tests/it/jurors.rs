//! `dodge juror`.

use dodge_tests::Scratch;

use crate::photos::folder_of_photos;

#[test]
fn a_juror_is_checked_on_a_folder() {
    let scratch = Scratch::new();
    folder_of_photos(&scratch.path("photos"), 3);
    let check = |arguments: &[&str]| {
        let common = ["juror", "check", "--photos=photos"];
        scratch.dodge(&[&common[..], arguments].concat()).succeeded()
    };
    let json = check(&["--json"]).json();
    assert_eq!((&json["juror"], &json["photos"], &json["failed"]), (&"classical-1".into(), &3.into(), &0.into()));
    let by_damage = json["by_damage"].as_object().unwrap();
    let accuracies: Vec<f64> = by_damage.values().map(|value| value.as_f64().unwrap()).collect();
    assert_eq!(accuracies.len(), 24);
    let mean = accuracies.iter().sum::<f64>() / 24.0;
    assert!((json["overall"].as_f64().unwrap() - mean).abs() < 1e-9);
    assert_eq!(by_damage["noise 15"], 1.0);
    assert_eq!(check(&["--json", "--seed=1", "--juror=classical"]).json(), json, "these are the defaults");
    let words = check(&[]).stdout;
    assert!(words.contains("asked about 3 photos") && words.contains("overall"), "{words}");
}
