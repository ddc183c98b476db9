//! All decisions about the photos of a folder: the recipe files are what counts, the journal makes them survive anything.

use std::collections::HashMap;
use std::fs::{self, File};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use dodge_imaging::write_whole;

use crate::decision::{Decision, Found, holds};
use crate::error::Error;
use crate::folder::{Folder, Listed, OWN};
use crate::journal::{Change, Journal};
use crate::refusal::Refusal;

/// What is known of one photo.
#[derive(Debug, Clone, Default)]
pub(crate) struct Known {
    pub(crate) decision: Option<Decision>,
    /// A recipe that no studio wrote stands at its place, and stays.
    pub(crate) is_foreign: bool,
}

/// The decisions, by the numbers of the photos.
#[derive(Debug)]
pub(crate) struct Decisions {
    folder: Arc<Folder>,
    /// The photos by their paths from the folder.
    numbers: HashMap<String, usize>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    known: Vec<Known>,
    journal: Journal,
    /// Held while the studio is open; none until something is decided.
    lock: Option<File>,
}

impl Decisions {
    /// Reads what was decided before, and finishes what a killed studio had begun.
    pub(crate) fn open(folder: Arc<Folder>) -> Result<Self, Error> {
        let failed = |error: std::io::Error| Error::File {
            action: "read the journal of",
            path: folder.root.clone(),
            reason: error.to_string(),
        };
        // Before the journal is read: who else has it open may be writing.
        let lock = if folder.root.join(OWN).is_dir() { Some(locked(&folder.root)?) } else { None };
        let (mut journal, begun) = Journal::open(&folder.root).map_err(failed)?;
        let named = |(id, photo): (usize, &Listed)| Some((photo.path.to_str()?.to_owned(), id));
        let numbers: HashMap<String, usize> = folder.photos.iter().enumerate().filter_map(named).collect();
        for entry in begun {
            for change in &entry.changes {
                // What cannot be done any more is told where the decision is looked at: the file says what counts.
                if let Some(&id) = numbers.get(&*change.photo)
                    && let Err(refusal) = finish(&folder, id, change)
                {
                    tracing::warn!("a decision could not be finished: {}", refusal.reason);
                }
            }
            journal.settle(&entry).map_err(failed)?;
        }
        let known = (0..folder.photos.len()).map(|id| look(&folder, id)).collect();
        Ok(Self { folder, numbers, state: Mutex::new(State { known, journal, lock }) })
    }

    /// What is known of each photo.
    pub(crate) fn all(&self) -> Vec<Known> {
        self.state().known.clone()
    }

    pub(crate) fn of(&self, id: usize) -> Option<Known> {
        self.state().known.get(id).cloned()
    }

    /// How many photos a step back would change; none where there is nothing to take back.
    pub(crate) fn undoable(&self) -> Option<usize> {
        self.state().journal.latest().map(|entry| entry.changes.len())
    }

    /// Decides about some photos at once, or takes their decisions away. When it returns, everything is on the disk.
    pub(crate) fn decide(&self, photos: &[usize], decision: Option<&Decision>) -> Result<(), Refusal> {
        let mut state = self.state();
        let mut changes = Vec::new();
        for &id in photos {
            let photo = self.folder.photo(id)?;
            let name = photo.path.to_str().ok_or_else(|| {
                Refusal::conflict(format!("{} is no Unicode text: rename the photo first", photo.path.display()))
            })?;
            let before = state.known[id].decision.clone();
            if before.as_ref() != decision {
                changes.push(Change { photo: name.to_owned(), before, after: decision.cloned() });
            }
        }
        self.change(&mut state, None, &changes)
    }

    /// Takes the latest decision back. Returns the photos that it was about.
    pub(crate) fn undo(&self) -> Result<Vec<usize>, Refusal> {
        let mut state = self.state();
        let Some(entry) = state.journal.latest().cloned() else {
            return Err(Refusal::conflict("there is nothing to take back"));
        };
        let back = |change: &Change| Change {
            photo: change.photo.clone(),
            before: change.after.clone(),
            after: change.before.clone(),
        };
        let changes: Vec<Change> = entry.changes.iter().map(back).collect();
        let as_it_was = changes
            .iter()
            .all(|change| self.number(&change.photo).is_some_and(|id| state.known[id].decision == change.before));
        if !as_it_was {
            state.journal.forget(entry.number);
            return Err(Refusal::conflict(
                "the recipes were changed by another program since, so that this decision cannot be taken back",
            ));
        }
        let photos = changes.iter().filter_map(|change| self.number(&change.photo)).collect();
        self.change(&mut state, Some(entry.number), &changes)?;
        Ok(photos)
    }

