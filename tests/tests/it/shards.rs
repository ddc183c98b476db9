//! Many photos on many machines: lists, parts, and a line of JSON for each photo.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use dodge_tests::{Finished, Running, Scratch, wait_for};
use serde_json::Value;

use crate::photos::{faded, folder_of_photos, scene};

const LIMIT: Duration = Duration::from_secs(120);
const PHOTOS: u64 = 20;

/// Photos in two folders, under the same names, one of which is none.
fn folder(scratch: &Scratch) {
    for (name, from) in [("in", 0), ("in/b", PHOTOS / 2)] {
        fs::create_dir_all(scratch.path(name)).unwrap();
        for index in 0..PHOTOS / 2 {
            let photo = scene(from + index);
            let photo = if index % 2 == 0 { faded(&photo) } else { photo };
            photo.save(&scratch.path(format!("{name}/{index}.png"))).unwrap();
        }
    }
}

/// The lines of stdout.
fn rows(finished: &Finished) -> Vec<Value> {
    finished.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// All results; of a killed run there may be hidden parts of files, too.
fn bytes(scratch: &Scratch, folder: &str) -> BTreeMap<String, Vec<u8>> {
    let files = scratch.files(folder).into_iter().filter(|file| !file.ends_with(".part"));
    files.map(|file| (file.clone(), fs::read(scratch.path(folder).join(file)).unwrap())).collect()
}

#[test]
fn all_parts_together_are_the_whole() {
    let scratch = Scratch::new();
    folder(&scratch);
    let _ = scratch.dodge(&["enhance", "in", "-o", "whole"]).succeeded();
    let whole = bytes(&scratch, "whole");
    assert_eq!(whole.len() as u64, 2 * PHOTOS);
    for count in [1, 3, 7] {
        let out = format!("out-{count}");
        let mut photos = Vec::new();
        // Counted from 1 or from 0, both are all.
        let first = count % 2;
        for part in first..first + count {
            let shard = format!("--shard={part}/{count}");
            let done = scratch.dodge(&["enhance", "in", "-o", &out, &shard]).succeeded();
            for row in rows(&done) {
                assert!(row["milliseconds"].as_f64().unwrap() > 0.0 && row["score_before"].is_f64(), "{row}");
                assert!(row["operations"].is_array() && row["error"].is_null(), "{row}");
                photos.push(row["photo"].as_str().unwrap().to_owned());
            }
        }
        photos.sort();
        photos.dedup();
        assert_eq!(photos.len() as u64, PHOTOS, "{count}");
        assert!(bytes(&scratch, &out) == whole, "{count} parts");
    }
}

#[test]
fn a_killed_part_ends_whole_when_it_is_run_again() {
    let scratch = Scratch::new();
    folder(&scratch);
    let _ = scratch.dodge(&["enhance", "in", "-o", "whole", "--shard=1/2"]).succeeded();
    let whole = bytes(&scratch, "whole");
    let arguments = ["enhance", "in", "-o", "out", "--shard=1/2", "--skip-existing"];
    let mut command = scratch.command(&arguments);
    command.env("RAYON_NUM_THREADS", "1");
    let mut running = Running::start(command, scratch.folder());
    wait_for("a result", LIMIT, || scratch.files("out").iter().any(|it| it.ends_with(".recipe.json")).then_some(()));
    running.signal("KILL");
    let _ = running.wait(LIMIT);
    // One that was written, and its recipe not yet.
    let done: Vec<String> = scratch.files("out").into_iter().filter(|it| it.ends_with(".recipe.json")).collect();
    fs::remove_file(scratch.path("out").join(&done[0])).unwrap();
    let again = rows(&scratch.dodge(&arguments).succeeded());
    let passed_over = again.iter().filter(|row| row["passed_over"] == true).count();
    assert_eq!((passed_over, again.len()), (done.len() - 1, whole.len() / 2));
    assert!(bytes(&scratch, "out") == whole);
    // What is there is not read again: nobody notices that a photo changed.
    let photo = again[0]["photo"].as_str().unwrap();
    fs::write(scratch.path(photo), "no photo any more").unwrap();
    assert!(rows(&scratch.dodge(&arguments).succeeded()).iter().all(|row| row["passed_over"] == true));
    // A result of other settings is in the way, as ever.
    let other = scratch.dodge(&[&arguments[..], &["--strength=0.5"]].concat());
    assert_eq!(other.code, Some(1), "{other}");
    assert!(other.stdout.contains("is there already"), "{other}");
    assert!(bytes(&scratch, "out") == whole);
}

#[test]
fn a_list_names_photos_and_failures_are_rows() {
    let scratch = Scratch::new();
    folder(&scratch);
    fs::write(scratch.path("in/broken.png"), "no photo").unwrap();
    fs::write(scratch.path("in/list.txt"), "0.png\nb/0.png\r\n\nmissing.png\nbroken.png\n1.png\n").unwrap();
    let enhance = |arguments: &[&str]| scratch.dodge(&[&["enhance", "--manifest=in/list.txt"], arguments].concat());
    let all = enhance(&["-o", "out", "--json"]);
    assert_eq!(all.code, Some(1), "{all}");
    let told = rows(&all);
    let photos: Vec<&str> = told[..5].iter().map(|row| row["photo"].as_str().unwrap()).collect();
    assert_eq!(photos, ["in/0.png", "in/b/0.png", "in/missing.png", "in/broken.png", "in/1.png"]);
    assert!(told[2]["error"].as_str().unwrap().contains("No such file"), "{}", told[2]);
    assert!(told[3]["error"].as_str().unwrap().contains("in/broken.png"), "{}", told[3]);
    assert_eq!((&told[5]["failed"], told.len()), (&Value::from(2), 6));
    let expected = ["0.png", "0.recipe.json", "1.png", "1.recipe.json", "b/0.png", "b/0.recipe.json"];
    assert_eq!(scratch.files("out"), expected);

    // So many may fail, and no more.
    assert_eq!(rows(&enhance(&["-o", "borne", "--max-failures=2"]).succeeded()).len(), 5);
    assert_eq!(scratch.files("borne"), expected);
    let failing: String = (0..200).map(|index| format!("missing-{index}.png\n")).collect();
    fs::write(scratch.path("failing.txt"), failing).unwrap();
    let given_up = scratch.dodge(&["enhance", "--manifest", "failing.txt", "-o", "none", "--max-failures=3"]);
    assert!(given_up.failed(1).contains("given up") && rows(&given_up).len() < 40, "{given_up}");

    // Scores come the same way.
    let scored = scratch.dodge(&["score", "--manifest=in/list.txt", "--max-failures=2", "--shard=0/1"]).succeeded();
    let scores: Vec<bool> = rows(&scored).iter().map(|row| row["score"].is_f64()).collect();
    assert_eq!(scores, [true, true, false, false, true]);
}

#[test]
fn engines_say_which_part_this_is() {
    let scratch = Scratch::new();
    folder_of_photos(&scratch.path("in"), 9);
    let photos = |shard: &str, variables: &[(&str, &str)]| {
        let mut command = scratch.command(&["score", "in", shard]);
        command.envs(variables.iter().copied());
        Running::start(command, scratch.folder()).wait(LIMIT)
    };
    let third = photos("--shard=2/3", &[]).succeeded().stdout;
    let names = |stdout: &str| -> Vec<String> {
        stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["photo"].to_string()).collect()
    };
    assert!(!names(&third).is_empty());
    let of_kubernetes = photos("--shard=auto/3", &[("JOB_COMPLETION_INDEX", "2")]).succeeded();
    let of_slurm = [
        ("SLURM_ARRAY_TASK_ID", "5"),
        ("SLURM_ARRAY_TASK_MIN", "1"),
        ("SLURM_ARRAY_TASK_STEP", "2"),
        ("SLURM_ARRAY_TASK_COUNT", "3"),
    ];
    let of_slurm = photos("--shard=auto", &of_slurm).succeeded();
    assert_eq!([names(&of_kubernetes.stdout), names(&of_slurm.stdout)], [names(&third), names(&third)]);
    let nowhere = photos("--shard=auto", &[]).failed(2);
    assert!(nowhere.contains("this is no task of an array"), "{nowhere}");
    for wrong in ["--shard=4/3", "--shard=half"] {
        assert!(photos(wrong, &[]).stderr.contains("--shard"), "{wrong}");
    }
}
