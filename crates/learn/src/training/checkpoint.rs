//! Keeping a whole training on disk, and going on from it.

use std::fs;
use std::io::{BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use crate::error::Error;

/// Version of the checkpoint files that are written, and the only one that is read.
pub const CHECKPOINT_FORMAT: u32 = 5;

const MAGIC: &[u8; 16] = b"dodge checkpoint";
/// Magic, format version, checksum.
const HEADER_LEN: usize = 16 + 4 + 4;
/// Most bytes of a checkpoint, written or read: a replay memory of ten million photos' features.
pub(crate) const MAX_BYTES: u64 = 8 << 30;

/// A training at one moment, between two rounds of learning.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// The algorithm that learns.
    pub algorithm: String,
    /// What the training is about and cannot change, names and values ([`Training::constants`](crate::Training::constants)).
    pub constants: Vec<(String, String)>,
    /// Environment steps taken.
    pub environment_steps: u64,
    /// Rounds of learning.
    pub updates: u64,
    /// What was kept so far, as the judge gave it.
    pub best: Option<Vec<u8>>,
    /// The state of the learner and then of its environments, as they wrote it down.
    pub state: Vec<u8>,
}

/// Why a checkpoint is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Occasion {
    /// Some rounds have passed since the last one.
    Periodic,
    /// The model has just become the one to use so far.
    Best,
    /// The training was asked to stop.
    Interrupted,
    /// The training cannot go on: a number was not finite, or an environment failed. Kept apart from the latest, which is
    /// sound.
    Failed,
}

/// Where checkpoints go. Open for implementation.
pub trait Checkpointer {
    /// Keeps a checkpoint, whole or not at all. Returns the file that shall be among the run's artifacts, where there is one.
    ///
    /// # Errors
    /// [`Error::File`] or another error of the place.
    fn save(&self, checkpoint: &Checkpoint, occasion: Occasion) -> Result<Option<PathBuf>, Error>;

    /// The latest checkpoint, to go on from; none where there is none yet.
    ///
    /// # Errors
    /// [`Error::Checkpoint`] for one that is damaged or of another version.
    fn latest(&self) -> Result<Option<Checkpoint>, Error>;
}

/// Keeps checkpoints in a folder: `latest.checkpoint`, `best.checkpoint`, the newest `step-N.checkpoint`, and
/// `failed.checkpoint` where a training could not go on.
///
/// It removes only files that it wrote itself, or that are of the training that it goes on with ([`Checkpointer::latest`]).
#[derive(Debug, Clone)]
pub struct FolderCheckpointer {
    folder: PathBuf,
    kept: usize,
    /// The names of this training's periodic checkpoints, in the order of their writing.
    periodic: Arc<Mutex<Vec<String>>>,
}

impl FolderCheckpointer {
    /// Keeps `kept` periodic checkpoints beside the latest and the best. The folder is made when it is needed.
    #[must_use]
    pub fn new(folder: PathBuf, kept: usize) -> Self {
        Self { folder, kept, periodic: Arc::default() }
    }

    /// The path of the latest checkpoint.
    #[must_use]
    pub fn latest_path(&self) -> PathBuf {
        self.folder.join("latest.checkpoint")
    }

    /// Keeps the checkpoint that was just written under the name of its step too, and removes the oldest of these beyond
    /// the number to keep.
    fn keep_periodic(&self, latest: &Path, environment_steps: u64) -> Result<(), Error> {
        let name = periodic_name(environment_steps);
        let path = self.folder.join(&name);
        let failed = |action, path: &Path, source| Error::File { action, path: path.to_owned(), source };
        if path.exists() {
            fs::remove_file(&path).map_err(|source| failed("remove", &path, source))?;
        }
        // The same bytes under a second name, where the file system can do that.
        if fs::hard_link(latest, &path).is_err() {
            fs::copy(latest, &path).map_err(|source| failed("write", &path, source))?;
        }
        let mut periodic = self.periodic.lock().unwrap_or_else(PoisonError::into_inner);
        periodic.retain(|other| *other != name);
        periodic.push(name);
        while periodic.len() > self.kept {
            let path = self.folder.join(periodic.remove(0));
            if path.exists() {
                fs::remove_file(&path).map_err(|source| failed("remove", &path, source))?;
            }
        }
        Ok(())
    }

