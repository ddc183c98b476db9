//! Carries what the kernel has of a spool on to the disk, without making the caller wait.
//!
//! A record is safe from the death of the process as soon as it is written; a power cut takes what
//! the kernel still held. One `fdatasync` for all records of an interval (group commit) bounds that
//! loss at the cost of a system call every now and then, on a thread of its own.

use std::{
    fs::File,
    io,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, Thread},
    time::Duration,
};

use crate::files::sync_folder;

/// What a power cut may cost. The death of the process alone never costs anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Durability {
    /// Nothing: every call waits for the disk, which takes milliseconds.
    EveryCall,
    /// What was logged during about this time before the cut; calls do not wait.
    Within(Duration),
    /// Whatever the operating system had not written by itself, on Linux half a minute.
    Never,
}

/// The thread that forces one spool to the disk; ends, after a last time, when this is dropped.
#[derive(Debug, Default)]
pub(super) struct DiskThread {
    every_call: bool,
    thread: Option<(Thread, Arc<Signals>)>,
}

#[derive(Debug, Default)]
struct Signals {
    written: AtomicBool,
    stop: AtomicBool,
}

impl DiskThread {
    /// For `file`, the records in the spool folder `folder`.
    pub(super) fn start(file: &File, folder: &Path, durability: Durability) -> io::Result<Self> {
        match durability {
            Durability::Never => Ok(Self::default()),
            Durability::EveryCall => {
                sync_names(folder);
                Ok(Self { every_call: true, thread: None })
            }
            Durability::Within(interval) => {
                let signals = Arc::<Signals>::default();
                let (file, folder, theirs) = (file.try_clone()?, folder.to_owned(), Arc::clone(&signals));
                let work = move || force_every(interval, &file, &folder, &theirs);
                let handle = thread::Builder::new().name("dodge-tracking-disk".to_owned()).spawn(work)?;
                Ok(Self { every_call: false, thread: Some((handle.thread().clone(), signals)) })
            }
        }
    }

    /// A record has just been written to `file`.
    pub(super) fn written(&self, file: &File) -> io::Result<()> {
        if self.every_call {
            return file.sync_data();
        }
        if let Some((_, signals)) = &self.thread {
            // Looking first keeps the line of memory shared between the two threads.
            if !signals.written.load(Ordering::Relaxed) {
                signals.written.store(true, Ordering::Release);
            }
        }
        Ok(())
    }
}

impl Drop for DiskThread {
    fn drop(&mut self) {
        if let Some((thread, signals)) = &self.thread {
            signals.stop.store(true, Ordering::Release);
            thread.unpark();
        }
    }
}

fn force_every(interval: Duration, file: &File, folder: &Path, signals: &Signals) {
    let mut named = false;
    let mut warned = false;
    loop {
        thread::park_timeout(interval);
        // In this order: what is written before the stop is forced by this turn.
        let stop = signals.stop.load(Ordering::Acquire);
        // A delivered spool has served: what is left of it need not be kept from a power cut.
        if signals.written.swap(false, Ordering::AcqRel) && folder.try_exists().unwrap_or(true) {
            if !named {
                sync_names(folder);
                named = true;
            }
            if let Err(error) = file.sync_data()
                && !warned
            {
                warned = true;
                tracing::warn!(%error, spool = %folder.display(), "a power cut could cost records of this spool");
            }
        }
        if stop {
            return;
        }
    }
}

/// A new file is found after a power cut only if the folders above it were forced out, too.
fn sync_names(folder: &Path) {
    sync_folder(folder);
    folder.parent().map(sync_folder);
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn the_thread_forces_what_was_written_and_ends_with_its_owner() {
        let folder = tempfile::tempdir().unwrap();
        let mut file = File::create(folder.path().join("records")).unwrap();
        for durability in [Durability::EveryCall, Durability::Within(Duration::from_millis(5)), Durability::Never] {
            let disk = DiskThread::start(&file, folder.path(), durability).unwrap();
            file.write_all(b"x").unwrap();
            disk.written(&file).unwrap();
            let Some((_, signals)) = &disk.thread else { continue };
            let signals = Arc::clone(signals);
            while signals.written.load(Ordering::Acquire) {
                thread::sleep(Duration::from_millis(1));
            }
            drop(disk);
            // The thread held the other handle.
            while Arc::strong_count(&signals) > 1 {
                thread::sleep(Duration::from_millis(1));
            }
        }
    }
}
