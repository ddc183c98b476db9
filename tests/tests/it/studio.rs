//! `dodge studio`: used in a browser as a person does, and by those who must not.

use std::fs;
use std::path::Path;
use std::time::Duration;

use dodge_data::synthetic;
use dodge_imaging::Recipe;
use dodge_tests::{Browser, Reply, Running, Scratch, send, wait_for};
use serde_json::{Value, json};

use crate::photos::dark;

const PHOTOS: u64 = 8;

/// The folder `photos`, half of it far too dark.
fn folder(scratch: &Scratch) {
    fs::create_dir(scratch.path("photos")).unwrap();
    for index in 0..PHOTOS {
        let photo = synthetic::photo(11, index, 480, 320);
        let photo = if index % 2 == 0 { dark(&photo) } else { photo };
        let extension = if index < 6 { "jpg" } else { "png" };
        photo.save(&scratch.path(format!("photos/photo-{index}.{extension}"))).unwrap();
    }
}

/// A studio that is open.
pub(crate) struct Opened {
    pub(crate) program: Running,
    port: u16,
    pub(crate) url: String,
    secret: String,
}

impl Opened {
    fn open(scratch: &Scratch, arguments: &[&str]) -> Self {
        Self::with(scratch, arguments, &[])
    }

    /// Opens the folder `photos`, with some environment variables.
    pub(crate) fn with(scratch: &Scratch, arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let always = ["studio", "photos", "--no-browser", "--port=0", "--output=out"];
        let mut command = scratch.command(&[&always, arguments].concat());
        command.envs(variables.iter().copied());
        let program = Running::start(command, scratch.folder());
        let url = wait_for("the address of the studio", Duration::from_secs(120), || {
            let printed = fs::read_to_string(scratch.path("stdout.log")).ok()?;
            printed.lines().find(|line| line.starts_with("http://")).map(str::to_owned)
        });
        let (before, secret) = url.split_once("/?key=").unwrap();
        let port = before.rsplit_once(':').unwrap().1.parse().unwrap();
        Self { program, port, secret: secret.to_owned(), url }
    }

    /// As a program with the token asks.
    pub(crate) fn ask(&self, method: &str, path: &str, body: &Value) -> Reply {
        let (host, bearer) = (format!("127.0.0.1:{}", self.port), format!("Bearer {}", self.secret));
        let headers = [("Host", &*host), ("Authorization", &*bearer), ("Content-Type", "application/json")];
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        send(self.port, method, path, &headers, &body).unwrap()
    }

    pub(crate) fn keep(&self, photo: usize, operation: &str) -> Reply {
        let steps = json!([{ "operation": operation, "on": true }]);
        let body = json!({ "photos": [photo], "verdict": "corrected", "steps": steps, "longer_side": 480 });
        self.ask("POST", "/api/decide", &body)
    }
}

/// A number that is another one when a pixel of a canvas is.
fn checksum(browser: &Browser, canvas: &str) -> Value {
    browser.run(&format!(
        "const canvas = document.querySelector('{canvas}');
         const {{ data }} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
         let sum = canvas.width;
         for (const value of data) sum = (Math.imul(sum, 31) + value) | 0;
         return sum;"
    ))
}

/// Waits until the picture shows what comes of these edits.
fn shows(browser: &Browser, edits: &str) {
    let script = format!("return document.querySelector('#after').dataset.shown?.includes({edits:?}) ?? false");
    browser.until(&format!("the picture with {edits}"), &script);
}

