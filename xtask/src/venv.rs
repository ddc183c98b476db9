//! Python virtual environments under the target folder: one with a real MLflow, and those of benchmarks' peers.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::process;

/// The MLflow that tests and `cargo xtask mlflow` run. Raise it when `mlflow`, `mlflow-skinny` and `mlflow-tracing` are
/// all out in the newer version: they pin each other.
pub(crate) const MLFLOW_VERSION: &str = "3.17.2";

/// The oldest Python that this MLflow runs on.
const OLDEST_PYTHON: (u32, u32) = (3, 10);

/// The file in an environment that says what was installed; written last.
const INSTALLED: &str = "installed.txt";

/// The `mlflow` program of the virtual environment in `target`.
///
/// # Errors
/// As [`environment`].
pub(crate) fn mlflow(target: &Path) -> Result<PathBuf, String> {
    let programs = environment(&target.join("mlflow-venv"), &[format!("mlflow=={MLFLOW_VERSION}")])?;
    Ok(program(&programs, "mlflow"))
}

/// A Python with the packages of requirements files in the virtual environment `name` in `target`.
///
/// # Errors
/// As [`environment`], and when a file cannot be read.
pub(crate) fn required(target: &Path, name: &str, requirements: &[&Path]) -> Result<PathBuf, String> {
    let mut packages = Vec::new();
    for file in requirements {
        let text = fs::read_to_string(file).map_err(|error| format!("{} cannot be read: {error}", file.display()))?;
        packages.extend(text.lines().map(|line| line.trim().to_owned()).filter(|it| !it.is_empty()));
    }
    let programs = environment(&target.join(name), &packages)?;
    Ok(program(&programs, "python"))
}

/// The folder of the programs of the virtual environment `name` in `target` with these packages.
///
/// # Errors
/// As [`environment`].
pub(crate) fn with(target: &Path, name: &str, packages: &[&str]) -> Result<PathBuf, String> {
    environment(&target.join(name), &packages.iter().map(|&package| package.to_owned()).collect::<Vec<_>>())
}

/// The folder of the programs of the virtual environment in `folder`, which is made where it is missing, broken, or holds
/// other packages.
///
/// # Errors
/// Why there is none and what to do about it, on one line.
fn environment(folder: &Path, packages: &[String]) -> Result<PathBuf, String> {
    let programs = folder.join(if cfg!(windows) { "Scripts" } else { "bin" });
    let python = program(&programs, "python");
    let (stamp, wanted) = (folder.join(INSTALLED), packages.join("\n"));
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) && runs(&python) {
        return Ok(programs);
    }

    let base = find_python()?;
    let mut create = Command::new(base);
    create.args(["-m", "venv", "--clear"]).arg(folder).stdin(Stdio::null());
    process::run(&mut create)
        .map_err(|_| "python cannot make a virtual environment, see its messages above".to_owned())?;

    let mut install = Command::new(python);
    install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input", "--prefer-binary"]);
    // A machine without a network should learn so in seconds.
    install.args(["--retries", "1", "--timeout", "20"]).args(packages).stdin(Stdio::null());
    process::run(&mut install)
        .map_err(|_| format!("pip cannot install {}, see its messages above (offline?)", packages.join(" ")))?;
    fs::write(&stamp, wanted).map_err(|error| format!("{} cannot be written: {error}", stamp.display()))?;
    Ok(programs)
}

fn program(programs: &Path, name: &str) -> PathBuf {
    programs.join(name).with_extension(std::env::consts::EXE_EXTENSION)
}

/// Whether the Python of an environment still works: the one that it was made from may be gone.
fn runs(python: &Path) -> bool {
    let mut command = Command::new(python);
    command.args(["-c", ""]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

fn find_python() -> Result<&'static str, String> {
    let (major, minor) = OLDEST_PYTHON;
    // Debian ships `venv` without `ensurepip`, which it needs; asking for both tells before anything is made.
    let probe = format!("import sys, venv, ensurepip; sys.exit(sys.version_info < ({major}, {minor}))");
    let usable = |python: &&str| {
        let mut command = Command::new(python);
        command.args(["-c", &probe]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    ["python3", "python"].into_iter().find(usable).ok_or_else(|| {
        format!("they need Python {major}.{minor} or newer with venv (Debian: apt install python3 python3-venv)")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_python_that_does_not_exist_does_not_run() {
        assert!(!runs(Path::new("no-such-folder/python")));
    }

    #[test]
    fn requirements_that_cannot_be_read_are_named() {
        let error = required(Path::new("target"), "a", &[Path::new("no-such-folder/requirements.txt")]);
        let error = error.expect_err("there is no file");
        assert!(error.contains("no-such-folder/requirements.txt cannot be read"), "{error}");
    }
}
