//! The journal of decisions: what is about to be done is on the disk before it is done, so that a killed studio finishes it at its
//! next start, and every decision can be taken back.

use std::collections::{BTreeSet, HashMap};
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::decision::Decision;
use crate::folder::OWN;
use crate::lines::Lines;

/// Decisions that can be taken back, the latest ones.
const MOST_UNDOABLE: usize = 500;

/// What becomes of the decision about one photo.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Change {
    /// The photo, from the folder that is open.
    pub(crate) photo: String,
    pub(crate) before: Option<Decision>,
    pub(crate) after: Option<Decision>,
}

/// Changes that were decided at once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub(crate) number: u64,
    /// The entry that it takes back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) undoes: Option<u64>,
    pub(crate) changes: Vec<Change>,
}

/// A line of the file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Line {
    /// It is going to be done.
    Do(Entry),
    /// It was done: the recipe files are written. A line of these may be missing, and the entry is then done again.
    Done(u64),
}

/// The journal of one folder.
#[derive(Debug)]
pub(crate) struct Journal {
    lines: Lines,
    next: u64,
    /// What can be taken back, the latest last.
    undoable: Vec<Entry>,
}

impl Journal {
    /// Opens the journal of a folder. Returns the entries, too, that may not have been done.
    pub(crate) fn open(root: &Path) -> io::Result<(Self, Vec<Entry>)> {
        let lines = Lines::at(place(root));
        let (mut open, mut undoable): (Vec<Entry>, Vec<Entry>) = (Vec::new(), Vec::new());
        let (mut next, mut done) = (0, BTreeSet::new());
        let mut latest: HashMap<String, u64> = HashMap::new();
        for line in lines.read::<Line>()? {
            match line {
                Line::Do(entry) => {
                    next = next.max(entry.number + 1);
                    remember(&mut undoable, &entry);
                    latest.extend(entry.changes.iter().map(|change| (change.photo.clone(), entry.number)));
                    open.push(entry);
                }
                Line::Done(number) => {
                    done.insert(number);
                }
            }
        }
        open.retain(|entry| !done.contains(&entry.number));
        for entry in &mut open {
            // What was decided later counts.
            entry.changes.retain(|change| latest.get(&change.photo) == Some(&entry.number));
        }
        Ok((Self { lines, next, undoable }, open))
    }

    /// Writes down changes before they are made.
    pub(crate) fn begin(&mut self, undoes: Option<u64>, changes: Vec<Change>) -> io::Result<Entry> {
        let entry = Entry { number: self.next, undoes, changes };
        self.lines.append(&Line::Do(entry.clone()))?;
        self.next += 1;
        remember(&mut self.undoable, &entry);
        Ok(entry)
    }

    /// Notes that changes were made. Where the note is lost they are made once more, which changes nothing.
    pub(crate) fn settle(&mut self, entry: &Entry) -> io::Result<()> {
        self.lines.note(&Line::Done(entry.number))
    }

    /// What would be taken back next.
    pub(crate) fn latest(&self) -> Option<&Entry> {
        self.undoable.last()
    }

    /// Forgets an entry that cannot be taken back.
    pub(crate) fn forget(&mut self, number: u64) {
        self.undoable.retain(|entry| entry.number != number);
    }
}

fn remember(undoable: &mut Vec<Entry>, entry: &Entry) {
    match entry.undoes {
        Some(undone) => undoable.retain(|entry| entry.number != undone),
        None => undoable.push(entry.clone()),
    }
    let many = undoable.len().saturating_sub(MOST_UNDOABLE);
    undoable.drain(..many);
}

fn place(root: &Path) -> PathBuf {
    root.join(OWN).join("journal.jsonl")
}