    fn change(&self, state: &mut State, undoes: Option<u64>, changes: &[Change]) -> Result<(), Refusal> {
        if changes.is_empty() {
            return Ok(());
        }
        let numbered: Vec<(usize, &Change)> =
            changes.iter().filter_map(|change| Some((self.number(&change.photo)?, change))).collect();
        for &(id, change) in &numbered {
            self.check(id, change)?;
        }
        if state.lock.is_none() {
            state.lock = Some(locked(&self.folder.root).map_err(Refusal::failed)?);
        }
        let cannot = |error: std::io::Error| Refusal::failed(format!("the decision cannot be written down: {error}"));
        let entry = state.journal.begin(undoes, changes.to_vec()).map_err(cannot)?;
        let mut failure = None;
        for (id, change) in numbered {
            match finish(&self.folder, id, change) {
                Ok(()) => state.known[id].decision.clone_from(&change.after),
                Err(refusal) => failure = Some(refusal),
            }
        }
        match failure {
            // What was not done is in the journal, and done at the next start.
            Some(refusal) => Err(refusal),
            None => state.journal.settle(&entry).map_err(cannot),
        }
    }

    /// Nothing is replaced that no studio wrote, and nothing that was changed since.
    fn check(&self, id: usize, change: &Change) -> Result<(), Refusal> {
        let place = self.folder.recipe(id)?;
        let name = self.folder.photos[id].recipe.display();
        match (&change.before, Found::at(&place)) {
            (_, Found::Nothing) => Ok(()),
            (Some(before), Found::Decision(now)) if *before == now => Ok(()),
            (_, Found::Foreign) => Err(Refusal::conflict(format!(
                "{name} is there already, and no studio wrote it: move it away to decide here"
            ))),
            (_, Found::Decision(_)) => Err(Refusal::conflict(format!(
                "{name} was changed by another program since the studio was opened: open it again"
            ))),
        }
    }

