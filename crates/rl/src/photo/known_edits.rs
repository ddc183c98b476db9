//! The edits that are best for the photos of a training as a whole: what an agent must beat that looks at each photo.

use dodge_imaging::{Operation, Photo, psnr_db};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::photo::actions::ActionSet;
use crate::photo::environment::{Material, PhotoTask};
use crate::photo::pair_baselines::Examples;

/// Most edits of the constant edit for damaged photos.
const MOST_CONSTANT: usize = 3;

/// Most edits that a model file may name.
const MOST_EDITS: usize = 20;

/// Edits chosen on the photos of a training, to be made on any photo. A model carries them along, so that it can be held against them
/// where its training photos are not at hand; they are never chosen on the photos that are measured on.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct KnownEdits {
    /// Of the actions the one operation with the highest mean PSNR on the damaged photos, or the pairs that were edited; none where it
    /// is best to do nothing.
    pub best_single_edit: Option<Operation>,
    /// The edits with free strengths that bring these photos nearest to their originals, in the mean of the decibels: at most three
    /// for damaged photos, of every kind that has a slider for pairs. Empty where it is best to do nothing.
    pub constant_edit: Vec<Operation>,
}

impl KnownEdits {
    /// Those of a training, chosen on working photos.
    ///
    /// # Errors
    /// [`Error::Part`] for a photo whose damaged version is of another size.
    pub fn of(task: &PhotoTask) -> Result<Self, Error> {
        let size = task.environment.working_size;
        let working: Vec<(Photo, Photo)> = task
            .photos
            .par_iter()
            .filter(|photo| task.material == Material::Pairs || photo.original != photo.degraded)
            .map(|photo| (photo.original.thumbnail(size), photo.degraded.thumbnail(size)))
            .collect();
        let pairs: Vec<(&Photo, &Photo)> = working.iter().map(|(original, degraded)| (original, degraded)).collect();
        let examples = Examples::new(&pairs, size);
        let constant_edit = match task.material {
            Material::Damaged(_) => examples.few_for_all(MOST_CONSTANT),
            Material::Pairs => examples.for_all(),
        };
        Ok(Self { best_single_edit: best_single_edit(&task.actions, &pairs)?, constant_edit })
    }

    /// Whether all of them can be made on any photo without changing its size.
    pub(crate) fn is_usable(&self) -> bool {
        let mut edits = self.constant_edit.iter().chain(&self.best_single_edit);
        self.constant_edit.len() <= MOST_EDITS && !edits.any(Operation::changes_size)
    }
}

/// The operation with the highest mean PSNR over the (original, damaged) pairs that differ; none where to do nothing is better.
fn best_single_edit(actions: &ActionSet, pairs: &[(&Photo, &Photo)]) -> Result<Option<Operation>, Error> {
    let pairs: Vec<&(&Photo, &Photo)> = pairs.iter().filter(|(original, degraded)| original != degraded).collect();
    let operations = actions.candidates().into_iter().map(|(_, operation)| Some(operation));
    let candidates: Vec<Option<Operation>> = operations.chain([None]).collect();
    let totals = candidates
        .par_iter()
        .map(|candidate| {
            let edited = |photo: &Photo| candidate.map_or_else(|| photo.clone(), |operation| operation.apply(photo));
            let total: Result<f64, dodge_imaging::Error> =
                pairs.iter().map(|(original, degraded)| psnr_db(original, &edited(degraded))).sum();
            Ok((*candidate, total?))
        })
        .collect::<Result<Vec<_>, Error>>()?;
    // Of equal ones the last, which is to do nothing.
    Ok(totals.into_iter().max_by(|a, b| a.1.total_cmp(&b.1)).and_then(|(candidate, _)| candidate))
}

#[cfg(test)]
mod tests {
    use dodge_imaging::Recipe;

    use super::*;

    fn edited(photo: &Photo, text: &str) -> Photo {
        Recipe::new(vec![text.parse().unwrap()]).apply(photo)
    }

    fn original() -> Photo {
        Photo::from_fn(40, 30, |x, y| [60 + x as u8 * 2, 80 + y as u8 * 2, 100]).unwrap()
    }

    fn best(pairs: &[(Photo, Photo)]) -> Option<String> {
        let pairs: Vec<(&Photo, &Photo)> = pairs.iter().map(|(original, degraded)| (original, degraded)).collect();
        let actions = ActionSet::parse(&["lightness:10", "lightness:-10", "contrast:1.2", "warmth:0.1"]).unwrap();
        best_single_edit(&actions, &pairs).unwrap().map(|operation| operation.to_string())
    }

    #[test]
    fn undamaged_photos_have_no_say_in_the_single_edit_and_none_is_a_candidate() {
        // Two levels of lightness would be the mildest for the many that are undamaged.
        let mut pairs = vec![(original(), original()); 20];
        pairs.push((original(), edited(&original(), "lightness:-10")));
        assert_eq!(best(&pairs).as_deref(), Some("lightness:10"));
        // Every edit makes it worse.
        assert_eq!(best(&[(original(), edited(&original(), "saturation:0.97"))]), None);
        assert_eq!(best(&[]), None);
    }

    #[test]
    fn edits_that_change_the_size_or_are_too_many_are_refused() {
        let of = |single: Option<&str>, constant: &[&str]| KnownEdits {
            best_single_edit: single.map(|text| text.parse().unwrap()),
            constant_edit: constant.iter().map(|text| text.parse().unwrap()).collect(),
        };
        assert!(of(None, &[]).is_usable() && of(Some("lightness:10"), &["gamma:1.2"; 20]).is_usable());
        assert!(!of(Some("crop:16x9"), &[]).is_usable());
        assert!(!of(None, &["gamma:1.2", "crop:16x9"]).is_usable() && !of(None, &["gamma:1.2"; 21]).is_usable());
    }
}
