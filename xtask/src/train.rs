//! `cargo xtask train`: builds the release `dodge` and hands over to `dodge train`.

use std::ffi::OsString;
use std::process::{Command, ExitCode};

use anyhow::Result;

use crate::process;
use crate::project::{GPU_FEATURE, Project};

/// Names the device where the arguments do not.
const DEVICE_VARIABLE: &str = "DODGE_DEVICE";

/// Trains in the folder of the caller, so that relative paths mean what the user typed.
pub(crate) fn run(project: &Project, args: &[OsString]) -> Result<ExitCode> {
    let device = std::env::var_os(DEVICE_VARIABLE);
    let dodge = project.build_dodge(build_arguments(wants_gpu(args, device)))?;
    let mut command = Command::new(dodge);
    command.arg("train").args(arguments(args));
    process::replace(command)
}

/// What `dodge train` gets: without a word from the user, the preset that ends within two minutes.
fn arguments(args: &[OsString]) -> Vec<OsString> {
    if args.is_empty() { vec!["--preset".into(), "quick".into()] } else { args.to_vec() }
}

/// The GPU only where it is asked for: it makes the first build several times as long.
fn build_arguments(gpu: bool) -> &'static [&'static str] {
    if gpu { &["--release", "--features", GPU_FEATURE] } else { &["--release"] }
}

/// Whether `dodge train` would take the arguments and the variable as `gpu`: the arguments win, and only in the variable is
/// `GPU` as good.
fn wants_gpu(args: &[OsString], variable: Option<OsString>) -> bool {
    let mut device = None;
    let mut args = args.iter().map(|arg| arg.to_string_lossy());
    while let Some(arg) = args.next() {
        if arg == "--device" {
            device = args.next();
        } else if let Some(value) = arg.strip_prefix("--device=") {
            device = Some(value.to_owned().into());
        }
    }
    match device {
        Some(device) => device == "gpu",
        None => variable.is_some_and(|device| device.to_string_lossy().eq_ignore_ascii_case("gpu")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project::{CLI_PACKAGE, LEARN_PACKAGE};

    #[test]
    fn only_a_bare_train_is_quick() {
        assert_eq!(arguments(&[]), ["--preset", "quick"]);
        assert_eq!(arguments(&["--seed".into(), "3".into()]), ["--seed", "3"]);
    }

    #[track_caller]
    fn check(line: &str, variable: Option<&str>, expected: bool) {
        let args = line.split_whitespace().map(OsString::from).collect::<Vec<_>>();
        assert_eq!(wants_gpu(&args, variable.map(OsString::from)), expected, "{line} with {variable:?}");
    }

    #[test]
    fn the_gpu_is_built_in_where_it_is_asked_for() {
        for line in ["--device gpu", "--device=gpu", "--steps 9 --device gpu --seed 1", "--seed=1 --device=gpu"] {
            check(line, None, true);
            check(line, Some("cpu"), true);
        }
        for line in ["", "--device", "--device cpu", "--device=auto", "--run-name gpu", "--device=gpus", "--device GPU"]
        {
            check(line, None, false);
        }
        check("--device cpu", Some("gpu"), false);
        check("--device=auto", Some("gpu"), false);
    }

    #[test]
    fn the_variable_counts_where_the_arguments_say_nothing() {
        check("", Some("gpu"), true);
        check("--steps 9", Some("GPU"), true);
        check("", Some("auto"), false);
        check("", Some(""), false);
    }

    #[test]
    fn the_feature_is_turned_on_by_itself() {
        assert_eq!(build_arguments(true), ["--release", "--features", "wgpu"]);
        assert_eq!(build_arguments(false), ["--release"]);
        let project = Project::load().expect("the workspace loads");
        for name in [CLI_PACKAGE, LEARN_PACKAGE] {
            let packages = &project.metadata().packages;
            let package = packages.iter().find(|package| package.name == name).expect("the package is there");
            assert!(package.features.contains_key(GPU_FEATURE), "{name} has {:?}", package.features);
        }
    }
}
