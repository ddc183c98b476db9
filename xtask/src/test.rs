//! `cargo xtask test`: every test that this machine can run, and a loud word about those that it cannot.

use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use anyhow::Result;

use crate::process;
use crate::project::Project;
use crate::python::{self, PROGRAM_VARIABLE};
use crate::venv;

/// The variable that tells the tests where the `mlflow` program is; without it they skip the real server.
const MLFLOW_VARIABLE: &str = "DODGE_TEST_MLFLOW";

/// Runs the tests; `args` go to the test runner and leave the documentation examples out, as they select tests.
pub(crate) fn run(project: &Project, args: &[OsString]) -> Result<ExitCode> {
    let mlflow = venv::mlflow(project.target());
    if let Err(reason) = &mlflow {
        warn_without_mlflow(reason);
    }
    // Built before the tests and outside of their time limits.
    let dodge = if args.is_empty() { Some(project.build_dodge(&[])?) } else { None };
    let prepared = |mut command: Command| -> Command {
        if let Some(dodge) = &dodge {
            command.env(PROGRAM_VARIABLE, dodge);
        }
        match &mlflow {
            Ok(program) => command.env(MLFLOW_VARIABLE, program),
            Err(_) => command.env_remove(MLFLOW_VARIABLE),
        };
        command
    };

    let nextest = has_nextest(project);
    let tests = process::status(&mut prepared(project.cargo(runner_arguments(nextest, args))))?;
    let examples = if args.is_empty() {
        Some(process::status(&mut prepared(project.cargo(["test", "--workspace", "--doc"])))?)
    } else {
        None
    };

    // Those of the Python package select nothing, either.
    let python = args.is_empty().then(|| python::python(project));
    let python = match (&python, &dodge) {
        (Some(Ok(program)), Some(dodge)) => Some(python::test(project, program, dodge)?),
        (Some(Err(reason)), _) => {
            eprintln!("{}", boxed(&["SKIPPED: the tests of the Python package", reason]));
            None
        }
        _ => None,
    };

    if let Err(reason) = &mlflow {
        warn_without_mlflow(reason);
    }
    let examples = examples.map(|status| status.success());
    let passed = tests.success() && examples.unwrap_or(true) && python.unwrap_or(true);
    println!("{}", summary(tests.success(), examples, python, mlflow.as_deref().ok()));
    Ok(if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Cargo's arguments for everything but the documentation examples, which nextest does not run.
fn runner_arguments(nextest: bool, args: &[OsString]) -> Vec<OsString> {
    let selects_packages = args.iter().filter_map(|argument| argument.to_str()).any(|argument| {
        ["--package", "--workspace", "--all"].contains(&argument.split('=').next().unwrap_or_default())
            || argument.starts_with("-p")
    });
    let runner: &[&str] = if nextest { &["nextest", "run"] } else { &["test", "--no-fail-fast"] };
    let workspace: &[&str] = if selects_packages { &[] } else { &["--workspace"] };
    let targets: &[&str] =
        if nextest || !args.is_empty() { &[] } else { &["--lib", "--bins", "--tests", "--examples"] };
    let own = [runner, workspace, targets].concat();
    own.into_iter().map(OsString::from).chain(args.iter().cloned()).collect()
}

fn has_nextest(project: &Project) -> bool {
    let mut probe = project.cargo(["nextest", "--version"]);
    probe.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

fn warn_without_mlflow(reason: &str) {
    eprintln!("{}", boxed(&["SKIPPED: the tests against a real MLflow server", reason]));
}

/// The lines in a frame as wide as the longest of them.
fn boxed(lines: &[&str]) -> String {
    let width = lines.iter().map(|line| line.chars().count()).max().unwrap_or(0);
    let edge = format!("+{}+", "-".repeat(width + 2));
    let body = lines.iter().map(|line| format!("| {line:width$} |\n")).collect::<String>();
    format!("{edge}\n{body}{edge}")
}

fn summary(tests: bool, examples: Option<bool>, python: Option<bool>, mlflow: Option<&Path>) -> String {
    let word = |passed: bool| if passed { "passed" } else { "FAILED" };
    let tests = word(tests);
    let examples = examples.map_or("not run (arguments select tests)", word);
    let python = python.map_or("not run", word);
    let mlflow = if mlflow.is_some() { venv::MLFLOW_VERSION } else { "SKIPPED" };
    format!("test: tests {tests}; documentation examples {examples}; Python package {python}; real MLflow: {mlflow}")
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    #[track_caller]
    fn check(nextest: bool, args: &[&str], expected: &str) {
        let args = args.iter().map(OsString::from).collect::<Vec<_>>();
        let words = runner_arguments(nextest, &args).into_iter().map(|word| word.into_string().expect("plain text"));
        assert_eq!(words.collect::<Vec<_>>().join(" "), expected);
    }

    #[test]
    fn everything_runs_once_with_either_runner() {
        check(true, &[], "nextest run --workspace");
        check(false, &[], "test --no-fail-fast --workspace --lib --bins --tests --examples");
    }

    #[test]
    fn arguments_go_to_the_runner() {
        check(true, &["resize"], "nextest run --workspace resize");
        check(true, &["-p", "dodge-rl"], "nextest run -p dodge-rl");
        check(false, &["--package=dodge-rl", "crop"], "test --no-fail-fast --package=dodge-rl crop");
    }

    /// Each package with the features that it is built with, of which there may be several sets.
    fn features(project: &Project, arguments: &[&str]) -> BTreeMap<String, BTreeSet<String>> {
        let tree = ["tree", "--locked", "--no-dedupe", "--prefix=none", "--format={p}|{f}"];
        let output = project.cargo(tree).args(arguments).output().expect("cargo starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let mut found = BTreeMap::<_, BTreeSet<String>>::new();
        for line in String::from_utf8_lossy(&output.stdout).lines() {
            if let Some((package, features)) = line.split_once('|') {
                found.entry(package.to_owned()).or_default().insert(features.trim_end_matches(" (*)").to_owned());
            }
        }
        found
    }

    #[test]
    fn the_program_and_its_tests_are_built_from_the_same() {
        let project = Project::load().expect("the workspace loads");
        let tests = features(&project, &["--workspace", "--edges=normal,build,dev"]);
        let program = features(&project, &["--package=dodge-cli", "--edges=normal,build"]);
        built_once(program, &tests);
    }

    #[test]
    fn the_python_package_and_the_program_are_built_from_the_same() {
        let project = Project::load().expect("the workspace loads");
        let both = features(&project, &["--package=dodge-cli", "--package=dodge-python", "--edges=normal,build"]);
        let feature = format!("--features=dodge-python/{}", python::BESIDE_THE_PROGRAM);
        let mut package = features(&project, &["--package=dodge-python", &feature, "--edges=normal,build"]);
        package.retain(|name, _| !name.starts_with("dodge-python "));
        built_once(package, &both);
    }

    /// All packages are among those that are built for tests, with the same features.
    #[track_caller]
    fn built_once(program: BTreeMap<String, BTreeSet<String>>, tests: &BTreeMap<String, BTreeSet<String>>) {
        assert!(program.len() > 50, "{program:?}");
        for (package, sets) in program {
            let known = tests.get(&package).unwrap_or_else(|| panic!("the tests have no {package}"));
            if let Some(features) = sets.difference(known).next() {
                panic!(
                    "the program has {package} with the features {features:?}, a build for tests with {known:?}: \
                     everything that needs it is compiled twice. Find out by `cargo tree --edges features` who turns on \
                     the others, and do without, or turn them on for the program, too"
                );
            }
        }
    }

    #[test]
    fn what_did_not_run_is_said() {
        assert_eq!(
            summary(true, Some(false), Some(true), None),
            "test: tests passed; documentation examples FAILED; Python package passed; real MLflow: SKIPPED"
        );
        assert!(
            summary(false, None, None, Some(Path::new("mlflow"))).contains("FAILED; documentation examples not run")
        );
    }

    #[test]
    fn a_box_fits_its_longest_line() {
        assert_eq!(boxed(&["ab", "c"]), "+----+\n| ab |\n| c  |\n+----+");
    }
}
