//! A program that is still running, to be watched and stopped.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use crate::finished::Finished;
use crate::wait_for;

/// A started program. Its output goes to files, so that it never waits for a reader. Killed when dropped.
#[derive(Debug)]
pub struct Running {
    child: Child,
    stdout: PathBuf,
    stderr: PathBuf,
}

impl Running {
    /// Starts a command, with its output in `folder`.
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    pub fn start(mut command: Command, folder: &Path) -> Self {
        let (stdout, stderr) = (folder.join("stdout.log"), folder.join("stderr.log"));
        let file = |path: &Path| File::create(path).expect("a log file can be made");
        command.stdin(Stdio::null()).stdout(file(&stdout)).stderr(file(&stderr));
        let child = command.spawn().expect("the command can be started");
        Self { child, stdout, stderr }
    }

    /// Its process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a signal, for example `INT`.
    ///
    /// # Panics
    /// When it is gone already.
    pub fn signal(&self, name: &str) {
        let status = Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status();
        assert!(status.is_ok_and(|status| status.success()), "{name} cannot be sent");
    }

    /// Whether it came to its end.
    ///
    /// # Panics
    /// When its state cannot be asked for.
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("its state can be asked for").is_some()
    }

    /// Makes sure that it runs still.
    ///
    /// # Panics
    /// With its output, if not.
    pub fn assert_alive(&mut self) {
        if self.has_ended() {
            panic!("it ended early: {}", self.wait(Duration::ZERO));
        }
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// When it does not end within `limit`.
    pub fn wait(&mut self, limit: Duration) -> Finished {
        let status =
            wait_for("the end of a program", limit, || self.child.try_wait().expect("its state can be asked for"));
        let read = |path: &Path| std::fs::read(path).expect("its output can be read");
        Finished::from_output(Output { status, stdout: read(&self.stdout), stderr: read(&self.stderr) })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
