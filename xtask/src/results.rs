//! `cargo xtask results`: the figures of the README's results section, from the photos or pairs that are named.

mod page;

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result, bail};
use clap::Args;
use serde_json::Value;

use crate::process;
use crate::project::Project;
use crate::results::page::{Page, Section};
use crate::smoke::last_object;

/// Each training is done with these seeds: a single one decides too much.
const SEEDS: [u64; 3] = [1, 2, 3];

/// Where the page is kept, below the root.
const PAGE: &str = "docs/results.md";

/// What is measured.
#[derive(Debug, Args)]
#[group(id = "sets", args = ["photos", "pairs", "other"], required = true, multiple = true)]
pub(crate) struct ResultsArguments {
    /// Good photos: they are damaged, and an agent learns to bring them back
    #[arg(long, value_name = "DIR")]
    photos: Option<PathBuf>,
    /// Photos before and after somebody edited them: an agent learns to edit as that person did
    #[arg(long, num_args = 2, value_names = ["BEFORE", "AFTER"])]
    pairs: Option<Vec<PathBuf>>,
    /// Photos that nothing is trained on: the agents of --photos and the model in the box are measured on them
    #[arg(long, value_name = "DIR")]
    other: Option<PathBuf>,
    /// Replace docs/results.md, in place of printing the page
    #[arg(long)]
    write: bool,
    /// More arguments of `dodge train`, such as --steps 2000
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    args: Vec<OsString>,
}

/// Trains and measures, and prints or writes the page. The runs stay below `target/results`.
pub(crate) fn run(project: &Project, arguments: &ResultsArguments) -> Result<ExitCode> {
    let file = project.root().join(PAGE);
    if arguments.write {
        check_generated(&file)?;
    }
    let work = Work { dodge: project.build_dodge(&["--release"])?, folder: project.target().join("results") };
    if work.folder.exists() {
        fs::remove_dir_all(&work.folder).with_context(|| format!("cannot empty {}", work.folder.display()))?;
    }
    let (mut page, mut models) = (Page::new(version(project)), Vec::new());
    if let Some(photos) = &arguments.photos {
        let set = Set { option: "--photos", folders: vec![photos.clone()] };
        let section = work.train(&set, &arguments.args)?;
        models.extend(section.reports.iter().filter_map(|report| report["model"].as_str().map(PathBuf::from)));
        page.push(section);
        page.push(work.evaluate(&set, None)?);
    }
    if let Some(pairs) = &arguments.pairs {
        page.push(work.train(&Set { option: "--pairs", folders: pairs.clone() }, &arguments.args)?);
    }
    if let Some(other) = &arguments.other {
        let set = Set { option: "--photos", folders: vec![other.clone()] };
        if !models.is_empty() {
            page.push(work.evaluate(&set, Some(&models))?);
        }
        page.push(work.evaluate(&set, None)?);
    }
    let text = page.to_markdown()?;
    if arguments.write {
        fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))?;
        println!("{} is written; the README's results section quotes it.", file.display());
    } else {
        print!("{text}");
    }
    Ok(ExitCode::SUCCESS)
}

/// What somebody wrote by hand is not replaced.
fn check_generated(file: &Path) -> Result<()> {
    match fs::read_to_string(file) {
        Ok(text) if !text.starts_with(page::MARK) => {
            bail!("{} was not made by this command: move it away first", file.display())
        }
        _ => Ok(()),
    }
}

/// A folder of photos, or two of pairs.
struct Set {
    option: &'static str,
    folders: Vec<PathBuf>,
}

impl Set {
    /// The names of the folders, without the place where they lie on this machine.
    fn names(&self) -> String {
        let name = |folder: &PathBuf| {
            let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.clone());
            folder.file_name().unwrap_or(folder.as_os_str()).to_string_lossy().into_owned()
        };
        self.folders.iter().map(name).collect::<Vec<_>>().join(" ")
    }
}

