//! The report of a run: what `dodge train` leaves, and what `dodge report` makes of any run's folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use dodge_tests::{Scratch, skipped};

/// What is part of every report of a run that is done.
const PARTS: [&str; 8] = ["photos", "baselines", "spread", "learning", "timeline", "edits", "boldness", "settings"];

/// Makes sure that a page refers to nothing but itself.
fn check_self_contained(page: &str) {
    for address in ["http://", "https://", "<script", "<link rel=\"stylesheet", "url(", "@import"] {
        assert!(!page.contains(address), "{address}");
    }
    let sources: Vec<&str> = page.split(" src=\"").skip(1).map(|rest| &rest[..rest.len().min(22)]).collect();
    assert!(!sources.is_empty() && sources.iter().all(|source| *source == "data:image/jpeg;base64"), "{sources:?}");
    let links = page.split(" href=\"").skip(1).map(|rest| &rest[..rest.len().min(6)]);
    assert!(
        links.into_iter().all(|link| link.starts_with('#') || link.starts_with("data:,")),
        "links stay in the page"
    );
}

#[test]
fn a_training_leaves_a_page_and_the_command_makes_the_same_again() {
    let scratch = Scratch::new();
    let arguments = ["--set=training.algorithm=apg", "--steps=1000", "--seed=1", "--run-name=my <first>", "--json"];
    let report = scratch.train(&arguments).succeeded().json();
    let page_file = scratch.path(report["page"].as_str().unwrap());
    let page = fs::read_to_string(&page_file).unwrap();
    check_self_contained(&page);
    for part in PARTS {
        assert!(page.contains(&format!("<section id=\"{part}\"")), "{part}");
    }
    assert!(page.contains("my &lt;first&gt;") && !page.contains("my <first>"), "the name is text");
    assert!(!page.contains("What is not in this report"), "nothing is missing");
    let photos = report["photographs"].as_u64().unwrap();
    assert!(page.contains(&format!("On {photos} photographs that were not trained on")), "in words");
    // Six test photos, undamaged and under four damages: twelve are shown, each before, after, and as it was.
    assert_eq!(page.matches("<article class=\"photo ").count(), 12);
    let described = page.matches("alt=\"photo-").count() + page.matches("alt=\"validation photos, ").count();
    assert_eq!(described, page.matches("<img ").count(), "every picture is described");

    let run_dir = report["run_dir"].as_str().unwrap();
    let artifacts = scratch.files("volume/tracking/mlartifacts");
    for name in ["report.html", "outcomes.json"] {
        assert!(artifacts.iter().any(|path| path.ends_with(&format!("artifacts/{name}"))), "{name}: {artifacts:?}");
    }
    let in_grid = |path: &&String| path.contains("artifacts/images/validation~photos+step+");
    assert_eq!(artifacts.iter().filter(in_grid).count() % 2, 0, "each with its preview");
    assert!(artifacts.iter().any(|path| in_grid(&path)), "{artifacts:?}");

    let made = scratch.dodge(&["report", run_dir]).succeeded();
    assert!(made.stdout.contains("report.html (there already)") && made.stderr.is_empty(), "{made}");
    for (number, run) in [run_dir, &report["run_id"].as_str().unwrap()[..8], "my <first>"].into_iter().enumerate() {
        let file = format!("out/{number}.html");
        let made = scratch.dodge(&["report", run, "--out", &file]).succeeded();
        assert_eq!(fs::read_to_string(scratch.path(&file)).unwrap(), page, "{run}: {made}");
    }
    fs::remove_file(&page_file).unwrap();
    let _ = scratch.dodge(&["report", run_dir]).succeeded();
    assert_eq!(fs::read_to_string(&page_file).unwrap(), page);

    fs::write(scratch.path("mine.html"), "somebody's").unwrap();
    let refused = scratch.dodge(&["report", run_dir, "--out=mine.html"]).failed(1);
    assert!(refused.contains("mine.html is there already") && refused.contains("--overwrite"), "{refused}");
    assert_eq!(fs::read_to_string(scratch.path("mine.html")).unwrap(), "somebody's");
    let _ = scratch.dodge(&["report", run_dir, "--out=mine.html", "--overwrite"]).succeeded();
    assert_eq!(fs::read_to_string(scratch.path("mine.html")).unwrap(), page);
    open_in_browser(&scratch, &page_file);
}

/// Lets a browser open the page, where there is one: nothing may be wrong with it, nor forbidden to it.
fn open_in_browser(scratch: &Scratch, page: &Path) {
    let Some(browser) = browser() else {
        return skipped("the report in a browser", "there is no Chromium or Chrome on the PATH");
    };
    for width in [390, 1280] {
        let picture = scratch.path(format!("screen-{width}.png"));
        let mut command = Command::new(&browser);
        command
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"])
            .args(["--enable-logging=stderr", "--hide-scrollbars", "--force-prefers-reduced-motion"])
            .arg(format!("--user-data-dir={}", scratch.path("browser").display()))
            .arg(format!("--window-size={width},3000"))
            .arg(format!("--screenshot={}", picture.display()))
            .arg(format!("file://{}", page.display()));
        scratch.settle(&mut command);
        let finished = scratch.finish(command);
        assert!(picture.is_file(), "{finished}");
        // The page forbids itself every request, so that one would be told here as well.
        assert!(!finished.stderr.contains("CONSOLE"), "{finished}");
    }
}

fn browser() -> Option<PathBuf> {
    let names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
    let path = std::env::var_os("PATH")?;
    let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let in_folders = |name: &&str| folders.iter().map(|folder| folder.join(name)).find(|path| path.is_file());
    names.iter().find_map(in_folders)
}

#[test]
fn what_a_run_does_not_have_is_named() {
    let scratch = Scratch::new();
    let _ = scratch.train(&["--steps=1000", "--seed=1", "--out=run"]).succeeded();
    // As it is when the training is interrupted.
    for name in ["report.json", "outcomes.json", "mosaic.png"] {
        fs::remove_file(scratch.path("run").join(name)).unwrap();
    }
    let refused = scratch.dodge(&["report", "run"]).failed(1);
    assert!(refused.contains("run/report.html is there already"), "a fuller report is not replaced: {refused}");
    let made = scratch.dodge(&["report", "run", "--overwrite"]).succeeded();
    for name in ["report.json", "outcomes.json"] {
        assert!(made.stderr.contains("note: not in it: ") && made.stderr.contains(name), "{made}");
    }
    let page = fs::read_to_string(scratch.path("run/report.html")).unwrap();
    assert!(
        page.contains("<section id=\"learning\"") && page.contains("What is not in this report"),
        "what is there is shown"
    );

    fs::create_dir(scratch.path("other")).unwrap();
    let message = scratch.dodge(&["report", "other"]).failed(2);
    assert!(message.contains("other is no run's folder"), "{message}");
    let message = scratch.dodge(&["report", "no-such-run"]).failed(2);
    assert!(message.contains("no run is called no-such-run"), "{message}");
    let message = scratch.dodge(&["report", "run", "--out=other"]).failed(2);
    assert!(message.contains("--out: other is a folder"), "{message}");
}
