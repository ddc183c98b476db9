//! `cargo xtask house-model`: trains the model in the box.

use std::fs;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};

use crate::process;
use crate::project::Project;

/// The folder of the model in the box, below the root: what it is trained with, the model, and its card.
const PLACE: &str = "crates/rl/house";

/// Trains by the settings beside the model and puts the best model in its place. The run itself stays below `target/`.
pub(crate) fn run(project: &Project) -> Result<ExitCode> {
    let dodge = project.build_dodge(&["--release"])?;
    let (place, run) = (project.root().join(PLACE), project.target().join("house-model"));
    if run.exists() {
        fs::remove_dir_all(&run).with_context(|| format!("cannot remove {}", run.display()))?;
    }
    let mut command = Command::new(dodge);
    command.arg("train").arg("--config").arg(place.join("training.toml")).arg("--out").arg(&run);
    command.args(["--tracking-uri", "off", "--device", "cpu"]).env("IMAGE_VOLUME_PATH", run.with_extension("data"));
    process::run(&mut command)?;
    let (from, to) = (run.join("model.safetensors"), place.join("model.safetensors"));
    fs::copy(&from, &to).with_context(|| format!("cannot copy {} to {}", from.display(), to.display()))?;
    println!("The model in the box is {} now; bring its card, README.md beside it, up to date.", to.display());
    Ok(ExitCode::SUCCESS)
}
