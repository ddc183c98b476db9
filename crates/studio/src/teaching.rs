//! Learning from what a person kept: in the background, and then a look at how the new model would have done on the newest lessons.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use dodge_imaging::{mean_delta_e_2000, psnr_db};
use dodge_preprocess::PhotoPair;
use dodge_rl::Model;
use serde::Serialize;

use crate::decisions::Decisions;
use crate::folder::Folder;
use crate::models::{KnownModel, Models};
use crate::refusal::Refusal;

pub use dodge_preprocess::Progress;

/// Fewest lessons that are learnt from.
const LEAST_LESSONS: usize = 20;

/// The newest lessons are looked at and not learnt from: one in so many, and at most so many.
const HELD_OUT: usize = 5;
const MOST_HELD_OUT: usize = 50;

/// Longer side, in pixels, at which results are compared.
const COMPARED_SIDE: u32 = 384;

/// Lessons that are shown one by one.
const MOST_SHOWN: usize = 12;

/// What a model is taught by.
pub struct Lessons {
    /// The folder of the photos.
    pub folder: PathBuf,
    /// The photos, from the folder, with the recipes that a person kept beside them.
    pub photos: Vec<PathBuf>,
    /// The model that goes on learning.
    pub present: KnownModel,
    /// Shown to the person.
    pub progress: Arc<dyn Progress>,
    /// Becomes true when the person asks to stop.
    pub interrupted: Arc<AtomicBool>,
}

impl std::fmt::Debug for Lessons {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lessons").field("folder", &self.folder).field("photos", &self.photos).finish_non_exhaustive()
    }
}

/// What teaches a model. A studio does not know how.
pub trait Teach: Send + Sync {
    /// Teaches a model by lessons, and returns the new one. Looks now and then whether to stop.
    ///
    /// # Errors
    /// Why it could not be taught, in words for the person at the page.
    fn teach(&self, lessons: Lessons) -> Result<KnownModel, String>;
}

/// How far it is.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(tag = "is", rename_all = "lowercase")]
pub(crate) enum Standing {
    /// Nothing was asked for.
    #[default]
    Idle,
    Running {
        what: String,
        done: u64,
        total: u64,
        note: String,
    },
    Cancelled,
    Failed {
        reason: String,
    },
    Done(Outcome),
}

/// How two models would have done on the newest lessons, which neither has learnt from.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Outcome {
    /// Lessons that were learnt from.
    learnt_from: usize,
    /// The numbers of the models.
    present: usize,
    new: usize,
    /// Means over the lessons.
    before: Distance,
    untouched: Distance,
    after: Distance,
    /// Lessons of which the new model came nearer to what the person kept, and further away.
    nearer: usize,
    further: usize,
    lessons: usize,
    shown: Vec<ShownLesson>,
    /// Which one the person chose; none so far.
    pub(crate) chosen: Option<usize>,
}

/// How far results are from what a person kept.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub(crate) struct Distance {
    /// PSNR in decibels, at most 60.
    psnr_db: f64,
    /// Mean colour difference, CIEDE2000.
    delta_e: f64,
}

#[derive(Debug, Clone, Serialize)]
struct ShownLesson {
    photo: usize,
    before: Distance,
    after: Distance,
}

/// The lessons of one folder and what is learnt from them.
pub(crate) struct Teaching {
    folder: Arc<Folder>,
    teacher: Arc<dyn Teach>,
    standing: Arc<Mutex<Standing>>,
    interrupted: Mutex<Arc<AtomicBool>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Teaching {
    pub(crate) fn new(folder: Arc<Folder>, teacher: Arc<dyn Teach>) -> Self {
        let (standing, thread) = (Arc::default(), Mutex::default());
        Self { folder, teacher, standing, interrupted: Mutex::default(), thread }
    }

    pub(crate) fn standing(&self) -> Standing {
        lock(&self.standing).clone()
    }

    /// Begins to teach the present model by what was decided.
    pub(crate) fn start(&self, decisions: &Decisions, models: &Arc<Models>) -> Result<(), Refusal> {
        let mut thread = lock(&self.thread);
        if matches!(*lock(&self.standing), Standing::Running { .. }) {
            return Err(Refusal::conflict("a model is being taught already"));
        }
        let decided = decisions.all().into_iter().enumerate();
        let mut lessons: Vec<(u64, usize)> = decided.filter_map(|(id, known)| Some((known.decision?.at, id))).collect();
        if lessons.len() < LEAST_LESSONS {
            return Err(Refusal::conflict(format!(
                "{} photos are decided, at least {LEAST_LESSONS} are needed to learn from",
                lessons.len()
            )));
        }
        lessons.sort_unstable();
        let held_out = (lessons.len() / HELD_OUT).min(MOST_HELD_OUT);
        let newest: Vec<usize> = lessons.split_off(lessons.len() - held_out).into_iter().map(|(_, id)| id).collect();
        let learnt = lessons.into_iter().map(|(_, id)| id).collect();
        let interrupted = Arc::new(AtomicBool::new(false));
        *lock(&self.interrupted) = Arc::clone(&interrupted);
        *lock(&self.standing) =
            Standing::Running { what: "beginning".to_owned(), done: 0, total: 0, note: String::new() };
        let work = Work {
            folder: Arc::clone(&self.folder),
            teacher: Arc::clone(&self.teacher),
            standing: Arc::clone(&self.standing),
            models: Arc::clone(models),
            interrupted,
        };
        if let Some(before) = thread.take() {
            let _ = before.join();
        }
        *thread = Some(thread::spawn(move || work.run(learnt, &newest)));
        Ok(())
    }

    /// Asks it to stop; what was learnt is forgotten.
    pub(crate) fn cancel(&self) {
        lock(&self.interrupted).store(true, Ordering::Relaxed);
    }

    /// Makes one of the two models the present one.
    pub(crate) fn choose(&self, number: usize, models: &Models) -> Result<KnownModel, Refusal> {
        let mut standing = lock(&self.standing);
        let Standing::Done(outcome) = &mut *standing else {
            return Err(Refusal::conflict("there is no new model to choose"));
        };
        if number != outcome.present && number != outcome.new {
            return Err(Refusal::wrong(format!("model {number} is none of the two")));
        }
        models.choose(number)?;
        outcome.chosen = Some(number);
        models.get(number)
    }
}

impl Drop for Teaching {
    fn drop(&mut self) {
        self.cancel();
        if let Some(thread) = lock(&self.thread).take() {
            let _ = thread.join();
        }
    }
}

impl std::fmt::Debug for Teaching {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Teaching").field("standing", &self.standing()).finish_non_exhaustive()
    }
}

