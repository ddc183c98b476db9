//! The Python package: `cargo xtask wheel`, and its tests, which `cargo xtask test` runs where there is a Python.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, anyhow, bail};

use crate::process;
use crate::project::{CLI_PACKAGE, Project};
use crate::venv;

/// The package of the native module.
const PYTHON_PACKAGE: &str = "dodge-python";

/// The folder of the sources in Python.
const SOURCES: &str = "python";

/// What builds wheels.
const MATURIN: &str = "maturin==1.16.0";

/// What the tests need.
const FOR_TESTS: [&str; 6] =
    ["gymnasium==1.4.0", "numpy", "optuna==5.0.0", "optuna-dashboard==0.21.0", "psycopg[binary]==3.3.9", "pytest"];

/// Builds a wheel for this system and every Python from 3.10 into `target/wheels`.
pub(crate) fn wheel(project: &Project) -> Result<ExitCode> {
    let maturin = venv::with(project.target(), "maturin-venv", &[MATURIN]);
    let maturin =
        maturin.map_err(|reason| anyhow!("there is nothing to build a wheel with: {reason}"))?.join("maturin");
    let mut command = Command::new(maturin);
    command.args(["build", "--release", "--out"]).arg(project.target().join("wheels"));
    command.current_dir(project.root().join(SOURCES));
    process::replace(command)
}

/// A Python that can run the tests.
///
/// # Errors
/// Why there is none.
pub(crate) fn python(project: &Project) -> Result<PathBuf, String> {
    Ok(venv::with(project.target(), "python-venv", &FOR_TESTS)?.join("python"))
}

/// Runs the tests of the Python package with its native module as it is built for tests. Returns whether they passed.
pub(crate) fn test(project: &Project, python: &Path) -> Result<bool> {
    // Together with the program, so that what both need is built once.
    process::run(&mut project.cargo(["build", "--package", CLI_PACKAGE, "--package", PYTHON_PACKAGE, "--locked"]))?;
    let package = project.target().join("python-package");
    assemble(project, &package.join("dodge"))?;
    let mut tests = Command::new(python);
    tests
        .args(["-B", "-m", "pytest", "--quiet", "-rs", "-p", "no:cacheprovider"])
        .arg(project.root().join(SOURCES).join("tests"));
    // What starts the program starts this one.
    let program = project.target().join("debug").join("dodge").with_extension(std::env::consts::EXE_EXTENSION);
    tests.env("DODGE_TEST_PROGRAM", program);
    Ok(process::status(tests.env("PYTHONPATH", package))?.success())
}

/// Puts the package into a folder, as a wheel would.
fn assemble(project: &Project, folder: &Path) -> Result<()> {
    let library = format!("{}dodge_python{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    let library = project.target().join("debug").join(library);
    if !library.is_file() {
        bail!("cargo built no {}; see crates/python/Cargo.toml", library.display());
    }
    let cannot = || format!("cannot put the package together in {}", folder.display());
    fs::create_dir_all(folder).with_context(cannot)?;
    for entry in fs::read_dir(project.root().join(SOURCES).join("dodge")).with_context(cannot)? {
        let path = entry.with_context(cannot)?.path();
        if let Some(name) = path.file_name().filter(|_| path.is_file()) {
            fs::copy(&path, folder.join(name)).with_context(cannot)?;
        }
    }
    let module = if cfg!(windows) { "_dodge.pyd" } else { "_dodge.abi3.so" };
    fs::copy(library, folder.join(module)).with_context(cannot)?;
    Ok(())
}
