//! A disk that runs full while the program writes to it: a tiny file system, mounted where only this test sees it.

use std::fs;
use std::process::Command;

use dodge_imaging::Photo;
use dodge_tests::{Finished, SMALL_TRAINING, Scratch, program, skipped};

use crate::photos::retouching_model;

/// Runs the program with a new file system of `size` at `small`, whose files it copies to `left` at the end.
fn on_a_small_disk(scratch: &Scratch, size: &str, arguments: &[&str]) -> Finished {
    fs::create_dir_all(scratch.path("small")).unwrap();
    let mut command = Command::new("unshare");
    let script = "mount -t tmpfs -o size=$SIZE tmpfs small || exit 99; \"$@\"; code=$?; cp -r small left; exit $code";
    command.args(["-m", "sh", "-c", script, "sh"]).arg(program()).args(arguments);
    scratch.settle(&mut command);
    command.env("SIZE", size).env("IMAGE_VOLUME_PATH", "small");
    scratch.finish(command)
}

/// Whether a file system can be mounted here: by root, or in a container that allows it.
fn can_mount(test: &str) -> bool {
    let scratch = Scratch::new();
    fs::create_dir(scratch.path("small")).unwrap();
    let mut command = Command::new("unshare");
    command.args(["-m", "mount", "-t", "tmpfs", "tmpfs", "small"]);
    scratch.settle(&mut command);
    let can = command.output().is_ok_and(|output| output.status.success());
    if !can {
        skipped(test, "no file system can be mounted here; run it as root on Linux");
    }
    can
}

/// Makes sure that the program said that the disk is full and what to do, and left no half file.
fn check(scratch: &Scratch, finished: &Finished) {
    let message = finished.failed(1);
    assert!(message.contains("\nhint: the disk is full; "), "{finished}");
    assert_eq!(finished.stdout, "", "{finished}");
    for file in scratch.files("left") {
        let path = scratch.path("left").join(&file);
        assert!(!file.ends_with(".part") && !file.contains(".part/"), "{file} is left over");
        if file.ends_with(".png") {
            Photo::open(&path).unwrap_or_else(|error| panic!("{file} is half written: {error}"));
        } else if file.ends_with(".json") {
            let text = fs::read(&path).unwrap();
            serde_json::from_slice::<serde_json::Value>(&text).unwrap_or_else(|error| panic!("{file}: {error}"));
        } else if file.ends_with(".safetensors") {
            let bytes = fs::read(&path).unwrap();
            let header = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
            let header: serde_json::Value = serde_json::from_slice(&bytes[8..8 + header]).unwrap();
            let ends = header.as_object().unwrap().values().filter_map(|tensor| tensor["data_offsets"][1].as_u64());
            assert!(bytes.len() as u64 > ends.max().unwrap(), "{file} is half written");
        }
    }
}

fn train_on_a_small_disk(size: &str, arguments: &[&str]) {
    let scratch = Scratch::new();
    let arguments = [SMALL_TRAINING, &["--steps=100000000", "--seed=1", "--json"], arguments].concat();
    check(&scratch, &on_a_small_disk(&scratch, size, &arguments));
}

#[test]
fn training_says_that_the_disk_is_full_where_the_photos_do_not_fit() {
    if can_mount("training on a disk too small for the photos") {
        train_on_a_small_disk("96k", &["--tracking-uri=off"]);
        train_on_a_small_disk("320k", &["--tracking-uri=off"]);
    }
}

#[test]
fn training_says_that_the_disk_is_full_where_the_model_does_not_fit() {
    if can_mount("training on a disk too small for the model") {
        train_on_a_small_disk("640k", &["--tracking-uri=off", "--set=ppo.hidden=[256]"]);
    }
}

#[test]
fn training_says_that_the_disk_is_full_where_the_tracking_database_does_not_fit() {
    if can_mount("training on a disk too small for the tracking database") {
        train_on_a_small_disk("300k", &[]);
    }
}

#[test]
fn training_says_that_the_disk_is_full_where_the_spool_cannot_grow() {
    if can_mount("training on a disk that the tracking records fill") {
        train_on_a_small_disk("2m", &[]);
    }
}

#[test]
fn enhancing_says_that_the_disk_is_full_and_leaves_no_half_photo() {
    if !can_mount("enhancing into a full disk") {
        return;
    }
    let scratch = Scratch::new();
    let model = retouching_model(&scratch);
    // Noise, so that it does not compress.
    let noise = |x: u32, y: u32| [x * 7 + y * 13, x * y, x ^ y].map(|v| (v.wrapping_mul(2_654_435_761) >> 24) as u8);
    Photo::from_fn(200, 150, noise).unwrap().save(&scratch.path("big.png")).unwrap();
    let finished = on_a_small_disk(&scratch, "40k", &["enhance", "big.png", "--model", &model, "-o", "small/out"]);
    assert_eq!(finished.code, Some(1), "{finished}");
    assert!(!finished.stderr.contains("panicked"), "{finished}");
    assert_eq!(
        finished.stderr.lines().filter(|line| line.contains("No space left on device")).count(),
        1,
        "{finished}"
    );
    assert!(finished.stderr.contains("\nhint: the disk is full; "), "{finished}");
    assert_eq!(scratch.files("left/out"), Vec::<String>::new());
}