struct Work {
    dodge: PathBuf,
    folder: PathBuf,
}

impl Work {
    /// A training with each seed, measured on its own test split.
    fn train(&self, set: &Set, args: &[OsString]) -> Result<Section> {
        let mut reports = Vec::new();
        for seed in SEEDS {
            let out = self.folder.join(format!("{}-{seed}", set.option.trim_start_matches('-')));
            let mut command = self.command("train");
            command.arg(set.option).args(&set.folders).args(["--seed", &seed.to_string(), "--tracking-uri", "off"]);
            command.args(args).arg("--out").arg(&out);
            let mut report = report(command)?;
            let used = fs::read_to_string(out.join("used.json")).context("the training left no used.json")?;
            let used: Value = serde_json::from_str(&used).context("used.json of the training cannot be read")?;
            report["content_hash"] = used["content_hash"].clone();
            reports.push(report);
        }
        let args: Vec<_> = args.iter().map(|arg| format!(" {}", arg.to_string_lossy())).collect();
        let command = format!("dodge train {} {} --seed N{}", set.option, set.names(), args.concat());
        let title = format!("Trained on {}, measured on photographs of it that it never saw", set.names());
        Ok(Section { title, command, seeds: SEEDS.to_vec(), reports })
    }

    /// The models of a training each with another seed of the damage, or the model in the box with all of them.
    fn evaluate(&self, set: &Set, models: Option<&[PathBuf]>) -> Result<Section> {
        let mut reports = Vec::new();
        for (index, seed) in SEEDS.into_iter().enumerate() {
            let mut command = self.command("evaluate");
            command.arg(set.option).args(&set.folders).args(["--seed", &seed.to_string()]);
            if let Some(model) = models.and_then(|models| models.get(index)) {
                command.arg("--model").arg(model);
            }
            reports.push(report(command)?);
        }
        let (who, model) = match models {
            Some(_) => ("The models trained above", " --model MODEL"),
            None => ("The model in the box", ""),
        };
        let command = format!("dodge evaluate {} {} --seed N{model}", set.option, set.names());
        let title = format!("{who} on {}", set.names());
        Ok(Section { title, command, seeds: SEEDS.to_vec(), reports })
    }

    fn command(&self, verb: &str) -> Command {
        let mut command = Command::new(&self.dodge);
        command.arg(verb).arg("--json").env("IMAGE_VOLUME_PATH", self.folder.join("data"));
        command
    }
}

/// The object that the command ends with.
fn report(mut command: Command) -> Result<Value> {
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    process::show(&command);
    let output = command.spawn().and_then(std::process::Child::wait_with_output).context("cannot start dodge")?;
    if !output.status.success() {
        bail!("dodge failed ({}); its messages are above", output.status);
    }
    last_object(&String::from_utf8_lossy(&output.stdout))
}

/// The commit that was measured, as git calls it; where there is no git, the version.
fn version(project: &Project) -> String {
    let mut git = Command::new("git");
    git.args(["describe", "--always", "--dirty", "--exclude=*"]).current_dir(project.root()).stderr(Stdio::null());
    let commit = git.output().ok().filter(|output| output.status.success());
    let commit = commit.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    commit.unwrap_or_else(|| format!("version {}", env!("CARGO_PKG_VERSION")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_of_somebody_is_not_replaced() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("results.md");
        check_generated(&file).expect("there is none");
        fs::write(&file, format!("{}\n\n# Results\n", page::MARK)).expect("written");
        check_generated(&file).expect("it is ours");
        fs::write(&file, "# My results\n").expect("written");
        let error = check_generated(&file).expect_err("it is somebody's").to_string();
        assert!(error.contains("results.md was not made by this command"), "{error}");
    }

    #[test]
    fn sets_are_named_without_their_place() {
        let set = Set { option: "--pairs", folders: vec!["/home/ann/before".into(), "after".into()] };
        assert_eq!(set.names(), "before after");
    }
}