    fn number(&self, photo: &str) -> Option<usize> {
        self.numbers.get(photo).copied()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Makes the recipe file of a photo what a change says.
fn finish(folder: &Folder, id: usize, change: &Change) -> Result<(), Refusal> {
    let place = folder.recipe(id)?;
    let name = folder.photos[id].recipe.display();
    match (&change.after, Found::at(&place)) {
        (_, Found::Foreign) => {
            Err(Refusal::conflict(format!("{name} is there already, and no studio wrote it: it was left alone")))
        }
        (None, Found::Nothing) => Ok(()),
        (None, Found::Decision(_)) => {
            fs::remove_file(&place).map_err(|error| Refusal::failed(format!("cannot remove {name}: {error}")))
        }
        (Some(after), _) => {
            let bytes = after.to_file();
            if holds(&place, &bytes) {
                return Ok(());
            }
            write_whole(&place, &bytes).map_err(|error| Refusal::failed(format!("cannot write {name}: {error}")))
        }
    }
}

fn look(folder: &Folder, id: usize) -> Known {
    let found = folder.recipe(id).map(|place| Found::at(&place));
    match found {
        Ok(Found::Decision(decision)) => Known { decision: Some(decision), is_foreign: false },
        Ok(Found::Nothing) | Err(_) => Known::default(),
        Ok(Found::Foreign) => Known { decision: None, is_foreign: true },
    }
}

/// The lock of the folder, which goes with the process.
fn locked(root: &Path) -> Result<File, Error> {
    let own = root.join(OWN);
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |error: std::io::Error| Error::File { action: "create", path, reason: error.to_string() }
    };
    fs::create_dir_all(&own).map_err(failed(&own))?;
    let path = own.join("lock");
    let file = File::options().create(true).truncate(false).write(true).open(&path).map_err(failed(&path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(fs::TryLockError::WouldBlock) => Err(Error::InUse { path: root.to_owned() }),
        // A file system without locks: then there is one studio only, as far as anybody knows.
        Err(fs::TryLockError::Error(_)) => Ok(file),
    }
}

#[cfg(test)]
mod tests {
    use dodge_imaging::{Encoding, Photo, Recipe};

    use super::*;
    use crate::decision::{Choice, Verdict};

    /// A folder with three photos.
    fn scratch() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let photo = Photo::from_fn(32, 24, |x, y| [x as u8 * 8, y as u8 * 8, 90]).unwrap();
        for name in ["a.png", "b.png", "c.png"] {
            fs::write(folder.path().join(name), photo.encode(Encoding::Png).unwrap()).unwrap();
        }
        folder
    }

    fn open(folder: &tempfile::TempDir) -> Decisions {
        let listed = Folder::open(folder.path(), &folder.path().join("out")).unwrap();
        Decisions::open(Arc::new(listed)).unwrap()
    }

    fn kept(text: &str) -> Decision {
        let steps = vec![Choice { operation: text.parse().unwrap(), on: true }];
        Decision::checked(Verdict::Kept, steps, 1600, 5).unwrap()
    }

    #[test]
    fn decisions_are_recipes_beside_the_photos_and_can_be_taken_back() {
        let folder = scratch();
        let recipe = |name: &str| Recipe::load(&folder.path().join(format!("{name}.recipe.json"))).ok();
        let decisions = open(&folder);
        assert!(!folder.path().join(OWN).exists(), "looking writes nothing");
        decisions.decide(&[0], Some(&kept("gamma:1.2"))).unwrap();
        decisions.decide(&[0, 2], Some(&kept("gamma:1.4"))).unwrap();
        assert_eq!(recipe("a"), Some(kept("gamma:1.4").recipe()));
        drop(decisions);
        // A studio that is opened again goes on, and back.
        let decisions = open(&folder);
        assert_eq!(decisions.of(2).unwrap().decision, Some(kept("gamma:1.4")));
        assert_eq!(decisions.undo().unwrap(), [0, 2]);
        assert_eq!((recipe("a"), recipe("c")), (Some(kept("gamma:1.2").recipe()), None));
        assert_eq!(decisions.undo().unwrap(), [0]);
        assert_eq!(recipe("a"), None);
        assert!(decisions.undo().is_err());
        assert_eq!(decisions.undoable(), None);
    }

    #[test]
    fn what_no_studio_wrote_stays() {
        let folder = scratch();
        let path = folder.path().join("b.recipe.json");
        Recipe::new(Vec::new()).save(&path).unwrap();
        let before = fs::read(&path).unwrap();
        let decisions = open(&folder);
        assert!(decisions.of(1).unwrap().is_foreign);
        // Nothing of the two is done.
        let refusal = decisions.decide(&[0, 1], Some(&kept("gamma:1.2"))).unwrap_err();
        assert!(refusal.reason.contains("b.recipe.json is there already"), "{}", refusal.reason);
        assert_eq!(fs::read(&path).unwrap(), before);
        assert!(!folder.path().join("a.recipe.json").exists());
        // What was changed by hand since stays as well.
        decisions.decide(&[0], Some(&kept("gamma:1.2"))).unwrap();
        let path = folder.path().join("a.recipe.json");
        fs::write(&path, kept("gamma:1.9").to_file()).unwrap();
        assert!(decisions.decide(&[0], None).unwrap_err().reason.contains("changed by another program"));
        assert!(path.exists());
    }

    #[test]
    fn what_a_killed_studio_had_begun_is_finished() {
        let folder = scratch();
        let decisions = open(&folder);
        decisions.decide(&[0], Some(&kept("gamma:1.2"))).unwrap();
        drop(decisions);
        // Killed when the journal was written, and the recipe not yet.
        let (mut journal, begun) = Journal::open(folder.path()).unwrap();
        assert!(begun.is_empty());
        let change = Change { photo: "b.png".to_owned(), before: None, after: Some(kept("gamma:1.3")) };
        journal.begin(None, vec![change]).unwrap();
        drop(journal);
        let decisions = open(&folder);
        assert_eq!(decisions.of(1).unwrap().decision, Some(kept("gamma:1.3")));
        assert!(folder.path().join("b.recipe.json").exists());
        assert_eq!(decisions.undo().unwrap(), [1]);
    }

    #[test]
    fn one_studio_has_a_folder_open() {
        let folder = scratch();
        let decisions = open(&folder);
        decisions.decide(&[0], Some(&kept("gamma:1.2"))).unwrap();
        let listed = Folder::open(folder.path(), Path::new("out")).unwrap();
        assert!(matches!(Decisions::open(Arc::new(listed)), Err(Error::InUse { .. })));
    }
}
