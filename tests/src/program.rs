//! The program under test, built on demand.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use serde_json::Value;

/// The variable that names another binary to test, for example an installed one; without it, one is built.
const PROGRAM_VARIABLE: &str = "DODGE_TEST_PROGRAM";

/// The root of the workspace.
#[must_use]
pub fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("this package is a folder of the workspace")
}

/// The cargo that runs the tests, in the root of the workspace.
#[must_use]
pub fn cargo() -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    // Who runs a test describes this package in these variables. Build scripts that watch them (ring's does) would run again at each
    // turn, and a part of the program would be built anew for every run of the tests.
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            cargo.env_remove(&name);
        }
    }
    cargo.current_dir(workspace());
    cargo
}

/// The `dodge` binary of this checkout, in the profile of the tests. The first call of a process builds it: cargo hands
/// the path of a binary to the tests of its own package only, and a binary left over from an earlier build must not be
/// what is tested.
///
/// # Panics
/// When it cannot be built.
pub fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| std::env::var_os(PROGRAM_VARIABLE).map_or_else(build, PathBuf::from))
}

fn build() -> PathBuf {
    let mut cargo = cargo();
    cargo.args(["build", "--package", "dodge-cli", "--locked", "--message-format=json"]);
    if !cfg!(debug_assertions) {
        cargo.arg("--release");
    }
    let output = cargo.output().expect("cargo can be started");
    assert!(output.status.success(), "dodge cannot be built:\n{}", String::from_utf8_lossy(&output.stderr));
    let messages = String::from_utf8_lossy(&output.stdout);
    let executable =
        messages.lines().filter_map(|line| serde_json::from_str(line).ok()).find_map(|message| executable_of(&message));
    executable.expect("cargo names the executable that it built")
}

fn executable_of(message: &Value) -> Option<PathBuf> {
    let ours = message["reason"] == "compiler-artifact" && message["target"]["name"] == "dodge";
    ours.then(|| message["executable"].as_str().map(PathBuf::from)).flatten()
}
