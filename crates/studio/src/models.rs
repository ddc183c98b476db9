//! The models that a studio knows: the present one, which proposes, and others to compare it with.

use std::path::PathBuf;
use std::sync::{Arc, RwLock};

use dodge_imaging::Operation;
use dodge_juror::{ClassicalJuror, Juror};
use dodge_rl::Model;

use crate::darkroom::Opened;
use crate::refusal::Refusal;

/// A model with what people call it.
#[derive(Debug, Clone)]
pub struct KnownModel {
    /// What it is called on the page.
    pub name: String,
    /// Its file; none for the model in the box.
    pub file: Option<PathBuf>,
    /// SHA-256 of its file, in hexadecimal digits.
    pub sha256: String,
    /// The model itself.
    pub model: Arc<Model>,
}

/// What a model would do to a photo.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Proposal {
    pub(crate) operations: Vec<Operation>,
    /// The longer side of the photo on which strengths in pixels count.
    pub(crate) longer_side: u32,
    pub(crate) expected_gain_db: Option<f32>,
    /// What it wanted, where the juror did not want that.
    pub(crate) vetoed: Vec<Operation>,
}

/// All models, the present one by its number.
#[derive(Debug)]
pub(crate) struct Models {
    known: RwLock<(Vec<KnownModel>, usize)>,
    juror: ClassicalJuror,
}

impl Models {
    /// The first is the present one.
    pub(crate) fn new(known: Vec<KnownModel>) -> Self {
        Self { known: RwLock::new((known, 0)), juror: ClassicalJuror::new() }
    }

    pub(crate) fn present(&self) -> KnownModel {
        let (known, present) = &*self.read();
        known[*present].clone()
    }

    /// The number of the present one, and all.
    pub(crate) fn all(&self) -> (usize, Vec<KnownModel>) {
        let (known, present) = &*self.read();
        (*present, known.clone())
    }

    pub(crate) fn get(&self, number: usize) -> Result<KnownModel, Refusal> {
        let (known, _) = &*self.read();
        known.get(number).cloned().ok_or_else(|| Refusal::unknown(format!("there is no model {number}")))
    }

    /// Adds a model without making it the present one. Returns its number.
    pub(crate) fn add(&self, model: KnownModel) -> usize {
        let mut known = self.known.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        known.0.push(model);
        known.0.len() - 1
    }

    pub(crate) fn choose(&self, number: usize) -> Result<(), Refusal> {
        self.get(number)?;
        self.known.write().unwrap_or_else(std::sync::PoisonError::into_inner).1 = number;
        Ok(())
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, (Vec<KnownModel>, usize)> {
        self.known.read().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// What a model would do, as `dodge enhance` would: the juror has its veto where a model was taught by damage. The result is
    /// looked at on the photo as the page shows it, and not at full size.
    pub(crate) fn propose(&self, model: &Model, opened: &Opened) -> Result<Proposal, Refusal> {
        let seen = opened.seen(model.configuration().working_size);
        let found = model.find(&[&seen], usize::MAX).remove(0);
        let has_lengths = found.recipe.operations().iter().any(|operation| operation.kind().has_length());
        let longer_side = if has_lengths { found.recipe.longer_side() } else { None };
        let mut proposal = Proposal {
            operations: found.recipe.operations().to_vec(),
            longer_side: longer_side.unwrap_or(opened.working.longer_side()),
            expected_gain_db: found.expected_gain_db,
            vetoed: Vec::new(),
        };
        if !model.is_taught_by_a_person() && !proposal.operations.is_empty() {
            let result = found.recipe.apply(&opened.judged);
            let scores = self.juror.score(&[&opened.judged, &result]).map_err(Refusal::failed)?;
            if scores[1] < scores[0] {
                proposal.vetoed = std::mem::take(&mut proposal.operations);
            }
        }
        Ok(proposal)
    }
}
