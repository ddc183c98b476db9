//! `cargo xtask mlflow`: a stock MLflow server on a local store, from the same virtual environment that tests use.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Result, anyhow, bail};

use crate::process;
use crate::project::Project;
use crate::venv;

/// Serves `folder`, or the default local store, until Ctrl-C.
pub(crate) fn run(project: &Project, folder: Option<PathBuf>, port: u16) -> Result<ExitCode> {
    let folder = folder.unwrap_or_else(|| default_store(std::env::var_os("IMAGE_VOLUME_PATH").map(PathBuf::from)));
    if !folder.is_dir() {
        bail!("no local store at {}; make one with `cargo xtask train`, or name a folder", folder.display());
    }
    let mlflow = venv::mlflow(project.target()).map_err(|reason| anyhow!("there is no MLflow to start: {reason}"))?;
    println!("MLflow on {}: http://127.0.0.1:{port} (Ctrl-C stops it)", folder.display());
    process::replace(server(&mlflow, &folder, port))
}

/// A bare server: started in the store's folder, it finds `mlflow.db` and `mlartifacts` by itself.
fn server(mlflow: &Path, folder: &Path, port: u16) -> Command {
    let mut command = Command::new(mlflow);
    command.args(["server", "--host", "127.0.0.1", "--port", &port.to_string()]).current_dir(folder);
    command
}

fn default_store(volume: Option<PathBuf>) -> PathBuf {
    volume.filter(|path| !path.as_os_str().is_empty()).unwrap_or_else(|| "dodge-data".into()).join("tracking")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_store_lies_in_the_volume() {
        assert_eq!(default_store(None), Path::new("dodge-data/tracking"));
        assert_eq!(default_store(Some("".into())), Path::new("dodge-data/tracking"));
        assert_eq!(default_store(Some("photos/volume".into())), Path::new("photos/volume/tracking"));
    }

    #[test]
    fn a_missing_store_is_named_before_anything_is_installed() {
        let project = Project::load().expect("the workspace loads");
        let error = run(&project, Some("no-such-store".into()), 5000).expect_err("there is no such folder");
        assert!(error.to_string().contains("no local store at no-such-store"), "{error}");
    }
}