#[test]
fn a_person_looks_corrects_keeps_and_exports() {
    let Some(browser) = Browser::open("a_person_looks_corrects_keeps_and_exports", 1280, 800) else { return };
    let scratch = Scratch::new();
    folder(&scratch);
    let original = fs::read(scratch.path("photos/photo-0.jpg")).unwrap();
    let studio = Opened::open(&scratch, &[]);
    browser.go(&studio.url);
    browser.until(
        "thumbnails",
        "return [...document.querySelectorAll('#grid img')].filter((it) => it.complete && it.naturalWidth > 0).length === 8",
    );
    assert_eq!(browser.run("return location.search"), "", "the secret does not stay in the address");

    browser.click("#grid li:first-child .photo");
    browser.until("the photo", "return document.querySelector('#after').dataset.shown !== undefined");
    // A dark photo: the model in the box does something about it, and says why.
    let proposed = browser.run("return [...document.querySelectorAll('#steps .why')].map((it) => it.textContent)");
    assert!(
        proposed.as_array().is_some_and(|why| !why.is_empty() && why[0].as_str().unwrap().len() > 10),
        "{proposed}"
    );
    assert_ne!(checksum(&browser, "#before"), checksum(&browser, "#after"));

    // The divider follows the mouse.
    let middle = browser.run(
        "const { left, top, width, height } = document.querySelector('#stage').getBoundingClientRect();
         return [Math.round(left), Math.round(top + height / 3), Math.round(width)];",
    );
    let [left, y, width] = [0, 1, 2].map(|index| middle[index].as_i64().unwrap());
    browser.drag((left + 1, y), (left + width / 2, y));
    let split = browser.run("return Number(document.querySelector('#split').value)").as_i64().unwrap();
    assert!((490..=510).contains(&split), "{split}");
    let clipped = browser.run("return document.querySelector('#before').style.clipPath");
    assert!(clipped.as_str().unwrap().starts_with("inset("), "{clipped}");

    // Another edit, and another strength of it.
    let before = checksum(&browser, "#after");
    browser.run(
        "const add = document.querySelector('#add'); add.value = 'contrast'; add.dispatchEvent(new Event('change'))",
    );
    shows(&browser, "contrast:1.15");
    let first = checksum(&browser, "#after");
    browser.keys("#steps li:last-child input[type=range]", &"\u{e014}".repeat(120));
    let strength = browser.run("return document.querySelector('#steps li:last-child input[type=number]').value");
    let operation = format!("contrast:{}", strength.as_str().unwrap());
    assert_ne!(operation, "contrast:1.15");
    shows(&browser, &operation);
    let second = checksum(&browser, "#after");
    assert!(before != first && first != second && before != second, "other strengths are other pixels");
    // One that was proposed is switched off.
    browser.click("#steps li:first-child input[type=checkbox]");
    browser.until("the first edit to be off", "return document.querySelector('#steps li:first-child').matches('.off')");

    browser.run("document.activeElement.blur()");
    browser.press("1");
    browser.until("the next photo", "return document.querySelector('#name').textContent === 'photo-1.jpg'");
    let recipe = scratch.path("photos/photo-0.recipe.json");
    let kept = Recipe::load(&recipe).unwrap();
    let texts: Vec<String> = kept.operations().iter().map(ToString::to_string).collect();
    assert_eq!(texts.last(), Some(&operation));
    // The next is right as it is; that of the one after it is taken back.
    browser.press("2");
    browser.until("the photo after it", "return document.querySelector('#name').textContent === 'photo-2.jpg'");
    browser.until(
        "its picture",
        "return document.querySelector('#after').dataset.shown && document.querySelector('#wait').hidden",
    );
    browser.press("1");
    browser.until("one more", "return document.querySelector('#name').textContent === 'photo-3.jpg'");
    assert!(scratch.path("photos/photo-2.recipe.json").exists());
    browser.press("u");
    wait_for("the recipe to go", Duration::from_secs(30), || {
        (!scratch.path("photos/photo-2.recipe.json").exists()).then_some(())
    });

    browser.reload();
    browser.until("the page", "return document.querySelector('#name').textContent !== ''");
    browser.press("\u{e00c}");
    let verdicts = "return [...document.querySelectorAll('#grid li')].slice(0, 3).map((it) => it.dataset.verdict)";
    browser.until("the grid", "return document.querySelectorAll('#grid li').length === 8");
    assert_eq!(browser.run(verdicts), json!(["corrected", "left", ""]));

    browser.press("e");
    browser.click("#export-start");
    browser.until("the export", "return document.querySelector('#export-state').textContent.startsWith('1 written')");
    let _ = scratch.dodge(&["apply", "photos/photo-0.recipe.json", "photos/photo-0.jpg", "-o", "applied"]).succeeded();
    let [exported, applied] =
        ["out/photo-0.jpg", "applied/photo-0.jpg"].map(|path| fs::read(scratch.path(path)).unwrap());
    assert!(exported == applied, "what is exported is what `dodge apply` makes, byte for byte");
    assert_eq!(scratch.files("out"), ["photo-0.jpg"]);
    assert_eq!(fs::read(scratch.path("photos/photo-0.jpg")).unwrap(), original, "photos are never written into");
}