    /// The periodic checkpoints in the folder that lead to `environment_steps`, the oldest first.
    fn leading_to(&self, environment_steps: u64) -> Result<Vec<String>, Error> {
        let listing = |source| Error::File { action: "list", path: self.folder.clone(), source };
        let mut periodic = Vec::new();
        for entry in fs::read_dir(&self.folder).map_err(listing)? {
            let name = entry.map_err(listing)?.file_name();
            // A name that is no text is none of ours.
            periodic.extend(name.to_str().and_then(steps_of).filter(|&steps| steps <= environment_steps));
        }
        periodic.sort_unstable();
        Ok(periodic.into_iter().map(periodic_name).collect())
    }
}

fn periodic_name(environment_steps: u64) -> String {
    format!("step-{environment_steps:012}.checkpoint")
}

/// The steps in the name of a periodic checkpoint.
fn steps_of(name: &str) -> Option<u64> {
    name.strip_prefix("step-")?.strip_suffix(".checkpoint")?.parse().ok()
}

impl Checkpointer for FolderCheckpointer {
    fn save(&self, checkpoint: &Checkpoint, occasion: Occasion) -> Result<Option<PathBuf>, Error> {
        fs::create_dir_all(&self.folder).map_err(|source| Error::File {
            action: "create",
            path: self.folder.clone(),
            source,
        })?;
        let write = |name: &str| {
            let path = self.folder.join(name);
            checkpoint.save(&path).map(|()| path)
        };
        match occasion {
            Occasion::Best => write("best.checkpoint").map(|_| None),
            Occasion::Failed => write("failed.checkpoint").map(Some),
            Occasion::Interrupted | Occasion::Periodic => {
                let latest = write("latest.checkpoint")?;
                if occasion == Occasion::Periodic && self.kept > 0 {
                    self.keep_periodic(&latest, checkpoint.environment_steps)?;
                }
                Ok(Some(latest))
            }
        }
    }

    fn latest(&self) -> Result<Option<Checkpoint>, Error> {
        let path = self.latest_path();
        if !path.exists() {
            return Ok(None);
        }
        let checkpoint = Checkpoint::load(&path)?;
        *self.periodic.lock().unwrap_or_else(PoisonError::into_inner) =
            self.leading_to(checkpoint.environment_steps)?;
        Ok(Some(checkpoint))
    }
}

impl Checkpoint {
    /// Writes a checkpoint file, whole or not at all: a magic word, the format version and a checksum (little endian), the
    /// values in postcard's format.
    ///
    /// # Errors
    /// [`Error::File`], or [`Error::Checkpoint`] for one that is too large to be read again.
    pub fn save(&self, path: &Path) -> Result<(), Error> {
        self.save_bounded(path, MAX_BYTES)
    }

    fn save_bounded(&self, path: &Path, most: u64) -> Result<(), Error> {
        let failed = |source| Error::File { action: "write", path: path.to_owned(), source };
        // The state makes up nearly all of it. Better now than after it was written, or when it is needed.
        let length = self.state.len() as u64 + self.best.as_ref().map_or(0, |best| best.len() as u64);
        if length > most {
            return Err(Error::Checkpoint { path: path.to_owned(), reason: too_large(length, most) });
        }
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut builder = tempfile::Builder::new();
        #[cfg(unix)]
        // As any other file: the mask of the process takes away what shall be taken away.
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let file = builder.prefix(".part-").tempfile_in(folder).map_err(failed)?;
        let checksum = {
            let mut checked = Checked { inner: BufWriter::new(file.as_file()), checksum: crc32fast::Hasher::new() };
            checked.inner.write_all(&header(0)).map_err(failed)?;
            let mut checked = postcard::to_io(self, checked).map_err(|error| failed(std::io::Error::other(error)))?;
            checked.flush().map_err(failed)?;
            checked.checksum.finalize()
        };
        // The checksum is known only now.
        let mut plain = file.as_file();
        plain.seek(SeekFrom::Start(0)).map_err(failed)?;
        plain.write_all(&header(checksum)).and_then(|()| plain.sync_all()).map_err(failed)?;
        file.persist(path).map_err(|error| failed(error.error))?;
        Ok(())
    }

