//! The Python virtual environment under the target folder that holds a real MLflow.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::process;

/// The MLflow that tests and `cargo xtask mlflow` run. Raise it when `mlflow`, `mlflow-skinny` and `mlflow-tracing` are
/// all out in the newer version: they pin each other.
pub(crate) const MLFLOW_VERSION: &str = "3.17.2";

/// The oldest Python that this MLflow runs on.
const OLDEST_PYTHON: (u32, u32) = (3, 10);

/// The `mlflow` program of the virtual environment in `target`, which is made where it is missing or of another version.
///
/// # Errors
/// Why there is none and what to do about it, on one line.
pub(crate) fn mlflow(target: &Path) -> Result<PathBuf, String> {
    let folder = target.join("mlflow-venv");
    let programs = folder.join(if cfg!(windows) { "Scripts" } else { "bin" });
    let program = |name: &str| programs.join(name).with_extension(std::env::consts::EXE_EXTENSION);
    let (python, mlflow) = (program("python"), program("mlflow"));
    if is_pinned(&mlflow) {
        return Ok(mlflow);
    }

    let base = find_python()?;
    let mut create = Command::new(base);
    create.args(["-m", "venv", "--clear"]).arg(&folder).stdin(Stdio::null());
    process::run(&mut create)
        .map_err(|_| "python cannot make a virtual environment, see its messages above".to_owned())?;

    let mut install = Command::new(python);
    install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input", "--prefer-binary"]);
    // A machine without a network should learn so in seconds.
    install.args(["--retries", "1", "--timeout", "20"]).arg(format!("mlflow=={MLFLOW_VERSION}")).stdin(Stdio::null());
    process::run(&mut install)
        .map_err(|_| format!("pip cannot install mlflow=={MLFLOW_VERSION}, see its messages above (offline?)"))?;
    if is_pinned(&mlflow) {
        Ok(mlflow)
    } else {
        Err(format!("MLflow {MLFLOW_VERSION} was installed but does not run; try {} --version", mlflow.display()))
    }
}

/// Whether the program runs and is the pinned MLflow.
fn is_pinned(mlflow: &Path) -> bool {
    let output = Command::new(mlflow).arg("--version").stdin(Stdio::null()).output();
    output.is_ok_and(|output| {
        output.status.success() && names_version(&String::from_utf8_lossy(&output.stdout), MLFLOW_VERSION)
    })
}

/// Whether the text, such as `mlflow, version 3.1.0`, names the version as a whole word.
fn names_version(text: &str, version: &str) -> bool {
    text.split_whitespace().any(|word| word == version)
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
    fn another_version_is_not_the_pinned_one() {
        assert!(names_version("mlflow, version 3.1.0\n", "3.1.0"));
        assert!(!names_version("mlflow, version 3.1.01\n", "3.1.0"));
        assert!(!names_version("", "3.1.0"));
    }

    #[test]
    fn a_program_that_does_not_exist_is_not_mlflow() {
        assert!(!is_pinned(Path::new("no-such-folder/mlflow")));
    }
}
