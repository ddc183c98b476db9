//! The folder of a run's spool, who owns it, and where it goes.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io,
    path::{Path, PathBuf},
    time::SystemTime,
};

use super::{
    disk::Durability,
    ledger::Ledger,
    records::{FILE_HEADER, SpoolReader, SpoolWriter, put_frame},
};
use crate::{
    Error,
    files::exists,
    record::{Record, Start},
};

const RECORDS: &str = "records";
const LOCK: &str = "lock";
const FILES: &str = "files";
const DELIVERED: &str = "delivered";

/// The folder of one run's spool, with its lock held.
#[derive(Debug)]
pub(crate) struct SpoolFolder {
    path: PathBuf,
    /// Held until this is dropped or released.
    lock: File,
}

impl SpoolFolder {
    /// Makes the folder of a new run under `spool`, locked, with `start` as its first record.
    pub(crate) fn create(spool: &Path, start: &Start, durability: Durability) -> Result<(Self, SpoolWriter), Error> {
        // Made under another name: a recovery that scans `spool` never sees it unlocked or empty. Two processes that go on
        // with one run have the same id for it, so the name is not made of that alone.
        let new = spool.join(format!(".new-{}-{}", start.run_id, uuid::Uuid::new_v4().simple()));
        let path = spool.join(&start.run_id);
        let made = Self::fill(&new, start).and_then(|lock| match fs::rename(&new, &path) {
            Ok(()) => Ok(lock),
            // Another process was faster.
            Err(_) if exists(&path)? => Err(Error::InUse { run_id: start.run_id.clone() }),
            Err(error) => Err(Error::file("create", &path)(error)),
        });
        let lock = made.inspect_err(|_| {
            // What could be made of it is of no use; the error that matters is already on its way.
            let _ = fs::remove_dir_all(&new);
        })?;
        let folder = Self { path, lock };
        let writer = folder.writer(durability)?;
        Ok((folder, writer))
    }

    /// Appends to its records.
    pub(crate) fn writer(&self, durability: Durability) -> Result<SpoolWriter, Error> {
        SpoolWriter::append_to(&self.records(), &self.path, durability)
    }

    /// Reads its records.
    pub(crate) fn reader(&self) -> Result<SpoolReader, Error> {
        SpoolReader::open_file(&self.records())
    }

    /// How far its delivery has come.
    pub(crate) fn ledger(&self) -> Result<Ledger, Error> {
        Ledger::of(&self.path)
    }

    fn fill(new: &Path, start: &Start) -> Result<File, Error> {
        let files = new.join(FILES);
        fs::create_dir_all(&files).map_err(Error::file("create", &files))?;
        let lock_path = new.join(LOCK);
        let lock = File::create(&lock_path).map_err(Error::file("create", &lock_path))?;
        lock.try_lock().map_err(io::Error::from).map_err(Error::file("lock", &lock_path))?;
        let records = new.join(RECORDS);
        let mut bytes = FILE_HEADER.to_vec();
        put_frame(&mut bytes, |out| Record::Start(start.clone()).encode(out));
        fs::write(&records, bytes).map_err(Error::file("write", &records))?;
        Ok(lock)
    }