    /// Reads a checkpoint file.
    ///
    /// # Errors
    /// [`Error::File`], or [`Error::Checkpoint`] for a file that is no checkpoint, of another version, truncated or
    /// damaged.
    pub fn load(path: &Path) -> Result<Self, Error> {
        let file_error = |source| Error::File { action: "read", path: path.to_owned(), source };
        let mut bytes = Vec::new();
        // The header and the few numbers beside the state come on top of the bound.
        let most = MAX_BYTES + (1 << 20);
        fs::File::open(path).map_err(file_error)?.take(most + 1).read_to_end(&mut bytes).map_err(file_error)?;
        let read = if bytes.len() as u64 > most {
            Err(too_large(bytes.len() as u64, MAX_BYTES))
        } else {
            Self::from_bytes(&bytes)
        };
        read.map_err(|reason| Error::Checkpoint { path: path.to_owned(), reason })
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, String> {
        let header = bytes.get(..HEADER_LEN).filter(|header| header.starts_with(MAGIC));
        let header = header.ok_or("is no checkpoint of dodge, or truncated")?;
        let number = |at: usize| u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
        if number(16) != CHECKPOINT_FORMAT {
            return Err(format!("has format version {}, this program reads version {CHECKPOINT_FORMAT}", number(16)));
        }
        let values = &bytes[HEADER_LEN..];
        if crc32fast::hash(values) != number(20) {
            return Err("is truncated or damaged: its checksum is wrong; take an older step-*.checkpoint".to_owned());
        }
        postcard::from_bytes(values).map_err(|e| format!("cannot be read: {e}"))
    }
}

fn header(checksum: u32) -> [u8; HEADER_LEN] {
    let mut header = [0; HEADER_LEN];
    header[..16].copy_from_slice(MAGIC);
    header[16..20].copy_from_slice(&CHECKPOINT_FORMAT.to_le_bytes());
    header[20..].copy_from_slice(&checksum.to_le_bytes());
    header
}

/// What is said of a checkpoint of `length` bytes where `most` are read.
pub(crate) fn too_large(length: u64, most: u64) -> String {
    let gib = |bytes: u64| bytes as f64 / f64::from(1 << 30);
    format!(
        "takes {:.1} GiB, and at most {:.1} GiB are written and read: lower the capacity of the replay memory",
        gib(length),
        gib(most)
    )
}

/// Writes on, and sums up what it wrote.
struct Checked<W> {
    inner: W,
    checksum: crc32fast::Hasher,
}

impl<W: Write> Write for Checked<W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let count = self.inner.write(bytes)?;
        self.checksum.update(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checkpoint(environment_steps: u64) -> Checkpoint {
        let state = (0..100).collect();
        Checkpoint {
            algorithm: "ppo".to_owned(),
            constants: vec![("lights".to_owned(), "3".to_owned())],
            environment_steps,
            updates: 3,
            best: Some(vec![1, 2, 3]),
            state,
        }
    }

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> =
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn the_newest_are_kept_and_the_latest_is_read() {
        let scratch = tempfile::tempdir().unwrap();
        let folder = scratch.path().join("checkpoints");
        let keeper = FolderCheckpointer::new(folder.clone(), 2);
        assert_eq!(keeper.latest().unwrap(), None);
        for steps in [90, 1000, 200] {
            keeper.save(&checkpoint(steps), Occasion::Periodic).unwrap();
        }
        keeper.save(&checkpoint(300), Occasion::Best).unwrap();
        assert_eq!(keeper.latest().unwrap(), Some(checkpoint(200)));
        keeper.save(&checkpoint(400), Occasion::Interrupted).unwrap();
        assert_eq!(keeper.latest().unwrap(), Some(checkpoint(400)));
        assert_eq!(
            names(&folder),
            ["best.checkpoint", "latest.checkpoint", "step-000000000200.checkpoint", "step-000000001000.checkpoint"]
        );
    }

    #[test]
    fn checkpoints_of_another_training_are_neither_kept_nor_removed() {
        let scratch = tempfile::tempdir().unwrap();
        let first = FolderCheckpointer::new(scratch.path().to_owned(), 2);
        for steps in [12_288, 16_384] {
            first.save(&checkpoint(steps), Occasion::Periodic).unwrap();
        }
        let second = FolderCheckpointer::new(scratch.path().to_owned(), 2);
        for steps in [4_096, 8_192, 12_000] {
            second.save(&checkpoint(steps), Occasion::Periodic).unwrap();
        }
        let steps = |steps: &[u64]| steps.iter().map(|&steps| periodic_name(steps)).collect::<Vec<_>>();
        let of_both = [vec!["latest.checkpoint".to_owned()], steps(&[8_192, 12_000, 12_288, 16_384])].concat();
        assert_eq!(names(scratch.path()), of_both);

        // One that goes on with the second takes over what the second wrote, and leaves what does not lead there.
        let resumed = FolderCheckpointer::new(scratch.path().to_owned(), 2);
        assert_eq!(resumed.latest().unwrap(), Some(checkpoint(12_000)));
        resumed.save(&checkpoint(13_000), Occasion::Periodic).unwrap();
        let left = [vec!["latest.checkpoint".to_owned()], steps(&[12_000, 12_288, 13_000, 16_384])].concat();
        assert_eq!(names(scratch.path()), left);
    }

    #[test]
    fn a_checkpoint_too_large_to_be_read_is_not_written() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("a.checkpoint");
        let error = checkpoint(7).save_bounded(&path, 102).unwrap_err().to_string();
        assert!(
            error.contains("takes 0.0 GiB") && error.ends_with("lower the capacity of the replay memory"),
            "{error}"
        );
        checkpoint(7).save_bounded(&path, 103).unwrap();
        assert_eq!(Checkpoint::load(&path).unwrap(), checkpoint(7));
        assert_eq!(names(scratch.path()), ["a.checkpoint"], "nothing else is left behind");
    }