struct Work {
    folder: Arc<Folder>,
    teacher: Arc<dyn Teach>,
    standing: Arc<Mutex<Standing>>,
    models: Arc<Models>,
    interrupted: Arc<AtomicBool>,
}

impl Work {
    fn run(&self, learnt: Vec<usize>, newest: &[usize]) {
        let progress = Arc::new(Display { standing: Arc::clone(&self.standing) });
        let (number, present) = {
            let (number, all) = self.models.all();
            (number, all[number].clone())
        };
        let count = learnt.len();
        let paths = learnt.into_iter().map(|id| self.folder.photos[id].path.clone()).collect();
        let taught = self.teacher.teach(Lessons {
            folder: self.folder.root.clone(),
            photos: paths,
            present: present.clone(),
            progress: progress.clone(),
            interrupted: Arc::clone(&self.interrupted),
        });
        let standing = match taught {
            _ if self.interrupted.load(Ordering::Relaxed) => Standing::Cancelled,
            Err(reason) => Standing::Failed { reason },
            Ok(new) => {
                progress.begin("comparing", newest.len() as u64);
                match self.compare(newest, &present.model, &new.model, &*progress) {
                    Ok(compared) => Standing::Done(Outcome {
                        learnt_from: count,
                        present: number,
                        new: self.models.add(new),
                        ..compared
                    }),
                    Err(refusal) => Standing::Failed { reason: refusal.reason },
                }
            }
        };
        *lock(&self.standing) = standing;
    }

    fn compare(
        &self,
        newest: &[usize],
        present: &Model,
        new: &Model,
        progress: &dyn Progress,
    ) -> Result<Outcome, Refusal> {
        let mut outcome = Outcome {
            learnt_from: 0,
            present: 0,
            new: 0,
            before: Distance::default(),
            untouched: Distance::default(),
            after: Distance::default(),
            nearer: 0,
            further: 0,
            lessons: newest.len(),
            shown: Vec::new(),
            chosen: None,
        };
        for &id in newest {
            let (photo, recipe) = (self.folder.file(id)?, self.folder.recipe(id)?);
            let pair = PhotoPair::of_lesson(&photo, &recipe, COMPARED_SIDE).map_err(Refusal::failed)?;
            let by = |model: &Model| {
                let result = model.recipe_for(&pair.before).apply(&pair.before);
                Distance::between(&pair.after, &result)
            };
            let (before, after) = (by(present)?, by(new)?);
            let share = 1.0 / newest.len() as f64;
            outcome.before.add(before, share);
            outcome.after.add(after, share);
            outcome.untouched.add(Distance::between(&pair.after, &pair.before)?, share);
            outcome.nearer += usize::from(after.psnr_db > before.psnr_db + WORTH_A_WORD_DB);
            outcome.further += usize::from(after.psnr_db < before.psnr_db - WORTH_A_WORD_DB);
            if outcome.shown.len() < MOST_SHOWN {
                outcome.shown.push(ShownLesson { photo: id, before, after });
            }
            progress.advance(1);
        }
        Ok(outcome)
    }
}

/// Differences below are none that anybody sees.
const WORTH_A_WORD_DB: f64 = 0.1;

impl Distance {
    fn between(wanted: &dodge_imaging::Photo, result: &dodge_imaging::Photo) -> Result<Self, Refusal> {
        let psnr_db = psnr_db(wanted, result).map_err(Refusal::failed)?;
        Ok(Self { psnr_db, delta_e: mean_delta_e_2000(wanted, result).map_err(Refusal::failed)? })
    }

    fn add(&mut self, other: Self, share: f64) {
        self.psnr_db += share * other.psnr_db;
        self.delta_e += share * other.delta_e;
    }
}

/// The progress of a training, for the page.
struct Display {
    standing: Arc<Mutex<Standing>>,
}

impl Progress for Display {
    fn begin(&self, name: &str, all: u64) {
        *lock(&self.standing) = Standing::Running { what: name.to_owned(), done: 0, total: all, note: String::new() };
    }

    fn advance(&self, parts: u64) {
        if let Standing::Running { done, .. } = &mut *lock(&self.standing) {
            *done += parts;
        }
    }

    fn note(&self, text: &str) {
        if let Standing::Running { note, .. } = &mut *lock(&self.standing) {
            text.clone_into(note);
        }
    }

    fn end(&self) {}
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
