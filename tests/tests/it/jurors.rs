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
    assert_eq!(far("secret").succeeded().json(), here);
    let told = far("wrong").failed(1);
    assert!(told.contains("it wants another token: set DODGE_JUROR_TOKEN"), "{told}");
    service.signal("TERM");
    let finished = service.wait(Duration::from_secs(20)).succeeded();
    assert!(
        finished.stdout.contains(&format!("serving the juror classical-2 on http://127.0.0.1:{port}")),
        "{finished}"
    );
}

#[test]
fn a_juror_that_is_none_is_told() {
    let scratch = Scratch::new();
    folder_of_photos(&scratch.path("photos"), 1);
    let check = |juror: &str| scratch.dodge(&["juror", "check", "--photos=photos", "--juror", juror]);
    let finished = check("best");
    assert_eq!(finished.code, Some(2), "{finished}");
    assert!(finished.stderr.contains("use classical, siglip: and a folder, or the address of"), "{finished}");
    let told = check("siglip:nowhere").failed(1);
    assert!(told.contains("config.json") && told.contains("it is not there"), "{told}");
    let told = check("http://127.0.0.1:1").failed(1);
    assert!(told.contains("http://127.0.0.1:1") && told.contains("refused"), "{told}");
    let told = scratch.dodge(&["serve", "juror", "--address", "0.0.0.0:0"]).failed(2);
    assert!(told.contains("set DODGE_JUROR_TOKEN to a secret"), "{told}");
}