    #[test]
    fn what_is_no_sound_checkpoint_is_refused() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("a.checkpoint");
        checkpoint(7).save(&path).unwrap();
        let bytes = fs::read(&path).unwrap();
        let reason = |bytes: &[u8]| Checkpoint::from_bytes(bytes).unwrap_err();
        assert!(reason(b"hello").contains("is no checkpoint of dodge, or truncated"));
        for length in HEADER_LEN..bytes.len() {
            assert!(reason(&bytes[..length]).contains("truncated or damaged"), "{length}");
        }
        let changed = |at: usize| {
            let mut bytes = bytes.clone();
            bytes[at] ^= 1;
            bytes
        };
        let other = CHECKPOINT_FORMAT ^ 1;
        let expected = format!("has format version {other}, this program reads version {CHECKPOINT_FORMAT}");
        assert_eq!(reason(&changed(16)), expected);
        for at in (20..bytes.len()).step_by(7) {
            assert!(reason(&changed(at)).contains("checksum"), "{at}");
        }
        assert_eq!(Checkpoint::from_bytes(&bytes), Ok(checkpoint(7)));
    }

    #[test]
    fn a_length_beyond_the_file_reserves_no_memory() {
        let mut values = postcard::to_stdvec(&("ppo", 0_u64, 1_u64, 1_u64, 0_u8)).unwrap();
        values.extend([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f]);
        let mut bytes = MAGIC.to_vec();
        bytes.extend(CHECKPOINT_FORMAT.to_le_bytes());
        bytes.extend(crc32fast::hash(&values).to_le_bytes());
        bytes.extend(values);
        assert!(Checkpoint::from_bytes(&bytes).unwrap_err().starts_with("cannot be read"));
    }
}
