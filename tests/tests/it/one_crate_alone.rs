//! A crate can be used by someone who has none of the crates above it: alone it compiles, with the features that it asks for
//! itself, and brings along no other crate of ours.

use dodge_tests::cargo;

/// Checks that a crate compiles alone and that those of ours which come along are `with`. Returns the names of all that come along.
fn check(package: &str, with: &[&str]) -> Vec<String> {
    // What other packages of the workspace turn on is off where a package is chosen. What is compiled here, clippy finds.
    run(&["check", "--offline", "--locked", "--quiet", "--package", package, "--lib"]);
    let tree = run(&["tree", "--offline", "--locked", "--package", package, "--edges=normal,build", "--prefix=none"]);
    let mut names: Vec<String> = tree.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect();
    names.sort();
    names.dedup();
    let ours: Vec<&str> = names.iter().map(String::as_str).filter(|name| name.starts_with("dodge-")).collect();
    let mut expected = [with, &[package]].concat();
    expected.sort_unstable();
    assert_eq!(ours, expected, "no other crate of ours comes along");
    assert!(!names.iter().any(|name| name.starts_with("burn")), "and no tensor library: {names:?}");
    names
}

fn run(arguments: &[&str]) -> String {
    let output = cargo().args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn tracking_alone() {
    check("dodge-tracking", &[]);
}

#[test]
fn hparams_alone() {
    check("dodge-hparams", &["dodge-hparams-derive"]);
}

#[test]
fn imaging_alone() {
    check("dodge-imaging", &[]);
}

#[test]
fn photos_in_a_folder_without_network_and_archives() {
    let names = check("dodge-data", &["dodge-imaging"]);
    let heavy = [
        "axum",
        "dodge-hparams",
        "hyper",
        "liblzma",
        "liblzma-sys",
        "reqwest",
        "ring",
        "rusqlite",
        "rustls",
        "ruzstd",
        "tar",
        "tokio",
        "toml",
        "zip",
    ];
    let found: Vec<&String> = names.iter().filter(|name| heavy.contains(&name.as_str())).collect();
    assert!(found.is_empty(), "{found:?} in {names:?}");
}
