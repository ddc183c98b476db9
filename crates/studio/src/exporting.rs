//! Writing the results of all kept photos at their full size, in the background.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use dodge_data::FileHash;
use dodge_imaging::{Operation, Picture, Recipe};
use dodge_rl::{Existing, Source, Written, keep_inputs, result_extension, result_places, write_results};
use serde::{Deserialize, Serialize};

use crate::decision::Verdict;
use crate::decisions::Decisions;
use crate::folder::{Folder, OWN};
use crate::lines::Lines;
use crate::refusal::Refusal;

/// Photos that could not be exported and are named; the others are counted.
const MOST_NAMED: usize = 20;

/// How far an export is.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Progress {
    running: bool,
    total: usize,
    done: usize,
    /// Results that were there already.
    passed_over: usize,
    failed: usize,
    /// The first failures, in words.
    failures: Vec<String>,
    cancelled: bool,
}

/// A result that was written, for the next export: what is the same is passed over, and what a studio wrote may be replaced.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Exported {
    place: String,
    sha256: String,
    /// What the result was made from: the photo's length and time, and the recipe.
    from: Stamp,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Stamp {
    bytes: u64,
    modified: u64,
    operations: Vec<Operation>,
    longer_side: Option<u32>,
}

/// Exports of one folder.
#[derive(Debug)]
pub(crate) struct Exporter {
    folder: Arc<Folder>,
    output: PathBuf,
    progress: Arc<Mutex<Progress>>,
    cancel: Arc<AtomicBool>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Exporter {
    pub(crate) fn new(folder: Arc<Folder>, output: PathBuf) -> Self {
        Self { folder, output, progress: Arc::default(), cancel: Arc::default(), thread: Mutex::default() }
    }

    pub(crate) fn output(&self) -> &Path {
        &self.output
    }

    pub(crate) fn progress(&self) -> Progress {
        lock(&self.progress).clone()
    }

    /// Begins to export what is kept, with those photos that are right as they are where `with_left` says so.
    pub(crate) fn start(&self, decisions: &Decisions, with_left: bool) -> Result<(), Refusal> {
        let mut thread = lock(&self.thread);
        if lock(&self.progress).running {
            return Err(Refusal::conflict("an export is running already"));
        }
        let wanted = |verdict| with_left || verdict != Verdict::Left;
        let decided = decisions.all().into_iter().enumerate();
        let tasks: Vec<(usize, Recipe)> = decided
            .filter_map(|(id, known)| Some((id, known.decision.filter(|it| wanted(it.verdict))?.recipe())))
            .collect();
        if tasks.is_empty() {
            return Err(Refusal::conflict("no photo is kept yet"));
        }
        let source = |listed: &crate::folder::Listed| Source {
            path: self.folder.root.join(&listed.path),
            below: listed.path.parent().unwrap_or(Path::new("")).to_owned(),
        };
        let sources: Vec<Source> = self.folder.photos.iter().map(source).collect();
        // Of all photos, so that a result has the same name whichever are exported.
        let places = result_places(&sources, &self.output, &[], result_extension).map_err(Refusal::failed)?;
        keep_inputs(&sources, &places, &[]).map_err(Refusal::failed)?;
        self.cancel.store(false, Ordering::Relaxed);
        *lock(&self.progress) = Progress { running: true, total: tasks.len(), ..Progress::default() };
        let work = Work {
            folder: Arc::clone(&self.folder),
            places,
            record: Lines::at(self.folder.root.join(OWN).join("exports.jsonl")),
            progress: Arc::clone(&self.progress),
            cancel: Arc::clone(&self.cancel),
        };
        if let Some(before) = thread.take() {
            let _ = before.join();
        }
        *thread = Some(thread::spawn(move || work.run(&tasks)));
        Ok(())
    }

    /// Stops after the photo that is being worked on; the next export goes on.
    pub(crate) fn cancel(&self) {
        self.cancel.store(true, Ordering::Relaxed);
    }
}

impl Drop for Exporter {
    fn drop(&mut self) {
        self.cancel();
        if let Some(thread) = lock(&self.thread).take() {
            let _ = thread.join();
        }
    }
}

struct Work {
    folder: Arc<Folder>,
    places: Vec<PathBuf>,
    record: Lines,
    progress: Arc<Mutex<Progress>>,
    cancel: Arc<AtomicBool>,
}

impl Work {
    fn run(mut self, tasks: &[(usize, Recipe)]) {
        let before: HashMap<String, Exported> = self
            .record
            .read::<Exported>()
            .unwrap_or_default()
            .into_iter()
            .map(|exported| (exported.place.clone(), exported))
            .collect();
        for (id, recipe) in tasks {
            if self.cancel.load(Ordering::Relaxed) {
                lock(&self.progress).cancelled = true;
                break;
            }
            let result = self.export(*id, recipe, &before);
            let mut progress = lock(&self.progress);
            match result {
                Ok(Written::Now) => progress.done += 1,
                Ok(Written::Before) => progress.passed_over += 1,
                Err(refusal) => {
                    progress.failed += 1;
                    if progress.failures.len() < MOST_NAMED {
                        let name = self.folder.photos[*id].path.display();
                        progress.failures.push(format!("{name}: {}", refusal.reason));
                    }
                }
            }
        }
        lock(&self.progress).running = false;
    }

    /// One photo at a time: each of them keeps all cores busy for most of its way, and the page stays quick.
    fn export(&mut self, id: usize, recipe: &Recipe, before: &HashMap<String, Exported>) -> Result<Written, Refusal> {
        let (file, place) = (self.folder.file(id)?, &self.places[id]);
        let from = stamp(&file, recipe).map_err(Refusal::failed)?;
        let name = std::path::absolute(place).unwrap_or_else(|_| place.clone()).to_string_lossy().into_owned();
        let last = before.get(&name);
        let is_ours = last.is_some_and(|last| {
            std::fs::read(place).is_ok_and(|bytes| FileHash::of(&bytes).to_string() == last.sha256)
        });
        if is_ours && last.is_some_and(|last| last.from == from) {
            return Ok(Written::Before);
        }
        let picture = Picture::open(&file).map_err(Refusal::failed)?;
        let (bytes, _) = recipe.result_for(&picture, place).map_err(Refusal::failed)?;
        let sha256 = FileHash::of(&bytes).to_string();
        // What a studio wrote is a result of the same work: it may have another recipe by now.
        let existing = if is_ours { Existing::Replace } else { Existing::Keep };
        let written = write_results(&[(place.clone(), bytes)], existing).map_err(Refusal::failed)?;
        self.record.append(&Exported { place: name, sha256, from }).map_err(Refusal::failed)?;
        Ok(written)
    }
}

fn stamp(file: &Path, recipe: &Recipe) -> std::io::Result<Stamp> {
    let metadata = std::fs::metadata(file)?;
    let modified =
        metadata.modified()?.duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_nanos() as u64);
    let (operations, longer_side) = (recipe.operations().to_vec(), recipe.longer_side());
    Ok(Stamp { bytes: metadata.len(), modified, operations, longer_side })
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
