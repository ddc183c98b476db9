//! Names that are no Unicode, very long, or read as something else by a shell.

use std::fs;

use dodge_tests::{SMALL_TRAINING, Scratch};

use crate::photos::{dark, retouching_model, scene};

const RECIPE: &str = "{\"dodge_recipe_format\": 1, \"operations\": [\"lightness:30\"]}";

#[cfg(target_os = "linux")]
mod bytes {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    use std::path::PathBuf;

    use super::*;

    fn path(scratch: &Scratch, relative: &[u8]) -> PathBuf {
        scratch.path(OsStr::from_bytes(relative))
    }

    fn dodge(scratch: &Scratch, arguments: &[&[u8]]) -> dodge_tests::Finished {
        let mut command = scratch.command(&[]);
        command.args(arguments.iter().map(|argument| OsStr::from_bytes(argument)));
        scratch.finish(command)
    }

    #[test]
    fn photos_whose_names_are_no_unicode_are_worked_on_like_others() {
        let scratch = Scratch::new();
        let model = retouching_model(&scratch);
        fs::write(scratch.path("r.json"), RECIPE).unwrap();
        fs::create_dir(scratch.path("in")).unwrap();
        for name in [&b"in/caf\xe9.png"[..], b"in/caf\xe8.png", b"in/ok.png"] {
            dark(&scene(0)).save(&scratch.path("tmp.png")).unwrap();
            fs::rename(scratch.path("tmp.png"), path(&scratch, name)).unwrap();
        }
        for (folder, arguments) in [
            ("applied", &["apply", "r.json", "in", "-o", "applied"][..]),
            ("enhanced", &["enhance", "in", "--model", &model]),
            ("", &["score", "in"]),
        ] {
            for json in [false, true] {
                let mut all = arguments.to_vec();
                all.extend(json.then_some("--json"));
                let finished = scratch.dodge(&all).succeeded();
                if json {
                    let photos = finished.json()["photos"].clone();
                    assert_eq!(photos.as_array().unwrap().len(), 3, "{finished}");
                    assert_eq!(photos[1]["photo"], "in/caf\u{fffd}.png", "{finished}");
                } else {
                    for name in [r"$'in/caf\350.png'", r"$'in/caf\351.png'", "in/ok.png"] {
                        assert!(finished.stdout.contains(name), "{name}: {finished}");
                    }
                }
            }
            if !folder.is_empty() {
                for name in [&b"caf\xe9.png"[..], b"caf\xe8.png", b"ok.png"] {
                    assert!(scratch.path(folder).join(OsStr::from_bytes(name)).is_file());
                }
            }
        }
    }

    #[test]
    fn folders_whose_names_are_no_unicode_are_trained_on_and_into() {
        let scratch = Scratch::new();
        fs::create_dir(path(&scratch, b"caf\xe9")).unwrap();
        for index in 0..8_u8 {
            scene(u64::from(index)).save(&scratch.path("tmp.png")).unwrap();
            let name = [&b"caf\xe9/\xe9"[..], &[b'0' + index], b".png"].concat();
            fs::rename(scratch.path("tmp.png"), path(&scratch, &name)).unwrap();
        }
        let small: Vec<&[u8]> =
            SMALL_TRAINING.iter().map(|it| it.as_bytes()).filter(|it| !it.starts_with(b"--synthetic")).collect();
        let more: &[&[u8]] =
            &[b"--photos", b"caf\xe9", b"--steps=300", b"--out", b"o\xe9", b"--json", b"--run-name=mine"];
        let report = dodge(&scratch, &[&small[..], more].concat()).succeeded();
        assert_eq!(report.json()["model"], "o\u{fffd}/model.safetensors", "{report}");
        assert!(path(&scratch, b"o\xe9/report.json").is_file());
        // Printed, the next command line works when it is copied into a shell.
        let again: &[&[u8]] = &[b"train", b"--resume", b"o\xe9", b"--steps=600", b"--threads=1"];
        let words = dodge(&scratch, again).succeeded();
        assert!(words.stdout.contains(r"--model $'o\351/model.safetensors' -o enhanced"), "{words}");
        let exported = dodge(&scratch, &[b"runs", b"export", b"mine", b"-o", b"x\xe9", b"--json"]).succeeded();
        assert_eq!(exported.json()["folder"], "x\u{fffd}", "{exported}");
        assert!(path(&scratch, b"x\xe9/run.json").is_file());
        let shown = dodge(&scratch, &[b"runs", b"show", b"o\xe9", b"--json"]).succeeded();
        assert_eq!(shown.json()["run_id"], report.json()["run_id"]);
        let score =
            dodge(&scratch, &[b"evaluate", b"--model", b"o\xe9/model.safetensors", b"--photos", b"caf\xe9", b"--json"]);
        let _ = score.succeeded();
    }

