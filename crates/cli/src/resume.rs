//! Which run a training goes on with, from which of its checkpoints, and that nobody else writes into its folder meanwhile.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use dodge_imaging::{folder_of, synchronise_folder, temporary_beside};
use dodge_learn::Checkpoint;

use crate::failure::usage;
use crate::{runs, text};

/// The folder of checkpoints in a run's folder.
const CHECKPOINTS: &str = "checkpoints";
/// The checkpoint that a training goes on from.
const LATEST: &str = "latest.checkpoint";
/// Files of a run that ended before its photos were read: a new run may begin over them.
const OF_NO_BEGINNING: &[&str] = &[LOCK, "configuration.toml", "tracked-run-id"];
/// The file that is locked while a training writes into the folder.
const LOCK: &str = ".lock";

/// What `--resume` names.
#[derive(Debug)]
pub(crate) struct Resumed {
    /// The run's folder.
    pub(crate) run_dir: PathBuf,
    /// The checkpoint to go on from, where one was named.
    checkpoint: Option<PathBuf>,
}

impl Resumed {
    /// The run that is called so, or the run of this checkpoint file.
    pub(crate) fn find(run: &Path, volume: &Path) -> Result<Self> {
        if !run.is_file() {
            return Ok(Self { run_dir: runs::folder(run, volume)?, checkpoint: None });
        }
        let file = fs::canonicalize(run).with_context(|| format!("cannot read {}", text::shown(run)))?;
        let folder = file.parent().filter(|folder| folder.file_name().is_some_and(|name| name == CHECKPOINTS));
        let Some(run_dir) = folder.and_then(Path::parent) else {
            return Err(usage(format!(
                "{} does not lie in the folder {CHECKPOINTS} of a run: --resume takes a run or one of its checkpoints",
                text::shown(run)
            )));
        };
        // As the user wrote it, where that names the folder.
        let written = run.parent().and_then(Path::parent).filter(|it| !it.as_os_str().is_empty());
        Ok(Self { run_dir: written.unwrap_or(run_dir).to_owned(), checkpoint: Some(file) })
    }

    /// Makes the checkpoint that was named the one that the training goes on from; without one, takes the newest that is whole
    /// where the latest is damaged or missing. Nothing is removed: what was the latest gets another name.
    pub(crate) fn choose_checkpoint(&self) -> Result<()> {
        let folder = self.run_dir.join(CHECKPOINTS);
        let latest = folder.join(LATEST);
        if let Some(chosen) = &self.checkpoint {
            Checkpoint::load(chosen)?;
            if latest.canonicalize().is_ok_and(|latest| latest == *chosen) {
                return Ok(());
            }
            return put_in_place(chosen, &latest);
        }
        let damage = match Checkpoint::load(&latest) {
            Ok(_) => return Ok(()),
            Err(error) if latest.exists() => error.to_string(),
            Err(_) => format!("there is no {}", text::shown(&latest)),
        };
        let older = older_checkpoints(&folder);
        if older.is_empty() && !latest.exists() {
            // It ended before its first checkpoint, and begins anew.
            return Ok(());
        }
        let Some(whole) = older.iter().find(|path| Checkpoint::load(path).is_ok()) else {
            bail!(
                "{damage}; none of the {} other checkpoints beside it is whole: start anew, with another --out",
                older.len()
            );
        };
        tracing::warn!("{damage}; the training goes on from {}", text::shown(whole));
        put_in_place(whole, &latest)
    }
}

/// The periodic checkpoints, newest first, and at last that of the best model.
fn older_checkpoints(folder: &Path) -> Vec<PathBuf> {
    let names =
        fs::read_dir(folder).into_iter().flatten().flatten().filter_map(|entry| entry.file_name().into_string().ok());
    let mut names: Vec<String> =
        names.filter(|name| name.starts_with("step-") && name.ends_with(".checkpoint")).collect();
    // The names count steps in digits of equal number.
    names.sort_unstable_by(|a, b| b.cmp(a));
    names.push("best.checkpoint".to_owned());
    names.into_iter().map(|name| folder.join(name)).filter(|path| path.is_file()).collect()
}

