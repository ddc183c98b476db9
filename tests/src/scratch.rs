//! A folder and an environment of its own for each test.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use crate::finished::Finished;
use crate::program::program;
use crate::running::Running;

/// Longest a run may take: far more than it needs, so that only a hang is cut off.
const LIMIT: Duration = Duration::from_secs(300);

/// A training that takes seconds even in an unoptimised build, on one thread.
pub const SMALL_TRAINING: &[&str] = &[
    "train",
    "--synthetic=24",
    "--set=data.synthetic_size=64",
    "--set=resize.max_size=64",
    "--set=degrade.train_ratio=0.6",
    "--set=degrade.validation_ratio=0.2",
    "--set=training.algorithm=ppo",
    "--set=training.synthetic_photos=0",
    "--set=ppo.hidden=[32]",
    "--set=ppo.environments=8",
    "--set=ppo.rollout_steps=32",
    "--set=ppo.minibatch_size=64",
    "--threads=1",
];

/// A temporary folder in which the program runs, with the volume `volume` in it. Its environment is that of the test
/// without any variable that the program reads.
///
/// Paths on command lines are relative to the folder, so that messages do not depend on where it is.
#[derive(Debug)]
pub struct Scratch {
    folder: TempDir,
}

impl Scratch {
    /// An empty folder.
    ///
    /// # Panics
    /// When it cannot be made.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "making a folder is no default")]
    pub fn new() -> Self {
        Self { folder: TempDir::with_prefix("dodge-test-").expect("a temporary folder can be made") }
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A path in the folder.
    #[must_use]
    pub fn path(&self, relative: impl AsRef<Path>) -> PathBuf {
        self.folder.path().join(relative)
    }

    /// The local tracking store.
    #[must_use]
    pub fn store(&self) -> PathBuf {
        self.path("volume/tracking")
    }

    /// The names of the files below a folder, relative to it, sorted; empty where there is no such folder.
    #[must_use]
    pub fn files(&self, relative: &str) -> Vec<String> {
        let root = self.path(relative);
        let mut files = Vec::new();
        let mut folders = vec![root.clone()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
                if entry.path().is_dir() {
                    folders.push(entry.path());
                } else {
                    let path = entry.path();
                    let inside = path.strip_prefix(&root).unwrap_or(&path);
                    files.push(inside.display().to_string());
                }
            }
        }
        files.sort();
        files
    }

    /// The program with arguments, in the folder and its environment, not started yet.
    #[must_use]
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(program());
        command.args(arguments);
        self.settle(&mut command);
        command
    }

    /// Puts any command into the folder and its environment.
    pub fn settle(&self, command: &mut Command) {
        let ours = |name: &OsString| {
            let name = name.to_string_lossy().to_uppercase();
            ["DODGE_", "MLFLOW_", "IMAGE_", "KAGGLE_", "RAYON_", "NO_COLOR"]
                .iter()
                .any(|prefix| name.starts_with(prefix))
                || name.ends_with("_PROXY")
        };
        for (name, _) in std::env::vars_os().filter(|(name, _)| ours(name)) {
            command.env_remove(name);
        }
        command.current_dir(self.folder.path()).env("IMAGE_VOLUME_PATH", "volume").env("USER", "ann");
        // Nobody's own token is used.
        command.env("KAGGLE_CONFIG_DIR", "no-kaggle");
    }

    /// Runs the program to its end.
    ///
    /// # Panics
    /// When it does not end within minutes, or prints no UTF-8.
    #[must_use]
    pub fn dodge(&self, arguments: &[&str]) -> Finished {
        self.finish(self.command(arguments))
    }

    /// Runs a command to its end.
    ///
    /// # Panics
    /// As [`Scratch::dodge`].
    #[must_use]
    pub fn finish(&self, command: Command) -> Finished {
        let output = assert_cmd::Command::from_std(command).timeout(LIMIT).output();
        Finished::from_output(output.expect("the command can be started and ends in time"))
    }

    /// Trains with [`SMALL_TRAINING`] and further arguments.
    #[must_use]
    pub fn train(&self, arguments: &[&str]) -> Finished {
        self.dodge(&[SMALL_TRAINING, arguments].concat())
    }

    /// Starts [`SMALL_TRAINING`] with further arguments and does not wait for its end.
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    pub fn start_training(&self, arguments: &[&str]) -> Running {
        Running::start(self.command(&[SMALL_TRAINING, arguments].concat()), self.folder.path())
    }
}
