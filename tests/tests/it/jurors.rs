//! `dodge juror`.

#[cfg(unix)]
use std::time::Duration;

use dodge_tests::Scratch;
#[cfg(unix)]
use dodge_tests::{MlflowServer, Running, get, wait_for};

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
    assert_eq!((&json["juror"], &json["photos"], &json["failed"]), (&"classical-2".into(), &3.into(), &0.into()));
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

#[cfg(unix)]
#[test]
fn a_juror_of_a_service_is_the_one_here() {
    let scratch = Scratch::new();
    folder_of_photos(&scratch.path("photos"), 4);
    let port = MlflowServer::free_port();
    let mut serve = scratch.command(&["serve", "juror", "--address", &format!("127.0.0.1:{port}")]);
    serve.env("DODGE_JUROR_TOKEN", "secret");
    let mut service = Running::start(serve, scratch.folder());
    wait_for("the service", Duration::from_secs(20), || get(port, "/health").ok());
    service.assert_alive();
    let check = ["juror", "check", "--photos=photos", "--json"];
    let here = scratch.dodge(&check).succeeded().json();
    let far = |token: &str| {
        let mut command = scratch.command(&check);
        command.arg(format!("--juror=http://127.0.0.1:{port}")).env("DODGE_JUROR_TOKEN", token);
        scratch.finish(command)
    };
    // Before any score is known here: those are kept.
    let told = far("wrong").failed(1);
    assert!(told.contains("it wants another token: set DODGE_JUROR_TOKEN"), "{told}");
    assert_eq!(far("secret").succeeded().json(), here);
    service.signal("TERM");
    let finished = service.wait(Duration::from_secs(20)).succeeded();
    assert!(
        finished.stdout.contains(&format!("serving the juror classical-2 on http://127.0.0.1:{port}")),
        "{finished}"
    );
}

#[test]
fn a_juror_is_trained_and_used_and_never_replaces_a_file_by_itself() {
    let scratch = Scratch::new();
    folder_of_photos(&scratch.path("photos"), 12);
    let train = |arguments: &[&str]| scratch.dodge(&[&["juror", "train", "-o", "mine.juror"], arguments].concat());
    let told = scratch.dodge(&["juror", "train", "--photos=photos", "-o", "none/mine.juror"]).failed(2);
    assert!(told.contains("there is no folder none"), "{told}");
    let json = train(&["--photos=photos", "--json"]).succeeded().json();
    assert_eq!((&json["file"], &json["trained_on"]["photos"]), (&"mine.juror".into(), &12.into()));
    assert!(json["trained_on"]["held_out_accuracy"].as_f64().unwrap() > 0.6, "{json}");
    let name = json["juror"].as_str().unwrap();
    assert!(name.starts_with("learned-1 "), "{name}");

    let check = ["juror", "check", "--photos=photos", "--juror=mine.juror", "--json"];
    let checked = scratch.dodge(&check).succeeded().json();
    let ensemble = checked["juror"].as_str().unwrap();
    assert!(ensemble.contains(name) && ensemble.contains("classical-") && ensemble.contains("at most +"), "{ensemble}");
    assert!(checked["overall"].as_f64().unwrap() > 0.7, "of the photos that it learnt from: {checked}");

    let score = ["score", "photos/photo-3.png", "--juror=mine.juror", "--json"];
    let scored = scratch.dodge(&score).succeeded().json();
    assert_eq!(scored["juror"], checked["juror"]);
    assert!((0.0..=10.0).contains(&scored["photos"][0]["score"].as_f64().unwrap()), "{scored}");
    let told = scratch.dodge(&[&score[..], &["--explain"]].concat()).failed(2);
    assert!(told.contains("of the classical juror's score only"), "{told}");
    let prepared = scratch.dodge(&["prepare", "--photos=photos", "--juror=mine.juror", "--json"]).succeeded().json();
    let scored = prepared["steps"].as_array().unwrap().iter().find(|step| step["step"] == "score").unwrap();
    let scores = scratch.path("").join(scored["folder"].as_str().unwrap()).join("annotations.json");
    assert!(std::fs::read_to_string(scores).unwrap().contains(name));

    let told = train(&["--photos=photos"]).failed(1);
    assert!(told.contains("mine.juror is there already") && told.contains("--overwrite"), "{told}");
    let again = train(&["--photos=photos", "--json", "--overwrite"]).succeeded().json();
    assert_eq!(again, json, "equal seeds give equal jurors");
    let told = train(&["--photos=photos", "--pairs", "photos", "photos", "--overwrite"]).failed(2);
    assert!(told.contains("--pairs and --photos do not go together"), "{told}");
}

#[test]
fn a_juror_learns_from_pairs_and_not_from_a_handful() {
    let scratch = Scratch::new();
    folder_of_photos(&scratch.path("after"), 9);
    folder_of_photos(&scratch.path("before"), 9);
    let train = || scratch.dodge(&["juror", "train", "--pairs", "before", "after", "-o", "mine.juror", "--json"]);
    let told = train().failed(1);
    assert!(told.contains("9 photos are too few to learn from: at least 10 are needed"), "{told}");
    assert!(!scratch.path("mine.juror").exists());
    folder_of_photos(&scratch.path("after"), 10);
    folder_of_photos(&scratch.path("before"), 10);
    assert_eq!(train().succeeded().json()["trained_on"]["photos"], 10);
}

#[test]
fn a_juror_that_is_none_is_told() {
    let scratch = Scratch::new();
    folder_of_photos(&scratch.path("photos"), 1);
    let check = |juror: &str| scratch.dodge(&["juror", "check", "--photos=photos", "--juror", juror]);
    let finished = check("ftp://127.0.0.1");
    assert_eq!(finished.code, Some(2), "{finished}");
    assert!(
        finished.stderr.contains("use classical, a file of `dodge juror train`, siglip: and a folder"),
        "{finished}"
    );
    let told = check("siglip:nowhere").failed(1);
    assert!(told.contains("config.json") && told.contains("it is not there"), "{told}");
    let told = check("best").failed(1);
    assert!(told.contains("best is no file of a juror: it cannot be read"), "{told}");
    let told = check("photos/photo-0.png").failed(1);
    assert!(told.contains("photos/photo-0.png is no file of a juror"), "{told}");
    let told = check("http://127.0.0.1:1").failed(1);
    assert!(told.contains("http://127.0.0.1:1") && told.contains("refused"), "{told}");
    let told = scratch.dodge(&["serve", "juror", "--address", "0.0.0.0:0"]).failed(2);
    assert!(told.contains("set DODGE_JUROR_TOKEN to a secret"), "{told}");
}
