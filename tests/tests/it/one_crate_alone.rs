//! A crate can be used by someone who has none of the crates above it: a package outside the workspace that depends
//! on it alone.

use std::fs;
use std::path::Path;

use dodge_tests::{cargo, workspace};
use tempfile::TempDir;

/// Makes a package that depends on one of our crates and uses it as in `code`.
fn stranger(short_name: &str, code: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let path = workspace().join("crates").join(short_name);
    let manifest = format!(
        "[package]\nname = \"stranger\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n\
         [dependencies]\ndodge-{short_name} = {{ path = {path:?} }}\n\n[workspace]\n"
    );
    fs::write(folder.path().join("Cargo.toml"), manifest).unwrap();
    fs::create_dir(folder.path().join("src")).unwrap();
    fs::write(folder.path().join("src/main.rs"), code).unwrap();
    // The same versions, which are on this machine already.
    fs::copy(workspace().join("Cargo.lock"), folder.path().join("Cargo.lock")).unwrap();
    folder
}

/// Checks that a package outside compiles with one of our crates, and that the others of ours which come along are those `with`.
fn check(short_name: &str, with: &[&str], code: &str) {
    let folder = stranger(short_name, code);
    let mut cargo = cargo();
    // Beside the other tests' files, so that a second run has little to do.
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("one-crate-alone");
    cargo.args(["check", "--offline", "--quiet", "--target-dir"]).arg(target).current_dir(folder.path());
    let output = cargo.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lock = fs::read_to_string(folder.path().join("Cargo.lock")).unwrap();
    let ours: Vec<&str> = lock.lines().filter_map(|line| line.strip_prefix("name = \"dodge-")).collect();
    let expected = |name: &&str| [&[short_name], with].concat().iter().any(|known| name.starts_with(known));
    assert!(!ours.is_empty() && ours.iter().all(expected), "no other crate of ours comes along: {ours:?}");
    assert!(!lock.contains("name = \"burn\""), "and no tensor library");
}

#[test]
fn tracking_alone() {
    check(
        "tracking",
        &[],
        r#"fn main() -> Result<(), dodge_tracking::Error> {
            let run = dodge_tracking::Tracking::in_memory().start_run(&dodge_tracking::RunOptions::new("mine"))?;
            run.log_metric("loss", 0.5, 1)?;
            run.finish(dodge_tracking::Status::Finished).map(|_| ())
        }"#,
    );
}

#[test]
fn hparams_alone() {
    check(
        "hparams",
        &[],
        r#"use dodge_hparams::{HParams, Registry};

        /// Mine.
        #[derive(Debug, Clone, PartialEq, HParams)]
        #[hparams(section = "mine")]
        struct Mine {
            /// How fast.
            #[hparam(default = 0.1, range = 0.0..=1.0)]
            rate: f64,
        }

        fn main() -> Result<(), Box<dyn std::error::Error>> {
            let mut registry = Registry::new();
            registry.register::<Mine>()?;
            registry.apply_set("mine.rate=0.5")?;
            assert_eq!(registry.get::<Mine>()?.rate, 0.5);
            Ok(())
        }"#,
    );
}

#[test]
fn imaging_alone() {
    check(
        "imaging",
        &[],
        r#"use dodge_imaging::{Operation, Photo};

        fn main() -> Result<(), dodge_imaging::Error> {
            let photo = Photo::from_fn(8, 8, |x, y| [x as u8, y as u8, 0])?;
            let edit: Operation = "contrast:1.2".parse()?;
            assert_eq!(edit.apply(&photo).width(), 8);
            Ok(())
        }"#,
    );
}

#[test]
fn photos_in_a_folder_without_network_and_archives() {
    let code = r#"use dodge_data::{DataLoader, FolderLoader};

        fn main() -> Result<(), dodge_data::Error> {
            let dataset = FolderLoader::new("photos").load()?;
            assert!(dataset.photos().len() > 1);
            Ok(())
        }"#;
    check("data", &["imaging"], code);
    let folder = stranger("data", code);
    let mut cargo = cargo();
    cargo.args(["tree", "--offline", "--edges=normal,build", "--prefix=none"]).current_dir(folder.path());
    let output = cargo.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let tree = String::from_utf8(output.stdout).unwrap();
    let names: Vec<&str> = tree.lines().filter_map(|line| line.split(' ').next()).collect();
    assert!(names.contains(&"dodge-imaging"), "{tree}");
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
    let found: Vec<&str> = heavy.into_iter().filter(|heavy| names.contains(heavy)).collect();
    assert!(found.is_empty(), "{found:?} in\n{tree}");
}
