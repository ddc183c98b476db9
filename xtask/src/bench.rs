//! `cargo xtask bench`: runs one benchmark by name, whichever crate has it, beside what users would take instead: its peers in
//! Python, where the crate has some and there is a Python.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use crate::metadata::Metadata;
use crate::process;
use crate::project::Project;
use crate::{python, venv};
use anyhow::{Result, bail};

/// Runs the benchmark `name`, or lists the benchmarks.
pub(crate) fn run(project: &Project, name: Option<&str>, args: &[OsString]) -> Result<ExitCode> {
    let benches = benches(project.metadata());
    let Some(name) = name else {
        println!("{}", listing(&benches));
        return Ok(ExitCode::SUCCESS);
    };
    if let Some((_, script)) = python::BENCHES.iter().find(|(bench, _)| *bench == name) {
        return python::bench(project, script, args);
    }
    let package = owner(&benches, name)?;
    let mut args = args.to_vec();
    if let Some(requirements) = requirements(project.metadata(), package)
        && !args.iter().any(|arg| arg == "--python")
    {
        match venv::required(project.target(), &format!("peers-venv/{package}"), &[&requirements]) {
            Ok(python) => args.extend(["--python".into(), python.into()]),
            Err(reason) => eprintln!("without what users would take instead: {reason}"),
        }
    }
    let mut cargo = project.cargo(["bench", "--package", package, "--bench", name]);
    let features = features(project.metadata(), package, name);
    if !features.is_empty() {
        cargo.args(["--features", &features.join(",")]);
    }
    if !args.is_empty() {
        cargo.arg("--").args(args);
    }
    process::replace(cargo)
}

/// Each benchmark as (package, name), sorted.
fn benches(metadata: &Metadata) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for package in &metadata.packages {
        for target in package.targets.iter().filter(|target| target.is_bench()) {
            found.push((package.name.clone(), target.name.clone()));
        }
    }
    found.extend(python::BENCHES.map(|(name, _)| ("the Python package".to_owned(), name.to_owned())));
    found.sort();
    found
}

/// The features that a benchmark says it needs.
fn features(metadata: &Metadata, package: &str, name: &str) -> Vec<String> {
    let packages = metadata.packages.iter().filter(|it| it.name == package);
    let mut targets = packages.flat_map(|package| &package.targets);
    let target = targets.find(|target| target.name == name && target.is_bench());
    target.map(|target| target.required_features.clone()).unwrap_or_default()
}

/// The Python packages that the peers of the package's benchmarks need, where there are such.
fn requirements(metadata: &Metadata, package: &str) -> Option<PathBuf> {
    let package = metadata.packages.iter().find(|it| it.name == package)?;
    let file = package.folder().join("benches/peers/requirements.txt");
    file.exists().then_some(file)
}

fn owner<'a>(benches: &'a [(String, String)], name: &str) -> Result<&'a str> {
    let owners = benches.iter().filter(|(_, bench)| bench == name).map(|(package, _)| &**package).collect::<Vec<_>>();
    match owners[..] {
        [package] => Ok(package),
        [] => bail!("no benchmark is called {name}\n{}", listing(benches)),
        _ => bail!("{} each have a benchmark called {name}; rename all but one", owners.join(" and ")),
    }
}

fn listing(benches: &[(String, String)]) -> String {
    if benches.is_empty() {
        return "no crate has a benchmark".to_owned();
    }
    let lines = benches.iter().map(|(package, name)| format!("{name} ({package})"));
    format!("benchmarks:\n  {}", lines.collect::<Vec<_>>().join("\n  "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Vec<(String, String)> {
        [("dodge-imaging", "codec"), ("dodge-imaging", "operations"), ("dodge-rl", "codec")]
            .map(|(package, name)| (package.to_owned(), name.to_owned()))
            .to_vec()
    }

    #[test]
    fn a_benchmark_is_found_by_its_name() {
        assert_eq!(owner(&sample(), "operations").expect("one crate has it"), "dodge-imaging");
    }

    #[test]
    fn an_unknown_name_gets_the_list() {
        let error = owner(&sample(), "nothing").expect_err("no crate has it").to_string();
        assert!(error.contains("operations (dodge-imaging)"), "{error}");
        assert_eq!(listing(&[]), "no crate has a benchmark");
    }

    #[test]
    fn a_name_that_two_crates_use_is_refused() {
        let error = owner(&sample(), "codec").expect_err("two crates have it").to_string();
        assert!(error.contains("dodge-imaging and dodge-rl"), "{error}");
    }
}
