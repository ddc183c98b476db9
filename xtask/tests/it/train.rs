//! `train` hands over to the program that it built: arguments, folder, exit status and signals. A stand-in for cargo
//! "builds" a shell script, so that nothing is compiled.

use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The message by which cargo says where a program lies.
const ARTIFACT: &str = r#"{"reason":"compiler-artifact","package_id":"p","manifest_path":"m","target":{"kind":["bin"],"crate_types":["bin"],"name":"dodge","src_path":"s","edition":"2024","doc":true,"doctest":false,"test":true},"profile":{"opt_level":"3","debuginfo":0,"debug_assertions":false,"overflow_checks":false,"test":false},"features":[],"filenames":[],"executable":"PROGRAM","fresh":true}"#;

/// `cargo xtask train` with a program of these shell lines in place of `dodge`, run in `folder`.
fn train(folder: &Path, program: &str, args: &[&str]) -> Command {
    let dodge = script(folder, "dodge", program);
    let artifact = ARTIFACT.replace("PROGRAM", dodge.to_str().expect("plain text"));
    let cargo = std::env::var("CARGO").expect("cargo runs the tests");
    let build = folder.join("build");
    let build = build.to_str().expect("plain text");
    let lines = format!("[ \"$1\" = metadata ] && exec '{cargo}' \"$@\"\necho \"$@\" > '{build}'\necho '{artifact}'");
    let mut xtask = Command::new(env!("CARGO_BIN_EXE_xtask"));
    xtask.env("CARGO", script(folder, "cargo", &lines)).arg("train").args(args).current_dir(folder);
    xtask.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    xtask
}

fn script(folder: &Path, name: &str, lines: &str) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, format!("#!/bin/sh\n{lines}\n")).expect("written");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("made executable");
    path
}

#[test]
fn arguments_and_exit_status_pass_through() {
    let folder = tempfile::tempdir().expect("a folder");
    let program = "echo \"$@\"; pwd; exit 130";
    let output = train(folder.path(), program, &["--seed", "3", "--json", "a b"]).output().expect("xtask starts");
    let stdout = String::from_utf8(output.stdout).expect("plain text");
    let (words, place) = stdout.split_once('\n').expect("two lines");
    assert_eq!(words, "train --seed 3 --json a b");
    let place = Path::new(place.trim_end()).canonicalize().expect("a folder");
    assert_eq!(place, folder.path().canonicalize().expect("a folder"), "relative paths mean what was typed");
    assert_eq!(output.status.code(), Some(130));

    let build = std::fs::read_to_string(folder.path().join("build")).expect("cargo was called");
    assert!(build.starts_with("build --package dodge-cli --locked --release "), "{build}");
    let stderr = String::from_utf8(output.stderr).expect("plain text");
    assert!(stderr.contains("$ cargo build") && stderr.contains("$ dodge train --seed 3 --json 'a b'"), "{stderr}");
}

#[test]
fn a_bare_train_is_the_quick_preset() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = train(folder.path(), "echo \"$@\"", &[]).output().expect("xtask starts");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "train --preset quick\n");
    assert!(output.status.success());
}

#[test]
fn an_interrupted_run_ends_in_its_own_time() {
    let folder = tempfile::tempdir().expect("a folder");
    let program = "trap 'sleep 0.3; echo saved; exit 130' INT\necho started\nwhile :; do sleep 0.05; done";
    let mut xtask = train(folder.path(), program, &["--seed", "1"]).spawn().expect("xtask starts");
    let mut stdout = BufReader::new(xtask.stdout.take().expect("a pipe"));
    let mut line = String::new();
    stdout.read_line(&mut line).expect("a line");
    assert_eq!(line, "started\n");
    let kill = Command::new("kill").args(["-INT", &xtask.id().to_string()]).status().expect("kill runs");
    assert!(kill.success());
    let status = xtask.wait().expect("it ends");
    let mut rest = String::new();
    stdout.read_to_string(&mut rest).expect("text");
    assert_eq!((rest.as_str(), status.code()), ("saved\n", Some(130)));
}

#[test]
fn a_failed_build_is_an_error_of_its_own() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut xtask = train(folder.path(), "echo never", &[]);
    script(
        folder.path(),
        "cargo",
        &format!(
            "[ \"$1\" = metadata ] && exec '{}' \"$@\"\nexit 101",
            std::env::var("CARGO").expect("cargo runs the tests")
        ),
    );
    let output = xtask.output().expect("xtask starts");
    assert_eq!((output.status.code(), &*output.stdout), (Some(1), &b""[..]));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains("error: building dodge-cli failed"), "{stderr}");
}