    #[test]
    fn a_volume_whose_name_is_no_unicode_is_used() {
        let scratch = Scratch::new();
        let mut command = scratch.command(&[SMALL_TRAINING, &["--steps=300", "--json"]].concat());
        command.env("IMAGE_VOLUME_PATH", OsStr::from_bytes(b"v\xe9"));
        let _ = scratch.finish(command).succeeded();
        for folder in [&b"v\xe9/runs"[..], b"v\xe9/cache", b"v\xe9/tracking"] {
            assert!(path(&scratch, folder).is_dir());
        }
        let mut command = scratch.command(&["params", "list"]);
        command.env("DODGE_DEVICE", OsStr::from_bytes(b"cp\xfc"));
        assert_eq!(scratch.finish(command).failed(2), "error: DODGE_DEVICE is no UTF-8 text");
    }
}

#[test]
fn photos_with_names_as_long_as_a_file_system_allows_are_worked_on() {
    let scratch = Scratch::new();
    let model = retouching_model(&scratch);
    fs::write(scratch.path("r.json"), RECIPE).unwrap();
    fs::create_dir(scratch.path("in")).unwrap();
    // 244, 238 and 255 bytes.
    let names = [
        format!("{}.png", "a".repeat(240)),
        "夕焼けの海辺で撮影した写真".repeat(6) + ".png",
        format!("{}.png", "b".repeat(251)),
    ];
    for name in &names {
        dark(&scene(0)).save(&scratch.path("tmp.png")).unwrap();
        fs::rename(scratch.path("tmp.png"), scratch.path("in").join(name)).unwrap();
    }
    for turn in 0..2 {
        let applied = scratch.dodge(&["apply", "r.json", "in", "-o", "applied", "--json"]).succeeded().json();
        let enhance = ["enhance", "in", "--model", &model, "-o", "out", "--json"];
        let enhanced = scratch.dodge(&enhance).succeeded().json();
        assert_eq!((&applied["passed_over"], &enhanced["passed_over"]), (&(3 * turn).into(), &(3 * turn).into()));
    }
    let mut sorted = names.clone();
    sorted.sort();
    assert_eq!(scratch.files("applied"), sorted, "each fits as it is");
    let files = scratch.files("out");
    assert_eq!(files.len(), 6, "{files:?}");
    assert!(files.contains(&names[0]) && files.contains(&names[1]) && !files.contains(&names[2]), "{files:?}");
}

#[test]
fn a_run_may_have_a_long_name() {
    let scratch = Scratch::new();
    let name = "x".repeat(248);
    let arguments = ["--steps=300", "--json", "--run-name", &name, "--experiment", &name];
    let report = scratch.train(&arguments).succeeded().json();
    let resumed = scratch.dodge(&["train", "--resume", &name, "--json", "--threads=1"]).succeeded().json();
    assert_eq!((&report["run_id"], &report["run_dir"]), (&resumed["run_id"], &resumed["run_dir"]));
}

#[cfg(unix)]
#[test]
fn the_command_line_that_is_printed_can_be_copied() {
    let scratch = Scratch::new();
    let mut command =
        scratch.command(&[SMALL_TRAINING, &["--steps=300", "--tracking-uri=off", "--out=it's here"]].concat());
    command.env("IMAGE_VOLUME_PATH", "my $volume");
    let finished = scratch.finish(command).succeeded();
    let line = finished.stdout.lines().find(|line| line.contains(" enhance ")).unwrap_or_else(|| panic!("{finished}"));
    assert!(line.contains(r"--model 'it'\''s here/model.safetensors'"), "{line}");
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", line.trim()]);
    scratch.settle(&mut shell);
    let _ = scratch.finish(shell).succeeded();
    assert_eq!(scratch.files("enhanced").len(), 2);
}