/// Copies `checkpoint` to the place of `latest`, whole or not at all, after giving the file there another name.
fn put_in_place(checkpoint: &Path, latest: &Path) -> Result<()> {
    let cannot = || format!("cannot write {}", text::shown(latest));
    let mut bytes = File::open(checkpoint).with_context(|| format!("cannot read {}", text::shown(checkpoint)))?;
    let mut temporary = temporary_beside(latest).with_context(cannot)?;
    std::io::copy(&mut bytes, &mut temporary).and_then(|_| temporary.as_file().sync_all()).with_context(cannot)?;
    if latest.exists() {
        let free = |number: u32| latest.with_file_name(format!("set-aside-{number}.checkpoint"));
        let aside = (1..).map(free).find(|path| !path.exists()).unwrap_or_else(|| free(0));
        fs::rename(latest, &aside).with_context(cannot)?;
        tracing::warn!("the checkpoint that was the latest is {} now", text::shown(&aside));
    }
    temporary.persist_noclobber(latest).map_err(|error| error.error).with_context(cannot)?;
    synchronise_folder(folder_of(latest)).with_context(cannot)
}

/// Holds a run's folder for one training at a time.
#[derive(Debug)]
pub(crate) struct Held {
    path: PathBuf,
    _file: File,
}

impl Held {
    /// Makes the folder for a new run: one that has nothing in it, or what a run that failed before it began left there.
    pub(crate) fn new_folder(folder: &Path) -> Result<Self> {
        fs::create_dir_all(folder).with_context(|| format!("cannot create the folder {}", text::shown(folder)))?;
        let held = Self::folder(folder)?;
        let cannot_list = || format!("cannot list {}", text::shown(folder));
        let holds_run = [CHECKPOINTS, "used.json"].iter().any(|name| folder.join(name).exists());
        for entry in fs::read_dir(folder).with_context(cannot_list)? {
            let name = entry.with_context(cannot_list)?.file_name();
            if OF_NO_BEGINNING.iter().any(|it| name == *it) {
                continue;
            }
            let (folder, argument) = (text::shown(folder), text::argument(folder));
            return Err(usage(if holds_run {
                format!(
                    "{folder} holds a run: go on with it by `--resume {argument}`, or choose another folder with --out"
                )
            } else {
                format!("{folder} is not empty: choose another folder with --out")
            }));
        }
        Ok(held)
    }

    /// Holds a folder that there is.
    pub(crate) fn folder(folder: &Path) -> Result<Self> {
        let path = folder.join(LOCK);
        let open = File::options().create(true).truncate(false).write(true).open(&path);
        let file = open.with_context(|| format!("cannot write into {}", text::shown(folder)))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                bail!("another training writes into {}: wait for its end", text::shown(folder))
            }
            // Some network file systems have no locks.
            Err(TryLockError::Error(error)) => tracing::warn!("{} cannot be locked: {error}", text::shown(&path)),
        }
        Ok(Self { path, _file: file })
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_for_one_training_at_a_time_and_for_new_ones_empty() {
        let scratch = tempfile::tempdir().unwrap();
        let folder = scratch.path().join("run");
        let held = Held::new_folder(&folder).unwrap();
        assert!(Held::new_folder(&folder).unwrap_err().to_string().contains("another training"));
        drop(held);
        fs::write(folder.join("configuration.toml"), "").unwrap();
        drop(Held::new_folder(&folder).unwrap());
        fs::write(folder.join("notes.txt"), "").unwrap();
        assert!(Held::new_folder(&folder).unwrap_err().to_string().contains("is not empty"));
        fs::write(folder.join("used.json"), "").unwrap();
        drop(Held::folder(&folder).unwrap());
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 3, "no lock is left");
    }
}
