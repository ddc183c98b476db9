//! Keeping a whole training on disk, and going on from it.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::model::write_whole;

/// Version of the checkpoint files that are written, and the only one that is read.
pub const CHECKPOINT_FORMAT: u32 = 2;

const MAGIC: &[u8; 16] = b"dodge checkpoint";
/// Magic, format version, checksum.
const HEADER_LEN: usize = 16 + 4 + 4;
/// Most bytes of a checkpoint that are read: a replay memory of ten million photos' features.
const MAX_BYTES: u64 = 8 << 30;

/// A training at one moment, between two rounds of learning.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// The algorithm that learns.
    pub algorithm: String,
    /// Environment steps taken.
    pub environment_steps: u64,
    /// Rounds of learning.
    pub updates: u64,
    /// The best model so far.
    pub best: Option<BestSoFar>,
    /// The state of the learner and then of its environments, as they wrote it down.
    pub state: Vec<u8>,
}

/// The best model of a training so far.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BestSoFar {
    /// What it gains on damaged validation photos, in decibels.
    pub gain_db: f64,
    /// At what PSNR it leaves undamaged ones, in decibels.
    pub undamaged_db: f64,
    /// Its model file.
    pub model: Vec<u8>,
}

/// Why a checkpoint is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Occasion {
    /// Some rounds have passed since the last one.
    Periodic,
    /// The model has just become the best so far.
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
#[derive(Debug, Clone)]
pub struct FolderCheckpointer {
    folder: PathBuf,
    kept: usize,
}

impl FolderCheckpointer {
    /// Keeps `kept` periodic checkpoints beside the latest and the best. The folder is made when it is needed.
    #[must_use]
    pub fn new(folder: PathBuf, kept: usize) -> Self {
        Self { folder, kept }
    }

    /// The path of the latest checkpoint.
    #[must_use]
    pub fn latest_path(&self) -> PathBuf {
        self.folder.join("latest.checkpoint")
    }

    /// Removes the oldest periodic checkpoints beyond the number to keep.
    fn prune(&self) -> Result<(), Error> {
        let listing = |source| Error::File { action: "list", path: self.folder.clone(), source };
        let mut periodic = Vec::new();
        for entry in fs::read_dir(&self.folder).map_err(listing)? {
            let name = entry.map_err(listing)?.file_name().to_string_lossy().into_owned();
            if name.starts_with("step-") && name.ends_with(".checkpoint") {
                periodic.push(name);
            }
        }
        // The names count steps in digits of equal number.
        periodic.sort_unstable();
        for name in periodic.iter().rev().skip(self.kept) {
            let path = self.folder.join(name);
            fs::remove_file(&path).map_err(|source| Error::File { action: "remove", path, source })?;
        }
        Ok(())
    }
}

impl Checkpointer for FolderCheckpointer {
    fn save(&self, checkpoint: &Checkpoint, occasion: Occasion) -> Result<Option<PathBuf>, Error> {
        fs::create_dir_all(&self.folder).map_err(|source| Error::File {
            action: "create",
            path: self.folder.clone(),
            source,
        })?;
        let bytes = checkpoint.to_bytes();
        let write = |name: &str| {
            let path = self.folder.join(name);
            write_whole(&path, &bytes).map(|()| Some(path))
        };
        match occasion {
            Occasion::Best => return write("best.checkpoint").map(|_| None),
            Occasion::Failed => return write("failed.checkpoint"),
            Occasion::Interrupted => {}
            Occasion::Periodic if self.kept > 0 => {
                write(&format!("step-{:012}.checkpoint", checkpoint.environment_steps))?;
                self.prune()?;
            }
            Occasion::Periodic => {}
        }
        write("latest.checkpoint")
    }

    fn latest(&self) -> Result<Option<Checkpoint>, Error> {
        let path = self.latest_path();
        if path.exists() { Checkpoint::load(&path).map(Some) } else { Ok(None) }
    }
}

impl Checkpoint {
    /// The bytes of a checkpoint file: a magic word, the format version and a checksum (little endian), the values in
    /// postcard's format.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let values = postcard::to_stdvec(self).expect("a checkpoint is always postcard");
        let mut bytes = Vec::with_capacity(HEADER_LEN + values.len());
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&CHECKPOINT_FORMAT.to_le_bytes());
        bytes.extend_from_slice(&crc32fast::hash(&values).to_le_bytes());
        bytes.extend(values);
        bytes
    }

    /// Reads a checkpoint file.
    ///
    /// # Errors
    /// [`Error::File`], or [`Error::Checkpoint`] for a file that is no checkpoint, of another version, truncated or
    /// damaged.
    pub fn load(path: &Path) -> Result<Self, Error> {
        let file_error = |source| Error::File { action: "read", path: path.to_owned(), source };
        let mut bytes = Vec::new();
        fs::File::open(path).map_err(file_error)?.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(file_error)?;
        Self::from_bytes(&bytes).map_err(|reason| Error::Checkpoint { path: path.to_owned(), reason })
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, String> {
        if bytes.len() as u64 > MAX_BYTES {
            return Err("is larger than 8 GiB, so no checkpoint of dodge".to_owned());
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn checkpoint(environment_steps: u64) -> Checkpoint {
        let best = BestSoFar { gain_db: 1.5, undamaged_db: 50.25, model: vec![1, 2, 3] };
        let state = (0..100).collect();
        Checkpoint { algorithm: "ppo".to_owned(), environment_steps, updates: 3, best: Some(best), state }
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
    fn what_is_no_sound_checkpoint_is_refused() {
        let bytes = checkpoint(7).to_bytes();
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
        let mut values = postcard::to_stdvec(&("ppo", 1_u64, 1_u64, 0_u8)).unwrap();
        values.extend([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f]);
        let mut bytes = MAGIC.to_vec();
        bytes.extend(CHECKPOINT_FORMAT.to_le_bytes());
        bytes.extend(crc32fast::hash(&values).to_le_bytes());
        bytes.extend(values);
        assert!(Checkpoint::from_bytes(&bytes).unwrap_err().starts_with("cannot be read"));
    }
}
