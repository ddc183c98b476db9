//! The Python package: `cargo xtask wheel`, its tests, which `cargo xtask test` runs where there is a Python, and its benchmarks.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, anyhow, bail};

use crate::process;
use crate::project::{Project, forget_package};
use crate::venv;

/// The folder of the sources in Python.
const SOURCES: &str = "python";

/// What builds wheels.
const MATURIN: &str = "maturin==1.16.0";

/// Names the `dodge` that the whole-program tests and those of the package run; without it they build one, or skip.
pub(crate) const PROGRAM_VARIABLE: &str = "DODGE_TEST_PROGRAM";

/// The feature by which what the package and the program need is built once.
pub(crate) const BESIDE_THE_PROGRAM: &str = "beside-the-program";

/// Benchmarks of the Python package: name and script.
pub(crate) const BENCHES: [(&str, &str); 2] = [("environment", "environment.py"), ("cluster", "cluster.py")];

/// Builds a wheel for this system and every Python from 3.10 into `target/wheels`.
pub(crate) fn wheel(project: &Project) -> Result<ExitCode> {
    let wheel = build(project, &["--release"], "wheels")?;
    println!("{}", wheel.display());
    Ok(ExitCode::SUCCESS)
}

/// Builds a wheel, with arguments of maturin, into a folder in `target`, and returns it.
fn build(project: &Project, args: &[&str], folder: &str) -> Result<PathBuf> {
    let folder = &project.target().join(folder);
    let maturin = venv::with(project.target(), "maturin-venv", &[MATURIN]);
    let maturin =
        maturin.map_err(|reason| anyhow!("there is nothing to build a wheel with: {reason}"))?.join("maturin");
    let is_ours = |path: &Path| path.extension().is_some_and(|extension| extension == "whl");
    let wheels = || -> Vec<PathBuf> {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        entries.map(|entry| entry.path()).filter(|path| is_ours(path)).collect()
    };
    // One of an older version would be installed in place of the new one.
    for old in wheels() {
        fs::remove_file(&old).with_context(|| format!("cannot remove {}", old.display()))?;
    }
    let mut command = Command::new(maturin);
    command.args(["build", "--locked"]).args(args).arg("--out").arg(folder);
    command.env("CARGO_TARGET_DIR", project.target()).current_dir(project.root().join(SOURCES));
    forget_package(&mut command);
    process::run(&mut command)?;
    match &wheels()[..] {
        [wheel] => Ok(wheel.clone()),
        other => bail!("maturin built {} wheels in {}", other.len(), folder.display()),
    }
}

/// A Python with what the tests need.
///
/// # Errors
/// Why there is none.
pub(crate) fn python(project: &Project) -> Result<PathBuf, String> {
    let wanted = project.root().join(SOURCES).join("tests/requirements.txt");
    venv::required(project.target(), "python-venv", &[&wanted])
}

/// Runs the tests of the Python package, installed from a wheel of the profile that `dodge` is built in for tests. Returns whether they passed.
pub(crate) fn test(project: &Project, python: &Path, dodge: &Path) -> Result<bool> {
    let dev = ["--profile=dev", "--features", BESIDE_THE_PROGRAM];
    install(python, &build(project, &dev, "wheels-for-tests")?)?;
    let mut tests = Command::new(python);
    tests.args(["-B", "-m", "pytest", "--quiet", "-rs", "-p", "no:cacheprovider"]);
    tests.arg(project.root().join(SOURCES).join("tests")).env(PROGRAM_VARIABLE, dodge);
    Ok(process::status(&mut tests)?.success())
}

/// Runs a benchmark with a wheel as users have it.
pub(crate) fn bench(project: &Project, script: &str, args: &[OsString]) -> Result<ExitCode> {
    let sources = project.root().join(SOURCES);
    let wanted = [sources.join("tests/requirements.txt"), sources.join("benches/requirements.txt")];
    let python = venv::required(project.target(), "python-benches-venv", &[&wanted[0], &wanted[1]]);
    let python = python.map_err(|reason| anyhow!("there is no Python to measure with: {reason}"))?;
    install(&python, &build(project, &["--release"], "wheels")?)?;
    let mut command = Command::new(python);
    command.arg("-B").arg(sources.join("benches").join(script)).args(args);
    command.env(PROGRAM_VARIABLE, project.build_dodge(&["--release"])?);
    process::replace(command)
}

/// Installs a wheel in place of the one that is there.
fn install(python: &Path, wheel: &Path) -> Result<()> {
    let mut pip = Command::new(python);
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]);
    // What it needs is there already, unless it asks for something that the requirements do not have: that is told.
    process::run(pip.args(["--force-reinstall", "--no-deps"]).arg(wheel))?;
    let mut check = Command::new(python);
    process::run(check.args(["-m", "pip", "check", "--disable-pip-version-check"]))
}
