//! Two models on the same photo, side by side and without their names, and what people preferred.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use dodge_imaging::Operation;
use serde::{Deserialize, Serialize};

use crate::folder::{Folder, OWN};
use crate::lines::Lines;
use crate::models::{KnownModel, Proposal};
use crate::refusal::Refusal;

/// What a person likes better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Preferred {
    Left,
    Right,
    Same,
}

/// A vote, as it is stored: which of two results of a photo somebody preferred.
#[derive(Debug, Serialize, Deserialize)]
struct Preference {
    photo: String,
    left: Side,
    right: Side,
    preferred: Preferred,
    /// Seconds since 1970.
    at: u64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Side {
    model: String,
    model_sha256: String,
    operations: Vec<Operation>,
    longer_side: u32,
}

impl Side {
    pub(crate) fn of(model: &KnownModel, proposal: &Proposal) -> Self {
        Self {
            model: model.name.clone(),
            model_sha256: model.sha256.clone(),
            operations: proposal.operations.clone(),
            longer_side: proposal.longer_side,
        }
    }
}

/// The votes of one folder, and what is being looked at.
#[derive(Debug)]
pub(crate) struct Comparison {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    lines: Lines,
    /// What is shown of each photo, left and right.
    shown: HashMap<usize, (Side, Side)>,
    /// Photos that were shown: sides change places from one to the next in an order that nobody can guess by looking.
    count: u64,
    /// Votes by the names of the models, of this session and those before it.
    votes: HashMap<String, u64>,
    ties: u64,
}

/// How often each was preferred.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Tally {
    votes: Vec<(String, u64)>,
    same: u64,
    left: String,
    right: String,
}

impl Comparison {
    pub(crate) fn open(folder: &Folder) -> Self {
        let lines = Lines::at(folder.root.join(OWN).join("preferences.jsonl"));
        let mut state = State { lines, shown: HashMap::new(), count: 0, votes: HashMap::new(), ties: 0 };
        for preference in state.lines.read::<Preference>().unwrap_or_default() {
            state.count(&preference);
        }
        Self { state: Mutex::new(state) }
    }

    /// Puts two results on their sides.
    pub(crate) fn show(&self, id: usize, one: Side, other: Side) -> (Side, Side) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.count += 1;
        // A bit of a number that is well mixed from the photo and the turn (SplitMix64).
        let mut mixed = (id as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(state.count << 17);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let sides = if mixed >> 63 == 0 { (one, other) } else { (other, one) };
        state.shown.insert(id, sides.clone());
        sides
    }

    /// Stores a vote on the disk, and tells whose results these were.
    pub(crate) fn vote(&self, folder: &Folder, id: usize, preferred: Preferred, at: u64) -> Result<Tally, Refusal> {
        let photo = folder.photo(id)?.path.to_string_lossy().into_owned();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((left, right)) = state.shown.remove(&id) else {
            return Err(Refusal::conflict("these two were voted on already, or never shown"));
        };
        let (left_name, right_name) = (left.model.clone(), right.model.clone());
        let preference = Preference { photo, left, right, preferred, at };
        let cannot = |error: std::io::Error| Refusal::failed(format!("the vote cannot be written down: {error}"));
        state.lines.append(&preference).map_err(cannot)?;
        state.count(&preference);
        let mut votes: Vec<(String, u64)> =
            [&left_name, &right_name].map(|name| (name.clone(), state.votes.get(name).copied().unwrap_or(0))).to_vec();
        votes.sort();
        Ok(Tally { votes, same: state.ties, left: left_name, right: right_name })
    }
}

impl State {
    fn count(&mut self, preference: &Preference) {
        match preference.preferred {
            Preferred::Left => *self.votes.entry(preference.left.model.clone()).or_default() += 1,
            Preferred::Right => *self.votes.entry(preference.right.model.clone()).or_default() += 1,
            Preferred::Same => self.ties += 1,
        }
    }
}

impl Side {
    pub(crate) fn operations(&self) -> &[Operation] {
        &self.operations
    }

    pub(crate) fn longer_side(&self) -> u32 {
        self.longer_side
    }
}
