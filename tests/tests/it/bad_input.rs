//! Wrong input gets one clear line, the documented exit code and never a panic.

use std::fs;

use dodge_imaging::Photo;
use dodge_tests::{Finished, SMALL_TRAINING, Scratch};

use crate::photos::{cmyk_jpeg, folder_of_photos, grey_jpeg, retouching_model, scene};

/// The exit codes for work that could not be done and for wrong usage or configuration.
const FAILED: i32 = 1;
const USAGE: i32 = 2;

/// The message of a command that has to fail, with the exit code in front.
fn message(scratch: &Scratch, code: i32, arguments: &[&str]) -> String {
    let finished = scratch.dodge(arguments);
    assert_eq!(finished.stdout, "", "{finished}");
    format!("{code} {}", finished.failed(code))
}

/// The complaint of the argument parser, without the help that follows it.
fn usage_message(finished: &Finished) -> &str {
    assert_eq!((finished.code, finished.stdout.as_str()), (Some(USAGE), ""), "{finished}");
    assert!(finished.stderr.starts_with("error: ") && !finished.stderr.contains("panicked"), "{finished}");
    finished.stderr.lines().next().unwrap()
}

#[test]
fn folders_that_cannot_be_trained_on() {
    let scratch = Scratch::new();
    fs::create_dir(scratch.path("empty")).unwrap();
    folder_of_photos(&scratch.path("one"), 1);
    folder_of_photos(&scratch.path("four"), 4);
    fs::create_dir(scratch.path("unusable")).unwrap();
    fs::write(scratch.path("unusable/text.jpg"), "just a text").unwrap();
    fs::write(scratch.path("unusable/zero.png"), "").unwrap();
    Photo::new(1, 1, vec![9, 9, 9]).unwrap().save(&scratch.path("unusable/dot.png")).unwrap();
    let train = |folder: &str| {
        message(&scratch, FAILED, &["train", "--photos", folder, "--tracking-uri=off", "--steps=100", "--threads=1"])
    };
    let folders = ["missing", "empty", "one", "four", "unusable", "one/photo-0.png"];
    let messages: Vec<String> = folders.into_iter().map(train).collect();
    insta::assert_snapshot!(messages.join("\n"), @"
    1 error: photos: no such folder: missing; check the path, or name another folder with photos
    1 error: photos: no photos in empty; put JPEG, PNG, TIFF or WebP files there, or name another folder
    1 error: preprocessing: a training, a validation and a test split need at least 10 photos, got 1
    1 error: preprocessing: a training, a validation and a test split need at least 10 photos, got 4
    1 error: photos: no photos in unusable (3 unusable: unusable/dot.png: 1x1 pixels, less than 16 on a side; unusable/text.jpg: the content is neither JPEG, PNG, TIFF nor WebP; unusable/zero.png: the file is empty); put JPEG, PNG, TIFF or WebP files there, or name another folder
    1 error: photos: one/photo-0.png is not a folder; name the folder that holds the photos, not a file in it
    ");
    let models = scratch.files("volume").into_iter().filter(|path| path.ends_with(".safetensors")).count();
    assert_eq!(models, 0);
}

#[test]
fn a_failed_run_is_marked_as_failed() {
    let scratch = Scratch::new();
    let _ = message(&scratch, FAILED, &["train", "--photos=missing"]);
    assert_eq!(dodge_tests::rows(&scratch.store(), "SELECT status FROM runs"), ["FAILED"]);
}

#[test]
fn hyperparameters_and_configurations_that_are_wrong() {
    let scratch = Scratch::new();
    fs::write(scratch.path("malformed.toml"), "format_version = 1\n[ppo\nepochs = 3\n").unwrap();
    fs::write(scratch.path("unknown.toml"), "format_version = 1\n[ppo]\nepoch = 3\n").unwrap();
    fs::write(scratch.path("newer.toml"), "format_version = 99\n").unwrap();
    fs::write(scratch.path("type.toml"), "format_version = 1\n[ppo]\nepochs = \"three\"\n").unwrap();
    fs::write(scratch.path("bytes.toml"), [0xff, 0xfe, 0x00]).unwrap();
    let cases: &[&[&str]] = &[
        &["--set=ppo.discont=0.9"],
        &["--set=pop.discount=0.9"],
        &["--set=ppo.discount=1.5"],
        &["--set=ppo.epochs=many"],
        &["--set=ppo.discount"],
        &["--set=environment.actions=[\"polish:3\"]"],
        &["--set=degrade.train_ratio=0.9", "--set=degrade.validation_ratio=0.2"],
        &["--config=malformed.toml"],
        &["--config=unknown.toml"],
        &["--config=newer.toml"],
        &["--config=type.toml"],
        &["--config=unknown.toml", "--config=type.toml", "--set=ppo.discont=1", "--set=reward.score=-1"],
        &["--config=bytes.toml"],
        &["--config=missing.toml"],
        &["--steps=0"],
        &["--synthetic=0"],
        &["--threads=0"],
        &["--device=gpu"],
        &["--tracking-uri=ftp://example.org"],
    ];
    let messages: Vec<String> = cases
        .iter()
        .map(|case| format!("{}: {}", case.join(" "), message(&scratch, USAGE, &[&["train"], *case].concat())))
        .collect();
    insta::assert_snapshot!(messages.join("\n"), @r#"
    --set=ppo.discont=0.9: 2 error: unknown hyperparameter ppo.discont (--set): did you mean `discount`?
    hint: `dodge params list` shows every hyperparameter
    --set=pop.discount=0.9: 2 error: unknown section `pop` (--set): did you mean `ppo`?
    hint: `dodge params list` shows every hyperparameter
    --set=ppo.discount=1.5: 2 error: ppo.discount = 1.5 (--set): out of range, expected 0.0 to 1.0
    hint: `dodge params list` shows every hyperparameter
    --set=ppo.epochs=many: 2 error: ppo.epochs = "many" (--set): wrong type, expected an integer, got text
    hint: `dodge params list` shows every hyperparameter
    --set=ppo.discount: 2 error: malformed assignment `ppo.discount` (--set): write section.key=value
    hint: `dodge params list` shows every hyperparameter
    --set=environment.actions=["polish:3"]: 2 error: environment.actions: unknown operation `polish:3`: expected one of lightness, contrast, gamma, exposure, shadows, highlights, haze, invert, channels, greyscale, saturation, saturation-hsv, vibrance, warmth, tint, grey-world, shades-of-grey, auto-contrast, auto-gamma, clahe, sharpen, sharpen-8, unsharp-mask, clarity, blur, box-blur, median, median-blur, flip, shift, noise, jpeg, vignette, crop, crop-oriented, crop-thirds, level-horizon
    --set=degrade.train_ratio=0.9 --set=degrade.validation_ratio=0.2: 2 error: section `degrade`: train_ratio and validation_ratio leave -0.100 for the test split; at least 0.01 is needed
    hint: `dodge params list` shows every hyperparameter
    --config=malformed.toml: 2 error: malformed TOML (config file malformed.toml, line 2, column 5): unclosed table, expected `]`
      |
    2 | [ppo
      |     ^
    --config=unknown.toml: 2 error: unknown hyperparameter ppo.epoch (config file unknown.toml, line 3, column 1): did you mean `epochs`?
      |
    3 | epoch = 3
      | ^^^^^
    hint: `dodge params list` shows every hyperparameter
    --config=newer.toml: 2 error: format_version = 99 (config file newer.toml, line 1, column 18) cannot be read: this version reads 1
      |
    1 | format_version = 99
      |                  ^^
    --config=type.toml: 2 error: ppo.epochs = "three" (config file type.toml, line 3, column 10): wrong type, expected an integer, got text
      |
    3 | epochs = "three"
      |          ^^^^^^^
    hint: `dodge params list` shows every hyperparameter
    --config=unknown.toml --config=type.toml --set=ppo.discont=1 --set=reward.score=-1: 2 error: unknown hyperparameter ppo.epoch (config file unknown.toml, line 3, column 1): did you mean `epochs`?
      |
    3 | epoch = 3
      | ^^^^^
    error: ppo.epochs = "three" (config file type.toml, line 3, column 10): wrong type, expected an integer, got text
      |
    3 | epochs = "three"
      |          ^^^^^^^
    error: unknown hyperparameter ppo.discont (--set): did you mean `discount`?
    error: reward.score = -1 (--set): out of range, expected 0.0 to 100.0
    hint: `dodge params list` shows every hyperparameter
    --config=bytes.toml: 2 error: malformed TOML (config file bytes.toml, line 1, column 1): not UTF-8 text
      |
    1 | ��
      | ^
    --config=missing.toml: 2 error: cannot read config file missing.toml: No such file or directory (os error 2)
    --steps=0: 2 error: training.steps = 0 (--steps): out of range, expected 1 to 10000000000 (environment steps)
    hint: `dodge params list` shows every hyperparameter
    --synthetic=0: 2 error: data.synthetic_photos = 0 (--synthetic): out of range, expected 1 to 100000 (photos)
    hint: `dodge params list` shows every hyperparameter
    --threads=0: 2 error: --threads must be at least 1
    --device=gpu: 2 error: this build has no GPU support: the feature `wgpu` is off
    hint: `cargo xtask train --device gpu` builds with it; or use --device cpu
    --tracking-uri=ftp://example.org: 2 error: tracking destination `ftp://example.org` is not an http or https address: use `local`, `console`, `off` or an http(s) address
    "#);
    assert!(!scratch.path("volume/runs").exists(), "nothing was begun");
}

#[test]
fn variables_that_are_wrong() {
    let scratch = Scratch::new();
    let variables = [("DODGE_PPO__EPOCHS", "many"), ("DODGE_PPO__EPOCH", "3"), ("DODGE_POP__EPOCHS", "3")];
    let with = |arguments: &[&str], variables: &[(&str, &str)]| {
        let mut command = scratch.command(arguments);
        command.envs(variables.iter().copied());
        scratch.finish(command)
    };
    insta::assert_snapshot!(with(&["params", "list"], &variables).failed(USAGE), @r#"
    error: unknown section `pop` (environment variable DODGE_POP__EPOCHS): did you mean `ppo`?
    error: unknown hyperparameter ppo.epoch (environment variable DODGE_PPO__EPOCH): did you mean `epochs`?
    error: ppo.epochs = "many" (environment variable DODGE_PPO__EPOCHS): wrong type, expected an integer, got text
    hint: `dodge params list` shows every hyperparameter
    "#);
    let listed = with(&["params", "show", "ppo.epochs"], &[("DODGE_PPO__EPOCHS", "3")]).succeeded();
    assert!(listed.stdout.contains("this value: environment variable DODGE_PPO__EPOCHS"), "{listed}");
}

#[test]
fn command_lines_that_are_wrong() {
    let scratch = Scratch::new();
    let cases: &[&[&str]] = &[
        &["train", "--photos=a", "--synthetic=5"],
        &["train", "--preset=huge"],
        &["train", "--steps=many"],
        &["train", "--seed=-1"],
        &["train", "--device=tpu"],
        &["train", "--algo=sarsa"],
        &["train", "--foto=a"],
        &["enhance", "photo.jpg", "--strength=2"],
        &["enhance", "--model=m"],
        &["evaluate", "--model=m"],
        &["evaluate", "--photos=a", "--overwrite"],
        &["export", "recipe.json"],
        &["apply", "recipe.json"],
        &["score"],
    ];
    let messages: Vec<String> =
        cases.iter().map(|case| format!("{}: {}", case.join(" "), usage_message(&scratch.dodge(case)))).collect();
    insta::assert_snapshot!(messages.join("\n"), @"
    train --photos=a --synthetic=5: error: the argument '--photos <DIR>' cannot be used with '--synthetic <N>'
    train --preset=huge: error: invalid value 'huge' for '--preset <PRESET>'
    train --steps=many: error: invalid value 'many' for '--steps <N>': invalid digit found in string
    train --seed=-1: error: invalid value '-1' for '--seed <N>': invalid digit found in string
    train --device=tpu: error: invalid value 'tpu' for '--device <DEVICE>'
    train --algo=sarsa: error: invalid value 'sarsa' for '--algo <ALGO>'
    train --foto=a: error: unexpected argument '--foto' found
    enhance photo.jpg --strength=2: error: invalid value '2' for '--strength <SHARE>': must lie between 0 and 1
    enhance --model=m: error: the following required arguments were not provided:
    evaluate --model=m: error: the following required arguments were not provided:
    evaluate --photos=a --overwrite: error: the following required arguments were not provided:
    export recipe.json: error: the following required arguments were not provided:
    apply recipe.json: error: the following required arguments were not provided:
    score: error: the following required arguments were not provided:
    ");
    assert!(scratch.files(".").is_empty());
}

#[test]
fn photos_that_cannot_be_read() {
    let scratch = Scratch::new();
    let model = retouching_model(&scratch);
    fs::write(scratch.path("text.jpg"), "just a text").unwrap();
    fs::write(scratch.path("zero.png"), "").unwrap();
    let whole = scene(0).encode(dodge_imaging::Encoding::Png).unwrap();
    fs::write(scratch.path("cut.png"), &whole[..whole.len() / 2]).unwrap();
    fs::create_dir(scratch.path("empty")).unwrap();
    for photo in ["text.jpg", "zero.png", "cut.png", "missing.jpg"] {
        for arguments in [&["score", photo][..], &["enhance", photo, "--model", &model, "-o", "out"]] {
            let finished = scratch.dodge(arguments);
            assert!(!finished.stderr.contains("panicked"), "{finished}");
            assert_eq!((finished.code, finished.stdout.as_str()), (Some(FAILED), ""), "{finished}");
            let first = finished.stderr.lines().next().unwrap();
            assert!(first.starts_with("error: ") && first.contains(photo), "{finished}");
        }
    }
    assert!(scratch.files("out").is_empty());
    insta::assert_snapshot!(message(&scratch, FAILED, &["score", "empty"]), @"1 error: no photos in empty; put JPEG, PNG, TIFF or WebP files there, or name another folder");
}

#[test]
fn unusual_photos_are_read_as_they_look() {
    let scratch = Scratch::new();
    let model = retouching_model(&scratch);
    fs::write(scratch.path("cmyk.jpg"), cmyk_jpeg()).unwrap();
    fs::write(scratch.path("grey.jpg"), grey_jpeg()).unwrap();
    Photo::new(1, 1, vec![200, 100, 50]).unwrap().save(&scratch.path("dot.png")).unwrap();
    let scored = scratch.dodge(&["score", "cmyk.jpg", "grey.jpg", "dot.png", "--json"]).succeeded().json();
    let photos = scored["photos"].as_array().unwrap();
    assert_eq!(photos.len(), 3);
    assert!(photos.iter().all(|photo| (0.0..=10.0).contains(&photo["score"].as_f64().unwrap())), "{scored}");

    let enhance = ["enhance", "cmyk.jpg", "grey.jpg", "dot.png", "--model", &model, "-o", "out", "--max-steps=0"];
    let _ = scratch.dodge(&enhance).succeeded();
    let [r, g, b] = Photo::open(&scratch.path("out/cmyk.jpg")).unwrap().pixel(8, 8);
    assert!(r > 200 && g < 60 && b < 60, "the ink is red: {r} {g} {b}");
    let grey = Photo::open(&scratch.path("out/grey.jpg")).unwrap();
    assert_eq!((grey.width(), grey.height()), (32, 16));
    let (left, right) = (grey.pixel(3, 8), grey.pixel(28, 8));
    assert!(left[0] < 60 && right[0] > 190 && right.iter().all(|v| v.abs_diff(right[0]) <= 4), "{left:?} {right:?}");
    let dot = Photo::open(&scratch.path("out/dot.png")).unwrap();
    assert_eq!(dot.pixels(), [200, 100, 50]);
    let _ = scratch.dodge(&["enhance", "dot.png", "--model", &model, "-o", "edited", "--explain"]).succeeded();
}

#[test]
fn model_files_that_cannot_be_used() {
    let scratch = Scratch::new();
    let model = retouching_model(&scratch);
    scene(0).save(&scratch.path("photo.png")).unwrap();
    let bytes = fs::read(scratch.path(&model)).unwrap();
    let replaced = |from: &str, to: &str| {
        assert_eq!(from.len(), to.len());
        let at = bytes.windows(from.len()).position(|window| window == from.as_bytes()).unwrap();
        [&bytes[..at], to.as_bytes(), &bytes[at + from.len()..]].concat()
    };
    let write = |name: &str, content: &[u8]| fs::write(scratch.path(name), content).unwrap();
    write("half.safetensors", &bytes[..bytes.len() / 2]);
    write("short.safetensors", &bytes[..bytes.len() - 1]);
    write("head.safetensors", &bytes[..20]);
    write("empty.safetensors", b"");
    write("text.safetensors", b"This is no model at all.");
    write("newer.safetensors", &replaced("\"dodge_model_format\":\"7\"", "\"dodge_model_format\":\"9\""));
    write("other.safetensors", &replaced("dodge_model_format", "other_model_format"));
    write("widths.safetensors", &replaced("\\\"hidden\\\":[32]", "\\\"hidden\\\":[31]"));
    write("huge.safetensors", &[&u64::MAX.to_le_bytes()[..], &bytes[8..]].concat());
    let names = ["half", "short", "head", "empty", "text", "newer", "other", "huge", "missing"];
    let messages: Vec<String> = names
        .into_iter()
        .map(|name| {
            let file = format!("{name}.safetensors");
            let enhance = message(&scratch, FAILED, &["enhance", "photo.png", "--model", &file]);
            let evaluate = message(&scratch, FAILED, &["evaluate", "--photos=.", "--model", &file]);
            assert_eq!(enhance, evaluate);
            enhance
        })
        .collect();
    insta::assert_snapshot!(messages.join("\n"), @"
    1 error: model half.safetensors: is no model file, or truncated (incomplete metadata, file not fully covered)
    1 error: model short.safetensors: is no model file, or truncated (incomplete metadata, file not fully covered)
    1 error: model head.safetensors: is no model file, or truncated (invalid header length)
    1 error: model empty.safetensors: is no model file, or truncated (header too small)
    1 error: model text.safetensors: is no model file, or truncated (header too large)
    1 error: model newer.safetensors: has format version 9, this program reads version 7: train it again
    1 error: model other.safetensors: is a safetensors file, but no model of dodge
    1 error: model huge.safetensors: is no model file, or truncated (header too large)
    1 error: cannot read missing.safetensors: No such file or directory (os error 2)
    ");
    let widths = message(&scratch, FAILED, &["enhance", "photo.png", "--model=widths.safetensors"]);
    let clear = widths.contains("do not fit its configuration") && !widths.contains("ShapeMismatch {");
    assert!(clear, "in words, not as a value of the program: {widths}");
    assert!(!scratch.path("enhanced").exists(), "nothing was begun");
}

#[test]
fn recipes_that_cannot_be_used() {
    let scratch = Scratch::new();
    scene(0).save(&scratch.path("photo.png")).unwrap();
    let cases = [
        ("text.json", "no JSON"),
        ("other.json", "{\"steps\": []}"),
        ("newer.json", "{\"dodge_recipe_format\": 9, \"operations\": []}"),
        ("unknown.json", "{\"dodge_recipe_format\": 1, \"operations\": [\"polish:3\"]}"),
        ("range.json", "{\"dodge_recipe_format\": 1, \"operations\": [\"contrast:-5\"]}"),
    ];
    let mut messages = Vec::new();
    for (name, text) in cases {
        fs::write(scratch.path(name), text).unwrap();
        messages.push(message(&scratch, FAILED, &["apply", name, "photo.png", "-o", "out"]));
    }
    messages.push(message(&scratch, FAILED, &["apply", "missing.json", "photo.png", "-o", "out"]));
    insta::assert_snapshot!(messages.join("\n"), @"
    1 error: recipe text.json: not JSON: expected ident at line 1 column 2
    1 error: recipe other.json: has no `dodge_recipe_format`, so it is not a recipe
    1 error: recipe newer.json: has format version 9, this program reads versions up to 2
    1 error: recipe unknown.json: unknown operation `polish:3`: expected one of lightness, contrast, gamma, exposure, shadows, highlights, haze, invert, channels, greyscale, saturation, saturation-hsv, vibrance, warmth, tint, grey-world, shades-of-grey, auto-contrast, auto-gamma, clahe, sharpen, sharpen-8, unsharp-mask, clarity, blur, box-blur, median, median-blur, flip, shift, noise, jpeg, vignette, crop, crop-oriented, crop-thirds, level-horizon
    1 error: recipe range.json: operation `contrast:-5`: the strength must lie between 0 and 8
    1 error: cannot read missing.json: No such file or directory (os error 2)
    ");
    assert!(!scratch.path("out").exists(), "nothing was begun");
}

#[test]
fn a_volume_that_cannot_be_written_to() {
    let scratch = Scratch::new();
    // A file where the folder should be: refused to everybody, also to root.
    fs::write(scratch.path("volume"), "a file").unwrap();
    let local = message(&scratch, FAILED, &[SMALL_TRAINING, &["--steps=100"]].concat());
    assert!(local.contains("volume/tracking"), "{local}");
    let off = message(&scratch, FAILED, &[SMALL_TRAINING, &["--steps=100", "--tracking-uri=off"]].concat());
    assert!(off.contains("volume/"), "{off}");
}

#[test]
fn a_closed_pipe_ends_the_program_quietly() {
    let scratch = Scratch::new();
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", "\"$0\" params list | head -n 1"]).arg(dodge_tests::program());
    scratch.settle(&mut shell);
    let finished = scratch.finish(shell).succeeded();
    assert_eq!((finished.stdout.lines().count(), finished.stderr.as_str()), (1, ""), "{finished}");
}