#[test]
fn an_export_goes_on_and_replaces_only_what_it_wrote() {
    let scratch = Scratch::new();
    folder(&scratch);
    let studio = Opened::open(&scratch, &[]);
    let export = || {
        let started = studio.ask("POST", "/api/export", &json!({}));
        assert_eq!(started.status, 200, "{}", String::from_utf8_lossy(&started.body));
        wait_for("the export", Duration::from_secs(60), || {
            let status = studio.ask("GET", "/api/status", &Value::Null).json();
            (status["export"]["running"] == false).then(|| status["export"].clone())
        })
    };
    for photo in 0..3 {
        assert_eq!(studio.keep(photo, "gamma:1.2").status, 200);
    }
    // Somebody else's file is in the way of one of them.
    fs::create_dir(scratch.path("out")).unwrap();
    fs::write(scratch.path("out/photo-1.jpg"), "mine").unwrap();
    let first = export();
    assert_eq!([&first["done"], &first["failed"]], [2, 1], "{first}");
    assert!(first["failures"][0].as_str().unwrap().contains("is there already"), "{first}");
    assert_eq!(fs::read(scratch.path("out/photo-1.jpg")).unwrap(), b"mine");
    // What it wrote itself is passed over, and replaced when it was decided otherwise.
    assert_eq!(studio.keep(2, "gamma:1.4").status, 200);
    let before = fs::read(scratch.path("out/photo-2.jpg")).unwrap();
    let second = export();
    assert_eq!([&second["done"], &second["passed_over"], &second["failed"]], [1, 1, 1], "{second}");
    assert_ne!(fs::read(scratch.path("out/photo-2.jpg")).unwrap(), before);
}

#[test]
fn nobody_comes_in_without_the_secret() {
    let scratch = Scratch::new();
    folder(&scratch);
    fs::write(scratch.path("secret.png"), fs::read(scratch.path("photos/photo-6.png")).unwrap()).unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink(scratch.path("secret.png"), scratch.path("photos/link.png")).unwrap();
    let studio = Opened::open(&scratch, &[]);
    let host = format!("127.0.0.1:{}", studio.port);
    let cookie = format!("dodge-studio-{}={}", studio.port, studio.secret);
    let own = format!("http://{host}");
    let ask =
        |method: &str, path: &str, headers: &[(&str, &str)]| send(studio.port, method, path, headers, b"").unwrap();
    for path in ["/", "/main.js", "/api/folder", "/api/status", "/photo/0/thumb", "/photo/0/before", "/nothing"] {
        assert_eq!(ask("GET", path, &[("Host", &host)]).status, 401, "{path}");
        assert_eq!(ask("GET", path, &[("Host", "evil.example"), ("Cookie", &cookie)]).status, 403, "{path}");
        let foreign = [("Host", &*host), ("Cookie", &*cookie), ("Origin", "http://evil.example")];
        assert_eq!(ask("GET", path, &foreign).status, 403, "{path}");
    }
    for path in ["/api/decide", "/api/undo", "/api/export", "/api/teach", "/api/vote", "/photo/0/open"] {
        assert_eq!(ask("POST", path, &[("Host", &host)]).status, 401, "{path}");
        assert_eq!(ask("POST", path, &[("Host", &host), ("Cookie", &cookie)]).status, 403, "without an origin: {path}");
        let foreign = [("Host", &*host), ("Cookie", &*cookie), ("Origin", "null")];
        assert_eq!(ask("POST", path, &foreign).status, 403, "{path}");
    }
    let entering = ask("GET", &format!("/?key={}", studio.secret), &[("Host", &host)]);
    assert_eq!(entering.status, 200);
    let given = entering.header("set-cookie").unwrap();
    assert!(given.contains("HttpOnly") && given.contains("SameSite=Strict"), "{given}");
    assert!(entering.header("content-security-policy").unwrap().starts_with("default-src 'none'"));
    let inside = [("Host", &*host), ("Cookie", &*cookie), ("Origin", &*own)];
    let folder = ask("GET", "/api/folder", &inside).json();
    // What a link leads to outside of the folder is no photo of it.
    assert_eq!(folder["photos"].as_array().unwrap().len(), PHOTOS as usize);
    if cfg!(unix) {
        assert_eq!(folder["outside"], 1);
    }
    // Photos have numbers: no path leads anywhere.
    for path in [
        "/photo/8/thumb",
        "/photo/-1/thumb",
        "/photo/..%2f..%2fsecret.png/thumb",
        "/..%2fsecret.png",
        "/%2e%2e/secret.png",
    ] {
        let status = ask("GET", path, &inside).status;
        assert!([400, 404].contains(&status), "{path}: {status}");
    }
    // A photo that becomes a link to elsewhere while the studio is open is none any more.
    #[cfg(unix)]
    {
        fs::remove_file(scratch.path("photos/photo-7.png")).unwrap();
        std::os::unix::fs::symlink(scratch.path("secret.png"), scratch.path("photos/photo-7.png")).unwrap();
        for path in ["/photo/7/thumb", "/photo/7/before"] {
            assert_eq!(ask("GET", path, &inside).status, 404, "{path}");
        }
        let kept = studio.keep(7, "gamma:1.2");
        assert_eq!(kept.status, 200, "a recipe lies in the folder, whatever the photo is");
    }
    // What is sent is bounded.
    let large = vec![b' '; 2 << 20];
    let headers = [("Host", &*host), ("Cookie", &*cookie), ("Origin", &*own), ("Content-Type", "application/json")];
    match send(studio.port, "POST", "/api/decide", &headers, &large) {
        Ok(reply) => assert_eq!(reply.status, 413),
        // It hangs up while the rest is sent.
        Err(error) => assert!(error.to_string().len() > 3),
    }
    let many = json!({ "operations": vec!["gamma:1.2"; 500], "longer_side": 480 });
    assert_eq!(studio.ask("POST", "/photo/0/preview", &many).status, 400);
    let unknown = json!({ "operations": ["rm -rf"], "longer_side": 480 });
    assert_eq!(studio.ask("POST", "/photo/0/preview", &unknown).status, 422);
}