    /// The folder at `path` if no live process owns it, `None` if one does or it is gone.
    pub(crate) fn take_over(path: &Path) -> Result<Option<Self>, Error> {
        let lock_path = path.join(LOCK);
        let lock = match OpenOptions::new().read(true).write(true).open(&lock_path) {
            Ok(lock) => lock,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Error::file("open", lock_path)(error)),
        };
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(Error::file("lock", lock_path)(error)),
        }
        // Another recovery may have removed the folder between our opening and our locking, or died
        // while it did so: a delivered spool without records, of which the rest can go.
        // Records that cannot be looked at are no records that are gone.
        if !exists(&path.join(RECORDS))? {
            let _ = fs::remove_dir_all(path);
            return Ok(None);
        }
        Ok(Some(Self { path: path.to_owned(), lock }))
    }

    /// The spool folders under `spool`, in the order of their names. Half-made ones are left out.
    pub(crate) fn list(spool: &Path) -> Result<Vec<PathBuf>, Error> {
        let entries = match fs::read_dir(spool) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(Error::file("read", spool)(error)),
        };
        let mut folders = Vec::new();
        for entry in entries {
            let entry = entry.map_err(Error::file("read", spool))?;
            let name = entry.file_name();
            let is_run_id = name.to_str().is_some_and(|n| n.len() == 32 && n.bytes().all(|b| b.is_ascii_hexdigit()));
            if is_run_id {
                folders.push(entry.path());
            }
        }
        folders.sort();
        Ok(folders)
    }

    /// Gives the folder up: another process, or a later sync of this one, may take it over.
    pub(crate) fn release(&self) {
        if let Err(error) = self.lock.unlock() {
            tracing::warn!(spool = %self.path.display(), %error, "cannot unlock a spool");
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Our id of the run, after which the folder is named.
    pub(crate) fn run_id(&self) -> String {
        self.path.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    pub(crate) fn records(&self) -> PathBuf {
        self.path.join(RECORDS)
    }

    /// The path of the artifact copy called `name`.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.path.join(FILES).join(name)
    }

    /// Removes the spool.
    pub(crate) fn remove(&self) -> io::Result<()> {
        remove_folder(&self.path)
    }

    /// Puts the spool aside: everything in it has been delivered. Of all those put aside, the newest
    /// are kept whose records are together at most `keep` bytes long.
    pub(crate) fn retire(&self, keep: u64) -> Result<(), Error> {
        self.put_aside(keep).map_err(Error::file("put aside", &self.path))
    }

    fn put_aside(&self, keep: u64) -> io::Result<()> {
        let delivered = delivered_folder(&self.path);
        let Some((delivered, name)) = delivered.as_deref().zip(self.path.file_name()).filter(|_| keep > 0) else {
            return self.remove();
        };
        fs::create_dir_all(delivered)?;
        let files = self.path.join(FILES);
        if files.try_exists()? {
            fs::remove_dir_all(files)?;
        }
        let target = delivered.join(name);
        if target.try_exists()? {
            // Of an earlier delivery of the same run, which this one repeats or continues.
            fs::remove_dir_all(&target)?;
        }
        fs::rename(&self.path, target)?;
        trim(delivered, keep)
    }

    /// Brings the spool of the run `id` under `spool` back from those put aside, where it is there.
    pub(crate) fn bring_back(spool: &Path, id: &str) -> Result<(), Error> {
        let path = spool.join(id);
        let Some(aside) = delivered_folder(&path).map(|delivered| delivered.join(id)) else {
            return Ok(());
        };
        if !exists(&aside)? || exists(&path)? {
            return Ok(());
        }
        fs::rename(&aside, &path).map_err(Error::file("move", aside))
    }

    /// The folders put aside, beside the folder `spool`, in the order of their names.
    pub(crate) fn list_delivered(spool: &Path) -> Result<Vec<PathBuf>, Error> {
        Self::list(&spool.with_file_name(DELIVERED))
    }
}

/// Our id of the run, if its spool is below `spool` or put aside: `run_id` is that id, or the one at the destination.
pub(crate) fn known_id(spool: &Path, run_id: &str) -> Result<Option<String>, Error> {
    let mut folders = SpoolFolder::list(spool)?;
    folders.extend(SpoolFolder::list_delivered(spool)?);
    let name = |folder: &Path| folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    if let Some(ours) = folders.iter().find(|folder| name(folder) == run_id) {
        return Ok(Some(name(ours)));
    }
    let mut unreadable = None;
    for folder in &folders {
        match Ledger::of(folder) {
            Ok(ledger) if ledger.progress.server_run_id.as_deref() == Some(run_id) => return Ok(Some(name(folder))),
            Ok(_) => {}
            Err(error) => unreadable = Some(error),
        }
    }
    // It may be the very one, and a second spool would double the run.
    unreadable.map_or(Ok(None), Err)
}

/// The folder of the records of the run that we know as `id`: below `spool`, or put aside, whether it is there or not.
pub(crate) fn place_of(spool: &Path, id: &str) -> Result<PathBuf, Error> {
    let waiting = spool.join(id);
    Ok(if exists(&waiting)? { waiting } else { spool.with_file_name(DELIVERED).join(id) })
}

/// `delivered/` beside the `spool/` that holds the folder of a run.
fn delivered_folder(run: &Path) -> Option<PathBuf> {
    Some(run.parent()?.with_file_name(DELIVERED))
}

fn remove_folder(path: &Path) -> io::Result<()> {
    // `records` goes first: without it the rest is recognised as no spool (see `take_over`).
    fs::remove_file(path.join(RECORDS))?;
    fs::remove_dir_all(path)
}

/// Removes the oldest folders below `delivered`, until the records of the others are at most `keep` bytes.
fn trim(delivered: &Path, keep: u64) -> io::Result<()> {
    let mut folders: Vec<(SystemTime, u64, PathBuf)> = Vec::new();
    for entry in fs::read_dir(delivered)? {
        let path = entry?.path();
        match fs::metadata(path.join(RECORDS)) {
            Ok(records) => folders.push((records.modified()?, records.len(), path)),
            // Another process may have removed it meanwhile.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    folders.sort();
    let mut total: u64 = folders.iter().map(|(_, len, _)| len).sum();
    for (_, len, path) in folders {
        if total <= keep {
            break;
        }
        total -= len;
        match remove_folder(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}
