//! A tracking folder whose runs belong to the server of this process, and a run that waits there for delivery.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use dodge_tracking::{
    DatasetInput, Destination, Durability, FixedClock, ModelOptions, RemoteOptions, RunOptions, Tracking,
    TrackingOptions,
};
use tempfile::TempDir;

use crate::server;

/// Our id of the run that waits.
pub const RUN: &str = "0123456789abcdef0123456789abcdef";

/// A tracking folder and what reads it.
pub struct Tracked {
    pub tracking: Tracking,
    folder: TempDir,
    /// The files of the spool of a run, by their paths in its folder.
    pub template: Vec<(PathBuf, Vec<u8>)>,
}

impl Tracked {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let mut remote = RemoteOptions::new(server::ADDRESS).expect("this is an address");
        (remote.max_retries, remote.backoff_factor) = (0, 0.0);
        (remote.request_timeout, remote.start_timeout) = (Duration::from_secs(2), Duration::from_secs(2));
        (remote.multipart_from, remote.multipart_chunk) = (1000, 600);
        let options = TrackingOptions::new(Destination::Remote(remote), folder.path(), Arc::new(FixedClock(1000)))
            .with_durability(Durability::Never)
            .with_delivery_interval(Duration::ZERO)
            .with_finish_timeout(Duration::from_millis(50));
        let tracking = Tracking::open(options).expect("the folder can be written");
        server::answer_with([&b"503\nlater"[..]]);
        record(&tracking, folder.path());
        let mut new = Self { tracking, folder, template: Vec::new() };
        let run = fs::read_dir(new.spool()).expect("the spool is there").flatten().next().expect("the run is there");
        new.template = files(&run.path(), Path::new(""));
        new
    }

    pub fn spool(&self) -> PathBuf {
        self.folder.path().join("spool")
    }

    /// Puts these files, by their paths in it, into the folder of the run that waits, and removes every other run.
    pub fn put<'a>(&self, files: impl IntoIterator<Item = (&'a Path, &'a [u8])>) {
        for folder in [self.spool(), self.folder.path().join("delivered")] {
            // It may have held none.
            let _ = fs::remove_dir_all(folder);
        }
        for (name, content) in files {
            let path = self.spool().join(RUN).join(name);
            fs::create_dir_all(path.parent().expect("it lies in a folder")).expect("the folder can be made");
            fs::write(path, content).expect("the file can be written");
        }
    }

    pub fn put_template(&self) {
        self.put(self.template.iter().map(|(name, content)| (&**name, &**content)));
    }

    /// Nothing lies beside what belongs here.
    pub fn check(&self) {
        for entry in fs::read_dir(self.folder.path()).expect("the folder is there").flatten() {
            let name = entry.file_name();
            assert!(["spool", "delivered", "artifact"].iter().any(|known| name == *known), "{name:?}");
        }
    }
}

/// Records one of everything.
fn record(tracking: &Tracking, folder: &Path) {
    let artifact = folder.join("artifact");
    fs::write(&artifact, vec![7; 1500]).expect("the file can be written");
    let run =
        tracking.start_run(&RunOptions::new("an experiment").with_run_name("a run")).expect("it is recorded here");
    let recorded = || -> Result<(), dodge_tracking::Error> {
        run.log_params(&[("a", "1"), ("b", "two")])?;
        run.log_metrics(&[("loss", 0.5), ("other", f64::NAN)], 3)?;
        run.set_tag("kind", "sample")?;
        run.log_artifact_bytes(b"text", "folder/file.txt")?;
        run.log_artifact_file(&artifact, "")?;
        run.log_dataset(&DatasetInput::new("photos", "1234", "local", "{}").with_context("training"))?;
        let model = run.log_model(&ModelOptions::new("model").with_step(3), &artifact)?;
        run.register_model(&model, "registered", &["champion"])?;
        run.detach()
    };
    recorded().expect("a run is recorded without a server");
}

fn files(folder: &Path, inside: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("the folder is there").flatten() {
        let (path, name) = (entry.path(), inside.join(entry.file_name()));
        if path.is_dir() {
            found.extend(files(&path, &name));
        } else {
            found.push((name, fs::read(path).expect("the file is there")));
        }
    }
    found
}