#[test]
fn an_address_that_others_reach_needs_a_token() {
    let scratch = Scratch::new();
    folder(&scratch);
    for token in [None, Some("--token=short")] {
        let mut arguments = vec!["studio", "photos", "--no-browser", "--address=0.0.0.0:0"];
        arguments.extend(token);
        let refused = scratch.dodge(&arguments).failed(2);
        assert!(refused.contains("--token"), "{refused}");
    }
}

#[test]
fn killed_studios_lose_no_decision_that_they_showed() {
    let scratch = Scratch::new();
    folder(&scratch);
    for round in 0..3 {
        let mut studio = Opened::open(&scratch, &[]);
        let folder = studio.ask("GET", "/api/folder", &Value::Null).json();
        let decided = |name: &str| {
            folder["photos"].as_array().unwrap().iter().any(|it| it["name"] == name && it["verdict"] == "corrected")
        };
        // Everything of the rounds before is there.
        for before in 0..round * 2 {
            assert!(decided(&format!("photo-{before}.jpg")), "round {round}, photo {before}");
        }
        let shown: Vec<usize> = (round * 2..round * 2 + 2)
            .filter(|&photo| {
                studio.keep(photo, &format!("gamma:1.{}", photo + 1)).json()["changed"][0]["verdict"] == "corrected"
            })
            .collect();
        studio.program.signal("KILL");
        let _ = studio.program.wait(Duration::from_secs(30));
        assert_eq!(shown.len(), 2);
        for photo in shown {
            let recipe = Recipe::load(&scratch.path(format!("photos/photo-{photo}.recipe.json"))).unwrap();
            assert_eq!(recipe.operations()[0].to_string(), format!("gamma:1.{}", photo + 1));
        }
    }
    let journal = fs::read_to_string(scratch.path("photos/.dodge/journal.jsonl")).unwrap();
    assert_eq!(journal.lines().filter(|line| line.contains("\"do\"")).count(), 6);
    assert!(Path::new(&scratch.path("photos/.dodge/lock")).exists());
}

#[test]
fn two_models_are_compared_without_their_names() {
    let scratch = Scratch::new();
    folder(&scratch);
    let house = dodge_tests::workspace().join("crates/rl/house/model.safetensors");
    let studio = Opened::open(&scratch, &["--model", house.to_str().unwrap()]);
    let sides = studio.ask("POST", "/api/compare", &json!({ "photo": 0, "models": [0, 1] })).json();
    assert_eq!(sides["left"], sides["right"], "both are the model in the box");
    assert!(!sides.to_string().contains("house"), "{sides}");
    let vote = json!({ "photo": 0, "preferred": "left" });
    let told = studio.ask("POST", "/api/vote", &vote).json();
    assert_eq!(told["votes"].as_array().unwrap().iter().map(|vote| vote[1].as_u64().unwrap()).sum::<u64>(), 1);
    assert_eq!(studio.ask("POST", "/api/vote", &vote).status, 409, "a vote counts once");
    let stored = fs::read_to_string(scratch.path("photos/.dodge/preferences.jsonl")).unwrap();
    let stored: Value = serde_json::from_str(&stored).unwrap();
    assert_eq!([&stored["photo"], &stored["preferred"]], ["photo-0.jpg", "left"]);
    assert_eq!(stored["left"]["model_sha256"].as_str().unwrap().len(), 64);
}
