//! `dodge studio`: teaching a model by what was decided, in a browser.

use std::fs;
use std::time::Duration;

use dodge_data::synthetic;
use dodge_tests::{Browser, Scratch, wait_for};
use serde_json::{Value, json};

use crate::studio::Opened;

/// Photos that are decided about; one more is not.
const DECIDED: u64 = 25;

const LIMIT: Duration = Duration::from_secs(120);

/// A training of seconds.
const SHORT: [(&str, &str); 3] =
    [("DODGE_TRAINING__STEPS", "4000"), ("DODGE_TRAINING__VALIDATION_INTERVAL", "2000"), ("DODGE_THREADS", "1")];

/// A person who wants all photos warmer and brighter.
fn decided(studio: &Opened) {
    for photo in 0..DECIDED as usize {
        let steps = json!([{ "operation": "exposure:0.35", "on": true }, { "operation": "warmth:0.08", "on": true }]);
        let body = json!({ "photos": [photo], "verdict": "corrected", "steps": steps, "longer_side": 240 });
        assert_eq!(studio.ask("POST", "/api/decide", &body).status, 200);
    }
}

fn folder(scratch: &Scratch) {
    fs::create_dir(scratch.path("photos")).unwrap();
    for index in 0..=DECIDED {
        synthetic::photo(12, index, 240, 160).save(&scratch.path(format!("photos/photo-{index:02}.png"))).unwrap();
    }
}

#[test]
fn a_person_teaches_a_model_and_chooses_it() {
    let Some(browser) = Browser::open("a_person_teaches_a_model_and_chooses_it", 1280, 800) else { return };
    let scratch = Scratch::new();
    folder(&scratch);
    let mut studio = Opened::with(&scratch, &[], &SHORT);
    decided(&studio);
    browser.go(&studio.url);
    browser.until("thumbnails", "return document.querySelectorAll('#grid img').length > 0");
    browser.press("t");
    browser.until("the dialog", "return document.querySelector('#teach').open");
    let words = browser.run("return document.querySelector('#teach-what').textContent");
    assert!(words.as_str().unwrap().contains(&format!("you have {DECIDED}")), "{words}");
    let standing = |is: &str| format!("return document.querySelector('#teach-state').dataset.is === '{is}'");

    // It can be stopped, and begun again.
    browser.click("#teach-start");
    browser.until("the training", &standing("running"));
    browser.click("#teach-cancel");
    browser.until("its end", &standing("cancelled"));
    browser.click("#teach-start");
    browser.until("what came of it", &standing("done"));
    let rows = browser.run(
        "return [...document.querySelectorAll('#outcome-rows tr')].map((it) => parseFloat(it.children[1].textContent))",
    );
    let [untouched, present, new] = [0, 1, 2].map(|row| rows[row].as_f64().unwrap());
    assert!(new > present + 1.0 && new > untouched + 1.0, "{rows}");
    let told = browser.run("return document.querySelector('#outcome-words').textContent");
    assert!(told.as_str().unwrap().contains("It learnt from 20 lessons. It comes nearer in 5 of 5"), "{told}");

    browser.click("#choose-new");
    browser.until("the choice", "return document.querySelector('#outcome-words').textContent.includes('You chose')");
    let kept = scratch.path("volume/studio/model.safetensors");
    let taught = fs::read(&kept).unwrap();
    let status = studio.ask("GET", "/api/status", &Value::Null).json();
    assert_eq!(status["models"][status["present"].as_u64().unwrap() as usize]["name"], "taught by 20 lessons");
    // It proposes for the photo that is not decided.
    let opened = studio.ask("POST", &format!("/photo/{DECIDED}/open"), &json!({})).json();
    assert!(!opened["proposal"]["operations"].as_array().unwrap().is_empty(), "{opened}");
    let proposal = opened["proposal"]["operations"].clone();

    // It is there the next time, and the model in the box beside it.
    studio.program.signal("INT");
    let _ = studio.program.wait(LIMIT);
    let again = Opened::with(&scratch, &[], &[]);
    let status = again.ask("GET", "/api/status", &Value::Null).json();
    let names: Vec<&Value> = status["models"].as_array().unwrap().iter().map(|it| &it["name"]).collect();
    assert_eq!(names, ["taught by you", "the model in the box"]);
    let opened = again.ask("POST", &format!("/photo/{DECIDED}/open"), &json!({})).json();
    assert_eq!(opened["proposal"]["operations"], proposal);
    assert!(fs::read(&kept).unwrap() == taught);
}

#[test]
fn a_studio_that_ends_while_it_teaches_loses_no_lesson() {
    let scratch = Scratch::new();
    folder(&scratch);
    let mut studio = Opened::with(&scratch, &[], &[("DODGE_TRAINING__STEPS", "1000000"), ("DODGE_THREADS", "1")]);
    let few = studio.ask("POST", "/api/teach", &json!({}));
    assert_eq!(few.status, 409, "{}", String::from_utf8_lossy(&few.body));
    decided(&studio);
    assert_eq!(studio.ask("POST", "/api/teach", &json!({})).status, 200);
    assert_eq!(studio.ask("POST", "/api/teach", &json!({})).status, 409, "one at a time");
    wait_for("the training", LIMIT, || {
        let status = studio.ask("GET", "/api/status", &Value::Null).json();
        (status["teaching"]["total"].as_u64() == Some(1_000_000)).then_some(())
    });
    // Nothing waits for it: a photo is shown while it learns.
    assert_eq!(studio.ask("POST", "/photo/0/open", &json!({})).status, 200);
    studio.program.signal("INT");
    let ended = studio.program.wait(LIMIT);
    assert!(!ended.stderr.contains("panicked"), "{ended}");
    let again = Opened::with(&scratch, &[], &[]);
    let status = again.ask("GET", "/api/status", &Value::Null).json();
    assert_eq!(status["teaching"]["is"], "idle");
    let folder = again.ask("GET", "/api/folder", &Value::Null).json();
    let kept = folder["photos"].as_array().unwrap().iter().filter(|photo| photo["verdict"] == "corrected").count();
    assert_eq!(kept as u64, DECIDED);
}
