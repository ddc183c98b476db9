//! `cargo xtask fuzz`: feeds arbitrary bytes to what reads files and replies of others, with the address sanitiser.
//!
//! It does what cargo-fuzz does, by the compiler of the project: the flags are unstable, which `RUSTC_BOOTSTRAP` permits.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;

use crate::process;
use crate::project::Project;

/// The address sanitiser, and the counters and comparisons by which the fuzzer sees where an input leads.
const FLAGS: &str = "--cfg fuzzing -Zsanitizer=address -Cpasses=sancov-module \
    -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares \
    -Cdebug-assertions -Coverflow-checks";

/// Seconds that one input may take, and megabytes that a target may use.
const LIMITS: [&str; 2] = ["-timeout=60", "-rss_limit_mb=6000"];

/// Lines shown of what a target said before it failed.
const LINES_SHOWN: usize = 60;

/// Folders with inputs to begin with that other tests have, beside `fuzz/seeds/TARGET`.
const MORE_SEEDS: [(&str, &str); 3] = [
    ("decode_picture", "crates/imaging/tests/golden/files"),
    ("profile", "crates/imaging/tests/golden/colour"),
    ("raw_picture", "crates/imaging/tests/golden/raw"),
];

/// Builds the targets and runs those named, or all that require no feature, for `seconds` each, `jobs` at a time.
pub(crate) fn run(project: &Project, named: &[String], seconds: u32, jobs: usize) -> Result<ExitCode> {
    let known = targets(project.root())?;
    let required = required_features(project.root())?;
    let names = chosen(&known, named, &required)?;
    let place = project.target().join("fuzz");
    let programs = build(project, &place, &names, &required)?;
    let next = Mutex::new(names.iter().zip(&programs));
    let failed = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..jobs.clamp(1, names.len()) {
            scope.spawn(|| {
                while let Some((name, program)) = take(&next) {
                    match one(project.root(), &place, name, program, seconds) {
                        Ok(said) => println!("fuzz: {name} {said}"),
                        Err(error) => {
                            eprintln!("fuzz: {name} FAILED: {error:#}");
                            failed.lock().unwrap_or_else(PoisonError::into_inner).push(name.clone());
                        }
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap_or_else(PoisonError::into_inner);
    println!("fuzz: {} passed, {} failed", names.len() - failed.len(), failed.len());
    Ok(if failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn take<T>(next: &Mutex<impl Iterator<Item = T>>) -> Option<T> {
    next.lock().unwrap_or_else(PoisonError::into_inner).next()
}

/// The names of the targets: those of the files in `fuzz/fuzz_targets`.
pub(crate) fn targets(root: &Path) -> Result<Vec<String>> {
    let folder = root.join("fuzz/fuzz_targets");
    let mut names = Vec::new();
    for entry in fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "rs")
            && let Some(name) = path.file_stem().and_then(|name| name.to_str())
        {
            names.push(name.to_owned());
        }
    }
    names.sort();
    Ok(names)
}

/// The features that targets require, by their names.
fn required_features(root: &Path) -> Result<BTreeMap<String, Vec<String>>> {
    let path = root.join("fuzz/Cargo.toml");
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let manifest: Manifest = toml::from_str(&text).with_context(|| format!("cannot understand {}", path.display()))?;
    let required = manifest.bin.into_iter().filter(|bin| !bin.required_features.is_empty());
    Ok(required.map(|bin| (bin.name, bin.required_features)).collect())
}

#[derive(Deserialize)]
struct Manifest {
    bin: Vec<Program>,
}

#[derive(Deserialize)]
struct Program {
    name: String,
    #[serde(rename = "required-features", default)]
    required_features: Vec<String>,
}

fn chosen(known: &[String], named: &[String], required: &BTreeMap<String, Vec<String>>) -> Result<Vec<String>> {
    if let Some(unknown) = named.iter().find(|name| !known.contains(name)) {
        bail!("there is no target `{unknown}`; there are {}", known.join(", "));
    }
    let usual = || known.iter().filter(|name| !required.contains_key(*name)).cloned().collect();
    Ok(if named.is_empty() { usual() } else { named.to_vec() })
}

/// Builds the targets, apart from everything else that is built, and returns the programs in the order of the names.
fn build(
    project: &Project,
    place: &Path,
    names: &[String],
    required: &BTreeMap<String, Vec<String>>,
) -> Result<Vec<PathBuf>> {
    let host = host(project)?;
    let mut cargo = project.cargo(["build", "--release", "--locked", "--manifest-path", "fuzz/Cargo.toml"]);
    // Named, the flags are for the programs alone and not for build scripts.
    cargo.args(["--target", &host]).arg("--target-dir").arg(place);
    cargo.args(names.iter().flat_map(|name| ["--bin", name]));
    cargo.args(names.iter().filter_map(|name| required.get(name)).flatten().flat_map(|it| ["--features", it]));
    cargo.env("RUSTC_BOOTSTRAP", "1").env("RUSTFLAGS", FLAGS).env("CARGO_INCREMENTAL", "0");
    process::run(&mut cargo)?;
    Ok(names.iter().map(|name| place.join(&host).join("release").join(name)).collect())
}

/// The triple of this machine, as the compiler names it.
fn host(project: &Project) -> Result<String> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let mut command = Command::new(rustc);
    let output = command.arg("-vV").current_dir(project.root()).output().context("cannot start rustc")?;
    let said = String::from_utf8_lossy(&output.stdout);
    let host = said.lines().find_map(|line| line.strip_prefix("host: "));
    let host = host.with_context(|| format!("rustc does not name its host: {said}"))?;
    ensure!(cfg!(unix), "the sanitiser needs Linux or macOS; this is {host}");
    Ok(host.to_owned())
}

/// Runs one target and returns what to say of it.
fn one(root: &Path, place: &Path, name: &str, program: &Path, seconds: u32) -> Result<String> {
    let [corpus, artifacts] = ["corpus", "artifacts"].map(|folder| place.join(folder).join(name));
    for folder in [&corpus, &artifacts] {
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    let log = place.join(format!("{name}.log"));
    let file = File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
    let mut prefix = OsString::from("-artifact_prefix=");
    prefix.push(artifacts.join(""));
    let mut command = Command::new(program);
    command.arg(format!("-max_total_time={seconds}")).args(LIMITS).arg("-print_final_stats=1").arg(prefix);
    // What is found goes into the first folder.
    command.arg(&corpus).args(seeds(root, name));
    // A leak is no fault of memory, and to look for one takes rights that a container need not have.
    command.env("ASAN_OPTIONS", "detect_odr_violation=0:detect_leaks=0").env("RUST_BACKTRACE", "1");
    command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file);
    let status = process::status(&mut command)?;
    let said = String::from_utf8_lossy(&fs::read(&log)?).into_owned();
    if !status.success() {
        let lines = said.lines().collect::<Vec<_>>();
        let shown = lines[lines.len().saturating_sub(LINES_SHOWN)..].join("\n");
        bail!(
            "{status}\n{shown}\nThe input lies in {}, all that was said in {}. Once more: {} INPUT",
            artifacts.display(),
            log.display(),
            program.display()
        );
    }
    let runs = said.lines().find_map(|line| line.strip_prefix("stat::number_of_executed_units:"));
    Ok(format!("passed: {} inputs in {seconds} s", runs.context("the fuzzer told no number of runs")?.trim()))
}

fn seeds(root: &Path, name: &str) -> Vec<PathBuf> {
    let own = [root.join("fuzz/seeds").join(name)];
    let more = MORE_SEEDS.iter().filter(|(target, _)| *target == name).map(|(_, folder)| root.join(folder));
    own.into_iter().chain(more).filter(|folder| folder.is_dir()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root() -> PathBuf {
        Project::load().expect("the workspace loads").root().to_owned()
    }

    #[test]
    fn each_target_is_declared_and_has_seeds() {
        let root = root();
        let manifest = fs::read_to_string(root.join("fuzz/Cargo.toml")).expect("the manifest is there");
        let manifest: toml::Table = manifest.parse().expect("the manifest is valid");
        let declared = manifest["bin"].as_array().expect("it has programs").iter();
        let mut declared = declared.map(|bin| bin["name"].as_str().expect("a name").to_owned()).collect::<Vec<_>>();
        declared.sort();
        let targets = targets(&root).expect("the folder is there");
        assert_eq!(targets, declared);
        for name in &targets {
            let seeds = seeds(&root, name);
            let files = seeds.iter().flat_map(|folder| fs::read_dir(folder).expect("it is a folder"));
            assert!(files.count() > 0, "{name} has nothing to begin with in fuzz/seeds/{name}");
        }
        let guide = fs::read_to_string(root.join("fuzz/README.md")).expect("the guide is there");
        assert!(targets.iter().all(|name| guide.contains(&format!("| `{name}` |"))), "{guide}");
    }

    #[test]
    fn an_unknown_target_is_told_with_those_that_there_are() {
        let known = ["a", "b"].map(str::to_owned);
        let none = BTreeMap::new();
        assert_eq!(chosen(&known, &[], &none).expect("all"), known);
        assert_eq!(chosen(&known, &known[1..], &none).expect("one"), ["b"]);
        let error = chosen(&known, &["c".to_owned()], &none).expect_err("there is no such target").to_string();
        assert_eq!(error, "there is no target `c`; there are a, b");
        // What requires a feature runs when it is named.
        let required = BTreeMap::from([("b".to_owned(), vec!["raw".to_owned()])]);
        assert_eq!(chosen(&known, &[], &required).expect("one"), ["a"]);
        assert_eq!(chosen(&known, &known[1..], &required).expect("one"), ["b"]);
    }
}
